"""OpenAPI 3.1 at `/v1/schema/openapi.json`, and a page to browse it at `/v1/schema`, served from here alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from http import HTTPStatus
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import msgspec
from litestar import Response, Router, get
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.openapi.spec import Components, OpenAPI, SecurityScheme, Server, Tag
from litestar.params import Parameter

from teledeclaration.employers.roles import PUBLIC, guarded
from teledeclaration.errors import NotFound
from teledeclaration.examples import examples
from teledeclaration.languages import say
from teledeclaration.legislation import Legislation
from teledeclaration.problems import PROBLEM_JSON, Problem

PATH = "/v1/schema"

_TAGS = {
    "session": "Sign in, who am I, my sessions",
    "employer": "The employer's particulars, members, keys, test twin and journal",
    "uploads": "Templates; send a file or lines, follow or cancel it",
    "mapping": "How a foreign workbook's columns are read",
    "drafts": "Lines, findings, corrections, repairs, reviews, revisions",
    "declarations": "File, and see what was filed",
    "movements": "Entries, exits and changes of employees; who works here on any day",
    "calendar": "What is owed when, suspensions of activity, who is late",
    "reconciliation": "Where a year's declarations do not agree; the verification report",
    "dues": "What is owed",
    "documents": "Receipts and their verification",
    "registers": "The fund's registers",
    "law": "Legal values by day, and what a pay would cost",
}

_ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui-standalone-preset.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}

AssetName = Annotated[str, Parameter(description="a file of the page")]


_PROBLEMS = {
    401: "not-signed-in",
    403: "not-allowed",
    404: "not-found",
    409: "conflict",
    422: "malformed",
}
"""What an operation may refuse with, as `_problems_of` chooses; anything else is its `default`."""

_FILE = {"type": "string", "format": "binary"}

_STREAMED = {
    "/v1/uploads": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "array", "items": _FILE, "minItems": 1, "maxItems": 2},
                    "year": {"type": "integer"},
                    "centre": {"type": "string"},
                    "type": {"type": "string", "enum": ["N", "C", "R"]},
                    "draft_id": {"type": "string", "format": "uuid"},
                    "replaces": {"type": "string", "format": "uuid"},
                    "completes": {"type": "string", "format": "uuid"},
                },
            },
            "example": {"file": ["DAS 2025.xlsx"], "year": 2025},
        },
        "application/octet-stream": {"schema": _FILE},
    },
    "/v1/registers/{register}/loads": {"text/csv": {"schema": _FILE}, "application/octet-stream": {"schema": _FILE}},
}
"""Bodies that go to storage as they come, so that the framework knows nothing of them."""

_METHODS = ("get", "put", "post", "delete", "patch")

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same request gives the first answer again, and does nothing twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
}


@dataclass(kw_only=True)
class Config(OpenAPIConfig):
    """Litestar's own, whose document is then completed: problems, examples, what a write may carry."""

    legislation: Legislation

    def to_openapi_schema(self) -> OpenAPI:
        made = super().to_openapi_schema()
        document = Document(**{field.name: getattr(made, field.name) for field in fields(made)})
        document.legislation = self.legislation
        return document


class Document(OpenAPI):
    """What is true of every operation is said here once, and not at each."""

    legislation: Legislation

    def to_schema(self) -> dict[str, Any]:
        document = super().to_schema()
        _add_problems(document["components"], self.public_address)
        for path, content in _STREAMED.items():
            document["paths"][path]["post"]["requestBody"] = {"required": True, "content": content}
        shown = examples(self.legislation)
        for method, operation in _operations(document):
            _complete(operation, method=method)
            for content in _json_contents(operation):
                _add_example(content, document["components"]["schemas"], shown)
        return document

    @property
    def public_address(self) -> str:
        return self.servers[0].url if self.servers else ""


def config(public_url: str, legislation: Legislation) -> OpenAPIConfig:
    """What the document says of the whole: title, tags, how to be known. Examples are by the law of this fund."""
    return Config(
        legislation=legislation,
        title="Teledeclaration",
        version="1",
        description=(
            "Employers declare to a social-security fund, and pay it. Amounts are whole centimes. Errors are "
            "problem+json (RFC 9457) in the language of `Accept-Language` (fr, ar, en). A write may carry an "
            "`Idempotency-Key`: the same key with the same request gives the first answer again.\n\n"
            "An API key acts for its own employer. Who signs in and acts for several says for which one: `Employer` "
            "with its 10-digit number, and `Employer-Mode: test` for its test twin."
        ),
        servers=[Server(url=public_url)],
        tags=[Tag(name=name, description=words) for name, words in _TAGS.items()],
        components=[
            Components(
                security_schemes={
                    "apiKey": SecurityScheme(
                        type="http", scheme="bearer", description="An API key, `td_live_…` or `td_test_…`"
                    ),
                    "session": SecurityScheme(
                        type="apiKey", name="td_session", security_scheme_in="cookie", description="Set by signing in"
                    ),
                }
            )
        ],
        security=[{"apiKey": []}, {"session": []}],
        openapi_router=Router(PATH, route_handlers=[asset], include_in_schema=False, **guarded(PUBLIC)),
        render_plugins=[
            SwaggerRenderPlugin(
                path="/",
                js_url=f"{PATH}/assets/swagger-ui-bundle.js",
                css_url=f"{PATH}/assets/swagger-ui.css",
                standalone_preset_js_url=f"{PATH}/assets/swagger-ui-standalone-preset.js",
                favicon=f'<link rel="icon" type="image/png" href="{PATH}/assets/favicon-32x32.png">',
            )
        ],
        use_handler_docstrings=True,
    )


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in document["paths"].values():
        yield from ((method, path[method]) for method in _METHODS if method in path)


