"""All SQL of accounts, sessions and tries to sign in; one statement a function."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from schemas.employers import Mine
from teledeclaration.database import Connection, Pool, one_changed


class Account(msgspec.Struct, frozen=True):
    """An account, with the hash of its password."""

    account_id: UUID
    email: str
    name: str
    language: str
    password_hash: str


async def select_account_by_email(connection: Connection, *, email: str) -> Account | None:
    """The open account of an address held; None where there is none."""
    row = await connection.fetchrow(
        "SELECT account_id, email, name, language, password_hash FROM accounts WHERE email = $1 AND closed_at IS NULL",
        email,
    )
    return None if row is None else msgspec.convert(row, Account)


async def select_account(connection: Connection, *, account_id: UUID) -> Account:
    """The actor's own account."""
    row = await connection.fetchrow(
        "SELECT account_id, email, name, language, password_hash FROM accounts WHERE account_id = $1", account_id
    )
    return msgspec.convert(row, Account)


async def insert_account(
    connection: Connection, *, account_id: UUID, email: str, name: str, password_hash: str, now: datetime
) -> None:
    await connection.execute(
        "INSERT INTO accounts (account_id, email, name, password_hash, created_at) VALUES ($1, $2, $3, $4, $5)",
        account_id,
        email,
        name,
        password_hash,
        now,
    )


async def upsert_attempt(
    connection: Connection, *, attempt_key: str, now: datetime, free: int, wait_max_s: int
) -> timedelta | None:
    """Count one try to sign in, before its password is looked at; how long to wait where it comes too early.

    After `free` tries in a row each one doubles the wait, to `wait_max_s`; a day of quiet forgives all.
    """
    counted = await connection.fetchval(
        """
        INSERT INTO sign_in_attempts AS known (attempt_key, failures, next_at) VALUES ($1, 1, $2)
            ON CONFLICT (attempt_key) DO UPDATE
           SET failures = CASE WHEN known.next_at < $2 - interval '1 day' THEN 1 ELSE known.failures + 1 END,
               next_at = $2 + make_interval(secs => CASE
                   WHEN known.next_at < $2 - interval '1 day' OR known.failures + 1 <= $3 THEN 0
                   ELSE least($4, 2 ^ least(known.failures + 1 - $3, 30)) END)
         WHERE known.next_at <= $2
        RETURNING failures
        """,
        attempt_key,
        now,
        free,
        wait_max_s,
    )
    if counted is not None:
        return None
    next_at = await connection.fetchval("SELECT next_at FROM sign_in_attempts WHERE attempt_key = $1", attempt_key)
    wait: timedelta = next_at - now
    return wait


async def update_attempt_forgiven(connection: Connection, *, attempt_key: str, now: datetime) -> None:
    await connection.execute(
        "UPDATE sign_in_attempts SET failures = 0, next_at = $2 WHERE attempt_key = $1", attempt_key, now
    )


async def delete_old_attempts(connection: Connection, *, before: datetime) -> None:
    """Forget who tried and failed, once a day of quiet forgives it; run as the fund's job."""
    await connection.execute("DELETE FROM sign_in_attempts WHERE next_at < $1", before)


async def insert_session(
    connection: Connection,
    *,
    token_hash: str,
    session_id: UUID,
    account_id: UUID,
    user_agent: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    await connection.execute(
        "INSERT INTO sessions (token_hash, session_id, account_id, created_at, expires_at, user_agent)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        token_hash,
        session_id,
        account_id,
        now,
        expires_at,
        user_agent,
    )


async def select_sessions(connection: Connection, *, account_id: UUID, now: datetime) -> list[dict[str, Any]]:
    """An account's sessions in force, the newest first."""
    rows = await connection.fetch(
        "SELECT session_id, token_hash, created_at, expires_at, user_agent FROM sessions"
        " WHERE account_id = $1 AND ended_at IS NULL AND expires_at > $2 ORDER BY created_at DESC",
        account_id,
        now,
    )
    return [dict(row) for row in rows]


async def update_session_ended(connection: Connection, *, account_id: UUID, session_id: UUID, now: datetime) -> bool:
    """End one of the account's own sessions; False where it has none such in force."""
    return one_changed(
        await connection.execute(
            "UPDATE sessions SET ended_at = $3 WHERE account_id = $1 AND session_id = $2 AND ended_at IS NULL",
            account_id,
            session_id,
            now,
        )
    )


async def select_mine(pool: Pool, *, account_id: UUID) -> list[Mine]:
    """The employers an account may act for, entering each in turn (see `holders`)."""
    rows = await pool.fetch(
        """
        WITH asked AS MATERIALIZED (
            SELECT set_config('app.account_id', $1::uuid::text, true)::uuid AS account_id,
                   set_config('app.actor_kind', 'member', true)
        ), held AS MATERIALIZED (
            SELECT found.* FROM asked CROSS JOIN LATERAL (
                SELECT employer_id, role FROM memberships
                 WHERE account_id = asked.account_id AND ended_at IS NULL OFFSET 0) AS found
        )
        SELECT employer.*, each.role
          FROM (SELECT set_config('app.employer_id', employer_id::text, true)::bigint AS employer_id, role
                  FROM held OFFSET 0) AS each
         CROSS JOIN LATERAL (
            SELECT number, mode, name, name_ar FROM employers WHERE employer_id = each.employer_id OFFSET 0) AS employer
        """,
        account_id,
    )
    return sorted((msgspec.convert(row, Mine) for row in rows), key=lambda mine: (mine.number, mine.mode))
