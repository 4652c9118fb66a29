"""A simulation as it is asked for, by HTTP or on the command line: what was sent becomes what the law takes."""

from schemas.law import NewSimulation, Simulation
from schemas.legislation import RateCategory
from teledeclaration.errors import Malformed
from teledeclaration.legislation import Legislation, Values
from teledeclaration.payroll.errors import UnknownRateCategory
from teledeclaration.payroll.law.simulation import SimulatedPay, pay_element_kinds, simulate
from teledeclaration.periods import Month, Quarter, parse_period

BUILDING: RateCategory = "building"
LAST_YEAR = 2100

__all__ = ["NoPeriodToSimulate", "NothingToSimulate", "pay_element_kinds", "simulation_of"]


class NoPeriodToSimulate(Malformed):
    """A pay is simulated for a month or a quarter, none further off than `LAST_YEAR`."""

    type = "no-period-to-simulate"


class NothingToSimulate(Malformed):
    """Neither elements nor a base, or both."""

    type = "nothing-to-simulate"


def simulation_of(asked: NewSimulation, legislation: Legislation) -> Simulation:
    """What the pay would cost. Nothing is kept.

    Raises NoPeriodToSimulate, NothingToSimulate, UnknownRateCategory and what `simulate` raises, each with the
    pointer of its field.
    """
    period = _period(asked.period)
    if (asked.base is None) == (not asked.elements):
        raise NothingToSimulate(pointer="/base")
    pay = SimulatedPay(
        period=period,
        category=_category(asked, legislation.on(period.first_day)),
        gross=asked.base or 0,
        elements=asked.elements,
        time=asked.time,
        hours_a_week=asked.hours_a_week,
    )
    return simulate(pay, legislation)


def _period(code: str) -> Month | Quarter:
    try:
        period = parse_period(code)
    except ValueError:
        period = None
    if not isinstance(period, Month | Quarter) or period.year > LAST_YEAR:
        raise NoPeriodToSimulate(pointer="/period", period=code)
    return period


def _category(asked: NewSimulation, values: Values) -> RateCategory:
    """The category named, in its building-sector form where that is asked for."""
    names = values.category_names()
    found = asked.category
    if found in names and asked.building and not found.startswith(BUILDING):
        found = BUILDING if found == "general" else f"{BUILDING}_{found}"
    if found not in names:
        raise UnknownRateCategory(pointer="/category", category=found)
    return found
