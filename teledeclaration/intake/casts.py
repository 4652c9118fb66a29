"""What a cast gives back."""

import polars as pl

from schemas.findings import Severity

PROBLEM_SCHEMA: dict[str, type[pl.DataType]] = {
    "place": pl.UInt32,
    "code": pl.String,
    "severity": pl.String,
    "expected": pl.String,
    "proposed": pl.String,
}


_NO_PROBLEMS = pl.DataFrame(schema=PROBLEM_SCHEMA)


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
        here = self.problems.filter(pl.col("place").is_between(start, start + length, closed="left"))
        return Cast(values, here.with_columns((pl.col("place") - start).cast(pl.UInt32)))


def problem_frame(
    places: pl.Series, code: str, severity: Severity, *, expected: str | None = None, proposed: pl.Series | None = None
) -> pl.DataFrame:
    """One problem a place; `proposed` has a text for each."""
    if not places.len():
        return _NO_PROBLEMS
    blank = pl.Series([None] * places.len(), dtype=pl.String)
    return pl.DataFrame(
        {
            "place": places.cast(pl.UInt32),
            "code": pl.repeat(code, places.len(), dtype=pl.String, eager=True),
            "severity": pl.repeat(severity.value, places.len(), dtype=pl.String, eager=True),
            "expected": pl.repeat(expected, places.len(), dtype=pl.String, eager=True),
            "proposed": blank if proposed is None else proposed.cast(pl.String),
        },
        schema=PROBLEM_SCHEMA,
    )
