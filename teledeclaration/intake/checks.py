"""What a check is: a column expression with a code, a severity and its words elsewhere."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from schemas.findings import Severity
from teledeclaration.intake.evaluating import FEW_ROWS, kept, select, with_columns
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
    return select(lines, **rules.most).row(0, named=True) if rules.most else {}


def with_most(lines: pl.DataFrame, most: Mapping[str, float | None]) -> pl.DataFrame:
    """The lines with what is plausible beside them."""
    return with_columns(lines, (pl.lit(value, pl.Float64).alias(f"most_{name}") for name, value in most.items()))


def blank(name: str) -> pl.Expr:
    """Whether the line's cell of this field is empty, not merely unreadable: in a check's condition only."""
    return pl.col(name).is_null() & ~pl.col(f"unread_{name}")


def _with_unread(lines: pl.DataFrame) -> pl.DataFrame:
    """The lines with `unread_<field>`: whether `raw` keeps a text of that field."""
    fields = [name for name in lines.columns if name not in ("line_number", "row", "raw")]
    if lines["raw"].null_count() == lines.height:
        nothing = pl.Series([False]).new_from_index(0, lines.height)
        return lines.hstack([nothing.alias(f"unread_{name}") for name in fields])
    kept_text = {f"unread_{name}": pl.col("raw").str.contains(f'"{name}"', literal=True) for name in fields}
    return with_columns(lines, **{name: text.fill_null(value=False) for name, text in kept_text.items()})


def run(checks: Sequence[Check], lines: pl.DataFrame) -> pl.DataFrame:
    """The findings of all checks on all lines: every condition in one pass, then only the lines it names."""
    if not lines.height:
        return together([])
    lines = _with_unread(lines)
    told = _told(checks, lines).get_columns()
    frames = [_findings(check, kept(lines, true)) for check, true in zip(checks, told, strict=True) if true.any()]
    return together(frames)


def _told(checks: Sequence[Check], lines: pl.DataFrame) -> pl.DataFrame:
    """A column a check; over many lines what several checks share is worked out once."""
    conditions = [check.when.alias(str(place)) for place, check in enumerate(checks)]
    return lines.lazy().select(conditions).collect() if lines.height > FEW_ROWS else select(lines, conditions)


def _findings(check: Check, lines: pl.DataFrame) -> pl.DataFrame:
    nothing = pl.lit(None, pl.String)
    return select(
        lines,
        "line_number",
        "row",
        field=pl.lit(check.field),
        code=pl.lit(check.code),
        severity=pl.lit(check.severity.value),
        expected=nothing if check.expected is None else check.expected.cast(pl.String),
        proposed=nothing if check.proposed is None else check.proposed.cast(pl.String),
    )
