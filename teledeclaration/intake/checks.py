"""What a check is: a column expression with a code, a severity and its words elsewhere."""

from collections.abc import Callable, Sequence
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
    """All the checks of a form for one year."""

    checks: tuple[Check, ...] = ()
    between_rows: tuple[RowsCheck, ...] = ()
    required: dict[str, Severity] = field(default_factory=dict)


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
