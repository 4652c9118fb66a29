"""Every example of tests/law/examples, one test each, under the name a lawyer gave it."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.assessments import AssessedAmounts
from schemas.law import NewSimulation
from schemas.legislation import LaterValue, Payer
from teledeclaration.legislation import Legislation, NotInForce, load
from teledeclaration.payroll.law import bases, contributions, deadlines, provisional
from teledeclaration.payroll.law.periods import periodic
from teledeclaration.payroll.law.years import StandingBases
from teledeclaration.payroll.simulations import simulation_of
from teledeclaration.periods import Month, Quarter, Year, parse_period

EXAMPLES = Path(__file__).parent / "examples"
LAW = load("cnas")

Example = Mapping[str, Any]


def examples(file: str, table: str = "example") -> pytest.MarkDecorator:
    rows = msgspec.toml.decode((EXAMPLES / f"{file}.toml").read_bytes())[table]
    assert all(row["why"] for row in rows)
    return pytest.mark.parametrize("example", [pytest.param(row, id=row["name"]) for row in rows])


def quarter_of(example: Example) -> Quarter:
    quarter = parse_period(example["quarter"])
    assert isinstance(quarter, Quarter)
    return quarter


def line_rows(assessment: AssessedAmounts) -> list[list[object]]:
    return [[line.code, line.base, line.amount] for line in assessment.lines]


def payer_sums(assessment: AssessedAmounts) -> dict[str, int]:
    return {payer.value: amount for payer, amount in contributions.dues_by_payer(assessment).items()}


@examples("values")
def test_value(example: Example) -> None:
    if example["value"] == "none":
        with pytest.raises(NotInForce):
            LAW.on(example["day"]).reference(example["key"])
        return
    reference = LAW.on(example["day"]).reference(example["key"])
    assert reference.value == example["value"]
    assert reference.confidence.value == example["confidence"]
    assert reference.to_be_confirmed is example.get("to_be_confirmed", False)


@examples("contributions")
def test_contributions(example: Example) -> None:
    assessment = contributions.assess(example["bases"], LAW.on(example["day"]))
    assert {line.code: line.amount for line in assessment.lines} == example["lines"]
    assert assessment.total == example["total"]
    if "payers" in example:
        assert payer_sums(assessment) == example["payers"]
    if "parts" in example:
        assert {f"{part.branch}.{part.payer.value}": part.amount for part in assessment.parts} == example["parts"]


@examples("years")
def test_year(example: Example) -> None:
    """Each period's lines, and their sum; `splits`: since when the rates applied to a period are in force."""
    annual = by_quarter(example["annual"]) if "annual" in example else None
    buckets = contributions.year_buckets(by_period(example["periodic"]), annual, LAW)
    assert {code: line_rows(assessment) for code, assessment in buckets.items()} == example["periods"]
    assert contributions.side_by_side(buckets.values()).total == example["total"]
    for code, since in example.get("splits", {}).items():
        assert {line.law[0].valid_from for line in buckets[code].lines} == {since}


@examples("provisional")
def test_provisional(example: Example) -> None:
    reckoned = reckoned_of(example, LAW)
    assert (reckoned.taken_from, list(reckoned.source_periods)) == (example["taken_from"], example["source_periods"])
    assert reckoned.bases == example["bases"]
    assert (reckoned.amounts.total, reckoned.increase) == (example["total"], example["increase"])


@examples("provisional", "refused")
def test_provisional_with_nothing_to_start_from(example: Example) -> None:
    with pytest.raises(provisional.NothingToAssessFrom):
        reckoned_of(example, with_flat_amount() if example["flat"] else LAW)


@examples("provisional", "flat")
def test_provisional_flat(example: Example) -> None:
    reckoned = reckoned_of(example, with_flat_amount())
    assert (reckoned.taken_from, reckoned.source_periods) == ("flat", ())
    assert reckoned.bases == example["bases"]
    assert (reckoned.amounts.total, reckoned.increase) == (example["total"], example["increase"])


def reckoned_of(example: Example, law: Legislation) -> provisional.Reckoned:
    annual = by_quarter(example["annual"]) if "annual" in example else None
    stands = StandingBases(by_period(example.get("periodic", {})), annual)
    period = periodic(example["period"])
    return provisional.reckon(period, stands, example.get("workers"), law, law.on(example["made_on"]))


def with_flat_amount() -> Legislation:
    entry: dict[str, object] = {
        "valid_from": "2020-01-01",
        "value": "24000",
        "reference": "The fund",
        "confidence": "S2",
    }
    return LAW.with_rows([LaterValue(key=provisional.FLAT, entry=entry)])


def by_period(bases: Mapping[str, contributions.Bases]) -> dict[contributions.DeclaredPeriod, contributions.Bases]:
    return {periodic(code): declared for code, declared in bases.items()}


def by_quarter(bases: Mapping[str, contributions.Bases]) -> dict[Quarter, contributions.Bases]:
    return {quarter: declared for quarter, declared in by_period(bases).items() if isinstance(quarter, Quarter)}


