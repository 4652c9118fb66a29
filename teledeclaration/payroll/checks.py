"""The annual declaration's checks for a year, with the law's values in force in it."""

from datetime import date
from functools import cache

from teledeclaration.intake.checks import Rules
from teledeclaration.legislation import Legislation, NotInForce, load
from teledeclaration.money import Centimes
from teledeclaration.payroll.law.annual_checks import AnnualRules, annual_rules_checks
from teledeclaration.periods import Month, Year

_MONTHS = range(1, 13)


def annual_rules(year: int, legislation: Legislation) -> AnnualRules:
    """The figures of `year`. Where the law held here does not reach back so far, only nature limits a quarter."""
    law = _LawOn(legislation, Year(year).last_day)
    days = law.whole("durations.days_a_calendar_day_max", 1)
    hours = law.whole("durations.hours_a_calendar_day_max", 24)
    one, two, three, four = (quarter.days for quarter in Year(year).quarters)
    return AnnualRules(
        year=year,
        minimum_wages=tuple(_minimum_wage(Month(year, number).first_day, legislation) for number in _MONTHS),
        days_a_month=law.whole("minimum_wage.days_a_month", 1),
        hundredth_hours_a_month=law.hundredths("minimum_wage.hours_a_month", 1),
        days_max=(one * days, two * days, three * days, four * days),
        hours_max=(one * hours, two * hours, three * hours, four * hours),
        months_max=law.whole("durations.months_a_quarter_max", 3),
        hours_usual=law.whole("durations.hours_a_quarter_usual", four * hours),
    )


class _LawOn:
    """The law on a day, with something else where it does not reach back so far."""

    def __init__(self, legislation: Legislation, day: date) -> None:
        self.legislation = legislation
        self.day = day

    def whole(self, key: str, otherwise: int) -> int:
        try:
            return self.legislation.on(self.day).whole(key)
        except NotInForce:
            return otherwise

    def hundredths(self, key: str, otherwise: int) -> int:
        try:
            return int(100 * self.legislation.on(self.day).number(key))
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
