"""Workbooks the platform gives out to be filled: made from a form's columns, known again when they come back."""
