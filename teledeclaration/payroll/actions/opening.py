"""Opening the draft of a declaration: which one it is, and whether it can be made at that place and time."""

from datetime import date, datetime
from typing import Any
from uuid import uuid4

import msgspec

from schemas.employers import EmployerFacts, PaymentCentre
from schemas.payroll import NewDraft
from schemas.periodic import PeriodHeader
from teledeclaration import journal
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.employers import facts as employers
from teledeclaration.employers.guard import Caller
from teledeclaration.errors import NotFound
from teledeclaration.payroll.actions.declaring import change_header
from teledeclaration.payroll.errors import (
    AlreadyDeclared,
    CentreNeeded,
    NotInForce,
    PeriodAfterClosing,
    PeriodBeforeOpening,
    PeriodNotOver,
    PeriodUnknown,
    WrongKindOfDeclaration,
    WrongPeriodicity,
    YearNotOver,
)
from teledeclaration.payroll.law.calendar import periods_of
from teledeclaration.payroll.queries import declarations, drafts, obligations
from teledeclaration.payroll.queries.drafts import DraftRow
from teledeclaration.periods import Month, Period, Quarter, Year, parse_period


class Place(msgspec.Struct, frozen=True):
    """Where and when a declaration is: a payment centre and a period."""

    centre: PaymentCentre
    period: Period


def declared_form(form: str) -> str:
    """The form a draft is filed as: the bases of a period are one declaration, by employee or by rate line."""
    return "periodic" if form == "totals" else form


async def open_draft(pool: Pool, caller: Caller, wanted: NewDraft, *, now: datetime, today: date) -> DraftRow:
    """The draft of this declaration: the open one where there is one, else a new one."""
    async with transaction(pool, caller.actor) as connection:
        return await draft_for(connection, caller, wanted, now=now, today=today)


async def draft_for(
    connection: Connection, caller: Caller, wanted: NewDraft, *, now: datetime, today: date
) -> DraftRow:
    """As `open_draft`, in a transaction at hand. Says what is wrong with the wish before anything is kept.

    A header given changes that of the draft which is open already.
    """
    place = await _place(connection, caller.employer_id, wanted, today)
    await _check_beside(connection, caller.employer_id, wanted, place)
    described: dict[str, Any] = {
        "form": wanted.form,
        "centre": place.centre.centre,
        "period": place.period.code,
        "type": wanted.type,
        "replaces": wanted.replaces,
        "completes": wanted.completes,
    }
    found = await drafts.select_open_draft(connection, employer_id=caller.employer_id, **described)
    if found is not None:
        if wanted.header is None or wanted.header == found.header:
            return found
        return await change_header(connection, caller, found, wanted.header, now=now)
    draft = await drafts.insert_draft(
        connection,
        employer_id=caller.employer_id,
        draft_id=uuid4(),
        year=place.period.year,
        header=wanted.header or PeriodHeader(),
        created_by=caller.label,
        now=now,
        **described,
    )
    await journal.record(connection, caller.actor, "draft.opened", draft.draft_id, now=caller.fund_time(now))
    return draft


async def chosen_centre(connection: Connection, employer_id: int, wanted: str | None) -> str:
    """The payment centre asked for, or the only one; CentreNeeded where that is none, or unclear."""
    return (await _centre(connection, employer_id, wanted)).centre


async def chosen_period(
    connection: Connection, employer_id: int, centre: str | None, wanted: str | None, today: date
) -> Month | Quarter:
    """The period asked for, over or not, or the one that ended last, as the employer declares.

    PeriodUnknown, or WrongPeriodicity.
    """
    employer = await employers.employer_by_id(connection, employer_id)
    return await _periodic(connection, employer, centre, wanted, today)


def chosen_year(wanted: NewDraft, today: date) -> int:
    """The year that ended last, unless another is asked for; PeriodUnknown, or YearNotOver."""
    asked = _asked_year(wanted)
    year = today.year - 1 if asked is None else asked
    if year >= today.year:
        raise YearNotOver(pointer="/year", year=year, next_year=year + 1)
    return year


def any_period(wanted: str | None, today: date) -> Month | Quarter:
    """A month or quarter of nobody's: the one asked for, or the month that ended last; PeriodUnknown."""
    period = _ended_last(today, monthly=True) if wanted is None else _parsed(wanted)
    if isinstance(period, Year):
        raise PeriodUnknown(pointer="/period", period=period.code, examples="2026-01, 2026-Q1")
    return period


async def _place(connection: Connection, employer_id: int, wanted: NewDraft, today: date) -> Place:
    centre = await _centre(connection, employer_id, wanted.centre)
    if wanted.form == "annual":
        return Place(centre, Year(chosen_year(wanted, today)))
    if wanted.form == "movements":
        return Place(centre, Year(_movements_year(_asked_year(wanted), today)))
    employer = await employers.employer_by_id(connection, employer_id)
    period = await _periodic(connection, employer, centre.centre, wanted.period, today)
    if today < period.last_day:
        raise PeriodNotOver(pointer="/period", period=period.code, from_day=period.last_day.isoformat())
    for opened_on, closed_on in ((employer.opened_on, employer.closed_on), (centre.opened_on, centre.closed_on)):
        if opened_on is not None and period.last_day < opened_on:
            raise PeriodBeforeOpening(pointer="/period", period=period.code, opened_on=opened_on.isoformat())
        if closed_on is not None and period.first_day > closed_on:
            raise PeriodAfterClosing(pointer="/period", period=period.code, closed_on=closed_on.isoformat())
    return Place(centre, period)


