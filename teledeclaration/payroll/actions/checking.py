"""Reading an upload and checking its lines: the work of a worker between two short transactions.

    waiting → checked | unreadable | failed | cancelled (by its sender, see `uploads.cancel_upload`)

1. Claim the reading under a lease, with what the check leans on.
2. Turn the file into typed lines: text cells in a confined child, then match and cast; about once a second the
   lease is renewed, and the row told how far the work is.
3. Check the lines while they are being stored; findings and the end of the reading in the same transaction, on
   condition that the lease is still ours.

Run twice, the second finds nothing to claim; cut anywhere, the lease runs out and another does it all again.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from uuid import UUID, uuid4

import asyncpg
import msgspec
import polars as pl
import structlog

from schemas.actors import Actor, job
from schemas.employers import EmployerFacts
from schemas.legislation import GENERAL
from schemas.mapping import FileLayout
from schemas.payroll import SentLines
from teledeclaration import outbox
from teledeclaration.clock import Clock, legal_day, moved
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.employers import facts as employers
from teledeclaration.errors import place_of
from teledeclaration.intake.mapping import Known
from teledeclaration.intake.raw import ReadingLimits, Unreadable
from teledeclaration.intake.reader import ReaderServer, read_raw
from teledeclaration.intake.tables import Unrecognised
from teledeclaration.legislation import Legislation
from teledeclaration.payroll.actions import layouts
from teledeclaration.payroll.actions import reading as contents
from teledeclaration.payroll.actions.line_checks import mended_result
from teledeclaration.payroll.actions.progress import Progress
from teledeclaration.payroll.actions.reading import Asked, Lines, Registers, Result
from teledeclaration.payroll.actions.rechecking import before_all, changed_lines, recheck_changed, replace_findings
from teledeclaration.payroll.actions.standing import settle
from teledeclaration.payroll.actions.templates import judge_of_marks
from teledeclaration.payroll.checks import annual_rules
from teledeclaration.payroll.law.annual_checks import annual_rules_checks
from teledeclaration.payroll.queries import drafts, lines, uploads
from teledeclaration.payroll.queries.drafts import DraftRow
from teledeclaration.periods import Year
from teledeclaration.registry import facts as registers
from teledeclaration.settings import Settings
from teledeclaration.storage import Storage

_HEARTBEAT_S = 1.0
_FEW_LINES = 2_000
"""Up to so many lines are checked first and stored then: nothing would be gained by doing both at once."""
BUILDING = "building"
"""The rate category of the building sector's workers, who have a line more (R38)."""

log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class ReadingTools:
    """What reading takes from the process it runs in."""

    pool: Pool
    storage: Storage
    reader: ReaderServer
    legislation: Legislation
    settings: Settings
    clock: Clock


def reading_limits(settings: Settings) -> ReadingLimits:
    """How much one file may cost here."""
    return ReadingLimits(
        max_bytes=settings.upload_bytes_max,
        max_lines_workbook=settings.workbook_lines_max,
        max_lines_other=settings.declaration_lines_max,
        memory_bytes=settings.reader_memory_bytes,
    )


@dataclass(frozen=True)
class Work:
    """A claimed reading with all it is about."""

    actor: Actor
    lease: UUID
    reading: uploads.Reading
    draft: DraftRow
    upload: uploads.UploadRow
    parts: list[tuple[int, str]]
    employer: EmployerFacts
    known: Known

    @property
    def employer_id(self) -> int:
        return self.employer.employer_id


class LeaseLost(Exception):
    """Another took the work over, it was called off, or the draft was mended meanwhile: it is all thrown away."""


async def read_upload(tools: ReadingTools, *, employer_id: int, reading_id: UUID) -> bool:
    """Do the work of one reading; False where there was none to claim, or it was lost on the way."""
    work = await _claim(tools, employer_id, reading_id)
    if work is None:
        return False
    progress = Progress()
    try:
        async with _kept_alive(tools, work, progress):
            if not (work.reading.recheck and await _check_changed(tools, work, progress)):
                await _check_and_store(tools, work, progress, await _lines(tools, work, progress))
    except Unreadable as error:
        await _refuse(tools, work, error)
    except (LeaseLost, TimeoutError):
        log.info("lease_lost", reading=str(reading_id))
        return False
    progress.enter("done")
    milliseconds = {phase: round(1000 * seconds) for phase, seconds in progress.seconds.items()}
    log.info("read", reading=str(reading_id), rows=progress.rows_total, milliseconds=milliseconds)
    return True


