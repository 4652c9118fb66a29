"""What a check is: a column expression with a code, a severity and its words elsewhere."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from schemas.findings import Severity
from teledeclaration.intake.problems import together

RowsCheck = Callable[[pl.DataFrame], pl.DataFrame]
"""A check between rows: the lines in, findings out (`line_number` and what a finding has)."""


@dataclass(frozen=True)
class Check:
    """A line is told when `when` is true for it; null counts as false. `expected` and `proposed` are texts."""

    code: str
    severity: Severity
    field: str
    when: pl.Expr
    expected: pl.Expr | None = None
    proposed: pl.Expr | None = None


@dataclass(frozen=True)
class Rules:
    """All the checks of a form for one year.

    `between_rows` compare lines of one person, `of_all` say something of the file as a whole, from its amounts and
    times. `most` is what all lines together make plausible, by field: each line's checks find it in `most_<field>`.
    """

    checks: tuple[Check, ...] = ()
    between_rows: tuple[RowsCheck, ...] = ()
    of_all: tuple[RowsCheck, ...] = ()
    most: dict[str, pl.Expr] = field(default_factory=dict)
    required: dict[str, Severity] = field(default_factory=dict)


def most_of(rules: Rules, lines: pl.DataFrame) -> dict[str, float | None]:
    """What these lines together make plausible, by field; None where they say nothing."""
    return lines.select(**rules.most).row(0, named=True) if rules.most else {}


def with_most(lines: pl.DataFrame, most: Mapping[str, float | None]) -> pl.DataFrame:
    """The lines with what is plausible beside them."""
    return lines.with_columns(pl.lit(value, pl.Float64).alias(f"most_{name}") for name, value in most.items())


def unreadable(name: str) -> pl.Expr:
    """Whether the line's cell of this field holds something that could not be read."""
    return pl.col("raw").str.contains(f'"{name}"', literal=True).fill_null(value=False) & pl.col(name).is_null()


def blank(name: str) -> pl.Expr:
    """Whether the line's cell of this field is empty, not merely unreadable."""
    return pl.col(name).is_null() & ~unreadable(name)


def run(checks: Sequence[Check], lines: pl.DataFrame) -> pl.DataFrame:
    """The findings of all checks on all lines: every condition in one pass, then only the lines it names."""
    if not lines.height:
        return together([])
    named = {f"check_{place}": check for place, check in enumerate(checks)}
    told = lines.select(check.when.fill_null(value=False).alias(name) for name, check in named.items())
    counts = told.select(pl.all().sum()).row(0, named=True)
    frames = [_findings(named[name], lines.filter(told[name])) for name, count in counts.items() if count]
    return together(frames)


def _findings(check: Check, lines: pl.DataFrame) -> pl.DataFrame:
    nothing = pl.lit(None, pl.String)
    return lines.select(
        "line_number",
        "row",
        field=pl.lit(check.field),
        code=pl.lit(check.code),
        severity=pl.lit(check.severity.value),
        expected=nothing if check.expected is None else check.expected.cast(pl.String),
        proposed=nothing if check.proposed is None else check.proposed.cast(pl.String),
    )
