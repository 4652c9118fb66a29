"""Each form's checks for a period, with the law's values in force in it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cache, partial

import msgspec

from schemas.employers import EmployerFacts
from schemas.findings import Severity
from teledeclaration.intake.checking import RulesOf
from teledeclaration.intake.checks import Rules
from teledeclaration.intake.forms import FormName
from teledeclaration.legislation import Legislation, NotInForce, load
from teledeclaration.money import Centimes
from teledeclaration.payroll.law.annual_checks import AnnualRules, annual_rules_checks
from teledeclaration.payroll.law.bases import MinimumBase, minimum_base_per_unit
from teledeclaration.payroll.law.movement_checks import movement_checks
from teledeclaration.payroll.law.periodic_checks import PeriodicRules, RebateRules, periodic_rules_checks
from teledeclaration.payroll.law.rebates import over_from, rebate_categories
from teledeclaration.payroll.law.totals import codes_of
from teledeclaration.payroll.law.totals_checks import TotalsRules, totals_rules_checks
from teledeclaration.periods import Month, Period, Quarter, Year

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


class Sector(msgspec.Struct, frozen=True):
    """What the conditions of a declaration ask about the employer: its sector, in the law's word, and whether its
    workers are of the building sector. None is what is not known; a condition is then taken at its least."""

    name: str | None = None
    building: bool | None = None

    @classmethod
    def of(cls, employer: EmployerFacts) -> "Sector":
        return cls(employer.sector or None, employer.building_sector)


UNKNOWN_SECTOR = Sector()


def periodic_rules(period: Month | Quarter, legislation: Legislation, sector: Sector = UNKNOWN_SECTOR) -> PeriodicRules:
    """The figures of a period's declaration by employee."""
    law = _LawOn(legislation, period.first_day)
    days = (period.last_day - period.first_day).days + 1
    months = 1 if isinstance(period, Month) else law.whole("durations.months_a_quarter_max", 3)
    hours = days * law.whole("durations.hours_a_calendar_day_max", 24)
    a_quarter = law.whole("durations.hours_a_quarter_usual", hours * 3)
    return PeriodicRules(
        period=period,
        floor=_floor(period, legislation),
        longest={"J": days * law.whole("durations.days_a_calendar_day_max", 1), "H": hours, "M": months},
        hours_usual=a_quarter if isinstance(period, Quarter) else -(-a_quarter // 3),
        rebate=_rebate_rules(period, legislation, sector),
    )


def totals_rules(period: Month | Quarter, legislation: Legislation, sector: Sector = UNKNOWN_SECTOR) -> TotalsRules:
    """The codes of a period's declaration by rate line."""
    values = legislation.on(period.first_day)
    return TotalsRules(
        codes=codes_of(values), rebates=frozenset(rebate_categories(values)), supplements_open=sector.building
    )


def of_a_complement(rules: Rules) -> Rules:
    """The checks of a complementary declaration: a base may come without time, which was declared before (arrears), and
    that is a doubt only."""
    checks = (
        replace(check, severity=Severity.CONFIRM) if check.code == "amount_without_duration" else check
        for check in rules.checks
    )
    return replace(rules, checks=tuple(checks))


def rules_of_forms(legislation: Legislation, sector: Sector = UNKNOWN_SECTOR) -> Mapping[FormName, RulesOf]:
    """Every form's checks, each for a period of its own kind."""
    return {
        "annual": lambda period: annual_rules_checks(annual_rules(period.year, legislation)),
        "periodic": partial(_periodic_checks, legislation, sector),
        "totals": partial(_totals_checks, legislation, sector),
        "movements": lambda period: movement_checks(period.year),
    }


def _periodic_checks(legislation: Legislation, sector: Sector, period: Period) -> Rules:
    return periodic_rules_checks(periodic_rules(month_or_quarter(period), legislation, sector))


def _totals_checks(legislation: Legislation, sector: Sector, period: Period) -> Rules:
    return totals_rules_checks(totals_rules(month_or_quarter(period), legislation, sector))


def month_or_quarter(period: Period) -> Month | Quarter:
    """The period of a form of months and quarters; TypeError for a year."""
    if isinstance(period, Year):
        raise TypeError(f"a year is declared by no periodic declaration: {period.code}")
    return period


def _floor(period: Month | Quarter, legislation: Legislation) -> MinimumBase | None:
    try:
        return minimum_base_per_unit(period, legislation)
    except NotInForce:
        return None


def _rebate_rules(period: Month | Quarter, legislation: Legislation, sector: Sector) -> RebateRules:
    """The conditions of rebates; none is had where the law held here has none yet."""
    values = legislation.on(period.first_day)
    categories = frozenset(rebate_categories(values))
    if not categories:
        return RebateRules(categories=categories, contract_months_min=0, over_from=date.min, excluded=False)
    listed = values.words("rebates.listed_sectors")
    shorter = sector.name is None or sector.name in listed or (bool(sector.building) and "building" in listed)
    key = "rebates.contract_months_min_listed_sectors" if shorter else "rebates.contract_months_min"
    return RebateRules(
        categories=categories,
        contract_months_min=values.whole(key),
        over_from=over_from(period, values),
        excluded=sector.name in values.words("rebates.excluded_sectors"),
    )
