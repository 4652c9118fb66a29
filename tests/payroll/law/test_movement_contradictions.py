"""What contradicts what is known: by hand, whatever the order of the lines."""

from datetime import date
from itertools import permutations
from typing import Any

import polars as pl
import pytest

from teledeclaration.intake.checks import run
from teledeclaration.intake.forms import MOVEMENTS
from teledeclaration.intake.lines import line_schema
from teledeclaration.legislation import load
from teledeclaration.payroll.law.employment import EMPLOYMENT_SCHEMA, MOVEMENT_SCHEMA, in_force, register
from teledeclaration.payroll.law.movement_checks import Declared, movement_checks, register_contradictions, tell_by

KAMEL = "850512345602"
TODAY = date(2025, 6, 30)
LAW = load("cnas")


def lines(*rows: dict[str, Any]) -> pl.DataFrame:
    schema = line_schema(MOVEMENTS)
    filled = [
        {"line_number": place, "row": place + 1, "nss": KAMEL, "last_name": "SAADI", "first_name": "KAMEL"} | row
        for place, row in enumerate(rows, start=1)
    ]
    return pl.DataFrame([[row.get(name) for name in schema] for row in filled], schema=schema, orient="row")


def line(movement: str, on: str, **more: Any) -> dict[str, Any]:
    return {"movement": movement, "date": date.fromisoformat(on), **more}


