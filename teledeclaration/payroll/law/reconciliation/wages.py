"""Bases below the minimum wage for their time, and people whose pay is far from last year's, or who vanished."""

import polars as pl

from teledeclaration.payroll.law.annual_checks import least_base
from teledeclaration.payroll.law.reconciliation.frames import UNITS, Findings, Rules, quarter_code

_PERSON = ["item", "who"]
_TIME = tuple(UNITS.values())
_HUNDREDTHS = 100


def compare_minimum(findings: Findings, sums: pl.DataFrame, rules: Rules) -> None:
    """Bases below the minimum wage for the time, where annual and periodic do not differ anyway: worth the rest."""
    base = pl.max_horizontal("annual", "periodic")
    one_unit = pl.sum_horizontal((pl.col(name) > 0).cast(pl.Int64) for name in _TIME) == 1
    rows = sums.filter((base > 0) & one_unit & (pl.col("delta") == 0)).with_columns(least=_least(rules), base=base)
    below = rows.filter(pl.col("base") + rules.annual.minimum_wage_tolerance < pl.col("least"))
    findings.add(
        below,
        "below_minimum_wage",
        period=quarter_code(rules.year),
        declared=pl.col("base"),
        expected=pl.col("least"),
        priced_base=pl.col("least") - pl.col("base"),
        action=pl.when(pl.col("annual") > 0).then(pl.lit("mend_annual")).otherwise(pl.lit("complete")),
        fact_amount=pl.col("least"),
        fact_time=pl.sum_horizontal(*_TIME),
        fact_unit=pl.coalesce(*(pl.when(pl.col(name) > 0).then(pl.lit(unit)) for unit, name in UNITS.items())),
    )


def _least(rules: Rules) -> pl.Expr:
    """The minimum wage for the row's quarter and time; null where it is not known, or the time is too long."""
    limits = {"J": rules.annual.days_max, "H": rules.annual.hours_max, "M": (rules.annual.months_max,) * 4}
    found = [
        pl.when((pl.col("quarter") == place + 1) & pl.col(name).is_between(1, limits[unit][place])).then(least)
        for place in range(4)
        for unit, name in UNITS.items()
        if (least := least_base(pl.col(name), pl.lit(unit), place, rules.annual)) is not None
    ]
    return pl.coalesce(*found, pl.lit(None, pl.Int64)).cast(pl.Int64)


def compare_last_year(
    findings: Findings, sums: pl.DataFrame, last_year: pl.DataFrame, spells: pl.DataFrame, rules: Rules
) -> None:
    """Monthly pay far above or below last year's, and people gone without an exit: doubts, priced but not at stake."""
    if last_year.is_empty():
        return
    base = pl.when(pl.col("annual") > 0).then("annual").otherwise("periodic")
    this_year = sums.group_by(_PERSON).agg(
        base.sum().alias("base"), pl.col(*_TIME).sum(), pl.col("rate_category").min(), pl.col("quarter").min()
    )
    before = last_year.select(*_PERSON, pl.col("base").alias("base_before"), _time(rules).alias("time_before"))
    _add_jumps(findings, this_year.with_columns(time=_time(rules)).join(before, on=_PERSON), rules)
    paid = this_year.filter(pl.col("base") > 0)
    gone = before.filter(pl.col("base_before") > 0).join(paid.select(_PERSON), on=_PERSON, how="anti")
    known = spells.select("item", who="nss").unique()
    _add_vanished(findings, gone.join(known, on=_PERSON, how="anti"))


def _time(rules: Rules) -> pl.Expr:
    """The time declared in hundredths of a month."""
    return (
        pl.col("days") * _HUNDREDTHS // rules.annual.days_a_month
        + pl.col("hours") * _HUNDREDTHS**2 // rules.annual.hundredth_hours_a_month
        + pl.col("months") * _HUNDREDTHS
    )


def _add_jumps(findings: Findings, both: pl.DataFrame, rules: Rules) -> None:
    """The usual pay is last year's for the time of this one."""
    usual = pl.col("base_before") * pl.col("time") // pl.col("time_before")
    rows = both.filter((pl.col("time") > 0) & (pl.col("time_before") > 0) & (pl.col("base_before") > 0))
    rows = rows.filter(pl.col("base") > 0).with_columns(usual=usual)
    times = rules.jump_times
    far = (pl.col("base") >= times * pl.col("usual")) | (times * pl.col("base") <= pl.col("usual"))
    findings.add(
        rows.filter(far),
        "unusual_jump",
        declared=pl.col("base"),
        expected=pl.col("usual"),
        priced_base=pl.col("base") - pl.col("usual"),
        action=pl.lit("accept"),
        fact_amount=pl.col("usual"),
        fact_times=pl.lit(times),
    )


def _add_vanished(findings: Findings, gone: pl.DataFrame) -> None:
    findings.add(
        gone,
        "vanished",
        declared=pl.lit(0),
        expected=pl.col("base_before"),
        priced_base=-pl.col("base_before"),
        quarter=pl.lit(1, pl.Int8),
        rate_category=pl.lit("general"),
        action=pl.lit("declare_movement"),
        fact_amount=pl.col("base_before"),
    )
