"""What the bases of a month or a quarter must satisfy, by employee, as column expressions over the lines.

The fund's conditions, and doubts worth telling before it does. Figures come in as `PeriodicRules`.
"""

from datetime import date
from functools import partial

import msgspec
import polars as pl

from schemas.findings import Severity
from teledeclaration.intake.checks import Check, Rules, blank
from teledeclaration.intake.person_checks import AgeRules, person_checks
from teledeclaration.intake.problems import dinars, of_the_file, together
from teledeclaration.money import Centimes
from teledeclaration.payroll.law.bases import MinimumBase
from teledeclaration.payroll.law.duplicates import repeated_without_number, the_person
from teledeclaration.periods import Month, Quarter

_DINAR = 100


class RebateRules(msgspec.Struct, frozen=True, kw_only=True):
    """Under what conditions a new-hire rebate is had (law 06-21, LFC 2009 art. 106).

    `categories` are those under one. A contract is of `contract_months_min` months at least; one that began on
    `over_from` or before has had its rebate. `excluded`: the employer's sector has none.
    """

    categories: frozenset[str]
    contract_months_min: int
    over_from: date
    excluded: bool


class PeriodicRules(msgspec.Struct, frozen=True, kw_only=True):
    """The figures a period's declaration by employee is checked by.

    `floor` is the least base for the time worked, None where no minimum wage is held. `longest` is the most that the
    period can hold, by unit; more hours than `hours_usual` are a doubt. A base `implausible_times` the file's median is
    a doubt; so is a file whose usual base is `centimes_times` the minimum (our own figures, no law's).
    """

    period: Month | Quarter
    floor: MinimumBase | None
    longest: dict[str, int]
    hours_usual: int
    rebate: RebateRules
    minimum_wage_tolerance: Centimes = _DINAR
    implausible_times: int = 100
    centimes_times: int = 20
    ages: AgeRules = AgeRules()


def periodic_rules_checks(rules: PeriodicRules) -> Rules:
    """All checks of a period's bases by employee that need nothing but its lines."""
    checks = (
        *person_checks(rules.period.last_day, rules.ages),
        *_time_checks(rules),
        *_base_checks(rules),
        *_rebate_checks(rules.rebate, rules.period),
    )
    return Rules(
        checks=checks,
        between_rows=(people_twice, repeated_without_number),
        of_all=(partial(bases_look_like_centimes, rules=rules),),
        most={"amount": pl.when(_base > 0).then(_base).median() * rules.implausible_times},
        required=_REQUIRED,
    )


_REQUIRED = {
    **dict.fromkeys(("nss", "last_name", "first_name", "birth_date", "amount"), Severity.ERROR),
    "duration": Severity.ERROR,
}
_base, _duration, _unit = pl.col("amount"), pl.col("duration"), pl.col("unit")


def _time_checks(rules: PeriodicRules) -> tuple[Check, ...]:
    limit = _longest(rules)
    return (
        Check("duration_too_long", Severity.ERROR, field="duration", when=_duration > limit,
              expected=limit.cast(pl.String)),
        Check("duration_doubtful", Severity.CONFIRM, field="duration",
              when=(_unit == "H") & (_duration > rules.hours_usual) & (_duration <= limit),
              expected=pl.lit(str(rules.hours_usual))),
        Check("duration_negative", Severity.ERROR, field="duration", when=_duration < 0),
        Check("unit_missing", Severity.ERROR, field="unit", when=blank("unit") & (_duration > 0)),
    )  # fmt: skip


def _longest(rules: PeriodicRules) -> pl.Expr:
    return _unit.replace_strict(rules.longest, default=None, return_dtype=pl.Int32)


def _base_checks(rules: PeriodicRules) -> list[Check]:
    no_time = (_duration == 0) | blank("duration")
    checks = [
        Check("amount_missing", Severity.ERROR, field="amount", when=blank("amount")),
        Check("amount_negative", Severity.ERROR, field="amount", when=_base < 0),
        Check("amount_without_duration", Severity.ERROR, field="duration", when=(_base > 0) & no_time),
        Check("duration_without_amount", Severity.CONFIRM, field="amount", when=(_base == 0) & (_duration > 0)),
        Check("amount_implausible", Severity.CONFIRM, field="amount", when=_base > pl.col("most_amount")),
    ]
    if rules.floor is not None:
        least = _least(rules.floor)
        within = _duration.is_between(1, _longest(rules))
        below = (_base > 0) & within & (_base + rules.minimum_wage_tolerance < least)
        checks.append(Check("below_minimum_wage", Severity.CONFIRM, field="amount", when=below, expected=dinars(least)))
    return checks


