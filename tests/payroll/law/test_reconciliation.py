"""A year compared, by hand: each kind of difference planted alone, with what it is worth.

That is 35 % of the base: R22 34.5 and R98 0.5, each rounded once on the sum of what differs.
"""

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teledeclaration.legislation import load
from teledeclaration.payroll.checks import annual_rules
from teledeclaration.payroll.law.reconciliation.comparing import compare_years
from teledeclaration.payroll.law.reconciliation.frames import (
    ANNUAL,
    CENTRES,
    LAST_YEAR,
    PERIODIC,
    PERIODS,
    SPELLS,
    Inputs,
    Rules,
    shaped,
)
from teledeclaration.payroll.law.reconciliation.pricing import contributions

RULES = Rules(year=2025, legislation=load("cnas"), annual=annual_rules(2025, load("cnas")))
PAY = 4_500_000
"""45,000 DA a month, in centimes."""
QUARTER = 3 * PAY
AMINA, BRAHIM, CHAFIA = "850612345678", "790311223344", "920101556677"


class Year:
    """One employer's year, agreeing in all until something is planted."""

    def __init__(self, *people: str) -> None:
        self.months: dict[tuple[str, int], dict[str, Any]] = {
            (nss, month): {"base": PAY, "days": 30} for nss in people for month in range(1, 13)
        }
        self.annual = {
            nss: {f"q{quarter}_amount": QUARTER for quarter in (1, 2, 3, 4)}
            | {f"q{quarter}_duration": 90 for quarter in (1, 2, 3, 4)}
            for nss in people
        }
        self.spells: list[dict[str, Any]] = [self.spell(nss) for nss in people]
        self.last_year: list[dict[str, Any]] = []
        self.declared = list(range(1, 13))
        self.headcounts: dict[int, int] = {}
        self.names: dict[str, str] = {nss: f"NOM{nss[-2:]}" for nss in people}
        self.categories: dict[str, str] = {}

    @staticmethod
    def spell(nss: str, entry: date = date(2019, 3, 1), leaves: date | None = None) -> dict[str, Any]:
        return {"item": 0, "nss": nss, "entry_date": entry, "exit_date": leaves}

    def named(self, nss: str) -> dict[str, Any]:
        name = self.names.get(nss, f"NOM{nss[-2:]}")
        number = nss if nss.isdigit() else None
        return {"item": 0, "nss": number, "last_name": name, "first_name": "X", "birth_date": date(1985, 6, 12)}

    def periodic(self) -> pl.DataFrame:
        rows: dict[tuple[str, int, str], dict[str, Any]] = {}
        for (nss, month), said in self.months.items():
            quarter, place = (month + 2) // 3, (month + 2) % 3 + 1
            category = said.get("category", "general")
            row = rows.setdefault(
                (nss, quarter, category),
                {**self.named(nss), "quarter": quarter, "rate_category": category, "base": 0, "completed": 0,
                 "days": 0, "hours": 0, "months": 0, "workers": 0},
            )  # fmt: skip
            row["base"] += said["base"]
            row["days"] += said["days"]
            row["completed"] += said.get("completed", 0)
            row[f"month_{place}"] = row.get(f"month_{place}", 0) + said["base"]
        return (
            shaped(pl.DataFrame(list(rows.values()), infer_schema_length=None), PERIODIC) if rows else empty(PERIODIC)
        )

    def inputs(self) -> Inputs:
        units = {f"q{quarter}_unit": "J" for quarter in (1, 2, 3, 4)}
        annual = [
            {**self.named(nss), **units, "rate_category": self.categories.get(nss, "general"), **said}
            for nss, said in self.annual.items()
        ]
        periods = [
            {"item": 0, "period": f"2025-{month:02d}", "quarter": (month + 2) // 3, "month": (month + 2) % 3 + 1,
             "by_person": True, "headcount": self.headcounts.get(month)}
            for month in self.declared
        ]  # fmt: skip
        return Inputs(
            centres=pl.DataFrame([(0, bool(annual), bool(self.spells))], schema=CENTRES, orient="row"),
            periods=frame(periods, PERIODS),
            periodic=self.periodic(),
            annual=frame(annual, ANNUAL),
            spells=frame(self.spells, SPELLS),
            last_year=frame(self.last_year, LAST_YEAR),
        )

    def differences(self) -> list[dict[str, Any]]:
        return compare_years(self.inputs(), RULES).differences.to_dicts()

    def only(self) -> dict[str, Any]:
        """The one difference there is."""
        found = self.differences()
        assert len(found) == 1, found
        return found[0]


