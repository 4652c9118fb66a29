"""The JSON door to sign-in, members, keys, the employer, its twin and its journal."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, delete, get, patch, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from schemas.employers import (
    EmployerList,
    EmployerPage,
    InvitationShownOnce,
    JournalPage,
    KeyLine,
    KeyShownOnce,
    MemberList,
    NewAccount,
    NewKey,
    NewMember,
    NewRole,
    SessionLine,
    SignIn,
    TakeUp,
    Twin,
    TwinClock,
    WhoAmI,
)
from teledeclaration.database import transaction
from teledeclaration.employers import actions, facts, queries, sign_in
from teledeclaration.employers.credentials import kept_hash
from teledeclaration.employers.guard import Caller, client_address, session_cookie
from teledeclaration.employers.roles import PUBLIC, guarded
from teledeclaration.errors import Malformed, NotAllowed
from teledeclaration.settings import Settings

PAGE = 50

Http = Request[Any, Any, Any]

_NUMBER_BEGINS = re.compile("[0-9]{1,10}")

Search = Annotated[str, QueryParameter(max_length=100, description="the beginning of a number, or part of a name")]
After = Annotated[str, QueryParameter(max_length=100, description="`next` of the page before")]


# ── session ─────────────────────────────────────────────────────────────────────────────────────


@post("/v1/session", **guarded(PUBLIC), status_code=200, tags=["session"], security=[{}])
async def open_session(request: Http, data: JSONBody[SignIn]) -> Response[WhoAmI]:
    """Sign in with address and password; the session is a cookie.

    401 `sign-in-refused`, 429 `sign-in-too-often` with the seconds to wait.
    """
    state, settings = request.app.state, _settings(request)
    lifetime = timedelta(hours=settings.session_hours)
    signed_in = await sign_in.sign_in(
        state.pool,
        email=data.email,
        password=data.password,
        client=client_address(request),
        user_agent=request.headers.get("user-agent", ""),
        now=state.clock(),
        lifetime=lifetime,
    )
    me = await sign_in.who_am_i(
        state.pool, account_id=signed_in.account_id, token_hash=kept_hash(signed_in.token), now=state.clock()
    )
    cookie = _cookie(settings, signed_in.token, seconds=int(lifetime.total_seconds()))
    return Response(me, cookies=[cookie], headers={"Cache-Control": "no-store"})


@get("/v1/session", **guarded("session.own"), tags=["session"])
async def read_session(request: Http, caller: NamedDependency[Caller]) -> WhoAmI:
    """Who am I, and for which employers may I act, in which role."""
    return await sign_in.who_am_i(
        request.app.state.pool,
        account_id=caller.account_id,
        token_hash=_session_hash(caller),
        now=request.app.state.clock(),
    )


@delete("/v1/session", **guarded("session.own"), tags=["session"])
async def close_session(request: Http, caller: NamedDependency[Caller]) -> Response[None]:
    """Sign out of this browser."""
    now = request.app.state.clock()
    mine = await sign_in.my_sessions(
        request.app.state.pool,
        caller.actor,
        account_id=caller.account_id,
        token_hash=_session_hash(caller),
        now=now,
    )
    for line in mine:
        if line.current:
            await sign_in.end_session(
                request.app.state.pool,
                caller.actor,
                account_id=caller.account_id,
                session_id=line.session_id,
                now=now,
            )
    return Response(None, status_code=204, cookies=[_cookie(_settings(request), "", seconds=0)])


@get("/v1/sessions", **guarded("session.own"), tags=["session"])
async def list_sessions(request: Http, caller: NamedDependency[Caller]) -> list[SessionLine]:
    """My signed-in browsers."""
    return await sign_in.my_sessions(
        request.app.state.pool,
        caller.actor,
        account_id=caller.account_id,
        token_hash=_session_hash(caller),
        now=request.app.state.clock(),
    )


@delete("/v1/sessions/{session_id:uuid}", **guarded("session.own"), tags=["session"])
async def close_other_session(request: Http, caller: NamedDependency[Caller], session_id: FromPath[UUID]) -> None:
    """Sign one of my browsers out."""
    await sign_in.end_session(
        request.app.state.pool,
        caller.actor,
        account_id=caller.account_id,
        session_id=session_id,
        now=request.app.state.clock(),
    )


def _settings(request: Http) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _session_hash(caller: Caller) -> str:
    if caller.session_hash is None:
        raise NotAllowed
    return caller.session_hash


def _cookie(settings: Settings, token: str, *, seconds: int) -> Cookie:
    return Cookie(
        key=session_cookie(settings),
        value=token,
        max_age=seconds,
        path="/",
        httponly=True,
        secure=settings.production,
        samesite="strict",
    )


# ── members ─────────────────────────────────────────────────────────────────────────────────────


@get("/v1/members", **guarded("members.read"), tags=["employer"])
async def list_members(request: Http, caller: NamedDependency[Caller]) -> MemberList:
    """Who acts for this employer, and who is invited to."""
    async with transaction(request.app.state.pool, caller.actor) as connection:
        return MemberList(
            members=await queries.select_members(connection, employer_id=caller.employer_id),
            invitations=await queries.select_invitations(
                connection, employer_id=caller.employer_id, now=request.app.state.clock()
            ),
        )


@post("/v1/members", **guarded("members.manage", answers_secret=True), tags=["employer"])
async def invite_member(
    request: Http, caller: NamedDependency[Caller], data: JSONBody[NewMember]
) -> InvitationShownOnce:
    """Offer a role to an address. The token is shown this once: hand it over yourself."""
    return await actions.invite_member(
        request.app.state.pool,
        caller.actor,
        employer_id=caller.employer_id,
        new=data,
        now=request.app.state.clock(),
    )


@patch("/v1/members/{account_id:uuid}", **guarded("members.manage"), status_code=204, tags=["employer"])
async def change_member(
    request: Http, caller: NamedDependency[Caller], account_id: FromPath[UUID], data: JSONBody[NewRole]
) -> None:
    """Give a member another role; 409 `last-owner`."""
    await actions.change_member(
        request.app.state.pool,
        caller.actor,
        employer_id=caller.employer_id,
        account_id=account_id,
        role=data.role,
        now=request.app.state.clock(),
    )


@delete("/v1/members/{account_id:uuid}", **guarded("members.manage"), tags=["employer"])
async def end_member(request: Http, caller: NamedDependency[Caller], account_id: FromPath[UUID]) -> None:
    """End a membership at once; 409 `last-owner`."""
    await actions.end_member(
        request.app.state.pool,
        caller.actor,
        employer_id=caller.employer_id,
        account_id=account_id,
        now=request.app.state.clock(),
    )


@post("/v1/invitations", **guarded(PUBLIC), status_code=204, tags=["session"], security=[{}])
async def take_up_invitation(request: Http, data: JSONBody[TakeUp]) -> None:
    """Take a role up with the token handed over; then sign in. An address that has an account gives its password."""
    await actions.take_up_invitation(request.app.state.pool, take_up=data, now=request.app.state.clock())


@delete("/v1/invitations/{invitation_id:uuid}", **guarded("members.manage"), tags=["employer"])
async def withdraw_invitation(request: Http, caller: NamedDependency[Caller], invitation_id: FromPath[UUID]) -> None:
    """Take an offer back."""
    await actions.withdraw_invitation(
        request.app.state.pool,
        caller.actor,
        employer_id=caller.employer_id,
        invitation_id=invitation_id,
        now=request.app.state.clock(),
    )


@post("/v1/accounts", **guarded("accounts.manage", answers_secret=True), tags=["registers"])
async def invite_account(
    request: Http, caller: NamedDependency[Caller], data: JSONBody[NewAccount]
) -> InvitationShownOnce:
    """Offer a role at the fund, or an employer's ownership, to an address."""
    return await actions.invite_account(request.app.state.pool, caller.actor, new=data, now=request.app.state.clock())


