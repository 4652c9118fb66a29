"""Every route is guarded: what is open is listed here, the rest asks who comes, role by role and key by key."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
import world
from conftest import Clients
from litestar import Litestar, get

from teledeclaration.employers.guard import SHOWS_PEOPLE, UnguardedRouteError, guard, refuse_unguarded
from teledeclaration.employers.roles import PUBLIC, RIGHTS, allows
from teledeclaration.problems import EXCEPTION_HANDLERS

OPEN = re.compile(
    r"/"  # the first page
    r"|/v1/session|/v1/invitations"  # signing in, taking a role up
    r"|/v|/v/{code:str}|/v1/verifications/{code:str}|/v/fonts/.*|/static/.*"  # verifying a document by its code
    r"|(/v1)?/law|(/v1)?/law/changes|(/v1)?/law/{key:str}|/v1/simulation"  # the law, and what a pay would cost under it
    r"|/healthz|/readyz|/metrics|/v1/schema(/.*)?|/problems/.*"
)
"""What anyone may ask. A new open route is a decision: say it here."""

ENDS_THE_TESTERS_OWN_SESSION = ("DELETE", "/v1/session")


class Route(msgspec.Struct, frozen=True):
    """One method of one path, and the action it names."""

    method: str
    path: str
    action: str

    @property
    def url(self) -> str:
        """The path with something of the right shape in its parameters."""
        found = re.sub(r"\{\w+:uuid\}", "00000000-0000-4000-8000-000000000000", self.path)
        found = re.sub(r"\{\w+:int\}", "1", found)
        found = re.sub(r"\{\w+:date\}", "2026-01-01", found)
        return re.sub(r"\{[^}]*\}", "x", found)


def routes(app: Litestar) -> Iterator[Route]:
    for route in app.routes:
        for handler in getattr(route, "route_handlers", []):
            for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"}):
                yield Route(str(method), route.path, handler.opt.get("action", ""))


async def ask(client: httpx.AsyncClient, route: Route, *, employer: str | None = None) -> httpx.Response:
    headers = {"Employer": employer} if employer else {}
    return await client.request(route.method, route.url, headers=headers)


def test_every_route_names_an_action_of_the_table(app: Litestar) -> None:
    refuse_unguarded(app)
    named = {route.action for route in routes(app)}
    assert named - {PUBLIC} <= RIGHTS.keys()
    assert {"declarations.file", "keys.manage", PUBLIC} & named, "the app has routes at all"


def test_what_is_open_is_listed(app: Litestar) -> None:
    assert [route for route in routes(app) if route.action == PUBLIC and not OPEN.fullmatch(route.path)] == []


async def test_a_route_without_action_stops_the_start_and_is_refused_by_the_guard() -> None:
    @get("/v1/forgotten")
    async def forgotten() -> None: ...

    app = Litestar([forgotten], guards=[guard], exception_handlers=EXCEPTION_HANDLERS, openapi_config=None)
    with pytest.raises(UnguardedRouteError, match="/v1/forgotten"):
        refuse_unguarded(app)


async def test_the_guard_itself_refuses_a_route_without_action(app: Litestar, clients: Clients) -> None:
    @get("/v1/slipped-in")
    async def slipped_in() -> str:
        return "seen"

    app.register(slipped_in)
    try:
        assert (await clients["alice"].get("/v1/slipped-in")).status_code == 403
    finally:
        app.routes[:] = [route for route in app.routes if route.path != "/v1/slipped-in"]


async def test_no_route_answers_without_credentials(app: Litestar, clients: Clients) -> None:
    wrong = clients.fresh(headers={"Authorization": "Bearer td_live_wrong"})
    stale = clients.fresh(headers={"Cookie": "td_session=unknown"})
    for route in routes(app):
        if route.action == PUBLIC:
            continue
        for nobody in (clients["stranger"], wrong, stale):
            answer = await ask(nobody, route, employer=world.A.number)
            assert answer.status_code == 401, (route, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("who", ["alice", "bob", "lina", "rym", "dalila", "samir", "amel"])
async def test_each_role_reaches_what_the_table_says_and_nothing_else(
    app: Litestar, clients: Clients, who: str
) -> None:
    person = world.PEOPLE[who]
    employer = world.A.number if person.role in ("agent", "supervisor") else None
    for route in routes(app):
        if route.action == PUBLIC or (route.method, route.path) == ENDS_THE_TESTERS_OWN_SESSION:
            continue
        allowed = allows(RIGHTS[route.action], person.role, frozenset())
        answer = await ask(clients[who], route, employer=employer)
        assert (answer.status_code in (401, 403)) != allowed, (who, route, answer.status_code, answer.text)


@pytest.mark.parametrize("name", world.API_KEYS)
async def test_each_key_reaches_what_its_scopes_say(app: Litestar, clients: Clients, name: str) -> None:
    scopes = frozenset(world.API_KEYS[name][2])
    for route in routes(app):
        if route.action == PUBLIC:
            continue
        allowed = allows(RIGHTS[route.action], "key", scopes)
        answer = await ask(clients[f"key:{name}"], route)
        assert (answer.status_code in (401, 403)) != allowed, (name, route, answer.status_code, answer.text)


async def test_an_officer_of_another_wilaya_finds_no_employer_there(app: Litestar, clients: Clients) -> None:
    for route in routes(app):
        if route.action != PUBLIC and (route.method, route.path) != ENDS_THE_TESTERS_OWN_SESSION:
            answer = await ask(clients["omar"], route, employer=world.A.number)
            assert answer.status_code == 404, (route, answer.text)


async def test_a_member_of_another_employer_finds_none_of_that_number(app: Litestar, clients: Clients) -> None:
    for route in routes(app):
        if route.action != PUBLIC and (route.method, route.path) != ENDS_THE_TESTERS_OWN_SESSION:
            answer = await ask(clients["charlie"], route, employer=world.A.number)
            assert answer.status_code == 404, (route, answer.text)


def test_no_member_role_reaches_what_is_the_funds() -> None:
    of_fund = ("registers.load", "registers.read", "declared.read", "accounts.manage", "employers.search")
    members = {"owner", "hr", "accountant", "reader"}
    assert [action for action in of_fund if RIGHTS[action].roles & members] == []
    assert not RIGHTS["declarations.file"].roles & {"reader", "administrator"}


PEOPLE_SHOWN = ("/lines", "/findings", "/annotated.xlsx", "/lines.csv", "/text-pair.zip", "/file")


def test_a_route_that_shows_people_is_marked_so_that_an_officers_look_is_journaled(app: Litestar) -> None:
    shown = {
        (str(route.path), handler.opt.get(SHOWS_PEOPLE, False))
        for route in app.routes
        for handler in getattr(route, "route_handlers", [])
        if "GET" in handler.http_methods
        and str(route.path).endswith(PEOPLE_SHOWN)
        and "registers" not in str(route.path)
    }
    assert len(shown) >= 7
    assert [path for path, marked in shown if not marked and "/declared/" not in path] == []


async def test_an_officers_look_at_peoples_lines_is_in_the_employers_journal(clients: Clients) -> None:
    path = "/v1/drafts/7a1c7a30-0000-4000-8000-000000000000/lines"
    await clients["samir"].get(path, headers={"Employer": world.A.number})
    await clients["alice"].get(path)
    entries: list[Any] = []
    after: str | None = ""
    while after is not None:
        page = (await clients["alice"].get("/v1/journal", params={"after": after})).json()
        entries, after = [*entries, *page["entries"]], page["next"]
    looks = {(one["actor_label"], one["subject"]) for one in entries if one["action"] == "people.seen"}
    assert ("Samir", path) in looks
    assert {who for who, _ in looks} <= {"Samir", "Dalila"}
