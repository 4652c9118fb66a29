"""The room's SQL, one statement a function, by what it is about."""
