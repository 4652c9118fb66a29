"""Filing: what is ready becomes a declaration, with its receipt and the work of assessing it, at once."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec

from schemas.payroll import Filing
from teledeclaration import journal, outbox
from teledeclaration.clock import legal_day
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.documents.actions import SEAL_JOB, issue_receipt
from teledeclaration.employers.guard import Caller
from teledeclaration.law_in_force import law_in_force
from teledeclaration.payroll.actions import reviewing
from teledeclaration.payroll.actions.contents import (
    Content,
    annual_content,
    ask_for_numbers,
    periodic_content,
    store_lines,
)
from teledeclaration.payroll.actions.declaring import FORMS as PERIODIC_FORMS
from teledeclaration.payroll.actions.declaring import PeriodLook, lines_named
from teledeclaration.payroll.actions.declaring import look as look_at
from teledeclaration.payroll.actions.drafts import check_revision, checked_reading, lock_open_draft
from teledeclaration.payroll.actions.movements import record_draft
from teledeclaration.payroll.actions.opening import declared_form
from teledeclaration.payroll.actions.receipts import filing_receipt
from teledeclaration.payroll.errors import AlreadyDeclared, DraftNotChecked, NotInForce, NotReadyToFile
from teledeclaration.payroll.law.periods import periodic
from teledeclaration.payroll.queries import assessments, declarations, drafts, lines, reconciliation, uploads
from teledeclaration.payroll.queries.declarations import NewDeclaration
from teledeclaration.payroll.queries.drafts import DraftRow
from teledeclaration.payroll.queries.periodic import hold_periods, leave_out
from teledeclaration.queue import JobQueue
from teledeclaration.settings import Settings

ASSESS_JOB = "assess_declaration"
_INITIALS = {"annual": "A", "periodic": "P"}


class Filed(msgspec.Struct, frozen=True, kw_only=True):
    """What filing made: a declaration and its receipt's document, or of a draft of movements as many that are new."""

    declaration_id: UUID | None = None
    document_id: UUID | None = None
    movements: int = 0


async def file_draft(
    pool: Pool,
    queue: JobQueue,
    settings: Settings,
    caller: Caller,
    *,
    draft_id: UUID,
    filing: Filing,
    now: datetime,
) -> Filed:
    """open → filed, in one transaction; then the assessment and the sealed receipt of a declaration are asked for.

    DraftMoved, DraftNotChecked, NotReadyToFile, AlreadyDeclared or NotInForce leave everything as it was.
    """
    filed = None
    while filed is None:
        filed = await _try_to_file(pool, settings, caller, draft_id, filing, now)
    if filed.declaration_id is not None and filed.document_id is not None:
        await queue.enqueue(ASSESS_JOB, employer_id=caller.employer_id, subject=filed.declaration_id)
        await queue.enqueue(SEAL_JOB, employer_id=caller.employer_id, subject=filed.document_id)
    return filed


async def _try_to_file(
    pool: Pool, settings: Settings, caller: Caller, draft_id: UUID, filing: Filing, now: datetime
) -> Filed | None:
    """None where another filing of the same period took the number meanwhile: the next one is tried."""
    try:
        async with transaction(pool, caller.actor) as connection:
            draft = await lock_open_draft(connection, caller.employer_id, draft_id)
            check_revision(draft, filing.revision)
            await _refuse_unreviewed(connection, caller.employer_id, draft, filing)
            if draft.form == "movements":
                return await _file_movements(connection, settings, caller, draft, filing, now)
            content = await _content(connection, settings, caller, draft, filing, now)
            return await _file(connection, settings, caller, draft, content, now)
    except asyncpg.UniqueViolationError as error:
        match error.constraint_name:
            case "declarations_number_once":
                return None
            case "declarations_one_normal":
                raise AlreadyDeclared(centre=draft.centre, period=draft.period) from None
            case "declarations_replaced_once":
                raise NotInForce from None
        raise


