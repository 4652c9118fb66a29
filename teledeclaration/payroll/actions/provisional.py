"""A period that nobody declared in time is assessed provisionally, by an officer of the employer's scope."""

from datetime import date, datetime
from uuid import UUID, uuid4

from schemas.employers import EmployerFacts, PaymentCentre
from schemas.provisional import NewProvisional
from teledeclaration import journal, outbox
from teledeclaration.clock import legal_day
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.employers import facts as employers
from teledeclaration.employers.guard import Caller
from teledeclaration.legislation import Legislation
from teledeclaration.payroll.actions.opening import chosen_centre
from teledeclaration.payroll.actions.told import tell_year
from teledeclaration.payroll.errors import (
    PeriodAlreadyDeclared,
    PeriodNotLate,
    PeriodNotOwed,
    PeriodSuspended,
    PeriodUnknown,
    ProvisionalMade,
    WrongPeriodicity,
)
from teledeclaration.payroll.law.calendar import Days, covered, periods_of
from teledeclaration.payroll.law.contributions import DeclaredPeriod
from teledeclaration.payroll.law.deadlines import periodic_deadline
from teledeclaration.payroll.law.periods import periodic as declared_period
from teledeclaration.payroll.law.provisional import Reckoned, reckon
from teledeclaration.payroll.law.years import bases_that_stand, overlap
from teledeclaration.payroll.queries import obligations, provisional, suspensions
from teledeclaration.payroll.queries.periodic import hold_periods
from teledeclaration.payroll.queries.provisional import ProvisionalRow
from teledeclaration.periods import Year
from teledeclaration.queue import JobQueue

BOOK_JOB = "book_provisional"


async def make_provisional(
    pool: Pool,
    queue: JobQueue,
    legislation: Legislation,
    caller: Caller,
    *,
    wanted: NewProvisional,
    now: datetime,
    time_zone: str,
) -> ProvisionalRow:
    """Assess a late period from what was declared before it; then its booking is asked for.

    PeriodUnknown, CentreNeeded, WrongPeriodicity, PeriodNotOwed, PeriodNotLate, PeriodAlreadyDeclared, PeriodSuspended,
    ProvisionalMade and NothingToAssessFrom leave everything as it was.
    """
    period, today = _period(wanted.period), legal_day(now, time_zone)
    async with transaction(pool, caller.actor) as connection:
        centre = await chosen_centre(connection, caller.employer_id, wanted.centre)
        await hold_periods(connection, employer_id=caller.employer_id, centre=centre)
        await _refuse(connection, caller.employer_id, centre, period, today, legislation)
        reckoned = await _reckon(connection, caller.employer_id, centre, period, wanted.workers, legislation, today)
        made = await _insert(connection, caller, centre, period, reckoned, today=today, now=now)
    await queue.enqueue(BOOK_JOB, employer_id=caller.employer_id, subject=made.provisional_id)
    return made


def _period(code: str) -> DeclaredPeriod:
    try:
        return declared_period(code)
    except ValueError:
        raise PeriodUnknown(pointer="/period", period=code, examples="2026-01, 2026-Q1") from None


async def _refuse(
    connection: Connection,
    employer_id: int,
    centre: str,
    period: DeclaredPeriod,
    today: date,
    legislation: Legislation,
) -> None:
    """Whatever makes it that the period is not owed, or not late, or was assessed otherwise."""
    employer = await employers.employer_by_id(connection, employer_id)
    place = next(one for one in await employers.payment_centres(connection, employer_id) if one.centre == centre)
    filed = await obligations.select_filed_periods(connection, employer_id=employer_id, year=period.year, centre=centre)
    declared = [one.period for one in filed if one.form == "periodic"]
    if any(overlap(declared_period(code), period) for code in declared):
        raise PeriodAlreadyDeclared(period=period.code)
    made = await provisional.select_provisionals(connection, employer_id=employer_id, centre=centre)
    for one in made:
        if overlap(declared_period(one.period), period):
            raise ProvisionalMade(period=one.period)
    right = [one for one in periods_of(period.year, employer.periodicity, declared) if overlap(one, period)]
    if period not in right:
        raise WrongPeriodicity(pointer="/period", period=period.code, right=", ".join(one.code for one in right))
    lived = _lived(period, employer, place)
    if lived.none:
        raise PeriodNotOwed(period=period.code)
    due = periodic_deadline(period, legislation.on(period.last_day))
    if today <= due:
        raise PeriodNotLate(period=period.code, due=due.isoformat())
    suspended = await suspensions.select_accepted(connection, employer_id=employer_id)
    if covered(lived, [Days(first=first, last=last) for first, last in suspended.get(centre, [])]):
        raise PeriodSuspended(period=period.code)


def _lived(period: DeclaredPeriod, employer: EmployerFacts, centre: PaymentCentre) -> Days:
    """The days of the period on which the employer and its payment centre were open."""
    days = Days(first=period.first_day, last=period.last_day)
    for one in (employer, centre):
        days = days.within(Days(first=one.opened_on, last=one.closed_on))
    return days


async def _reckon(
    connection: Connection,
    employer_id: int,
    centre: str,
    period: DeclaredPeriod,
    workers: int | None,
    legislation: Legislation,
    today: date,
) -> Reckoned:
    told = [
        one
        for year in (period.year - 1, period.year)
        for one in await tell_year(connection, employer_id=employer_id, centre=centre, year=Year(year))
        if one.form != "provisional"
    ]
    return reckon(period, bases_that_stand(told), workers, legislation, legislation.on(today))


async def _insert(
    connection: Connection,
    caller: Caller,
    centre: str,
    period: DeclaredPeriod,
    reckoned: Reckoned,
    *,
    today: date,
    now: datetime,
) -> ProvisionalRow:
    made = ProvisionalRow(
        provisional_id=uuid4(),
        centre=centre,
        period=period.code,
        taken_from=reckoned.taken_from,
        source_periods=reckoned.source_periods,
        bases=dict(reckoned.bases),
        amounts=reckoned.amounts,
        increase=reckoned.increase,
        increase_kept=reckoned.increase,
        made_by=caller.label,
        made_at=now,
        legal_day=today,
        booked_at=None,
        replaced_by=None,
        replaced_at=None,
    )
    await provisional.insert_provisional(connection, employer_id=caller.employer_id, made=made)
    details = {"period": made.period, "total": made.amounts.total, "increase": made.increase}
    await _tell(connection, caller, made.provisional_id, details, now)
    return made


async def _tell(
    connection: Connection, caller: Caller, provisional_id: UUID, details: dict[str, object], now: datetime
) -> None:
    kind = "provisional_assessment.made"
    await journal.record(connection, caller.actor, kind, provisional_id, now=caller.fund_time(now), details=details)
    await outbox.insert_event(
        connection, employer_id=caller.employer_id, kind=kind, subject=provisional_id, now=now, payload=details
    )
