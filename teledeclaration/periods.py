"""The periods a declaration speaks of: months, quarters and years, as legal days without a time zone."""

import re
from datetime import date, timedelta

import msgspec


class Year(msgspec.Struct, frozen=True, order=True, tag=True):
    """A calendar year; its code is `2025`."""

    year: int

    @property
    def first_day(self) -> date:
        return date(self.year, 1, 1)

    @property
    def last_day(self) -> date:
        return date(self.year, 12, 31)

    @property
    def code(self) -> str:
        return f"{self.year:04d}"

    @property
    def quarters(self) -> "tuple[Quarter, Quarter, Quarter, Quarter]":
        return (Quarter(self.year, 1), Quarter(self.year, 2), Quarter(self.year, 3), Quarter(self.year, 4))


class Quarter(msgspec.Struct, frozen=True, order=True, tag=True):
    """Three months; its code is `2025-Q1`. `number` is 1 to 4."""

    year: int
    number: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= 4:
            raise ValueError(f"no quarter {self.number}")

    @property
    def first_day(self) -> date:
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def last_day(self) -> date:
        return Month(self.year, 3 * self.number).last_day

    @property
    def days(self) -> int:
        return (self.last_day - self.first_day).days + 1

    @property
    def code(self) -> str:
        return f"{self.year:04d}-Q{self.number}"

    @property
    def months(self) -> "tuple[Month, Month, Month]":
        last = 3 * self.number
        return (Month(self.year, last - 2), Month(self.year, last - 1), Month(self.year, last))


class Month(msgspec.Struct, frozen=True, order=True, tag=True):
    """A calendar month; its code is `2025-01`. `number` is 1 to 12."""

    year: int
    number: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= 12:
            raise ValueError(f"no month {self.number}")

    @property
    def first_day(self) -> date:
        return date(self.year, self.number, 1)

    @property
    def last_day(self) -> date:
        after = date(self.year + self.number // 12, self.number % 12 + 1, 1)
        return after - timedelta(days=1)

    @property
    def code(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"


Period = Year | Quarter | Month

_YEAR = "[12][0-9]{3}"
"""Up to 2999: past it someone slipped, and a deadline after the last year a date can hold would be none."""


def parse_period(code: str) -> Period:
    """The period a code names (`2025`, `2025-Q1`, `2025-01`); ValueError where it names none."""
    if re.fullmatch(_YEAR, code):
        return Year(int(code))
    if match := re.fullmatch(rf"({_YEAR})-Q([1-4])", code):
        return Quarter(int(match[1]), int(match[2]))
    if match := re.fullmatch(rf"({_YEAR})-([0-9]{{2}})", code):
        return Month(int(match[1]), int(match[2]))
    raise ValueError(f"not a period: {code!r}")
