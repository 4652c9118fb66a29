"""The calendar over HTTP: what an employer owes when, and who is late in an officer's scope."""

import time
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any

import pytest
from conftest import Clients
from world import START, A, B, MovableClock

from payroll.calendar_rows import declare, more_employers, owe
from payroll.payroll_desk import Desk
from payroll.periodic_desk import declare as file_period
from payroll.periodic_desk import employee, open_period
from teledeclaration.database import Pool

DeskOf = Callable[[str], Awaitable[Desk]]


@pytest.fixture(autouse=True)
def in_january(clock: MovableClock) -> Any:
    """Thursday 15 January 2026, whatever another test moved."""
    yield
    clock.moment = START


@pytest.fixture(scope="module", autouse=True)
async def a_year(pool: Pool) -> None:
    """Employer A declared two quarters of 2025, one late, and owes for both; B declared nothing."""
    first = await declare(pool, A.employer_id, "2025-Q1", date(2025, 4, 20), headcount=12)
    await declare(pool, A.employer_id, "2025-Q1", date(2025, 6, 1), replaces=first, headcount=12)
    await declare(pool, A.employer_id, "2025-Q2", date(2025, 8, 4), base=0, nothing_to_declare=True, headcount=12)
    await owe(pool, A.employer_id, "2025-Q1", 3_500_000, 500_000, date(2025, 4, 30))
    await owe(pool, A.employer_id, "2025-02", 700, 700, date(2026, 2, 1))


async def calendar(clients: Clients, who: str, **params: Any) -> Any:
    answer = await clients[who].get("/v1/calendar", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_year_with_what_was_declared_owed_and_is_late(clients: Clients) -> None:
    told = await calendar(clients, "alice", year=2025)
    by_period = {one["period"]: one for one in told["obligations"]}
    assert {period: one["state"] for period, one in by_period.items()} == {
        "2025-Q1": "declared",
        "2025-Q2": "declared",
        "2025-Q3": "late",
        "2025-Q4": "open",
        "2025": "open",
    }
    first, second = by_period["2025-Q1"], by_period["2025-Q2"]
    assert (first["filed"]["first_filed_on"], first["filed"]["days_late"]) == ("2025-04-20", 0), "of the first filing"
    assert first["owed"] == {"amount": 3_500_000, "remaining": 500_000, "late": 500_000}
    assert (second["filed"]["nothing_to_declare"], second["filed"]["days_late"]) == (True, 5)
    assert by_period["2025"]["owed"]["amount"] == 700, "of a month, where quarters are declared"
    assert [one["period"] for one in told["late"]] == ["2025-Q1", "2025-Q3"]
    assert (told["undeclared"], told["late_amount"]) == (1, 500_000)
    assert by_period["2025-Q3"]["days_late"] == 77


async def test_the_year_is_todays_and_a_centre_can_be_named(clients: Clients, clock: MovableClock) -> None:
    assert (await calendar(clients, "alice"))["year"] == 2026
    assert (await calendar(clients, "alice", year=2025, centre="99999"))["obligations"] == []
    clock.advance(timedelta(days=17))
    told = await calendar(clients, "rym", year=2025)
    assert told["obligations"][-1]["state"] == "late"
    assert told["obligations"][-1]["days_late"] == 1


async def test_the_periodicity_is_compared_with_the_headcount(clients: Clients) -> None:
    told = (await calendar(clients, "alice", year=2025))["periodicity"]
    assert (told["registered"], told["headcount"], told["from_headcount"]) == ("quarterly", 12, "monthly")
    assert told["law"]["key"] == "periodicity.monthly_from"
    assert told["law"]["to_be_confirmed"] is True
    assert "12" in told["message"]
    unknown = (await calendar(clients, "charlie", year=2025))["periodicity"]
    assert (unknown["headcount"], unknown["from_headcount"]) == (None, None)


async def test_an_officer_sees_the_calendar_of_an_employer_of_their_scope(clients: Clients) -> None:
    seen = await clients["samir"].get("/v1/calendar?year=2025", headers={"Employer": A.number})
    assert seen.json()["undeclared"] == 1
    assert (await clients["samir"].get("/v1/calendar", headers={"Employer": B.number})).status_code == 404


async def test_a_year_really_filed_is_what_the_calendar_shows(desk_of: DeskOf) -> None:
    desk = await desk_of("1611200001")
    paid = await file_period(desk, "2025-Q3", [employee(1, 10_000_000)], header={"headcount": 1})
    closing = {"closes_account": True, "nothing_to_declare": True}
    opened = await open_period(desk, "2025-Q3", type="C", completes=paid["declaration_id"], header=closing)
    closed = await desk.file(await desk.get(f"/v1/drafts/{opened['draft_id']}"))
    assert closed.status_code == 201, closed.text
    await desk.assessment(paid)
    told = await desk.get("/v1/calendar", year=2025)
    by_period = {one["period"]: one for one in told["obligations"]}
    assert [by_period[f"2025-Q{number}"]["state"] for number in (1, 2, 3, 4)] == [
        "late",
        "late",
        "declared",
        "not_owed",
    ]
    third = by_period["2025-Q3"]
    assert (third["filed"]["number"], third["filed"]["days_late"]) == (paid["number"], 77)
    assert third["filed"]["nothing_to_declare"] is False
    assert third["owed"] == {"amount": 3_500_000, "remaining": 3_500_000, "late": 3_500_000}
    assert told["periodicity"]["headcount"] == 1


async def undeclared(clients: Clients, who: str, **params: Any) -> Any:
    answer = await clients[who].get("/v1/undeclared", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_officers_list_who_is_late_in_their_scope_only(clients: Clients) -> None:
    items = (await undeclared(clients, "samir", year=2025))["items"]
    assert {one["number"]: [late["period"] for late in one["late"]] for one in items} == {
        A.number: ["2025-Q3"],
        "1611200001": ["2025-Q1", "2025-Q2"],
    }
    [theirs] = (await undeclared(clients, "omar", year=2025))["items"]
    assert (theirs["number"], len(theirs["late"])) == (B.number, 3)
    assert (await clients["alice"].get("/v1/undeclared")).status_code == 403
    assert (await clients["amel"].get("/v1/undeclared")).status_code == 403


async def test_a_scope_is_walked_page_by_page_and_a_page_costs_the_same(pool: Pool, clients: Clients) -> None:
    """6,000 employers more, of which eighteen declared what they owed: a page goes on where the one before ended."""
    await more_employers(pool, 2_000_000_000, 6_000, wilaya=31)
    for number in range(2_000_000_000, 2_000_000_020):
        for quarter in (1, 2, 3):
            if number % 10:
                await declare(pool, number, f"2025-Q{quarter}", date(2025, 11, 1))
    found, after, pages, slowest = [], "", 0, 0.0
    while after is not None:
        started = time.perf_counter()
        page = await undeclared(clients, "omar", year=2025, after=after, limit=500)
        slowest = max(slowest, time.perf_counter() - started)
        found += [one["number"] for one in page["items"]]
        after, pages = page["next"], pages + 1
        assert page["looked_at"] <= 2_000
    assert len(found) == len(set(found)) == 6_000 - 18 + 1
    assert found == sorted(found)
    assert pages >= 12
    assert slowest < 5


async def test_a_page_that_finds_none_still_goes_on(pool: Pool, clients: Clients) -> None:
    page = await undeclared(clients, "omar", year=2024)
    assert (page["items"], page["looked_at"]) == ([], 2_000), "2024 was declared elsewhere"
    last = await undeclared(clients, "omar", year=2024, after="2000005000")
    assert (last["items"], last["next"]) == ([], None)
