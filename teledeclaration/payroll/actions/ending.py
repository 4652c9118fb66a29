"""What a reading leaves behind: its lines and findings, and its end, on condition that the lease is still its own."""

from typing import Any

import asyncpg
import structlog

from schemas.mapping import FileOutline
from teledeclaration import outbox
from teledeclaration.clock import moved
from teledeclaration.database import Connection, transaction
from teledeclaration.intake.raw import Unreadable
from teledeclaration.intake.tables import Unrecognised
from teledeclaration.payroll.actions import layouts
from teledeclaration.payroll.actions.claiming import LeaseLost, ReadingTools, Work
from teledeclaration.payroll.actions.progress import Progress
from teledeclaration.payroll.actions.reading import Lines, Result
from teledeclaration.payroll.actions.rechecking import replace_findings
from teledeclaration.payroll.actions.standing import settle
from teledeclaration.payroll.queries import drafts, lines, mapping, uploads
from teledeclaration.payroll.queries.movements import last_told
from teledeclaration.registry import facts as registers

log = structlog.get_logger(__name__)


async def store_lines(connection: Connection, work: Work, progress: Progress, read: Lines) -> None:
    """Store the lines that are not yet; LeaseLost where another took over."""
    where: dict[str, Any] = {"employer_id": work.employer_id, "reading_id": work.reading.reading_id}
    if not await uploads.holds_lease(connection, **where, lease=work.lease):
        raise LeaseLost
    if read.stored is None:
        return
    try:
        async for stored in lines.insert_lines(connection, **where, lines=read.stored):
            progress.count(stored, read.rows)
    except asyncpg.UniqueViolationError as error:  # another has stored them meanwhile
        raise LeaseLost from error


async def finish(connection: Connection, tools: ReadingTools, work: Work, progress: Progress, result: Result) -> None:
    """Findings, the end of the reading, and what follows from it for the draft."""
    where: dict[str, Any] = {"employer_id": work.employer_id, "reading_id": work.reading.reading_id}
    now = moved(tools.clock, work.employer.clock_offset_s)()
    await drafts.lock_draft(connection, employer_id=work.employer_id, draft_id=work.draft.draft_id)
    if work.reading.recheck:
        await replace_findings(connection, **where, draft_id=work.draft.draft_id, result=result)
    else:
        await lines.insert_findings(connection, **where, findings=result.findings)
    progress.ending = True
    await _end(connection, tools, work, status="checked", rows=result.rows, facts=result.facts, outline=result.outline)
    await layouts.remember(
        connection,
        employer_id=work.employer_id,
        upload=work.upload,
        by_hand=work.reading.mapping,
        learnings=result.learnings,
        now=now,
    )
    await settle(
        connection,
        **where,
        draft_id=work.draft.draft_id,
        recheck=work.reading.recheck,
        rows=result.rows,
        sent_by=work.upload.created_by,
        now=now,
    )
    await outbox.insert_event(
        connection,
        employer_id=work.employer_id,
        kind="upload.checked",
        subject=work.upload.upload_id,
        now=now,
        payload={"draft": str(work.draft.draft_id), "lines": result.rows, "findings": result.told},
    )


async def refuse(tools: ReadingTools, work: Work, error: Unreadable) -> None:
    """The file stays as it was sent, with the reason it cannot be read."""
    try:
        async with transaction(tools.pool, work.actor) as connection:
            await _end(
                connection,
                tools,
                work,
                status="unreadable",
                rows=0,
                reason=error.code,
                reason_values=error.values,
                outline=error.outline if isinstance(error, Unrecognised) else None,
            )
            await outbox.insert_event(
                connection,
                employer_id=work.employer_id,
                kind="upload.unreadable",
                subject=work.upload.upload_id,
                now=moved(tools.clock, work.employer.clock_offset_s)(),
                payload={"draft": str(work.draft.draft_id), "reason": error.code},
            )
    except LeaseLost:
        log.info("lease_lost", reading=str(work.reading.reading_id))


async def _end(
    connection: Connection,
    tools: ReadingTools,
    work: Work,
    *,
    status: str,
    rows: int,
    reason: str | None = None,
    reason_values: dict[str, Any] | None = None,
    facts: dict[str, Any] | None = None,
    outline: FileOutline | None = None,
) -> None:
    if not await uploads.finish_reading(
        connection,
        employer_id=work.employer_id,
        reading_id=work.reading.reading_id,
        lease=work.lease,
        status=status,
        rows=rows,
        reason=reason,
        reason_values=reason_values or {},
        facts=(facts or {}) | await versions(connection, tools, work),
        now=tools.clock(),
    ):
        raise LeaseLost
    if outline is not None:
        reading_id = work.reading.reading_id
        await mapping.upsert_outline(connection, employer_id=work.employer_id, reading_id=reading_id, outline=outline)


async def versions(connection: Connection, tools: ReadingTools, work: Work) -> dict[str, Any]:
    """Which law and which state of the registers the check leant on."""
    return {
        "law": tools.legislation.fingerprint(),
        "registers": await registers.register_version(connection, work.employer_id),
        "movements": str(await last_told(connection, employer_id=work.employer_id)),
    }