def _least(floor: MinimumBase) -> pl.Expr:
    """The least base for the time on the line, in centimes, rounded down as `bases.minimum_base` does."""
    least = pl.lit(None, pl.Int64)
    for unit, part in floor.per_unit.items():
        owed = _duration.cast(pl.Int64) * part.numerator // part.denominator
        whole = pl.when(_duration >= floor.full_from[unit]).then(floor.full_quarter).otherwise(owed)
        least = pl.when(_unit == unit).then(whole).otherwise(least)
    return least


def _rebate_checks(rebate: RebateRules, period: Month | Quarter) -> list[Check]:
    """What a line under a rebate must say, and what its rebate must keep."""
    under = pl.col("rate_category").is_in(sorted(rebate.categories))
    start, months = pl.col("contract_start"), pl.col("contract_months")
    least = pl.lit(str(rebate.contract_months_min))
    return [
        Check("rebate_contract_start_missing", Severity.ERROR, field="contract_start",
              when=under & blank("contract_start")),
        Check("rebate_contract_months_missing", Severity.ERROR, field="contract_months",
              when=under & blank("contract_months")),
        Check("rebate_justification_missing", Severity.ERROR, field="justification",
              when=under & blank("justification")),
        Check("rebate_contract_too_short", Severity.ERROR, field="contract_months",
              when=under & (months < rebate.contract_months_min), expected=least),
        Check("rebate_over", Severity.ERROR, field="contract_start", when=under & (start <= rebate.over_from),
              expected=pl.lit(rebate.over_from.isoformat())),
        Check("rebate_not_begun", Severity.ERROR, field="contract_start", when=under & (start > period.last_day),
              expected=pl.lit(period.last_day.isoformat())),
        Check("rebate_sector_excluded", Severity.ERROR, field="rate_category",
              when=under & pl.lit(rebate.excluded)),
    ]  # fmt: skip


def people_twice(lines: pl.DataFrame) -> pl.DataFrame:
    """A number on two lines: `person_twice`, a doubt, where both are one person's; `nss_duplicate` where they are not.

    `expected` names the rows, or the line numbers where there are none.
    """
    twice = lines.filter(pl.col("nss").is_not_null() & pl.col("nss").is_duplicated())
    if not twice.height:
        return pl.DataFrame()
    place = pl.coalesce("row", "line_number")
    judged = twice.with_columns(
        several=(the_person().n_unique() > 1).over("nss"),
        expected=place.sort().cast(pl.String).str.join(", ").over("nss"),
    )
    return judged.select(
        "line_number",
        "row",
        "expected",
        field=pl.lit("nss"),
        seen=pl.col("nss"),
        code=pl.when("several").then(pl.lit("nss_duplicate")).otherwise(pl.lit("person_twice")),
        severity=pl.when("several").then(pl.lit(Severity.ERROR.value)).otherwise(pl.lit(Severity.CONFIRM.value)),
    )


def bases_look_like_centimes(lines: pl.DataFrame, *, rules: PeriodicRules) -> pl.DataFrame:
    """One doubt about a file whose usual base is absurd for the time declared: its amounts were written in centimes.

    `seen` is the usual base for the whole period, `expected` how many times the least that is.
    """
    if rules.floor is None or not lines.height:
        return together([])
    least = _least(rules.floor)
    known = lines.select(times=pl.when((_base > 0) & (_duration > 0) & (least > 0)).then(_base // least))
    times = known["times"].drop_nulls().sort()
    usual = times[times.len() // 2] if times.len() else 0
    if usual < rules.centimes_times:
        return together([])
    whole = pl.select(dinars(pl.lit(usual * rules.floor.full_quarter, pl.Int64))).item()
    return of_the_file("amounts_look_like_centimes", Severity.CONFIRM, seen=whole, expected=usual)
