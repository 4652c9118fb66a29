"""The annual declaration's checks for a year, with the law's values in force in it."""

from datetime import date
from functools import cache

from teledeclaration.intake.checks import Rules
from teledeclaration.legislation import Legislation, NotInForce, Values, load
from teledeclaration.money import Centimes
from teledeclaration.payroll.law.annual_checks import AnnualRules, annual_rules_checks
from teledeclaration.periods import Month, Year

_MONTHS = range(1, 13)


def annual_rules(year: int, legislation: Legislation) -> AnnualRules:
    """The figures of `year`. Where the law held here does not reach back so far, only nature limits a quarter."""
    values = legislation.on(Year(year).last_day)
    days = _whole(values, "durations.days_a_calendar_day_max", 1)
    hours = _whole(values, "durations.hours_a_calendar_day_max", 24)
    one, two, three, four = (quarter.days for quarter in Year(year).quarters)
    return AnnualRules(
        year=year,
        minimum_wages=tuple(_minimum_wage(Month(year, number).first_day, legislation) for number in _MONTHS),
        days_a_month=_whole(values, "minimum_wage.days_a_month", 1),
        hundredth_hours_a_month=_hundredths(values, "minimum_wage.hours_a_month", 1),
        days_max=(one * days, two * days, three * days, four * days),
        hours_max=(one * hours, two * hours, three * hours, four * hours),
        months_max=_whole(values, "durations.months_a_quarter_max", 3),
        hours_usual=_whole(values, "durations.hours_a_quarter_usual", four * hours),
    )


def _whole(values: Values, key: str, otherwise: int) -> int:
    try:
        return values.whole(key)
    except NotInForce:
        return otherwise


def _hundredths(values: Values, key: str, otherwise: int) -> int:
    try:
        return int(100 * values.number(key))
    except NotInForce:
        return otherwise


def _minimum_wage(day: date, legislation: Legislation) -> Centimes | None:
    try:
        return legislation.on(day).amount("minimum_wage.month")
    except NotInForce:
        return None


@cache
def annual_checks(year: int, fund: str = "cnas") -> Rules:
    """The checks of an annual declaration of `year`, by the law this release holds."""
    return annual_rules_checks(annual_rules(year, load(fund)))
