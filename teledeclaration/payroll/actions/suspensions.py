"""Suspension of activity: asked for by the employer, decided by an officer, ended by the employer.

Transition: `suspensions` requested → accepted | refused | withdrawn; an accepted one gets its last day when activity
begins again. In a period that it covers whole, no periodic declaration is due; one it covers in part stays due.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import polars as pl
from asyncpg import UniqueViolationError

from schemas.actors import job
from schemas.calendar import NewSuspension, Resumption, Suspension, SuspensionDecision
from teledeclaration import journal, outbox
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.employers import facts as employers
from teledeclaration.employers.guard import Caller
from teledeclaration.errors import NotFound
from teledeclaration.payroll.actions.employment import register_for
from teledeclaration.payroll.actions.opening import chosen_centre
from teledeclaration.payroll.errors import (
    AnswerNeeded,
    EmployeesStillThere,
    OutsideActivity,
    ResumptionTooEarly,
    SuspensionNotOpen,
    SuspensionOverDeclared,
    SuspensionOverlaps,
)
from teledeclaration.payroll.law.employment import on_day
from teledeclaration.payroll.queries import suspensions


async def ask(pool: Pool, caller: Caller, wanted: NewSuspension, *, now: datetime) -> UUID:
    """Ask for a suspension from a day on; its id.

    CentreNeeded, OutsideActivity, SuspensionOverlaps, SuspensionOverDeclared; EmployeesStillThere unless confirmed.
    """
    suspension_id = uuid4()
    async with transaction(pool, caller.actor) as connection:
        centre = await chosen_centre(connection, caller.employer_id, wanted.centre)
        await _refuse(connection, caller.employer_id, centre, wanted)
    employed = await _employed(pool, caller, centre, wanted.first_day)
    if employed and not wanted.employees_confirmed:
        day = wanted.first_day.isoformat()
        raise EmployeesStillThere(pointer="/employees_confirmed", employees=employed, day=day)
    async with transaction(pool, caller.actor) as connection:
        await _refuse(connection, caller.employer_id, centre, wanted)
        try:
            await suspensions.insert_suspension(
                connection,
                employer_id=caller.employer_id,
                suspension_id=suspension_id,
                centre=centre,
                first_day=wanted.first_day,
                reason=wanted.reason,
                requested_by=caller.label,
                now=now,
            )
        except UniqueViolationError as error:
            if error.constraint_name != "suspensions_one_open":
                raise
            raise SuspensionOverlaps(pointer="/first_day", first_day=wanted.first_day.isoformat()) from None
        details = {"centre": centre, "first_day": wanted.first_day.isoformat(), "employed": employed}
        await _tell(connection, caller, "suspension.requested", suspension_id, details, now)
    return suspension_id


async def _refuse(connection: Connection, employer_id: int, centre: str, wanted: NewSuspension) -> None:
    await _refuse_outside(connection, employer_id, centre, wanted.first_day)
    other = await suspensions.select_overlapping(
        connection, employer_id=employer_id, centre=centre, first_day=wanted.first_day
    )
    if other is not None:
        raise SuspensionOverlaps(pointer="/first_day", first_day=other.first_day.isoformat())
    period = await suspensions.select_paid_period_after(
        connection, employer_id=employer_id, centre=centre, first_day=wanted.first_day
    )
    if period is not None:
        raise SuspensionOverDeclared(pointer="/first_day", period=period)


async def _employed(pool: Pool, caller: Caller, centre: str, day: date) -> int:
    """How many work there on a day by the employment register, at the centre or at none that is known.

    Read as a job: members themselves read nobody's record.
    """
    async with transaction(pool, job("suspensions", caller.employer_id)) as connection:
        spells, _ = await register_for(connection, caller.employer_id)
    here = pl.col("centre").is_null() | (pl.col("centre") == centre)
    return on_day(spells.filter(here), day)["who"].n_unique()


async def _refuse_outside(connection: Connection, employer_id: int, centre: str, day: date) -> None:
    employer = await employers.employer_by_id(connection, employer_id)
    [place] = [one for one in await employers.payment_centres(connection, employer_id) if one.centre == centre]
    for opened_on, closed_on in ((employer.opened_on, employer.closed_on), (place.opened_on, place.closed_on)):
        if (opened_on is not None and day < opened_on) or (closed_on is not None and day > closed_on):
            raise OutsideActivity(pointer="/first_day", day=day.isoformat())


async def withdraw(pool: Pool, caller: Caller, *, suspension_id: UUID, now: datetime) -> None:
    """Take a request back before it is decided; SuspensionNotOpen."""
    async with transaction(pool, caller.actor) as connection:
        found = await _existing(connection, caller, suspension_id)
        withdrawn = await suspensions.withdraw_suspension(
            connection, employer_id=caller.employer_id, suspension_id=suspension_id
        )
        if not withdrawn:
            raise SuspensionNotOpen
        await _tell(connection, caller, "suspension.withdrawn", suspension_id, {"centre": found.centre}, now)


async def decide(pool: Pool, caller: Caller, *, suspension_id: UUID, said: SuspensionDecision, now: datetime) -> None:
    """Accept, or refuse with an answer: AnswerNeeded, SuspensionNotOpen."""
    accepts = said.decision == "accept"
    if not accepts and not said.answer.strip():
        raise AnswerNeeded(pointer="/answer")
    status = "accepted" if accepts else "refused"
    async with transaction(pool, caller.actor) as connection:
        found = await _existing(connection, caller, suspension_id)
        decided = await suspensions.decide_suspension(
            connection,
            employer_id=caller.employer_id,
            suspension_id=suspension_id,
            status=status,
            decided_by=caller.label,
            answer=said.answer,
            now=now,
        )
        if not decided:
            raise SuspensionNotOpen
        await _tell(connection, caller, f"suspension.{status}", suspension_id, {"centre": found.centre}, now)


async def resume(pool: Pool, caller: Caller, *, suspension_id: UUID, resumption: Resumption, now: datetime) -> None:
    """Activity begins again on a day; the one before is the last without. ResumptionTooEarly, SuspensionNotOpen."""
    async with transaction(pool, caller.actor) as connection:
        found = await _existing(connection, caller, suspension_id)
        if resumption.day <= found.first_day:
            raise ResumptionTooEarly(pointer="/day", first_day=found.first_day.isoformat())
        ended = await suspensions.end_suspension(
            connection,
            employer_id=caller.employer_id,
            suspension_id=suspension_id,
            last_day=resumption.day - timedelta(days=1),
            resumed_by=caller.label,
            now=now,
        )
        if not ended:
            raise SuspensionNotOpen
        details = {"centre": found.centre, "day": resumption.day.isoformat()}
        await _tell(connection, caller, "suspension.ended", suspension_id, details, now)


async def _existing(connection: Connection, caller: Caller, suspension_id: UUID) -> Suspension:
    found = await suspensions.select_suspension(connection, employer_id=caller.employer_id, suspension_id=suspension_id)
    if found is None:
        raise NotFound
    return found


async def _tell(
    connection: Connection, caller: Caller, action: str, suspension_id: UUID, details: Mapping[str, Any], now: datetime
) -> None:
    await journal.record(
        connection, caller.actor, action, suspension_id, now=caller.fund_time(now), details=dict(details)
    )
    await outbox.insert_event(
        connection, employer_id=caller.employer_id, kind=action, subject=suspension_id, now=now, payload=dict(details)
    )
