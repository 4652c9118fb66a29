"""The one guard: who asks, for which employer, and may they.

Every route handler names its action (`**guarded("declarations.file")`); one that names none is refused
when the server starts, and again here. A request brings either

    Authorization: Bearer td_live_…        an API key, bound to its employer
    Cookie: td_session=…                   a signed-in browser; `Employer: <10 digits>` names the employer
                                           (and `Employer-Mode: test` its twin), needed by members of several

Nothing is remembered between requests, so that what is revoked or ended stops at once.
"""

from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from litestar import Litestar, Request
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from schemas.actors import FUND_EMPLOYER_ID, Actor
from schemas.employers import ActingFor, KeyScope, Mode, Role
from teledeclaration import journal
from teledeclaration.clock import Clock
from teledeclaration.database import transaction
from teledeclaration.employers import holders
from teledeclaration.employers.credentials import kept_hash
from teledeclaration.employers.errors import EmployerNotFound, EmployerNotNamed, ForeignOrigin
from teledeclaration.employers.roles import PUBLIC, RIGHTS, allows, guarded
from teledeclaration.errors import NotAllowed, NotSignedIn
from teledeclaration.languages import Language, chosen_language
from teledeclaration.settings import Settings

__all__ = ["Caller", "client_address", "guard", "guarded", "provide_caller", "refuse_unguarded"]

Asking = ASGIConnection[Any, Any, Any, Any]

SHOWS_PEOPLE = "shows_people"
"""The mark of a route that shows the records of people: `**guarded("drafts.read", shows_people=True)`."""

_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, known and allowed. `actor` is what the database and the journal are told.

    `employer` is who they act for: None only for actions that are of no employer. `session_hash` is the
    signed-in browser's, None for API keys.
    """

    actor: Actor
    role: Role
    scopes: frozenset[KeyScope]
    employer: ActingFor | None
    language: Language
    session_hash: str | None = None

    @property
    def label(self) -> str:
        """The name that the journal and a declaration show."""
        return self.actor.label

    @property
    def employer_id(self) -> int:
        """The employer they act for; EmployerNotNamed where there is none."""
        return self.acting_for.employer_id

    @property
    def acting_for(self) -> ActingFor:
        if self.employer is None:
            raise EmployerNotNamed
        return self.employer

    @property
    def account_id(self) -> UUID:
        """The account that signed in; NotAllowed for an API key, which has none."""
        if self.actor.account_id is None:
            raise NotAllowed
        return self.actor.account_id

    @property
    def at_counter(self) -> bool:
        """Whether an officer does it for the employer."""
        return self.actor.kind == "officer"

    def now(self, clock: Clock) -> datetime:
        """The time where the employer lives: the fund's, or a test twin's own."""
        return clock() + timedelta(seconds=self.employer.clock_offset_s if self.employer else 0)

    def fund_time(self, moment: datetime) -> datetime:
        """A moment of the employer's time in the fund's: what the journal keeps, so that its entries follow one
        another whatever a test twin's clock does."""
        return moment - timedelta(seconds=self.employer.clock_offset_s if self.employer else 0)


class UnguardedRouteError(Exception):
    """A route handler names no action of the table; its path is the message."""


def client_address(connection: Asking) -> str:
    """Where who asks is: as the front door tells it, where a setting names its header, else who connects.

    Of several addresses the last one, which the nearest door wrote; a client may have written the others.
    """
    settings: Settings = connection.app.state.settings
    header = settings.client_address_header
    told = connection.headers.getall(header, [""])[-1] if header else ""
    return told.rpartition(",")[2].strip() or (connection.client.host if connection.client else "")


def refuse_unguarded(app: Litestar) -> None:
    """UnguardedRouteError if any handler of the app names no known action; run at the start."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", None) or [cast(Any, route).route_handler]:
            if not _is_preflight(handler) and _action_of(handler) is None:
                raise UnguardedRouteError(route.path)


def _is_preflight(handler: BaseRouteHandler) -> bool:
    """The framework's own answer to OPTIONS, which only lists methods."""
    return getattr(handler, "http_methods", None) == {"OPTIONS"}


def _action_of(handler: BaseRouteHandler) -> str | None:
    action = handler.opt.get("action")
    return action if action == PUBLIC or action in RIGHTS else None


async def guard(connection: Asking, handler: BaseRouteHandler) -> None:
    """Find out who asks and let them through to this handler, or raise.

    NotSignedIn (401), NotAllowed (403), EmployerNotFound (404), EmployerNotNamed (422).
    """
    action = _action_of(handler)
    if action is None:
        raise NotAllowed
    if "authorization" not in connection.headers:
        _refuse_foreign_page(connection)
    if action == PUBLIC:
        return
    caller = await _find_caller(connection)
    right = RIGHTS[action]
    if right.of_employer and caller.employer is None:
        raise EmployerNotNamed
    if not allows(right, caller.role, caller.scopes):
        raise NotAllowed
    if caller.at_counter and handler.opt.get(SHOWS_PEOPLE):
        await _journal_look(connection, caller)
    connection.scope["state"]["caller"] = caller


