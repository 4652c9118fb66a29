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
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import polars as pl
import structlog

from schemas.payroll import SentLines
from teledeclaration.clock import legal_day, moved
from teledeclaration.database import Connection, transaction
from teledeclaration.intake.raw import Unreadable
from teledeclaration.intake.reader import read_raw
from teledeclaration.intake.register_checks import of_the_fund
from teledeclaration.payroll.actions import reading as contents
from teledeclaration.payroll.actions.asking import asked_for
from teledeclaration.payroll.actions.claiming import (
    LeaseLost,
    ReadingTools,
    Work,
    claim,
    kept_alive,
    meanwhile,
    reading_limits,
)
from teledeclaration.payroll.actions.employment import employments_known
from teledeclaration.payroll.actions.ending import finish, refuse, store_lines, versions
from teledeclaration.payroll.actions.line_checks import mended_result
from teledeclaration.payroll.actions.movement_lines import beside_movements
from teledeclaration.payroll.actions.progress import Progress
from teledeclaration.payroll.actions.reading import Asked, Lines, Registers, Result
from teledeclaration.payroll.actions.rechecking import before_all, changed_lines, recheck_changed
from teledeclaration.payroll.actions.templates import judge_of_stamps
from teledeclaration.payroll.queries import lines
from teledeclaration.registry import facts as registers

_FEW_LINES = 2_000
"""Up to so many lines are checked first and stored then: nothing would be gained by doing both at once."""

log = structlog.get_logger(__name__)


async def read_upload(tools: ReadingTools, *, employer_id: int, reading_id: UUID) -> bool:
    """Do the work of one reading; False where there was none to claim, or it was lost on the way."""
    work = await claim(tools, employer_id, reading_id)
    if work is None:
        return False
    progress = Progress()
    try:
        async with kept_alive(tools, work, progress):
            if not (work.reading.recheck and await _check_changed(tools, work, progress)):
                await _check_and_store(tools, work, progress, await _lines(tools, work, progress))
    except Unreadable as error:
        await refuse(tools, work, error)
    except (LeaseLost, TimeoutError):
        log.info("lease_lost", reading=str(reading_id))
        return False
    progress.enter("done")
    milliseconds = {phase: round(1000 * seconds) for phase, seconds in progress.seconds.items()}
    log.info("read", reading=str(reading_id), rows=progress.rows_total, milliseconds=milliseconds)
    return True


async def _lines(tools: ReadingTools, work: Work, progress: Progress) -> Lines:
    asked = _asked(tools, work)
    if work.reading.recheck:
        return await _mended(tools, work, asked, progress)
    if work.upload.source != "file":
        return await _sent(tools, work, asked, progress)
    return await _file(tools, work, asked, progress)


def _asked(tools: ReadingTools, work: Work) -> Asked:
    today = legal_day(moved(tools.clock, work.employer.clock_offset_s)(), tools.settings.fund_time_zone)
    return asked_for(
        work.draft,
        work.employer,
        tools.legislation,
        today=today,
        signed=judge_of_stamps(tools.settings),
        people_asked_for=work.people_asked_for,
    )


async def _file(tools: ReadingTools, work: Work, asked: Asked, progress: Progress) -> Lines:
    content = await tools.storage.read(work.upload.content_hash)
    filename, limits = work.upload.filename, reading_limits(tools.settings)
    async with meanwhile(_employments(tools, work)) as asking:
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
        stored = await lines.select_line_frame(connection, **where, form=asked.form.name)
        found = await lines.select_finding_frame(connection, **where)
    progress.count(stored.height, stored.height)
    progress.enter("checking")
    before = before_all(found, changed)
    check = partial(mended_result, stored, before, edits, work.reading.facts, asked)
    employments = await _employments(tools, work)
    return Lines(
        stored=None, numbers=contents.numbers_on(stored), employments=employments, rows=stored.height, check=check
    )


async def _check_changed(tools: ReadingTools, work: Work, progress: Progress) -> bool:
    """Check what changed since the last check, and store what is found; False where all is to be checked."""
    asked = _asked(tools, work)
    async with transaction(tools.pool, work.actor) as connection:
        result = await recheck_changed(
            connection,
            employer_id=work.employer_id,
            reading=work.reading,
            asked=asked,
            versions=await versions(connection, tools, work),
        )
        if result is None:
            return False
        progress.count(result.rows, result.rows)
        progress.enter("storing")
        await finish(connection, tools, work, progress, result)
    return True


async def _employments(tools: ReadingTools, work: Work) -> pl.DataFrame:
    async with transaction(tools.pool, work.actor) as connection:
        return await employments_known(connection, work.employer_id)


async def _check_and_store(tools: ReadingTools, work: Work, progress: Progress, read: Lines) -> None:
    """Lines, findings and the end of the reading in one transaction; LeaseLost undoes it all.

    Many lines are stored while they are checked. Only who holds no connection waits for a second one, so that no
    two readings ever wait for each other's: the registers are asked first.
    """
    if read.rows <= _FEW_LINES:
        async with transaction(tools.pool, work.actor) as connection:
            result = await _checked(connection, tools, work, read)
            progress.enter("storing")
            await store_lines(connection, work, progress, read)
            await finish(connection, tools, work, progress, result)
        return
    asked = asyncio.Event()
    async with meanwhile(_checked_aside(tools, work, progress, read, asked)) as checking:
        await asked.wait()
        async with transaction(tools.pool, work.actor) as connection:
            await store_lines(connection, work, progress, read)
            await finish(connection, tools, work, progress, await checking)


async def _checked_aside(
    tools: ReadingTools, work: Work, progress: Progress, read: Lines, asked: asyncio.Event
) -> Result:
    """The same over a connection of its own; `asked` is set once that is had, or can not be."""
    try:
        async with transaction(tools.pool, work.actor) as connection:
            asked.set()
            registers = await _registers(connection, tools, work, read)
    finally:
        asked.set()
    result = await asyncio.to_thread(read.check, registers)
    progress.enter("storing")
    return result


async def _checked(connection: Connection, tools: ReadingTools, work: Work, read: Lines) -> Result:
    registers = await _registers(connection, tools, work, read)
    return await asyncio.to_thread(read.check, registers)


async def _registers(connection: Connection, tools: ReadingTools, work: Work, read: Lines) -> Registers:
    """What the registers know of these lines' numbers, and of this employer's employees, named here or not."""
    employments = read.employments
    beside = await beside_movements(connection, work.employer_id, _asked(tools, work), read.numbers)
    if not await registers.anyone_known(connection):
        return Registers(people=None, employments=employments, beside=beside)
    asked = pl.concat([read.numbers, of_the_fund(employments)["nss"]]).drop_nulls().unique().to_list()
    people = await registers.known_people_frame(connection, asked)
    return Registers(people=people, employments=employments, beside=beside)
