"""What a new list of lines changes in another."""

import json
from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teledeclaration.intake.comparing import CHANGES, Comparison, compare, compared_fields
from teledeclaration.intake.forms import ANNUAL, FORMS
from teledeclaration.payroll.queries.lines import LINE_SCHEMA, line_schema

COMPARED = compared_fields(ANNUAL)
SCHEMA = {name: LINE_SCHEMA[name] for name in ("line_number", *COMPARED, "left_out")}


def line(nss: str | None, last_name: str = "BENALI", **said: Any) -> dict[str, Any]:
    usual = {"first_name": "SAMIRA", "birth_date": date(1985, 5, 12), "entry_date": date(2020, 3, 1)}
    amounts = {f"q{quarter}_amount": 1_000 for quarter in (1, 2, 3, 4)}
    return usual | amounts | {"nss": nss, "last_name": last_name, "rate_category": "general", "left_out": False} | said


def frame(*lines: dict[str, Any]) -> pl.DataFrame:
    rows = [{"line_number": number, **one} for number, one in enumerate(lines, start=1)]
    return pl.DataFrame(rows, schema=SCHEMA)


def told(found: Comparison) -> list[tuple[Any, ...]]:
    """(kind, line before, line after, fields, difference) of each change."""
    rows = found.changes.select("kind", "base_line", "line_number", "fields", "difference").iter_rows()
    return [(kind, before, after, json.loads(fields), difference) for kind, before, after, fields, difference in rows]


def test_every_field_of_a_line_is_compared() -> None:
    for name, form in FORMS.items():
        stored = {*line_schema(name)} - {"line_number", "row", "typed", "left_out", "mended"}
        stored -= set() if form.of_people else {"number_requested"}
        assert set(compared_fields(form)) == stored


def test_a_number_that_is_asked_for_no_more_is_a_change() -> None:
    asking, silent = line(None, number_requested=True), line(None)
    [change] = told(compare(frame(asking), frame(silent)))
    assert change[3] == {"number_requested": [True, False]}
    # who has a number needs none asked for, whatever stands at the line
    numbered = line("850512345678")
    assert compare(frame(numbered), frame(numbered | {"number_requested": True})).counts["unchanged"] == 1


def test_the_same_lines_in_another_order_are_unchanged() -> None:
    one, two = line("850512345678"), line("860512345678", "KACI")
    found = compare(frame(one, two), frame(two, one))
    assert told(found) == []
    assert found.changes.columns == list(CHANGES)
    assert found.counts == {"absent": 0, "close": 0, "new": 0, "changed": 0, "unchanged": 2}


def test_nothing_before_and_nothing_after() -> None:
    assert compare(frame(), frame(line("850512345678"))).counts["new"] == 1
    assert compare(frame(line("850512345678")), frame()).counts["absent"] == 1
    assert sum(compare(frame(), frame()).counts.values()) == 0


def test_who_is_absent_comes_first_and_what_changed_is_named_field_by_field() -> None:
    gone, stays = line("850512345678"), line("860512345678", "KACI")
    later = stays | {"last_name": 'KA"CI\\', "q2_amount": 3_000, "birth_date": None, "exit_date": date(2025, 6, 30)}
    found = compare(frame(gone, stays), frame(later, line("900101345678", "ZEMMOUR", first_name="ALI")))
    assert told(found) == [
        ("absent", 1, None, {}, -4_000),
        ("new", None, 2, {}, 4_000),
        (
            "changed",
            2,
            1,
            {
                "last_name": ["KACI", 'KA"CI\\'],
                "birth_date": ["1985-05-12", None],
                "q2_amount": [1_000, 3_000],
                "annual_amount": [4_000, 6_000],
                "exit_date": [None, "2025-06-30"],
            },
            2_000,
        ),
    ]


def test_an_empty_text_is_nothing_and_a_quarter_without_an_amount_is_zero() -> None:
    before = line("850512345678", observation="", q4_amount=None, annual_amount=3_000)
    after = line("850512345678", observation=None, q4_amount=0, annual_amount=None)
    assert compare(frame(before), frame(after)).counts["unchanged"] == 1


