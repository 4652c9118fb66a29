"""What could stand in an amount that cannot be read: its line's other amounts say it, by annual = sum of quarters."""

from functools import reduce

import polars as pl

from teledeclaration.intake.evaluating import select
from teledeclaration.intake.forms import QUARTERS
from teledeclaration.intake.problems import dinars, shaped, together

_UNREAD = ("amount_text", "error_cell", "formula_without_value")
_QUARTERS = tuple(f"q{quarter}_amount" for quarter in QUARTERS)


def with_proposed_amounts(findings: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """The same findings, with the amount that the other four of its line leave, where they can all be read."""
    wanted = pl.col("code").is_in(_UNREAD) & pl.col("field").str.ends_with("_amount") & pl.col("proposed").is_null()
    if findings.is_empty() or not select(findings, wanted.any().alias("")).item():
        return findings
    frames = [findings.filter(~wanted)]
    for key, group in findings.filter(wanted).group_by("field", maintain_order=True):
        left = lines.select("line_number", left=_left_over(str(key[0])))
        joined = group.join(left, on="line_number", how="left", maintain_order="left")
        frames.append(shaped(joined.with_columns(proposed=pl.when(pl.col("left") >= 0).then(dinars(pl.col("left"))))))
    return together(frames)


def _left_over(field: str) -> pl.Expr:
    others = [pl.col(name) for name in _QUARTERS if name != field]
    total = reduce(lambda left, right: left + right, others)
    return total if field == "annual_amount" else pl.col("annual_amount") - total
