"""What is compared of a centre as a whole: periods not declared, totals by rate category, and headcounts."""

import polars as pl

from teledeclaration.payroll.law.reconciliation.frames import QUARTERS, Findings, Rules, quarter_code
from teledeclaration.periods import Period, Quarter, parse_period

_QUARTER = ["item", "quarter"]
_MONTHS = (1, 2, 3)


def quarters_of(centres: pl.DataFrame, periods: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Each item's four quarters: what of them was declared, and so how they can be compared.

    `some`: any period; `whole`: all of it; `lacks_1` … 3: the months not declared where others were; `totals`: some of
    it by rate category only; `first` and `last`: the days declared by person, of an annual declaration all of them.
    """
    declared = (
        periods.with_columns(_first_day(rules.year), _last_day(rules.year))
        .group_by(_QUARTER)
        .agg(
            whole=pl.col("month").is_null().any() | (pl.col("month").n_unique() == len(_MONTHS)),
            **{f"has_{month}": (pl.col("month") == month).any() for month in _MONTHS},
            totals=(~pl.col("by_person")).any(),
            first=pl.col("first").filter("by_person").min(),
            last=pl.col("last").filter("by_person").max(),
        )
    )
    all_quarters = pl.DataFrame({"quarter": QUARTERS}, schema={"quarter": pl.Int8})
    rows = centres.join(all_quarters, how="cross").join(declared, on=_QUARTER, how="left", maintain_order="left")
    some = pl.col("whole").is_not_null()
    rows = rows.with_columns(
        some=some,
        whole=pl.col("whole").fill_null(value=False),
        totals=pl.col("totals").fill_null(value=False),
        **{f"lacks_{month}": some & ~pl.col("whole") & ~pl.col(f"has_{month}") for month in _MONTHS},
    )
    return rows.with_columns(compared=pl.col("annual") & pl.col("some") & ~pl.col("totals"), **_covered(rules.year))


def _first_day(year: int) -> pl.Expr:
    start = (pl.col("quarter").cast(pl.Int32) - 1) * 3 + pl.col("month").cast(pl.Int32).fill_null(1)
    return pl.date(year, start, 1).alias("first")


def _last_day(year: int) -> pl.Expr:
    end = (pl.col("quarter").cast(pl.Int32) - 1) * 3 + pl.col("month").cast(pl.Int32).fill_null(3)
    return pl.date(year, end, 1).dt.month_end().alias("last")


def _covered(year: int) -> dict[str, pl.Expr]:
    """The days in which someone employed must be found somewhere; none where only totals were declared."""
    days = {quarter: Quarter(year, quarter) for quarter in QUARTERS}
    numbered = pl.col("quarter").cast(pl.Int64)
    first = numbered.replace_strict({one: days[one].first_day for one in QUARTERS}, return_dtype=pl.Date)
    last = numbered.replace_strict({one: days[one].last_day for one in QUARTERS}, return_dtype=pl.Date)
    by_person = ~pl.col("totals")
    return {
        "first": pl.when("annual").then(first).when(by_person).then("first"),
        "last": pl.when("annual").then(last).when(by_person).then("last"),
    }


def compare_totals(
    findings: Findings, both: pl.DataFrame, totals: pl.DataFrame, quarters: pl.DataFrame, rules: Rules
) -> None:
    """Quarters no period of which was declared, and those declared by rate category: annual against periodic sums.

    `both` as `bases.together`; `totals`: item, quarter, rate_category, base, workers of lines without people.
    """
    annual = quarters.filter(pl.col("annual") & (pl.col("totals") | ~pl.col("some")))
    ours = both.group_by(*_QUARTER, "rate_category").agg(pl.col("annual", "periodic").sum())
    theirs = totals.group_by(*_QUARTER, "rate_category").agg(pl.col("base").sum())
    sums = ours.join(theirs, on=[*_QUARTER, "rate_category"], how="full", coalesce=True).with_columns(
        pl.col("annual", "periodic", "base").fill_null(0)
    )
    rows = sums.join(annual.select(*_QUARTER, "some"), on=_QUARTER).with_columns(
        periodic=pl.col("periodic") + pl.col("base")
    )
    delta = pl.col("annual") - pl.col("periodic")
    findings.add(
        rows.filter(delta != 0).sort(*_QUARTER, "rate_category"),
        kind=pl.when("some").then(pl.lit("totals_differ")).otherwise(pl.lit("period_undeclared")),
        period=quarter_code(rules.year),
        declared=pl.col("annual"),
        expected=pl.col("periodic"),
        priced_base=delta,
        action=pl.when(delta > 0).then(pl.lit("complete")).otherwise(pl.lit("mend_annual")),
        fact_annual=pl.col("annual"),
        fact_periodic=pl.col("periodic"),
        fact_category=pl.col("rate_category"),
        who=pl.col("rate_category"),
    )


def compare_headcounts(findings: Findings, periods: pl.DataFrame, spells: pl.DataFrame) -> None:
    """The headcount told with a period against the register; worth no contributions.

    Who counts the people paid and who counts those there on the last day are both right.
    """
    told = periods.filter(pl.col("headcount").is_not_null())
    for code in told["period"].unique().sort():
        counted = _employed_in(spells, parse_period(code)).join(
            told.filter(pl.col("period") == code).select("item", "headcount"), on="item"
        )
        findings.add(
            counted.filter(~pl.col("headcount").is_between("last_day", "any_day")),
            "headcount_differs",
            period=pl.lit(code),
            declared=pl.col("headcount"),
            expected=pl.col("last_day"),
            action=pl.lit("correct_movement"),
            fact_people=pl.col("last_day"),
        )


def _employed_in(spells: pl.DataFrame, period: Period) -> pl.DataFrame:
    """How many people each item employs on a period's last day, and on any day of it."""
    come = pl.col("entry_date").is_null() | (pl.col("entry_date") <= period.last_day)
    stayed = pl.col("exit_date").is_null()
    return spells.group_by("item").agg(
        last_day=pl.col("nss").filter(come & (stayed | (pl.col("exit_date") >= period.last_day))).n_unique(),
        any_day=pl.col("nss").filter(come & (stayed | (pl.col("exit_date") >= period.first_day))).n_unique(),
    )
