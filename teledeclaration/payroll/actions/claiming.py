"""A reading claimed under a lease, which is renewed while it is worked on and tells how far the work is.

A lease that was lost, or a reading that was called off, cancels the work; a lease that runs out lets another begin.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID, uuid4

import asyncpg
import polars as pl
import structlog

from schemas.actors import Actor, job
from schemas.employers import EmployerFacts
from teledeclaration.clock import Clock
from teledeclaration.database import Pool, transaction
from teledeclaration.employers import facts as employers
from teledeclaration.errors import place_of
from teledeclaration.intake.mapping import Known
from teledeclaration.intake.raw import ReadingLimits
from teledeclaration.intake.reader import ReaderServer
from teledeclaration.legislation import Legislation
from teledeclaration.payroll.actions import layouts
from teledeclaration.payroll.actions.carrying import people_asked_for
from teledeclaration.payroll.actions.progress import Progress
from teledeclaration.payroll.queries import drafts, uploads
from teledeclaration.payroll.queries.drafts import DraftRow
from teledeclaration.settings import Settings
from teledeclaration.storage import Storage

_HEARTBEAT_S = 1.0

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
    people_asked_for: pl.DataFrame | None

    @property
    def employer_id(self) -> int:
        return self.employer.employer_id


class LeaseLost(Exception):
    """Another took the work over, it was called off, or the draft was mended meanwhile: it is all thrown away."""


async def claim(tools: ReadingTools, employer_id: int, reading_id: UUID) -> Work | None:
    """Take a reading that waits, with all it is about; None where it is done or in other hands."""
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
        people = None if reading.recheck else await people_asked_for(connection, employer_id=employer_id, draft=draft)
    return Work(actor, lease, reading, draft, upload, parts, employer, known, people)


@asynccontextmanager
async def kept_alive(tools: ReadingTools, work: Work, progress: Progress) -> AsyncIterator[None]:
    """Renew the lease from time to time while the work goes on; cancel the work where it was lost or called off."""
    async with asyncio.timeout(None) as scope, meanwhile(_beat(tools, work, progress, scope)):
        yield


@asynccontextmanager
async def meanwhile(coroutine: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
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
