"""What the annual declaration must satisfy, as column expressions over its lines.

Known rejections of the fund, and doubts worth telling before it does. Figures come in as `AnnualRules`.
"""

from datetime import date
from functools import lru_cache, partial, reduce
from math import lcm

import msgspec
import polars as pl

from schemas.findings import Severity
from teledeclaration.intake.checks import Check, Rules, blank
from teledeclaration.intake.evaluating import select
from teledeclaration.intake.person_checks import AgeRules, person_checks
from teledeclaration.intake.problems import dinars, of_the_file, together
from teledeclaration.money import Centimes
from teledeclaration.payroll.law.duplicates import repeated_people, repeated_without_number
from teledeclaration.periods import Quarter, Year

_QUARTERS = ("q1", "q2", "q3", "q4")
_DINAR = 100
_ROUNDED_CELLS = "amount"


class AnnualRules(msgspec.Struct, frozen=True, kw_only=True):
    """The figures a year's annual declaration is checked by.

    `minimum_wages`: the SNMG of each month, in centimes, None where it is not known. `days_a_month` and
    `hours_a_month` (in hundredths) make a month of declared time. `days_max`, `hours_max`, `months_max` are
    the most a quarter can hold; above `hours_usual` is a doubt. An amount `implausible_times` the file's
    median, for the time worked, is a doubt; so is a file whose usual pay is `centimes_times` the minimum wage
    (our own figure, no law's).
    """

    year: int
    minimum_wages: tuple[Centimes | None, ...]
    days_a_month: int
    hundredth_hours_a_month: int
    days_max: tuple[int, int, int, int]
    hours_max: tuple[int, int, int, int]
    months_max: int
    hours_usual: int
    minimum_wage_tolerance: Centimes = _DINAR
    implausible_times: int = 100
    centimes_times: int = 20
    ages: AgeRules = AgeRules()


@lru_cache(maxsize=16)
def annual_rules_checks(rules: AnnualRules) -> Rules:
    """All checks of an annual declaration that need nothing but its lines."""
    year = Year(rules.year)
    checks = [*person_checks(year.last_day, rules.ages), *_annual_amount_checks(), *_employment_checks(year)]
    for place, quarter in enumerate(_QUARTERS):
        checks += _time_checks(quarter, place, rules)
        checks += _amount_checks(quarter, place, rules)
        checks += _presence_checks(quarter, Quarter(rules.year, place + 1))
    return Rules(
        checks=tuple(checks),
        between_rows=(repeated_people, repeated_without_number),
        of_all=(partial(amounts_look_like_centimes, rules=rules, times=_times_minimum(rules)),),
        most={f"{quarter}_amount": _plausible(pl.col(f"{quarter}_amount"), rules) for quarter in _QUARTERS},
        required=_REQUIRED,
    )


_REQUIRED = {
    **dict.fromkeys(("nss", "last_name", "first_name", "birth_date"), Severity.ERROR),
    **{f"{quarter}_{measure}": Severity.ERROR for quarter in _QUARTERS for measure in ("duration", "amount")},
    "entry_date": Severity.CONFIRM,
}


def _annual_amount_checks() -> list[Check]:
    """The annual amount is the four quarters, to the centime; cells rounded on reading may be off by as many."""
    total = reduce(lambda left, right: left + right, (pl.col(f"{quarter}_amount") for quarter in _QUARTERS))
    annual = pl.col("annual_amount")
    apart = (annual - total).abs()
    rounded = pl.col("raw").str.count_matches(_ROUNDED_CELLS).fill_null(0)
    only_rounded = (rounded > 0) & (apart <= len(_QUARTERS) + 1)
    return [
        Check("annual_not_sum", Severity.ERROR, field="annual_amount", when=(apart > 0) & ~only_rounded,
              expected=dinars(total), proposed=dinars(total)),
        Check("annual_rounded", Severity.CONFIRM, field="annual_amount", when=(apart > 0) & only_rounded,
              expected=dinars(total), proposed=dinars(total)),
        Check("annual_missing", Severity.ERROR, field="annual_amount", when=blank("annual_amount") & (total != 0),
              expected=dinars(total), proposed=dinars(total)),
        Check("amount_negative", Severity.ERROR, field="annual_amount", when=annual < 0),
    ]  # fmt: skip


