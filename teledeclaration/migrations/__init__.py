"""The schema, step by step: `NNNN_name.sql`, forward only, one transaction each."""
