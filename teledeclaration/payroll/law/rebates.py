"""The conditions of new-hire rebates: how long one lasts, who is under one, by which text.

A rebate lasts `rebates.years_max` years from the first day of the contract. A period that begins after them has none;
the period in which they end still has it, since a declaration does not say what was earned on which day.
"""

from datetime import date

from schemas.legislation import LegalReference, RateCategory
from teledeclaration.legislation import Values
from teledeclaration.periods import Month, Quarter

YEARS_MAX = "rebates.years_max"
UP_TO_DATE = "rebates.employer_up_to_date"


def rebate_categories(values: Values) -> list[RateCategory]:
    """The categories under a rebate that may be declared."""
    return [name for name in values.enabled_categories() if values.category(name).rebate is not None]


def rebate_of(category: RateCategory, values: Values) -> LegalReference | None:
    """The rebate a category rests on, as it is quoted; None where it has none."""
    rebate = values.category(category).rebate
    return None if rebate is None else values.reference(f"{rebate}.rebate")


def over_from(period: Month | Quarter, values: Values) -> date:
    """The latest first day of a contract whose rebate is over before the period begins: for many lines at once."""
    day, years = period.first_day, values.whole(YEARS_MAX)
    return date(day.year - years, day.month, day.day)


def only_while_up_to_date(values: Values) -> bool:
    """Whether a rebate is had only by an employer who owes nothing that is late."""
    return values.flag(UP_TO_DATE)
