"""The revisions of a draft: every change of its lines, and the reading it stands on since."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from teledeclaration.database import Connection

RevisionKind = Literal["file", "mapping", "mend", "repair", "return"]


class RevisionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A revision, with the name of the file its reading is of."""

    revision: int
    kind: RevisionKind
    reading_id: UUID
    filename: str
    lines_changed: int
    details: dict[str, Any]
    findings: dict[str, int]
    done_by: str
    done_at: datetime

    @property
    def in_place(self) -> bool:
        """Whether it changed lines of the reading that the draft stood on already."""
        return self.kind in ("mend", "repair") or (self.kind == "return" and "from" not in self.details)


_REVISIONS = """
SELECT v.revision, v.kind, v.reading_id, u.filename, v.lines_changed, v.details, v.findings, v.done_by, v.done_at
  FROM draft_revisions v
  JOIN readings r ON r.employer_id = v.employer_id AND r.reading_id = v.reading_id
  JOIN uploads u ON u.employer_id = r.employer_id AND u.upload_id = r.upload_id
"""


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
    kind: RevisionKind,
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


async def select_revisions(
    connection: Connection, *, employer_id: int, draft_id: UUID, before: int | None, limit: int
) -> list[RevisionRow]:
    """The latest first."""
    rows = await connection.fetch(
        f"""{_REVISIONS}
         WHERE v.employer_id = $1 AND v.draft_id = $2 AND ($3::int IS NULL OR v.revision < $3)
         ORDER BY v.revision DESC
         LIMIT $4""",
        employer_id,
        draft_id,
        before,
        limit,
    )
    return [msgspec.convert(row, RevisionRow) for row in rows]


async def select_revision_at(
    connection: Connection, *, employer_id: int, draft_id: UUID, revision: int
) -> RevisionRow | None:
    """The change of lines that stood at this revision: the last one at or before it."""
    rows = await select_revisions(connection, employer_id=employer_id, draft_id=draft_id, before=revision + 1, limit=1)
    return rows[0] if rows else None


async def stand_on(connection: Connection, *, employer_id: int, draft_id: UUID, reading_id: UUID) -> None:
    """The draft's lines are those of this reading from now on."""
    await connection.execute(
        "UPDATE drafts SET reading_id = $3 WHERE employer_id = $1 AND draft_id = $2",
        employer_id,
        draft_id,
        reading_id,
    )
