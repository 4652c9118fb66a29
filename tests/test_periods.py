"""Months, quarters and years, as codes and as days."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teledeclaration.periods import Month, Period, Quarter, Year, parse_period

YEARS = st.integers(1900, 2200)
PERIODS = st.one_of(
    st.builds(Year, YEARS), st.builds(Quarter, YEARS, st.integers(1, 4)), st.builds(Month, YEARS, st.integers(1, 12))
)


@pytest.mark.parametrize(
    ("code", "first", "last"),
    [
        ("2025", date(2025, 1, 1), date(2025, 12, 31)),
        ("2024-Q1", date(2024, 1, 1), date(2024, 3, 31)),
        ("2025-Q4", date(2025, 10, 1), date(2025, 12, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2025-02", date(2025, 2, 1), date(2025, 2, 28)),
        ("2025-12", date(2025, 12, 1), date(2025, 12, 31)),
    ],
)
def test_a_code_names_its_days(code: str, first: date, last: date) -> None:
    period = parse_period(code)
    assert (period.first_day, period.last_day) == (first, last)


@given(PERIODS)
def test_a_period_is_what_its_code_says_and_survives_the_wire(period: Period) -> None:
    assert parse_period(period.code) == period
    assert msgspec.json.decode(msgspec.json.encode(period), type=Period) == period


@given(YEARS)
def test_quarters_and_months_fill_their_year_day_by_day(number: int) -> None:
    year = Year(number)
    months = tuple(month for quarter in year.quarters for month in quarter.months)
    spans: tuple[Sequence[Quarter | Month], ...] = (year.quarters, months)
    for parts in spans:
        assert (parts[0].first_day, parts[-1].last_day) == (year.first_day, year.last_day)
        for before, after in pairwise(parts):
            assert before.last_day + timedelta(days=1) == after.first_day
    assert sum(quarter.days for quarter in year.quarters) == (year.last_day - year.first_day).days + 1


@given(st.lists(st.builds(Month, YEARS, st.integers(1, 12))))
def test_periods_of_a_kind_stand_in_the_order_of_their_days(months: list[Month]) -> None:
    assert [month.first_day for month in sorted(months)] == sorted(month.first_day for month in months)


@pytest.mark.parametrize(
    "code", ["", "25", "2025-Q5", "2025-Q0", "2025-13", "2025-00", "2025-1", "2025-Q1 ", "٢٠٢٥", "0000-01", "9999-12"]
)
def test_what_is_no_period_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match=r"not a period|no month"):
        parse_period(code)


@pytest.mark.parametrize("make", [lambda: Quarter(2025, 5), lambda: Month(2025, 13), lambda: Month(2025, 0)])
def test_no_such_quarter_or_month_can_be_made(make: Callable[[], Period]) -> None:
    with pytest.raises(ValueError, match=r"no (quarter|month)"):
        make()
