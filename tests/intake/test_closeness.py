"""Who may be who: the pairs of `closeness.toml`, which a reader of both scripts can check."""

import tomllib
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teledeclaration.intake.closeness import (
    CLOSE_FROM,
    Person,
    birth_difference,
    closeness,
    name_likeness,
    number_difference,
)
from teledeclaration.intake.pairing import pair_up
from teledeclaration.intake.spelling import spelling

TABLE: dict[str, Any] = tomllib.loads((Path(__file__).parent / "closeness.toml").read_text("utf-8"))
ONE_NAME_FROM = 78
TWO_NAMES_UNTIL = 60

NAMES = st.text(st.characters(categories=("L", "Zs", "Pd", "Mn")), max_size=12)


def person(said: list[str]) -> Person:
    nss, last_name, first_name, birth_date = said
    return Person(
        nss or None, last_name or None, first_name or None, date.fromisoformat(birth_date) if birth_date else None
    )


@pytest.mark.parametrize("spells", TABLE["same"], ids=lambda spells: spells[0])
def test_all_spells_of_one_name_sound_alike(spells: list[str]) -> None:
    apart = {pair: name_likeness(*pair) for pair in combinations(spells, 2) if name_likeness(*pair) < ONE_NAME_FROM}
    assert apart == {}


@pytest.mark.parametrize("names", TABLE["other"], ids="-".join)
def test_two_names_do_not(names: list[str]) -> None:
    assert name_likeness(*names) < TWO_NAMES_UNTIL


@pytest.mark.parametrize("pair", TABLE["pair"], ids=lambda pair: pair["why"])
def test_two_people(pair: dict[str, Any]) -> None:
    one, two = person(pair["one"]), person(pair["two"])
    found = closeness(one, two)
    assert (found.score >= CLOSE_FROM) == pair["close"], found
    assert "differs" not in pair or found.differs == pair["differs"]
    assert closeness(two, one) == found


@settings(deadline=None)
@given(NAMES, NAMES)
def test_any_text_has_a_spelling_and_likeness_goes_both_ways(one: str, other: str) -> None:
    assert 0 <= name_likeness(one, other) <= 100
    assert name_likeness(one, other) == name_likeness(other, one)
    assert " " not in spelling(one).sounds


@given(st.from_regex(r"[0-9]{12}", fullmatch=True), st.integers(0, 11), st.integers(1, 9))
def test_one_wrong_digit_is_seen_as_one(number: str, place: int, off: int) -> None:
    wrong = number[:place] + str((int(number[place]) + off) % 10) + number[place + 1 :]
    assert number_difference(number, wrong) in ("digit", "key", "zeros")
    assert number_difference(number, number) is None


@given(st.dates(date(1930, 1, 1), date(2012, 12, 31)))
def test_day_and_month_exchanged_are_seen_as_such(born: date) -> None:
    if born.day <= 12 and born.day != born.month:
        assert birth_difference(born, born.replace(day=born.month, month=born.day)) == "exchanged"
    assert birth_difference(born, None) == "missing"


def people(*said: tuple[int, str | None, str, str, date | None]) -> pl.DataFrame:
    columns = {
        "line_number": pl.Int32,
        "nss": pl.String,
        "last_name": pl.String,
        "first_name": pl.String,
        "birth_date": pl.Date,
    }
    return pl.DataFrame(said, schema=columns, orient="row")


def test_each_line_is_paired_once_with_the_closest() -> None:
    born = date(1985, 5, 12)
    base = people((1, "850512345678", "BENALI", "SAMIRA", born), (2, "850512349999", "BEN ALI", "SAMIR", born))
    new = people((7, None, "بن علي", "سميرة", born), (8, "850512349998", "BENALI", "SAMIR", born))
    assert [(line, other) for line, other, _ in pair_up(base, new)] == [(2, 8), (1, 7)]
    assert pair_up(base, new.clear()) == []


def test_a_crowd_born_on_one_day_is_no_reason_to_wait() -> None:
    day = date(1980, 1, 1)
    crowd = [(line, f"80{line:08d}00", "BENALI", "SAMIRA", day + timedelta(days=line % 3)) for line in range(20_000)]
    assert len(pair_up(people(*crowd), people(*crowd))) <= 20_000
