"""The legal days of declarations, in the fund's time zone; no day is moved for a holiday."""

from datetime import date, timedelta

import msgspec

from teledeclaration.legislation import Values
from teledeclaration.periods import Month, Quarter, Year


class AnnualDeadline(msgspec.Struct, frozen=True, kw_only=True):
    """When a year is declared: from `opens` to `due` by the fund's practice, which is the one applied.

    `by_law` is the day the law's own count gives (law 83-14, art. 14).
    """

    opens: date
    due: date
    by_law: date


def annual_deadline(year: Year, values: Values) -> AnnualDeadline:
    """The window of a year's annual declaration under the values in force on its last day."""
    return AnnualDeadline(
        opens=year.last_day + timedelta(days=1),
        due=_days_after(year.last_day, values, "deadlines.annual_practice"),
        by_law=_days_after(year.last_day, values, "deadlines.annual_law"),
    )


def periodic_deadline(period: Month | Quarter, values: Values) -> date:
    """The last day to file and pay a periodic declaration without a majoration."""
    return _days_after(period.last_day, values, "deadlines.periodic")


def is_monthly(employees: int, values: Values) -> bool:
    """Whether an employer of this size declares by the month; by the quarter otherwise."""
    return employees >= values.whole("periodicity.monthly_from")


def _days_after(day: date, values: Values, key: str) -> date:
    return day + timedelta(days=values.whole(key))
