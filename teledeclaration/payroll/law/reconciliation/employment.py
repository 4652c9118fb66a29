"""Pay and time against the employment register: who left and is paid, who works there and is not, time beyond."""

from datetime import date

import polars as pl

from teledeclaration.payroll.law.annual_checks import least_base
from teledeclaration.payroll.law.reconciliation.bases import PERSON_QUARTER
from teledeclaration.payroll.law.reconciliation.frames import QUARTERS, UNITS, Findings, Rules, quarter_code
from teledeclaration.periods import Month, Quarter

_PERSON = ["item", "who"]
_THIRTY = 30
_NEVER = date(9999, 12, 31)


def presence(spells: pl.DataFrame, windows: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """What the register leaves of each quarter to each person who ever worked there, a row for each of the four.

    `present`: days employed; `within`: those of them in the days that declarations cover (`windows`: item, quarter,
    first, last); `most_days`, `most_hours`, `most_months`: the most time that can be declared; `entered`, `left`: the
    last entry before the quarter's end and the last exit before its beginning, `enters`: the first entry after it.
    """
    quarters = [_in_quarter(spells, Quarter(rules.year, quarter), windows, rules) for quarter in QUARTERS]
    return pl.concat(quarters)


def _in_quarter(spells: pl.DataFrame, quarter: Quarter, windows: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    covered = windows.filter(pl.col("quarter") == quarter.number).select("item", "first", "last")
    entry, exit_ = pl.col("entry_date"), pl.col("exit_date").fill_null(_NEVER)
    rows = spells.join(covered, on="item", how="left", maintain_order="left").with_columns(
        present=_days(entry, exit_, pl.lit(quarter.first_day), pl.lit(quarter.last_day)),
        within=_days(entry, exit_, pl.col("first"), pl.col("last")).fill_null(0),
        months=pl.sum_horizontal(_touches(entry, exit_, month) for month in quarter.months),
        short=pl.sum_horizontal(_short_of_thirty(entry, exit_, month) for month in quarter.months),
    )
    people = rows.group_by("item", who="nss").agg(
        pl.col("present", "within", "months", "short").sum(),
        left=pl.when(exit_ < quarter.first_day).then(exit_).max(),
        enters=pl.when(entry > quarter.last_day).then(entry).min(),
        leaves=pl.when(exit_.is_between(quarter.first_day, quarter.last_day)).then(exit_).max(),
        entered=pl.when(entry.is_between(quarter.first_day, quarter.last_day)).then(entry).min(),
    )
    usual, days = rules.annual.hours_usual, quarter.days
    return people.with_columns(
        quarter=pl.lit(quarter.number, pl.Int8),
        most_days=pl.col("present") + pl.col("short"),
        most_hours=-(-usual * pl.col("present") // days),
        most_months=pl.col("months"),
        whole=pl.col("present") >= days,
    )


def _days(entry: pl.Expr, exit_: pl.Expr, first: pl.Expr, last: pl.Expr) -> pl.Expr:
    """How many days of first…last the spell holds; null where these are."""
    held = (pl.min_horizontal(exit_, last) - pl.max_horizontal(entry, first)).dt.total_days() + 1
    return pl.when(first.is_not_null()).then(held.clip(0))


def _touches(entry: pl.Expr, exit_: pl.Expr, month: Month) -> pl.Expr:
    return ((entry <= month.last_day) & (exit_ >= month.first_day)).cast(pl.Int64)


def _short_of_thirty(entry: pl.Expr, exit_: pl.Expr, month: Month) -> pl.Expr:
    """The days a whole February lacks: payroll counts each month as thirty."""
    lacks = max(0, _THIRTY - (month.last_day - month.first_day).days - 1)
    return ((entry <= month.first_day) & (exit_ >= month.last_day)).cast(pl.Int64) * lacks


def compare_employment(
    findings: Findings, sums: pl.DataFrame, there: pl.DataFrame, rules: Rules
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """All of it; the person-quarters paid outside their employment, whose bases are then not compared any more, and
    those of too much time, whose pay for it says nothing.

    `there` is as `presence` says; `sums` as `bases.by_person`, of people with a number at centres whose register
    knows anybody.
    """
    paid = sums.filter((pl.col("annual") > 0) | (pl.col("periodic") > 0))
    placed = paid.join(there, on=PERSON_QUARTER, how="left")
    outside = placed.filter(pl.col("present") == 0)
    _add_outside(findings, outside, rules)
    _add_never_hired(findings, placed)
    beyond = _add_beyond(findings, placed.filter((pl.col("present") > 0) & (pl.col("delta") == 0)), rules)
    _add_missing(findings, paid, there, rules)
    return outside.select(PERSON_QUARTER), beyond.select(PERSON_QUARTER)


def _add_outside(findings: Findings, outside: pl.DataFrame, rules: Rules) -> None:
    """Paid in a quarter after the exit, or before the entry."""
    alike = pl.col("annual") == pl.col("periodic")
    one_side = pl.when(pl.col("annual") > 0).then(pl.lit("mend_annual")).otherwise(pl.lit("replace"))
    findings.add(
        outside,
        kind=pl.when(pl.col("left").is_not_null()).then(pl.lit("left_but_paid")).otherwise(pl.lit("paid_before_entry")),
        period=quarter_code(rules.year),
        declared=pl.max_horizontal("annual", "periodic"),
        expected=pl.lit(0),
        priced_base=pl.max_horizontal("annual", "periodic"),
        action=pl.when(alike).then(pl.lit("correct_movement")).otherwise(one_side),
        fact_amount=pl.max_horizontal("annual", "periodic"),
        fact_last_day=pl.col("left"),
        fact_first_day=pl.col("enters"),
    )


def _add_never_hired(findings: Findings, placed: pl.DataFrame) -> None:
    """Paid, and the register knows of no employment: one difference a person, worth no contributions."""
    unknown = (
        placed.filter(pl.col("present").is_null())
        .group_by(_PERSON)
        .agg(pl.max_horizontal("annual", "periodic").sum().alias("declared"))
    )
    findings.add(
        unknown,
        "paid_not_hired",
        expected=pl.lit(None, pl.Int64),
        action=pl.lit("declare_movement"),
        fact_amount=pl.col("declared"),
    )


def _add_missing(findings: Findings, paid: pl.DataFrame, there: pl.DataFrame, rules: Rules) -> None:
    """Employed on days that declarations cover, and no base anywhere in the quarter: worth what the minimum wage of
    those days would be. Nobody declared after: their exit was most likely not told."""
    missing = there.filter(pl.col("within") > 0).join(paid.select(PERSON_QUARTER), on=PERSON_QUARTER, how="anti")
    if missing.is_empty():
        return
    last = paid.group_by(_PERSON).agg(pl.col("rate_category").min(), last_paid=pl.col("quarter").max())
    rows = missing.join(last, on=_PERSON, how="left")
    gone = (pl.col("last_paid") < pl.col("quarter")).fill_null(value=False)
    findings.add(
        rows.with_columns(least=_least(pl.col("within"), rules)),
        "hired_but_missing",
        period=quarter_code(rules.year),
        declared=pl.lit(0),
        expected=pl.col("least"),
        priced_base=pl.col("least"),
        rate_category=pl.coalesce("rate_category", pl.lit("general")),
        cause=pl.when(gone).then(pl.lit("exit_not_told")),
        action=pl.when(gone).then(pl.lit("declare_movement")).otherwise(pl.lit("complete")),
        fact_time=pl.col("within"),
        fact_amount=pl.col("least"),
    )


def _least(days: pl.Expr, rules: Rules) -> pl.Expr:
    """The minimum wage of so many days of the row's quarter; 0 where it is not known."""
    by_quarter = [
        pl.when(pl.col("quarter") == quarter).then(least)
        for quarter in QUARTERS
        if (least := least_base(days, pl.lit("J"), quarter - 1, rules.annual)) is not None
    ]
    return pl.coalesce(*by_quarter, pl.lit(0)).cast(pl.Int64)


def _add_beyond(findings: Findings, placed: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """More time than the employment leaves in the quarter: worth the part of the base that the rest would be."""
    found = []
    for unit, name in UNITS.items():
        time, most = pl.col(name), pl.col(f"most_{name}")
        partial = ~pl.col("whole") if unit == "H" else pl.lit(value=True)
        beyond = placed.filter((time > most) & partial)
        findings.add(
            beyond,
            "days_beyond_employment",
            period=quarter_code(rules.year),
            declared=time,
            expected=most,
            priced_base=pl.max_horizontal("annual", "periodic") * (time - most) // time,
            action=pl.when(pl.col("annual") > 0).then(pl.lit("mend_annual")).otherwise(pl.lit("replace")),
            fact_time=time,
            fact_most=most,
            fact_unit=pl.lit(unit),
            fact_first_day=pl.col("entered"),
            fact_last_day=pl.col("leaves"),
        )
        found.append(beyond)
    return pl.concat(found)
