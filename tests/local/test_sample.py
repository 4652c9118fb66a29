"""The sample fund: whole, the same every time, put in once, and never into another fund's database."""
