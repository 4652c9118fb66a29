"""From what is declared to what it costs: each period of a centre's year as it stands, and what a declaration changed.

What a period is assessed at is worked out anew from all that stands, whatever way it came, so that only differences
are ever booked. Law: contributions by rate line, branch and payer under the values of each period (`payroll.law`).
An assessment is kept whole with its values; a later change of values never touches it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from schemas.assessments import AssessedAmounts, IncreaseChange, PeriodChange
from teledeclaration.database import Connection
from teledeclaration.legislation import Legislation
from teledeclaration.money import Centimes
from teledeclaration.payroll.actions.told import Event, select_events, tell
from teledeclaration.payroll.law.contributions import difference, side_by_side, year_buckets
from teledeclaration.payroll.law.deadlines import complementary_deadline, periodic_deadline
from teledeclaration.payroll.law.periods import periodic as declared_period
from teledeclaration.payroll.law.periods import quarter_of
from teledeclaration.payroll.law.provisional import increase_after_declaration
from teledeclaration.payroll.law.years import Told, bases_that_stand, overlap
from teledeclaration.payroll.queries import assessments, declarations, provisional
from teledeclaration.payroll.queries.assessments import NOTHING
from teledeclaration.payroll.queries.provisional import ProvisionalRow
from teledeclaration.periods import Quarter, Year, parse_period

Costs = Mapping[str, AssessedAmounts]


class Replacement(msgspec.Struct, frozen=True):
    """A provisional assessment whose period was declared, and what stays owed of its increase."""

    provisional: ProvisionalRow
    declaration_id: UUID
    increase_kept: Centimes


class Assessed(msgspec.Struct, frozen=True, kw_only=True):
    """What one declaration, or one provisional assessment, made of its centre's year; amounts in centimes.

    `amounts`: of an annual declaration the whole year's, else its period's as it stands. `difference`: what it changed
    in contributions, the sum of `changes`. `replaced`: the provisional assessments whose period is declared now.
    """

    event: Event
    centre: str
    amounts: AssessedAmounts
    difference: Centimes
    changes: tuple[PeriodChange, ...]
    increases: tuple[IncreaseChange, ...] = ()
    replaced: tuple[Replacement, ...] = ()


class _Held(msgspec.Struct, frozen=True):
    """A centre's year whose row the transaction holds, and what was told of it, in order, with its bases.

    `quarters` are those that what waits can change.
    """

    employer_id: int
    centre: str
    year: Year
    events: Sequence[Event]
    told: Sequence[Told]
    quarters: Collection[Quarter]

    def known(self, place: int) -> list[int]:
        """The places of what counts when the event at `place` is assessed: all up to it, and whatever was assessed
        before, though a clock that was ahead may have put it later."""
        return [other for other, event in enumerate(self.events) if other <= place or not event.waits]


async def assess_waiting(
    connection: Connection, legislation: Legislation, *, employer_id: int, declaration_id: UUID, now: datetime
) -> list[Assessed]:
    """waiting → assessed, for a declaration and whatever was told before it of its centre's year, in order.

    The year is held, so that two jobs of one year follow one another, and the second finds nothing to do.
    """
    row = await declarations.select_declaration(connection, employer_id=employer_id, declaration_id=declaration_id)
    if row is None:
        return []
    return await assess_until(
        connection,
        legislation,
        employer_id=employer_id,
        centre=row.centre,
        year=Year(row.year),
        subject=declaration_id,
        now=now,
    )


async def assess_until(
    connection: Connection,
    legislation: Legislation,
    *,
    employer_id: int,
    centre: str,
    year: Year,
    subject: UUID,
    now: datetime,
) -> list[Assessed]:
    """Assess what waits of a centre's year, up to the declaration or provisional assessment `subject`, and store it."""
    booked = await assessments.lock_year(connection, employer_id=employer_id, centre=centre, year=year.code, now=now)
    events = await select_events(connection, employer_id=employer_id, centre=centre, year=year)
    until = next((place for place, event in enumerate(events, 1) if event.subject == subject), 0)
    waiting = [place for place, event in enumerate(events[:until]) if event.waits]
    if not waiting:
        return []
    quarters = _reached([events[place] for place in waiting], year, booked)
    told = await tell(connection, employer_id=employer_id, events=events, quarters=quarters, counting_waiting=False)
    held = _Held(employer_id, centre, year, events, told, quarters)
    results = []
    for place in waiting:
        costs = _costs(held, place, booked, legislation)
        result = _assessed(held, place, booked, costs, legislation)
        await _store(connection, held, result, booked, costs, now)
        booked = {**booked, **costs}
        results.append(result)
    return results


def _reached(waiting: Sequence[Event], year: Year, booked: Costs) -> set[Quarter]:
    """The quarters whose periods can change: all of them by an annual declaration, or where one was booked whole."""
    if booked[year.code].lines or any(event.form == "annual" for event in waiting):
        return set(year.quarters)
    return {quarter_of(declared_period(event.period)) for event in waiting}


