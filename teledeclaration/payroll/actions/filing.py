"""Filing: what is ready becomes a declaration, with its receipt and the work of assessing it, at once."""

from datetime import datetime
from uuid import UUID, uuid4

import asyncpg
import msgspec

from schemas.documents import FilingReceipt
from schemas.payroll import Filing
from teledeclaration import journal, outbox
from teledeclaration.clock import legal_day
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.documents.actions import SEAL_JOB, issue_receipt, public_address
from teledeclaration.documents.codes import new_code
from teledeclaration.employers import facts as employers
from teledeclaration.employers.guard import Caller
from teledeclaration.payroll.actions import reviewing
from teledeclaration.payroll.actions.drafts import check_revision, checked_reading, lock_open_draft
from teledeclaration.payroll.errors import AlreadyDeclared, NotInForce, NotReadyToFile
from teledeclaration.payroll.queries import assessments, declarations, drafts, lines
from teledeclaration.payroll.queries.declarations import NewDeclaration
from teledeclaration.payroll.queries.drafts import DraftRow
from teledeclaration.queue import JobQueue
from teledeclaration.settings import Settings

ASSESS_JOB = "assess_declaration"


class Filed(msgspec.Struct, frozen=True):
    """What filing made: the declaration and its receipt's document."""

    declaration_id: UUID
    document_id: UUID


async def file_draft(
    pool: Pool,
    queue: JobQueue,
    settings: Settings,
    caller: Caller,
    *,
    draft_id: UUID,
    filing: Filing,
    now: datetime,
) -> UUID:
    """open → filed, in one transaction; then the assessment and the sealed receipt are asked for.

    DraftMoved, DraftNotChecked, NotReadyToFile, AlreadyDeclared or NotInForce leave everything as it was.
    """
    filed = None
    while filed is None:
        filed = await _try_to_file(pool, settings, caller, draft_id, filing, now)
    await queue.enqueue(ASSESS_JOB, employer_id=caller.employer_id, subject=filed.declaration_id)
    await queue.enqueue(SEAL_JOB, employer_id=caller.employer_id, subject=filed.document_id)
    return filed.declaration_id


async def _try_to_file(
    pool: Pool, settings: Settings, caller: Caller, draft_id: UUID, filing: Filing, now: datetime
) -> Filed | None:
    """None where another filing of the same year took the number meanwhile: the next one is tried."""
    try:
        async with transaction(pool, caller.actor) as connection:
            draft = await lock_open_draft(connection, caller.employer_id, draft_id)
            check_revision(draft, filing.revision)
            reading_id = await checked_reading(connection, caller.employer_id, draft)
            await _refuse_unreviewed(connection, caller.employer_id, draft, filing)
            if filing.leave_out_errors:
                await lines.leave_out_wrong_lines(connection, employer_id=caller.employer_id, reading_id=reading_id)
            await _refuse_unready(connection, caller.employer_id, draft, reading_id)
            return await _file(connection, settings, caller, draft, reading_id, now)
    except asyncpg.UniqueViolationError as error:
        match error.constraint_name:
            case "declarations_number_once":
                return None
            case "declarations_one_normal":
                raise AlreadyDeclared(centre=draft.centre, year=draft.year) from None
            case "declarations_replaced_once":
                raise NotInForce from None
        raise


async def _refuse_unreviewed(connection: Connection, employer_id: int, draft: DraftRow, filing: Filing) -> None:
    """NotReadyToFile while a new file, or what a replacement changes, waits for an answer."""
    found = await reviewing.obstacle(
        connection, employer_id=employer_id, draft=draft, leaving_out=filing.leave_out_errors
    )
    if found is not None:
        raise NotReadyToFile(obstacles=found)


async def _refuse_unready(connection: Connection, employer_id: int, draft: DraftRow, reading_id: UUID) -> None:
    """NotReadyToFile while errors stand, doubts are unanswered, or nothing is left to file."""
    obstacles = []
    if await lines.count_wrong_lines(connection, employer_id=employer_id, reading_id=reading_id):
        obstacles.append("errors")
    file_errors = await lines.count_file_errors(connection, employer_id=employer_id, reading_id=reading_id)
    obstacles += [error.code for error in file_errors]
    confirmed = await drafts.select_confirmations(connection, employer_id=employer_id, draft_id=draft.draft_id)
    counts = await lines.count_findings(connection, employer_id=employer_id, reading_id=reading_id)
    obstacles += [count.code for count in counts if count.severity == "confirm" and count.code not in confirmed]
    totals = await lines.sum_lines(connection, employer_id=employer_id, reading_id=reading_id)
    if not totals.line_count:
        obstacles.append("nothing")
    if obstacles:
        raise NotReadyToFile(obstacles=", ".join(obstacles))


