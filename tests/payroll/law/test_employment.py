"""The employment register as a fold: by hand, and as properties."""

import time
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teledeclaration.payroll.law.employment import (
    EMPLOYMENT_SCHEMA,
    MOVEMENT_SCHEMA,
    in_force,
    on_day,
    register,
)

NEW_YEAR = date(2025, 1, 1)
KAMEL, LINA = "850512345602", "900101234559"


def day(number: int) -> date:
    """The day of this number in 2025, from 1."""
    return NEW_YEAR + timedelta(days=number - 1)


def employments(*rows: dict[str, Any]) -> pl.DataFrame:
    filled = [{"who": row.get("nss"), "rate_category": "general", "centre": "16001"} | row for row in rows]
    return pl.DataFrame(
        [[row.get(name) for name in EMPLOYMENT_SCHEMA] for row in filled], schema=EMPLOYMENT_SCHEMA, orient="row"
    )


def movements(*rows: dict[str, Any]) -> pl.DataFrame:
    """Movements as told; `replaces` says which other one a row corrects or withdraws."""
    replaced = {row["replaces"]: row["told_on"] for row in rows if "replaces" in row}
    filled = [
        {"who": row.get("nss"), "last_name": "HADJ", "first_name": "LINA", "withdrawn": False}
        | {"replaced_on": replaced.get(row["movement_id"])}
        | row
        for row in rows
    ]
    return pl.DataFrame(
        [[row.get(name) for name in MOVEMENT_SCHEMA] for row in filled], schema=MOVEMENT_SCHEMA, orient="row"
    )


def told(number: int, kind: str, on: date, nss: str = KAMEL, **more: Any) -> dict[str, Any]:
    return {"movement_id": f"m{number:03}", "kind": kind, "date": on, "nss": nss, "told_on": day(300), **more}


def spells_of(known: pl.DataFrame, said: pl.DataFrame) -> list[tuple[Any, ...]]:
    """(number, entry, exit, who knows the entry, who knows the exit)."""
    columns = ("nss", "entry_date", "exit_date", "source", "exit_source")
    return register(known, in_force(said)).select(columns).rows()


def test_an_entry_opens_and_an_exit_closes_a_spell_and_a_rehire_is_a_second_one() -> None:
    said = movements(told(1, "entry", day(60)), told(2, "exit", day(90)), told(3, "entry", day(200)))
    assert spells_of(employments(), said) == [
        (KAMEL, day(60), day(90), "told", "told"),
        (KAMEL, day(200), None, "told", None),
    ]


def test_the_funds_employment_is_closed_by_the_employers_exit_and_others_stay_as_they_are() -> None:
    known = employments(
        {"nss": KAMEL, "entry_date": date(2019, 3, 1)},
        {"nss": LINA, "entry_date": date(2020, 3, 1), "exit_date": day(30)},
    )
    assert spells_of(known, movements(told(1, "exit", day(90)))) == [
        (KAMEL, date(2019, 3, 1), day(90), "fund", "told"),
        (LINA, date(2020, 3, 1), day(30), "fund", "fund"),
    ]


def test_what_the_fund_knows_by_now_is_the_same_spell() -> None:
    known = employments({"nss": KAMEL, "entry_date": day(60), "exit_date": day(90)})
    said = movements(told(1, "entry", day(60), tell_by=day(70)), told(2, "exit", day(90)))
    [spell] = register(known, in_force(said)).to_dicts()
    assert (spell["source"], spell["exit_source"]) == ("fund", "told")
    assert (spell["entry_movement"], spell["exit_movement"], spell["told_late"]) == ("m001", "m002", True)


def test_who_leaves_and_never_came_was_there_before() -> None:
    assert spells_of(employments(), movements(told(1, "exit", day(90)))) == [(KAMEL, None, day(90), "told", "told")]


def test_the_employers_exit_takes_the_place_of_the_funds() -> None:
    known = employments({"nss": KAMEL, "entry_date": day(1), "exit_date": day(80)})
    for other in (day(70), day(90)):
        assert spells_of(known, movements(told(1, "exit", other)))[0][2] == other


def test_leaving_and_coming_back_on_the_same_day() -> None:
    known = employments({"nss": KAMEL, "entry_date": date(2019, 3, 1)})
    said = movements(told(1, "entry", day(90)), told(2, "exit", day(90)))
    assert [spell[1:3] for spell in spells_of(known, said)] == [(date(2019, 3, 1), day(90)), (day(90), None)]
    assert [spell[1:3] for spell in spells_of(employments(), said)] == [(day(90), day(90))]


def test_a_change_counts_from_its_day_on() -> None:
    known = employments({"nss": KAMEL, "entry_date": date(2019, 3, 1)})
    said = movements(
        told(1, "change", day(100), hours_a_week=20), told(2, "change", day(200), rate_category="building")
    )
    spells = register(known, in_force(said))
    conditions = [
        on_day(spells, day(number)).select("rate_category", "hours_a_week").row(0) for number in (99, 100, 250)
    ]
    assert [(category, hours and int(hours)) for category, hours in conditions] == [
        ("general", None),
        ("general", 20),
        ("building", 20),
    ]


