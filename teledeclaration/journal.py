"""Who did, or looked at, what: written in the transaction that does it, never changed.

A worker seals the entries of each employer in batches, each seal covering the one before, so that an
entry taken away or changed afterwards is seen (`check_seals`).
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec

from schemas.actors import FUND_EMPLOYER_ID, Actor
from teledeclaration.database import Connection

SETTLED_AFTER = timedelta(minutes=15)
"""No transaction lasts longer, so that no entry appears behind a seal."""


async def record(
    connection: Connection,
    actor: Actor,
    action: str,
    subject: object,
    *,
    now: datetime,
    details: dict[str, Any] | None = None,
) -> None:
    """One entry; `details` never hold names, numbers or secrets beyond what the subject's own rows hold."""
    await connection.execute(
        """
        INSERT INTO journal (employer_id, entry_id, at, actor_kind, actor_label, account_id, api_key_id,
                             action, subject, details)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        """,
        actor.employer_id if actor.employer_id is not None else FUND_EMPLOYER_ID,
        uuid4(),
        now,
        actor.kind,
        actor.label,
        actor.account_id,
        actor.api_key_id,
        action,
        str(subject),
        details or {},
    )


async def seal_entries(connection: Connection, *, employer_id: int, now: datetime) -> int:
    """Seal what is settled since the last seal; the number of entries sealed.

    Two sealers at once meet on the seal's number, and one of them fails on its key.
    """
    last = await connection.fetchrow(
        "SELECT seal_number, sealed_until, seal FROM journal_seals WHERE employer_id = $1"
        " ORDER BY seal_number DESC LIMIT 1",
        employer_id,
    )
    until = now - SETTLED_AFTER
    entries = await _entries(connection, employer_id, last["sealed_until"] if last else None, until)
    if entries:
        await connection.execute(
            "INSERT INTO journal_seals (employer_id, seal_number, sealed_until, entries, seal)"
            " VALUES ($1, $2, $3, $4, $5)",
            employer_id,
            last["seal_number"] + 1 if last else 1,
            until,
            len(entries),
            _seal(last["seal"] if last else "", entries),
        )
    return len(entries)


async def check_seals(connection: Connection, *, employer_id: int) -> int | None:
    """The number of the first seal that does not match the journal any more; None where all do."""
    seals = await connection.fetch(
        "SELECT seal_number, sealed_until, entries, seal FROM journal_seals WHERE employer_id = $1"
        " ORDER BY seal_number",
        employer_id,
    )
    since, before = None, ""
    for seal in seals:
        entries = await _entries(connection, employer_id, since, seal["sealed_until"])
        if len(entries) != seal["entries"] or _seal(before, entries) != seal["seal"]:
            number: int = seal["seal_number"]
            return number
        since, before = seal["sealed_until"], seal["seal"]
    return None


async def _entries(
    connection: Connection, employer_id: int, since: datetime | None, until: datetime
) -> list[dict[str, Any]]:
    rows = await connection.fetch(
        """
        SELECT entry_id, at, actor_kind, actor_label, account_id, api_key_id, action, subject, details
          FROM journal
         WHERE employer_id = $1 AND ($2::timestamptz IS NULL OR at > $2) AND at <= $3
         ORDER BY at, entry_id
        """,
        employer_id,
        since,
        until,
    )
    return [dict(row) for row in rows]


def _seal(before: str, entries: list[dict[str, Any]]) -> str:
    digest = hashlib.sha256(before.encode())
    for entry in entries:
        digest.update(msgspec.json.encode(entry, order="deterministic"))
    return digest.hexdigest()


async def select_unsealed_employers(connection: Connection, *, after: int, now: datetime, limit: int) -> list[int]:
    """Employers, by number above `after`, with settled entries that no seal covers."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT j.employer_id
          FROM journal j
         WHERE j.employer_id > $1 AND j.at <= $2
           AND NOT EXISTS (SELECT 1 FROM journal_seals s WHERE s.employer_id = j.employer_id AND s.sealed_until >= j.at)
         ORDER BY j.employer_id
         LIMIT $3
        """,
        after,
        now - SETTLED_AFTER,
        limit,
    )
    return [row["employer_id"] for row in rows]


async def select_sealed_employers(connection: Connection, *, after: int, limit: int) -> list[int]:
    """Employers, by number above `after`, whose journal has seals."""
    rows = await connection.fetch(
        "SELECT DISTINCT employer_id FROM journal_seals WHERE employer_id > $1 ORDER BY employer_id LIMIT $2",
        after,
        limit,
    )
    return [row["employer_id"] for row in rows]
