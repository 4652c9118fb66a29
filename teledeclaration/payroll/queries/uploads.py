"""Files, uploads and their readings."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from schemas.mapping import HandMapping
from teledeclaration.database import Connection, one_changed
from teledeclaration.queue import LONG, Queue

LEASE = timedelta(seconds=30)
ATTEMPTS_MAX = 3
TRIED_TOO_OFTEN = "tried-too-often"
"""Why a reading failed that was given up."""


class UploadRow(msgspec.Struct, frozen=True, kw_only=True):
    """An upload with its file's size, what its draft declares, and its latest reading, where it has one."""

    upload_id: UUID
    draft_id: UUID
    form: str
    centre: str
    year: int
    period: str
    filename: str
    content_hash: str
    size_bytes: int
    source: str
    series: UUID
    part: int
    parts: int
    created_by: str
    created_at: datetime
    reading_id: UUID | None
    status: str | None
    phase: str | None
    rows_done: int | None
    rows_total: int | None
    started_at: datetime | None
    expected_at: datetime | None
    reason: str | None
    reason_values: dict[str, Any] | None


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A reading as a job sees it."""

    reading_id: UUID
    draft_id: UUID
    upload_id: UUID
    queue: str
    recheck: bool
    status: str
    phase: str
    rows_done: int
    rows_total: int | None
    started_at: datetime | None
    expected_at: datetime | None
    attempt: int
    lease: UUID | None
    reason: str | None
    reason_values: dict[str, Any]
    facts: dict[str, Any]
    mapping: HandMapping | None


_UPLOAD = """
SELECT u.upload_id, u.draft_id, d.form, d.centre, d.year, d.period, u.filename, u.content_hash, f.size_bytes,
       u.source, u.series, u.part, u.parts, u.created_by, u.created_at, r.reading_id, r.status, r.phase,
       r.rows_done, r.rows_total, r.started_at, r.expected_at, r.reason, r.reason_values
  FROM uploads u
  JOIN files f ON f.employer_id = u.employer_id AND f.content_hash = u.content_hash
  JOIN drafts d ON d.employer_id = u.employer_id AND d.draft_id = u.draft_id
  LEFT JOIN LATERAL (
        SELECT *
          FROM readings
         WHERE employer_id = u.employer_id AND upload_id = u.upload_id
         ORDER BY created_at DESC, reading_id
         LIMIT 1) r ON true
