"""Reviews of what a new file changes: asked for, compared, decided."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from schemas.reviews import ReviewCounts, ReviewStatus
from teledeclaration.database import Connection, one_changed

LEASE = timedelta(minutes=2)
ATTEMPTS_MAX = 3


class ReviewRow(msgspec.Struct, frozen=True, kw_only=True):
    """A review as stored, with the name of the file it is about and how many close matches were denied."""

    review_id: UUID
    draft_id: UUID
    base: str
    base_id: UUID
    reading_id: UUID
    lines_revision: int
    status: ReviewStatus
    attempt: int
    counts: dict[str, int]
    effect: dict[str, Any]
    created_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    filename: str | None
    denied: int


_REVIEW = """
SELECT v.review_id, v.draft_id, v.base, v.base_id, v.reading_id, v.lines_revision, v.status, v.attempt, v.counts,
       v.effect, v.created_at, v.decided_by, v.decided_at, u.filename,
       (SELECT count(*) FROM review_changes c
         WHERE c.employer_id = v.employer_id AND c.review_id = v.review_id AND c.kind = 'close'
           AND c.same_person = false) AS denied
  FROM reviews v
  JOIN readings r ON r.employer_id = v.employer_id AND r.reading_id = v.reading_id
  LEFT JOIN uploads u ON u.employer_id = r.employer_id AND u.upload_id = r.upload_id AND u.source = 'file'
"""


async def insert_review(
    connection: Connection,
    *,
    employer_id: int,
    review_id: UUID,
    draft_id: UUID,
    base: str,
    base_id: UUID,
    reading_id: UUID,
    lines_revision: int,
    now: datetime,
) -> None:
    """`now`, or just after the draft's last one: hosts' clocks differ, and a test twin's may be set back."""
    await connection.execute(
        """
        INSERT INTO reviews (employer_id, review_id, draft_id, base, base_id, reading_id, lines_revision, created_at)
        SELECT $1, $2, $3, $4, $5, $6, $7, greatest($8, max(created_at) + interval '1 microsecond')
          FROM reviews
         WHERE employer_id = $1 AND draft_id = $3
        """,
        employer_id,
        review_id,
        draft_id,
        base,
        base_id,
        reading_id,
        lines_revision,
        now,
    )


async def outdate_reviews(connection: Connection, *, employer_id: int, draft_id: UUID) -> None:
    """What was not decided of a draft's reviews needs no decision any more."""
    await connection.execute(
        """
        UPDATE reviews SET status = 'outdated', lease = NULL, leased_until = NULL
         WHERE employer_id = $1 AND draft_id = $2 AND status IN ('waiting', 'ready', 'failed')
        """,
        employer_id,
        draft_id,
    )


async def select_review(connection: Connection, *, employer_id: int, review_id: UUID) -> ReviewRow | None:
    row = await connection.fetchrow(f"{_REVIEW} WHERE v.employer_id = $1 AND v.review_id = $2", employer_id, review_id)
    return None if row is None else msgspec.convert(row, ReviewRow)


async def select_newest_review(connection: Connection, *, employer_id: int, draft_id: UUID) -> ReviewRow | None:
    """The review a draft was given last."""
    row = await connection.fetchrow(
        f"{_REVIEW} WHERE v.employer_id = $1 AND v.draft_id = $2 ORDER BY v.created_at DESC, v.review_id LIMIT 1",
        employer_id,
        draft_id,
    )
    return None if row is None else msgspec.convert(row, ReviewRow)


async def select_review_of_reading(connection: Connection, *, employer_id: int, reading_id: UUID) -> UUID | None:
    """The review that waits to be compared for a reading, where one does."""
    review_id: UUID | None = await connection.fetchval(
        "SELECT review_id FROM reviews WHERE employer_id = $1 AND reading_id = $2 AND status = 'waiting'",
        employer_id,
        reading_id,
    )
    return review_id


async def claim_review(
    connection: Connection, *, employer_id: int, review_id: UUID, lease: UUID, now: datetime
) -> bool:
    """Take the review under a lease; False when it is done, in other hands, or was tried too often."""
    return one_changed(
        await connection.execute(
            """
            UPDATE reviews SET attempt = attempt + 1, lease = $3, leased_until = $4
             WHERE employer_id = $1 AND review_id = $2 AND status = 'waiting' AND attempt < $6
               AND (leased_until IS NULL OR leased_until < $5)
            """,
            employer_id,
            review_id,
            lease,
            now + LEASE,
            now,
            ATTEMPTS_MAX,
        )
    )


