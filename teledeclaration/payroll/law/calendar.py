"""What an employer owes over a year and when: each month or quarter of its life, and the year itself.

Law: one periodic declaration for each period of activity, due whether there was anything to declare or not, unless
activity was suspended; and one annual declaration. Days are the fund's; nothing here knows today but as an argument.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta
from functools import lru_cache

import msgspec

from schemas.calendar import Filed, LatePeriod, Obligation, ObligationState, Periodicity
from teledeclaration.legislation import Legislation
from teledeclaration.payroll.law.deadlines import annual_deadline, periodic_deadline
from teledeclaration.periods import Month, Period, Quarter, Year, parse_period

DUE_SOON_DAYS = 7
DAY = timedelta(days=1)
LATE_STATES: tuple[ObligationState, ...] = ("late", "provisional")
"""Its last day has passed, and nobody declared it."""


class Days(msgspec.Struct, frozen=True, kw_only=True):
    """From a first to a last day, both included; None is no end on that side."""

    first: date | None = None
    last: date | None = None

    def within(self, other: "Days") -> "Days":
        """The days of both; its first is after its last where there are none."""
        return Days(
            first=max(filter(None, (self.first, other.first)), default=None),
            last=min(filter(None, (self.last, other.last)), default=None),
        )

    @property
    def none(self) -> bool:
        return self.first is not None and self.last is not None and self.first > self.last


class CentreLife(msgspec.Struct, frozen=True, kw_only=True):
    """What of a payment centre decides on what is owed: its life, and the accepted suspensions in it."""

    centre: str
    life: Days
    suspensions: tuple[Days, ...] = ()


def periods_of(year: int, periodicity: Periodicity, declared: Iterable[str] = ()) -> tuple[Month | Quarter, ...]:
    """The year in months or quarters. A quarter that was declared the other way only is taken that way:
    the register says how an employer declares today, and not since when."""
    codes = set(declared)
    found: list[Month | Quarter] = []
    for quarter in Year(year).quarters:
        by_month, by_quarter = any(month.code in codes for month in quarter.months), quarter.code in codes
        monthly = by_month if by_month != by_quarter else periodicity == "monthly"
        found += quarter.months if monthly else (quarter,)
    return tuple(found)


def obligations(
    centre: CentreLife,
    year: int,
    periodicity: Periodicity,
    *,
    periodic: Mapping[str, Filed],
    annual: Filed | None,
    provisional: frozenset[str],
    legislation: Legislation,
    since: date,
    today: date,
) -> list[Obligation]:
    """Every declaration of a centre's year, in time; the annual one last.

    `periodic` and `provisional` are by period code. What ended before `since` was declared before this installation.
    """
    found = [
        _obligation(centre, period, periodic.get(period.code), provisional, legislation, since, today)
        for period in periods_of(year, periodicity, periodic)
    ]
    return [*found, _obligation(centre, Year(year), annual, frozenset(), legislation, since, today)]


def undeclared_periods(
    centre: CentreLife,
    year: int,
    periodicity: Periodicity,
    *,
    declared: Collection[str],
    provisional: Collection[str],
    legislation: Legislation,
    since: date,
    today: date,
) -> list[LatePeriod]:
    """The months or quarters of a year whose last day has passed and that the centre did not declare, in time."""
    found = []
    for period in periods_of(year, periodicity, declared):
        opens, due = _window(period, legislation)
        assessed = period.code in provisional
        state = _state(centre, period, period.code in declared, assessed, since)
        if (state or _state_in_time(opens, due, today)) in LATE_STATES:
            late = LatePeriod(
                centre=centre.centre,
                period=period.code,
                due=due,
                days_late=(today - due).days,
                provisional=assessed,
            )
            found.append(late)
    return found


def _obligation(
    centre: CentreLife,
    period: Period,
    filed: Filed | None,
    provisional: frozenset[str],
    legislation: Legislation,
    since: date,
    today: date,
) -> Obligation:
    opens, due = _window(period, legislation)
    state = _state(centre, period, filed is not None, period.code in provisional, since)
    if state is None:
        state = _state_in_time(opens, due, today)
    if filed is not None:
        filed = msgspec.structs.replace(filed, days_late=max((filed.first_filed_on - due).days, 0))
    return Obligation(
        centre=centre.centre,
        form="annual" if isinstance(period, Year) else "periodic",
        period=period.code,
        first_day=period.first_day,
        last_day=period.last_day,
        opens=opens,
        due=due,
        state=state,
        days_late=(today - due).days if state in LATE_STATES else 0,
        filed=filed,
    )


@lru_cache(maxsize=512)
def _window(period: Period, legislation: Legislation) -> tuple[date, date]:
    values = legislation.on(period.last_day)
    if isinstance(period, Year):
        deadline = annual_deadline(period, values)
        return deadline.opens, deadline.due
    return period.last_day, periodic_deadline(period, values)


def _state(
    centre: CentreLife, period: Period, declared: bool, provisional: bool, since: date
) -> ObligationState | None:
    """What is so whatever day it is; None where that depends on the day."""
    lived = Days(first=period.first_day, last=period.last_day).within(centre.life)
    if declared:
        return "declared"
    if lived.none:
        return "not_owed"
    if period.last_day < since:
        return "elsewhere"
    if not isinstance(period, Year) and covered(lived, centre.suspensions):
        return "suspended"
    return "provisional" if provisional else None


def _state_in_time(opens: date, due: date, today: date) -> ObligationState:
    if today > due:
        return "late"
    if today < opens:
        return "to_come"
    return "due_soon" if today + DUE_SOON_DAYS * DAY >= due else "open"


def covered(days: Days, by: Iterable[Days]) -> bool:
    """Whether each of some days, which have both ends, is in one of the suspensions."""
    reached = days.first
    for each in sorted(by, key=lambda one: one.first or date.min):
        if reached is None or (each.first or date.min) > reached:
            break
        if each.last is None or (days.last is not None and each.last >= days.last):
            return True
        reached = max(reached, each.last + DAY)
    return False


def until_closed(life: Days, closing: str | None, declared: Iterable[str]) -> Days:
    """A centre's life, ended by the period whose declaration closed its account, unless a later one was declared."""
    if closing is None:
        return life
    last_day = parse_period(closing).last_day
    if any(parse_period(period).first_day > last_day for period in declared):
        return life
    return life.within(Days(last=last_day))


def by_headcount(headcount: int, monthly_from: int) -> Periodicity:
    """How an employer of so many declares, by the law's threshold."""
    return "monthly" if headcount >= monthly_from else "quarterly"
