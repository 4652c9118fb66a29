"""What a draft's lines become once filed: the sums of a declaration, its content hash, and its own lines, by form."""

import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from schemas.legislation import RateCategory
from schemas.periodic import PeriodHeader
from teledeclaration.database import Connection
from teledeclaration.money import Centimes
from teledeclaration.payroll.actions.declaring import PeriodLook
from teledeclaration.payroll.law.headers import completed
from teledeclaration.payroll.law.periods import by_quarter, periodic
from teledeclaration.payroll.law.totals import Total
from teledeclaration.payroll.queries import declarations, lines
from teledeclaration.payroll.queries import periodic as periods
from teledeclaration.payroll.queries.drafts import DraftRow


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What is filed of a draft; `reading_id` is None where nothing was to be declared, `totals` are by rate line."""

    reading_id: UUID | None
    line_count: int
    left_out_count: int
    quarters: tuple[Centimes, Centimes, Centimes, Centimes]
    content_hash: str
    header: PeriodHeader = PeriodHeader()
    totals: dict[RateCategory, Total] | None = None


async def annual_content(connection: Connection, *, employer_id: int, reading_id: UUID) -> Content:
    """The lines of a year as they will be declared."""
    sums = await lines.sum_lines(connection, employer_id=employer_id, reading_id=reading_id)
    return Content(
        reading_id=reading_id,
        line_count=sums.line_count,
        left_out_count=sums.left_out_count,
        quarters=(sums.q1, sums.q2, sums.q3, sums.q4),
        content_hash=await declarations.hash_lines(connection, employer_id=employer_id, reading_id=reading_id),
    )


async def periodic_content(
    connection: Connection, *, employer_id: int, draft: DraftRow, reading_id: UUID | None, look: PeriodLook
) -> Content:
    """The bases of a month or quarter as they will be declared, by employee or by rate category.

    What the header of a first or replacing declaration leaves out is filled in as it was counted.
    """
    by_employee = draft.form == "periodic" and reading_id is not None
    totals = None if by_employee else look.by_category or {}
    return Content(
        reading_id=reading_id,
        line_count=look.lines.line_count,
        left_out_count=look.lines.left_out_count,
        quarters=by_quarter(periodic(draft.period), look.lines.base),
        content_hash=await _periodic_hash(connection, employer_id, reading_id, totals),
        header=draft.header if draft.completes else completed(draft.header, look.counts),
        totals=totals,
    )


async def _periodic_hash(
    connection: Connection, employer_id: int, reading_id: UUID | None, totals: dict[RateCategory, Total] | None
) -> str:
    if totals is None and reading_id is not None:
        return await periods.hash_periodic_lines(connection, employer_id=employer_id, reading_id=reading_id)
    return hashlib.sha256(periods.totals_as_csv(totals or {}).encode()).hexdigest()


async def store_lines(
    connection: Connection, *, employer_id: int, form: str, declaration_id: UUID, content: Content
) -> None:
    """Write a declaration's own lines, from those of its draft."""
    where: dict[str, Any] = {"employer_id": employer_id, "declaration_id": declaration_id}
    if content.totals is not None:
        await periods.insert_periodic_totals(connection, **where, totals=content.totals)
    elif content.reading_id is not None and form == "periodic":
        await periods.insert_periodic_lines(connection, **where, reading_id=content.reading_id)
    elif content.reading_id is not None:
        await declarations.insert_declared_lines(connection, **where, reading_id=content.reading_id)


async def ask_for_numbers(
    connection: Connection, *, employer_id: int, form: str, declaration_id: UUID, requested_by: str, now: datetime
) -> int:
    """A registration for everyone declared without a number, but for whom one is asked for already; how many."""
    insert = periods.insert_registrations if form == "periodic" else declarations.insert_registrations
    return await insert(
        connection, employer_id=employer_id, declaration_id=declaration_id, requested_by=requested_by, now=now
    )