def _time_checks(quarter: str, place: int, rules: AnnualRules) -> list[Check]:
    duration, unit = pl.col(f"{quarter}_duration"), pl.col(f"{quarter}_unit")
    limit = _longest(unit, place, rules)
    return [
        Check("duration_too_long", Severity.ERROR, field=f"{quarter}_duration", when=duration > limit,
              expected=limit.cast(pl.String)),
        Check("duration_doubtful", Severity.CONFIRM, field=f"{quarter}_duration",
              when=(unit == "H") & (duration > rules.hours_usual) & (duration <= limit),
              expected=pl.lit(str(rules.hours_usual))),
        Check("duration_negative", Severity.ERROR, field=f"{quarter}_duration", when=duration < 0),
        Check("unit_missing", Severity.ERROR, field=f"{quarter}_unit", when=blank(f"{quarter}_unit") & (duration > 0)),
    ]  # fmt: skip


def _longest(unit: pl.Expr, place: int, rules: AnnualRules) -> pl.Expr:
    return (
        pl.when(unit == "J").then(rules.days_max[place])
        .when(unit == "H").then(rules.hours_max[place])
        .when(unit == "M").then(rules.months_max)
    )  # fmt: skip


def _amount_checks(quarter: str, place: int, rules: AnnualRules) -> list[Check]:
    amount, duration, unit = (pl.col(f"{quarter}_{name}") for name in ("amount", "duration", "unit"))
    field = f"{quarter}_amount"
    no_time = (duration == 0) | blank(f"{quarter}_duration")
    checks = [
        Check("amount_negative", Severity.ERROR, field=field, when=amount < 0),
        Check("amount_without_duration", Severity.ERROR, field=f"{quarter}_duration", when=(amount > 0) & no_time),
        Check("duration_without_amount", Severity.CONFIRM, field=field, when=(amount == 0) & (duration > 0)),
        Check("amount_implausible", Severity.CONFIRM, field=field, when=amount > pl.col(f"most_{field}")),
    ]
    least = least_base(duration, unit, place, rules)
    if least is not None:
        within = duration.is_between(1, _longest(unit, place, rules))
        below = (amount > 0) & within & (amount + rules.minimum_wage_tolerance < least)
        checks.append(Check("below_minimum_wage", Severity.CONFIRM, field=field, when=below, expected=dinars(least)))
    return checks


def _plausible(amount: pl.Expr, rules: AnnualRules) -> pl.Expr:
    """What is far above what the others get: most often centimes written where dinars are meant."""
    return pl.when(amount > 0).then(amount).median() * rules.implausible_times


