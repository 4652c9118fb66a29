"""Mistakes with one cause, and one repair for each: pure, whole columns at once.

A repair reads stored lines (`payroll.queries.lines.LINE_SCHEMA`) and answers which cells it would change; whoever
applies it stores them. The table of all repairs is `table.REPAIRS`.
"""
