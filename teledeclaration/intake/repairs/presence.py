"""Which lines are filed: those with errors left out, and all of them back in."""

import polars as pl

from teledeclaration.intake.repairs.cells import Edit, edited, told_lines
from teledeclaration.intake.repairs.repair import Choice, WholeFile, Wish


def leave_out_errors(lines: pl.DataFrame, told: pl.DataFrame, _wish: Wish) -> pl.DataFrame:
    """Every line in which an error stands left out: all errors, or those of the cause."""
    asked = told_lines(lines, told.filter(pl.col("severity") == "error"))
    return edited(asked, {"left_out": Edit(pl.lit(value=True), pl.lit(value=True))}).drop("typed")


def take_back(lines: pl.DataFrame, _told: pl.DataFrame, _wish: Wish) -> pl.DataFrame:
    """Every line that was left out, back in."""
    return edited(lines, {"left_out": Edit(pl.col("left_out"), pl.lit(value=False))}).drop("typed")


def take_back_offered(_lines: pl.DataFrame, _told: pl.DataFrame, whole: WholeFile, _wish: Wish) -> tuple[Choice, ...]:
    return (Choice(name=None, lines=whole.left_out),) if whole.left_out else ()
