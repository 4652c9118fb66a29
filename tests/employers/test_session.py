"""Signing in, being known, signing out."""

import asyncio
from datetime import timedelta

import httpx
import msgspec
import world
from conftest import ADDRESS, Clients
from litestar import Litestar

from teledeclaration.employers import passwords
from teledeclaration.settings import Settings


def body(who: str, password: str = world.PASSWORD) -> dict[str, str]:
    return {"email": world.PEOPLE[who].email, "password": password}


async def test_alice_signs_in_sees_her_employer_and_signs_out(clients: Clients) -> None:
    browser = clients.fresh()
    answer = await browser.post("/v1/session", json=body("alice"))
    assert answer.status_code == 200, answer.text
    assert answer.json()["employers"] == [
        {
            "number": world.A.number,
            "mode": "live",
            "name": world.A.name,
            "name_ar": world.A.name_ar,
            "role": "owner",
        }
    ]
    assert (await browser.get("/v1/session")).json()["email"] == "alice@example.dz"
    assert (await browser.delete("/v1/session")).status_code == 204
    browser.cookies.clear()
    token = answer.cookies["td_session"]
    again = await browser.get("/v1/session", headers={"Cookie": f"td_session={token}"})
    assert again.status_code == 401, "the server forgot the session, not only the browser"


async def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(clients: Clients) -> None:
    answer = await clients.fresh().post("/v1/session", json=body("bob"))
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie


async def test_wrong_password_and_unknown_address_get_the_same_answer(client: httpx.AsyncClient) -> None:
    wrong = await client.post("/v1/session", json=body("lina", "not the password"))
    unknown = await client.post("/v1/session", json={"email": "nobody@example.dz", "password": "not the password"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert wrong.json()["type"] == f"{ADDRESS}/problems/sign-in-refused"


async def test_many_wrong_tries_wait_longer_and_longer_even_with_the_right_password(
    clients: Clients, clock: world.MovableClock
) -> None:
    browser = clients.fresh()
    for _ in range(6):
        assert (await browser.post("/v1/session", json=body("omar", "wrong"))).status_code == 401
    right = await browser.post("/v1/session", json=body("omar"))
    assert right.status_code == 429
    assert right.json()["values"] == {"seconds": 2}
    clock.advance(timedelta(seconds=2))
    assert (await browser.post("/v1/session", json=body("omar", "wrong"))).status_code == 401
    assert (await browser.post("/v1/session", json=body("omar"))).json()["values"] == {"seconds": 4}
    clock.advance(timedelta(seconds=4))
    assert (await browser.post("/v1/session", json=body("omar"))).status_code == 200
    assert (await browser.post("/v1/session", json=body("omar", "wrong"))).status_code == 401, "all is forgiven"


async def test_many_tries_at_once_gain_nothing(clients: Clients) -> None:
    browser = clients.fresh(client=("198.51.100.8", 4000))
    tries = [browser.post("/v1/session", json=body("lina", f"guess number {number}")) for number in range(20)]
    codes = [answer.status_code for answer in await asyncio.gather(*tries)]
    assert (codes.count(401), codes.count(429)) == (6, 14)


def test_an_unknown_address_costs_the_same_work() -> None:
    assert not passwords._HASHER.check_needs_rehash(passwords._NOBODYS)


async def test_a_client_that_fails_locks_out_nobody_else(clients: Clients) -> None:
    for _ in range(7):
        await clients.fresh().post("/v1/session", json=body("samir", "wrong"))
    assert (await clients.fresh().post("/v1/session", json=body("samir"))).status_code == 429
    elsewhere = clients.fresh(client=("198.51.100.7", 4000))
    assert (await elsewhere.post("/v1/session", json=body("samir"))).status_code == 200


async def test_behind_a_front_door_each_client_waits_for_itself(app: Litestar, clients: Clients) -> None:
    before: Settings = app.state.settings
    app.state.settings = msgspec.structs.replace(before, client_address_header="x-forwarded-for")
    try:
        for told in ("203.0.113.5", *(f"198.51.100.{number}, 203.0.113.5" for number in range(6))):
            guess = clients.fresh(headers={"X-Forwarded-For": told})
            assert (await guess.post("/v1/session", json=body("dalila", "wrong"))).status_code in (401, 429)
        waiting = clients.fresh(headers={"X-Forwarded-For": "192.0.2.1, 203.0.113.5"})
        assert (await waiting.post("/v1/session", json=body("dalila"))).status_code == 429
        neighbour = clients.fresh(headers={"X-Forwarded-For": "203.0.113.6"})
        assert (await neighbour.post("/v1/session", json=body("dalila"))).status_code == 200
    finally:
        app.state.settings = before


async def test_without_the_setting_no_header_moves_a_client(clients: Clients) -> None:
    tries = [clients.fresh(headers={"X-Real-IP": f"203.0.113.{number}"}) for number in range(7)]
    codes = [(await one.post("/v1/session", json=body("amel", "wrong"))).status_code for one in tries]
    assert codes[-1] == 429


async def test_a_page_of_another_site_cannot_use_a_visitors_cookie(clients: Clients) -> None:
    foreign = {"Origin": "https://evil.example"}
    answer = await clients["alice"].post("/v1/test-twin", headers=foreign)
    assert answer.status_code == 403
    assert answer.json()["type"].endswith("/foreign-origin")
    signed_in = await clients["stranger"].post("/v1/session", json=body("bob"), headers=foreign)
    assert signed_in.status_code == 403


async def test_a_cookie_without_any_origin_cannot_write(clients: Clients) -> None:
    request = clients["alice"].build_request("POST", "/v1/test-twin")
    del request.headers["Origin"]
    assert (await clients["alice"].send(request)).status_code == 403


async def test_one_ends_a_session_left_open_elsewhere(clients: Clients) -> None:
    here, there = clients.fresh(), clients.fresh()
    await here.post("/v1/session", json=body("charlie"))
    await there.post("/v1/session", json=body("charlie"))
    sessions = (await here.get("/v1/sessions")).json()
    others = [line for line in sessions if not line["current"]]
    assert len(sessions) == 3
    newest = max(others, key=lambda line: line["created_at"])
    for line in others:
        if line["created_at"] == newest["created_at"] and not line["current"]:
            assert (await here.delete(f"/v1/sessions/{line['session_id']}")).status_code == 204
    assert (await there.get("/v1/session")).status_code == 401
    assert (await here.get("/v1/session")).status_code == 200


async def test_nobody_ends_somebody_elses_session(clients: Clients) -> None:
    bobs = (await clients["bob"].get("/v1/sessions")).json()[0]["session_id"]
    assert (await clients["alice"].delete(f"/v1/sessions/{bobs}")).status_code == 404
    assert (await clients["bob"].get("/v1/session")).status_code == 200


async def test_a_session_ends_by_itself(clients: Clients, clock: world.MovableClock) -> None:
    browser = clients.fresh()
    await browser.post("/v1/session", json=body("rym"))
    clock.advance(timedelta(hours=12, seconds=1))
    assert (await browser.get("/v1/session")).status_code == 401
