"""Preparing a declaration: mending a draft's lines, answering for doubts, giving it up."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec
import polars as pl

from schemas.payroll import LineChange, LineChanges
from teledeclaration import journal
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.employers.guard import Caller
from teledeclaration.errors import NotFound
from teledeclaration.intake.forms import FORMS
from teledeclaration.legislation import Legislation
from teledeclaration.payroll.actions import revisions
from teledeclaration.payroll.actions.asking import values_for
from teledeclaration.payroll.actions.fields_sent import check_changes
from teledeclaration.payroll.errors import DraftMoved, DraftNotChecked, DraftNotOpen, UnknownRateCategory
from teledeclaration.payroll.queries import drafts, edits, lines, uploads
from teledeclaration.payroll.queries.drafts import DraftRow
from teledeclaration.payroll.queries.lines import CodeCount
from teledeclaration.periods import parse_period
from teledeclaration.queue import JobQueue

READ_JOB = "read_upload"
"""Reads an upload, or checks its mended lines again."""


async def draft_of(connection: Connection, employer_id: int, draft_id: UUID) -> DraftRow:
    """The draft; NotFound."""
    draft = await drafts.select_draft(connection, employer_id=employer_id, draft_id=draft_id)
    if draft is None:
        raise NotFound
    return draft


async def lock_open_draft(connection: Connection, employer_id: int, draft_id: UUID) -> DraftRow:
    """The draft, held; NotFound or DraftNotOpen."""
    draft = await drafts.lock_draft(connection, employer_id=employer_id, draft_id=draft_id)
    if draft is None:
        raise NotFound
    if draft.status != "open":
        raise DraftNotOpen
    return draft


def check_revision(draft: DraftRow, seen: int | None) -> None:
    """DraftMoved where the draft is no longer as its author saw it."""
    if seen is not None and seen != draft.revision:
        raise DraftMoved(seen=seen, current=draft.revision)


async def checked_reading(connection: Connection, employer_id: int, draft: DraftRow) -> UUID:
    """The reading the draft stands on, checked; DraftNotChecked where none is, or what was sent after it
    waits, for its other parts too, or cannot be read."""
    latest = await uploads.select_latest_upload(connection, employer_id=employer_id, draft_id=draft.draft_id)
    if draft.reading_id is None or (latest and latest.status != "checked"):
        raise DraftNotChecked
    reading = await uploads.select_reading(connection, employer_id=employer_id, reading_id=draft.reading_id)
    if reading is None or reading.status != "checked":
        raise DraftNotChecked
    return draft.reading_id


async def mend_lines(
    pool: Pool,
    queue: JobQueue,
    legislation: Legislation,
    caller: Caller,
    *,
    draft_id: UUID,
    changes: LineChanges,
    now: datetime,
) -> None:
    """Correct lines, or take them out or back in; a worker then checks the whole draft again."""
    wanted = _wanted(changes)
    async with transaction(pool, caller.actor) as connection:
        draft = await lock_open_draft(connection, caller.employer_id, draft_id)
        check_changes(changes.lines, draft.form)
        check_revision(draft, changes.revision)
        reading_id = await checked_reading(connection, caller.employer_id, draft)
        await _check_changes(connection, legislation, caller.employer_id, draft, reading_id, changes)
        revision = await revisions.record(
            connection,
            employer_id=caller.employer_id,
            draft_id=draft_id,
            kind="mend",
            reading_id=reading_id,
            lines_changed=len(wanted),
            details={"fields": sorted({name for named in wanted.values() for name in named})},
            done_by=caller.label,
            now=now,
        )
        for fields, frame in _by_fields(wanted):
            await edits.change_lines(
                connection,
                employer_id=caller.employer_id,
                reading_id=reading_id,
                revision=revision,
                fields=fields,
                changes=frame,
            )
        waiting_in = await uploads.reopen_reading(connection, employer_id=caller.employer_id, reading_id=reading_id)
        await journal.record(
            connection,
            caller.actor,
            "draft.mended",
            draft_id,
            now=caller.fund_time(now),
            details={"lines": {str(number): sorted(named) for number, named in wanted.items()}},
        )
    await queue.enqueue(READ_JOB, employer_id=caller.employer_id, subject=reading_id, queue=waiting_in, turn=revision)


async def _check_changes(
    connection: Connection,
    legislation: Legislation,
    employer_id: int,
    draft: DraftRow,
    reading_id: UUID,
    changes: LineChanges,
) -> None:
    """NotFound or UnknownRateCategory, at the change that names what is not there."""
    open_categories = set(values_for(legislation, parse_period(draft.period)).enabled_categories())
    optional = not FORMS[draft.form].of_everyone
    numbers = [change.line_number for change in changes.lines]
    there = await lines.select_present(connection, employer_id=employer_id, reading_id=reading_id, numbers=numbers)
    for place, change in enumerate(changes.lines):
        category = change.rate_category
        if category is not msgspec.UNSET and category not in open_categories and not (category is None and optional):
            raise UnknownRateCategory(pointer=f"/lines/{place}/rate_category", category=category)
        if change.line_number not in there:
            raise NotFound(pointer=f"/lines/{place}/line_number")


def _wanted(changes: LineChanges) -> dict[int, dict[str, object]]:
    """What each line is to become, by its number; where a line is named twice, the later word holds."""
    wanted: dict[int, dict[str, object]] = {}
    for change in changes.lines:
        if named := _named(change):
            wanted.setdefault(change.line_number, {}).update(named)
    return wanted


def _by_fields(wanted: dict[int, dict[str, object]]) -> list[tuple[tuple[str, ...], pl.DataFrame]]:
    """The changes as frames, one for all lines of which the same fields change."""
    alike: dict[tuple[str, ...], list[dict[str, object]]] = {}
    for number, named in wanted.items():
        alike.setdefault(tuple(sorted(named)), []).append({"line_number": number, **named})
    return [
        (fields, pl.DataFrame(rows, schema={name: lines.LINE_SCHEMA[name] for name in ("line_number", *fields)}))
        for fields, rows in alike.items()
    ]


def _named(change: LineChange) -> dict[str, object]:
    """The fields a correction names, with their new values."""
    fields = msgspec.structs.asdict(change)
    named = {name: value for name, value in fields.items() if name != "line_number" and value is not msgspec.UNSET}
    return {name: float(value) if isinstance(value, Decimal) else value for name, value in named.items()}


async def confirm_doubts(pool: Pool, caller: Caller, *, draft_id: UUID, code: str, now: datetime) -> None:
    """Answer by name for all doubts of one code in a draft. NotFound where there is none."""
    async with transaction(pool, caller.actor) as connection:
        draft = await lock_open_draft(connection, caller.employer_id, draft_id)
        reading_id = await checked_reading(connection, caller.employer_id, draft)
        counts = await lines.count_findings(connection, employer_id=caller.employer_id, reading_id=reading_id)
        doubts = next((count for count in counts if count.code == code and count.severity == "confirm"), None)
        if doubts is None:
            raise NotFound
        await keep_answer(connection, caller, draft_id=draft_id, doubts=doubts, now=now)


async def keep_answer(
    connection: Connection, caller: Caller, *, draft_id: UUID, doubts: CodeCount, now: datetime
) -> None:
    """Keep who answers for the doubts of one code, in a transaction that holds the draft."""
    await drafts.upsert_confirmation(
        connection,
        employer_id=caller.employer_id,
        draft_id=draft_id,
        code=doubts.code,
        confirmed_by=caller.label,
        account_id=caller.actor.account_id,
        findings=doubts.count,
        now=now,
    )
    await drafts.touch_draft(connection, employer_id=caller.employer_id, draft_id=draft_id, now=now)
    await journal.record(
        connection,
        caller.actor,
        "doubts.confirmed",
        draft_id,
        now=caller.fund_time(now),
        details={"code": doubts.code, "findings": doubts.count},
    )


async def withdraw_confirmation(pool: Pool, caller: Caller, *, draft_id: UUID, code: str, now: datetime) -> None:
    """Take an answer back; nothing happens where none was given."""
    async with transaction(pool, caller.actor) as connection:
        await lock_open_draft(connection, caller.employer_id, draft_id)
        await drafts.delete_confirmation(connection, employer_id=caller.employer_id, draft_id=draft_id, code=code)
        await drafts.touch_draft(connection, employer_id=caller.employer_id, draft_id=draft_id, now=now)
        await journal.record(
            connection,
            caller.actor,
            "doubts.confirmation_withdrawn",
            draft_id,
            now=caller.fund_time(now),
            details={"code": code},
        )


async def drop_draft(pool: Pool, caller: Caller, *, draft_id: UUID, now: datetime) -> None:
    """Give a draft up: its files and lines are kept, it can no longer be filed."""
    async with transaction(pool, caller.actor) as connection:
        await lock_open_draft(connection, caller.employer_id, draft_id)
        await drafts.end_draft(connection, employer_id=caller.employer_id, draft_id=draft_id, status="dropped", now=now)
        await journal.record(connection, caller.actor, "draft.dropped", draft_id, now=caller.fund_time(now))
