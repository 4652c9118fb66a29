"""The fund's time: UTC moments and legal days.

A test employer may live at another date: its clock is the fund's, moved by a number of seconds.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def moved(clock: Clock, offset_s: int) -> Clock:
    """A clock that runs `offset_s` seconds ahead of another (behind, where negative)."""
    return lambda: clock() + timedelta(seconds=offset_s)


def legal_day(moment: datetime, time_zone: str) -> date:
    """The day it is, at that moment, where the fund's law applies."""
    return moment.astimezone(ZoneInfo(time_zone)).date()