# ── API keys ────────────────────────────────────────────────────────────────────────────────────


@get("/v1/api-keys", **guarded("keys.manage"), tags=["employer"])
async def list_keys(request: Http, caller: NamedDependency[Caller]) -> list[KeyLine]:
    """The employer's keys, without their secrets."""
    async with transaction(request.app.state.pool, caller.actor) as connection:
        return await queries.select_keys(connection, employer_id=caller.employer_id)


@post("/v1/api-keys", **guarded("keys.manage", answers_secret=True), tags=["employer"])
async def create_key(request: Http, caller: NamedDependency[Caller], data: JSONBody[NewKey]) -> KeyShownOnce:
    """Make a key for payroll software. It is shown this once."""
    return await actions.create_key(
        request.app.state.pool,
        caller.actor,
        role=caller.role,
        acting_for=caller.acting_for,
        new=data,
        now=request.app.state.clock(),
    )


@delete("/v1/api-keys/{key_id:uuid}", **guarded("keys.manage"), tags=["employer"])
async def revoke_key(request: Http, caller: NamedDependency[Caller], key_id: FromPath[UUID]) -> None:
    """Refuse a key from now on."""
    await actions.revoke_key(
        request.app.state.pool,
        caller.actor,
        employer_id=caller.employer_id,
        key_id=key_id,
        now=request.app.state.clock(),
    )


