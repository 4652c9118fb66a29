"""The calendar of what is owed: an employer's year, and who in an officer's scope is late."""

from collections.abc import Iterable
from datetime import date

import msgspec

from schemas.calendar import (
    Calendar,
    LatePeriod,
    Obligation,
    OwedOfPeriod,
    PeriodicityAdvice,
    UndeclaredEmployer,
    UndeclaredPage,
)
from schemas.employers import EmployerFacts, PaymentCentre
from schemas.payments import OwedPeriod
from teledeclaration.database import Connection
from teledeclaration.employers import facts as employers
from teledeclaration.languages import Language, say
from teledeclaration.legislation import Legislation
from teledeclaration.payments import facts as payments
from teledeclaration.payroll.law.calendar import (
    LATE_STATES,
    CentreLife,
    Days,
    by_headcount,
    obligations,
    undeclared_periods,
    until_closed,
)
from teledeclaration.payroll.queries import obligations as queries
from teledeclaration.payroll.queries import suspensions
from teledeclaration.payroll.queries.obligations import FiledPeriod, ScopeEmployer
from teledeclaration.settings import Settings

SCOPE_AT_ONCE = 500
SCOPE_A_PAGE = 2_000
"""How many employers one statement and one page look at, whatever they hold: a page costs the same in any scope."""


async def calendar_of(
    connection: Connection,
    employer_id: int,
    *,
    year: int,
    centre: str | None,
    legislation: Legislation,
    settings: Settings,
    language: Language,
    today: date,
) -> Calendar:
    """A year's obligations of an employer, at one centre or at all, with what is owed for each."""
    employer = await employers.employer_by_id(connection, employer_id)
    filed = await queries.select_filed_periods(connection, employer_id=employer_id, year=year, centre=centre)
    found = await _obligations(
        connection, employer, filed, year=year, centre=centre, legislation=legislation, settings=settings, today=today
    )
    owed = await payments.owed_by_period(connection, employer_id=employer_id, year=year, on=today)
    found = list(with_owed(found, owed))
    late = tuple(one for one in found if one.state in LATE_STATES or (one.owed and one.owed.late))
    return Calendar(
        year=year,
        today=today,
        obligations=tuple(found),
        late=late,
        undeclared=sum(one.state in LATE_STATES for one in late),
        late_amount=sum(one.owed.late for one in late if one.owed),
        periodicity=await _advice(connection, employer, year, legislation, language),
    )


async def _centres(connection: Connection, employer: EmployerFacts, filed: list[FiledPeriod]) -> list[CentreLife]:
    places = await employers.payment_centres(connection, employer.employer_id)
    accepted = await suspensions.select_accepted(connection, employer_id=employer.employer_id)
    closed = await queries.select_closed_accounts(connection, employer_id=employer.employer_id)
    return [
        _life(
            employer,
            place,
            suspended=accepted.get(place.centre, []),
            closing=closed.get(place.centre),
            declared=[row.period for row in filed if (row.form, row.centre) == ("periodic", place.centre)],
        )
        for place in places
    ]


async def _obligations(
    connection: Connection,
    employer: EmployerFacts,
    filed: list[FiledPeriod],
    *,
    year: int,
    centre: str | None,
    legislation: Legislation,
    settings: Settings,
    today: date,
) -> list[Obligation]:
    provisional = await queries.select_provisional_periods(connection, employer_id=employer.employer_id, year=year)
    return [
        one
        for place in await _centres(connection, employer, filed)
        if centre is None or place.centre == centre
        for one in obligations(
            place,
            year,
            employer.periodicity,
            periodic={row.period: row.filed for row in filed if (row.form, row.centre) == ("periodic", place.centre)},
            annual=next((row.filed for row in filed if (row.form, row.centre) == ("annual", place.centre)), None),
            provisional=provisional.get(place.centre, frozenset()),
            legislation=legislation,
            since=settings.obligations_from,
            today=today,
        )
    ]


def _life(
    employer: EmployerFacts | ScopeEmployer,
    place: PaymentCentre,
    *,
    suspended: Iterable[tuple[date, date | None]],
    closing: str | None,
    declared: Iterable[str],
) -> CentreLife:
    life = Days(first=employer.opened_on, last=employer.closed_on)
    return CentreLife(
        centre=place.centre,
        life=until_closed(life.within(Days(first=place.opened_on, last=place.closed_on)), closing, declared),
        suspensions=tuple(Days(first=first, last=last) for first, last in suspended),
    )