"""

_READING = """reading_id, draft_id, upload_id, queue, recheck, status, phase, rows_done, rows_total, started_at,
       expected_at, attempt, lease, reason, reason_values, facts, mapping"""


async def insert_file(
    connection: Connection, *, employer_id: int, content_hash: str, size_bytes: int, now: datetime
) -> None:
    """Note that this employer sent this content; once, however often it is sent."""
    await connection.execute(
        "INSERT INTO files (employer_id, content_hash, size_bytes, received_at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (employer_id, content_hash) DO NOTHING",
        employer_id,
        content_hash,
        size_bytes,
        now,
    )


async def insert_upload(
    connection: Connection,
    *,
    employer_id: int,
    upload_id: UUID,
    draft_id: UUID,
    content_hash: str,
    filename: str,
    source: str,
    created_by: str,
    now: datetime,
    series: UUID | None = None,
    part: int = 1,
    parts: int = 1,
) -> None:
    """`series` is the first upload of the parts that make one whole; without it, this one begins a series."""
    await connection.execute(
        """
        INSERT INTO uploads (employer_id, upload_id, draft_id, content_hash, filename, source, series, part, parts,
                             created_by, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """,
        employer_id,
        upload_id,
        draft_id,
        content_hash,
        filename,
        source,
        series or upload_id,
        part,
        parts,
        created_by,
        now,
    )


async def insert_reading(
    connection: Connection,
    *,
    employer_id: int,
    reading_id: UUID,
    draft_id: UUID,
    upload_id: UUID,
    queue: str,
    now: datetime,
) -> None:
    await connection.execute(
        "INSERT INTO readings (employer_id, reading_id, draft_id, upload_id, queue, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        employer_id,
        reading_id,
        draft_id,
        upload_id,
        queue,
        now,
    )


async def select_upload(connection: Connection, *, employer_id: int, upload_id: UUID) -> UploadRow | None:
    row = await connection.fetchrow(f"{_UPLOAD} WHERE u.employer_id = $1 AND u.upload_id = $2", employer_id, upload_id)
    return None if row is None else msgspec.convert(row, UploadRow)


async def select_uploads(
    connection: Connection,
    *,
    employer_id: int,
    draft_id: UUID | None = None,
    status: str | None = None,
    before: datetime | None = None,
    after: UUID | None = None,
    limit: int,
) -> list[UploadRow]:
    """The latest first; `after` is the last upload of the page before, `status` that of its reading."""
    rows = await connection.fetch(
        f"""{_UPLOAD}
         WHERE u.employer_id = $1
           AND ($2::uuid IS NULL OR u.draft_id = $2)
           AND ($3::text IS NULL OR r.status = $3)
           AND ($4::timestamptz IS NULL OR u.created_at < $4)
           AND ($5::uuid IS NULL OR (u.created_at, u.upload_id) < (
                SELECT last.created_at, last.upload_id
                  FROM uploads last
                 WHERE last.employer_id = $1 AND last.upload_id = $5))
         ORDER BY u.created_at DESC, u.upload_id DESC
         LIMIT $6""",
        employer_id,
        draft_id,
        status,
        before,
        after,
        limit,
    )
    return [msgspec.convert(row, UploadRow) for row in rows]


async def select_latest_upload(connection: Connection, *, employer_id: int, draft_id: UUID) -> UploadRow | None:
    """What was sent last for a draft; one that was called off counts as if never sent."""
    row = await connection.fetchrow(
        f"""{_UPLOAD}
         WHERE u.employer_id = $1 AND u.draft_id = $2 AND r.status IS DISTINCT FROM 'cancelled'
         ORDER BY u.created_at DESC, u.upload_id DESC
         LIMIT 1""",
        employer_id,
        draft_id,
    )
    return None if row is None else msgspec.convert(row, UploadRow)


async def select_standing_upload(
    connection: Connection, *, employer_id: int, draft_id: UUID, content_hash: str
) -> UploadRow | None:
    """The upload of this content that the draft's latest reading is of; None where another came after it."""
    latest = await select_latest_upload(connection, employer_id=employer_id, draft_id=draft_id)
    if latest is None or latest.content_hash != content_hash or latest.status in ("unreadable", "failed"):
        return None
    return latest


async def select_parts(connection: Connection, *, employer_id: int, series: UUID) -> list[tuple[int, str]]:
    """The parts of a series that are there, the latest of each number: (part, content hash), in order."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (part) part, content_hash
          FROM uploads
         WHERE employer_id = $1 AND series = $2
         ORDER BY part, created_at DESC
        """,
        employer_id,
        series,
    )
    return [(row["part"], row["content_hash"]) for row in rows]


async def claim_reading(
    connection: Connection, *, employer_id: int, reading_id: UUID, lease: UUID, now: datetime
) -> Reading | None:
    """Take the reading under a lease; None when it is done, in other hands, or was tried too often.

    Of an employer's long files one is read at a time, so that a hundred of them leave room for the others';
    the sweeper sends the next.
    """
    row = await connection.fetchrow(
        f"""
        UPDATE readings r
           SET attempt = attempt + 1, lease = $3, leased_until = $4, phase = 'reading', rows_done = 0,
               rows_total = NULL, started_at = $5, phase_since = $5, expected_at = NULL
         WHERE r.employer_id = $1 AND r.reading_id = $2 AND r.status = 'waiting' AND r.attempt < $6
           AND (r.leased_until IS NULL OR r.leased_until < $5)
           AND (r.queue <> $7 OR r.recheck OR NOT EXISTS (
                SELECT 1 FROM readings o
                 WHERE o.employer_id = $1 AND o.queue = $7 AND o.status = 'waiting' AND NOT o.recheck
                   AND o.leased_until >= $5))
        RETURNING {_READING}
        """,
        employer_id,
        reading_id,
        lease,
        now + LEASE,
        now,
        ATTEMPTS_MAX,
        LONG,
    )
    return None if row is None else msgspec.convert(row, Reading)


async def holds_lease(connection: Connection, *, employer_id: int, reading_id: UUID, lease: UUID) -> bool:
    """Whether the work is still its own."""
    held: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM readings"
        " WHERE employer_id = $1 AND reading_id = $2 AND lease = $3 AND status = 'waiting')",
        employer_id,
        reading_id,
        lease,
    )
    return held


async def renew_lease(
    connection: Connection,
    *,
    employer_id: int,
    reading_id: UUID,
    lease: UUID,
    phase: str,
    rows_done: int,
    rows_total: int | None,
    expected_at: datetime | None,
    now: datetime,
) -> bool:
    """Keep the work, and say how far it is; False where it was lost to another, or called off."""
    return one_changed(
        await connection.execute(
            """
            UPDATE readings
               SET leased_until = $4, phase = $5, rows_done = $6, rows_total = $7, expected_at = $8,
                   phase_since = CASE WHEN phase = $5 THEN phase_since ELSE $9 END
             WHERE employer_id = $1 AND reading_id = $2 AND lease = $3 AND status = 'waiting'
            """,
            employer_id,
            reading_id,
            lease,
            now + LEASE,
            phase,
            rows_done,
            rows_total,
            expected_at,
            now,
        )
    )