# ── the employer ────────────────────────────────────────────────────────────────────────────────


@get("/v1/employer", **guarded("employers.read"), tags=["employer"])
async def read_employer(request: Http, caller: NamedDependency[Caller]) -> EmployerPage:
    """Particulars, payment centres and contacts, as the fund's register has them."""
    async with transaction(request.app.state.pool, caller.actor) as connection:
        return EmployerPage(
            particulars=await facts.employer_by_id(connection, caller.employer_id),
            payment_centres=await facts.payment_centres(connection, caller.employer_id),
            contacts=await facts.contacts(connection, caller.employer_id),
            now=caller.now(request.app.state.clock),
        )


@get("/v1/employers", **guarded("employers.search"), tags=["registers"])
async def search_employers(
    request: Http, caller: NamedDependency[Caller], q: Search = "", after: After = ""
) -> EmployerList:
    """The employers of an officer's wilayas, by number, fifty at a time. Digits are the beginning of a number."""
    where: dict[str, Any] = {"after": after, "wilayas": caller.actor.wilayas, "limit": PAGE + 1}
    async with transaction(request.app.state.pool, caller.actor) as connection:
        if not q or _NUMBER_BEGINS.fullmatch(q):
            found = await queries.select_employers_by_number(connection, beginning=q, **where)
        else:
            found = await queries.select_employers_by_name(connection, part=q, **where)
    return EmployerList(found[:PAGE], found[PAGE - 1].number if len(found) > PAGE else None)


@post("/v1/test-twin", **guarded("twins.manage"), tags=["employer"])
async def create_twin(request: Http, caller: NamedDependency[Caller]) -> Twin:
    """Make the employer's test twin: send `Employer-Mode: test` to act for it."""
    return await actions.create_twin(
        request.app.state.pool, caller.actor, acting_for=caller.acting_for, now=request.app.state.clock()
    )


@patch("/v1/test-twin", **guarded("twins.manage"), tags=["employer"])
async def move_twin_clock(request: Http, caller: NamedDependency[Caller], data: JSONBody[TwinClock]) -> Twin:
    """Set the twin's clock, to try a deadline or a late year; sent with `Employer-Mode: test`."""
    if data.clock.tzinfo is None:
        raise Malformed(pointer="/clock")
    return await actions.move_twin_clock(
        request.app.state.pool,
        caller.actor,
        acting_for=caller.acting_for,
        clock=data.clock,
        now=request.app.state.clock(),
    )


@get("/v1/journal", **guarded("journal.read"), tags=["employer"])
async def read_journal(request: Http, caller: NamedDependency[Caller], after: After = "") -> JournalPage:
    """Who did what, the newest first, fifty at a time."""
    async with transaction(request.app.state.pool, caller.actor) as connection:
        entries = await queries.select_journal(
            connection, employer_id=caller.employer_id, before=_place(after), limit=PAGE + 1
        )
    page = entries[:PAGE]
    return JournalPage(page, f"{page[-1].at.isoformat()}_{page[-1].entry_id}" if len(entries) > PAGE else None)


def _place(after: str) -> tuple[datetime, UUID] | None:
    if not after:
        return None
    at, _, entry_id = after.partition("_")
    try:
        return datetime.fromisoformat(at.replace(" ", "+")), UUID(entry_id)
    except ValueError:
        raise Malformed(pointer="/after") from None


ROUTES = [
    open_session,
    read_session,
    close_session,
    list_sessions,
    close_other_session,
    list_members,
    invite_member,
    change_member,
    end_member,
    take_up_invitation,
    withdraw_invitation,
    invite_account,
    list_keys,
    create_key,
    revoke_key,
    read_employer,
    search_employers,
    create_twin,
    move_twin_clock,
    read_journal,
]