async def finish_review(
    connection: Connection,
    *,
    employer_id: int,
    review_id: UUID,
    lease: UUID,
    status: ReviewStatus,
    base_id: UUID,
    lines_revision: int,
    counts: dict[str, int],
    effect: dict[str, Any],
) -> bool:
    """End the comparison on condition that the lease is still its own; False where it is not."""
    return one_changed(
        await connection.execute(
            """
            UPDATE reviews
               SET status = $4, base_id = $5, lines_revision = $6, counts = $7, effect = $8, lease = NULL,
                   leased_until = NULL
             WHERE employer_id = $1 AND review_id = $2 AND lease = $3 AND status = 'waiting'
            """,
            employer_id,
            review_id,
            lease,
            status,
            base_id,
            lines_revision,
            counts,
            effect,
        )
    )


async def decide_review(
    connection: Connection, *, employer_id: int, review_id: UUID, status: ReviewStatus, decided_by: str, now: datetime
) -> None:
    await connection.execute(
        "UPDATE reviews SET status = $3, decided_by = $4, decided_at = $5, lease = NULL, leased_until = NULL"
        " WHERE employer_id = $1 AND review_id = $2",
        employer_id,
        review_id,
        status,
        decided_by,
        now,
    )


async def was_reviewed(
    connection: Connection, *, employer_id: int, draft_id: UUID, declaration_id: UUID, reading_id: UUID, revision: int
) -> UUID | None:
    """The accepted review of these very lines against the declaration they replace."""
    review_id: UUID | None = await connection.fetchval(
        """
        SELECT review_id FROM reviews
         WHERE employer_id = $1 AND draft_id = $2 AND base = 'declaration' AND base_id = $3 AND reading_id = $4
           AND lines_revision = $5 AND status = 'accepted'
         LIMIT 1
        """,
        employer_id,
        draft_id,
        declaration_id,
        reading_id,
        revision,
    )
    return review_id


async def count_removed(connection: Connection, *, employer_id: int, review_id: UUID, reading_id: UUID) -> int:
    """How many lines with errors stand for someone of the declaration: leaving them out would take people away."""
    count: int = await connection.fetchval(
        """
        SELECT count(DISTINCT f.line_number)
          FROM findings f
         WHERE f.employer_id = $1 AND f.reading_id = $3 AND f.severity = 'error' AND f.line_number NOT IN (
               SELECT line_number FROM lines WHERE employer_id = $1 AND reading_id = $3 AND left_out)
           AND f.line_number NOT IN (
               SELECT c.line_number FROM review_changes c
                WHERE c.employer_id = $1 AND c.review_id = $2 AND c.kind = 'new' AND c.line_number IS NOT NULL)
        """,
        employer_id,
        review_id,
        reading_id,
    )
    return count


async def select_waiting_reviews(connection: Connection, *, now: datetime, limit: int) -> list[tuple[int, UUID, int]]:
    """Over all employers, what waits in nobody's hands: (employer, review, attempts), the oldest first."""
    rows = await connection.fetch(
        """
        SELECT employer_id, review_id, attempt
          FROM reviews
         WHERE status = 'waiting' AND (leased_until IS NULL OR leased_until < $1)
         ORDER BY created_at
         LIMIT $2
        """,
        now,
        limit,
    )
    return [(row["employer_id"], row["review_id"], row["attempt"]) for row in rows]


async def give_up_review(connection: Connection, *, employer_id: int, review_id: UUID, now: datetime) -> bool:
    """After too many attempts a human is asked; False where it is done or still in someone's hands."""
    return one_changed(
        await connection.execute(
            """
            UPDATE reviews SET status = 'failed'
             WHERE employer_id = $1 AND review_id = $2 AND status = 'waiting' AND attempt >= $4
               AND (leased_until IS NULL OR leased_until < $3)
            """,
            employer_id,
            review_id,
            now,
            ATTEMPTS_MAX,
        )
    )


def counts_of(row: ReviewRow) -> ReviewCounts:
    """The counts as they are told: who was said not to be the same is absent, and new."""
    counts = msgspec.convert(row.counts, ReviewCounts)
    return msgspec.structs.replace(
        counts, close=counts.close - row.denied, absent=counts.absent + row.denied, new=counts.new + row.denied
    )
