"""A value that administrators add is what the next declaration costs, and what a calendar shows, without a restart."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from conftest import Clients
from law.administrators import COOKIE, add_second_administrator, value

from payroll.payroll_desk import Desk
from payroll.test_annual_chain import file_lines, line
from teledeclaration.database import Pool
from teledeclaration.legislation import load

DeskOf = Callable[[str], Awaitable[Desk]]


@pytest.fixture(scope="module")
async def zohra(pool: Pool, clients: Clients) -> httpx.AsyncClient:
    await add_second_administrator(pool)
    return clients.fresh(headers=COOKIE)


async def accepted(clients: Clients, zohra: httpx.AsyncClient, *values: dict[str, Any]) -> None:
    sent = await clients["amel"].post("/v1/law/values", json={"values": values})
    assert sent.status_code == 201, sent.text
    path = f"/v1/law/values/{sent.json()['proposal_id']}/decision"
    answer = await zohra.post(path, json={"decision": "accept"})
    assert answer.status_code == 200, answer.text


def parts_of(code: str) -> list[dict[str, Any]]:
    """A rate line's parts as its page has them, to be sent again with another total."""
    entry: Any = load("cnas").page(f"lines.{code}").values[-1]
    return [
        {"branch": part.branch, "payer": part.payer.value, "rate": part.rate}
        | ({"reduced_by": part.reduced_by} if part.reduced_by else {})
        for part in entry.parts
    ]


async def owed(desk: Desk) -> int:
    """What a year's declaration of one employee at 60,000.00 DA a month costs."""
    declaration = await file_lines(desk, [line("850512345602", 18_000_000)])
    total: int = (await desk.assessment(declaration))["amounts"]["total"]
    return total


async def test_the_next_assessment_is_by_the_new_rate(
    desk_of: DeskOf, clients: Clients, zohra: httpx.AsyncClient
) -> None:
    before = await owed(await desk_of("1600000951"))
    totals = {"R22": "0.3475", "R06": "0.2475", "R07": "0.1475", "R08": "0.1225"}
    await accepted(
        clients,
        zohra,
        value("rates.early_retirement.employee", value="0.0050", valid_from="2025-07-01"),
        *(
            value(f"lines.{code}", valid_from="2025-07-01", total=total, parts=parts_of(code))
            for code, total in totals.items()
        ),
    )
    after = await owed(await desk_of("1600000952"))
    assert before == 4 * 6_300_000, "35 % of four quarters of 180,000.00 DA"
    assert after - before == 2 * 45_000, "a quarter of a point more, in the two quarters from July on"


async def test_the_calendar_follows_the_days_that_move(
    desk_of: DeskOf, clients: Clients, zohra: httpx.AsyncClient
) -> None:
    desk = await desk_of("1600000953")
    await accepted(clients, zohra, value("deadlines.moved_for_days_not_worked", value=True, valid_from="2025-10-01"))
    told = await desk.get("/v1/calendar", year=2025)
    due = {one["period"]: one["due"] for one in told["obligations"]}
    assert due["2025-Q4"] == "2026-02-01", "30 January 2026 is a Friday: Sunday"
    assert due["2025-Q3"] == "2025-10-30", "before the day it is so from"
