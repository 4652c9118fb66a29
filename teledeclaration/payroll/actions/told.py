"""What was told of a centre's year, in order: declarations and provisional assessments, with the bases they say."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from schemas.legislation import RateCategory
from teledeclaration.database import Connection
from teledeclaration.money import Centimes
from teledeclaration.payroll.law.contributions import Bases, DeclaredPeriod
from teledeclaration.payroll.law.periods import periodic as declared_period
from teledeclaration.payroll.law.periods import quarter_of
from teledeclaration.payroll.law.years import Told
from teledeclaration.payroll.queries import assessments, provisional
from teledeclaration.payroll.queries.assessments import AnnualBase, FiledRow
from teledeclaration.payroll.queries.provisional import ProvisionalRow
from teledeclaration.periods import Quarter, Year

Event = FiledRow | ProvisionalRow


async def select_events(connection: Connection, *, employer_id: int, centre: str, year: Year) -> list[Event]:
    """All that was told of a centre's year, in the order of telling; of one moment, declarations last and by number."""
    filed = await assessments.select_filed(connection, employer_id=employer_id, centre=centre, year=year.year)
    made = await provisional.select_provisionals(connection, employer_id=employer_id, centre=centre, year=year.code)
    return sorted([*made, *filed], key=lambda event: event.moment)


async def tell_year(connection: Connection, *, employer_id: int, centre: str, year: Year) -> list[Told]:
    """All that was told of a centre's year, with the bases of what still counts."""
    events = await select_events(connection, employer_id=employer_id, centre=centre, year=year)
    return await tell(connection, employer_id=employer_id, events=events, quarters=year.quarters)


async def tell(
    connection: Connection,
    *,
    employer_id: int,
    events: Sequence[Event],
    quarters: Collection[Quarter],
    counting_waiting: bool = True,
) -> list[Told]:
    """The events with their bases, summed by the database, in the same order.

    Bases are read of `quarters` only, and not of what was replaced: by any event, or, without `counting_waiting`, by
    one that was assessed. What else was told has its periods without bases.
    """
    gone = {event.replaces for event in events if counting_waiting or not event.waits}
    read = [
        event
        for event in events
        if isinstance(event, FiledRow) and event.subject not in gone and _within(event, quarters)
    ]
    annual = await _annual(connection, employer_id, [one.subject for one in read if one.form == "annual"])
    periodic = await _periodic(connection, employer_id, [one.subject for one in read if one.form == "periodic"])
    return [_told(event, annual[event.subject], periodic[event.subject]) for event in events]


def _within(event: FiledRow, quarters: Collection[Quarter]) -> bool:
    return event.form == "annual" or quarter_of(declared_period(event.period)) in quarters


def _told(event: Event, annual: list[AnnualBase], base: Bases) -> Told:
    if isinstance(event, ProvisionalRow):
        return Told(subject=event.subject, form="provisional", bases={declared_period(event.period): event.bases})
    if event.form == "annual":
        bases: dict[DeclaredPeriod, Bases] = {
            quarter: {row.rate_category: getattr(row, f"q{quarter.number}") for row in annual}
            for quarter in Year(int(event.period)).quarters
        }
        return Told(subject=event.subject, form="annual", replaces=event.replaces, bases=bases)
    return Told(
        subject=event.subject, form="periodic", replaces=event.replaces, bases={declared_period(event.period): base}
    )


async def _annual(
    connection: Connection, employer_id: int, declaration_ids: list[UUID]
) -> Mapping[UUID, list[AnnualBase]]:
    found: dict[UUID, list[AnnualBase]] = defaultdict(list)
    if declaration_ids:
        for row in await assessments.sum_annual_bases(
            connection, employer_id=employer_id, declaration_ids=declaration_ids
        ):
            found[row.declaration_id].append(row)
    return found


async def _periodic(connection: Connection, employer_id: int, declaration_ids: list[UUID]) -> Mapping[UUID, Bases]:
    found: dict[UUID, dict[RateCategory, Centimes]] = defaultdict(dict)
    if declaration_ids:
        for row in await assessments.sum_periodic_bases(
            connection, employer_id=employer_id, declaration_ids=declaration_ids
        ):
            found[row.declaration_id][row.rate_category] = row.base
    return found