async def _file_movements(
    connection: Connection, settings: Settings, caller: Caller, draft: DraftRow, filing: Filing, now: datetime
) -> Filed:
    """The lines of a draft become movements; there is no declaration, and nothing to assess."""
    employer_id = caller.employer_id
    reading_id = await checked_reading(connection, employer_id, draft)
    if filing.leave_out_errors:
        await lines.leave_out_wrong_lines(connection, employer_id=employer_id, reading_id=reading_id)
    await _refuse_unready(connection, employer_id, draft, reading_id, None)
    count = await record_draft(connection, settings, caller, draft, reading_id, now)
    await drafts.end_draft(connection, employer_id=employer_id, draft_id=draft.draft_id, status="filed", now=now)
    about = {"movements": count, "period": draft.period, "centre": draft.centre}
    await journal.record(
        connection, caller.actor, "draft.filed", draft.draft_id, now=caller.fund_time(now), details=about
    )
    await outbox.insert_event(
        connection, employer_id=employer_id, kind="draft.filed", subject=draft.draft_id, now=now, payload=about
    )
    return Filed(movements=count)


async def _content(
    connection: Connection, settings: Settings, caller: Caller, draft: DraftRow, filing: Filing, now: datetime
) -> Content:
    """What is to be filed, once nothing stands in the way; DraftNotChecked or NotReadyToFile."""
    employer_id = caller.employer_id
    reading_id = await _reading(connection, employer_id, draft)
    if filing.leave_out_errors and reading_id is not None:
        await lines.leave_out_wrong_lines(connection, employer_id=employer_id, reading_id=reading_id)
    if draft.form not in PERIODIC_FORMS:
        await _refuse_unready(connection, employer_id, draft, reading_id, None)
        if reading_id is None:
            raise DraftNotChecked
        return await annual_content(connection, employer_id=employer_id, reading_id=reading_id)
    await hold_periods(connection, employer_id=employer_id, centre=draft.centre)
    look = await _look(connection, settings, employer_id, draft, reading_id, now)
    if filing.leave_out_errors and reading_id is not None and (wrong := lines_named(look.obstacles)):
        await leave_out(connection, employer_id=employer_id, reading_id=reading_id, numbers=sorted(wrong))
        look = await _look(connection, settings, employer_id, draft, reading_id, now)
    await _refuse_unready(connection, employer_id, draft, reading_id, look)
    return await periodic_content(connection, employer_id=employer_id, draft=draft, reading_id=reading_id, look=look)


async def _reading(connection: Connection, employer_id: int, draft: DraftRow) -> UUID | None:
    """The checked reading the draft stands on; None where nothing is to be declared and nothing was sent."""
    if draft.header.nothing_to_declare and draft.reading_id is None:
        latest = await uploads.select_latest_upload(connection, employer_id=employer_id, draft_id=draft.draft_id)
        if latest is None:
            return None
    return await checked_reading(connection, employer_id, draft)


async def _look(
    connection: Connection,
    settings: Settings,
    employer_id: int,
    draft: DraftRow,
    reading_id: UUID | None,
    now: datetime,
) -> PeriodLook:
    law = await law_in_force(connection, settings)
    return await look_at(
        connection,
        law.on(periodic(draft.period).first_day),
        employer_id=employer_id,
        draft=draft,
        reading_id=reading_id,
        on=legal_day(now, settings.fund_time_zone),
    )


async def _refuse_unreviewed(connection: Connection, employer_id: int, draft: DraftRow, filing: Filing) -> None:
    """NotReadyToFile while a new file, or what a replacement changes, waits for an answer."""
    found = await reviewing.obstacle(
        connection, employer_id=employer_id, draft=draft, leaving_out=filing.leave_out_errors
    )
    if found is not None:
        raise NotReadyToFile(obstacles=found)


