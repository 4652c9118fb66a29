"""Who acts for an employer: invited, taken up, changed, ended; and never nobody."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
import world
from conftest import Clients

from teledeclaration.employers import actions
from teledeclaration.employers.errors import WeakPassword
from teledeclaration.employers.passwords import refuse_weak

PASSWORD = "un long mot de passe"


async def invite(client: httpx.AsyncClient, email: str, role: str = "hr") -> dict[str, Any]:
    answer = await client.post("/v1/members", json={"email": email, "name": "Nadia", "role": role})
    assert answer.status_code == 201, answer.text
    invitation: dict[str, Any] = answer.json()
    return invitation


async def take_up(client: httpx.AsyncClient, token: str, password: str = PASSWORD) -> httpx.Response:
    return await client.post("/v1/invitations", json={"token": token, "password": password})


async def member_of(client: httpx.AsyncClient, email: str) -> dict[str, Any]:
    members = (await client.get("/v1/members")).json()["members"]
    found: dict[str, Any] = next(member for member in members if member["email"] == email)
    return found


async def test_nadia_is_invited_takes_it_up_and_works_until_she_is_removed(clients: Clients) -> None:
    alice, nadia = clients["alice"], clients.fresh()
    invitation = await invite(alice, "Nadia@example.dz")
    waiting = (await alice.get("/v1/members")).json()["invitations"]
    assert [line["email"] for line in waiting] == ["nadia@example.dz"]
    assert (await take_up(nadia, invitation["token"])).status_code == 204
    await nadia.post("/v1/session", json={"email": "nadia@example.dz", "password": PASSWORD})
    assert (await nadia.get("/v1/employer")).json()["particulars"]["number"] == world.A.number
    member = await member_of(alice, "nadia@example.dz")
    assert member["role"] == "hr"
    assert (await alice.delete(f"/v1/members/{member['account_id']}")).status_code == 204
    assert (await nadia.get("/v1/employer")).status_code == 422, "no employer is hers any more"
    assert (await nadia.get("/v1/employer", headers={"Employer": world.A.number})).status_code == 404


async def test_an_invitation_is_taken_up_once(clients: Clients) -> None:
    token = (await invite(clients["alice"], "once@example.dz"))["token"]
    answers = await asyncio.gather(*(take_up(clients.fresh(), token) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [204, 409, 409, 409]
    assert (await take_up(clients.fresh(), token)).status_code == 409


async def test_an_invitation_ends_after_a_week_or_when_withdrawn(clients: Clients, clock: world.MovableClock) -> None:
    late = await invite(clients["alice"], "late@example.dz")
    gone = await invite(clients["alice"], "gone@example.dz")
    withdrawn = await clients["alice"].delete(f"/v1/invitations/{gone['invitation_id']}")
    assert withdrawn.status_code == 204
    assert (await take_up(clients.fresh(), gone["token"])).status_code == 409
    clock.advance(timedelta(days=7))
    assert (await take_up(clients.fresh(), late["token"])).status_code == 409


async def test_whoever_invites_cannot_take_an_account_over(clients: Clients) -> None:
    token = (await invite(clients["charlie"], world.PEOPLE["bob"].email, "reader"))["token"]
    assert (await take_up(clients.fresh(), token, "my own password")).status_code == 401
    assert (await take_up(clients.fresh(), token, world.PASSWORD)).status_code == 204
    bob = clients["bob"]
    assert (await bob.get("/v1/employer")).status_code == 422, "he has two employers now and must name one"
    assert (await bob.get("/v1/employer", headers={"Employer": world.B.number})).status_code == 200
    at_b = await bob.post("/v1/members", headers={"Employer": world.B.number}, json={})
    assert at_b.status_code == 403, "his role is another at each"


async def test_a_weak_password_is_refused_in_the_readers_language(clients: Clients) -> None:
    token = (await invite(clients["alice"], "weak@example.dz"))["token"]
    answer = await clients.fresh(headers={"Accept-Language": "ar"}).post(
        "/v1/invitations", json={"token": token, "password": "court"}
    )
    assert answer.status_code == 422
    assert answer.json()["pointer"] == "/password"
    assert "12" in answer.json()["title"]
    assert "كلمة مرور" in answer.json()["title"]


@pytest.mark.parametrize(
    "password", ["short", "aaaaaaaaaaaaaaaa", "motdepasse123", "xx-nadia@example.dz", "i am nadia here"]
)
def test_weak_passwords(password: str) -> None:
    with pytest.raises(WeakPassword):
        refuse_weak(password, email="nadia@example.dz")


async def test_the_last_owner_stays(clients: Clients) -> None:
    charlie = clients["charlie"]
    mine = (await charlie.get("/v1/session")).json()["account_id"]
    assert (await charlie.delete(f"/v1/members/{mine}")).status_code == 409
    demoted = await charlie.patch(f"/v1/members/{mine}", json={"role": "reader"})
    assert demoted.status_code == 409
    assert demoted.json()["type"].endswith("/last-owner")


async def test_two_owners_who_remove_each_other_at_once_leave_one(clients: Clients) -> None:
    alice, second = clients["alice"], clients.fresh()
    await take_up(second, (await invite(alice, "second@example.dz", "owner"))["token"])
    await second.post("/v1/session", json={"email": "second@example.dz", "password": PASSWORD})
    alices = (await member_of(alice, "alice@example.dz"))["account_id"]
    seconds = (await member_of(alice, "second@example.dz"))["account_id"]
    answers = await asyncio.gather(
        alice.patch(f"/v1/members/{seconds}", json={"role": "reader"}),
        second.patch(f"/v1/members/{alices}", json={"role": "reader"}),
    )
    assert sorted(answer.status_code for answer in answers) in ([204, 403], [204, 409])
    owners = [m for m in (await second.get("/v1/members")).json()["members"] if m["role"] == "owner"]
    assert len(owners) == 1
    back = {"alice@example.dz": second, "second@example.dz": alice}
    if owners[0]["email"] == "second@example.dz":
        restored = await back["alice@example.dz"].patch(f"/v1/members/{alices}", json={"role": "owner"})
        assert restored.status_code == 204


async def test_an_administrator_invites_officers_and_first_owners(clients: Clients) -> None:
    amel = clients["amel"]
    officer = {"email": "agent2@example.dz", "name": "Agent", "role": "agent", "wilayas": [31]}
    invited = await amel.post("/v1/accounts", json=officer)
    assert invited.status_code == 201, invited.text
    browser = clients.fresh()
    assert (await take_up(browser, invited.json()["token"])).status_code == 204
    await browser.post("/v1/session", json={"email": "agent2@example.dz", "password": PASSWORD})
    assert (await browser.get("/v1/employer", headers={"Employer": world.B.number})).status_code == 200
    assert (await browser.get("/v1/employer", headers={"Employer": world.A.number})).status_code == 404
    owner = {"email": "boss@example.dz", "name": "Boss", "role": "owner", "employer": world.B.number}
    assert (await amel.post("/v1/accounts", json=owner)).status_code == 201
    for misplaced in ({**officer, "employer": world.A.number}, {**owner, "employer": None}):
        assert (await amel.post("/v1/accounts", json=misplaced)).status_code == 422
    assert (await amel.post("/v1/accounts", json={**owner, "employer": "9999999999"})).status_code == 404


async def test_the_command_line_makes_accounts(clients: Clients, app: Any, clock: world.MovableClock) -> None:
    made = await actions.create_account(
        app.state.pool,
        email="Seed@example.dz",
        name="Seed",
        password=PASSWORD,
        role="accountant",
        employer=world.B.number,
        now=clock(),
    )
    again = await actions.create_account(
        app.state.pool,
        email="seed@example.dz",
        name="Seed",
        password=PASSWORD,
        role="owner",
        employer=world.A.number,
        now=clock(),
    )
    assert made == again
    browser = clients.fresh()
    me = (await browser.post("/v1/session", json={"email": "seed@example.dz", "password": PASSWORD})).json()
    assert [(mine["number"], mine["role"]) for mine in me["employers"]] == [
        (world.A.number, "owner"),
        (world.B.number, "accountant"),
    ]
