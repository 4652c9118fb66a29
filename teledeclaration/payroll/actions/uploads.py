"""Receiving a file or lines: the row first, then the message to the worker that reads it."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import msgspec

from schemas.payroll import NewDraft
from teledeclaration import journal, outbox
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.employers.guard import Caller
from teledeclaration.errors import NotFound
from teledeclaration.payroll.actions.drafts import READ_JOB, lock_open_draft
from teledeclaration.payroll.actions.opening import draft_for
from teledeclaration.payroll.errors import TooManyWaiting, UploadDone
from teledeclaration.payroll.queries import uploads
from teledeclaration.payroll.queries.drafts import DraftRow
from teledeclaration.queue import LONG, SHORT, JobQueue, Queue
from teledeclaration.storage import Stored

LONG_FROM_BYTES = 1_000_000
"""From this size on a file waits in the queue of long work, so that it delays no small one."""


LINES_A_PART = 50_000
"""The most lines that one part holds (`schemas.payroll.SentLines`)."""

_TRY_AGAIN_S = 30


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """What a door is told of an upload: its row, and whether it is new."""

    upload: uploads.UploadRow
    new: bool


async def receive_file(
    pool: Pool,
    queue: JobQueue,
    caller: Caller,
    *,
    stored: Stored,
    filename: str,
    wanted: NewDraft,
    draft_id: UUID | None,
    waiting_max: int,
    now: datetime,
    today: date,
) -> Received:
    """A stored file becomes an upload of a draft, and waits to be read.

    The same content, sent again for a draft that stands on it, is the same upload.
    """
    async with transaction(pool, caller.actor) as connection:
        draft = await _draft(connection, caller, wanted, draft_id, now, today)
        same = await uploads.select_standing_upload(
            connection, employer_id=caller.employer_id, draft_id=draft.draft_id, content_hash=stored.content_hash
        )
        if same is not None and (same.status == "waiting" or same.reading_id in _in_use(draft)):
            return Received(upload=same, new=False)
        await check_waiting(connection, caller.employer_id, waiting_max)
        now = _after(await _latest(connection, caller.employer_id, draft.draft_id), now)
        upload_id = await _insert(connection, caller, draft, stored, filename=filename, source="file", now=now)
        reading = await _ask_for_reading(connection, caller, draft, upload_id, stored.size_bytes, now)
        upload = await _upload(connection, caller.employer_id, upload_id)
    await queue.enqueue(READ_JOB, employer_id=caller.employer_id, subject=reading, queue=queue_for(stored.size_bytes))
    return Received(upload=upload, new=True)


async def receive_lines(
    pool: Pool,
    queue: JobQueue,
    caller: Caller,
    *,
    draft_id: UUID,
    stored: Stored,
    check: Callable[[DraftRow], None],
    part: int,
    parts: int,
    waiting_max: int,
    now: datetime,
) -> Received:
    """One part of the lines sent by REST; the one that makes its series whole has the draft checked.

    The draft is held meanwhile: of two parts at once, the later one sees the other. `check` raises what is wrong with
    the lines for this draft.
    """
    reading, size = None, stored.size_bytes * parts
    async with transaction(pool, caller.actor) as connection:
        draft = await lock_open_draft(connection, caller.employer_id, draft_id)
        check(draft)
        latest = await _latest(connection, caller.employer_id, draft_id)
        now = _after(latest, now)
        upload_id = await _insert(
            connection,
            caller,
            draft,
            stored,
            filename=f"lines-{part}.json",
            source="lines",
            series=_series(latest, parts),
            part=part,
            parts=parts,
            now=now,
        )
        upload = await _upload(connection, caller.employer_id, upload_id)
        there = await uploads.select_parts(connection, employer_id=caller.employer_id, series=upload.series)
        if len(there) == parts:
            await check_waiting(connection, caller.employer_id, waiting_max)
            reading = await _ask_for_reading(connection, caller, draft, upload_id, size, now)
            upload = await _upload(connection, caller.employer_id, upload_id)
    if reading is not None:
        await queue.enqueue(READ_JOB, employer_id=caller.employer_id, subject=reading, queue=queue_for(size))
    return Received(upload=upload, new=True)


async def receive_prepared(
    connection: Connection,
    caller: Caller,
    draft: DraftRow,
    stored: Sequence[Stored],
    *,
    waiting_max: int,
    now: datetime,
) -> UUID | None:
    """Lines that the platform prepared, stored as those sent by REST, become an upload of a draft: what is to be read.

    In a transaction that holds the draft. None where the draft stands on these very lines, or they wait already.
    """
    same = await uploads.select_standing_upload(
        connection, employer_id=caller.employer_id, draft_id=draft.draft_id, content_hash=stored[-1].content_hash
    )
    if same is not None and (same.status == "waiting" or same.reading_id in _in_use(draft)):
        return None
    await check_waiting(connection, caller.employer_id, waiting_max)
    now = _after(await _latest(connection, caller.employer_id, draft.draft_id), now)
    series: UUID | None = None
    for part, one in enumerate(stored, 1):
        moment = now + timedelta(microseconds=part)
        upload_id = await _insert(
            connection,
            caller,
            draft,
            one,
            filename=f"prepared-{draft.period}.json",
            source="prepared",
            series=series,
            part=part,
            parts=len(stored),
            now=moment,
        )
        series = series or upload_id
    size = sum(one.size_bytes for one in stored)
    return await _ask_for_reading(connection, caller, draft, upload_id, size, now)


async def cancel_upload(pool: Pool, caller: Caller, *, upload_id: UUID, now: datetime) -> uploads.UploadRow:
    """Call an upload off before it is checked, or set an unreadable one aside: the draft stays as it was.

    The worker at it sees so within about a second, and ends. Called off twice is called off once; UploadDone where
    it is checked, NotFound.
    """
    async with transaction(pool, caller.actor) as connection:
        upload = await uploads.select_upload(connection, employer_id=caller.employer_id, upload_id=upload_id)
        if upload is None:
            raise NotFound
        if upload.status == "cancelled":
            return upload
        if upload.reading_id is None or not await uploads.cancel_reading(
            connection, employer_id=caller.employer_id, reading_id=upload.reading_id, now=now
        ):
            raise UploadDone
        about = {"draft": str(upload.draft_id)}
        when = caller.fund_time(now)
        await journal.record(connection, caller.actor, "upload.cancelled", upload_id, now=when, details=about)
        await outbox.insert_event(
            connection,
            employer_id=caller.employer_id,
            kind="upload.cancelled",
            subject=upload_id,
            now=now,
            payload=about,
        )
        return await _upload(connection, caller.employer_id, upload_id)


async def check_waiting(connection: Connection, employer_id: int, waiting_max: int) -> None:
    """No employer fills a queue: TooManyWaiting past the most that may wait."""
    waiting = await uploads.count_waiting_readings(connection, employer_id=employer_id)
    if waiting >= waiting_max:
        raise TooManyWaiting(waiting=waiting, seconds=_TRY_AGAIN_S)


def _in_use(draft: DraftRow) -> tuple[UUID | None, ...]:
    """The readings that count or may yet; another was refused or gone back from, and its file is read anew."""
    return (draft.reading_id, draft.proposed_reading_id)


async def _latest(connection: Connection, employer_id: int, draft_id: UUID) -> uploads.UploadRow | None:
    found = await uploads.select_uploads(connection, employer_id=employer_id, draft_id=draft_id, limit=1)
    return found[0] if found else None


def _after(latest: uploads.UploadRow | None, now: datetime) -> datetime:
    """Now, or just after what was sent before: hosts' clocks differ, and a test twin's may be set back."""
    return now if latest is None else max(now, latest.created_at + timedelta(microseconds=1))


def _series(latest: uploads.UploadRow | None, parts: int) -> UUID | None:
    """The series that a part goes on with. None where it begins one: after a file, or another number of parts."""
    if latest is None or latest.source != "lines" or latest.parts != parts:
        return None
    return latest.series


def queue_for(size_bytes: int) -> Queue:
    """Where a file of this size waits."""
    return LONG if size_bytes >= LONG_FROM_BYTES else SHORT


async def _draft(
    connection: Connection, caller: Caller, wanted: NewDraft, draft_id: UUID | None, now: datetime, today: date
) -> DraftRow:
    if draft_id is not None:
        return await lock_open_draft(connection, caller.employer_id, draft_id)
    return await draft_for(connection, caller, wanted, now=now, today=today)


async def _insert(
    connection: Connection,
    caller: Caller,
    draft: DraftRow,
    stored: Stored,
    *,
    filename: str,
    source: str,
    now: datetime,
    series: UUID | None = None,
    part: int = 1,
    parts: int = 1,
) -> UUID:
    upload_id = uuid4()
    employer_id = caller.employer_id
    await uploads.insert_file(
        connection,
        employer_id=employer_id,
        content_hash=stored.content_hash,
        size_bytes=stored.size_bytes,
        now=now,
    )
    await uploads.insert_upload(
        connection,
        employer_id=employer_id,
        upload_id=upload_id,
        draft_id=draft.draft_id,
        content_hash=stored.content_hash,
        filename=filename,
        source=source,
        series=series,
        part=part,
        parts=parts,
        created_by=caller.label,
        now=now,
    )
    await journal.record(
        connection,
        caller.actor,
        "upload.received",
        upload_id,
        now=caller.fund_time(now),
        details={"draft": str(draft.draft_id)},
    )
    return upload_id


async def _ask_for_reading(
    connection: Connection, caller: Caller, draft: DraftRow, upload_id: UUID, size_bytes: int, now: datetime
) -> UUID:
    reading_id = uuid4()
    await uploads.insert_reading(
        connection,
        employer_id=caller.employer_id,
        reading_id=reading_id,
        draft_id=draft.draft_id,
        upload_id=upload_id,
        queue=queue_for(size_bytes),
        now=now,
    )
    return reading_id


async def _upload(connection: Connection, employer_id: int, upload_id: UUID) -> uploads.UploadRow:
    upload = await uploads.select_upload(connection, employer_id=employer_id, upload_id=upload_id)
    if upload is None:
        raise LookupError("an upload just written is not there")
    return upload
