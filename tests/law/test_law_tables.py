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
from teledeclaration.legislation import NotInForce, load
from teledeclaration.payroll.law import bases, contributions, deadlines
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
    quarters = Year(example["year"]).quarters
    assessment = contributions.assess_quarters(dict(zip(quarters, example["quarters"], strict=True)), LAW)
    assert line_rows(assessment) == example["lines"]
    assert assessment.total == example["total"]


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
    floor = bases.minimum_base_per_unit(quarter_of(example), LAW)
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
