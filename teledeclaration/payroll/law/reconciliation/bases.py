"""Annual against periodic: the bases of each person and quarter, and those of which the two differ."""

import polars as pl

from teledeclaration.payroll.law.reconciliation.causes import with_causes
from teledeclaration.payroll.law.reconciliation.frames import (
    PERIODIC,
    QUARTERS,
    UNITS,
    Findings,
    Rules,
    quarter_code,
    shaped,
)

PERSON_QUARTER = ["item", "who", "quarter"]
_NAMES = ("last_name", "first_name", "birth_date")
_MONTHS = ("month_1", "month_2", "month_3")
_TIME = tuple(UNITS.values())
_TIME_PERIODIC = tuple(f"{name}_periodic" for name in _TIME)


def periodic_by_quarter(lines: pl.DataFrame) -> pl.DataFrame:
    """Periodic lines (PERIODIC_LINES) summed by person, quarter and category: PERIODIC."""
    unnumbered = pl.when(pl.col("nss").is_null())
    key = ["item", "nss", *(unnumbered.then(name).alias(f"of_{name}") for name in _NAMES), "rate_category", "quarter"]
    summed = lines.group_by(key).agg(
        pl.col(_NAMES).first(),
        pl.col("base").sum(),
        *(_base_of(place, month) for place, month in enumerate(_MONTHS, start=1)),
        pl.col("base").filter("complement").sum().alias("completed"),
        *(pl.col("duration").filter(pl.col("unit") == unit).sum().alias(name) for unit, name in UNITS.items()),
        pl.col("workers").sum(),
    )
    return shaped(summed, PERIODIC)


def _base_of(place: int, month: str) -> pl.Expr:
    """What was declared of a month of the quarter; null where nothing was."""
    of = pl.col("base").filter(pl.col("month") == place)
    return pl.when(of.len() > 0).then(of.sum()).alias(month)


def annual_by_quarter(annual: pl.DataFrame) -> pl.DataFrame:
    """The annual lines as one row a person, quarter and category: base, and time by unit."""
    quarters = [
        annual.select(
            "item",
            "who",
            "rate_category",
            quarter=pl.lit(quarter, pl.Int8),
            base=pl.col(f"q{quarter}_amount").fill_null(0),
            **{
                name: pl.when(pl.col(f"q{quarter}_unit") == unit).then(f"q{quarter}_duration").fill_null(0)
                for unit, name in UNITS.items()
            },
        )
        for quarter in QUARTERS
    ]
    return pl.concat(quarters).group_by(*PERSON_QUARTER, "rate_category").agg(pl.col("base", *_TIME).sum())


def periodic_quarters(periodic: pl.DataFrame) -> pl.DataFrame:
    """Keyed PERIODIC rows by person and quarter: base and times."""
    return periodic.group_by(PERSON_QUARTER).agg(pl.col("base", *_TIME).sum())


def _months() -> list[pl.Expr]:
    """The months' sums, null where none of them was declared by month."""
    return [pl.when(pl.col(month).is_not_null().any()).then(pl.col(month).sum()).alias(month) for month in _MONTHS]


def together(annual: pl.DataFrame, periodic: pl.DataFrame, *, merged: bool) -> pl.DataFrame:
    """Both sides by person, quarter and category: `annual` and `periodic` bases, months, and the times of each side.

    `merged`: some periodic rows now bear the key of others.
    """
    key = [*PERSON_QUARTER, "rate_category"]
    ours = annual.rename({"base": "annual"})
    theirs = periodic.select(
        *key, "completed", *_MONTHS, pl.col("base").alias("periodic"), pl.col(_TIME).name.suffix("_periodic")
    )
    if merged:
        theirs = theirs.group_by(key).agg(*_months(), pl.col("completed", "periodic", *_TIME_PERIODIC).sum())
    both = ours.join(theirs, on=key, how="full", coalesce=True)
    return both.with_columns(pl.col("annual", "periodic", "completed", *_TIME, *_TIME_PERIODIC).fill_null(0))