async def _refuse_unready(
    connection: Connection, employer_id: int, draft: DraftRow, reading_id: UUID | None, look: PeriodLook | None
) -> None:
    """NotReadyToFile while errors stand, doubts are unanswered, or nothing is left to file."""
    obstacles = [] if look is None else [obstacle.code for obstacle in look.obstacles]
    counts = [] if look is None else look.doubt_counts
    left = look.lines.line_count if look else 0
    if reading_id is not None:
        where: dict[str, Any] = {"employer_id": employer_id, "reading_id": reading_id}
        if await lines.count_wrong_lines(connection, **where):
            obstacles.append("errors")
        obstacles += [error.code for error in await lines.count_file_errors(connection, **where)]
        counts += await lines.count_findings(connection, **where)
        left = (await lines.sum_lines(connection, **where)).line_count
    confirmed = await drafts.select_confirmations(connection, employer_id=employer_id, draft_id=draft.draft_id)
    obstacles += [count.code for count in counts if count.severity == "confirm" and count.code not in confirmed]
    if not left and not draft.header.nothing_to_declare:
        obstacles.append("nothing")
    if obstacles:
        raise NotReadyToFile(obstacles=", ".join(obstacles))


async def _file(
    connection: Connection, settings: Settings, caller: Caller, draft: DraftRow, content: Content, now: datetime
) -> Filed:
    employer_id, form = caller.employer_id, declared_form(draft.form)
    declaration = await _described(connection, settings, caller, draft, content, now)
    declaration_id = declaration.declaration_id
    await declarations.insert_declaration(connection, employer_id=employer_id, declaration=declaration)
    await store_lines(connection, employer_id=employer_id, form=form, declaration_id=declaration_id, content=content)
    await _ask_for_numbers(connection, caller, form, declaration_id, now)
    await drafts.end_draft(connection, employer_id=employer_id, draft_id=draft.draft_id, status="filed", now=now)
    await assessments.insert_assessment(connection, employer_id=employer_id, declaration_id=declaration_id, now=now)
    receipt = await filing_receipt(connection, settings, caller, declaration)
    document_id = await issue_receipt(
        connection, employer_id=employer_id, declaration_id=declaration_id, receipt=receipt, now=now
    )
    await _tell(connection, caller, declaration, now)
    await reconciliation.ask(
        connection, employer_id=employer_id, centre=draft.centre, year=draft.year, draft_id=None, now=now
    )
    return Filed(declaration_id=declaration_id, document_id=document_id)


async def _tell(connection: Connection, caller: Caller, declaration: NewDeclaration, now: datetime) -> None:
    await journal.record(
        connection,
        caller.actor,
        "declaration.filed",
        declaration.declaration_id,
        now=caller.fund_time(now),
        details={"number": declaration.number, "content_hash": declaration.content_hash, "counter": caller.at_counter},
    )
    about = {name: getattr(declaration, name) for name in ("number", "form", "year", "period", "centre", "type")}
    if declaration.header.closes_account:
        about["closes_account"] = True
    await outbox.insert_event(
        connection,
        employer_id=caller.employer_id,
        kind="declaration.filed",
        subject=declaration.declaration_id,
        now=now,
        payload=about,
    )


async def _ask_for_numbers(
    connection: Connection, caller: Caller, form: str, declaration_id: UUID, now: datetime
) -> None:
    """A registration for everyone declared without a number, told to whoever numbers people."""
    count = await ask_for_numbers(
        connection,
        employer_id=caller.employer_id,
        form=form,
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
    connection: Connection, settings: Settings, caller: Caller, draft: DraftRow, content: Content, now: datetime
) -> NewDeclaration:
    form = declared_form(draft.form)
    before = await declarations.count_declarations(
        connection, employer_id=caller.employer_id, form=form, period=draft.period
    )
    q1, q2, q3, q4 = content.quarters
    return NewDeclaration(
        declaration_id=uuid4(),
        number=f"{_INITIALS[form]}{draft.period}-{caller.acting_for.number}-{before + 1:02d}",
        form=form,
        centre=draft.centre,
        year=draft.year,
        period=draft.period,
        header=content.header,
        type=draft.type,
        mode=caller.acting_for.mode,
        draft_id=draft.draft_id,
        reading_id=content.reading_id,
        replaces=draft.replaces,
        completes=draft.completes,
        line_count=content.line_count,
        left_out_count=content.left_out_count,
        q1_amount=q1,
        q2_amount=q2,
        q3_amount=q3,
        q4_amount=q4,
        annual_amount=sum(content.quarters),
        content_hash=content.content_hash,
        filed_by=caller.label,
        filed_at=now,
        legal_day=legal_day(now, settings.fund_time_zone),
    )