async def cancel_reading(connection: Connection, *, employer_id: int, reading_id: UUID, now: datetime) -> bool:
    """Call off a reading that is not checked: who is at it loses its lease, and its upload counts as if never sent.

    False where it is checked, or its lines are stored and checked again.
    """
    return one_changed(
        await connection.execute(
            """
            UPDATE readings
               SET status = 'cancelled', phase = 'done', finished_at = $3, phase_since = $3, expected_at = NULL,
                   lease = NULL, leased_until = NULL
             WHERE employer_id = $1 AND reading_id = $2 AND status IN ('waiting', 'unreadable', 'failed')
               AND NOT recheck
            """,
            employer_id,
            reading_id,
            now,
        )
    )


async def count_waiting_readings(connection: Connection, *, employer_id: int) -> int:
    """How many files of an employer wait to be read, or are being read."""
    count: int = await connection.fetchval(
        "SELECT count(*) FROM readings WHERE employer_id = $1 AND status = 'waiting' AND NOT recheck", employer_id
    )
    return count


async def finish_reading(
    connection: Connection,
    *,
    employer_id: int,
    reading_id: UUID,
    lease: UUID,
    status: str,
    rows: int,
    reason: str | None,
    reason_values: dict[str, Any],
    facts: dict[str, Any],
    now: datetime,
) -> bool:
    """End the reading on condition that the lease is still its own; False where it is not."""
    return one_changed(
        await connection.execute(
            """
            UPDATE readings
               SET status = $4, phase = 'done', rows_done = $5, rows_total = $5, reason = $6, reason_values = $7,
                   facts = $8, finished_at = $9, phase_since = $9, expected_at = NULL, lease = NULL,
                   leased_until = NULL
             WHERE employer_id = $1 AND reading_id = $2 AND lease = $3 AND status = 'waiting'
            """,
            employer_id,
            reading_id,
            lease,
            status,
            rows,
            reason,
            reason_values,
            facts,
            now,
        )
    )


async def reopen_reading(connection: Connection, *, employer_id: int, reading_id: UUID) -> Queue:
    """Ask for the stored lines to be checked again, after a correction; a check under way loses its lease.

    The queue it waits in.
    """
    queue: Queue = await connection.fetchval(
        """
        UPDATE readings
           SET status = 'waiting', phase = 'received', recheck = true, attempt = 0, lease = NULL, leased_until = NULL,
               phase_since = NULL, expected_at = NULL
         WHERE employer_id = $1 AND reading_id = $2
        RETURNING queue
        """,
        employer_id,
        reading_id,
    )
    return queue


async def select_reading(connection: Connection, *, employer_id: int, reading_id: UUID) -> Reading | None:
    row = await connection.fetchrow(
        f"SELECT {_READING} FROM readings WHERE employer_id = $1 AND reading_id = $2", employer_id, reading_id
    )
    return None if row is None else msgspec.convert(row, Reading)


async def give_up_reading(connection: Connection, *, employer_id: int, reading_id: UUID, now: datetime) -> bool:
    """After too many attempts a human is asked; False where it is done or still in someone's hands."""
    return one_changed(
        await connection.execute(
            """
            UPDATE readings
               SET status = 'failed', reason = $5, finished_at = $3
             WHERE employer_id = $1 AND reading_id = $2 AND status = 'waiting' AND attempt >= $4
               AND (leased_until IS NULL OR leased_until < $3)
            """,
            employer_id,
            reading_id,
            now,
            ATTEMPTS_MAX,
            TRIED_TOO_OFTEN,
        )
    )


async def select_waiting_readings(
    connection: Connection, *, now: datetime, limit: int
) -> list[tuple[int, UUID, Queue, int]]:
    """Over all employers, what waits in nobody's hands: (employer, reading, queue, attempts), the oldest first."""
    rows = await connection.fetch(
        """
        SELECT employer_id, reading_id, queue, attempt
          FROM readings
         WHERE status = 'waiting' AND (leased_until IS NULL OR leased_until < $1)
         ORDER BY created_at
         LIMIT $2
        """,
        now,
        limit,
    )
    return [(row["employer_id"], row["reading_id"], row["queue"], row["attempt"]) for row in rows]
