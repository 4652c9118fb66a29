"""What one pay would cost: the base of its elements, the minimum wage for the time worked, the contributions.

Pure, and for the reader only: nothing here is declared or owed. Contributions are taken on the base as it is,
also where it is below the minimum; a declaration of it would be questioned.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

import msgspec

from schemas.annual import Unit
from schemas.assessments import AssessedAmounts
from schemas.law import MinimumCompared, NetEffect, PayElement, SimulatedElement, Simulation, TimeWorked
from schemas.legislation import LegalReference, Payer, RateCategory
from teledeclaration.errors import Malformed
from teledeclaration.legislation import Legislation, NotInForce, Values
from teledeclaration.money import Centimes
from teledeclaration.payroll.law.bases import minimum_base, minimum_base_per_unit
from teledeclaration.payroll.law.contributions import assess, dues_by_payer
from teledeclaration.periods import Month, Quarter

INCLUDED, EXCLUDED = "base.included_elements", "base.excluded_elements"
KINDS = "base.kinds."
MINIMUM_WAGE = "minimum_wage.month"
PART_TIME = ("part_time.hours_a_week_min", "part_time.hours_a_week_max")
FULL_TIME = "part_time.full_time_hours_a_week"
REBATE_CONDITIONS = (
    "rebates.contract_months_min",
    "rebates.contract_months_min_listed_sectors",
    "rebates.listed_sectors",
    "rebates.excluded_sectors",
    "rebates.employer_up_to_date",
    "rebates.years_max",
)


class UnknownPayElement(Malformed):
    """No text says of an element of this name whether it counts in the base."""

    type = "unknown-pay-element"


class TimeNotPossible(Malformed):
    """More days, hours or months than the period holds."""

    type = "time-not-possible"


class NotPartTime(Malformed):
    """A part-time contract is between the fewest and the most hours a week the law has."""

    type = "not-part-time"


class SimulatedPay(msgspec.Struct, frozen=True, kw_only=True):
    """One pay in a period: `gross` in centimes where no elements are known, else their sum is taken."""

    period: Month | Quarter
    category: RateCategory
    gross: Centimes = 0
    elements: Sequence[PayElement] = ()
    time: TimeWorked | None = None
    hours_a_week: Decimal | None = None


def simulate(pay: SimulatedPay, legislation: Legislation) -> Simulation:
    """What the pay costs under the values in force on the period's first day; sums exact to the centime.

    Raises UnknownPayElement, TimeNotPossible, NotPartTime with the field's pointer; CategoryNotAssessable for a
    disabled category, NotInForce before the first rates held, KeyError for a category without a page.
    """
    values = legislation.on(pay.period.first_day)
    elements = tuple(_in_or_out(pay.elements, values))
    base = sum(one.amount for one in elements if one.in_base) if elements else pay.gross
    gross = sum(one.amount for one in elements) if elements else pay.gross
    _check_time(pay, values)
    amounts = assess({pay.category: base}, values)
    minimum = _minimum(pay, base, legislation)
    rebate = values.category(pay.category).rebate
    conditions = tuple(values.reference(key) for key in REBATE_CONDITIONS) if rebate else ()
    law = [*_law_of(amounts), *conditions, *(one.law for one in elements), *(minimum.law if minimum else ())]
    return Simulation(
        period=pay.period.code,
        category=pay.category,
        base=base,
        elements=elements,
        minimum=minimum,
        amounts=amounts,
        effect=_effect(gross, dues_by_payer(amounts)),
        conditions=conditions,
        to_be_confirmed=any(reference.to_be_confirmed for reference in law),
    )


def pay_element_kinds(values: Values) -> dict[str, LegalReference]:
    """Every name an element of pay may have on a day, with the value that says whether it counts."""
    kinds = dict.fromkeys(values.words(INCLUDED), values.reference(INCLUDED))
    groups = {word: values.reference(EXCLUDED) for word in values.words(EXCLUDED)}
    for group in list(groups):
        if f"{KINDS}{group}" in values.legislation.keys:
            groups |= dict.fromkeys(values.words(f"{KINDS}{group}"), values.reference(f"{KINDS}{group}"))
    return kinds | groups


def _in_or_out(elements: Sequence[PayElement], values: Values) -> Iterable[SimulatedElement]:
    kinds = pay_element_kinds(values)
    for place, element in enumerate(elements):
        if element.kind not in kinds:
            raise UnknownPayElement(pointer=f"/elements/{place}/kind", element=element.kind, known=", ".join(kinds))
        law = kinds[element.kind]
        yield SimulatedElement(kind=element.kind, amount=element.amount, in_base=law.key == INCLUDED, law=law)


def _check_time(pay: SimulatedPay, values: Values) -> None:
    if pay.time is not None and pay.time.duration > (most := _most(pay.period, pay.time.unit, values)):
        raise TimeNotPossible(pointer="/time/duration", most=most, unit=pay.time.unit, period=pay.period.code)
    if pay.hours_a_week is not None:
        fewest, most_hours = (values.number(key) for key in PART_TIME)
        if not pay.hours_a_week.is_finite() or not fewest <= pay.hours_a_week <= most_hours:
            raise NotPartTime(pointer="/hours_a_week", fewest=str(fewest), most=str(most_hours))


def _most(period: Month | Quarter, unit: Unit, values: Values) -> int:
    days = (period.last_day - period.first_day).days + 1
    if unit == "M":
        return 1 if isinstance(period, Month) else values.whole("durations.months_a_quarter_max")
    rate = "durations.days_a_calendar_day_max" if unit == "J" else "durations.hours_a_calendar_day_max"
    return int(days * values.number(rate))


def _minimum(pay: SimulatedPay, base: Centimes, legislation: Legislation) -> MinimumCompared | None:
    """The minimum wage for the time worked; None where none is held. Hours are counted as they are, part time or not:
    days and months of a part-time contract are worth its hours over those of full time."""
    try:
        floor = minimum_base_per_unit(pay.period, legislation)
    except NotInForce:
        return None
    values = legislation.on(pay.period.first_day)
    least = floor.full_quarter
    if pay.time is not None:
        least = minimum_base(pay.time.duration, pay.time.unit, floor)
    keys = [MINIMUM_WAGE, "minimum_wage.hours_a_month", "minimum_wage.days_a_month"]
    if pay.hours_a_week is not None and not (pay.time and pay.time.unit == "H"):
        part = least * Fraction(pay.hours_a_week) / Fraction(values.number(FULL_TIME))
        least = part.numerator // part.denominator
        keys += [FULL_TIME, "part_time.minimum_wage_in_proportion"]
    law = tuple(values.reference(key) for key in keys)
    return MinimumCompared(base=least, short_by=max(0, least - base), law=law)


def _law_of(amounts: AssessedAmounts) -> Iterable[LegalReference]:
    yield from amounts.law
    for line in amounts.lines:
        yield from line.law
        for part in line.parts:
            yield from part.law


def _effect(gross: Centimes, dues: dict[Payer, Centimes]) -> NetEffect:
    employer = dues[Payer.EMPLOYER] + dues[Payer.SOCIAL_WORKS]
    return NetEffect(
        gross=gross,
        employee_pays=dues[Payer.EMPLOYEE],
        employee_keeps=gross - dues[Payer.EMPLOYEE],
        employer_adds=employer,
        employer_cost=gross + employer,
        to_the_fund=sum(dues.values()),
    )