async def _file(
    connection: Connection, settings: Settings, caller: Caller, draft: DraftRow, reading_id: UUID, now: datetime
) -> Filed:
    employer_id = caller.employer_id
    declaration = await _described(connection, settings, caller, draft, reading_id, now)
    declaration_id = declaration.declaration_id
    await declarations.insert_declaration(connection, employer_id=employer_id, declaration=declaration)
    await declarations.insert_declared_lines(
        connection, employer_id=employer_id, declaration_id=declaration_id, reading_id=reading_id
    )
    await _ask_for_numbers(connection, caller, declaration_id, now)
    await drafts.end_draft(connection, employer_id=employer_id, draft_id=draft.draft_id, status="filed", now=now)
    await assessments.insert_assessment(connection, employer_id=employer_id, declaration_id=declaration_id, now=now)
    receipt = await _receipt(connection, settings, caller, declaration)
    document_id = await issue_receipt(
        connection, employer_id=employer_id, declaration_id=declaration_id, receipt=receipt, now=now
    )
    await journal.record(
        connection,
        caller.actor,
        "declaration.filed",
        declaration_id,
        now=caller.fund_time(now),
        details={"number": declaration.number, "content_hash": declaration.content_hash, "counter": caller.at_counter},
    )
    await outbox.insert_event(
        connection,
        employer_id=employer_id,
        kind="declaration.filed",
        subject=declaration_id,
        now=now,
        payload={"number": declaration.number, "form": draft.form, "year": draft.year, "centre": draft.centre},
    )
    return Filed(declaration_id, document_id)


async def _ask_for_numbers(connection: Connection, caller: Caller, declaration_id: UUID, now: datetime) -> None:
    """A registration for everyone declared without a number, told to whoever numbers people."""
    count = await declarations.insert_registrations(
        connection,
        employer_id=caller.employer_id,
        declaration_id=declaration_id,
        requested_by=caller.label,
        now=now,
    )
    if count:
        await outbox.insert_event(
            connection,
            employer_id=caller.employer_id,
            kind="registration.requested",
            subject=declaration_id,
            now=now,
            payload={"people": count},
        )


async def _described(
    connection: Connection, settings: Settings, caller: Caller, draft: DraftRow, reading_id: UUID, now: datetime
) -> NewDeclaration:
    employer_id = caller.employer_id
    totals = await lines.sum_lines(connection, employer_id=employer_id, reading_id=reading_id)
    before = await declarations.count_declarations(
        connection, employer_id=employer_id, form=draft.form, year=draft.year
    )
    content_hash = await declarations.hash_lines(connection, employer_id=employer_id, reading_id=reading_id)
    return NewDeclaration(
        declaration_id=uuid4(),
        number=f"A{draft.year}-{caller.acting_for.number}-{before + 1:02d}",
        form=draft.form,
        centre=draft.centre,
        year=draft.year,
        type=draft.type,
        mode=caller.acting_for.mode,
        draft_id=draft.draft_id,
        reading_id=reading_id,
        replaces=draft.replaces,
        completes=draft.completes,
        line_count=totals.line_count,
        left_out_count=totals.left_out_count,
        q1_amount=totals.q1,
        q2_amount=totals.q2,
        q3_amount=totals.q3,
        q4_amount=totals.q4,
        annual_amount=totals.q1 + totals.q2 + totals.q3 + totals.q4,
        content_hash=content_hash,
        filed_by=caller.label,
        filed_at=now,
        legal_day=legal_day(now, settings.fund_time_zone),
    )


async def _receipt(
    connection: Connection, settings: Settings, caller: Caller, declaration: NewDeclaration
) -> FilingReceipt:
    employer = await employers.employer_by_id(connection, caller.employer_id)
    code = new_code()
    return FilingReceipt(
        number=declaration.number,
        code=code,
        filed_at=declaration.filed_at,
        employer_number=employer.number,
        employer_name=employer.name,
        employer_name_ar=employer.name_ar,
        payment_centre=declaration.centre,
        year=declaration.year,
        declaration_type=declaration.type,
        line_count=declaration.line_count,
        left_out_count=declaration.left_out_count,
        quarters=(declaration.q1_amount, declaration.q2_amount, declaration.q3_amount, declaration.q4_amount),
        annual=declaration.annual_amount,
        content_hash=declaration.content_hash,
        replaces=await _number(connection, caller.employer_id, declaration.replaces),
        completes=await _number(connection, caller.employer_id, declaration.completes),
        filed_by=declaration.filed_by,
        test=declaration.mode == "test",
        verify_url=public_address(settings, code),
        fund_name=settings.fund_name,
        fund_name_ar=settings.fund_name_ar,
    )


async def _number(connection: Connection, employer_id: int, declaration_id: UUID | None) -> str | None:
    if declaration_id is None:
        return None
    row = await declarations.select_declaration(connection, employer_id=employer_id, declaration_id=declaration_id)
    return None if row is None else row.number