def known(
    employment: tuple[str, str | None] | None = None, *told: tuple[str, str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The register of Kamel: the fund's employment of him, and what was told."""
    registered = [] if employment is None else [employment]
    employments = pl.DataFrame(
        [
            (KAMEL, KAMEL, date.fromisoformat(entry), until and date.fromisoformat(until), "16001", "general")
            for entry, until in registered
        ],
        schema=EMPLOYMENT_SCHEMA,
        orient="row",
    )
    common = {"who": KAMEL, "nss": KAMEL, "last_name": "SAADI", "first_name": "KAMEL", "withdrawn": False}
    rows = [
        common | {"movement_id": f"m{place}", "kind": kind, "date": date.fromisoformat(on), "told_on": TODAY}
        for place, (kind, on) in enumerate(told)
    ]
    movements = pl.DataFrame(
        [[row.get(name) for name in MOVEMENT_SCHEMA] for row in rows], schema=MOVEMENT_SCHEMA, orient="row"
    )
    return register(employments, in_force(movements)), movements


def found(
    sent: pl.DataFrame, before: tuple[pl.DataFrame, pl.DataFrame], **more: Any
) -> list[tuple[int, str, str, str | None]]:
    told = register_contradictions(sent, *before, today=TODAY, **more)
    return sorted(told.select("line_number", "code", "severity", "expected").rows())


FUND_SINCE_2019 = ("2019-03-01", None)
FUND_UNTIL_MAY = ("2019-03-01", "2025-05-31")

CASES: dict[str, tuple[Any, Any, list[tuple[str, str, str | None]]]] = {
    "an exit of an employee": (line("exit", "2025-06-01"), known(FUND_SINCE_2019), []),
    "a first entry": (line("entry", "2025-06-01"), known(), []),
    "a rehire": (line("entry", "2025-06-01"), known(FUND_UNTIL_MAY), []),
    "a rehire on the day of leaving": (line("entry", "2025-06-01"),
                                       known(None, ("entry", "2025-03-01"), ("exit", "2025-06-01")), []),
    "the exit the fund has": (line("exit", "2025-05-31"), known(FUND_UNTIL_MAY), []),
    "the entry the fund has": (line("entry", "2019-03-01"), known(FUND_SINCE_2019), []),
    "an exit of a stranger": (line("exit", "2025-06-01"), known(), [("exit_without_entry", "confirm", None)]),
    "an exit before the first entry": (line("exit", "2018-06-01"), known(FUND_SINCE_2019),
                                       [("left_before_entry", "confirm", "2019-03-01")]),
    "an entry of the fund's employee": (line("entry", "2025-06-01"), known(FUND_SINCE_2019),
                                        [("entry_while_employed", "confirm", "2019-03-01")]),
    "an entry of who was told to have entered": (line("entry", "2025-06-01"), known(None, ("entry", "2025-03-01")),
                                                 [("entry_while_employed", "error", "2025-03-01")]),
    "an entry before the one told": (line("entry", "2025-02-01"), known(None, ("entry", "2025-03-01")),
                                     [("entry_while_employed", "error", "2025-03-01")]),
    "an exit after the fund's": (line("exit", "2025-06-10"), known(FUND_UNTIL_MAY),
                                 [("exit_differs", "confirm", "2025-05-31")]),
    "an exit before the fund's": (line("exit", "2025-04-10"), known(FUND_UNTIL_MAY),
                                  [("exit_differs", "confirm", "2025-05-31")]),
    "a second exit": (line("exit", "2025-06-10"), known(None, ("entry", "2025-03-01"), ("exit", "2025-06-01")),
                      [("exit_differs", "error", "2025-06-01")]),
    "a change of an employee": (line("change", "2025-06-01", hours_a_week=20), known(FUND_SINCE_2019), []),
    "a change of who has left": (line("change", "2025-06-10"), known(FUND_UNTIL_MAY),
                                 [("change_not_employed", "confirm", "2025-05-31")]),
    "a change of a stranger": (line("change", "2025-06-10"), known(), [("change_not_employed", "confirm", None)]),
    "told before": (line("entry", "2025-03-01"), known(None, ("entry", "2025-03-01")),
                    [("told_already", "info", "2025-03-01")]),
    "told before without a reason": (line("entry", "2025-03-01", reason="Recrutement"),
                                     known(None, ("entry", "2025-03-01")), [("told_already", "info", "2025-03-01")]),
    "a day to come": (line("exit", "2025-07-01"), known(FUND_SINCE_2019), [("date_future", "confirm", None)]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_movement_beside_what_is_known(case: str) -> None:
    sent, before, expected = CASES[case]
    assert found(lines(sent), before) == [(1, *one) for one in expected]


def test_movements_sent_together_are_taken_by_their_days() -> None:
    rows = [line("entry", "2025-03-01"), line("exit", "2025-04-01"), line("entry", "2025-05-01")]
    for order in permutations(rows):
        assert found(lines(*order), known()) == []


def test_of_two_lines_that_contradict_each_other_the_later_one_is_told() -> None:
    rows = [line("entry", "2025-05-01"), line("entry", "2025-03-01")]
    assert found(lines(*rows), known()) == [(1, "entry_while_employed", "confirm", "2025-03-01")]


def test_who_has_no_number_and_does_not_ask_for_one_is_told_as_that_alone() -> None:
    assert found(lines(line("exit", "2025-06-01", nss=None)), known()) == []
    asking = line("exit", "2025-06-01", nss=None, number_requested=True)
    assert [one[1] for one in found(lines(asking), known())] == ["exit_without_entry"]


def test_what_was_declared_already() -> None:
    declared = Declared(
        ("2024", "2025-Q1", "2025-04"), pl.DataFrame({"who": [KAMEL, KAMEL], "period": ["2024-Q4", "2025-04"]})
    )
    rows = [line("entry", "2025-02-10"), line("exit", "2025-03-10")]
    assert found(lines(*rows), known(), declared=declared) == [
        (1, "declared_before_entry", "confirm", "2024-Q4"),
        (1, "entry_not_declared", "confirm", "2025-Q1"),
        (2, "declared_after_exit", "confirm", "2025-04"),
    ]


@pytest.mark.parametrize(
    ("hired", "last"),
    [("2025-06-19", "2025-06-29"), ("2025-06-20", None), ("2025-01-25", "2025-02-04"), ("2024-12-25", "2025-01-04")],
)
def test_a_hire_told_after_ten_days_is_late(hired: str, last: str | None) -> None:
    """Law 83-14, art. 10: ten days, here counted on the calendar over the ends of months and years."""
    expected = [] if last is None else [(1, "told_late", "info", last)]
    assert found(lines(line("entry", hired)), known(), law=LAW) == expected


def test_no_text_is_held_for_exits_and_changes() -> None:
    assert tell_by("entry", date(2025, 6, 19), LAW) == date(2025, 6, 29)
    assert [tell_by(kind, date(2025, 6, 19), LAW) for kind in ("exit", "change")] == [None, None]


@pytest.mark.parametrize(
    ("on", "code", "proposed"),
    [
        ("2025-06-19", None, None),
        ("1925-06-19", "date_wrong_century", "2025-06-19"),
        ("2125-06-19", "date_wrong_century", "2025-06-19"),
        ("2019-06-19", "date_unlikely", None),
    ],
)
def test_a_day_of_another_century_is_an_error_with_the_likely_one(
    on: str, code: str | None, proposed: str | None
) -> None:
    told = run(movement_checks(2025).checks, lines(line("exit", on)).with_columns(number_requested=pl.lit(value=False)))
    dates = told.filter(pl.col("field") == "date").select("code", "proposed").rows()
    assert dates == ([] if code is None else [(code, proposed)])
