"""The law of the insured, pure: values, period and dates come in as arguments."""