@pytest.mark.parametrize(("number", "there"), [(59, 0), (60, 1), (90, 1), (91, 0)])
def test_the_day_of_entry_and_of_exit_are_worked(number: int, there: int) -> None:
    spells = register(employments(), movements(told(1, "entry", day(60)), told(2, "exit", day(90))))
    assert on_day(spells, day(number)).height == there


def test_what_was_known_on_a_day_is_what_was_told_by_then() -> None:
    said = movements(
        told(1, "entry", day(60), told_on=day(65)),
        told(2, "entry", day(61), told_on=day(80), replaces="m001"),
        told(3, "entry", day(61), told_on=day(95), replaces="m002", withdrawn=True),
    )
    entries = {number: in_force(said, day(number))["date"].to_list() for number in (64, 65, 79, 80, 94, 95)}
    assert entries == {64: [], 65: [day(60)], 79: [day(60)], 80: [day(61)], 94: [day(61)], 95: []}


# ── properties ──────────────────────────────────────────────────────────────────────────────────

a_movement = st.fixed_dictionaries(
    {
        "nss": st.sampled_from([KAMEL, LINA, "910202123456"]),
        "kind": st.sampled_from(["entry", "exit", "change"]),
        "date": st.integers(1, 40).map(day),
        "hours_a_week": st.sampled_from([None, 20, 30]),
    }
)
some_movements = st.lists(a_movement, max_size=12, unique_by=lambda one: (one["nss"], one["kind"], one["date"])).map(
    lambda found: [{"movement_id": f"m{place:03}", "told_on": day(300)} | one for place, one in enumerate(found)]
)
some_employments = st.lists(
    st.tuples(st.sampled_from([KAMEL, LINA]), st.integers(1, 30), st.integers(0, 9) | st.none()),
    max_size=4,
    unique_by=lambda one: one[:2],
).map(
    lambda found: employments(
        *(
            {"nss": nss, "entry_date": day(entry), "exit_date": None if lasts is None else day(entry + lasts)}
            for nss, entry, lasts in found
        )
    )
)


def known(registered: pl.DataFrame, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return register(registered, in_force(movements(*rows))).to_dicts()


@given(registered=some_employments, rows=some_movements, data=st.data())
@settings(deadline=None, max_examples=150)
def test_the_order_in_which_movements_arrive_does_not_change_the_register(
    registered: pl.DataFrame, rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    arrived = data.draw(st.permutations(rows))
    told_then = [row | {"told_on": day(300 + place)} for place, row in enumerate(arrived)]
    told_now = [row | {"told_on": day(300)} for row in rows]
    without = [{**spell, "told_on": None} for spell in known(registered, told_then)]
    assert without == [{**spell, "told_on": None} for spell in known(registered, told_now)]


@given(registered=some_employments, rows=some_movements.filter(bool), other=a_movement, data=st.data())
@settings(deadline=None, max_examples=150)
def test_a_correction_replaces_exactly_what_it_names(
    registered: pl.DataFrame, rows: list[dict[str, Any]], other: dict[str, Any], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    correction = other | {"movement_id": "m900", "told_on": day(301), "replaces": rows[place]["movement_id"]}
    corrected = known(registered, [*rows, correction])
    meant = known(registered, [*rows[:place], {**correction, "replaces": "m999"}, *rows[place + 1 :]])
    assert corrected == meant


@given(registered=some_employments, rows=some_movements.filter(bool), data=st.data())
@settings(deadline=None, max_examples=150)
def test_a_withdrawal_gives_the_register_as_if_it_had_never_been_told(
    registered: pl.DataFrame, rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    corrected = data.draw(st.booleans())
    chain = [rows[place]]
    if corrected:
        chain.append(rows[place] | {"movement_id": "m900", "date": day(50), "replaces": rows[place]["movement_id"]})
    withdrawal = chain[-1] | {"movement_id": "m901", "withdrawn": True, "replaces": chain[-1]["movement_id"]}
    others = [*rows[:place], *rows[place + 1 :]]
    assert known(registered, [*others, *chain, withdrawal]) == known(registered, others)


@given(registered=some_employments, rows=some_movements)
@settings(deadline=None, max_examples=150)
def test_what_an_employer_tells_never_makes_two_employments_at_a_time(
    registered: pl.DataFrame, rows: list[dict[str, Any]]
) -> None:
    moved = {row["nss"] for row in rows}
    spells = [spell for spell in known(registered, rows) if spell["nss"] in moved]
    for former, later in pairwise(spells):
        if former["nss"] == later["nss"]:
            assert former["exit_date"] is not None
            assert former["exit_date"] <= later["entry_date"]


@pytest.mark.slow
def test_a_register_of_a_hundred_thousand_is_folded_within_a_second() -> None:
    numbers = [f"{place:012}" for place in range(100_000)]
    registered = pl.DataFrame({"nss": numbers}).select(
        who="nss",
        nss="nss",
        entry_date=pl.lit(date(2019, 1, 1)),
        exit_date=pl.lit(None, pl.Date),
        centre=pl.lit("16001"),
        rate_category=pl.lit("general"),
    )
    said = movements(*(told(place, "exit", day(1 + place % 300), nss) for place, nss in enumerate(numbers[:20_000])))
    began = time.perf_counter()
    there = on_day(register(registered, in_force(said)), day(360))
    seconds = time.perf_counter() - began
    assert there.height == 80_000
    assert seconds < 1.0