def with_owed(found: Iterable[Obligation], owed: Iterable[OwedPeriod]) -> Iterable[Obligation]:
    """Each obligation with what was booked for its period. What the year's declaration added to periods that are no
    obligation of the centre (a quarter, where months are declared) stands at the annual one."""
    found, sums = list(found), {(one.centre, one.period): one for one in owed}
    own = {(one.centre, one.period) for one in found}
    for one in found:
        keys = [(one.centre, one.period)]
        if one.form == "annual":
            keys += [key for key in sums if key not in own and key[0] == one.centre]
        booked = [sums[key] for key in keys if key in sums]
        yield msgspec.structs.replace(one, owed=_sum(booked)) if booked else one


def _sum(booked: list[OwedPeriod]) -> OwedOfPeriod:
    return OwedOfPeriod(
        amount=sum(one.amount for one in booked),
        remaining=sum(one.remaining for one in booked),
        late=sum(one.late for one in booked),
    )


async def _advice(
    connection: Connection, employer: EmployerFacts, year: int, legislation: Legislation, language: Language
) -> PeriodicityAdvice:
    """What the law's threshold says of the headcount last declared, beside what the register holds."""
    law = legislation.on(date(year, 12, 31)).reference("periodicity.monthly_from")
    last = await queries.select_last_headcount(connection, employer_id=employer.employer_id, year=year)
    by_law = by_headcount(last[1], int(law.value)) if last else None
    differs = by_law not in (None, employer.periodicity)
    return PeriodicityAdvice(
        registered=employer.periodicity,
        headcount=last[1] if last else None,
        headcount_of=last[0] if last else None,
        from_headcount=by_law,
        law=law,
        message=say(
            f"calendar.periodicity.{'differs' if differs else 'agrees' if by_law else 'unknown'}",
            language,
            registered=say(f"calendar.{employer.periodicity}", language),
            from_headcount=say(f"calendar.{by_law or employer.periodicity}", language),
            headcount=last[1] if last else 0,
            threshold=law.value,
        ),
    )


# ── officers ────────────────────────────────────────────────────────────────────────────────────


async def undeclared(
    connection: Connection,
    *,
    year: int,
    after: str,
    wilaya: int | None,
    limit: int,
    legislation: Legislation,
    settings: Settings,
    today: date,
) -> UndeclaredPage:
    """Employers of the officer's scope with late periods in a year, by number; at most SCOPE_A_PAGE looked at."""
    items: list[UndeclaredEmployer] = []
    looked_at, last = 0, after
    while looked_at < SCOPE_A_PAGE:
        scope = await queries.select_scope(connection, after=last, year=year, wilaya=wilaya, limit=SCOPE_AT_ONCE)
        for employer in scope:
            if len(items) == limit:
                return UndeclaredPage(items=tuple(items), looked_at=looked_at, next=last)
            looked_at, last = looked_at + 1, employer.number
            if late := _late_of(employer, year, legislation, settings, today):
                items.append(_shown(employer, late))
        if len(scope) < SCOPE_AT_ONCE:
            return UndeclaredPage(items=tuple(items), looked_at=looked_at, next=None)
    return UndeclaredPage(items=tuple(items), looked_at=looked_at, next=last)


def _late_of(
    employer: ScopeEmployer, year: int, legislation: Legislation, settings: Settings, today: date
) -> list[LatePeriod]:
    late: list[LatePeriod] = []
    for centre, opened_on, closed_on in employer.centres:
        declared = {period for where, period in employer.declared if where == centre}
        life = _life(
            employer,
            PaymentCentre(centre, "", employer.agency, opened_on, closed_on),
            suspended=[(first, last) for where, first, last in employer.suspended if where == centre],
            closing=max((period for where, period in employer.closed if where == centre), default=None),
            declared=declared,
        )
        late += undeclared_periods(
            life,
            year,
            employer.periodicity,
            declared=declared,
            provisional={period for where, period in employer.provisional if where == centre},
            legislation=legislation,
            since=settings.obligations_from,
            today=today,
        )
    return sorted(late, key=lambda one: (one.due, one.centre))


def _shown(employer: ScopeEmployer, late: list[LatePeriod]) -> UndeclaredEmployer:
    return UndeclaredEmployer(
        number=employer.number,
        name=employer.name,
        name_ar=employer.name_ar,
        wilaya=employer.wilaya,
        agency=employer.agency,
        periodicity=employer.periodicity,
        late=tuple(late),
    )
