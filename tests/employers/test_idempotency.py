"""A write repeated with the same Idempotency-Key is carried out once, whatever happens between."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import world
from conftest import Clients
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar, Request, Response, post

from schemas.actors import job
from teledeclaration.database import Pool, transaction
from teledeclaration.employers.guard import Caller, guarded
from teledeclaration.employers.idempotency import Fingerprint
from teledeclaration.errors import Conflict

executed: list[int] = []


@post("/v1/try/stream", **guarded("employers.read"))
async def stream(request: Request[Any, Any, Any], caller: Caller) -> Response[dict[str, int]]:
    """A handler that streams a body of any size, as uploads do."""
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
    executed.append(size)
    return Response({"size": size, "time": len(executed)}, status_code=202, headers={"Location": "/v1/somewhere"})


@post("/v1/try/slow", **guarded("employers.read"))
async def slow(caller: Caller) -> dict[str, int]:
    executed.append(0)
    await asyncio.sleep(0.2)
    return {"time": len(executed)}


@post("/v1/try/broken", **guarded("employers.read"))
async def broken(caller: Caller) -> None:
    executed.append(0)
    raise RuntimeError


@post("/v1/try/refused", **guarded("employers.read"))
async def refused(caller: Caller) -> str:
    executed.append(0)
    if len(executed) == 1:
        raise Conflict
    return "now it works"


@pytest.fixture(scope="module", autouse=True)
async def handlers(app: Litestar) -> AsyncIterator[None]:
    for handler in (stream, slow, broken, refused):
        app.register(handler)
    yield


@pytest.fixture(autouse=True)
def nothing_executed() -> None:
    executed.clear()


def keyed(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


async def test_the_same_request_again_gives_the_first_answer(clients: Clients) -> None:
    first, again = [
        await clients["alice"].post("/v1/try/stream", content=b"a" * 200_000, headers=keyed("same")) for _ in range(2)
    ]
    assert executed == [200_000]
    assert (again.status_code, again.json()) == (first.status_code, first.json()) == (202, {"size": 200_000, "time": 1})
    assert again.headers["location"] == "/v1/somewhere"
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")


async def test_another_request_with_the_key_is_refused(clients: Clients) -> None:
    alice = clients["alice"]
    await alice.post("/v1/try/stream", content=b"one", headers=keyed("other"))
    for other in (
        await alice.post("/v1/try/stream", content=b"two", headers=keyed("other")),
        await alice.post("/v1/try/stream?part=2", content=b"one", headers=keyed("other")),
        await alice.post("/v1/try/slow", content=b"one", headers=keyed("other")),
    ):
        assert other.status_code == 422
        assert other.json()["type"].endswith("/idempotency-key-reused")
    assert len(executed) == 1


async def test_a_form_sent_again_with_another_boundary_is_the_same_request(clients: Clients) -> None:
    answers = [
        await clients["alice"].post(
            "/v1/try/stream",
            files={"file": ("salaires.csv", b"nss;nom\r\n" * 5000)},
            headers=keyed("form"),
        )
        for _ in range(2)
    ]
    assert answers[0].request.headers["content-type"] != answers[1].request.headers["content-type"]
    assert answers[1].headers["idempotency-replayed"] == "true"
    assert len(executed) == 1


async def test_of_many_at_once_one_is_carried_out(clients: Clients) -> None:
    answers = await asyncio.gather(*(clients["alice"].post("/v1/try/slow", headers=keyed("many")) for _ in range(5)))
    assert len(executed) == 1
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert (await clients["alice"].post("/v1/try/slow", headers=keyed("many"))).json() == {"time": 1}


async def test_a_refusal_frees_the_key(clients: Clients) -> None:
    assert (await clients["alice"].post("/v1/try/refused", headers=keyed("refused"))).status_code == 409
    assert (await clients["alice"].post("/v1/try/refused", headers=keyed("refused"))).text == "now it works"


async def test_nothing_is_kept_of_what_could_not_be_read_or_was_not_allowed(clients: Clients) -> None:
    unread = await clients["alice"].post("/v1/api-keys", json={"name": 1}, headers=keyed("unread"))
    assert unread.status_code == 422
    assert (await clients["rym"].post("/v1/test-twin", headers=keyed("unread"))).status_code == 403
    assert (await clients["alice"].post("/v1/test-twin", headers=keyed("unread"))).status_code == 201
    again = await clients["alice"].post("/v1/test-twin", headers=keyed("unread"))
    assert again.headers["idempotency-replayed"] == "true"


async def test_a_fault_of_ours_is_not_tried_again_behind_the_clients_back(clients: Clients) -> None:
    answers = [await clients["alice"].post("/v1/try/broken", headers=keyed("broken")) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [500, 500]
    assert answers[0].json() == answers[1].json()
    assert len(executed) == 1


async def test_a_request_cut_off_is_never_carried_out_twice(
    clients: Clients, clock: world.MovableClock, pool: Pool
) -> None:
    async with transaction(pool, job("test", world.A.employer_id)) as connection:
        await connection.execute(
            "INSERT INTO idempotency_keys (employer_id, caller, key, request_hash, created_at)"
            " VALUES ($1, $2, 'cut', '', $3)",
            world.A.employer_id,
            world.PEOPLE["alice"].account_id,
            clock(),
        )
    at_once = await clients["alice"].post("/v1/try/slow", headers=keyed("cut"))
    clock.advance(timedelta(minutes=11))
    later = await clients["alice"].post("/v1/try/slow", headers=keyed("cut"))
    assert (at_once.status_code, at_once.json()["type"].rpartition("/")[2]) == (409, "idempotency-key-in-use")
    assert (later.status_code, later.json()["type"].rpartition("/")[2]) == (409, "idempotency-outcome-unknown")
    assert executed == []


async def test_an_answer_with_a_secret_is_not_kept(clients: Clients) -> None:
    body = {"name": "once", "scopes": ["read"]}
    first, again = [await clients["alice"].post("/v1/api-keys", json=body, headers=keyed("secret")) for _ in range(2)]
    assert first.status_code == 201
    assert again.json()["type"].endswith("/idempotency-answer-not-kept")
    made = [line for line in (await clients["alice"].get("/v1/api-keys")).json() if line["name"] == "once"]
    assert len(made) == 1


async def test_a_key_is_its_callers_own(clients: Clients) -> None:
    for who in ("alice", "bob", "charlie", "key:read"):
        answer = await clients[who].post("/v1/try/slow", headers=keyed("own"))
        assert "idempotency-replayed" not in answer.headers
    assert len(executed) == 4


async def test_a_key_is_kept_a_day(clients: Clients, clock: world.MovableClock) -> None:
    await clients["alice"].post("/v1/try/slow", headers=keyed("day"))
    clock.advance(timedelta(hours=24))
    await clients["alice"].post("/v1/try/slow", headers=keyed("day"))
    assert len(executed) == 1
    clock.advance(timedelta(seconds=1))
    await clients["alice"].post("/v1/try/slow", headers=keyed("day"))
    assert len(executed) == 2


async def test_a_key_too_long_is_refused(clients: Clients) -> None:
    answer: httpx.Response = await clients["alice"].post("/v1/try/slow", headers=keyed("k" * 256))
    assert answer.status_code == 422
    assert executed == []


def fingerprint(chunks: list[bytes], boundary: bytes) -> str:
    scope: Any = {
        "method": "POST",
        "raw_path": b"/v1/uploads",
        "query_string": b"",
        "headers": [(b"content-type", b"multipart/form-data; boundary=" + boundary)],
    }
    taken = Fingerprint(scope)
    for chunk in chunks:
        taken.update(chunk)
    return taken.hexdigest()


@given(st.lists(st.binary(max_size=20)), st.data())
def test_a_fingerprint_knows_neither_chunks_nor_boundary(parts: list[bytes], data: st.DataObject) -> None:
    def cut(body: bytes) -> list[bytes]:
        places = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=5)))
        return [body[start:end] for start, end in zip([0, *places], [*places, len(body)], strict=True)]

    one, other = b"b0undary-0ne-xyz", b"another-b0undary-Q"
    assert fingerprint(cut(one.join(parts)), one) == fingerprint(cut(other.join(parts)), other)


def test_a_fingerprint_knows_the_content() -> None:
    assert fingerprint([b"--x\r\n1\r\n--x--"], b"x") != fingerprint([b"--x\r\n2\r\n--x--"], b"x")
