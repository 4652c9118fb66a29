"""Why an annual and a periodic base differ, where the figures tell; at most one cause for each, the surest first."""

from collections.abc import Iterable
from functools import reduce

import polars as pl

from teledeclaration.payroll.law.reconciliation.frames import Rules

_MONTHS = ("month_1", "month_2", "month_3")
_LACKING = ("lacks_1", "lacks_2", "lacks_3")
_ROUNDED_BY = 300  # a dinar for each month of the quarter, in centimes
_PERSON = ["item", "who"]

_ACTIONS = {
    "late_complement": "mend_annual",
    "written_in_centimes": "mend_annual",
    "periodic_in_centimes": "replace",
    "declared_twice": "replace",
    "digits_swapped": "mend_annual",
    "quarter_shifted": "mend_annual",
    "rounded": "mend_annual",
    "period_undeclared": "complete",
    "month_missing": "complete",
}
"""What to do about a difference of known cause."""


def with_causes(differing: pl.DataFrame, lacking: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """The differing rows with `cause`, `action`, and what the words of the cause name: `fact_month`,
    `fact_other_quarter`.

    `lacking`: item, quarter, and whether no periodic declaration was filed for its months (`lacks_1` … 3).
    """
    if differing.is_empty():
        return differing
    rows = _with_neighbours(differing).join(lacking, on=["item", "quarter"], how="left", maintain_order="left")
    rows = rows.with_columns(pl.col(_LACKING).fill_null(value=False)).with_columns(cause=_cause(rules))
    default = pl.when(pl.col("delta") > 0).then(pl.lit("complete")).otherwise(pl.lit("mend_annual"))
    action = pl.col("cause").replace_strict(_ACTIONS, default=None, return_dtype=pl.String)
    return rows.with_columns(
        action=pl.coalesce(action, default),
        fact_month=_month(rules.year),
        fact_other_quarter=_other_quarter(rules.year),
    )


def _with_neighbours(differing: pl.DataFrame) -> pl.DataFrame:
    """What the person's quarters before and after differ by."""
    near = differing.select(*_PERSON, "quarter", "delta")
    for name, step in (("delta_before", 1), ("delta_after", -1)):
        moved = near.rename({"delta": name}).with_columns((pl.col("quarter") + step).cast(pl.Int8))
        differing = differing.join(moved, on=[*_PERSON, "quarter"], how="left", maintain_order="left")
    return differing


def _cause(rules: Rules) -> pl.Expr:
    """The first that holds."""
    annual, periodic, delta = pl.col("annual"), pl.col("periodic"), pl.col("delta")
    both = (annual != 0) & (periodic != 0)
    found = [
        ("late_complement", (pl.col("completed") != 0) & (delta == -pl.col("completed"))),
        ("written_in_centimes", both & (annual == 100 * periodic)),
        ("periodic_in_centimes", both & ((periodic == 100 * annual) | _any(map(_in_centimes, _MONTHS)))),
        ("declared_twice", both & ((periodic == 2 * annual) | _any(map(_twice, _MONTHS)))),
        ("quarter_shifted", _moved_from_before() | _moved_to_after()),
        ("rounded", both & (delta.abs() < _ROUNDED_BY) & ((annual % 100 == 0) | (periodic % 100 == 0))),
        ("digits_swapped", both & (delta % 9 == 0) & _swapped()),
        ("period_undeclared", (delta > 0) & _any(map(pl.col, _LACKING)) & (_is_the_lacking(rules) | (periodic == 0))),
        ("month_missing", (delta > 0) & ~_any(map(pl.col, _LACKING)) & _is_the_lacking(rules)),
    ]
    return pl.coalesce(
        *(pl.when(holds.fill_null(value=False)).then(pl.lit(name)) for name, holds in found), pl.lit(None, pl.String)
    )


def _any(conditions: Iterable[pl.Expr]) -> pl.Expr:
    return reduce(lambda one, other: one | other, (one.fill_null(value=False) for one in conditions))


def _in_centimes(month: str) -> pl.Expr:
    """A month's base was declared a hundred times too much, or a hundred times too little."""
    base, delta = pl.col(month), pl.col("delta")
    return (base > 0) & ((-100 * delta == 99 * base) | (delta == 99 * base))


def _twice(month: str) -> pl.Expr:
    """Half of what was declared for a month is just what is too much."""
    return (pl.col(month) > 0) & (pl.col(month) == -2 * pl.col("delta"))


def _moved_from_before() -> pl.Expr:
    return pl.col("delta_before") == -pl.col("delta")


def _moved_to_after() -> pl.Expr:
    return pl.col("delta_after") == -pl.col("delta")


def _swapped() -> pl.Expr:
    """The same digits in another order: of the quarter, or of one of its months with the others as they are."""
    quarter = _digits(pl.col("annual")) == _digits(pl.col("periodic"))
    months = (
        (pl.col(month) > 0) & (_digits(pl.col(month)) == _digits(pl.col(month) + pl.col("delta"))) for month in _MONTHS
    )
    return quarter | _any(months)


def _digits(number: pl.Expr) -> pl.Expr:
    return number.cast(pl.String).str.split("").list.sort().list.join("")


def _is_the_lacking(rules: Rules) -> pl.Expr:
    """What is missing is about the pay of as many months as the person was not declared for, by the other months."""
    present = pl.sum_horizontal(pl.col(month).is_not_null().cast(pl.Int64) for month in _MONTHS)
    lacking = len(_MONTHS) - present
    mean_by_present = lacking * pl.sum_horizontal(pl.col(month).fill_null(0) for month in _MONTHS)
    off = (pl.col("delta") * present - mean_by_present).abs()
    return (present > 0) & (lacking > 0) & (100 * off <= rules.lacking_within * mean_by_present)


def _month(year: int) -> pl.Expr:
    """The month a cause is about."""
    cause = pl.col("cause")
    about = [
        pl.when(
            ((cause == "period_undeclared") & pl.col(lacks))
            | ((cause == "month_missing") & pl.col(month).is_null())
            | ((cause == "declared_twice") & _twice(month))
            | ((cause == "periodic_in_centimes") & _in_centimes(month))
        ).then(_month_code(year, place))
        for place, (month, lacks) in enumerate(zip(_MONTHS, _LACKING, strict=True), start=1)
    ]
    return pl.coalesce(about)


def _month_code(year: int, place: int) -> pl.Expr:
    """The code of a month by its place (1 to 3) in the row's quarter."""
    number = pl.col("quarter").cast(pl.Int64) * 3 - 3 + place
    return pl.format(f"{year:04d}-{{}}", number.cast(pl.String).str.zfill(2))


def _other_quarter(year: int) -> pl.Expr:
    """The neighbouring quarter that has what is missing here, or lacks what is too much."""
    number = pl.col("quarter").cast(pl.Int64) + pl.when(_moved_from_before()).then(-1).otherwise(1)
    return pl.when(pl.col("cause") == "quarter_shifted").then(pl.format(f"{year:04d}-Q{{}}", number))
