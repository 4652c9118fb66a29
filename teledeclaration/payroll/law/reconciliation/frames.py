"""What a comparison reads and what it answers, as columns. Amounts are centimes, `quarter` is 1 to 4."""

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from teledeclaration.legislation import Legislation
from teledeclaration.payroll.law.annual_checks import AnnualRules

Schema = dict[str, type[pl.DataType]]

QUARTERS = (1, 2, 3, 4)
UNITS = {"J": "days", "H": "hours", "M": "months"}

_PERSON: Schema = {
    "item": pl.Int32,
    "nss": pl.String,
    "last_name": pl.String,
    "first_name": pl.String,
    "birth_date": pl.Date,
}
_TIME: Schema = {"days": pl.Int64, "hours": pl.Int64, "months": pl.Int64}

PERIODIC_LINES: Schema = {
    **_PERSON,
    "rate_category": pl.String,
    "quarter": pl.Int8,
    "month": pl.Int8,
    "complement": pl.Boolean,
    "base": pl.Int64,
    "duration": pl.Int64,
    "unit": pl.String,
    "workers": pl.Int64,
}
"""Lines of standing periodic declarations. `month` is 1 to 3 in its quarter, null where a quarter was declared."""

PERIODIC: Schema = {
    **_PERSON,
    "rate_category": pl.String,
    "quarter": pl.Int8,
    "base": pl.Int64,
    "month_1": pl.Int64,
    "month_2": pl.Int64,
    "month_3": pl.Int64,
    "completed": pl.Int64,
    **_TIME,
    "workers": pl.Int64,
}
"""The bases of standing periodic declarations by person, quarter and category. A row without a name is of a rate
category in all, by so many `workers`. `month_n`: of that month of the quarter, null where not declared by month;
`completed`: what of the base came by complements."""

ANNUAL: Schema = {
    **_PERSON,
    **{
        name: kind
        for quarter in QUARTERS
        for name, kind in (
            (f"q{quarter}_duration", pl.Int64),
            (f"q{quarter}_unit", pl.String),
            (f"q{quarter}_amount", pl.Int64),
        )
    },
    "entry_date": pl.Date,
    "exit_date": pl.Date,
    "rate_category": pl.String,
}
"""The lines of the annual declaration that stands, or would."""

LAST_YEAR: Schema = {**_PERSON, "base": pl.Int64, **_TIME}
"""By person, what the annual declaration of the year before says: the year's base, and its time by unit."""

SPELLS: Schema = {**_PERSON, "entry_date": pl.Date, "exit_date": pl.Date}
"""Who works there, by the employment register; no exit date while they do."""

PERIODS: Schema = {
    "item": pl.Int32,
    "period": pl.String,
    "quarter": pl.Int8,
    "month": pl.Int8,
    "by_person": pl.Boolean,
    "headcount": pl.Int64,
}
"""The periods declared. `month` is 1 to 3 in its quarter, null for a quarter; `by_person`: each of them, not totals."""

CENTRES: Schema = {"item": pl.Int32, "annual": pl.Boolean, "registered": pl.Boolean}
"""Of each item: whether it has an annual declaration or draft, and whether the register knows anybody there."""


@dataclass(frozen=True)
class Rules:
    """The law of the year, and our own thresholds (no law's): a monthly pay `jump_times` last year's, or as much less,
    is a doubt; a pay `lacking_within` (in hundredths) of the other months' is a month's that was not declared."""

    year: int
    legislation: Legislation
    annual: AnnualRules
    jump_times: int = 3
    lacking_within: int = 50


@dataclass(frozen=True)
class Inputs:
    """All there is to compare, of one centre's year or of many."""

    centres: pl.DataFrame
    periods: pl.DataFrame
    periodic: pl.DataFrame
    annual: pl.DataFrame
    spells: pl.DataFrame
    last_year: pl.DataFrame


FACTS: Schema = {
    "annual": pl.Int64,
    "periodic": pl.Int64,
    "amount": pl.Int64,
    "month": pl.String,
    "other_quarter": pl.String,
    "other_nss": pl.String,
    "first_day": pl.Date,
    "last_day": pl.Date,
    "time": pl.Int64,
    "unit": pl.String,
    "most": pl.Int64,
    "times": pl.Int64,
    "people": pl.Int64,
    "category": pl.String,
    "other_category": pl.String,
}
"""What the words of a difference may name."""

FOUND: Schema = {
    "item": pl.Int32,
    "kind": pl.String,
    "period": pl.String,
    "quarter": pl.Int8,
    "who": pl.String,
    "nss": pl.String,
    "last_name": pl.String,
    "first_name": pl.String,
    "birth_date": pl.Date,
    "declared": pl.Int64,
    "expected": pl.Int64,
    "cause": pl.String,
    "action": pl.String,
    **{f"fact_{name}": kind for name, kind in FACTS.items()},
}
"""A difference before it is priced."""

PRICED: Schema = {"found": pl.UInt32, "quarter": pl.Int8, "rate_category": pl.String, "base": pl.Int64}
"""The bases (signed) a difference is priced by: of row `found` of the differences."""


@dataclass
class Findings:
    """Differences as they are found, and what each is priced by."""

    found: list[pl.DataFrame] = field(default_factory=list)
    priced: list[pl.DataFrame] = field(default_factory=list)
    count: int = 0

    def add(self, rows: pl.DataFrame, kind: str | pl.Expr, **said: pl.Expr) -> None:
        """Differences with one base each: the columns of FOUND that `rows` has or are `said`, and `priced_base`, of its
        `quarter` and `rate_category`, where it is worth something."""
        rows = _said(rows, kind, said)
        prices = None
        if "priced_base" in rows.columns:
            prices = rows.with_row_index("row").select("row", "quarter", "rate_category", base="priced_base")
        self._add(rows, prices)

    def add_with(self, rows: pl.DataFrame, prices: pl.DataFrame, kind: str | pl.Expr, **said: pl.Expr) -> None:
        """The same with several bases: `prices` has `row` (the place in `rows`), quarter, rate_category, base."""
        self._add(_said(rows, kind, said), prices)

    def _add(self, rows: pl.DataFrame, prices: pl.DataFrame | None) -> None:
        if prices is not None:
            priced = prices.with_columns(found=pl.col("row") + self.count).filter(pl.col("base") != 0)
            self.priced.append(shaped(priced, PRICED))
        self.found.append(shaped(rows, FOUND))
        self.count += rows.height


def _said(rows: pl.DataFrame, kind: str | pl.Expr, said: dict[str, pl.Expr]) -> pl.DataFrame:
    return rows.with_columns(kind=pl.lit(kind) if isinstance(kind, str) else kind, **said)


def shaped(rows: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """The columns of a schema in its order; what is not there is null."""
    there: list[Any] = [
        pl.col(name).cast(kind) if name in rows.columns else pl.lit(None, kind).alias(name)
        for name, kind in schema.items()
    ]
    return rows.select(there)


def quarter_code(year: int) -> pl.Expr:
    """The code of the column `quarter`: 2025-Q1."""
    return pl.format(f"{year:04d}-Q{{}}", "quarter")
