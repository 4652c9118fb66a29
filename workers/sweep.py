"""Every few seconds: find the rows that wait in nobody's hands, and send their jobs again.

A message may be lost with all of Redis; the row is the truth. What was tried too often is given up, and told.
The sweeper only reads over all employers; what it changes, it changes as a job of the row's own employer.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from schemas.actors import SWEEPER, job
from teledeclaration import outbox
from teledeclaration.database import Connection, transaction
from teledeclaration.documents import queries as documents
from teledeclaration.payments import queries as payments
from teledeclaration.payroll.actions.reconciling import CentreYear, centre_year_of
from teledeclaration.payroll.queries import assessments, provisional, reconciliation, reviews, uploads
from teledeclaration.queue import LONG, SHORT, Queue
from teledeclaration.registry import queries as registry
from workers import (
    assess_declaration,
    book_opening_balance,
    book_provisional,
    load_register,
    read_upload,
    reconcile_year,
    review_changes,
    seal_document,
)

ROWS_AT_ONCE = 500

log = structlog.get_logger(__name__)

GiveUp = Callable[[Connection, int, UUID, datetime], Awaitable[bool]]


async def sweep(ctx: dict[str, Any]) -> int:
    """How many jobs were sent."""
    now = ctx["clock"]()
    async with transaction(ctx["pool"], SWEEPER) as connection:
        readings = await uploads.select_waiting_readings(connection, now=now, limit=ROWS_AT_ONCE)
        declarations = await assessments.select_waiting_assessments(connection, now=now, limit=ROWS_AT_ONCE)
        comparisons = await reviews.select_waiting_reviews(connection, now=now, limit=ROWS_AT_ONCE)
        years = await reconciliation.select_waiting(connection, now=now, limit=ROWS_AT_ONCE)
        papers = await documents.select_waiting_documents(connection, now=now, limit=ROWS_AT_ONCE)
        openings = await payments.select_employers_with_waiting_openings(connection, limit=ROWS_AT_ONCE)
        reckoned = await provisional.select_waiting_provisionals(connection, limit=ROWS_AT_ONCE)
        loads = await registry.select_waiting_loads(connection, now=now, limit=ROWS_AT_ONCE)
    for employer_id, reading_id, queue, attempts in readings:
        await _again(ctx, read_upload.NAME, employer_id, reading_id, attempts, _give_up_reading, queue)
    for employer_id, declaration_id, attempts in declarations:
        await _again(ctx, assess_declaration.NAME, employer_id, declaration_id, attempts, _give_up_assessment)
    for employer_id, review_id, attempts in comparisons:
        await _again(ctx, review_changes.NAME, employer_id, review_id, attempts, _give_up_review, LONG)
    for employer_id, centre, year, attempts in years:
        subject = CentreYear(employer_id=employer_id, centre=centre, year=year).subject
        await _again(ctx, reconcile_year.NAME, employer_id, subject, attempts, _give_up_year, LONG)
    for employer_id, document_id, attempts in papers:
        await _again(ctx, seal_document.NAME, employer_id, document_id, attempts, _give_up_document)
    for employer_id in openings:
        subject = book_opening_balance.subject_of(employer_id)
        await ctx["queue"].enqueue(book_opening_balance.NAME, employer_id=employer_id, subject=subject)
    for employer_id, provisional_id in reckoned:
        await ctx["queue"].enqueue(book_provisional.NAME, employer_id=employer_id, subject=provisional_id)
    for load_id in loads:
        turn = f"sweep-{now:%H%M}"  # a killed worker's job keeps its id in Redis: another one each minute
        await ctx["queue"].enqueue(load_register.NAME, employer_id=0, subject=load_id, queue=LONG, turn=turn)
    return sum(len(rows) for rows in (readings, declarations, comparisons, years, papers, openings, reckoned, loads))


async def _again(
    ctx: dict[str, Any],
    name: str,
    employer_id: int,
    subject: UUID,
    attempts: int,
    give_up: GiveUp,
    queue: Queue = SHORT,
) -> None:
    if attempts < uploads.ATTEMPTS_MAX:
        # A killed worker's job keeps its id in Redis for as long as it might have run: each attempt has its own.
        await ctx["queue"].enqueue(
            name, employer_id=employer_id, subject=subject, queue=queue, turn=f"sweep-{attempts}"
        )
        return
    async with transaction(ctx["pool"], job("sweep", employer_id)) as connection:
        if await give_up(connection, employer_id, subject, ctx["clock"]()):
            log.error("job_given_up", job=name, employer_id=employer_id, subject=str(subject))


async def _give_up_reading(connection: Connection, employer_id: int, subject: UUID, now: datetime) -> bool:
    given_up = await uploads.give_up_reading(connection, employer_id=employer_id, reading_id=subject, now=now)
    if given_up:
        await outbox.insert_event(connection, employer_id=employer_id, kind="upload.failed", subject=subject, now=now)
    return given_up


async def _give_up_assessment(connection: Connection, employer_id: int, subject: UUID, now: datetime) -> bool:
    return await assessments.give_up_assessment(connection, employer_id=employer_id, declaration_id=subject, now=now)


async def _give_up_review(connection: Connection, employer_id: int, subject: UUID, now: datetime) -> bool:
    return await reviews.give_up_review(connection, employer_id=employer_id, review_id=subject, now=now)


async def _give_up_year(connection: Connection, employer_id: int, subject: UUID, now: datetime) -> bool:
    return await reconciliation.give_up(connection, **centre_year_of(employer_id, subject).key, now=now)


async def _give_up_document(connection: Connection, employer_id: int, subject: UUID, now: datetime) -> bool:
    return await documents.give_up_document(connection, employer_id=employer_id, document_id=subject, now=now)
