"""What holds for any pay simulated, and what is refused, at which field."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.law import NewSimulation, Simulation
from teledeclaration.errors import BusinessError
from teledeclaration.languages import LANGUAGES, say
from teledeclaration.legislation import load
from teledeclaration.payroll.law.contributions import assess
from teledeclaration.payroll.simulations import pay_element_kinds, simulation_of
from teledeclaration.periods import Month

LAW = load("cnas")
MONTH = Month(2026, 2)
VALUES = LAW.on(MONTH.first_day)
KINDS = sorted(pay_element_kinds(VALUES))


def simulated(**asked: Any) -> Simulation:
    return simulation_of(msgspec.convert({"period": MONTH.code} | asked, NewSimulation), LAW)


elements = st.lists(
    st.builds(lambda kind, amount: {"kind": kind, "amount": amount}, st.sampled_from(KINDS), st.integers(0, 10**12)),
    min_size=1,
    max_size=20,
)


@settings(max_examples=80, deadline=None)
@given(elements, st.sampled_from(VALUES.enabled_categories()), st.randoms())
def test_sums_are_exact_and_the_order_of_elements_changes_nothing(
    given_elements: list[dict[str, Any]], category: str, chance: Any
) -> None:
    told = simulated(elements=given_elements, category=category)
    assert told.base + sum(one.amount for one in told.elements if not one.in_base) == told.effect.gross
    assert told.effect.employee_pays + told.effect.employer_adds == told.effect.to_the_fund == told.amounts.total
    assert told.effect.employee_keeps + told.effect.to_the_fund == told.effect.employer_cost
    assert all(sum(part.amount for part in line.parts) == line.amount for line in told.amounts.lines)
    turned = sorted(given_elements, key=lambda _: chance.random())
    assert simulated(elements=turned, category=category).amounts == told.amounts


def test_it_is_what_a_declaration_of_the_same_base_would_cost() -> None:
    told = simulated(base=4_512_550, category="rebate_north_job_seeker", building=True)
    assert told.amounts == assess({"building_rebate_north_job_seeker": 4_512_550}, VALUES)
    assert told.category == "building_rebate_north_job_seeker"


def test_each_element_says_by_which_text_it_counts_or_not() -> None:
    told = simulated(elements=[{"kind": "base_pay", "amount": 5}, {"kind": "meals", "amount": 3}])
    assert [(one.in_base, one.law.key) for one in told.elements] == [
        (True, "base.included_elements"),
        (False, "base.kinds.expense_reimbursements"),
    ]
    assert all("95-01" in one.law.reference for one in told.elements)


def test_a_rebate_comes_with_its_conditions() -> None:
    conditions = {one.key: one.value for one in simulated(base=1, category="rebate_high_plateaux_south").conditions}
    assert conditions["rebates.contract_months_min"] == "12"
    assert conditions["rebates.years_max"] == "3"
    assert conditions["rebates.excluded_sectors"] == "oil_exploration"
    assert simulated(base=1).conditions == ()


@pytest.mark.parametrize(
    ("kind", "pointer", "asked"),
    [
        ("no-period-to-simulate", "/period", {"period": "2026", "base": 1}),
        ("no-period-to-simulate", "/period", {"period": "02/2026", "base": 1}),
        ("no-period-to-simulate", "/period", {"period": "2026-13", "base": 1}),
        ("no-period-to-simulate", "/period", {"period": "9999-12", "base": 1, "time": {"duration": 1, "unit": "J"}}),
        ("nothing-to-simulate", "/base", {}),
        ("nothing-to-simulate", "/base", {"base": 1, "elements": [{"kind": "base_pay", "amount": 1}]}),
        ("unknown-rate-category", "/category", {"base": 1, "category": "fishing"}),
        ("rate-category-disabled", None, {"base": 1, "category": "apprentice"}),
        (
            "unknown-pay-element",
            "/elements/1/kind",
            {"elements": [{"kind": "base_pay", "amount": 1}, {"kind": "yacht", "amount": 1}]},
        ),
        ("time-not-possible", "/time/duration", {"base": 1, "time": {"duration": 29, "unit": "J"}}),
        ("time-not-possible", "/time/duration", {"base": 1, "time": {"duration": 2, "unit": "M"}}),
        ("time-not-possible", "/time/duration", {"base": 1, "time": {"duration": 673, "unit": "H"}}),
        ("not-part-time", "/hours_a_week", {"base": 1, "hours_a_week": Decimal("19.9")}),
        ("not-part-time", "/hours_a_week", {"base": 1, "hours_a_week": Decimal("40.1")}),
        ("not-part-time", "/hours_a_week", {"base": 1, "hours_a_week": Decimal("NaN")}),
        ("legal-value-not-in-force", None, {"period": "1999-01", "base": 1}),
    ],
)
def test_what_cannot_be_simulated_is_refused_at_its_field(
    kind: str, pointer: str | None, asked: dict[str, Any]
) -> None:
    with pytest.raises(BusinessError) as refused:
        simulated(**asked)
    assert (refused.value.type, refused.value.pointer) == (kind, pointer)
    assert all(say(f"problem.{kind}", language, **refused.value.values) for language in LANGUAGES)


@pytest.mark.parametrize(
    "asked",
    [{"base": -1}, {"base": 10**13}, {"base": 1, "bonus": 1}, {"base": 1, "time": {"duration": -1, "unit": "J"}}],
)
def test_what_is_out_of_all_bounds_is_not_even_taken(asked: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        simulated(**asked)