async def _claim(tools: ReadingTools, employer_id: int, reading_id: UUID) -> Work | None:
    actor, lease = job("read_upload", employer_id), uuid4()
    async with transaction(tools.pool, actor) as connection:
        reading = await uploads.claim_reading(
            connection, employer_id=employer_id, reading_id=reading_id, lease=lease, now=tools.clock()
        )
        if reading is None:
            return None
        draft = await drafts.select_draft(connection, employer_id=employer_id, draft_id=reading.draft_id)
        upload = await uploads.select_upload(connection, employer_id=employer_id, upload_id=reading.upload_id)
        if draft is None or upload is None:
            raise LookupError("a reading without its draft or upload")
        parts = await uploads.select_parts(connection, employer_id=employer_id, series=upload.series)
        employer = await employers.employer_by_id(connection, employer_id)
        known = await layouts.known_ways(connection, employer_id=employer_id, form=draft.form, by_hand=reading.mapping)
    return Work(actor, lease, reading, draft, upload, parts, employer, known)


@asynccontextmanager
async def _kept_alive(tools: ReadingTools, work: Work, progress: Progress) -> AsyncIterator[None]:
    """Renew the lease from time to time while the work goes on; cancel the work where it was lost or called off."""
    async with asyncio.timeout(None) as scope, _beside(_beat(tools, work, progress, scope)):
        yield


