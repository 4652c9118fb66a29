"""Going back to a former revision of a draft: the reading it stood on then, its lines as they were."""

from datetime import datetime
from uuid import UUID

from schemas.revisions import Return
from teledeclaration import journal
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.employers.guard import Caller
from teledeclaration.errors import NotFound
from teledeclaration.payroll.actions.drafts import READ_JOB, check_revision, lock_open_draft
from teledeclaration.payroll.actions.revisions import record
from teledeclaration.payroll.errors import DraftNotChecked
from teledeclaration.payroll.queries import edits, revisions, uploads
from teledeclaration.payroll.queries.drafts import DraftRow
from teledeclaration.payroll.queries.revisions import RevisionRow
from teledeclaration.queue import JobQueue


async def return_to(
    pool: Pool, queue: JobQueue, caller: Caller, *, draft_id: UUID, wanted: Return, now: datetime
) -> None:
    """Put the draft's lines back as they were at a revision; a worker then checks them again.

    That is a revision of its own, and can be gone back from in the same way. NotFound for a revision before the
    first lines; DraftMoved, DraftNotOpen, DraftNotChecked as for any change.
    """
    async with transaction(pool, caller.actor) as connection:
        draft = await lock_open_draft(connection, caller.employer_id, draft_id)
        check_revision(draft, wanted.revision)
        await _check_idle(connection, caller.employer_id, draft)
        target = None
        if wanted.to <= draft.revision:
            target = await revisions.select_revision_at(
                connection, employer_id=caller.employer_id, draft_id=draft_id, revision=wanted.to
            )
        if target is None:
            raise NotFound(pointer="/to")
        revision = await _put_back(connection, caller, draft, target, now)
        waiting_in = await uploads.reopen_reading(
            connection, employer_id=caller.employer_id, reading_id=target.reading_id
        )
        await journal.record(
            connection,
            caller.actor,
            "draft.returned",
            draft_id,
            now=caller.fund_time(now),
            details={"to": target.revision, "revision": revision},
        )
    await queue.enqueue(
        READ_JOB, employer_id=caller.employer_id, subject=target.reading_id, queue=waiting_in, turn=revision
    )


async def _check_idle(connection: Connection, employer_id: int, draft: DraftRow) -> None:
    """DraftNotChecked while lines of the draft are being read or checked: they would be put in its place."""
    latest = await uploads.select_uploads(
        connection, employer_id=employer_id, draft_id=draft.draft_id, before=None, limit=1
    )
    reading = None
    if draft.reading_id is not None:
        reading = await uploads.select_reading(connection, employer_id=employer_id, reading_id=draft.reading_id)
    if reading is None or reading.status == "waiting" or (latest and latest[0].status == "waiting"):
        raise DraftNotChecked


async def _put_back(connection: Connection, caller: Caller, draft: DraftRow, target: RevisionRow, now: datetime) -> int:
    """The reading of that revision, and its lines as they were; the new revision."""
    fields, former = await edits.select_former_lines(
        connection, employer_id=caller.employer_id, reading_id=target.reading_id, revision=target.revision
    )
    same = target.reading_id == draft.reading_id
    revision = await record(
        connection,
        employer_id=caller.employer_id,
        draft_id=draft.draft_id,
        kind="return",
        reading_id=target.reading_id,
        lines_changed=former.height,
        details={"to": target.revision} | ({} if same else {"from": str(draft.reading_id)}),
        done_by=caller.label,
        now=now,
    )
    await edits.change_lines(
        connection,
        employer_id=caller.employer_id,
        reading_id=target.reading_id,
        revision=revision,
        fields=fields,
        changes=former,
    )
    await revisions.stand_on(
        connection, employer_id=caller.employer_id, draft_id=draft.draft_id, reading_id=target.reading_id
    )
    return revision
