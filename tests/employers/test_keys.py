"""API keys: shown once, at most their maker's rights, refused the moment they are revoked."""

from datetime import timedelta
from typing import Any

import httpx
import world
from conftest import Clients

from teledeclaration.database import Pool
from teledeclaration.employers import actions


async def make(client: httpx.AsyncClient, **fields: Any) -> httpx.Response:
    return await client.post("/v1/api-keys", json={"name": "Paie", "scopes": ["read"], **fields})


def bearer(clients: Clients, key: str) -> httpx.AsyncClient:
    return clients.fresh(headers={"Authorization": f"Bearer {key}"})


async def test_a_key_works_until_it_is_revoked_and_is_never_shown_again(clients: Clients) -> None:
    made = (await make(clients["alice"])).json()
    key, line = made["key"], made["line"]
    assert key.startswith("td_live_")
    assert line["hint"] == key[-4:]
    assert (await bearer(clients, key).get("/v1/employer")).json()["particulars"]["name"] == world.A.name
    listed = await clients["alice"].get("/v1/api-keys")
    assert key not in listed.text
    assert line["key_id"] in listed.text
    assert (await clients["alice"].delete(f"/v1/api-keys/{line['key_id']}")).status_code == 204
    assert (await bearer(clients, key).get("/v1/employer")).status_code == 401


async def test_only_the_keys_hash_is_in_the_database(clients: Clients, postgres: Any, database_name: str) -> None:
    key = (await make(clients["alice"], name="hash only")).json()["key"]
    found = postgres.run_sql("SELECT * FROM api_keys; SELECT * FROM journal", database=database_name)
    assert "hash only" in found
    assert key not in found


async def test_a_key_cannot_do_more_than_its_maker_or_last_more_than_a_year(
    clients: Clients, clock: world.MovableClock
) -> None:
    assert (await make(clients["alice"], scopes=["fund.registers"])).status_code == 403
    assert (await make(clients["amel"], scopes=["declare"])).status_code == 403
    assert (await make(clients["amel"], scopes=["fund.registers"])).status_code == 201
    too_long = (clock() + timedelta(days=367)).isoformat()
    assert (await make(clients["alice"], expires_at=too_long)).status_code == 422
    assert (await make(clients["alice"], expires_at=(clock() - timedelta(days=1)).isoformat())).status_code == 422
    assert (await make(clients["alice"], scopes=["everything"])).status_code == 422


async def test_a_key_ends_by_itself(clients: Clients, clock: world.MovableClock) -> None:
    key = (await make(clients["alice"], expires_at=(clock() + timedelta(hours=1)).isoformat())).json()["key"]
    assert (await bearer(clients, key).get("/v1/employer")).status_code == 200
    clock.advance(timedelta(hours=1))
    assert (await bearer(clients, key).get("/v1/employer")).status_code == 401


async def test_a_key_is_bound_to_its_employer(clients: Clients) -> None:
    reader = clients["key:read"]
    assert (await reader.get("/v1/employer", headers={"Employer": world.A.number})).status_code == 200
    assert (await reader.get("/v1/employer", headers={"Employer": world.B.number})).status_code == 404


async def test_a_key_needs_no_origin_and_ignores_a_cookie_beside_it(clients: Clients) -> None:
    cookie = f"td_session={world.PEOPLE['charlie'].session_token}"
    request = clients["key:read"].build_request("GET", "/v1/employer", headers={"Cookie": cookie})
    del request.headers["Origin"]
    answer = await clients["key:read"].send(request)
    assert answer.json()["particulars"]["number"] == world.A.number


async def test_a_wrong_key_is_not_mended_by_a_good_cookie(clients: Clients) -> None:
    mixed = clients.fresh(
        headers={"Authorization": "Bearer wrong", "Cookie": f"td_session={world.PEOPLE['alice'].session_token}"}
    )
    assert (await mixed.get("/v1/employer")).status_code == 401


async def test_charlie_cannot_revoke_or_see_alices_keys(clients: Clients) -> None:
    key_id = (await make(clients["alice"])).json()["line"]["key_id"]
    assert (await clients["charlie"].delete(f"/v1/api-keys/{key_id}")).status_code == 404
    assert key_id not in (await clients["charlie"].get("/v1/api-keys")).text


async def test_the_command_line_makes_a_key_for_the_funds_systems(
    clients: Clients, pool: Pool, clock: world.MovableClock
) -> None:
    key = await actions.create_fund_key(pool, name="SI du fonds", now=clock())
    answer = await bearer(clients, key).get("/v1/employer")
    assert answer.status_code == 403, "known, but not for what is an employer's"
