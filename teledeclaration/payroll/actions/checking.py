"""Reading an upload and checking its lines: the work of a worker between two short transactions.

    waiting → checked | unreadable | failed

1. Claim the reading under a lease, with what the check leans on.
2. Turn the file into text cells in a confined child, match, cast and check them, keeping the lease alive.
3. Store lines and findings in one transaction, on condition that the lease is still ours.

Run twice, the second finds nothing to claim; cut anywhere, the lease runs out and another does it all again.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import msgspec
import polars as pl
import structlog

from schemas.actors import Actor, job
from schemas.employers import EmployerFacts
from schemas.legislation import GENERAL
from schemas.payroll import SentLines
from teledeclaration import outbox
from teledeclaration.clock import Clock, legal_day, moved
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.employers import facts as employers
from teledeclaration.intake.raw import ReadingLimits, Unreadable
from teledeclaration.intake.reader import ReaderServer, read_raw
from teledeclaration.legislation import Legislation
from teledeclaration.payroll.actions import reading as contents
from teledeclaration.payroll.actions.reading import Asked, Registers, Result
from teledeclaration.payroll.checks import annual_rules
from teledeclaration.payroll.law.annual_checks import annual_rules_checks
from teledeclaration.payroll.queries import drafts, lines, uploads
from teledeclaration.payroll.queries.drafts import DraftRow
from teledeclaration.periods import Year
from teledeclaration.registry import facts as registers
from teledeclaration.settings import Settings
from teledeclaration.storage import Storage

_HEARTBEAT_S = 8.0
BUILDING = "building"
"""The rate category of the building sector's workers, who have a line more (R38)."""

log = structlog.get_logger(__name__)


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

    @property
    def employer_id(self) -> int:
        return self.employer.employer_id


class LeaseLost(Exception):
    """Another took the work over, or the draft was mended meanwhile: what was made here is thrown away."""


async def read_upload(tools: ReadingTools, *, employer_id: int, reading_id: UUID) -> bool:
    """Do the work of one reading; False where there was none to claim, or it was lost on the way."""
    work = await _claim(tools, employer_id, reading_id)
    if work is None:
        return False
    try:
        async with _kept_alive(tools, work):
            await _store(tools, work, await _result(tools, work))
    except Unreadable as error:
        await _refuse(tools, work, error)
    except (LeaseLost, TimeoutError):
        log.info("lease_lost", reading=str(reading_id))
        return False
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
    return Work(actor, lease, reading, draft, upload, parts, employer)


@asynccontextmanager
async def _kept_alive(tools: ReadingTools, work: Work) -> AsyncIterator[None]:
    """Renew the lease from time to time while the work goes on; cancel the work where it was lost."""
    async with asyncio.timeout(None) as scope:
        beating = asyncio.create_task(_beat(tools, work, scope))
        try:
            yield
        finally:
            beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beating


async def _beat(tools: ReadingTools, work: Work, scope: asyncio.Timeout) -> None:
    while True:
        await asyncio.sleep(_HEARTBEAT_S)
        if not await _say_progress(tools, work):
            scope.reschedule(asyncio.get_running_loop().time())


async def _say_progress(
    tools: ReadingTools, work: Work, phase: str | None = None, *, rows_done: int | None = None
) -> bool:
    """Tell whoever follows how far the work is, and keep the lease; False where it was lost."""
    async with transaction(tools.pool, work.actor) as connection:
        return await uploads.renew_lease(
            connection,
            employer_id=work.employer_id,
            reading_id=work.reading.reading_id,
            lease=work.lease,
            phase=phase,
            rows_done=rows_done,
            now=tools.clock(),
        )


async def _result(tools: ReadingTools, work: Work) -> Result:
    asked = _asked(tools, work)
    if work.reading.recheck:
        return await _mended(tools, work, asked)
    if work.upload.source == "lines":
        return await _sent(tools, work, asked)
    return await _file(tools, work, asked)


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
    )


