"""The API's own description: valid, whole, true to what is answered, and readable without any other host."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
from conftest import Clients
from openapi_spec_validator import OpenAPIV31SpecValidator

from teledeclaration.examples import examples
from teledeclaration.legislation import load
from teledeclaration.problems import PROBLEM_JSON, Problem

METHODS = ("get", "put", "post", "delete", "patch")

WITH_EXAMPLES = {
    ("post", "/v1/uploads"): "202",
    ("post", "/v1/drafts"): "201",
    ("get", "/v1/drafts/{draft_id}"): "200",
    ("get", "/v1/drafts/{draft_id}/findings"): "200",
    ("patch", "/v1/drafts/{draft_id}/lines"): "200",
    ("post", "/v1/drafts/{draft_id}/declaration"): "201",
    ("get", "/v1/declarations"): "200",
    ("get", "/v1/declarations/{declaration_id}"): "200",
    ("get", "/v1/declarations/{declaration_id}/assessment"): "200",
}
"""The main steps, and the status of their answer."""

WITH_EXAMPLE_BODIES = [
    ("post", "/v1/drafts"),
    ("post", "/v1/drafts/{draft_id}/lines"),
    ("patch", "/v1/drafts/{draft_id}/lines"),
    ("post", "/v1/drafts/{draft_id}/declaration"),
]


@pytest.fixture(scope="module")
async def document(clients: Clients) -> dict[str, Any]:
    answer = await clients["stranger"].get("/v1/schema/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


def resolved(document: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in part:
        return part
    for name in part["$ref"].removeprefix("#/").split("/"):
        document = document[name]
    return document


async def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


async def test_each_operation_is_described_under_a_known_tag(document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names)) > 40
    for method, path, operation in operations(document):
        assert " " in operation["summary"], (method, path)
        assert operation["tags"] and set(operation["tags"]) <= tags, (method, path)
    assert {tag for _, _, operation in operations(document) for tag in operation["tags"]} == tags


async def test_each_operation_tells_the_problems_it_may_answer(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        expected = {"default"}
        if operation.get("security") != [{}]:
            expected |= {"401", "403", "404"}
        if method != "get":
            expected |= {"409"}
        if "requestBody" in operation or operation.get("parameters"):
            expected |= {"422"} if method == "get" or "requestBody" in operation else set()
        assert expected <= operation["responses"].keys(), (method, path)
        assert "400" not in operation["responses"]
        for status in expected:
            content = resolved(document, operation["responses"][status])["content"]
            assert content[PROBLEM_JSON]["schema"] == {"$ref": "#/components/schemas/Problem"}


async def test_a_real_problem_is_of_the_shape_described(document: dict[str, Any], clients: Clients) -> None:
    described = document["components"]["schemas"]["Problem"]
    told = (await clients["alice"].post("/v1/drafts", json={"year": "last"})).json()
    assert described["required"] == ["type", "title", "status"]
    assert told.keys() <= described["properties"].keys()
    example = document["components"]["responses"]["malformed"]["content"][PROBLEM_JSON]["example"]
    assert (example["type"], example["title"]) == (told["type"], told["title"])
    msgspec.convert(example, Problem)


@pytest.mark.parametrize("step", WITH_EXAMPLES)
async def test_the_main_answers_have_an_example(document: dict[str, Any], step: tuple[str, str]) -> None:
    method, path = step
    content = document["paths"][path][method]["responses"][WITH_EXAMPLES[step]]["content"]["application/json"]
    assert content["example"]


@pytest.mark.parametrize(("method", "path"), WITH_EXAMPLE_BODIES)
async def test_the_main_bodies_have_an_example_that_is_taken(
    document: dict[str, Any], clients: Clients, method: str, path: str
) -> None:
    body = document["paths"][path][method]["requestBody"]["content"]["application/json"]["example"]
    unknown = path.replace("{draft_id}", "00000000-0000-4000-8000-000000000000")
    answer = await clients["alice"].request(method, unknown, json=body)
    assert answer.status_code in (201, 404), answer.text


def test_the_examples_add_up() -> None:
    shown: Any = examples(load("cnas"))
    amounts = shown["Assessment"]["amounts"]
    assert sum(part["amount"] for part in amounts["parts"]) == amounts["total"] == shown["Due"]["amount"]
    assert sum(shown["Declaration"]["totals"]["quarters"]) == shown["Declaration"]["totals"]["annual"]


async def test_writes_may_carry_an_idempotency_key(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        named = {resolved(document, parameter)["name"] for parameter in operation.get("parameters", [])}
        writes = method != "get" and operation.get("security") != [{}]
        assert ("Idempotency-Key" in named) == writes, (method, path)


async def test_the_page_asks_no_other_host(client: httpx.AsyncClient) -> None:
    page = await client.get("/v1/schema")
    assert page.status_code == 200
    assert "openapi.json" in page.text or "swagger" in page.text.lower()
    assert foreign(without_document(page.text)) == set()
    for address in set(re.findall(r'(?:src|href)="([^"]+)"', page.text)):
        assert address.startswith("/v1/schema/"), address
        assert (await client.get(address)).status_code == 200, address


def without_document(page: str) -> str:
    """The page itself: the document it carries names this installation and the standards it follows."""
    return re.sub(r"spec: (\{.*?\}),\n", "", page, flags=re.S)


def foreign(text: str) -> set[str]:
    return {
        address
        for address in re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"']*", text)
        if not address.startswith(("http://127.0.0.1:8000", "http://www.w3.org"))
    }


async def test_the_document_itself_names_no_other_host(document: dict[str, Any]) -> None:
    assert foreign(json.dumps(document, ensure_ascii=False)) == set()
