"""The people: movements, registrations, certificates, cards."""
