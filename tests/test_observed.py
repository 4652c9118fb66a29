"""What an operator sees: logs and metrics without personal data, health, and the API's own description."""

import json
import re
from typing import Any

import httpx
import msgspec
import pytest
import world
from conftest import Clients
from litestar import Litestar

from teledeclaration.observed import configure_logs
from teledeclaration.settings import Settings


async def test_health(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    assert (await client.get("/readyz")).json() == {"status": "ready"}


async def test_a_request_id_comes_back_and_a_wild_one_does_not(client: httpx.AsyncClient) -> None:
    kept = await client.get("/healthz", headers={"X-Request-Id": "order-12345678"})
    assert kept.headers["x-request-id"] == "order-12345678"
    wild = await client.get("/healthz", headers={"X-Request-Id": "a name, 1600012345"})
    assert re.fullmatch("[0-9a-f]{32}", wild.headers["x-request-id"])


async def test_logs_and_metrics_name_the_route_and_nothing_of_the_request(
    clients: Clients, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("info")
    secret = "td_live_verysecret"
    await clients["alice"].get("/v1/employers/whatever", params={"q": "BENALI"})
    await clients["alice"].delete("/v1/members/11111111-1111-4111-8111-111111111111")
    await clients.fresh(headers={"Authorization": f"Bearer {secret}"}).get("/v1/employer")
    await clients.fresh().post("/v1/session", json={"email": "someone@example.dz", "password": "hidden words"})
    logged = capsys.readouterr().err
    configure_logs("error")
    lines = [json.loads(line) for line in logged.splitlines()]
    assert ("DELETE", "/v1/members/{account_id}", 404) in {
        (line["method"], line["route"], line["status"]) for line in lines
    }
    metrics = (await clients["stranger"].get("/metrics")).text
    assert 'route="/v1/members/{account_id}"' in metrics
    for told in (logged, metrics):
        for hidden in ("BENALI", "11111111", secret, "someone", "hidden", world.PEOPLE["alice"].session_token):
            assert hidden not in told


async def test_metrics_are_for_this_machine_or_with_the_token(app: Litestar, clients: Clients) -> None:
    elsewhere = clients.fresh(client=("198.51.100.7", 4000))
    assert (await elsewhere.get("/metrics")).status_code == 404
    before: Settings = app.state.settings
    app.state.settings = msgspec.structs.replace(before, metrics_token="of the tests")
    try:
        assert (await clients["stranger"].get("/metrics")).status_code == 404
        allowed = await elsewhere.get("/metrics", headers={"Authorization": "Bearer of the tests"})
        assert allowed.status_code == 200
    finally:
        app.state.settings = before


async def test_who_comes_through_a_front_door_is_not_this_machine(app: Litestar, clients: Clients) -> None:
    before: Settings = app.state.settings
    app.state.settings = msgspec.structs.replace(before, client_address_header="X-Real-IP")
    try:
        through = clients.fresh(headers={"X-Real-IP": "203.0.113.5"})
        assert (await through.get("/metrics")).status_code == 404
        assert (await clients["stranger"].get("/metrics")).status_code == 200
    finally:
        app.state.settings = before


async def test_the_api_describes_itself(client: httpx.AsyncClient) -> None:
    schema: dict[str, Any] = (await client.get("/v1/schema/openapi.json")).json()
    assert schema["openapi"].startswith("3.1")
    assert schema["paths"]["/v1/session"]["post"]["tags"] == ["session"]
    assert set(schema["components"]["securitySchemes"]) == {"apiKey", "session"}


async def test_the_page_to_browse_it_needs_no_other_server(client: httpx.AsyncClient) -> None:
    page = await client.get("/v1/schema")
    assert page.status_code == 200
    sources = re.findall(r"""(?:src|href)=["']([^"']+)""", page.text)
    assert sources
    for source in sources:
        answer = await client.get(source)
        assert source.startswith("/"), source
        assert answer.status_code == 200, source
    assert "http://" not in re.sub(r'"(url|description|type)": *"[^"]*"', "", page.text.split("<script>")[0])


async def test_an_asset_that_is_not_of_the_page_is_not_served(client: httpx.AsyncClient) -> None:
    for name in ("..%2f..%2f__init__.py", "LICENSE", "swagger-ui.css.map"):
        assert (await client.get(f"/v1/schema/assets/{name}")).status_code == 404