def by_person(both: pl.DataFrame) -> pl.DataFrame:
    """The same by person and quarter, with `mixed` where the categories differ though the sums may not.

    Times are those of the annual side, or of the periodic one where that tells none.
    """
    sums = both.group_by(PERSON_QUARTER).agg(
        pl.col("annual", "periodic", "completed", *_TIME, *_TIME_PERIODIC).sum(),
        *_months(),
        (pl.col("annual") != pl.col("periodic")).any().alias("mixed"),
        pl.col("rate_category").min(),
    )
    told = pl.any_horizontal(pl.col(name) > 0 for name in _TIME)
    times = (pl.when(told).then(name).otherwise(f"{name}_periodic").alias(name) for name in _TIME)
    return sums.with_columns(*times, delta=pl.col("annual") - pl.col("periodic")).drop(_TIME_PERIODIC)


def compare_bases(
    findings: Findings,
    sums: pl.DataFrame,
    both: pl.DataFrame,
    lacking: pl.DataFrame,
    rules: Rules,
) -> None:
    """Bases that differ, with their cause; and the same base under another category.

    `sums`: as `by_person`, of the quarters that are compared by person and of people who were there; `lacking`: the
    months that no periodic declaration was filed for.
    """
    differing = sums.filter(pl.col("mixed"))
    if differing.is_empty():
        return
    unequal = with_causes(differing.filter(pl.col("delta") != 0), lacking, rules)
    undeclared = (pl.col("cause") == "period_undeclared").fill_null(value=False)
    if unequal.height:
        _add(findings, unequal.filter(~undeclared), both, rules)
        _add_undeclared(findings, unequal.filter(undeclared), both)
    _add(findings, _other_category(differing.filter(pl.col("delta") == 0), both), both, rules)


def _add(findings: Findings, rows: pl.DataFrame, both: pl.DataFrame, rules: Rules) -> None:
    """Differences by person and quarter, each priced by what its categories differ by."""
    if rows.is_empty():
        return
    prices = rows.with_row_index("row").select("row", *PERSON_QUARTER).join(both, on=PERSON_QUARTER)
    findings.add_with(
        rows,
        prices.select("row", "quarter", "rate_category", base=pl.col("annual") - pl.col("periodic")),
        _kind(),
        period=quarter_code(rules.year),
        declared=pl.col("annual"),
        expected=pl.col("periodic"),
        fact_annual=pl.col("annual"),
        fact_periodic=pl.col("periodic"),
    )


def _add_undeclared(findings: Findings, rows: pl.DataFrame, both: pl.DataFrame) -> None:
    """Everyone whom a month without a declaration explains: one difference for the month."""
    if rows.is_empty():
        return
    months = (
        rows.group_by("item", "quarter", "fact_month")
        .agg(pl.col("annual", "periodic").sum(), fact_people=pl.len())
        .sort("item", "fact_month")
        .with_row_index("row")
    )
    about = rows.select(*PERSON_QUARTER, "fact_month").join(months, on=["item", "quarter", "fact_month"])
    prices = about.select("row", *PERSON_QUARTER).join(both, on=PERSON_QUARTER)
    prices = prices.group_by("row", "quarter", "rate_category").agg(
        base=pl.col("annual").sum() - pl.col("periodic").sum()
    )
    findings.add_with(
        months.drop("row"),
        prices,
        "period_undeclared",
        period=pl.col("fact_month"),
        declared=pl.col("annual"),
        expected=pl.col("periodic"),
        action=pl.lit("complete"),
        fact_annual=pl.col("annual"),
        fact_periodic=pl.col("periodic"),
    )


def _kind() -> pl.Expr:
    return (
        pl.when(pl.col("delta") == 0).then(pl.lit("category_differs"))
        .when(pl.col("periodic") == 0).then(pl.lit("annual_only"))
        .when(pl.col("annual") == 0).then(pl.lit("periodic_only"))
        .otherwise(pl.lit("base_differs"))
    )  # fmt: skip


def _other_category(equal: pl.DataFrame, both: pl.DataFrame) -> pl.DataFrame:
    """Equal sums under different categories, with the category of either side that has more."""
    if equal.is_empty():
        return equal
    more = pl.col("annual") > pl.col("periodic")
    categories = (
        both.join(equal.select(PERSON_QUARTER), on=PERSON_QUARTER, how="semi")
        .filter(pl.col("annual") != pl.col("periodic"))
        .group_by(PERSON_QUARTER)
        .agg(
            fact_category=pl.col("rate_category").filter(more).sort().first(),
            fact_other_category=pl.col("rate_category").filter(~more).sort().first(),
        )
    )
    return equal.join(categories, on=PERSON_QUARTER).with_columns(
        action=pl.lit("mend_annual"), cause=pl.lit(None, pl.String)
    )