def _add_problems(components: dict[str, Any], address: str) -> None:
    _, schemas = msgspec.json.schema_components([Problem], ref_template="#/components/schemas/{name}")
    components["schemas"].update(schemas)
    components["parameters"] = {"IdempotencyKey": _IDEMPOTENCY_KEY}
    components["responses"] = {
        kind: {
            "description": say(f"problem.{kind}", "en"),
            "content": _problem_content({"type": f"{address}/problems/{kind}", "status": status}),
        }
        for status, kind in _PROBLEMS.items()
    }
    components["responses"]["problem"] = {"description": "Any other problem.", "content": _problem_content({})}


def _problem_content(values: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Problem"}}
    if values:
        kind, status = values["type"].rpartition("/")[2], values["status"]
        content["example"] = {**values, "title": say(f"problem.{kind}", "en"), "detail": HTTPStatus(status).phrase}
    return {PROBLEM_JSON: content}


def _complete(operation: dict[str, Any], *, method: str) -> None:
    """Problems as they are answered; the first sentence as summary where the framework made one of the name."""
    for status in _problems_of(operation, method=method):
        operation["responses"][str(status)] = {"$ref": f"#/components/responses/{_PROBLEMS[status]}"}
    operation["responses"].pop("400", None)  # the framework's own; ours is a problem
    operation["responses"]["default"] = {"$ref": "#/components/responses/problem"}
    if " " not in operation["summary"] and operation.get("description"):
        operation["summary"] = operation["description"].partition("\n")[0].partition(". ")[0].rstrip(".")
    if method != "get" and not _is_open(operation):
        operation.setdefault("parameters", []).append({"$ref": "#/components/parameters/IdempotencyKey"})


def _problems_of(operation: dict[str, Any], *, method: str) -> Iterator[int]:
    if not _is_open(operation):
        yield from (401, 403, 404)
    elif method != "get":
        yield 401
    if method != "get":
        yield 409
    if operation.get("parameters") or "requestBody" in operation:
        yield 422


def _is_open(operation: dict[str, Any]) -> bool:
    """Whether anyone may ask: its security is said, and nothing."""
    return operation.get("security") == [{}]


def _json_contents(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for holder in (operation.get("requestBody", {}), *operation["responses"].values()):
        if "application/json" in holder.get("content", {}):
            yield holder["content"]["application/json"]


def _add_example(content: dict[str, Any], schemas: Mapping[str, Any], shown: Mapping[str, object]) -> None:
    """The example of its class; a list or a page with it where the class is what is listed."""
    schema = content["schema"]
    name = _named(schema)
    if name in shown:
        content["example"] = shown[name]
    elif _named(schema.get("items", {})) in shown:
        content["example"] = [shown[_named(schema["items"])]]
    else:
        items = schemas.get(name, {}).get("properties", {}).get("items", {}).get("items", {})
        if _named(items) in shown:
            content["example"] = {"items": [shown[_named(items)]], "next": None}


def _named(schema: Mapping[str, Any]) -> str:
    """The class of a schema; of several, the first."""
    first = next(iter(schema.get("oneOf", ())), schema)
    return str(first.get("$ref", "")).rpartition("/")[2]


@get("/assets/{name:str}", **guarded(PUBLIC), include_in_schema=False, sync_to_thread=True)
def asset(name: AssetName) -> Response[bytes]:
    """A script or style of the page, as its package carries it."""
    if name not in _ASSETS:
        raise NotFound
    headers = {"Cache-Control": "public, max-age=86400"}
    return Response(_content(name), media_type=_ASSETS[name], headers=headers)


@cache
def _content(name: str) -> bytes:
    package = find_spec("drf_spectacular_sidecar")
    if package is None or not package.submodule_search_locations:
        raise NotFound
    folder = Path(package.submodule_search_locations[0])
    return (folder / "static" / "drf_spectacular_sidecar" / "swagger-ui-dist" / name).read_bytes()