async def _journal_look(connection: Asking, caller: Caller) -> None:
    """Write down that an officer looks at people's records; addresses hold ids, never a name or a number."""
    state = connection.app.state
    async with transaction(state.pool, caller.actor) as opened:
        await journal.record(opened, caller.actor, "people.seen", connection.scope["path"], now=state.clock())


def provide_caller(request: Request[Any, Any, Any]) -> Caller:
    """The dependency `caller` of route handlers; NotSignedIn on a public route, which has none."""
    caller = request.scope["state"].get("caller")
    if caller is None:
        raise NotSignedIn
    return cast(Caller, caller)


def session_cookie(settings: Settings) -> str:
    """The cookie's name; `__Host-` ties it to this very host where there is TLS."""
    return "__Host-td_session" if settings.production else "td_session"


def _refuse_foreign_page(connection: Asking) -> None:
    """A browser says from which site's page a write comes; only our own may.

    Browsers send `Origin` with every POST; one that hides it still tells `Sec-Fetch-Site`. A cookie
    without either is refused; without a cookie there is nobody's right to misuse, yet a foreign page
    is refused too, so that none signs a visitor in as somebody else.
    """
    if connection.scope.get("method") not in _UNSAFE:
        return
    settings: Settings = connection.app.state.settings
    origin = connection.headers.get("origin")
    if origin is not None:
        ours = {connection.headers.get("host", ""), urlsplit(settings.public_url).netloc}
        if urlsplit(origin).netloc not in ours:
            raise ForeignOrigin
    elif session_cookie(settings) in connection.cookies and connection.headers.get("sec-fetch-site") != "same-origin":
        raise ForeignOrigin


async def _find_caller(connection: Asking) -> Caller:
    authorization = connection.headers.get("authorization")
    if authorization is not None:
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise NotSignedIn
        return await _key_caller(connection, key.strip())
    token = connection.cookies.get(session_cookie(connection.app.state.settings))
    if not token:
        raise NotSignedIn
    return await _account_caller(connection, token)


async def _key_caller(connection: Asking, key: str) -> Caller:
    state = connection.app.state
    held = await holders.select_key(state.pool, key_hash=kept_hash(key), now=state.clock())
    if held is None:
        raise NotSignedIn
    if connection.headers.get("employer", held.number) != held.number:
        raise EmployerNotFound
    of_fund = held.employer_id == FUND_EMPLOYER_ID
    return Caller(
        actor=Actor(
            kind="job" if of_fund else "member",
            label=held.name,
            employer_id=held.employer_id,
            api_key_id=held.key_id,
        ),
        role="key",
        scopes=frozenset(held.scopes),
        employer=ActingFor(
            employer_id=held.employer_id, number=held.number, mode=held.mode, clock_offset_s=held.clock_offset_s
        ),
        language=_language(connection, None),
    )


async def _account_caller(connection: Asking, token: str) -> Caller:
    state = connection.app.state
    token_hash = kept_hash(token)
    held = await holders.select_session(state.pool, token_hash=token_hash, now=state.clock())
    if held is None:
        raise NotSignedIn
    role, employer = await _role_and_employer(connection, held)
    return Caller(
        actor=_actor(held, role, employer),
        role=role,
        scopes=frozenset(),
        employer=employer,
        language=_language(connection, held.language),
        session_hash=token_hash,
    )


async def _role_and_employer(connection: Asking, held: holders.SessionHolder) -> tuple[Role, ActingFor | None]:
    """A fund role stands before any membership. A reader of no employer can only see their own sessions."""
    pool, number = connection.app.state.pool, connection.headers.get("employer")
    mode: Mode = "test" if connection.headers.get("employer-mode") == "test" else "live"
    if held.fund_role == "administrator":
        if number is not None:
            raise EmployerNotFound
        return held.fund_role, _FUND
    if held.fund_role is not None:
        if number is None:
            return held.fund_role, None
        wilayas = None if held.wilayas is None else tuple(held.wilayas)
        return held.fund_role, await holders.select_employer_in_scope(pool, number=number, mode=mode, wilayas=wilayas)
    membership = await holders.select_membership(pool, account_id=held.account_id, number=number, mode=mode)
    return ("reader", None) if membership is None else membership


_FUND = ActingFor(employer_id=FUND_EMPLOYER_ID, number="0000000000", mode="live", clock_offset_s=0)


def _actor(held: holders.SessionHolder, role: Role, employer: ActingFor | None) -> Actor:
    employer_id = employer.employer_id if employer else None
    if role == "administrator":
        return Actor(kind="administrator", label=held.name, employer_id=employer_id, account_id=held.account_id)
    if held.fund_role is None:
        return Actor(kind="member", label=held.name, employer_id=employer_id, account_id=held.account_id)
    return Actor(
        kind="officer",
        label=held.name,
        employer_id=employer_id,
        account_id=held.account_id,
        wilayas=None if held.wilayas is None else tuple(held.wilayas),
    )


def _language(connection: Asking, kept: str | None) -> Language:
    """What the request asks for, else what the account keeps."""
    asked = connection.query_params.get("lang") or connection.headers.get("accept-language") or kept
    return chosen_language(asked)