async def _centre(connection: Connection, employer_id: int, wanted: str | None) -> PaymentCentre:
    centres = {centre.centre: centre for centre in await employers.payment_centres(connection, employer_id)}
    if wanted is None and len(centres) == 1:
        return next(iter(centres.values()))
    if wanted not in centres:
        raise CentreNeeded(pointer="/centre", centres=", ".join(centres) or "—")
    return centres[wanted]


def _asked_year(wanted: NewDraft) -> int | None:
    """The year by either name; PeriodUnknown where the period is no year, or another one."""
    if wanted.period is None:
        return wanted.year
    period = _parsed(wanted.period)
    if not isinstance(period, Year) or wanted.year not in (None, period.year):
        raise PeriodUnknown(pointer="/period", period=wanted.period, examples="2025")
    return period.year


def _movements_year(wanted: int | None, today: date) -> int:
    """The present year unless a former one is asked for."""
    year = today.year if wanted is None else wanted
    if year > today.year:
        raise PeriodNotOver(pointer="/year", period=str(year), from_day=Year(year).first_day.isoformat())
    return year


def _parsed(code: str) -> Period:
    try:
        return parse_period(code)
    except ValueError:
        raise PeriodUnknown(pointer="/period", period=code, examples="2026-01, 2026-Q1") from None


async def _periodic(
    connection: Connection, employer: EmployerFacts, centre: str | None, wanted: str | None, today: date
) -> Month | Quarter:
    """A month or a quarter, as this employer declares; the one that ended last where none is asked for.

    The register says how it declares today: a quarter begun the other way is completed and corrected that way.
    """
    monthly = employer.periodicity == "monthly"
    if wanted is None:
        return _ended_last(today, monthly=monthly)
    period = _parsed(wanted)
    if not isinstance(period, Year) and (
        isinstance(period, Month) == monthly or await _begun(connection, employer, centre, period)
    ):
        return period
    raise WrongPeriodicity(pointer="/period", period=wanted, right=", ".join(_right_periods(period, monthly=monthly)))


async def _begun(connection: Connection, employer: EmployerFacts, centre: str | None, period: Month | Quarter) -> bool:
    """Whether the quarter was declared in such periods before."""
    filed = await obligations.select_filed_periods(
        connection, employer_id=employer.employer_id, year=period.year, centre=centre
    )
    declared = [one.period for one in filed if one.form == "periodic"]
    return period in periods_of(period.year, employer.periodicity, declared)


def _ended_last(today: date, *, monthly: bool) -> Month | Quarter:
    months = [Month(today.year - 1, number) for number in range(1, 13)]
    months += [Month(today.year, number) for number in range(1, today.month + 1)]
    ended = [month for month in months if month.last_day <= today]
    if monthly:
        return ended[-1]
    last = next(month for month in reversed(ended) if month.number % 3 == 0)
    return Quarter(last.year, last.number // 3)


def _right_periods(period: Period, *, monthly: bool) -> list[str]:
    """What a period is called as the employer declares: the months of a quarter, the quarter of a month."""
    match period:
        case Year(year):
            return [f"{year}-01", f"{year}-12"] if monthly else [quarter.code for quarter in period.quarters]
        case Quarter():
            return [month.code for month in period.months]
        case Month(year, number):
            return [Quarter(year, (number + 2) // 3).code]


async def _check_beside(connection: Connection, employer_id: int, wanted: NewDraft, place: Place) -> None:
    """A declaration stands beside the others as its type says (N normal, C complementary, R regularisation)."""
    if (wanted.type == "C") != (wanted.completes is not None) or (wanted.type == "R" and wanted.replaces is None):
        raise WrongKindOfDeclaration(pointer="/type")
    if wanted.form == "movements":
        if wanted.type != "N" or wanted.replaces is not None:
            raise WrongKindOfDeclaration(pointer="/type")
        return
    form, centre, period = declared_form(wanted.form), place.centre.centre, place.period.code
    named = wanted.replaces or wanted.completes
    if named is None:
        standing = await declarations.select_standing_declaration(
            connection, employer_id=employer_id, form=form, centre=centre, period=period
        )
        if standing is not None:
            raise AlreadyDeclared(centre=centre, period=period, standing=str(standing))
        return
    row = await declarations.select_declaration(connection, employer_id=employer_id, declaration_id=named)
    if row is None:
        raise NotFound(pointer="/replaces" if wanted.replaces else "/completes")
    if not row.in_force or (row.form, row.centre, row.period) != (form, centre, period):
        raise NotInForce