@examples("differences")
def test_difference(example: Example) -> None:
    values = LAW.on(date(2025, 1, 1))
    before, new = contributions.assess(example["before"], values), contributions.assess(example["new"], values)
    difference = contributions.difference(new, before)
    assert line_rows(difference) == example["lines"]
    assert difference.total == example["total"]
    if "payers" in example:
        assert payer_sums(difference) == example["payers"]


@examples("minimum_bases")
def test_minimum_base(example: Example) -> None:
    period = parse_period(example["month"]) if "month" in example else quarter_of(example)
    assert isinstance(period, Month | Quarter)
    floor = bases.minimum_base_per_unit(period, LAW)
    assert bases.minimum_base(example["duration"], example["unit"], floor) == example["base"]


@examples("durations")
def test_duration_limits(example: Example) -> None:
    quarter = quarter_of(example)
    limits = bases.duration_limits(quarter, LAW.on(quarter.first_day))
    assert limits.most == example["most"]
    assert limits.usual == example["usual"]


@examples("deadlines", "annual")
def test_annual_deadline(example: Example) -> None:
    year = Year(example["year"])
    deadline = deadlines.annual_deadline(year, LAW.on(year.last_day))
    assert [deadline.opens, deadline.due, deadline.by_law] == [example["opens"], example["due"], example["by_law"]]


@examples("deadlines", "periodic")
def test_periodic_deadline(example: Example) -> None:
    period = parse_period(example["period"])
    assert isinstance(period, Month | Quarter)
    assert deadlines.periodic_deadline(period, LAW.on(period.last_day)) == example["due"]


@examples("deadlines", "hire")
def test_hire_deadline(example: Example) -> None:
    assert deadlines.days_after(example["day"], LAW.on(example["day"]), "deadlines.hire") == example["tell_by"]


@examples("deadlines", "complementary")
def test_complementary_deadline(example: Example) -> None:
    quarter = quarter_of(example)
    assert deadlines.complementary_deadline(quarter, LAW.on(quarter.last_day)) == example["due"]


def law_that_moves(announced: list[str]) -> Legislation:
    """The law with last days that move, and the holidays announced, as administrators would say it."""
    rows = [_said("deadlines.moved_for_days_not_worked", "2006-09-01", True)]
    if announced:
        rows.append(_said("deadlines.movable_holidays", "2026-01-01", announced))
    return LAW.with_rows(rows)


def _said(key: str, valid_from: str, value: object) -> LaterValue:
    entry = {"valid_from": valid_from, "value": value, "reference": "The fund", "confidence": "S2"}
    return LaterValue(key=key, entry=entry)


@examples("deadlines", "moved")
def test_a_last_day_not_worked_moves_where_the_fund_says_so(example: Example) -> None:
    def due(law: Legislation) -> date:
        if "hire" in example:
            return deadlines.days_after(example["hire"], law.on(example["hire"]), "deadlines.hire")
        period = parse_period(example["period"])
        values = law.on(period.last_day)
        if isinstance(period, Year):
            return deadlines.annual_deadline(period, values).due
        return deadlines.periodic_deadline(period, values)

    assert due(LAW) == example["unmoved"]
    assert due(law_that_moves(example.get("announced", []))) == example["due"]


@examples("deadlines", "periodicity")
def test_periodicity(example: Example) -> None:
    """The reading applied, and the other one put in its place as the fund would."""
    assert deadlines.is_monthly(example["employees"], LAW.on(date(2025, 1, 1))) is example["monthly"]
    reading = LAW.history("periodicity.monthly_from_other_reading")[0]
    entry: dict[str, object] = {
        "valid_from": "2006-09-01",
        "value": reading.value,
        "reference": "The fund",
        "confidence": "S2",
    }
    other = LAW.with_rows([LaterValue(key="periodicity.monthly_from", entry=entry)])
    assert deadlines.is_monthly(example["employees"], other.on(date(2025, 1, 1))) is example["other_reading"]


@examples("simulations")
def test_simulation(example: Example) -> None:
    told = simulation_of(msgspec.convert(example["pay"], NewSimulation, strict=False), LAW)
    assert told.base == example["base"]
    assert {line.code: line.amount for line in told.amounts.lines} == example["lines"]
    assert [told.effect.employee_pays, told.effect.employer_adds, told.effect.to_the_fund] == example["pays"]
    assert told.effect.employee_keeps == example["keeps"]
    minimum = None if told.minimum is None else [told.minimum.base, told.minimum.short_by]
    assert minimum == example.get("minimum")
    assert [one.kind for one in told.elements if not one.in_base] == example.get("outside", [])
    assert bool(told.conditions) is ("rebate" in told.category)


def test_every_line_has_an_example_and_every_payer_is_named() -> None:
    rows = msgspec.toml.decode((EXAMPLES / "contributions.toml").read_bytes())["example"]
    codes = {key.removeprefix("lines.") for key in LAW.keys if key.startswith("lines.")}
    assert {code for row in rows for code in row["lines"]} == codes
    assert set(rows[0]["payers"]) == {payer.value for payer in Payer}
