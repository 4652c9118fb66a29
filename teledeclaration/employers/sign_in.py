"""Signing in and out: server-side sessions, and waits that grow for one client without locking out others."""

import hashlib
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from math import ceil
from uuid import UUID, uuid4

import msgspec

from schemas.actors import FUND_EMPLOYER_ID, Actor, stranger
from schemas.employers import SessionLine, WhoAmI
from teledeclaration import journal
from teledeclaration.database import Pool, transaction
from teledeclaration.employers import account_queries, holders
from teledeclaration.employers.credentials import kept_hash, new_token
from teledeclaration.employers.errors import SignInRefused, SignInTooOften
from teledeclaration.employers.passwords import matches
from teledeclaration.errors import NotFound

FREE_TRIES = 5
WAIT_MAX_S = 900


class SignedIn(msgspec.Struct, frozen=True):
    """A new session: the token goes into the cookie and nowhere else."""

    token: str
    account_id: UUID


async def sign_in(
    pool: Pool, *, email: str, password: str, client: str, user_agent: str, now: datetime, lifetime: timedelta
) -> SignedIn:
    """Open a session.

    SignInRefused (the same, and in the same time, for an unknown address), SignInTooOften with the wait.
    A try counts before its password is looked at, so that many at once gain nothing; only tries of the
    same address from the same client wait, so that nobody is locked out by another.
    """
    email = email.strip().lower()
    attempt_key = _attempt_key(email, client)
    await _count_attempt(pool, attempt_key, now)
    async with transaction(pool, stranger(email)) as connection:
        account = await account_queries.select_account_by_email(connection, email=email)
    right = await matches(password, account.password_hash if account else None)
    if account is None or not right:
        raise SignInRefused
    token = new_token()
    actor = Actor(
        kind="member",
        label=account.name,
        employer_id=FUND_EMPLOYER_ID,
        account_id=account.account_id,
        lookup=attempt_key,
    )
    session_id = uuid4()
    async with transaction(pool, actor) as connection:
        await account_queries.update_attempt_forgiven(connection, attempt_key=attempt_key, now=now)
        await account_queries.insert_session(
            connection,
            token_hash=kept_hash(token),
            session_id=session_id,
            account_id=account.account_id,
            user_agent=user_agent[:200],
            now=now,
            expires_at=now + lifetime,
        )
        await journal.record(connection, actor, "session.opened", session_id, now=now)
    return SignedIn(token, account.account_id)


async def _count_attempt(pool: Pool, attempt_key: str, now: datetime) -> None:
    async with transaction(pool, stranger(attempt_key)) as connection:
        wait = await account_queries.upsert_attempt(
            connection, attempt_key=attempt_key, now=now, free=FREE_TRIES, wait_max_s=WAIT_MAX_S
        )
    if wait is not None:
        raise SignInTooOften(seconds=max(1, ceil(wait.total_seconds())))


def _attempt_key(email: str, client: str) -> str:
    return hashlib.sha256(f"{email}\0{client_network(client)}".encode()).hexdigest()


def client_network(client: str) -> str:
    """An IPv4 address, or the /64 that one IPv6 client has all of."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    if isinstance(address, IPv6Address):
        return str(IPv6Address(int(address) >> 64 << 64))
    return str(address)


async def who_am_i(pool: Pool, *, account_id: UUID, token_hash: str, now: datetime) -> WhoAmI:
    """The account, its role at the fund, and the employers it may act for."""
    held = await holders.select_session(pool, token_hash=token_hash, now=now)
    async with transaction(pool, Actor(kind="member", label="", account_id=account_id)) as connection:
        account = await account_queries.select_account(connection, account_id=account_id)
    return WhoAmI(
        account_id=account_id,
        email=account.email,
        name=account.name,
        language=account.language,
        fund_role=held.fund_role if held else None,
        wilayas=held.wilayas if held else None,
        employers=await account_queries.select_mine(pool, account_id=account_id),
    )


async def my_sessions(
    pool: Pool, actor: Actor, *, account_id: UUID, token_hash: str, now: datetime
) -> list[SessionLine]:
    """The signed-in browsers of an account."""
    async with transaction(pool, _as_themselves(actor)) as connection:
        rows = await account_queries.select_sessions(connection, account_id=account_id, now=now)
    return [
        SessionLine(
            session_id=row["session_id"],
            created_at=row["created_at"],
            expires_at=row["expires_at"],
            user_agent=row["user_agent"],
            current=row["token_hash"] == token_hash,
        )
        for row in rows
    ]


async def end_session(pool: Pool, actor: Actor, *, account_id: UUID, session_id: UUID, now: datetime) -> None:
    """End one of one's own sessions; NotFound where there is none such."""
    themselves = _as_themselves(actor)
    async with transaction(pool, themselves) as connection:
        ended = await account_queries.update_session_ended(
            connection, account_id=account_id, session_id=session_id, now=now
        )
        if not ended:
            raise NotFound
        await journal.record(connection, themselves, "session.ended", session_id, now=now)


def _as_themselves(actor: Actor) -> Actor:
    """Sessions are of no employer: they are journaled in the fund's own journal."""
    return Actor(kind="member", label=actor.label, employer_id=FUND_EMPLOYER_ID, account_id=actor.account_id)
