"""The least base the law allows for the time worked, and the most time a quarter can hold.

Law: the base is not below the national minimum wage (SNMG) for the time worked; there is no ceiling.
"""

from fractions import Fraction

import msgspec

from schemas.annual import Unit
from teledeclaration.legislation import Legislation, Values
from teledeclaration.money import Centimes
from teledeclaration.periods import Month, Quarter


class MinimumBase(msgspec.Struct, frozen=True, kw_only=True):
    """The floor of one quarter in centimes, in numbers small enough for a column expression.

    `full_quarter` is the sum of its three months' minimum wages, owed from `full_from[unit]` units on;
    below that, a duration's floor is `per_unit[unit]` × duration, rounded down. Of a month, the same for the one.
    """

    full_quarter: Centimes
    per_unit: dict[Unit, Fraction]
    full_from: dict[Unit, int]


class DurationLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The most a quarter can hold: above `most` an error, above `usual` a doubt."""

    most: dict[Unit, int]
    usual: dict[Unit, int]


def minimum_base_per_unit(period: Quarter | Month, legislation: Legislation) -> MinimumBase:
    """The period's floor, each month under the minimum wage in force on its first day.

    Where the wage changed inside the quarter, a part quarter is held to its lowest month, as the
    declaration does not say which months were worked: a doubt is never raised against the employer
    by our guess. Raises NotInForce before the first minimum wage held.
    """
    months = (period,) if isinstance(period, Month) else period.months
    by_month = [legislation.on(month.first_day) for month in months]
    wages = [values.amount("minimum_wage.month") for values in by_month]
    lowest = Fraction(min(wages))
    units = _units_a_month(by_month[0])
    return MinimumBase(
        full_quarter=sum(wages),
        per_unit={unit: lowest / size for unit, size in units.items()},
        full_from={unit: _rounded_up(len(wages) * size) for unit, size in units.items()},
    )


def minimum_base(duration: int, unit: Unit, floor: MinimumBase) -> Centimes:
    """The least base for a duration, in centimes, rounded down in favour of the employer."""
    if duration >= floor.full_from[unit]:
        return floor.full_quarter
    part = floor.per_unit[unit] * duration
    return part.numerator // part.denominator


def duration_limits(quarter: Quarter, values: Values) -> DurationLimits:
    """The most days, hours and months the quarter can hold; no official maximum is public."""
    most: dict[Unit, int] = {
        "J": int(quarter.days * values.number("durations.days_a_calendar_day_max")),
        "H": int(quarter.days * values.number("durations.hours_a_calendar_day_max")),
        "M": values.whole("durations.months_a_quarter_max"),
    }
    return DurationLimits(most=most, usual=most | {"H": values.whole("durations.hours_a_quarter_usual")})


def _units_a_month(values: Values) -> dict[Unit, Fraction]:
    return {
        "J": Fraction(values.number("minimum_wage.days_a_month")),
        "H": Fraction(values.number("minimum_wage.hours_a_month")),
        "M": Fraction(1),
    }


def _rounded_up(number: Fraction) -> int:
    return -(-number.numerator // number.denominator)
