"""The room's JSON door."""
