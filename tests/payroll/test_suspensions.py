"""Suspension of activity over HTTP: asked for, doubted, refused, decided, ended; and the calendar that follows."""

import asyncio
from datetime import date
from typing import Any
from uuid import uuid4

import httpx
import pytest
from conftest import Clients
from world import A, MovableClock

from payroll.calendar_rows import declare, employ
from payroll.payroll_desk import add_employer
from teledeclaration.database import Pool
from teledeclaration.settings import Settings

SUSPENSIONS = "/v1/suspensions"
_numbers = iter(range(1_600_070_000, 1_600_080_000))


class Shop:
    """A new employer's owner, and an officer who acts for that employer."""

    def __init__(self, number: str, owner: httpx.AsyncClient, officer: httpx.AsyncClient) -> None:
        self.number, self.owner, self.officer = number, owner, officer

    async def ask(self, first_day: str, **more: Any) -> httpx.Response:
        return await self.owner.post(SUSPENSIONS, json={"first_day": first_day, "reason": "Works", **more})

    async def asked(self, first_day: str, **more: Any) -> Any:
        answer = await self.ask(first_day, **more)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def decide(self, suspension: Any, decision: str, answer: str = "") -> httpx.Response:
        path = f"{SUSPENSIONS}/{suspension['suspension_id']}/decision"
        return await self.officer.post(path, json={"decision": decision, "answer": answer})

    async def resume(self, suspension: Any, day: str) -> httpx.Response:
        return await self.owner.post(f"{SUSPENSIONS}/{suspension['suspension_id']}/resumption", json={"day": day})

    async def withdraw(self, suspension: Any) -> httpx.Response:
        return await self.owner.delete(f"{SUSPENSIONS}/{suspension['suspension_id']}")

    async def states(self, year: int) -> list[str]:
        told = (await self.owner.get("/v1/calendar", params={"year": year})).json()
        return [one["state"] for one in told["obligations"] if one["form"] == "periodic"]

    async def employer_id(self) -> int:
        found: int = (await self.owner.get("/v1/employer")).json()["particulars"]["employer_id"]
        return found


@pytest.fixture
async def shop(pool: Pool, clients: Clients, settings: Settings, clock: MovableClock) -> Shop:
    number = str(next(_numbers))
    token = await add_employer(pool, number)
    officer = clients.fresh(headers={**clients._credentials("dalila"), "Employer": number})
    return Shop(number, clients.fresh(headers={"Cookie": f"td_session={token}"}), officer)


def problem(answer: httpx.Response) -> tuple[int, str, str | None]:
    told = answer.json()
    return answer.status_code, told["type"].rpartition("/")[2], told.get("pointer")


async def test_an_accepted_suspension_frees_whole_periods_until_activity_begins_again(shop: Shop) -> None:
    assert await shop.states(2025) == ["late", "late", "late", "open"]
    suspension = await shop.asked("2025-04-01")
    assert (suspension["status"], suspension["centre"], suspension["last_day"]) == ("requested", "16001", None)
    assert await shop.states(2025) == ["late", "late", "late", "open"], "nothing is decided yet"
    accepted = await shop.decide(suspension, "accept")
    assert (accepted.json()["status"], accepted.json()["decided_by"]) == ("accepted", "Dalila")
    assert await shop.states(2025) == ["late", "suspended", "suspended", "suspended"]
    ended = await shop.resume(suspension, "2025-09-15")
    assert (ended.status_code, ended.json()["last_day"], ended.json()["resumed_by"]) == (200, "2025-09-14", "Nadia")
    assert await shop.states(2025) == ["late", "suspended", "late", "open"]
    assert problem(await shop.resume(suspension, "2025-10-01"))[:2] == (409, "suspension-not-open")


async def test_a_refusal_says_why_and_decides_once(shop: Shop) -> None:
    suspension = await shop.asked("2025-04-01")
    assert problem(await shop.decide(suspension, "refuse")) == (422, "answer-needed", "/answer")
    refused = await shop.decide(suspension, "refuse", "An inspector saw people at work")
    assert (refused.json()["status"], refused.json()["answer"]) == ("refused", "An inspector saw people at work")
    assert problem(await shop.decide(suspension, "accept"))[:2] == (409, "suspension-not-open")
    assert await shop.states(2025) == ["late", "late", "late", "open"]
    assert (await shop.ask("2025-04-01")).status_code == 201, "another may be asked for"


async def test_a_request_can_be_taken_back_until_it_is_decided(shop: Shop) -> None:
    suspension = await shop.asked("2025-04-01")
    assert (await shop.withdraw(suspension)).json()["status"] == "withdrawn"
    again = await shop.asked("2025-04-01")
    await shop.decide(again, "accept")
    assert problem(await shop.withdraw(again))[:2] == (409, "suspension-not-open")
    listed = (await shop.owner.get(SUSPENSIONS)).json()
    assert sorted(one["status"] for one in listed) == ["accepted", "withdrawn"]