@asynccontextmanager
async def _beside(coroutine: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """A coroutine that runs while the body does, and ends with it."""
    task = asyncio.create_task(coroutine)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _beat(tools: ReadingTools, work: Work, progress: Progress, scope: asyncio.Timeout) -> None:
    while True:
        await asyncio.sleep(_HEARTBEAT_S)
        try:
            kept = await _say(tools, work, progress)
        except (asyncpg.PostgresError, OSError) as error:  # the lease outlives some beats
            log.warning("beat_failed", **place_of(error))
            continue
        if not kept and not progress.ending:
            scope.reschedule(asyncio.get_running_loop().time())


async def _say(tools: ReadingTools, work: Work, progress: Progress) -> bool:
    """Tell whoever follows how far the work is, and keep the lease; False where it was lost."""
    now, left = tools.clock(), progress.left()
    async with transaction(tools.pool, work.actor) as connection:
        return await uploads.renew_lease(
            connection,
            employer_id=work.employer_id,
            reading_id=work.reading.reading_id,
            lease=work.lease,
            phase=progress.phase,
            rows_done=progress.rows_done,
            rows_total=progress.rows_total,
            expected_at=None if left is None else now + left,
            now=now,
        )


async def _lines(tools: ReadingTools, work: Work, progress: Progress) -> Lines:
    asked = _asked(tools, work)
    if work.reading.recheck:
        return await _mended(tools, work, asked, progress)
    if work.upload.source == "lines":
        return await _sent(tools, work, asked, progress)
    return await _file(tools, work, asked, progress)


def _asked(tools: ReadingTools, work: Work) -> Asked:
    today = legal_day(moved(tools.clock, work.employer.clock_offset_s)(), tools.settings.fund_time_zone)
    year = work.draft.year
    categories = tools.legislation.on(Year(year).last_day).enabled_categories()
    return Asked(
        rules=annual_rules_checks(annual_rules(year, tools.legislation)),
        year=year,
        today=today,
        employer_number=work.employer.number,
        open_categories=frozenset(categories),
        usual_category=BUILDING if work.employer.building_sector else GENERAL,
        centre=work.draft.centre,
        signed=judge_of_marks(tools.settings),
    )


async def _file(tools: ReadingTools, work: Work, asked: Asked, progress: Progress) -> Lines:
    content = await tools.storage.read(work.upload.content_hash)
    filename, limits = work.upload.filename, reading_limits(tools.settings)
    async with _beside(_employments(tools, work)) as asking:
        raw = await read_raw(content, filename=filename, limits=limits, reader=tools.reader, progress=progress.count)
        progress.enter("checking")
        employments = await asking
    lines = await asyncio.to_thread(contents.file_lines, raw, asked, filename, employments, work.known)
    most = limits.max_lines_workbook if raw.format in ("xlsx", "xls", "ods") else limits.max_lines_other
    if lines.rows > most:
        raise Unreadable("too-many-lines", limit=most)
    progress.lap("matching")
    progress.count(lines.rows, lines.rows)
    return lines


async def _sent(tools: ReadingTools, work: Work, asked: Asked, progress: Progress) -> Lines:
    parts, count = [], 0
    for _, content_hash in work.parts:
        parts.append(msgspec.json.decode(await tools.storage.read(content_hash), type=SentLines))
        count += len(parts[-1].lines)
        progress.count(count)
        if count > tools.settings.declaration_lines_max:
            raise Unreadable("too-many-lines", limit=tools.settings.declaration_lines_max)
    progress.count(count, count)
    progress.enter("checking")
    employments = await _employments(tools, work)
    return await asyncio.to_thread(contents.sent_lines, parts, asked, employments)


async def _mended(tools: ReadingTools, work: Work, asked: Asked, progress: Progress) -> Lines:
    async with transaction(tools.pool, work.actor) as connection:
        where: dict[str, Any] = {"employer_id": work.employer_id, "reading_id": work.reading.reading_id}
        edits, changed = await changed_lines(connection, **where, facts=work.reading.facts)
        stored = await lines.select_line_frame(connection, **where)
        found = await lines.select_finding_frame(connection, **where)
    progress.count(stored.height, stored.height)
    progress.enter("checking")
    before = before_all(found, changed)
    check = partial(mended_result, stored, before, edits, work.reading.facts, asked)
    employments = await _employments(tools, work)
    return Lines(stored=None, numbers=stored["nss"], employments=employments, rows=stored.height, check=check)


async def _check_changed(tools: ReadingTools, work: Work, progress: Progress) -> bool:
    """Check what changed since the last check, and store what is found; False where all is to be checked."""
    asked = _asked(tools, work)
    async with transaction(tools.pool, work.actor) as connection:
        versions = await _versions(connection, tools, work)
        result = await recheck_changed(
            connection, employer_id=work.employer_id, reading=work.reading, asked=asked, versions=versions
        )
        if result is None:
            return False
        progress.count(result.rows, result.rows)
        progress.enter("storing")
        await _finish(connection, tools, work, progress, result)
    return True


async def _employments(tools: ReadingTools, work: Work) -> pl.DataFrame:
    async with transaction(tools.pool, work.actor) as connection:
        return await registers.employments_frame(connection, work.employer_id)


async def _check_and_store(tools: ReadingTools, work: Work, progress: Progress, read: Lines) -> None:
    """Lines, findings and the end of the reading in one transaction; LeaseLost undoes it all.

    Many lines are stored while they are checked. Only who holds no connection waits for a second one, so that no
    two readings ever wait for each other's: the registers are asked first.
    """
    if read.rows <= _FEW_LINES:
        async with transaction(tools.pool, work.actor) as connection:
            result = await _checked(connection, read)
            progress.enter("storing")
            await _store_lines(connection, work, progress, read)
            await _finish(connection, tools, work, progress, result)
        return
    asked = asyncio.Event()
    async with _beside(_checked_aside(tools, work, progress, read, asked)) as checking:
        await asked.wait()
        async with transaction(tools.pool, work.actor) as connection:
            await _store_lines(connection, work, progress, read)
            await _finish(connection, tools, work, progress, await checking)


async def _checked_aside(
    tools: ReadingTools, work: Work, progress: Progress, read: Lines, asked: asyncio.Event
) -> Result:
    """The same over a connection of its own; `asked` is set once that is had, or can not be."""
    try:
        async with transaction(tools.pool, work.actor) as connection:
            asked.set()
            registers = await _registers(connection, read)
    finally:
        asked.set()
    result = await asyncio.to_thread(read.check, registers)
    progress.enter("storing")
    return result


async def _checked(connection: Connection, read: Lines) -> Result:
    registers = await _registers(connection, read)
    return await asyncio.to_thread(read.check, registers)


async def _registers(connection: Connection, read: Lines) -> Registers:
    """What the registers know of these lines' numbers, and of this employer's employees, named here or not."""
    employments = read.employments
    if not await registers.anyone_known(connection):
        return Registers(people=None, employments=employments)
    asked = pl.concat([read.numbers, employments["nss"]]).drop_nulls().unique().to_list()
    return Registers(people=await registers.known_people_frame(connection, asked), employments=employments)


async def _store_lines(connection: Connection, work: Work, progress: Progress, read: Lines) -> None:
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


async def _finish(connection: Connection, tools: ReadingTools, work: Work, progress: Progress, result: Result) -> None:
    """Findings, the end of the reading, and what follows from it for the draft."""
    where: dict[str, Any] = {"employer_id": work.employer_id, "reading_id": work.reading.reading_id}
    now = moved(tools.clock, work.employer.clock_offset_s)()
    await drafts.lock_draft(connection, employer_id=work.employer_id, draft_id=work.draft.draft_id)
    if work.reading.recheck:
        await replace_findings(connection, **where, draft_id=work.draft.draft_id, result=result)
    else:
        await lines.insert_findings(connection, **where, findings=result.findings)
    progress.ending = True
    await _end(connection, tools, work, status="checked", rows=result.rows, facts=result.facts, layout=result.layout)
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


async def _refuse(tools: ReadingTools, work: Work, error: Unreadable) -> None:
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
                layout=error.layout if isinstance(error, Unrecognised) else None,
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
    layout: FileLayout | None = None,
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
        facts=(facts or {}) | await _versions(connection, tools, work),
        layout=layout,
        now=tools.clock(),
    ):
        raise LeaseLost


async def _versions(connection: Connection, tools: ReadingTools, work: Work) -> dict[str, Any]:
    """Which law and which state of the registers the check leant on."""
    return {
        "law": tools.legislation.fingerprint(),
        "registers": await registers.register_version(connection, work.employer_id),
    }
