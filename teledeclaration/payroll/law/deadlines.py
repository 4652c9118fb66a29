"""The legal days of declarations, in the fund's time zone.

A last day that falls on a day not worked moves to the next one worked only where the law says so
(`deadlines.moved_for_days_not_worked`, which no text that was read does): week-ends, the holidays of fixed days, and
those announced year by year as far as the fund gave their dates.
"""

from datetime import date, timedelta

import msgspec

from teledeclaration.legislation import NotInForce, Values
from teledeclaration.periods import Month, Quarter, Year

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


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
        due=days_after(year.last_day, values, "deadlines.annual_practice"),
        by_law=days_after(year.last_day, values, "deadlines.annual_law"),
    )


def periodic_deadline(period: Month | Quarter, values: Values) -> date:
    """The last day to file and pay a periodic declaration without a majoration."""
    return days_after(period.last_day, values, "deadlines.periodic")


def complementary_deadline(quarter: Quarter, values: Values) -> date:
    """The last day to pay what the annual declaration adds to a quarter; never before the quarter's own."""
    due = days_after(Year(quarter.year).last_day, values, "deadlines.complementary")
    return max(due, periodic_deadline(quarter, values))


def is_monthly(employees: int, values: Values) -> bool:
    """Whether an employer of this size declares by the month; by the quarter otherwise."""
    return employees >= values.whole("periodicity.monthly_from")


def days_after(day: date, values: Values, key: str) -> date:
    """The last day of a delay that runs from the day after `day`, moved where the law moves it.

    `key` is a number of days in force on the values' day; the days not worked are those of the last day itself.
    """
    return moved_to_a_working_day(day + timedelta(days=values.whole(key)), values)


def moved_to_a_working_day(day: date, values: Values) -> date:
    """The day itself, or the next one worked where the law of the values' day moves last days."""
    if not values.flag("deadlines.moved_for_days_not_worked"):
        return day
    while not_worked(day, values.legislation.on(day)):
        day += timedelta(days=1)
    return day


def not_worked(day: date, values: Values) -> bool:
    """Whether a day is one of rest or a holiday, under the values in force on it."""
    return (
        WEEK[day.weekday()] in values.words("deadlines.days_of_rest")
        or day.isoformat()[5:] in values.words("deadlines.public_holidays")
        or day.isoformat() in _announced(values)
    )


def _announced(values: Values) -> tuple[str, ...]:
    """The dates announced, none where the fund gave none."""
    try:
        return values.words("deadlines.movable_holidays")
    except NotInForce:
        return ()
