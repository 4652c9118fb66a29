"""Mapping a workbook's columns by hand: a further reading of the same upload, and a preview of it."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import msgspec

from schemas.mapping import HandMapping, Mapping, SentMapping
from teledeclaration import journal
from teledeclaration.clock import legal_day
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.employers import facts as employers
from teledeclaration.employers.guard import Caller
from teledeclaration.errors import Malformed
from teledeclaration.intake.checking import CheckContext, CheckedFile, check_raw
from teledeclaration.intake.mapping import Known, beginning, check_mapping
from teledeclaration.intake.raw import RawFile
from teledeclaration.intake.reader import ReaderServer, read_raw
from teledeclaration.legislation import Legislation
from teledeclaration.payroll.actions.claiming import reading_limits
from teledeclaration.payroll.actions.drafts import READ_JOB, draft_of, lock_open_draft
from teledeclaration.payroll.actions.uploads import check_waiting, queue_for
from teledeclaration.payroll.checks import Sector, rules_of_forms
from teledeclaration.payroll.errors import NothingToMap, NotReady, NoWorkbookHere
from teledeclaration.payroll.queries import mapping, uploads
from teledeclaration.payroll.queries.drafts import DraftRow
from teledeclaration.payroll.queries.mapping import OutlineSeen
from teledeclaration.periods import parse_period
from teledeclaration.queue import JobQueue
from teledeclaration.settings import Settings
from teledeclaration.storage import Storage

PREVIEWED_LINES = 20


async def mapped_upload(
    connection: Connection, employer_id: int, draft_id: UUID
) -> tuple[uploads.UploadRow, OutlineSeen]:
    """The newest upload of a draft with its outline.

    NoWorkbookHere where the lines came by REST, NotReady while the file is first read, NothingToMap where its cells
    could not be read or it is text files.
    """
    latest = await uploads.select_uploads(connection, employer_id=employer_id, draft_id=draft_id, before=None, limit=1)
    if not latest or latest[0].source != "file":
        raise NoWorkbookHere
    upload = latest[0]
    seen = await mapping.select_outline_seen(connection, employer_id=employer_id, upload_id=upload.upload_id)
    if seen is None or (seen.outline is None and seen.status == "waiting"):
        raise NotReady
    if seen.outline is None:
        raise NothingToMap
    return upload, seen


async def set_mapping(
    pool: Pool,
    queue: JobQueue,
    caller: Caller,
    *,
    draft_id: UUID,
    sent: SentMapping,
    waiting_max: int,
    now: datetime,
) -> uploads.UploadRow:
    """Have the newest upload read again by this mapping; a worker does, and remembers it where that is wished."""
    employer_id, reading_id = caller.employer_id, uuid4()
    async with transaction(pool, caller.actor) as connection:
        draft = await lock_open_draft(connection, employer_id, draft_id)
        upload, seen = await mapped_upload(connection, employer_id, draft_id)
        wanted = plain_mapping(sent)
        _check(wanted, draft, seen)
        await check_waiting(connection, employer_id, waiting_max)
        await mapping.insert_mapped_reading(
            connection,
            employer_id=employer_id,
            reading_id=reading_id,
            draft_id=draft_id,
            upload_id=upload.upload_id,
            queue=queue_for(upload.size_bytes),
            mapping=HandMapping(mapping=wanted, remember=sent.remember, made_by=caller.label),
            now=max(now, seen.created_at + timedelta(microseconds=1)),
        )
        await journal.record(
            connection,
            caller.actor,
            "draft.mapped",
            draft_id,
            now=caller.fund_time(now),
            details={
                "upload": str(upload.upload_id),
                "reading": str(reading_id),
                "header_row": sent.header_row,
                "columns": sent.columns,
                "remember": sent.remember,
            },
        )
        waiting = await uploads.select_upload(connection, employer_id=employer_id, upload_id=upload.upload_id)
    await queue.enqueue(READ_JOB, employer_id=employer_id, subject=reading_id, queue=queue_for(upload.size_bytes))
    return waiting or upload


def plain_mapping(sent: Mapping) -> Mapping:
    """The mapping alone, of one that came with wishes."""
    return msgspec.convert(sent, Mapping, from_attributes=True)


def _check(wanted: Mapping, draft: DraftRow, seen: OutlineSeen) -> None:
    if wanted.form != draft.form:
        raise Malformed(pointer="/form")
    check_mapping(wanted, seen.outline.sheets if seen.outline else [])


async def preview_mapping(
    pool: Pool,
    storage: Storage,
    reader: ReaderServer,
    settings: Settings,
    legislation: Legislation,
    caller: Caller,
    *,
    draft_id: UUID,
    sent: SentMapping,
    now: datetime,
) -> CheckedFile:
    """The first lines of the newest upload as this mapping would read them; nothing is kept.

    `Unreadable` where nothing could be read so.
    """
    async with transaction(pool, caller.actor) as connection:
        draft = await draft_of(connection, caller.employer_id, draft_id)
        upload, seen = await mapped_upload(connection, caller.employer_id, draft_id)
        sector = Sector.of(await employers.employer_by_id(connection, caller.employer_id))
    wanted = plain_mapping(sent)
    _check(wanted, draft, seen)
    content = await storage.read(upload.content_hash)
    raw = await read_raw(content, filename=upload.filename, limits=reading_limits(settings), reader=reader)
    context = CheckContext(
        rules=rules_of_forms(legislation, sector),
        today=legal_day(now, settings.fund_time_zone),
        year=draft.year,
        period=parse_period(draft.period),
        file_name=upload.filename,
        known=Known(mapping=wanted),
        lines_most=PREVIEWED_LINES,
    )
    return await asyncio.to_thread(_previewed, raw, context, wanted)


def _previewed(raw: RawFile, context: CheckContext, wanted: Mapping) -> CheckedFile:
    return check_raw(beginning(raw, wanted), context=context)
