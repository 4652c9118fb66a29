"""The checks of a month's or quarter's bases, line by line; figures computed by hand from the law's own pages."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.annual import Unit
from teledeclaration.intake.checks import Rules, most_of, run, with_most
from teledeclaration.intake.forms import FORMS, FormName
from teledeclaration.intake.lines import line_schema
from teledeclaration.legislation import load
from teledeclaration.payroll.checks import Sector, rules_of_forms
from teledeclaration.payroll.law.bases import minimum_base, minimum_base_per_unit
from teledeclaration.periods import Month, Period, Quarter

LAW = load("cnas")
DECEMBER = Month(2025, 12)
REBATE: dict[str, Any] = {
    "rate_category": "rebate_north_job_seeker",
    "contract_start": date(2025, 3, 1),
    "contract_months": 12,
    "justification": "ANEM 123",
}


def line(**changes: Any) -> dict[str, Any]:
    """A right line of one month at 40,000 DA."""
    fields: dict[str, Any] = dict.fromkeys(line_schema(FORMS["periodic"]))
    fields |= {"line_number": 1, "row": 2, "nss": "874050470340", "last_name": "BENALI", "first_name": "KARIM"}
    fields |= {"birth_date": date(1987, 2, 11), "duration": 30, "unit": "J", "amount": 4_000_000}
    return fields | {"rate_category": "general"} | changes


def found(rules: Rules, form: FormName, *lines: dict[str, Any]) -> set[tuple[str, str | None, str]]:
    frame = pl.DataFrame(list(lines), schema=line_schema(FORMS[form]))
    frame = with_most(frame, most_of(rules, frame))
    frames = [run(rules.checks, frame), *(check(frame) for check in (*rules.between_rows, *rules.of_all))]
    return {found for each in frames if each.height for found in each.select("code", "field", "severity").iter_rows()}


def told(
    *lines: dict[str, Any], period: Period = DECEMBER, sector: str | None = "industry"
) -> set[tuple[str, str | None, str]]:
    return found(rules_of_forms(LAW, Sector(sector, building=False))["periodic"](period), "periodic", *lines)


def totals(
    *lines: tuple[str | None, int | None, int | None], building: bool = True
) -> set[tuple[str, str | None, str]]:
    rules = rules_of_forms(LAW, Sector("industry", building=building))["totals"](Month(2025, 12))
    rows = [
        {"line_number": number, "row": number, "code": code, "amount": amount, "workers": workers}
        for number, (code, amount, workers) in enumerate(lines, 1)
    ]
    blank = dict.fromkeys(line_schema(FORMS["totals"]))
    return found(rules, "totals", *({**blank, **row} for row in rows))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"amount": None}, ("amount_missing", "amount", "error")),
        ({"amount": None, "raw": '{"amount":"?"}'}, None),
        ({"amount": -1}, ("amount_negative", "amount", "error")),
        ({"amount": 0, "duration": 0}, None),
        ({"amount": 0}, ("duration_without_amount", "amount", "confirm")),
        ({"duration": 0}, ("amount_without_duration", "duration", "error")),
        ({"duration": None, "unit": None}, ("amount_without_duration", "duration", "error")),
        ({"unit": None}, ("unit_missing", "unit", "error")),
        ({"duration": -2}, ("duration_negative", "duration", "error")),
        ({"duration": 31}, None),
        ({"duration": 32}, ("duration_too_long", "duration", "error")),
        ({"duration": 1, "unit": "M"}, None),
        ({"duration": 2, "unit": "M"}, ("duration_too_long", "duration", "error")),
        ({"duration": 31 * 24 + 1, "unit": "H"}, ("duration_too_long", "duration", "error")),
        ({"duration": 174, "unit": "H"}, None),
        ({"duration": 175, "unit": "H"}, ("duration_doubtful", "duration", "confirm")),
        ({"amount": 2_000_000}, None),
        ({"amount": 1_999_800}, ("below_minimum_wage", "amount", "confirm")),
        # ten days are a third of 20,000 DA: 6,666.66
        ({"amount": 666_666, "duration": 10}, None),
        ({"amount": 666_500, "duration": 10}, ("below_minimum_wage", "amount", "confirm")),
    ],
)
def test_a_months_line(changes: dict[str, Any], expected: tuple[str, str, str] | None) -> None:
    assert told(line(**changes)) == (set() if expected is None else {expected})


@pytest.mark.parametrize(
    ("changes", "sector", "expected"),
    [
        ({}, "industry", None),
        ({"contract_start": None}, "industry", ("rebate_contract_start_missing", "contract_start", "error")),
        ({"contract_months": None}, "industry", ("rebate_contract_months_missing", "contract_months", "error")),
        ({"justification": None}, "industry", ("rebate_justification_missing", "justification", "error")),
        ({"contract_months": 11}, "industry", ("rebate_contract_too_short", "contract_months", "error")),
        ({"contract_months": 6}, "agriculture", None),
        ({"contract_months": 6}, None, None),
        ({"contract_months": 5}, "agriculture", ("rebate_contract_too_short", "contract_months", "error")),
        ({"contract_start": date(2022, 12, 1)}, "industry", ("rebate_over", "contract_start", "error")),
        ({"contract_start": date(2022, 12, 2)}, "industry", None),
        ({"contract_start": date(2025, 12, 31)}, "industry", None),
        ({"contract_start": date(2026, 1, 1)}, "industry", ("rebate_not_begun", "contract_start", "error")),
        ({}, "oil_exploration", ("rebate_sector_excluded", "rate_category", "error")),
        ({"rate_category": "general", "contract_start": None}, "oil_exploration", None),
    ],
)
def test_a_rebates_conditions(
    changes: dict[str, Any], sector: str | None, expected: tuple[str, str, str] | None
) -> None:
    assert told(line(**{**REBATE, **changes}), sector=sector) == (set() if expected is None else {expected})


def test_one_number_on_two_lines() -> None:
    twice = told(line(), line(line_number=2, rate_category="building"))
    assert twice == {("person_twice", "nss", "confirm")}
    another = told(line(), line(line_number=2, last_name="KACI"))
    assert another == {("nss_duplicate", "nss", "error")}


def test_a_whole_file_in_centimes_is_one_doubt() -> None:
    lines = [line(line_number=number, nss=None, number_requested=True, last_name=f"N{number}") for number in range(3)]
    assert ("amounts_look_like_centimes", None, "confirm") in told(*({**one, "amount": 400_000_000} for one in lines))
    assert ("amounts_look_like_centimes", None, "confirm") not in told(*lines)


@given(st.sampled_from(["J", "H", "M"]), st.integers(1, 744), st.sampled_from([Month(2025, 2), Quarter(2025, 4)]))
def test_the_least_base_is_the_laws_for_any_time(unit: Unit, duration: int, period: Month | Quarter) -> None:
    least = minimum_base(duration, unit, minimum_base_per_unit(period, LAW))
    just, under = (
        told(line(unit=unit, duration=duration, amount=amount), period=period) for amount in (least, least - 101)
    )
    doubt = ("below_minimum_wage", "amount", "confirm")
    possible = ("duration_too_long", "duration", "error") not in just
    assert doubt not in just
    assert (doubt in under) == (possible and least > 101)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([("R22", 100, 1), ("R98", 100, 1)], set()),
        (
            [("R22", 100, 1), ("R38", 100, 1), ("R06", 7, 1), ("R98", 107, 2)],
            {("rebate_annex_missing", "code", "confirm")},
        ),
        ([("general", 100, 1), ("R98", 100, 1)], set()),
        ([("R22", 100, 1), ("R98", 101, 1)], {("shared_base_differs", "amount", "error")}),
        ([("R22", 100, 1), ("R38", 101, 1)], {("supplement_too_large", "amount", "error")}),
        ([("R22", 100, 1), ("R38", 100, 2)], {("supplement_too_large", "workers", "error")}),
        ([("R22", 100, 1), ("R22", 5, 1)], {("code_twice", "code", "error")}),
        ([("R99", 100, 1)], {("code_unknown", "code", "error")}),
        ([(None, 100, 1)], {("code_missing", "code", "error")}),
        ([("R22", None, 1)], {("amount_missing", "amount", "error")}),
        ([("R22", -1, 1)], {("amount_negative", "amount", "error")}),
        ([("R22", 100, None)], {("workers_missing", "workers", "error")}),
        ([("R22", 100, -1)], {("workers_negative", "workers", "error")}),
        ([("R22", 100, 0)], {("workers_none", "workers", "confirm")}),
    ],
)
def test_rate_lines(
    lines: list[tuple[str | None, int | None, int | None]], expected: set[tuple[str, str, str]]
) -> None:
    assert totals(*lines) == expected


def test_the_sectors_line_is_for_the_sector_only() -> None:
    lines = [("R22", 100, 1), ("R38", 100, 1)]
    assert totals(*lines) == set()
    assert totals(*lines, building=False) == {("code_of_another_sector", "code", "error")}
