"""The documents say what is so: tables, routes, commands, codes, files and links are held to the code."""

import importlib
import inspect
import pkgutil
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

import schemas
import teledeclaration
from teledeclaration.app import create_app
from teledeclaration.errors import BusinessError
from teledeclaration.intake.raw import UNREADABLE_CODES
from teledeclaration.languages import catalogue
from teledeclaration.settings import Settings

HOUSE = Path(__file__).parents[1]
DOCS = HOUSE / "docs"
PAGES = sorted([*HOUSE.glob("*.md"), *DOCS.rglob("*.md")])
LIVE_ELSEWHERE = {"Sealer", "Settings"}
"""Words of the glossary that are a class of a room instead of a Struct in `schemas`."""


def text_of(name: str) -> str:
    return (HOUSE / name).read_text("utf-8")


def section(text: str, title: str) -> str:
    """What stands under a `## title`, up to the next."""
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def code_words(text: str) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", text))


# ── tables ──────────────────────────────────────────────────────────────────────────────────────


def table_classes() -> dict[str, str]:
    """Every table of the migrations with its class."""
    sql = "\n".join(file.read_text("utf-8") for file in sorted((HOUSE / "teledeclaration/migrations").glob("*.sql")))
    created = set(re.findall(r"^CREATE (?:UNLOGGED )?TABLE (\w+)", sql, flags=re.MULTILINE))
    classes = dict(re.findall(r"^COMMENT ON TABLE (\w+) IS 'class (\w+)", sql, flags=re.MULTILINE))
    assert created == classes.keys()
    return classes


def test_every_table_is_in_the_glossary() -> None:
    assert table_classes().keys() - code_words(text_of("docs/glossary.md")) == set()


def test_what_the_glossary_says_it_is_held_in_exists() -> None:
    rows = re.findall(r"^\|.*\| ([^|]*) \|$", text_of("docs/glossary.md"), flags=re.MULTILINE)
    named = {word for row in rows for word in code_words(row) if re.fullmatch(r"[A-Z]\w+", word)}
    known = {
        name
        for module in pkgutil.iter_modules(schemas.__path__, "schemas.")
        for name, _ in inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
    }
    assert named
    assert named - known - LIVE_ELSEWHERE == set()


def test_security_lists_every_table_under_its_class() -> None:
    rows = re.findall(r"^\| (\w+) \| [^|]* \| (.*) \|$", section(text_of("docs/security.md"), "Table classes"), re.M)
    told = {table: kind for kind, tables in rows for table in code_words(tables)}
    assert told == table_classes()


# ── files and links ─────────────────────────────────────────────────────────────────────────────


def mapped_paths() -> Iterator[str]:
    """The paths of the README's map of the house, by their indentation."""
    drawing = re.search(r"```\n(.*?)```", section(text_of("README.md"), "The house"), re.DOTALL)
    assert drawing is not None
    folder = ""
    for line in drawing[1].splitlines():
        names = re.split(r"\s{2,}", line.strip())[0].split()
        if line.startswith(" "):
            yield from (folder + name for name in names)
        else:
            folder = names[0]
            yield folder


def test_the_map_of_the_house_is_the_house() -> None:
    paths = set(mapped_paths())
    assert [path for path in paths if not (HOUSE / path).exists()] == []
    rooms = {
        f"teledeclaration/{entry.name}{'/' if entry.is_dir() else ''}"
        for entry in (HOUSE / "teledeclaration").iterdir()
        if (entry.is_dir() and any(entry.iterdir())) or entry.suffix == ".py"
    }
    assert rooms - paths - {"teledeclaration/__pycache__/", "teledeclaration/__init__.py"} == {
        "teledeclaration/__main__.py"
    }


def test_every_file_that_a_page_names_is_there() -> None:
    named = {
        word.partition("#")[0]
        for page in PAGES
        for word in code_words(page.read_text("utf-8"))
        if re.fullmatch(r"(teledeclaration|schemas|workers|tests|docs|benchmarks)/[\w./-]*", word)
    }
    assert len(named) > 10
    assert sorted(word for word in named if not (HOUSE / word).exists()) == []


def anchors(page: Path) -> set[str]:
    """What the headings of a page can be linked by."""
    titles = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_named_in_the_readme() -> None:
    readme = text_of("README.md")
    assert [page.name for page in DOCS.glob("*.md") if f"(docs/{page.name})" not in readme] == []


# ── the interface ───────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def described() -> Litestar:
    """The app with its routes and nothing behind it."""
    return create_app(Settings(database_url="postgresql://nobody@127.0.0.1/none", redis_url="redis://127.0.0.1"))


def handlers(app: Litestar) -> dict[str, HTTPRouteHandler]:
    """`POST /v1/drafts` and so on, but for the description of the interface itself."""
    return {
        f"{method} {route.path_format}": handler
        for route in app.routes
        for handler in getattr(route, "route_handlers", [])
        for method in handler.http_methods - {"OPTIONS", "HEAD"}
        if route.path_format.startswith("/v1/") and not route.path_format.startswith("/v1/schema")
    }


def test_every_route_is_listed_with_its_action_and_no_other(described: Litestar) -> None:
    rows = re.findall(r"^\| `([A-Z]+ [^`]+)` \| `([\w.]+)` \|", section(text_of("docs/api.md"), "All routes"), re.M)
    assert dict(rows) == {route: handler.opt["action"] for route, handler in handlers(described).items()}


