"""The employer, its test twin, officers at the counter, and the journal."""

from datetime import datetime, timedelta
from typing import Any

import world
from conftest import Clients

from schemas.actors import job
from teledeclaration.database import Pool, transaction

TWIN = {"Employer": world.A.number, "Employer-Mode": "test"}


async def test_a_member_sees_the_particulars_centres_and_contacts(clients: Clients) -> None:
    page = (await clients["rym"].get("/v1/employer")).json()
    assert page["particulars"]["name_ar"] == world.A.name_ar
    assert [centre["centre"] for centre in page["payment_centres"]] == [world.A.centre]
    assert page["contacts"] == [{"kind": "email", "contact": f"hr@{world.A.number}.dz", "name": ""}]


async def test_the_test_twin_lives_in_its_own_time(clients: Clients, clock: world.MovableClock) -> None:
    alice = clients["alice"]
    created = await alice.post("/v1/test-twin")
    assert created.status_code == 201, created.text
    assert (await alice.post("/v1/test-twin")).status_code == 409
    moved = await alice.patch("/v1/test-twin", headers=TWIN, json={"clock": "2027-02-01T08:00:00Z"})
    assert moved.status_code == 200, moved.text
    clock.advance(timedelta(minutes=5))
    twin, live = [(await alice.get("/v1/employer", headers=headers)).json() for headers in (TWIN, {})]
    assert datetime.fromisoformat(twin["now"]) == datetime.fromisoformat("2027-02-01T08:05:00Z")
    assert datetime.fromisoformat(live["now"]) == clock()
    assert (twin["particulars"]["mode"], live["particulars"]["mode"]) == ("test", "live")
    assert twin["particulars"]["number"] == live["particulars"]["number"]
    assert twin["payment_centres"] == live["payment_centres"]
    assert (await clients["bob"].get("/v1/employer", headers=TWIN)).status_code == 200, "the team comes along"
    assert (await clients["charlie"].get("/v1/employer", headers=TWIN)).status_code == 404


async def test_a_live_employers_clock_stays(clients: Clients) -> None:
    answer = await clients["alice"].patch("/v1/test-twin", json={"clock": "2027-02-01T08:00:00Z"})
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("/not-a-twin")


async def test_a_twins_key_says_that_it_is_for_tests(clients: Clients) -> None:
    made = await clients["alice"].post("/v1/api-keys", headers=TWIN, json={"name": "essai", "scopes": ["declare"]})
    assert made.json()["key"].startswith("td_test_")


async def test_an_officer_finds_employers_of_their_wilayas_only(clients: Clients) -> None:
    def numbers(answer: Any) -> list[str]:
        return [line["number"] for line in answer.json()["employers"]]

    assert numbers(await clients["dalila"].get("/v1/employers")) == [world.A.number]
    assert numbers(await clients["omar"].get("/v1/employers")) == [world.B.number]
    assert numbers(await clients["dalila"].get("/v1/employers", params={"q": "atlas"})) == [world.A.number]
    assert numbers(await clients["dalila"].get("/v1/employers", params={"q": "1600"})) == [world.A.number]
    assert numbers(await clients["dalila"].get("/v1/employers", params={"q": "oran"})) == []
    assert numbers(await clients["dalila"].get("/v1/employers", params={"q": "أطلس"})) == [world.A.number]
    assert numbers(await clients["dalila"].get("/v1/employers", params={"q": world.A.number})) == [world.A.number]
    assert numbers(await clients["dalila"].get("/v1/employers", params={"q": world.B.number})) == []
    for nowhere in ("17", "00012345", "16000123456", "1600_", "%"):
        assert numbers(await clients["dalila"].get("/v1/employers", params={"q": nowhere})) == []


async def test_a_long_list_of_employers_comes_page_by_page(clients: Clients, pool: Pool) -> None:
    async with transaction(pool, job("test", 0)) as connection:
        await connection.execute(
            "INSERT INTO employers (number, name, wilaya, agency, updated_at)"
            " SELECT (3200000000 + n)::text, 'Oasis', 31, $1, now() FROM generate_series(1, 60) AS n",
            world.B.centre,
        )
    seen, after, pages = [], "", 0
    while after is not None:
        page = (await clients["omar"].get("/v1/employers", params={"q": "oasis", "after": after})).json()
        seen += [line["number"] for line in page["employers"]]
        after, pages = page["next"], pages + 1
    assert pages == 2
    assert seen == [str(3200000000 + n) for n in range(1, 61)]


async def test_an_officer_enters_an_employer_of_their_wilaya_by_its_number(clients: Clients) -> None:
    named = {"Employer": world.A.number}
    assert (await clients["dalila"].get("/v1/employer", headers=named)).json()["particulars"]["name"] == world.A.name
    assert (await clients["omar"].get("/v1/employer", headers=named)).status_code == 404
    assert (await clients["dalila"].get("/v1/employer")).json()["type"].endswith("/employer-not-named")


async def test_every_change_is_in_the_journal_with_who_made_it(clients: Clients, clock: world.MovableClock) -> None:
    alice = clients["alice"]
    key = (await alice.post("/v1/api-keys", json={"name": "journal", "scopes": ["read"]})).json()["line"]
    await alice.delete(f"/v1/api-keys/{key['key_id']}")
    invited = await alice.post("/v1/members", json={"email": "j@example.dz", "name": "Jad", "role": "reader"})
    await alice.delete(f"/v1/invitations/{invited.json()['invitation_id']}")
    again = await alice.post("/v1/members", json={"email": "j@example.dz", "name": "Jad", "role": "reader"})
    joined = {"token": again.json()["token"], "password": "un long mot de passe"}
    assert (await clients.fresh().post("/v1/invitations", json=joined)).status_code == 204
    members = (await alice.get("/v1/members")).json()["members"]
    jad = next(member["account_id"] for member in members if member["name"] == "Jad")
    await alice.patch(f"/v1/members/{jad}", json={"role": "hr"})
    await alice.delete(f"/v1/members/{jad}")
    entries = (await alice.get("/v1/journal")).json()["entries"]
    by_whom = {(entry["action"], entry["actor_label"]) for entry in entries}
    assert by_whom >= {
        ("key.created", "Alice"),
        ("key.revoked", "Alice"),
        ("member.invited", "Alice"),
        ("member.invitation_withdrawn", "Alice"),
        ("member.joined", "Jad"),
        ("member.changed", "Alice"),
        ("member.ended", "Alice"),
        ("twin.created", "Alice"),
    }
    on_twin = (await alice.get("/v1/journal", headers=TWIN)).json()["entries"]
    assert [entry["action"] for entry in on_twin] == ["key.created", "twin.clock_moved"]


async def test_the_journal_is_read_page_by_page_without_gap_or_double(clients: Clients) -> None:
    for count in range(55):
        await clients["charlie"].post("/v1/api-keys", json={"name": f"key {count}", "scopes": ["read"]})
    seen, after = [], ""
    while True:
        page = (await clients["charlie"].get("/v1/journal", params={"after": after})).json()
        seen += [entry["entry_id"] for entry in page["entries"]]
        after = page["next"]
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 55
    assert (await clients["charlie"].get("/v1/journal", params={"after": "nonsense"})).status_code == 422
