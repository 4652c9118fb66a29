"""The room's changes of state: one transaction each, journaled, then the job is sent."""
