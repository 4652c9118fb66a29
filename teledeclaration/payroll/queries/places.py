"""The reading a draft stands on, and the one that a later file offers it."""

from datetime import datetime
from uuid import UUID

import msgspec

from teledeclaration.database import Connection


class ReadingPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A reading that was just checked, beside what its draft stands on and is offered."""

    status: str
    stands_on: UUID | None
    lines_revision: int
    replaces: UUID | None
    mapped: bool
    same_upload: bool
    overtaken: bool


async def select_place(
    connection: Connection, *, employer_id: int, draft_id: UUID, reading_id: UUID
) -> ReadingPlace | None:
    """Where a reading of a draft stands; `overtaken`: a later file counts or is offered by now."""
    row = await connection.fetchrow(
        """
        SELECT d.status, d.reading_id AS stands_on, d.lines_revision, d.replaces, this.mapping IS NOT NULL AS mapped,
               coalesce(standing.upload_id = this.upload_id, false) AS same_upload,
               coalesce(standing.created_at > this.created_at, false)
                   OR coalesce(offered.created_at > this.created_at, false) AS overtaken
          FROM drafts d
          JOIN readings this ON this.employer_id = d.employer_id AND this.reading_id = $3
          LEFT JOIN readings standing ON standing.employer_id = d.employer_id AND standing.reading_id = d.reading_id
          LEFT JOIN readings offered
            ON offered.employer_id = d.employer_id AND offered.reading_id = d.proposed_reading_id
         WHERE d.employer_id = $1 AND d.draft_id = $2
        """,
        employer_id,
        draft_id,
        reading_id,
    )
    return None if row is None else msgspec.convert(row, ReadingPlace)


async def was_mended(connection: Connection, *, employer_id: int, reading_id: UUID) -> bool:
    """Whether a line of the reading was mended or left out by hand."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM lines WHERE employer_id = $1 AND reading_id = $2 AND (mended OR left_out))",
        employer_id,
        reading_id,
    )
    return found


async def count_numbers_asked(connection: Connection, *, employer_id: int, reading_id: UUID) -> int:
    """For how many lines of the reading a number is asked for."""
    count: int = await connection.fetchval(
        """
        SELECT count(*) FROM lines
         WHERE employer_id = $1 AND reading_id = $2 AND number_requested AND nss IS NULL
        """,
        employer_id,
        reading_id,
    )
    return count


async def stand_on(connection: Connection, *, employer_id: int, draft_id: UUID, reading_id: UUID) -> None:
    """Let the draft stand on the lines of this reading; nothing else is offered any more."""
    await connection.execute(
        "UPDATE drafts SET reading_id = $3, proposed_reading_id = NULL WHERE employer_id = $1 AND draft_id = $2",
        employer_id,
        draft_id,
        reading_id,
    )


async def offer_reading(
    connection: Connection, *, employer_id: int, draft_id: UUID, reading_id: UUID | None, now: datetime
) -> None:
    """Note what a later file offers to a draft; None forgets it. Either is a revision, and moves no line."""
    await connection.execute(
        """
        UPDATE drafts SET proposed_reading_id = $3, revision = revision + 1, updated_at = $4
         WHERE employer_id = $1 AND draft_id = $2
        """,
        employer_id,
        draft_id,
        reading_id,
        now,
    )
