"""Every error, as the client gets it: problem+json in their language, and nothing they should not see."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
import test_languages
from conftest import Clients
from litestar import Litestar, get
from litestar.datastructures import State
from structlog.testing import capture_logs

from teledeclaration.errors import BusinessError
from teledeclaration.intake.mapping import FieldTwice
from teledeclaration.intake.text_pair import NotWritable
from teledeclaration.languages import LANGUAGES, Language, say
from teledeclaration.payroll.errors import NotReadyToFile, RepairChoiceNeeded
from teledeclaration.problems import EXCEPTION_HANDLERS, PROBLEM_JSON, problem_title
from teledeclaration.settings import Settings

ADDRESS = "https://declare.example.dz"
SECRET = "BENALI Amine 950712345678"


def example_of(error: type[BusinessError]) -> BusinessError:
    """One with a value for each placeholder of its words."""
    wanted = test_languages.placeholders(say(f"problem.{error.type}", "en"))
    made = error.__new__(error)
    BusinessError.__init__(made, pointer="/lines/3/nss", **dict.fromkeys(wanted, 7))
    return made


ERRORS = {name: example_of(error) for name, error in test_languages.ERRORS.items()}
FAULTS: dict[str, Exception] = {
    "fault": RuntimeError(SECRET),
    "key": KeyError(SECRET),
    "division": asyncpg.DivisionByZeroError(SECRET),
    "unique": asyncpg.UniqueViolationError(f"Key (nss)=({SECRET}) already exists"),
}
AWAY: dict[str, Exception] = {
    "refused": ConnectionRefusedError(SECRET),
    "starting": asyncpg.CannotConnectNowError("the database system is starting up"),
    "late": TimeoutError(),
}


@get("/raise/{name:str}", sync_to_thread=False)
def fail(name: str) -> None:
    raise {**ERRORS, **FAULTS, **AWAY}[name]


@pytest.fixture(scope="module")
async def failing() -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(database_url="", redis_url="", public_url=ADDRESS)
    app: Any = Litestar(
        [fail], exception_handlers=EXCEPTION_HANDLERS, state=State({"settings": settings}), openapi_config=None
    )
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as client:
        yield client


def problem(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].partition(";")[0] == PROBLEM_JSON
    told: dict[str, Any] = answer.json()
    assert (told["status"], told["type"].rpartition("/problems/")[2]) == (status, kind)
    return told


@pytest.mark.parametrize("name", ERRORS)
async def test_each_business_error_is_a_problem_in_each_language(failing: httpx.AsyncClient, name: str) -> None:
    error = ERRORS[name]
    for language in LANGUAGES:
        answer = await failing.get(f"/raise/{name}", headers={"Accept-Language": language})
        told = problem(answer, error.status, error.type)
        assert told["type"] == f"{ADDRESS}/problems/{error.type}"
        assert told["title"] == say(f"problem.{error.type}", language, **error.values)
        assert told["pointer"] == "/lines/3/nss"
        assert told.get("values", {}) == error.values


SAID = [
    (NotReadyToFile(obstacles="errors, nss_key, of-tomorrow"), "lines hold errors; ", "; of-tomorrow"),
    (RepairChoiceNeeded(repair="one_unit", choices="J, H"), say("repair-choice.one_unit.J", "en"), ""),
    (FieldTwice(field="q1_amount", column="F", other="G"), say("field.q1_amount", "en"), ""),
    (NotWritable(line=3, field="nss", reason="missing"), say("field.nss", "en"), ""),
]


@pytest.mark.parametrize(("error", "said", "as_it_is"), SAID)
def test_ids_are_said_in_words_where_they_have_some(error: BusinessError, said: str, as_it_is: str) -> None:
    title = problem_title(error, "en")
    assert said in title and as_it_is in title
    assert not any(f" {one}" in title for one in ("nss_key", "q1_amount", "nss "))


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_of_ours_tells_nobody_what_it_was_about(failing: httpx.AsyncClient, name: str) -> None:
    with capture_logs() as logs:
        answer = await failing.get(f"/raise/{name}", headers={"Accept-Language": "en"})
    told = problem(answer, 500, "internal")
    assert told["title"] == say("problem.internal", "en")
    assert "Traceback" not in answer.text and "test_problems" not in answer.text and "BENALI" not in answer.text
    [line] = logs
    assert line["error"] == type(FAULTS[name]).__name__
    assert any(place.startswith("test_problems.py:") for place in line["at"])
    assert "BENALI" not in str(logs)


@pytest.mark.parametrize("name", AWAY)
async def test_while_the_database_is_away_one_is_asked_to_come_back(failing: httpx.AsyncClient, name: str) -> None:
    with capture_logs() as logs:
        answer = await failing.get(f"/raise/{name}")
    problem(answer, 503, "away")
    assert int(answer.headers["retry-after"]) > 0
    assert "BENALI" not in str(logs)


@pytest.mark.parametrize("query", ["year=99999999999999999999", "centre=%00", "centre=16001%00"])
async def test_a_value_that_no_column_holds_is_malformed(clients: Clients, query: str) -> None:
    answer = await clients["alice"].get(f"/v1/declarations?{query}")
    problem(answer, 422, "malformed")


TITLES = [(language, say("problem.not-found", language)) for language in LANGUAGES]


@pytest.mark.parametrize(("language", "title"), TITLES)
async def test_an_unknown_address(clients: Clients, language: Language, title: str) -> None:
    answer = await clients["alice"].get("/v1/nowhere", headers={"Accept-Language": language})
    assert problem(answer, 404, "not-found")["title"] == title


async def test_the_language_may_be_asked_for_in_the_address(clients: Clients) -> None:
    answer = await clients["alice"].get("/v1/nowhere?lang=ar")
    assert problem(answer, 404, "not-found")["title"] == dict(TITLES)["ar"]


async def test_a_method_that_is_not_there(clients: Clients) -> None:
    problem(await clients["alice"].patch("/v1/employer"), 405, "method-not-allowed")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"form": "annual", "year": "last"}, "/year"),
        ({"form": "annual", "year": 2025, "type": "Z"}, "/type"),
        ({"form": "annual", "year": 2025, "replaces": "D-1"}, "/replaces"),
    ],
)
async def test_a_field_of_the_wrong_shape_is_named(clients: Clients, body: dict[str, Any], pointer: str) -> None:
    told = problem(await clients["alice"].post("/v1/drafts", json=body), 422, "malformed")
    assert [error["pointer"] for error in told["errors"]] == [pointer]
    assert all(error["detail"] for error in told["errors"])


async def test_so_is_one_inside_a_list_and_one_that_is_missing(clients: Clients) -> None:
    draft = (await clients["alice"].post("/v1/drafts", json={"form": "annual", "year": 2025})).json()["draft_id"]
    address = f"/v1/drafts/{draft}/lines"
    inside = await clients["alice"].patch(address, json={"lines": [{"line_number": 1, "shoe_size": 43}]})
    missing = await clients["alice"].patch(address, json={})
    assert [one["pointer"] for one in problem(inside, 422, "malformed")["errors"]] == ["/lines/0"]
    assert [one["pointer"] for one in problem(missing, 422, "malformed")["errors"]] == [""]


@pytest.mark.parametrize("query", ["limit=many", "limit=0", "limit=1000000"])
async def test_so_is_a_wrong_parameter(clients: Clients, query: str) -> None:
    told = problem(await clients["alice"].get(f"/v1/declarations?{query}"), 422, "malformed")
    assert [error["pointer"] for error in told["errors"]] == ["/limit"]


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b'"text"', b"\xff\xfe", b"null"])
async def test_a_body_that_cannot_be_read(clients: Clients, body: bytes) -> None:
    answer = await clients["alice"].post("/v1/drafts", content=body, headers={"Content-Type": "application/json"})
    assert problem(answer, answer.status_code, "malformed")["status"] in (400, 422)


@pytest.mark.parametrize("language", ["fr", "ar", "en"])
async def test_what_is_wrong_with_a_field_is_said_in_the_readers_language(clients: Clients, language: str) -> None:
    body = {"form": "annual", "year": "last", "colour": 1}
    answer = await clients["alice"].post("/v1/drafts", json=body, headers={"Accept-Language": language})
    told = problem(answer, 422, "malformed")
    said = {"fr": "Retirez-le", "ar": "احذفوها", "en": "Take it out"}
    kind = {"fr": "Valeur attendue", "ar": "القيمة المنتظرة", "en": "Expected"}
    assert all(said[language] in error["detail"] or kind[language] in error["detail"] for error in told["errors"])


async def test_brackets_without_end_are_malformed(clients: Clients) -> None:
    said = {"Content-Type": "application/json"}
    answer = await clients["alice"].post("/v1/drafts", content=b"[" * 100_000, headers=said)
    problem(answer, 422, "malformed")
