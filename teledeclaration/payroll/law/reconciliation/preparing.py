"""The annual lines that agree with what was declared by period and told of movements: a line a person."""

import polars as pl

from teledeclaration.payroll.law.reconciliation.bases import periodic_quarters
from teledeclaration.payroll.law.reconciliation.frames import ANNUAL, QUARTERS, Inputs, Rules, shaped
from teledeclaration.payroll.law.reconciliation.people import keyed, people_of

_PERSON = ["item", "who"]
_TIME = ("days", "hours", "months")


def prepared_lines(inputs: Inputs, rules: Rules) -> pl.DataFrame:
    """ANNUAL by name: the bases and times of the year's periodic declarations by quarter, entry and exit from the
    employment register.

    Someone with several spells in the year has one line, from their first day to their last. The rate category is that
    of most of the base, since a line has one; times in several units in a quarter are told in days.
    """
    named = keyed(inputs.periodic.filter(pl.col("nss").is_not_null() | pl.col("last_name").is_not_null()))
    if named.is_empty():
        return pl.DataFrame(schema=ANNUAL)
    people = people_of(named).join(_categories(named), on=_PERSON, how="left")
    for quarter in QUARTERS:
        people = people.join(_quarter(named, quarter, rules), on=_PERSON, how="left")
    whole = people.join(_employment(inputs.spells, rules), on=_PERSON, how="left")
    return shaped(whole.sort("last_name", "first_name", "who"), ANNUAL)


def _categories(named: pl.DataFrame) -> pl.DataFrame:
    sums = named.group_by(*_PERSON, "rate_category").agg(pl.col("base").sum())
    ordered = sums.sort("base", "rate_category", descending=[True, False])
    return ordered.group_by(_PERSON, maintain_order=True).agg(pl.col("rate_category").first())


def _quarter(named: pl.DataFrame, quarter: int, rules: Rules) -> pl.DataFrame:
    """One quarter's duration, unit and amount of each person who has any."""
    sums = periodic_quarters(named.filter(pl.col("quarter") == quarter))
    one_unit = pl.sum_horizontal((pl.col(name) > 0).cast(pl.Int64) for name in _TIME) == 1
    unit = (
        pl.when(one_unit & (pl.col("hours") > 0)).then(pl.lit("H"))
        .when(one_unit & (pl.col("months") > 0)).then(pl.lit("M"))
        .when(pl.any_horizontal(pl.col(name) > 0 for name in _TIME)).then(pl.lit("J"))
    )  # fmt: skip
    return sums.select(
        *_PERSON,
        pl.when(one_unit)
        .then(pl.max_horizontal(*_TIME))
        .otherwise(_in_days(quarter, rules))
        .alias(f"q{quarter}_duration"),
        unit.alias(f"q{quarter}_unit"),
        pl.col("base").alias(f"q{quarter}_amount"),
    )


def _in_days(quarter: int, rules: Rules) -> pl.Expr:
    """Times of several units as days, a month's hours making a month; no more than the quarter holds."""
    days_a_month, hours = rules.annual.days_a_month, rules.annual.hundredth_hours_a_month
    of_hours = -(-pl.col("hours") * 100 * days_a_month // hours)
    whole = pl.col("days") + pl.col("months") * days_a_month + of_hours
    return pl.min_horizontal(whole, pl.lit(rules.annual.days_max[quarter - 1]))


def _employment(spells: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """From the first day to the last of those who were there in the year; no exit date where they still are."""
    first = pl.date(rules.year, 1, 1)
    last = pl.date(rules.year, 12, 31)
    there = keyed(spells).filter(
        (pl.col("entry_date").is_null() | (pl.col("entry_date") <= last))
        & (pl.col("exit_date").is_null() | (pl.col("exit_date") >= first))
    )
    stays = pl.col("exit_date").is_null().any() | (pl.col("exit_date").max() > last)
    return there.group_by(_PERSON).agg(
        pl.col("entry_date").min(), pl.when(~stays).then(pl.col("exit_date").max()).alias("exit_date")
    )
