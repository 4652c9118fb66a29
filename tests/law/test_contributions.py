"""What holds for any base: sums, order, differences, and the way back from an amount to its law."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any, get_args
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.annual import Unit
from schemas.assessments import AssessedAmounts
from schemas.legislation import Confidence, LaterValue, Payer
from teledeclaration.languages import LANGUAGES, say
from teledeclaration.legislation import NotInForce, load
from teledeclaration.payroll.law.bases import minimum_base, minimum_base_per_unit
from teledeclaration.payroll.law.contributions import (
    Bases,
    CategoryNotAssessable,
    DeclaredPeriod,
    added_up,
    assess,
    assess_signed,
    difference,
    dues_by_payer,
    share_among,
    shares_shown,
    side_by_side,
    together,
    year_buckets,
)
from teledeclaration.payroll.law.periods import quarter_of
from teledeclaration.payroll.law.years import StandingBases, Told, bases_that_stand
from teledeclaration.periods import Month, Quarter, Year

LAW = load("cnas")
VALUES = LAW.on(date(2025, 1, 1))
MONTHS = [Month(2025, number) for number in range(1, 13)]
UNITS: tuple[Unit, ...] = get_args(Unit)

base = st.integers(min_value=0, max_value=10**15)
bases = st.dictionaries(st.sampled_from(VALUES.enabled_categories()), base, max_size=8)
quick = settings(max_examples=60, deadline=None)


def branch_sums(assessment: AssessedAmounts) -> dict[tuple[str, Payer], int]:
    return {(part.branch, part.payer): part.amount for part in assessment.parts if part.amount}


def assert_adds_up(assessment: AssessedAmounts) -> None:
    for line in assessment.lines:
        assert sum(part.amount for part in line.parts) == line.amount
    assert sum(line.amount for line in assessment.lines) == assessment.total
    assert sum(part.amount for part in assessment.parts) == assessment.total
    assert sum(dues_by_payer(assessment).values()) == assessment.total


@quick
@given(bases)
def test_parts_sum_to_the_whole_at_any_base(declared: Mapping[str, int]) -> None:
    assessment = assess(declared, VALUES)
    assert_adds_up(assessment)
    assert all(part.amount >= 0 for line in assessment.lines for part in line.parts)
    for line in assessment.lines:
        assert abs(line.amount - line.base * line.rate) <= Decimal("0.5")
        assert all(abs(part.amount - line.base * part.rate) < 2 for part in line.parts)


@quick
@given(bases)
def test_order_of_the_categories_changes_nothing(declared: Mapping[str, int]) -> None:
    turned = dict(reversed(list(declared.items())))
    assert assess(turned, VALUES) == assess(declared, VALUES)


@quick
@given(bases, bases)
def test_a_difference_and_what_was_before_make_the_new(before: Mapping[str, int], new: Mapping[str, int]) -> None:
    assessed_before, assessed_new = assess(before, VALUES), assess(new, VALUES)
    owed = difference(assessed_new, assessed_before)
    assert_adds_up(owed)
    again = together([assessed_before, owed])
    assert again.total == assessed_new.total
    assert branch_sums(again) == branch_sums(assessed_new)
    assert {line.code: line.amount for line in again.lines if line.base or line.amount} == {
        line.code: line.amount for line in assessed_new.lines if line.base or line.amount
    }


periodic_years = st.dictionaries(st.sampled_from([*MONTHS, *Year(2025).quarters]), bases, max_size=6)
annual_years = st.none() | st.lists(bases, min_size=4, max_size=4).map(
    lambda declared: dict(zip(Year(2025).quarters, declared, strict=True))
)


@quick
@given(periodic_years, annual_years)
def test_the_periods_of_a_year_add_up_by_line_branch_and_payer(
    periodic: Mapping[DeclaredPeriod, Bases], annual: Mapping[Quarter, Bases] | None
) -> None:
    buckets = year_buckets(periodic, annual, LAW)
    assert set(buckets) == {period.code for period in [*periodic, *(annual or {})]}
    whole = side_by_side(buckets.values())
    for assessment in [*buckets.values(), whole]:
        assert_adds_up(assessment)
    assert whole.total == sum(assessment.total for assessment in buckets.values())
    for line in whole.lines:
        assert abs(line.amount - line.base * line.rate) <= Decimal("0.5")


@quick
@given(periodic_years)
def test_an_annual_declaration_that_agrees_adds_nothing(periodic: Mapping[DeclaredPeriod, Bases]) -> None:
    agrees = {
        quarter: added_up(bases for period, bases in periodic.items() if quarter_of(period) == quarter)
        for quarter in Year(2025).quarters
    }
    alone, both = year_buckets(periodic, None, LAW), year_buckets(periodic, agrees, LAW)
    for code, assessment in both.items():
        assert branch_sums(assessment) == (branch_sums(alone[code]) if code in alone else {})


@quick
@given(bases)
def test_a_base_taken_back_costs_what_it_would_have_added(declared: Mapping[str, int]) -> None:
    added, taken = (assess_signed({name: sign * base for name, base in declared.items()}, VALUES) for sign in (1, -1))
    assert branch_sums(taken) == {share: -amount for share, amount in branch_sums(added).items()}
    assert added.total == assess(declared, VALUES).total


told_annual = st.builds(
    lambda declared: {"form": "annual", "bases": dict(zip(Year(2025).quarters, declared, strict=True))},
    st.lists(bases, min_size=4, max_size=4),
)
told_periodic = st.builds(
    lambda form, period, declared: {"form": form, "bases": {period: declared}},
    st.sampled_from(["periodic", "provisional"]),
    st.sampled_from([*MONTHS[:4], *Year(2025).quarters[:2]]),
    bases,
)


@quick
@given(st.lists(told_annual | told_periodic, max_size=8), st.randoms(use_true_random=False))
def test_what_stands_does_not_depend_on_the_order_of_telling(told: list[dict[str, Any]], chance: Random) -> None:
    known = [Told(subject=uuid4(), **one) for one in told]
    replacing = [
        msgspec.structs.replace(one, subject=uuid4(), replaces=one.subject)
        for one in known
        if one.form != "provisional" and chance.random() < 0.3
    ]
    every = known + replacing
    turned = sorted(every, key=lambda _: chance.random())
    assert bases_that_stand(turned) == bases_that_stand(every)
    assert year_buckets(*_pair(bases_that_stand(turned)), LAW) == year_buckets(*_pair(bases_that_stand(every)), LAW)


def _pair(stands: StandingBases) -> tuple[dict[DeclaredPeriod, Bases], dict[Quarter, Bases] | None]:
    return stands.periodic, stands.annual


@quick
@given(st.lists(st.tuples(st.sampled_from(VALUES.enabled_categories()), base, st.integers(0, 2)), max_size=12))
def test_how_lines_are_split_over_declarations_changes_nothing(lines: list[tuple[str, int, int]]) -> None:
    """A normal declaration and two that complete it, or one with every line."""
    several = [
        Told(
            subject=uuid4(),
            form="periodic",
            bases={MONTHS[0]: added_up({name: one} for name, one, part in lines if part == number)},
        )
        for number in (0, 1, 2)
    ]
    at_once = Told(subject=uuid4(), form="periodic", bases={MONTHS[0]: added_up({name: one} for name, one, _ in lines)})
    split, whole = (year_buckets(bases_that_stand(told).periodic, None, LAW) for told in (several, [at_once]))
    assert split == whole


@quick
@given(st.lists(base, min_size=1, max_size=30), st.integers(min_value=0, max_value=10**12))
def test_shares_of_the_employees_sum_to_the_line(declared: list[int], amount: int) -> None:
    assert sum(share_among(amount, declared)) == amount


@quick
@given(st.integers(0, 2500), st.sampled_from(UNITS), st.sampled_from(["2025-Q1", "2020-Q2", "2026-Q3"]))
def test_the_floor_never_falls_with_more_time_nor_passes_the_full_quarter(duration: int, unit: Unit, code: str) -> None:
    quarter = Quarter(int(code[:4]), int(code[-1]))
    floor = minimum_base_per_unit(quarter, LAW)
    one, more = (minimum_base(time, unit, floor) for time in (duration, duration + 1))
    assert 0 <= one <= more <= floor.full_quarter


def test_why_this_amount_is_answered_part_by_part() -> None:
    assessment = assess({"rebate_north_job_seeker": 10_000_000}, VALUES)
    reduced = next(line for line in assessment.lines if line.code == "R06")
    retirement = next(part for part in reduced.parts if (part.branch, part.payer) == ("retirement", Payer.EMPLOYER))
    assert retirement.rate == Decimal("0.066")
    assert [(law.key, law.value) for law in retirement.law] == [
        ("rates.retirement.employer", "0.11"),
        ("rebates.north_job_seeker.rebate", "0.4"),
    ]
    assert "06-21" in retirement.law[1].reference
    assert [law.key for law in reduced.law] == ["lines.R06", "assessment.rounding"]
    assert reduced.law[0].confidence is Confidence.INFERRED
    assert reduced.law[0].to_be_confirmed
    assert [law.key for law in assessment.law] == ["categories.rebate_north_job_seeker"]


def test_an_assessment_travels_as_json_and_comes_back_equal() -> None:
    assessment = assess({"building": 4_512_550}, VALUES)
    assert msgspec.json.decode(msgspec.json.encode(assessment), type=AssessedAmounts) == assessment


def test_the_fingerprint_follows_the_law_used_and_not_the_bases() -> None:
    one, other = assess({"general": 100}, VALUES), assess({"general": 10**9}, VALUES)
    older = assess({"general": 100}, LAW.on(date(2014, 1, 1)))
    assert one.fingerprint == other.fingerprint
    assert len({one.fingerprint, older.fingerprint, assess({"building": 100}, VALUES).fingerprint}) == 3


def test_a_value_the_fund_corrects_changes_what_is_assessed_and_its_fingerprint() -> None:
    row = {"value": "0.0015", "valid_from": "2015-09-01", "reference": "Letter of the fund", "confidence": "S2"}
    line: dict[str, object] = {
        "total": "0.0015",
        "parts": [{"branch": "building_prevention", "payer": "employer", "rate": "rates.building_prevention.employer"}],
        **{name: row[name] for name in ("valid_from", "reference", "confidence")},
    }
    rows = [
        LaterValue(key="rates.building_prevention.employer", entry=dict(row)),
        LaterValue(key="lines.R38", entry=line),
    ]
    corrected = LAW.with_rows(rows).on(date(2025, 1, 1))
    before, after = (assess({"building": 10_000_000}, values) for values in (VALUES, corrected))
    owed = difference(after, before)
    assert owed.total == 2_000
    assert [(line.code, line.base, line.amount) for line in owed.lines] == [
        ("R38", -10_000_000, -13_000),
        ("R38", 10_000_000, 15_000),
    ]
    assert before.fingerprint != after.fingerprint


@pytest.mark.parametrize("category", ["disabled_worker", "apprentice", "daip_cta"])
def test_a_category_whose_rate_is_not_confirmed_is_refused_in_words(category: str) -> None:
    with pytest.raises(CategoryNotAssessable) as refused:
        assess({category: 100}, VALUES)
    problem = refused.value
    for language in LANGUAGES:
        assert category in say(f"problem.{problem.type}", language, **problem.values)


def test_what_cannot_be_assessed_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        assess({"general": -1}, VALUES)
    with pytest.raises(KeyError):
        assess({"unheard_of": 1}, VALUES)
    with pytest.raises(NotInForce):
        assess({"rebate_north_first_job": 1}, LAW.on(date(2014, 1, 1)))


def test_one_employee_is_shown_the_shares_of_their_own_base() -> None:
    assert shares_shown(6_000_000, "general", VALUES) == {
        Payer.EMPLOYER: 1_500_000,
        Payer.EMPLOYEE: 540_000,
        Payer.SOCIAL_WORKS: 60_000,
    }