def _costs(held: _Held, place: int, booked: Costs, legislation: Legislation) -> dict[str, AssessedAmounts]:
    """What the quarters reached and their months cost once the event at `place` is told: nothing, where a period was
    booked that is assessed no more, as a year that was booked whole."""
    stands = bases_that_stand([held.told[known] for known in held.known(place)])
    periodic = {period: bases for period, bases in stands.periodic.items() if quarter_of(period) in held.quarters}
    annual = stands.annual and {quarter: stands.annual[quarter] for quarter in held.quarters}
    whole = held.year.code
    reached = [code for code in booked if code == whole or quarter_of(declared_period(code)) in held.quarters]
    return dict.fromkeys(reached, NOTHING) | year_buckets(periodic, annual, legislation)


def _assessed(held: _Held, place: int, booked: Costs, costs: Costs, legislation: Legislation) -> Assessed:
    event = held.events[place]
    beyond = {code: difference(cost, booked.get(code, NOTHING)) for code, cost in costs.items()}
    before = [held.events[known] for known in held.known(place) if known != place]
    replaced = tuple(_replacements(event, before, legislation))
    return Assessed(
        event=event,
        centre=held.centre,
        amounts=side_by_side(costs.values()) if event.form == "annual" else costs.get(event.period, NOTHING),
        difference=sum(cost.total for cost in beyond.values()),
        changes=tuple(
            PeriodChange(period=code, due_on=_due_on(code, event, legislation), parts=cost.parts)
            for code, cost in beyond.items()
            if any(part.amount for part in cost.parts)
        ),
        increases=tuple(_increases(event, replaced)),
        replaced=replaced,
    )


def _due_on(code: str, event: Event, legislation: Legislation) -> date:
    """A period's own contributions are due with it; what an annual declaration adds to it, as the law's page says."""
    period = parse_period(code)
    if isinstance(period, Year):
        period = period.quarters[-1]
    elif code == event.period:
        return periodic_deadline(period, legislation.on(period.last_day))
    quarter = quarter_of(period)
    return complementary_deadline(quarter, legislation.on(quarter.last_day))


def _replacements(last: Event, before: Sequence[Event], legislation: Legislation) -> Iterator[Replacement]:
    """The provisional assessments whose period `last` is the first to declare; also itself, where it is one that came
    too late. Of that one no increase was ever owed."""
    declared = [event for event in before if event.form == "periodic"]
    if isinstance(last, ProvisionalRow):
        first = next((event for event in declared if _same_days(event, last)), None)
        if first is not None:
            yield Replacement(last, first.subject, 0)
    elif last.form == "periodic":
        values = legislation.on(last.legal_day)
        for row in before:
            if isinstance(row, ProvisionalRow) and _same_days(row, last) and not _any_same_days(row, declared):
                yield Replacement(row, last.subject, increase_after_declaration(row.increase, values))


def _any_same_days(event: Event, others: Sequence[Event]) -> bool:
    return any(_same_days(event, other) for other in others)


def _same_days(one: Event, other: Event) -> bool:
    return overlap(declared_period(one.period), declared_period(other.period))


def _increases(event: Event, replaced: Sequence[Replacement]) -> Iterator[IncreaseChange]:
    """A provisional assessment's increase is owed from the day it is made; what is not kept of it, no more."""
    if isinstance(event, ProvisionalRow):
        amounts = [] if replaced else [(event, event.increase)]
    else:
        amounts = [(one.provisional, one.increase_kept - one.provisional.increase) for one in replaced]
    for row, amount in amounts:
        if amount:
            yield IncreaseChange(
                provisional_id=row.provisional_id, period=row.period, due_on=row.legal_day, amount=amount
            )


async def _store(
    connection: Connection, held: _Held, result: Assessed, booked: Costs, costs: Costs, now: datetime
) -> None:
    employer_id, event = held.employer_id, result.event
    changed = {code: cost for code, cost in costs.items() if cost != booked.get(code)}
    await assessments.store_periods(connection, employer_id=employer_id, centre=held.centre, amounts=changed, now=now)
    for one in result.replaced:
        await provisional.mark_replaced(
            connection,
            employer_id=employer_id,
            provisional_id=one.provisional.provisional_id,
            replaced_by=one.declaration_id,
            increase_kept=one.increase_kept,
            now=now,
        )
    if isinstance(event, ProvisionalRow):
        await provisional.mark_booked(
            connection,
            employer_id=employer_id,
            provisional_id=event.subject,
            difference=result.difference,
            now=now,
        )
        return
    await assessments.store_assessment(
        connection,
        employer_id=employer_id,
        declaration_id=event.subject,
        amounts=result.amounts,
        difference=result.difference,
        now=now,
    )
    await assessments.insert_parts(
        connection, employer_id=employer_id, declaration_id=event.subject, amounts=result.amounts
    )
