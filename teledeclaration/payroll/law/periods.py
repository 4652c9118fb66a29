"""The periods of periodic declarations: which quarter one is of, and which share days."""

from teledeclaration.money import Centimes
from teledeclaration.periods import Month, Quarter, Year, parse_period


def periodic(code: str) -> Month | Quarter:
    """The month or quarter a code names; ValueError where it names neither."""
    match parse_period(code):
        case Year():
            raise ValueError(f"a year is no period of a periodic declaration: {code!r}")
        case period:
            return period


def quarter_of(period: Month | Quarter) -> Quarter:
    """The quarter a period is, or lies in."""
    return period if isinstance(period, Quarter) else Quarter(period.year, (period.number + 2) // 3)


def overlapping(period: Month | Quarter) -> tuple[str, ...]:
    """The codes of the other periods that share days with this one: a quarter's months, or a month's quarter."""
    if isinstance(period, Month):
        return (quarter_of(period).code,)
    return tuple(month.code for month in period.months)


def by_quarter(period: Month | Quarter, base: Centimes) -> tuple[Centimes, Centimes, Centimes, Centimes]:
    """A period's base in the place of its quarter of the year."""
    first, second, third, fourth = (base if quarter_of(period).number == place else 0 for place in (1, 2, 3, 4))
    return first, second, third, fourth