def subclasses(of: type[BusinessError]) -> Iterator[type[BusinessError]]:
    yield of
    for child in of.__subclasses__():
        yield from subclasses(child)


def test_every_kind_of_problem_is_listed_with_its_status() -> None:
    for module in pkgutil.walk_packages(teledeclaration.__path__, "teledeclaration."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    rows = re.findall(r"^\| (\d{3}) \| (.*) \|$", section(text_of("docs/api.md"), "Kinds of problems"), re.M)
    told = {kind: int(status) for status, kinds in rows for kind in code_words(kinds)}
    assert told.keys() == {key.removeprefix("problem.") for key in catalogue() if key.startswith("problem.")}
    raised = {error.type: error.status for error in subclasses(BusinessError) if f"problem.{error.type}" in catalogue()}
    assert raised.items() <= told.items()


class Request(NamedTuple):
    """A curl command of a page."""

    method: str
    path: str
    query: frozenset[str]
    body: str | None
    line: str


OPTIONS_WITH_A_VALUE = frozenset({"-H", "-d", "-F", "-X", "-b", "-c", "-o", "--data-binary"})
SENDING = frozenset({"-d", "-F", "--data-binary"})


def commands(page: str) -> Iterator[str]:
    """The curl commands of a page's shell examples, each on one line."""
    for block in re.findall(r"```bash\n(.*?)```", text_of(page), re.DOTALL):
        for found in re.finditer(r"curl (?:[^\n'\"]|'[^']*'|\"(?:[^\"\\]|\\.)*\"|\\\n)*", block.replace("\\\n", " ")):
            yield found[0]


def parsed(command: str) -> Request:
    words = shlex.split(re.split(r" \| jq", command)[0].removesuffix(")"))[1:]
    options: list[tuple[str, str]] = []
    addresses = []
    rest = iter(words)
    for word in rest:
        if word in OPTIONS_WITH_A_VALUE:
            options.append((word, next(rest)))
        elif not word.startswith("-"):
            addresses.append(word)
    assert len(addresses) == 1, command
    split = urlsplit(addresses[0].removeprefix("$URL"))
    sends = any(name in SENDING for name, _ in options)
    method = next((value for name, value in options if name == "-X"), "POST" if sends else "GET")
    body = next((value for name, value in options if name == "-d"), None)
    return Request(method, split.path, frozenset(parse_qs(split.query)), body, command)


def route_of(request: Request, routes: dict[str, HTTPRouteHandler]) -> str:
    wanted = f"{request.method} {request.path}"
    if wanted in routes:
        return wanted
    for route in routes:
        if re.fullmatch(re.sub(r"\{\w+\}", r"[^/]+", re.escape(route).replace(r"\{", "{").replace(r"\}", "}")), wanted):
            return route
    pytest.fail(f"no route for: {request.line}")


EXAMPLES = [parsed(command) for page in ("README.md", "docs/api.md") for command in commands(page)]


def test_there_are_examples_of_the_whole_way() -> None:
    assert len(EXAMPLES) > 25


@pytest.mark.parametrize("request_", EXAMPLES, ids=lambda request: f"{request.method} {request.path}")
def test_every_example_asks_a_route_for_what_it_takes(request_: Request, described: Litestar) -> None:
    routes = handlers(described)
    handler = routes[route_of(request_, routes)]
    assert request_.query <= query_names(handler)
    if request_.body is not None:
        assert handler.parsed_data_field is not None
        body = re.sub(r"\$REVISION", "1", re.sub(r'"\$\w+"', '"00000000-0000-4000-8000-000000000000"', request_.body))
        data: Any = msgspec.json.decode(body)
        msgspec.convert(data, handler.parsed_data_field.annotation)


def query_names(handler: HTTPRouteHandler) -> set[str]:
    return {name.rstrip("_") for name in handler.parsed_fn_signature.parameters} - {"state", "caller"}


# ── files that are read ─────────────────────────────────────────────────────────────────────────


def listed_findings() -> dict[str, set[str]]:
    rows = re.findall(r"^\| `(\w+)` \| ([\w, ]+) \|", section(text_of("docs/intake.md"), "Findings"), re.M)
    return {code: set(severities.split(", ")) for code, severities in rows}


def test_every_finding_is_listed_and_no_other() -> None:
    assert listed_findings().keys() == {
        key.removeprefix("finding.") for key in catalogue() if key.startswith("finding.")
    }


def test_findings_are_listed_with_the_severity_their_checks_give() -> None:
    sources = [file.read_text("utf-8") for file in (HOUSE / "teledeclaration").rglob("*.py")]
    given = {pair for source in sources for pair in re.findall(r'"(\w+)",\s*Severity\.([A-Z]+)', source)}
    listed = listed_findings()
    found = {(code, severity.lower()) for code, severity in given if code in listed}
    assert len(found) > 40
    assert {(code, severity) for code, severity in found if severity not in listed[code]} == set()


def test_every_reason_for_an_unreadable_file_is_listed() -> None:
    assert set(UNREADABLE_CODES) <= code_words(text_of("docs/intake.md"))
