"""The revisions of a draft: each change of its lines is one, and each can be gone back to."""

from datetime import datetime
from typing import Any
from uuid import UUID

from teledeclaration.database import Connection
from teledeclaration.payroll.actions.telling import tell_switched
from teledeclaration.payroll.queries import revisions
from teledeclaration.payroll.queries.revisions import RevisionKind


async def record(
    connection: Connection,
    *,
    employer_id: int,
    draft_id: UUID,
    kind: RevisionKind,
    reading_id: UUID,
    lines_changed: int,
    details: dict[str, Any],
    done_by: str,
    now: datetime,
) -> int:
    """Note a change of the draft's lines, in the transaction that makes it; the draft's revision since.

    `reading_id` is the one it stands on from now on; its findings are stored. To be called before
    `edits.change_lines`, which keeps the former values under the revision. `details` hold no names or numbers of
    people.
    """
    latest = await revisions.select_revisions(
        connection, employer_id=employer_id, draft_id=draft_id, before=None, limit=1
    )
    revision = await revisions.move_lines(connection, employer_id=employer_id, draft_id=draft_id, now=now)
    await revisions.insert_revision(
        connection,
        employer_id=employer_id,
        draft_id=draft_id,
        revision=revision,
        kind=kind,
        reading_id=reading_id,
        lines_changed=lines_changed,
        details=details,
        done_by=done_by,
        now=now,
    )
    former = latest[0].reading_id if latest else reading_id
    if kind in ("file", "mapping") and former != reading_id:
        await tell_switched(
            connection,
            employer_id=employer_id,
            draft_id=draft_id,
            revision=revision,
            former=former,
            reading_id=reading_id,
        )
    return revision
