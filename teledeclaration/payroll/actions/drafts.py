"""Preparing a declaration: opening a draft, mending its lines, answering for doubts, giving it up."""

from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import polars as pl

from schemas.payroll import LineChange, LineChanges, NewDraft
from teledeclaration import journal
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.employers import facts as employers
from teledeclaration.employers.guard import Caller
from teledeclaration.errors import NotFound
from teledeclaration.legislation import Legislation
from teledeclaration.payroll.actions import revisions
from teledeclaration.payroll.errors import (
    AlreadyDeclared,
    CentreNeeded,
    DraftMoved,
    DraftNotChecked,
    DraftNotOpen,
    NotInForce,
    UnknownRateCategory,
    WrongKindOfDeclaration,
    YearNotOver,
)
from teledeclaration.payroll.queries import declarations, drafts, edits, lines, uploads
from teledeclaration.payroll.queries.drafts import DraftRow
from teledeclaration.periods import Year
from teledeclaration.queue import JobQueue

READ_JOB = "read_upload"
"""Reads an upload, or checks its mended lines again."""


async def open_draft(pool: Pool, caller: Caller, wanted: NewDraft, *, now: datetime, today: date) -> DraftRow:
    """The draft of this declaration: the open one where there is one, else a new one."""
    async with transaction(pool, caller.actor) as connection:
        return await draft_for(connection, caller, wanted, now=now, today=today)


async def draft_for(
    connection: Connection, caller: Caller, wanted: NewDraft, *, now: datetime, today: date
) -> DraftRow:
    """As `open_draft`, in a transaction at hand. Says what is wrong with the wish before anything is kept."""
    centre = await chosen_centre(connection, caller.employer_id, wanted.centre)
    year = _year(wanted.year, today)
    await _check_place(connection, caller.employer_id, wanted, centre=centre, year=year)
    described: dict[str, Any] = {
        "form": wanted.form,
        "centre": centre,
        "year": year,
        "type": wanted.type,
        "replaces": wanted.replaces,
        "completes": wanted.completes,
    }
    found = await drafts.select_open_draft(connection, employer_id=caller.employer_id, **described)
    if found is not None:
        return found
    draft = await drafts.insert_draft(
        connection,
        employer_id=caller.employer_id,
        draft_id=uuid4(),
        created_by=caller.label,
        now=now,
        **described,
    )
    await journal.record(connection, caller.actor, "draft.opened", draft.draft_id, now=caller.fund_time(now))
    return draft


async def chosen_centre(connection: Connection, employer_id: int, wanted: str | None) -> str:
    """The payment centre asked for, or the only one; CentreNeeded where that is none, or unclear."""
    centres = [centre.centre for centre in await employers.payment_centres(connection, employer_id)]
    if wanted is None and len(centres) == 1:
        return centres[0]
    if wanted not in centres:
        raise CentreNeeded(pointer="/centre", centres=", ".join(centres) or "—")
    return wanted


def _year(wanted: int | None, today: date) -> int:
    """The year that ended last, unless another is asked for; one that is not over cannot be declared."""
    year = today.year - 1 if wanted is None else wanted
    if year >= today.year:
        raise YearNotOver(pointer="/year", year=year, next_year=year + 1)
    return year


async def _check_place(connection: Connection, employer_id: int, wanted: NewDraft, *, centre: str, year: int) -> None:
    """A declaration stands beside the others as its type says (reference/domain.md section 3: N, C, R)."""
    if (wanted.type == "C") != (wanted.completes is not None) or (wanted.type == "R" and wanted.replaces is None):
        raise WrongKindOfDeclaration(pointer="/type")
    standing = await declarations.select_standing_declaration(
        connection, employer_id=employer_id, form=wanted.form, centre=centre, year=year
    )
    named = wanted.replaces or wanted.completes
    if named is None:
        if standing is not None:
            raise AlreadyDeclared(centre=centre, year=year, standing=str(standing))
        return
    row = await declarations.select_declaration(connection, employer_id=employer_id, declaration_id=named)
    if row is None:
        raise NotFound(pointer="/replaces" if wanted.replaces else "/completes")
    if not row.in_force or (row.form, row.centre, row.year) != (wanted.form, centre, year):
        raise NotInForce


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
    open_categories = set(legislation.on(Year(draft.year).last_day).enabled_categories())
    numbers = [change.line_number for change in changes.lines]
    there = await lines.select_present(connection, employer_id=employer_id, reading_id=reading_id, numbers=numbers)
    for place, change in enumerate(changes.lines):
        category = change.rate_category
        if isinstance(category, str) and category not in open_categories:
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
    return {name: value for name, value in fields.items() if name != "line_number" and value is not msgspec.UNSET}


async def confirm_doubts(pool: Pool, caller: Caller, *, draft_id: UUID, code: str, now: datetime) -> None:
    """Answer by name for all doubts of one code in a draft. NotFound where there is none."""
    async with transaction(pool, caller.actor) as connection:
        draft = await lock_open_draft(connection, caller.employer_id, draft_id)
        reading_id = await checked_reading(connection, caller.employer_id, draft)
        counts = await lines.count_findings(connection, employer_id=caller.employer_id, reading_id=reading_id)
        doubts = next((count for count in counts if count.code == code and count.severity == "confirm"), None)
        if doubts is None:
            raise NotFound
        await drafts.upsert_confirmation(
            connection,
            employer_id=caller.employer_id,
            draft_id=draft_id,
            code=code,
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
            details={"code": code, "findings": doubts.count},
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