async def test_days_of_another_suspension_are_refused(shop: Shop) -> None:
    first = await shop.asked("2025-04-01")
    assert problem(await shop.ask("2025-08-01")) == (409, "suspension-overlaps", "/first_day")
    await shop.decide(first, "accept")
    assert problem(await shop.ask("2025-02-01"))[:2] == (409, "suspension-overlaps")
    await shop.resume(first, "2025-07-01")
    assert problem(await shop.ask("2025-06-30"))[:2] == (409, "suspension-overlaps")
    assert (await shop.ask("2025-07-01")).status_code == 201


async def test_of_four_requests_at_once_one_is_kept(shop: Shop) -> None:
    answers = await asyncio.gather(*(shop.ask("2025-04-01") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert {problem(answer)[1] for answer in answers if answer.status_code == 409} == {"suspension-overlaps"}


async def test_no_suspension_over_pay_that_stands_declared(shop: Shop, pool: Pool) -> None:
    employer_id = await shop.employer_id()
    await declare(pool, employer_id, "2025-Q3", date(2025, 10, 2))
    refused = await shop.ask("2025-09-30")
    assert problem(refused) == (409, "suspension-over-declared", "/first_day")
    assert "2025-Q3" in refused.json()["title"]
    await declare(pool, employer_id, "2025-Q4", date(2026, 1, 2), base=0, nothing_to_declare=True)
    assert (await shop.ask("2025-10-01")).status_code == 201, "nothing was paid in what was declared since"


async def test_employees_still_there_are_a_doubt_to_confirm(shop: Shop, pool: Pool) -> None:
    employer_id = await shop.employer_id()
    await employ(pool, employer_id, "900000000101", date(2020, 1, 1))
    await employ(pool, employer_id, "900000000202", date(2020, 1, 1), date(2025, 3, 31))
    doubted = await shop.ask("2025-04-01")
    assert problem(doubted) == (409, "employees-still-there", "/employees_confirmed")
    assert doubted.json()["values"]["employees"] == 1
    suspension = await shop.asked("2025-04-01", employees_confirmed=True)
    entries = (await shop.owner.get("/v1/journal")).json()["entries"]
    [entry] = [one for one in entries if one["subject"] == suspension["suspension_id"]]
    assert (entry["action"], entry["actor_label"]) == ("suspension.requested", "Nadia")


async def test_an_exit_that_is_told_takes_the_doubt_away(shop: Shop, pool: Pool) -> None:
    await employ(pool, await shop.employer_id(), "900000000378", date(2020, 1, 1))
    assert problem(await shop.ask("2025-04-01"))[1] == "employees-still-there"
    who = {"nss": "900000000378", "last_name": "KACI", "first_name": "LYNDA", "birth_date": "1990-02-03"}
    leaving = {"kind": "exit", "date": "2025-03-31", "reason": "retirement", **who}
    told = await shop.owner.post("/v1/movements", json={"movements": [leaving]})
    assert told.status_code == 201, told.text
    await shop.asked("2025-04-01")


async def test_days_outside_the_employers_life_and_wrong_bodies_are_refused(clients: Clients, shop: Shop) -> None:
    early = await clients["alice"].post(SUSPENSIONS, json={"first_day": "2009-12-31", "reason": "Works"})
    assert problem(early) == (422, "outside-activity", "/first_day"), "employer A opened in 2010"
    assert problem(await shop.ask("2025-04-01", centre="99999"))[:2] == (422, "centre-needed")
    for wrong in ({"first_day": "soon"}, {"reason": ""}, {"unknown": 1}):
        answer = await shop.owner.post(SUSPENSIONS, json={"first_day": "2025-04-01", "reason": "Works", **wrong})
        assert answer.status_code == 422
    suspension = await shop.asked("2025-04-01")
    await shop.decide(suspension, "accept")
    assert problem(await shop.resume(suspension, "2025-04-01")) == (422, "resumption-too-early", "/day")
    assert (await shop.owner.get(f"{SUSPENSIONS}/{uuid4()}")).status_code == 404


async def test_who_may_do_what(clients: Clients, shop: Shop) -> None:
    suspension = await shop.asked("2025-04-01")
    path = f"{SUSPENSIONS}/{suspension['suspension_id']}"
    own = await shop.owner.post(f"{path}/decision", json={"decision": "accept"})
    assert own.status_code == 403, "an employer does not decide on their own request"
    elsewhere = await clients["omar"].post(
        f"{path}/decision", json={"decision": "accept"}, headers={"Employer": shop.number}
    )
    assert elsewhere.status_code == 404
    other = await clients["alice"].get(path)
    assert other.status_code == 404
    assert (await clients["rym"].post(SUSPENSIONS, json={"first_day": "2025-04-01", "reason": "x"})).status_code == 403
    assert (await clients["rym"].get(SUSPENSIONS)).status_code == 200
    at_counter = await clients["samir"].post(
        SUSPENSIONS, json={"first_day": "2026-02-01", "reason": "At the counter"}, headers={"Employer": A.number}
    )
    assert (at_counter.status_code, at_counter.json()["requested_by"]) == (201, "Samir")
