"""What is to be told (events, notices): a row written with what happened, delivered by a worker.

An event is thin: it names what changed, and whoever is told reads it where their rights allow.
"""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec

from teledeclaration.database import Connection


class Event(msgspec.Struct, frozen=True):
    """One thing that happened to an employer's `subject`, such as `declaration.filed`."""

    event_id: UUID
    kind: str
    subject: str
    payload: dict[str, Any]
    created_at: datetime
    told_at: datetime | None


async def insert_event(
    connection: Connection,
    *,
    employer_id: int,
    kind: str,
    subject: object,
    now: datetime,
    payload: dict[str, Any] | None = None,
) -> UUID:
    """Write an event in the transaction of what happened; its id."""
    event_id = uuid4()
    await connection.execute(
        "INSERT INTO outbox (employer_id, event_id, kind, subject, payload, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        employer_id,
        event_id,
        kind,
        str(subject),
        payload or {},
        now,
    )
    return event_id


async def select_events(
    connection: Connection, *, employer_id: int, after: tuple[datetime, UUID] | None, limit: int
) -> list[Event]:
    """An employer's events after the one of this moment and id, the oldest first."""
    moment, event_id = after or (None, None)
    rows = await connection.fetch(
        """
        SELECT event_id, kind, subject, payload, created_at, told_at
          FROM outbox
         WHERE employer_id = $1 AND ($2::timestamptz IS NULL OR (created_at, event_id) > ($2, $3::uuid))
         ORDER BY created_at, event_id
         LIMIT $4
        """,
        employer_id,
        moment,
        event_id,
        limit,
    )
    return [msgspec.convert(row, Event) for row in rows]
