"""All SQL of the answers kept for repeated writes; one statement a function."""

from datetime import datetime
from uuid import UUID

import msgspec

from teledeclaration.database import Connection, one_changed


class KeyOf(msgspec.Struct, frozen=True):
    """An Idempotency-Key: it is of one caller at one employer."""

    employer_id: int
    caller: UUID
    key: str


class KeptAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of the first request with a key; no status while it is under way, no body where it held a secret."""

    request_hash: str
    status: int | None
    headers: dict[str, str] | None
    body: bytes | None
    created_at: datetime


async def delete_old_answers(connection: Connection, of: KeyOf, *, before: datetime) -> None:
    """Those of the same caller."""
    await connection.execute(
        "DELETE FROM idempotency_keys WHERE employer_id = $1 AND caller = $2 AND created_at < $3",
        of.employer_id,
        of.caller,
        before,
    )


async def insert_claim(connection: Connection, of: KeyOf, *, now: datetime) -> bool:
    """Take a key; False where it is taken."""
    return one_changed(
        await connection.execute(
            "INSERT INTO idempotency_keys (employer_id, caller, key, request_hash, created_at)"
            " VALUES ($1, $2, $3, '', $4) ON CONFLICT DO NOTHING",
            of.employer_id,
            of.caller,
            of.key,
            now,
        )
    )


async def select_answer(connection: Connection, of: KeyOf) -> KeptAnswer | None:
    row = await connection.fetchrow(
        "SELECT request_hash, status, headers, body, created_at FROM idempotency_keys"
        " WHERE employer_id = $1 AND caller = $2 AND key = $3",
        of.employer_id,
        of.caller,
        of.key,
    )
    return None if row is None else msgspec.convert(row, KeptAnswer)


async def update_answer(connection: Connection, of: KeyOf, answer: KeptAnswer) -> None:
    await connection.execute(
        "UPDATE idempotency_keys SET request_hash = $4, status = $5, headers = $6, body = $7"
        " WHERE employer_id = $1 AND caller = $2 AND key = $3",
        of.employer_id,
        of.caller,
        of.key,
        answer.request_hash,
        answer.status,
        answer.headers,
        answer.body,
    )


async def delete_claim(connection: Connection, of: KeyOf) -> None:
    await connection.execute(
        "DELETE FROM idempotency_keys WHERE employer_id = $1 AND caller = $2 AND key = $3",
        of.employer_id,
        of.caller,
        of.key,
    )