def frame(rows: list[dict[str, Any]], schema: Any) -> pl.DataFrame:
    return shaped(pl.DataFrame(rows, infer_schema_length=None), schema) if rows else empty(schema)


def empty(schema: Any) -> pl.DataFrame:
    return pl.DataFrame(schema=schema)


def told(found: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(found[name] for name in names)


WHAT = ("kind", "period", "nss", "declared", "expected", "cause", "action", "contributions")


def test_a_year_that_agrees_has_no_difference() -> None:
    assert Year(AMINA, BRAHIM).differences() == []


def test_nothing_at_all_has_no_difference() -> None:
    year = Year()
    year.declared = []
    assert year.differences() == []


def test_a_base_that_differs_is_worth_its_contributions() -> None:
    year = Year(AMINA, BRAHIM)
    year.annual[AMINA]["q2_amount"] = QUARTER + 123_400
    # 1,234.00 DA: R22 34.5 % = 425.73, R98 0.5 % = 6.17
    assert told(year.only(), *WHAT) == (
        "base_differs", "2025-Q2", AMINA, QUARTER + 123_400, QUARTER, None, "complete", 43_190,
    )  # fmt: skip


def test_less_in_the_annual_declaration_is_a_credit() -> None:
    year = Year(AMINA, BRAHIM)
    year.annual[AMINA]["q2_amount"] = QUARTER - 123_400
    assert told(year.only(), "kind", "action", "contributions") == ("base_differs", "mend_annual", -43_190)


def test_in_the_annual_declaration_only_and_in_the_periodic_ones_only() -> None:
    year = Year(AMINA, BRAHIM)
    for month in (4, 5, 6):
        del year.months[AMINA, month]
    year.annual[BRAHIM]["q3_amount"] = 0
    found = {row["kind"]: row for row in year.differences()}
    assert told(found["annual_only"], *WHAT[1:]) == (
        "2025-Q2", AMINA, QUARTER, 0, None, "complete", 4_725_000,
    )  # fmt: skip
    assert told(found["periodic_only"], *WHAT[1:]) == (
        "2025-Q3", BRAHIM, 0, QUARTER, None, "mend_annual", -4_725_000,
    )  # fmt: skip
    assert len(found) == 2


@pytest.mark.parametrize(
    ("annual", "months", "cause", "action"),
    [
        (100 * QUARTER, {}, "written_in_centimes", "mend_annual"),
        (QUARTER, {5: {"base": 100 * PAY, "days": 30}}, "periodic_in_centimes", "replace"),
        (QUARTER, {5: {"base": 2 * PAY, "days": 60}}, "declared_twice", "replace"),
        (QUARTER + 36, {}, "rounded", "mend_annual"),
        (QUARTER, {5: {"base": PAY + 77, "days": 30}}, "rounded", "mend_annual"),
        (15_300_000, {}, "digits_swapped", "mend_annual"),  # 135,000.00 typed 153,000.00
        (QUARTER, {5: {"base": 5_400_000, "days": 30}}, "digits_swapped", "mend_annual"),  # 45,000 typed 54,000
        (QUARTER, {5: None}, "month_missing", "complete"),
        (QUARTER, {5: {"base": PAY + 10_000, "days": 30, "completed": 10_000}}, "late_complement", "mend_annual"),
        (QUARTER + 1_234_500, {}, None, "complete"),
    ],
)
def test_a_cause_is_found_where_the_figures_tell(annual: int, months: Any, cause: str | None, action: str) -> None:
    year = Year(AMINA, BRAHIM)
    year.annual[AMINA]["q2_amount"] = annual
    for month, said in months.items():
        if said is None:
            del year.months[AMINA, month]
        else:
            year.months[AMINA, month] = said
    found = [row for row in year.differences() if row["kind"] != "days_beyond_employment"]
    assert [told(row, "kind", "cause", "action") for row in found] == [("base_differs", cause, action)]


def test_a_month_that_is_named_by_its_cause() -> None:
    year = Year(AMINA, BRAHIM)
    del year.months[AMINA, 5]
    assert '"month":"2025-05"' in year.only()["facts"]


def test_pay_put_in_the_neighbouring_quarter_is_told_on_both_sides() -> None:
    year = Year(AMINA, BRAHIM)
    year.annual[AMINA] |= {"q2_amount": QUARTER - PAY, "q3_amount": QUARTER + PAY}
    found = sorted(told(row, "period", "cause", "contributions") for row in year.differences())
    assert found == [("2025-Q2", "quarter_shifted", -1_575_000), ("2025-Q3", "quarter_shifted", 1_575_000)]


def test_a_month_nobody_was_declared_for_is_one_difference() -> None:
    year = Year(AMINA, BRAHIM)
    year.declared.remove(8)
    del year.months[AMINA, 8], year.months[BRAHIM, 8]
    # twice 45,000 DA × 35 %
    assert told(year.only(), *WHAT) == (
        "period_undeclared", "2025-08", None, 2 * QUARTER, 4 * PAY, None, "complete", 3_150_000,
    )  # fmt: skip


def test_a_quarter_nothing_was_declared_for_is_one_difference() -> None:
    year = Year(AMINA, BRAHIM)
    for month in (10, 11, 12):
        year.declared.remove(month)
        del year.months[AMINA, month], year.months[BRAHIM, month]
    assert told(year.only(), *WHAT) == (
        "period_undeclared", "2025-Q4", None, 2 * QUARTER, 0, None, "complete", 9_450_000,
    )  # fmt: skip


def test_who_left_and_is_still_paid() -> None:
    year = Year(AMINA, BRAHIM)
    year.spells[0]["exit_date"] = date(2025, 9, 30)
    # declared by both: the movement is doubted, and the base named once
    assert told(year.only(), *WHAT) == (
        "left_but_paid", "2025-Q4", AMINA, QUARTER, 0, None, "correct_movement", 4_725_000,
    )  # fmt: skip


def test_who_left_and_is_paid_in_the_annual_declaration_only() -> None:
    year = Year(AMINA, BRAHIM)
    year.spells[0]["exit_date"] = date(2025, 9, 30)
    for month in (10, 11, 12):
        del year.months[AMINA, month]
    assert told(year.only(), "kind", "action", "contributions") == ("left_but_paid", "mend_annual", 4_725_000)


def test_who_is_paid_before_coming_and_who_never_came() -> None:
    year = Year(AMINA, BRAHIM)
    year.spells = [year.spell(AMINA, date(2025, 4, 1))]
    found = {row["kind"]: told(row, "nss", "period", "action", "contributions") for row in year.differences()}
    assert found == {
        "paid_before_entry": (AMINA, "2025-Q1", "correct_movement", 4_725_000),
        "paid_not_hired": (BRAHIM, None, "declare_movement", 0),
    }


def test_a_register_that_knows_nobody_doubts_nobody() -> None:
    year = Year(AMINA, BRAHIM)
    year.spells = []
    assert year.differences() == []


def test_who_works_there_and_is_nowhere_is_worth_the_minimum_wage() -> None:
    year = Year(AMINA, BRAHIM)
    year.spells.append(year.spell(CHAFIA, date(2025, 12, 1)))
    # 31 days count as a month: 20,000 DA × 35 %
    assert told(year.only(), *WHAT) == (
        "hired_but_missing", "2025-Q4", CHAFIA, 0, 2_000_000, None, "complete", 700_000,
    )  # fmt: skip


def test_who_stopped_being_declared_most_likely_left() -> None:
    year = Year(AMINA, BRAHIM)
    year.annual[AMINA] |= {"q4_amount": 0, "q4_duration": 0}
    for month in (10, 11, 12):
        del year.months[AMINA, month]
    assert told(year.only(), "kind", "cause", "action") == ("hired_but_missing", "exit_not_told", "declare_movement")


def test_more_days_than_the_employment_leaves() -> None:
    year = Year(AMINA, BRAHIM)
    year.spells[0]["exit_date"] = date(2025, 11, 30)
    # 61 days are left of 90 declared: 29 of 90 parts of 135,000 DA are 43,500 DA × 35 %
    assert told(year.only(), *WHAT) == (
        "days_beyond_employment", "2025-Q4", AMINA, 90, 61, None, "mend_annual", 1_522_500,
    )  # fmt: skip


def test_a_whole_february_counts_as_thirty_days() -> None:
    year = Year(AMINA, BRAHIM)
    year.spells[0]["entry_date"] = date(2025, 2, 1)
    year.annual[AMINA] |= {"q1_duration": 61, "q1_amount": 2 * PAY}
    del year.months[AMINA, 1]
    assert year.differences() == []  # 28 + 31 days, and the two that February lacks


def test_below_the_minimum_wage() -> None:
    year = Year(AMINA, BRAHIM)
    year.annual[AMINA]["q1_amount"] = 3 * 1_900_000
    for month in (1, 2, 3):
        year.months[AMINA, month]["base"] = 1_900_000
    # 1,000 DA a month are missing: 3,000 DA × 35 %
    assert told(year.only(), *WHAT) == (
        "below_minimum_wage", "2025-Q1", AMINA, 5_700_000, 6_000_000, None, "mend_annual", 105_000,
    )  # fmt: skip


def last_year(nss: str, base: int) -> dict[str, Any]:
    named = {"item": 0, "nss": nss, "last_name": "X", "first_name": "Y", "birth_date": None}
    return {**named, "base": base, "days": 360, "hours": 0, "months": 0}


def test_three_times_last_years_pay_is_a_doubt() -> None:
    year = Year(AMINA, BRAHIM)
    year.last_year = [last_year(AMINA, 4 * PAY), last_year(BRAHIM, 12 * PAY)]
    # 45,000 a month after 15,000: 8 × 45,000 DA more in the year, × 35 %
    assert told(year.only(), *WHAT) == (
        "unusual_jump", None, AMINA, 12 * PAY, 4 * PAY, None, "accept", 12_600_000,
    )  # fmt: skip


def test_who_was_paid_last_year_and_is_gone_without_an_exit() -> None:
    year = Year(AMINA)
    year.last_year = [last_year(BRAHIM, 12 * PAY)]
    assert told(year.only(), *WHAT) == (
        "vanished", None, BRAHIM, 0, 12 * PAY, None, "declare_movement", -18_900_000,
    )  # fmt: skip


def test_whose_exit_was_told_did_not_vanish() -> None:
    year = Year(AMINA)
    year.last_year = [last_year(BRAHIM, 12 * PAY)]
    year.spells.append(year.spell(BRAHIM, leaves=date(2024, 12, 31)))
    assert year.differences() == []


def test_one_person_under_two_numbers_is_one_difference() -> None:
    year = Year(AMINA, BRAHIM)
    year.annual[CHAFIA] = year.annual.pop(AMINA)
    year.names[CHAFIA] = year.names[AMINA]
    year.spells = []
    found = year.only()
    assert told(found, *WHAT) == (
        "two_numbers", None, CHAFIA, 4 * QUARTER, 4 * QUARTER, None, "mend_annual", 0,
    )  # fmt: skip
    assert f'"other_nss":"{AMINA}"' in found["facts"]


def test_who_had_no_number_yet_is_the_same_person() -> None:
    year = Year("nobody", BRAHIM)
    year.annual[CHAFIA] = year.annual.pop("nobody")
    year.names[CHAFIA] = year.names["nobody"]
    year.spells = []
    assert year.differences() == []


def test_the_same_base_under_another_rate_category() -> None:
    year = Year(AMINA, BRAHIM)
    category = next(name for name in RULES.legislation.on(date(2025, 1, 1)).enabled_categories() if name != "general")
    year.categories[AMINA] = category
    rows = year.differences()
    assert {told(row, "kind", "nss", "declared", "expected") for row in rows} == {
        ("category_differs", AMINA, QUARTER, QUARTER)
    }
    assert len(rows) == 4


def test_totals_by_rate_line_are_compared_as_totals() -> None:
    year = Year(AMINA, BRAHIM)
    inputs = year.inputs()
    totals = pl.DataFrame(
        {"item": 0, "rate_category": "general", "quarter": quarter, "base": 2 * QUARTER - missing, "workers": 2}
        for quarter, missing in ((1, 0), (2, 100), (3, 0), (4, 0))
    )
    of_totals = Inputs(
        centres=inputs.centres,
        periods=inputs.periods.with_columns(by_person=pl.lit(value=False)),
        periodic=shaped(totals, PERIODIC).with_columns(pl.col("completed", "days", "hours", "months").fill_null(0)),
        annual=inputs.annual,
        spells=inputs.spells,
        last_year=inputs.last_year,
    )
    [found] = compare_years(of_totals, RULES).differences.to_dicts()
    assert told(found, *WHAT) == (
        "totals_differ", "2025-Q2", None, 2 * QUARTER, 2 * QUARTER - 100, None, "complete", 36,
    )  # fmt: skip  # 1.00 DA: 0.345 → 0.35, 0.005 → 0.01


def test_a_headcount_that_the_register_does_not_have() -> None:
    year = Year(AMINA, BRAHIM)
    year.headcounts = {3: 2, 6: 5}
    assert told(year.only(), *WHAT) == ("headcount_differs", "2025-06", None, 5, 2, None, "correct_movement", 0)


def test_during_the_year_what_was_declared_so_far_is_compared_with_the_register() -> None:
    year = Year(AMINA, BRAHIM)
    year.annual = {}
    year.declared = [1, 2]
    year.months = {key: said for key, said in year.months.items() if key[1] <= 2}
    year.spells += [year.spell(CHAFIA, date(2025, 3, 1))]  # comes in March: not missing yet
    assert year.differences() == []
    year.spells[-1]["entry_date"] = date(2025, 2, 1)
    assert told(year.only(), "kind", "nss", "period", "action") == (
        "hired_but_missing", CHAFIA, "2025-Q1", "complete",
    )  # fmt: skip


def test_during_the_year_time_and_minimum_wage_are_those_of_the_periods() -> None:
    year = Year(AMINA, BRAHIM)
    year.annual = {}
    year.declared = [1, 2, 3]
    year.months = {key: said for key, said in year.months.items() if key[1] <= 3}
    year.spells[0]["entry_date"] = date(2025, 3, 1)
    year.months[BRAHIM, 1]["base"] = year.months[BRAHIM, 2]["base"] = year.months[BRAHIM, 3]["base"] = 1_900_000
    found = {told(row, "kind", "nss", "action") for row in year.differences()}
    assert found == {
        ("days_beyond_employment", AMINA, "replace"),
        ("below_minimum_wage", BRAHIM, "complete"),
    }


@settings(deadline=None)
@given(st.lists(st.integers(-10_000_000, 10_000_000).filter(bool), min_size=1, max_size=40))
def test_the_parts_make_the_whole_to_the_centime(bases: list[int]) -> None:
    priced = pl.DataFrame(
        [(place, 1 + place % 4, "general", base, 0, False) for place, base in enumerate(bases)],
        schema={"found": pl.UInt32, "quarter": pl.Int8, "rate_category": pl.String, "base": pl.Int64,
                "item": pl.Int32, "doubt": pl.Boolean},
        orient="row",
    )  # fmt: skip
    worth = contributions(priced, RULES).sort("found")["contributions"]
    whole = sum(map(abs, bases))
    assert worth.abs().sum() == (2 * whole * 345 + 1000) // 2000 + (2 * whole * 5 + 1000) // 2000
    for base, part in zip(bases, worth, strict=True):
        assert abs(abs(part) - abs(base) * 0.35) <= 2
        assert part * base >= 0


@settings(deadline=None, max_examples=20)
@given(st.permutations(range(6)))
def test_neither_the_order_of_lines_nor_other_employers_change_a_comparison(order: list[int]) -> None:
    year = Year(AMINA, BRAHIM, CHAFIA)
    year.annual[AMINA]["q2_amount"] += 100
    year.annual[BRAHIM]["q3_amount"] = 0
    inputs = year.inputs()
    expected = compare_years(inputs, RULES).differences
    shuffled = pl.concat([inputs.periodic[place::6] for place in order])
    twice = Inputs(
        **{
            name: pl.concat([rows, rows.with_columns(item=pl.lit(1, pl.Int32))])
            for name, rows in {
                "centres": inputs.centres,
                "periods": inputs.periods,
                "periodic": shuffled,
                "annual": inputs.annual,
                "spells": inputs.spells,
                "last_year": inputs.last_year,
            }.items()
        }
    )
    both = compare_years(twice, RULES).differences
    for item in (0, 1):
        assert both.filter(pl.col("item") == item).drop("item").equals(expected.drop("item"))
