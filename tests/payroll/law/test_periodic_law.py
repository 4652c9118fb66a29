"""Periods, headers and the end of a rebate."""

from datetime import date

import pytest

from schemas.periodic import PeriodCounts, PeriodHeader
from teledeclaration.legislation import load
from teledeclaration.payroll.law.headers import completed, header_doubts, header_errors
from teledeclaration.payroll.law.periods import by_quarter, overlapping, periodic
from teledeclaration.payroll.law.rebates import over_from
from teledeclaration.periods import Month, Quarter

LAW = load("cnas")


def test_a_year_is_no_period_of_a_periodic_declaration() -> None:
    assert (periodic("2025-Q1"), periodic("2025-01")) == (Quarter(2025, 1), Month(2025, 1))
    with pytest.raises(ValueError, match="2025"):
        periodic("2025")


@pytest.mark.parametrize(
    ("code", "others"),
    [("2025-03", ("2025-Q1",)), ("2025-04", ("2025-Q2",)), ("2025-Q4", ("2025-10", "2025-11", "2025-12"))],
)
def test_periods_that_share_days_are_known(code: str, others: tuple[str, ...]) -> None:
    assert overlapping(periodic(code)) == others


@pytest.mark.parametrize(("code", "place"), [("2025-01", 0), ("2025-03", 0), ("2025-04", 1), ("2025-Q4", 3)])
def test_a_base_stands_in_its_quarter(code: str, place: int) -> None:
    bases = by_quarter(periodic(code), 7)
    assert (sum(bases), bases[place]) == (7, 7)


@pytest.mark.parametrize(
    ("code", "latest"), [("2025-Q4", date(2022, 10, 1)), ("2026-01", date(2023, 1, 1)), ("2028-02", date(2025, 2, 1))]
)
def test_a_rebate_of_three_years_is_over_where_it_began_so_long_before_the_period(code: str, latest: date) -> None:
    # Three years from 1 October 2022 end on 30 September 2025: the quarter that begins the day after has none.
    period = periodic(code)
    assert over_from(period, LAW.on(period.first_day)) == latest


def test_only_what_the_header_says_is_compared() -> None:
    counts = PeriodCounts(headcount=3, entries=1, exits=0)
    assert header_doubts(PeriodHeader(), counts) == []
    doubts = header_doubts(PeriodHeader(headcount=4, entries=1, exits=2), counts)
    assert [(doubt.code, doubt.said, doubt.counted) for doubt in doubts] == [
        ("headcount_differs", 4, 3),
        ("exits_differ", 2, 0),
    ]
    unsaid = PeriodCounts(headcount=None, entries=0, exits=0)
    assert header_doubts(PeriodHeader(headcount=4), unsaid) == []


def test_what_is_left_out_is_filled_in_as_counted() -> None:
    counts = PeriodCounts(headcount=3, entries=1, exits=0)
    filled = completed(PeriodHeader(headcount=4), counts)
    assert (filled.headcount, filled.entries, filled.exits) == (4, 1, 0)


def test_what_cannot_be_said_of_a_period_is_refused() -> None:
    nothing, closing = PeriodHeader(nothing_to_declare=True), PeriodHeader(closes_account=True)
    assert header_errors(nothing, lines=0, complement=False) == []
    assert header_errors(nothing, lines=1, complement=False) == ["lines-beside-nothing"]
    assert header_errors(closing, lines=1, complement=False) == ["closing-needs-complement"]
    assert header_errors(closing, lines=1, complement=True) == []
