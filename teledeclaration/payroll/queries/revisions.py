"""The revisions of a draft: every change of its lines, and the reading it stands on since."""

from datetime import datetime
from typing import Any
from uuid import UUID

from teledeclaration.database import Connection


async def move_lines(connection: Connection, *, employer_id: int, draft_id: UUID, now: datetime) -> int:
    """The draft's lines change: its next revision."""
    revision: int = await connection.fetchval(
        """
        UPDATE drafts SET revision = revision + 1, lines_revision = revision + 1, updated_at = $3
         WHERE employer_id = $1 AND draft_id = $2
        RETURNING revision
        """,
        employer_id,
        draft_id,
        now,
    )
    return revision


async def insert_revision(
    connection: Connection,
    *,
    employer_id: int,
    draft_id: UUID,
    revision: int,
    kind: str,
    reading_id: UUID,
    lines_changed: int,
    details: dict[str, Any],
    done_by: str,
    now: datetime,
) -> None:
    await connection.execute(
        """
        INSERT INTO draft_revisions (employer_id, draft_id, revision, kind, reading_id, lines_changed, details,
                                     done_by, done_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        employer_id,
        draft_id,
        revision,
        kind,
        reading_id,
        lines_changed,
        details,
        done_by,
        now,
    )
