"""What a cast gives back."""

import polars as pl

from schemas.findings import Severity
from teledeclaration.intake.evaluating import kept, select

PROBLEM_SCHEMA: dict[str, type[pl.DataType]] = {
    "place": pl.UInt32,
    "code": pl.String,
    "severity": pl.String,
    "expected": pl.String,
    "proposed": pl.String,
}


_NO_PROBLEMS = pl.DataFrame(schema=PROBLEM_SCHEMA)
_NO_PLACES = pl.Series(dtype=pl.UInt32)


class Cast:
    """A column's values, and the places where reading them went wrong or left a doubt."""

    def __init__(self, values: pl.Series, *problems: pl.DataFrame) -> None:
        self.values = values
        told = [frame for frame in problems if frame.height]
        self.problems = pl.concat(told) if told else _NO_PROBLEMS

    def part(self, start: int, length: int) -> "Cast":
        """The cast of some rows that follow on each other, as a column of its own."""
        values = self.values.slice(start, length)
        if not self.problems.height:
            return Cast(values)
        places = self.problems["place"]
        here = kept(self.problems, (places >= start) & (places < start + length))
        return Cast(values, here.with_columns(here["place"] - start) if start else here)


def places_of(told: pl.Series) -> pl.Series:
    """The rows for which `told` is true, from 0."""
    return told.arg_true() if told.any() else _NO_PLACES


def problem_frame(
    places: pl.Series, code: str, severity: Severity, *, expected: str | None = None, proposed: pl.Series | None = None
) -> pl.DataFrame:
    """One problem a place; `proposed` has a text for each."""
    if not places.len():
        return _NO_PROBLEMS
    blank = pl.Series([None], dtype=pl.String).new_from_index(0, places.len())
    told = pl.DataFrame({"place": places, "proposed": blank if proposed is None else proposed.cast(pl.String)})
    return select(
        told,
        pl.col("place").cast(pl.UInt32),
        pl.lit(code).alias("code"),
        pl.lit(severity.value).alias("severity"),
        pl.lit(expected, pl.String).alias("expected"),
        "proposed",
    )