def amounts_look_like_centimes(lines: pl.DataFrame, *, rules: AnnualRules, times: list[pl.Expr]) -> pl.DataFrame:
    """One doubt about a file whose usual pay is absurd for the time declared: its amounts were written in centimes.

    `seen` is the usual pay a month, `expected` how many times the minimum wage that is.
    """
    known = pl.concat([pl.Series(dtype=pl.Int64), *select(lines, times)]).drop_nulls().sort()
    usual = known[known.len() // 2] if known.len() else 0
    wage = next((wage for wage in reversed(rules.minimum_wages) if wage is not None), 0)
    if not wage or usual < rules.centimes_times:
        return together([])
    monthly = pl.select(dinars(pl.lit(usual * wage, pl.Int64))).item()
    return of_the_file("amounts_look_like_centimes", Severity.CONFIRM, seen=monthly, expected=usual)


def _times_minimum(rules: AnnualRules) -> list[pl.Expr]:
    """How many times the least for its time each quarter's amount is, rounded down; null where either is unknown."""
    times = []
    for place, quarter in enumerate(_QUARTERS):
        amount, duration, unit = (pl.col(f"{quarter}_{name}") for name in ("amount", "duration", "unit"))
        least = least_base(duration, unit, place, rules)
        if least is not None:
            known = (amount > 0) & (duration > 0) & (least > 0)
            times.append(pl.when(known).then(amount // least).alias(quarter))
    return times


def least_base(duration: pl.Expr, unit: pl.Expr, place: int, rules: AnnualRules) -> pl.Expr | None:
    """The least that may be paid for the time declared, in centimes; None where the SNMG is not known.

    Days count as a thirtieth of a month each, a month of 31 days as one month, a full quarter as three; where
    the SNMG changes within the quarter the time falls in its cheapest months, so that no doubt is unfounded.
    """
    wages = rules.minimum_wages[3 * place : 3 * place + 3]
    known = sorted(wage for wage in wages if wage is not None)
    if len(known) < len(wages):
        return None
    time, days, hours = duration.cast(pl.Int64), rules.days_a_month, rules.hundredth_hours_a_month
    thirtieths = time - time // (days + 1)
    full = pl.when(time >= min(days * 3, rules.days_max[place])).then(3 * days).otherwise(thirtieths)
    month = lcm(days, hours)  # so many parts make a month, in whatever unit the time is told
    parts = (
        pl.when(unit == "J").then(full * (month // days))
        .when(unit == "M").then(time * month)
        .when(unit == "H").then(time * (100 * month // hours))
    )  # fmt: skip
    return _cheapest(parts, month, known)


def _cheapest(time: pl.Expr, month: int, wages: list[Centimes]) -> pl.Expr:
    """The pay of `time` (so many make a `month`), the cheapest months first, rounded down to the centime."""
    if len(set(wages)) == 1:  # most quarters: a short expression is planned faster than it is run
        return time.clip(0, month * len(wages)) * wages[0] // month
    pays = [(time - month * place).clip(0, month) * wage for place, wage in enumerate(wages)]
    return reduce(lambda left, right: left + right, pays) // month


def _employment_checks(year: Year) -> list[Check]:
    entry, exit_, birth = pl.col("entry_date"), pl.col("exit_date"), pl.col("birth_date")
    paid = pl.any_horizontal(pl.col(f"{quarter}_amount") > 0 for quarter in _QUARTERS)
    young = entry.dt.year() - birth.dt.year() < _AGE_AT_ENTRY_MIN
    return [
        Check("entry_missing", Severity.CONFIRM, field="entry_date", when=blank("entry_date")),
        Check("exit_before_entry", Severity.ERROR, field="exit_date", when=exit_ < entry),
        Check("entry_after_year", Severity.ERROR, field="entry_date", when=entry > year.last_day,
              expected=pl.lit(year.last_day.isoformat())),
        Check("exit_before_year", Severity.CONFIRM, field="exit_date",
              when=(exit_ < year.first_day) & paid & ~(exit_ < entry).fill_null(value=False),
              expected=pl.lit(year.first_day.isoformat())),
        Check("entry_too_young", Severity.CONFIRM, field="entry_date", when=young & (birth <= year.last_day)),
    ]  # fmt: skip


_AGE_AT_ENTRY_MIN = 14


def _presence_checks(quarter: str, period: Quarter) -> list[Check]:
    """Pay or time in a quarter the person was not employed in, by the line's own dates."""
    entry, exit_ = pl.col("entry_date"), pl.col("exit_date")
    coherent = ~(exit_ < entry).fill_null(value=False)
    first = pl.max_horizontal(entry, pl.lit(period.first_day))
    last = pl.min_horizontal(exit_, pl.lit(period.last_day))
    present = (last - first).dt.total_days() + 1
    duration = pl.col(f"{quarter}_duration")
    in_days = (pl.col(f"{quarter}_unit") == "J") & (duration <= period.days)
    this_year = exit_.is_null() | (exit_ >= date(period.year, 1, 1))
    return [
        Check("amount_outside_employment", Severity.CONFIRM, field=f"{quarter}_amount",
              when=(pl.col(f"{quarter}_amount") > 0) & coherent & this_year & (present <= 0)),
        Check("duration_outside_employment", Severity.CONFIRM, field=f"{quarter}_duration",
              when=in_days & coherent & (present > 0) & (duration > present), expected=present.cast(pl.String)),
    ]  # fmt: skip