def test_two_spells_of_one_number_are_told_apart_by_their_entry() -> None:
    first, second = line("850512345678"), line("850512345678", entry_date=date(2025, 9, 1), q1_amount=0)
    found = compare(frame(first, second), frame(second | {"q4_amount": 5_000}, first))
    assert told(found) == [("changed", 2, 1, {"q4_amount": [1_000, 5_000], "annual_amount": [3_000, 7_000]}, 4_000)]
    moved = compare(frame(first, second), frame(first, second | {"entry_date": date(2025, 10, 1)}))
    assert told(moved) == [("changed", 2, 2, {"entry_date": ["2025-09-01", "2025-10-01"]}, 0)]
    assert compare(frame(first, second), frame(first)).counts["absent"] == 1


def test_a_number_that_stands_twice_without_spells_is_paired_in_order() -> None:
    twice = frame(line("850512345678"), line("850512345678"))
    assert compare(twice, twice).counts["unchanged"] == 2
    assert compare(twice, frame(line("850512345678"))).counts == {
        "absent": 1, "close": 0, "new": 0, "changed": 0, "unchanged": 1,
    }  # fmt: skip


def test_who_has_no_number_is_known_by_names_and_birth() -> None:
    before, after = line(None), line(None, q1_amount=2_000)
    assert told(compare(frame(before), frame(after)))[0][:3] == ("changed", 1, 1)


def test_a_close_match_says_how_each_field_differs() -> None:
    before, after = line("850512345678"), line("850512345687", "بن علي")
    ((kind, _, _, fields, difference),) = told(compare(frame(before), frame(after)))
    assert (kind, difference) == ("close", 0)
    assert fields == {
        "nss": ["850512345678", "850512345687", "key"],
        "last_name": ["BENALI", "بن علي", "script"],
    }


def test_a_line_left_out_is_not_declared() -> None:
    one, other = line("850512345678"), line("860512345678", "KACI")
    out = {"left_out": True}
    assert told(compare(frame(one, other), frame(one | out, other))) == [
        ("absent", 1, 1, {"left_out": [False, True]}, -4_000)
    ]
    assert told(compare(frame(one | out, other), frame(one, other))) == [
        ("new", 1, 1, {"left_out": [True, False]}, 4_000)
    ]
    assert compare(frame(one | out, other), frame(one | out, other)).counts["unchanged"] == 1


LINES = st.lists(
    st.builds(
        line,
        st.one_of(st.none(), st.sampled_from(["850512345678", "850512345679", "900101000011"])),
        st.sampled_from(["BENALI", "بن علي", "KACI", ""]),
        q1_amount=st.sampled_from([None, 0, 5]),
        entry_date=st.sampled_from([None, date(2020, 1, 1), date(2025, 9, 1)]),
        observation=st.sampled_from([None, "", 'a "b"\n\\c', "ملاحظة"]),
        left_out=st.booleans(),
    ),
    max_size=8,
)


@settings(deadline=None)
@given(LINES, LINES)
def test_every_declared_line_is_told_once_and_the_differences_sum_to_the_whole(
    before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> None:
    found = compare(frame(*before), frame(*after))
    counts = found.counts
    declared = [[one for one in lines if not one["left_out"]] for lines in (before, after)]
    both = counts["close"] + counts["changed"] + counts["unchanged"]
    assert (both + counts["absent"], both + counts["new"]) == (len(declared[0]), len(declared[1]))
    sums = [sum((one["q1_amount"] or 0) + 3_000 for one in lines) for lines in declared]
    assert found.changes["difference"].sum() == sums[1] - sums[0]
    assert all(isinstance(json.loads(fields), dict) for fields in found.changes["fields"])
    assert compare(frame(*before), frame(*before)).counts["unchanged"] == len(declared[0])


@pytest.mark.parametrize("count", [30_000])
def test_a_long_list_is_compared_while_one_waits(count: int) -> None:
    lines = frame(*[line(f"{number:012d}", f"NAME{number}") for number in range(count)])
    changed = lines.with_columns(q1_amount=pl.when(pl.col("line_number") % 100 == 0).then(2_000).otherwise(1_000))
    assert compare(lines, changed).counts["changed"] == count // 100
