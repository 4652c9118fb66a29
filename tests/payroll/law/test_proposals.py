"""The next period's lines, from the last ones and from who came, left or changed since."""

from datetime import date
from typing import Any

import pytest

from schemas.periodic import PeriodicLine
from teledeclaration.payroll.law.proposals import Spell, proposed
from teledeclaration.periods import Month, Quarter

OCTOBER, NOVEMBER = Month(2025, 10), Month(2025, 11)


def line(who: str, base: int, **fields: Any) -> tuple[str, PeriodicLine]:
    said: dict[str, Any] = {
        "line_number": 1, "nss": who, "last_name": "NOM", "first_name": who, "birth_date": date(1985, 3, 1),
        "rate_category": "general", "workers": 1, "duration": 30, "unit": "J", "base": base,
        "contract_start": None, "contract_months": None, "justification": None,
    }  # fmt: skip
    return who, PeriodicLine(**(said | fields))


def spell(who: str, entry: date | None, exit_: date | None = None, **fields: Any) -> dict[str, list[Spell]]:
    told = Spell(
        nss=who, last_name="NOM", first_name=who, birth_date=None, entry_date=entry, exit_date=exit_,
        rate_category="general", **fields,
    )  # fmt: skip
    return {who: [told]}


def amounts(*found: Any, **how: Any) -> dict[str | None, int | None]:
    asked = {"period": NOVEMBER, "last_period": OCTOBER} | how
    return {one.nss: one.amount for one in proposed(*found, **asked)}


def test_who_worked_all_month_keeps_the_base_and_who_is_in_no_register_too() -> None:
    spells = spell("a", date(2020, 1, 1))
    assert amounts([line("a", 500), line("b", 600)], spells) == {"a": 500, "b": 600}


def test_who_left_before_is_gone_and_who_left_or_came_within_either_month_is_asked_for() -> None:
    spells = {
        **spell("a", date(2020, 1, 1), date(2025, 10, 31)),
        **spell("b", date(2020, 1, 1), date(2025, 11, 1)),
        **spell("c", date(2025, 10, 20)),
        **spell("d", date(2025, 11, 2)),
        **spell("e", date(2025, 12, 1)),
    }
    last = [line("a", 500), line("b", 600), line("c", 700)]
    assert amounts(last, spells) == {"b": None, "c": None, "d": None}


def test_who_left_on_the_last_day_worked_all_of_it() -> None:
    assert amounts([line("a", 500)], spell("a", date(2020, 1, 1), date(2025, 11, 30))) == {"a": 500}


def test_who_was_there_but_not_declared_last_is_not_brought_back() -> None:
    assert amounts([line("a", 500)], spell("b", date(2020, 1, 1))) == {"a": 500}
    assert amounts([], spell("b", date(2020, 1, 1)), last_period=None) == {"b": None}


def test_a_change_within_the_month_asks_for_the_base_and_gives_the_new_category() -> None:
    changed = spell("a", date(2020, 1, 1), changed_on=date(2025, 11, 15), changed_to="building")
    [one] = proposed([line("a", 500)], changed, period=NOVEMBER, last_period=OCTOBER)
    assert (one.amount, one.rate_category) == (None, "building")
    before = spell("a", date(2020, 1, 1), changed_on=date(2025, 9, 1), changed_to="building")
    [one] = proposed([line("a", 500)], before, period=NOVEMBER, last_period=OCTOBER)
    assert (one.amount, one.rate_category) == (500, "general")


def test_bases_of_a_quarter_are_none_of_a_month() -> None:
    assert amounts([line("a", 500)], {}, last_period=Quarter(2025, 3)) == {"a": None}


def test_a_complement_adds_to_the_base_of_whom_it_names_again() -> None:
    assert amounts([line("a", 500), line("b", 600), line("a", 50)], {}) == {"a": 550, "b": 600}


def test_who_came_back_is_there_again() -> None:
    twice = {"a": [*spell("a", date(2020, 1, 1), date(2025, 9, 30))["a"], *spell("a", date(2025, 11, 10))["a"]]}
    assert amounts([], twice) == {"a": None}


def test_who_has_no_number_yet_is_asked_for_again() -> None:
    [one] = proposed([line("NOM a", 500, nss=None)], {}, period=NOVEMBER, last_period=OCTOBER)
    assert (one.nss, one.number_requested) == (None, True)


@pytest.mark.parametrize(
    ("months", "unit", "declared", "expected"),
    [
        ((10, 11), "J", 31, 30),  # all days of October: all of November
        ((11, 12), "J", 30, 31),
        ((10, 11), "J", 30, 30),  # thirty for every month, as many payrolls count
        ((10, 11), "J", 22, 22),
        ((1, 2), "J", 30, 28),
        ((10, 11), "H", 173, 173),
    ],
)
def test_days_are_taken_over_with_the_calendar(
    months: tuple[int, int], unit: str, declared: int, expected: int
) -> None:
    last, period = (Month(2025, number) for number in months)
    lines = [line("a", 6_000_000, duration=declared, unit=unit)]
    found = proposed(lines, spell("a", date(2020, 1, 1)), period=period, last_period=last)
    assert [(one.duration, one.unit, one.amount) for one in found] == [(expected, unit, 6_000_000)]