async def _file(tools: ReadingTools, work: Work, asked: Asked) -> Result:
    content = await tools.storage.read(work.upload.content_hash)
    filename = work.upload.filename
    raw = await read_raw(content, filename=filename, limits=reading_limits(tools.settings), reader=tools.reader)
    await _say_progress(tools, work, "checking", rows_done=sum(sheet.cells.height for sheet in raw.sheets))
    checked = await asyncio.to_thread(contents.read_file, raw, asked, filename)
    limits = reading_limits(tools.settings)
    most = limits.max_lines_workbook if raw.format in ("xlsx", "xls", "ods") else limits.max_lines_other
    if checked.lines.height > most:
        raise Unreadable("too-many-lines", limit=most)
    registers = await _registers(tools, work, checked.lines)
    return await asyncio.to_thread(contents.file_result, checked, raw, asked, registers)


async def _sent(tools: ReadingTools, work: Work, asked: Asked) -> Result:
    parts, count = [], 0
    for _, content_hash in work.parts:
        parts.append(msgspec.json.decode(await tools.storage.read(content_hash), type=SentLines))
        count += len(parts[-1].lines)
        if count > tools.settings.declaration_lines_max:
            raise Unreadable("too-many-lines", limit=tools.settings.declaration_lines_max)
    await _say_progress(tools, work, "checking", rows_done=count)
    lines = await asyncio.to_thread(contents.sent_lines, parts, asked.today, asked.year)
    registers = await _registers(tools, work, lines)
    return await asyncio.to_thread(contents.sent_result, lines, asked, registers)


async def _mended(tools: ReadingTools, work: Work, asked: Asked) -> Result:
    async with transaction(tools.pool, work.actor) as connection:
        where: dict[str, Any] = {"employer_id": work.employer_id, "reading_id": work.reading.reading_id}
        stored = await lines.select_line_frame(connection, **where)
        before = await lines.select_finding_frame(connection, **where)
    registers = await _registers(tools, work, stored)
    return await asyncio.to_thread(contents.mended_result, stored, before, work.reading.facts, asked, registers)


async def _registers(tools: ReadingTools, work: Work, read: pl.DataFrame) -> Registers:
    """What the registers know of these lines' numbers, and of this employer's employees, named here or not."""
    async with transaction(tools.pool, work.actor) as connection:
        employments = await registers.employments_frame(connection, work.employer_id)
        if not await registers.anyone_known(connection):
            return Registers(people=None, employments=employments)
        numbers = pl.concat([read["nss"], employments["nss"]]).drop_nulls().unique().to_list()
        people = await registers.known_people_frame(connection, numbers)
        return Registers(people=people, employments=employments)


async def _store(tools: ReadingTools, work: Work, result: Result) -> None:
    """Lines, findings and the end of the reading in one transaction; LeaseLost undoes it all."""
    await _say_progress(tools, work, "storing", rows_done=result.rows)
    where: dict[str, Any] = {"employer_id": work.employer_id, "reading_id": work.reading.reading_id}
    now = moved(tools.clock, work.employer.clock_offset_s)()
    async with transaction(tools.pool, work.actor) as connection:
        await drafts.lock_draft(connection, employer_id=work.employer_id, draft_id=work.draft.draft_id)
        if result.lines is None:
            await lines.delete_findings(connection, **where)
        else:
            await lines.insert_lines(connection, **where, lines=result.lines)
        await lines.insert_findings(connection, **where, findings=result.findings)
        await _end(connection, tools, work, status="checked", rows=result.rows, facts=result.facts)
        await drafts.delete_outgrown_confirmations(connection, draft_id=work.draft.draft_id, **where)
        await drafts.update_draft_reading(connection, draft_id=work.draft.draft_id, now=now, **where)
        await outbox.insert_event(
            connection,
            employer_id=work.employer_id,
            kind="upload.checked",
            subject=work.upload.upload_id,
            now=now,
            payload={"draft": str(work.draft.draft_id), "lines": result.rows, "findings": result.findings.height},
        )


async def _refuse(tools: ReadingTools, work: Work, error: Unreadable) -> None:
    """The file stays as it was sent, with the reason it cannot be read."""
    try:
        async with transaction(tools.pool, work.actor) as connection:
            await _end(
                connection, tools, work, status="unreadable", rows=0, reason=error.code, reason_values=error.values
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
        now=tools.clock(),
    ):
        raise LeaseLost


async def _versions(connection: Connection, tools: ReadingTools, work: Work) -> dict[str, Any]:
    """Which law and which state of the registers the check leant on."""
    return {
        "law": tools.legislation.fingerprint(),
        "registers": await registers.register_version(connection, work.employer_id),
    }
