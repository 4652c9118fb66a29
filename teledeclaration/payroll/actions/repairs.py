"""One repair for a whole cause, done in one transaction, and undone by a return to the revision before."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import polars as pl

from schemas.repairs import RepairWish
from teledeclaration import journal
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.employers.guard import Caller
from teledeclaration.intake.repairs.repair import Repair, Wish, fields_of
from teledeclaration.intake.repairs.table import OF_NO_CAUSE, REPAIRS
from teledeclaration.payroll.actions import revisions
from teledeclaration.payroll.actions.causes import of_cause, wish_of
from teledeclaration.payroll.actions.drafts import READ_JOB, check_revision, checked_reading, lock_open_draft
from teledeclaration.payroll.errors import NothingToRepair, RepairChoiceNeeded, UnknownRepair
from teledeclaration.payroll.queries import causes, edits, uploads
from teledeclaration.payroll.queries.drafts import DraftRow
from teledeclaration.queue import JobQueue


def known_repair(wish: RepairWish) -> Repair:
    """The repair a wish names; UnknownRepair where it does not answer the wish's code, RepairChoiceNeeded."""
    repair = REPAIRS.get(wish.repair)
    if repair is None:
        raise UnknownRepair(pointer="/repair", repair=wish.repair)
    of_code = wish.code in repair.codes or (wish.code is not None and not repair.codes)
    if not of_code and not (wish.code is None and repair.name in OF_NO_CAUSE):
        raise UnknownRepair(pointer="/code", repair=wish.repair)
    if wish.field is not None and repair.codes and not set(fields_of(wish.field)) <= set(repair.reads):
        raise UnknownRepair(pointer="/field", repair=wish.repair)
    if wish.choice not in repair.choices:
        choices = ", ".join(choice for choice in repair.choices if choice)
        raise RepairChoiceNeeded(pointer="/choice", repair=repair.name, choices=choices)
    return repair


def asked_of(draft: DraftRow, reading: uploads.Reading | None, wish: RepairWish) -> Wish:
    """The wish with the draft's year and how its file was read."""
    facts = {} if reading is None else reading.facts
    return replace(wish_of(draft, facts), code=wish.code, field=wish.field, choice=wish.choice)


async def material(
    connection: Connection, where: Mapping[str, Any], repair: Repair, wish: Wish, fields: tuple[str, ...]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The lines a repair works on, with these fields, and the findings it answers."""
    told_by: dict[str, Any] = {
        "codes": [wish.code] if wish.code else sorted(repair.codes) or None,
        "errors_only": not repair.codes,
    }
    told = of_cause(await causes.select_told(connection, **where, **told_by), wish.code, wish.field)
    if wish.choice in repair.whole:
        return await causes.select_columns(connection, **where, fields=fields), told
    return await causes.select_told_lines(connection, **where, **told_by, fields=fields), told


async def apply(
    pool: Pool, queue: JobQueue, caller: Caller, *, draft_id: UUID, wish: RepairWish, now: datetime
) -> None:
    """Do the repair on the draft as its author saw it; a worker then checks the lines it changed.

    DraftMoved where the draft is no longer at the wish's revision, NothingToRepair where no line changes.
    """
    repair = known_repair(wish)
    async with transaction(pool, caller.actor) as connection:
        draft = await lock_open_draft(connection, caller.employer_id, draft_id)
        check_revision(draft, wish.revision)
        reading_id = await checked_reading(connection, caller.employer_id, draft)
        where: dict[str, Any] = {"employer_id": caller.employer_id, "reading_id": reading_id}
        asked = asked_of(draft, await uploads.select_reading(connection, **where), wish)
        stored, told = await material(connection, where, repair, asked, repair.reads)
        changes = await asyncio.to_thread(repair.apply, stored, told, asked)
        if changes.is_empty():
            raise NothingToRepair
        revision = await _store(connection, caller, draft, where, wish, changes, now)
        waiting_in = await uploads.reopen_reading(connection, **where)
    await queue.enqueue(READ_JOB, employer_id=caller.employer_id, subject=reading_id, queue=waiting_in, turn=revision)


async def _store(
    connection: Connection,
    caller: Caller,
    draft: DraftRow,
    where: Mapping[str, Any],
    wish: RepairWish,
    changes: pl.DataFrame,
    now: datetime,
) -> int:
    """The changed lines under a revision of their own; its number."""
    fields = [name for name in changes.columns if name in edits.changeable(draft.form)]
    said = {"repair": wish.repair, "code": wish.code, "field": wish.field, "choice": wish.choice}
    details = {name: value for name, value in said.items() if value is not None}
    revision = await revisions.record(
        connection,
        **where,
        draft_id=draft.draft_id,
        kind="repair",
        lines_changed=changes.height,
        details=details,
        done_by=caller.label,
        now=now,
    )
    await edits.change_lines(connection, **where, revision=revision, fields=fields, changes=changes)
    await journal.record(
        connection,
        caller.actor,
        "draft.repaired",
        draft.draft_id,
        now=caller.fund_time(now),
        details={**details, "lines": changes.height, "revision": revision},
    )
    return revision
