"""Codes of a declaration by rate line, as the rate categories they stand for."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teledeclaration.legislation import load
from teledeclaration.payroll.law.totals import (
    CodeUnknown,
    SupplementTooLarge,
    Total,
    by_category,
    codes_of,
    shared_differs,
)

CODES = codes_of(load("cnas").on(date(2026, 1, 1)))
BEFORE_REBATES = codes_of(load("cnas").on(date(2010, 1, 1)))


def test_each_code_of_the_form_stands_for_what_the_law_says() -> None:
    assert CODES.own == {
        "R22": "general",
        "R06": "rebate_north_job_seeker",
        "R07": "rebate_north_first_job",
        "R08": "rebate_high_plateaux_south",
    }
    assert CODES.supplements == {"R38": "building"}
    assert CODES.shared == {"R98"}
    assert BEFORE_REBATES.own == {"R22": "general"}
    assert BEFORE_REBATES.shared == {"R98"}
    assert not BEFORE_REBATES.supplements


def test_the_supplements_base_and_workers_are_taken_out_of_the_general_line() -> None:
    said = [("R22", Total(100, 5)), ("R38", Total(40, 2)), ("R06", Total(7, 1)), ("R98", Total(107, 6))]
    assert by_category(said, CODES) == {
        "building": Total(40, 2),
        "general": Total(60, 3),
        "rebate_north_job_seeker": Total(7, 1),
    }


def test_where_every_worker_is_of_the_sector_nothing_is_left_for_the_general_category() -> None:
    assert by_category([("R22", Total(40, 2)), ("R38", Total(40, 2))], CODES) == {"building": Total(40, 2)}


def test_a_supplement_larger_than_its_line_and_an_unknown_code_are_told() -> None:
    with pytest.raises(SupplementTooLarge) as larger:
        by_category([("R22", Total(39)), ("R38", Total(40))], CODES)
    assert (larger.value.code, larger.value.of) == ("R38", "R22")
    with pytest.raises(CodeUnknown):
        by_category([("R99", Total(1))], CODES)
    with pytest.raises(CodeUnknown):
        by_category([("apprentice", Total(1))], CODES)


def test_the_line_of_all_bases_is_compared_with_the_others() -> None:
    said = [("R22", Total(100)), ("R38", Total(40)), ("R07", Total(5))]
    assert shared_differs([*said, ("R98", Total(105))], CODES) == []
    assert shared_differs([*said, ("R98", Total(145))], CODES) == [("R98", 145, 105)]
    assert shared_differs(said, CODES) == []


parts = st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 1000)), min_size=1, max_size=5)


@given(parts, parts, st.randoms())
def test_neither_order_nor_splitting_changes_the_categories_and_no_base_is_lost(
    general: list[tuple[int, int]], rebate: list[tuple[int, int]], random: object
) -> None:
    said = [("R22", Total(*part)) for part in general] + [("R06", Total(*part)) for part in rebate]
    said.append(("R38", Total(*general[0])))
    whole = by_category(said, CODES)
    random.shuffle(said)  # type: ignore[attr-defined] # hypothesis gives a random.Random
    assert by_category(said, CODES) == whole
    together = [(code, Total(sum(t.base for c, t in said if c == code), sum(t.workers for c, t in said if c == code)))
                for code in ("R22", "R06", "R38")]  # fmt: skip
    assert by_category(together, CODES) == whole
    assert sum(total.base for total in whole.values()) == sum(part[0] for part in (*general, *rebate))
