"""The annual checks line by line, with the figures of 2025 and 2026."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teledeclaration.intake.checks import most_of, run, with_most
from teledeclaration.intake.forms import ANNUAL
from teledeclaration.intake.lines import line_schema
from teledeclaration.legislation import load
from teledeclaration.payroll.checks import annual_checks, annual_rules
from teledeclaration.payroll.law.annual_checks import annual_rules_checks


def line(**changes: object) -> dict[str, object]:
    """A right line of 2025: a whole year at 20,000 DA a month."""
    fields: dict[str, object] = dict.fromkeys(line_schema(ANNUAL))
    fields |= {"line_number": 1, "row": 2, "nss": "874050470340", "last_name": "BENALI", "first_name": "KARIM"}
    fields |= {"birth_date": date(1987, 2, 11), "entry_date": date(2015, 3, 21), "annual_amount": 24_000_000}
    for quarter in ("q1", "q2", "q3", "q4"):
        fields |= {f"{quarter}_duration": 90, f"{quarter}_unit": "J", f"{quarter}_amount": 6_000_000}
    return fields | changes


def told(*lines: dict[str, object], year: int = 2025) -> set[tuple[str, str | None, str]]:
    frame = pl.DataFrame(list(lines), schema=line_schema(ANNUAL))
    rules = annual_checks(year)
    frame = with_most(frame, most_of(rules, frame))
    frames = [run(rules.checks, frame), *(check(frame) for check in (*rules.between_rows, *rules.of_all))]
    return {found for each in frames if each.height for found in each.select("code", "field", "severity").iter_rows()}


def test_a_right_line_is_told_nothing() -> None:
    assert told(line()) == set()


@pytest.mark.parametrize(
    ("changes", "code", "field", "severity"),
    [
        ({"annual_amount": 24_000_001}, "annual_not_sum", "annual_amount", "error"),
        ({"annual_amount": None}, "annual_missing", "annual_amount", "error"),
        ({"q1_amount": -1, "annual_amount": 17_999_999}, "amount_negative", "q1_amount", "error"),
        ({"q2_duration": 0}, "amount_without_duration", "q2_duration", "error"),
        ({"q2_duration": None}, "amount_without_duration", "q2_duration", "error"),
        ({"q2_duration": 92}, "duration_too_long", "q2_duration", "error"),
        ({"q2_duration": 4, "q2_unit": "M"}, "duration_too_long", "q2_duration", "error"),
        ({"q2_duration": 91 * 24 + 1, "q2_unit": "H"}, "duration_too_long", "q2_duration", "error"),
        ({"q2_duration": 521, "q2_unit": "H"}, "duration_doubtful", "q2_duration", "confirm"),
        ({"q2_duration": -3}, "duration_negative", "q2_duration", "error"),
        ({"q2_unit": None}, "unit_missing", "q2_unit", "error"),
        ({"q3_amount": 0, "annual_amount": 18_000_000}, "duration_without_amount", "q3_amount", "confirm"),
        ({"entry_date": None}, "entry_missing", "entry_date", "confirm"),
        ({"entry_date": date(2026, 1, 1)}, "entry_after_year", "entry_date", "error"),
        ({"exit_date": date(2015, 3, 20)}, "exit_before_entry", "exit_date", "error"),
        ({"exit_date": date(2024, 12, 31)}, "exit_before_year", "exit_date", "confirm"),
        ({"exit_date": date(2025, 9, 30)}, "amount_outside_employment", "q4_amount", "confirm"),
        ({"exit_date": date(2025, 11, 30)}, "duration_outside_employment", "q4_duration", "confirm"),
        ({"entry_date": date(2000, 1, 1)}, "entry_too_young", "entry_date", "confirm"),
        ({"birth_date": date(2026, 1, 1)}, "birth_impossible", "birth_date", "error"),
        ({"birth_date": date(2011, 1, 1)}, "birth_unlikely", "birth_date", "confirm"),
        ({"birth_date": date(1986, 1, 1)}, "year_of_birth_differs", "nss", "confirm"),
        ({"nss": "874050470341"}, "nss_key", "nss", "confirm"),
        ({"nss": None}, "nss_missing", "nss", "error"),
        ({"last_name": None}, "name_missing", "last_name", "error"),
        ({"first_name": "KAR1M"}, "name_odd", "first_name", "confirm"),
    ],
)
def test_a_line_with_one_mistake(changes: dict[str, object], code: str, field: str, severity: str) -> None:
    assert (code, field, severity) in told(line(**changes))


def test_an_unreadable_cell_is_not_told_as_empty() -> None:
    raw = '{"nss":"en cours","entry_date":"ancien","q1_amount":"à vérifier","last_name":"#N/A"}'
    assert told(line(nss=None, entry_date=None, q1_amount=None, last_name=None, raw=raw)) == set()


def test_centimes_lost_in_rounding_are_a_doubt_not_an_error() -> None:
    rounded = line(annual_amount=24_000_002, raw='{"q1_amount":"60000.005","q2_amount":"60000.005"}')
    assert told(rounded) == {("annual_rounded", "annual_amount", "confirm")}


@pytest.mark.parametrize(
    ("duration", "unit", "amount", "doubted"),
    [
        (90, "J", 5_999_900, False),
        (90, "J", 5_999_800, True),
        (59, "J", 3_933_333, False),
        (57, "J", 3_800_000, False),
        (31, "J", 2_000_000, False),
        (26, "J", 1_733_333, False),
        (26, "J", 1_700_000, True),
        (3, "M", 6_000_000, False),
        (2, "M", 3_000_000, True),
        (520, "H", 6_000_000, False),
        (260, "H", 3_000_000, False),
        (260, "H", 2_500_000, True),
        (173, "H", 1_996_200, False),
    ],
)
def test_pay_is_doubted_only_below_the_minimum_for_the_time_declared(
    duration: int,
    unit: str,
    amount: int,
    doubted: bool,
) -> None:
    changed = line(q1_duration=duration, q1_unit=unit, q1_amount=amount, annual_amount=18_000_000 + amount)
    assert told(changed) == ({("below_minimum_wage", "q1_amount", "confirm")} if doubted else set())


def test_the_minimum_wage_is_that_of_the_year() -> None:
    assert {code for code, _, _ in told(line(), year=2026)} == {"below_minimum_wage"}
    months = {f"q{n}_amount": 7_200_000 for n in range(1, 5)}
    assert told(line(**months, annual_amount=28_800_000), year=2026) == set()


def test_the_quarter_in_which_the_minimum_rose_is_counted_in_its_cheapest_months() -> None:
    paid = {"q2_amount": 5_600_000, "annual_amount": 23_600_000}
    assert told(line(**paid), year=2020) == set()
    half = {"q2_duration": 60, "q2_amount": 3_600_000, "annual_amount": 21_600_000}
    assert told(line(**half), year=2020) == set()


def test_years_before_the_known_minimum_are_not_doubted() -> None:
    poor = {f"q{n}_amount": 100_000 for n in range(1, 5)}
    old = line(**poor, annual_amount=400_000, entry_date=date(2008, 1, 1), birth_date=date(1987, 2, 11))
    assert told(old, year=2010) == set()


def test_an_amount_a_hundred_times_the_others_is_doubted() -> None:
    lines = [line(line_number=n, nss=None, raw='{"nss":"x"}') for n in range(1, 6)]
    lines[0] |= {"q1_amount": 600_000_100, "annual_amount": 618_000_100}
    assert ("amount_implausible", "q1_amount", "confirm") in told(*lines)
    assert told(*lines[1:]) == set()


@pytest.mark.parametrize(
    ("quarter", "asked"),
    [
        # 90 days at the minimum wage of 20,000 DA a month are 60,000 DA, of which twenty times is 1,200,000 DA
        (1_200_000_00, True),
        (1_199_999_99, False),
        (10**11, True),
        (0, False),
    ],
)
def test_a_file_whose_usual_pay_looks_like_centimes_is_asked_about(quarter: int, asked: bool) -> None:
    amounts = dict.fromkeys(("q1_amount", "q2_amount", "q3_amount", "q4_amount"), quarter)
    usual = line(**amounts, annual_amount=4 * quarter)
    found = told(usual, usual | {"nss": "874050470341"}, line(nss="874050470342"))
    assert (("amounts_look_like_centimes", None, "confirm") in found) == asked


def test_the_figures_come_from_the_law() -> None:
    rules = annual_rules(2020, load("cnas"))
    assert rules.minimum_wages[4:6] == (1_800_000, 2_000_000)
    assert rules.days_max == (91, 91, 92, 92)
    assert rules.hundredth_hours_a_month == 17_333


@settings(deadline=None)
@given(
    quarters=st.lists(st.integers(min_value=0, max_value=10**11), min_size=4, max_size=4),
    off=st.integers(min_value=-(10**6), max_value=10**6),
)
def test_the_annual_amount_is_told_exactly_when_it_is_off(quarters: list[int], off: int) -> None:
    amounts = {f"q{n}_amount": amount for n, amount in enumerate(quarters, start=1)}
    annual = sum(quarters) + off
    codes = {code for code, _, _ in told(line(**amounts, annual_amount=annual))}
    assert ("annual_not_sum" in codes) == (off != 0)


def test_rules_of_two_years_are_apart() -> None:
    assert len(annual_rules_checks(annual_rules(2025, load("cnas"))).checks) > 40
    assert annual_checks(2025) is not annual_checks(2026)
