"""Job: what a filed declaration costs, and what is owed for it, in one transaction.

Transition: `assessments` waiting → assessed, with the parts, the dues and the ledger's transfers. Run twice,
the second finds nothing that waits. Declarations of one centre's year are assessed in the order of filing.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from schemas.actors import Actor, job
from teledeclaration import journal, outbox
from teledeclaration.clock import legal_day
from teledeclaration.database import Connection, transaction
from teledeclaration.legislation import Legislation
from teledeclaration.payments.actions import book_assessment
from teledeclaration.payroll.actions.assessing import Assessed, assess_waiting
from teledeclaration.payroll.law.deadlines import annual_deadline
from teledeclaration.payroll.queries import assessments
from teledeclaration.periods import Year

NAME = "assess_declaration"


async def assess_declaration(ctx: dict[str, Any], employer_id: int, declaration_id: str) -> int:
    """How many declarations were assessed: this one, and any filed before it that still waited."""
    actor, now = job(NAME, employer_id), ctx["clock"]()
    wanted = UUID(declaration_id)
    async with transaction(ctx["pool"], actor) as connection:
        taken = await assessments.take_assessment(connection, employer_id=employer_id, declaration_id=wanted, now=now)
    if not taken:
        return 0
    async with transaction(ctx["pool"], actor) as connection:
        results = await assess_waiting(
            connection, ctx["legislation"], employer_id=employer_id, declaration_id=wanted, now=now
        )
        for result in results:
            await _book(connection, actor, result, ctx["legislation"], now, ctx["settings"].fund_time_zone)
    return len(results)


async def _book(
    connection: Connection, actor: Actor, result: Assessed, legislation: Legislation, now: datetime, time_zone: str
) -> None:
    """Dues and transfers of one assessment, told and journaled."""
    declaration, year = result.declaration, Year(result.declaration.year)
    employer_id = actor.employer_id or 0
    await book_assessment(
        connection,
        employer_id=employer_id,
        declaration_id=declaration.declaration_id,
        centre=declaration.centre,
        period=year,
        due_on=annual_deadline(year, legislation.on(year.last_day)).due,
        amounts=result.difference.parts,
        now=now,
        legal_day=legal_day(now, time_zone),
    )
    details = {"total": result.amounts.total, "difference": result.difference.total}
    await journal.record(
        connection, actor, "declaration.assessed", declaration.declaration_id, now=now, details=details
    )
    await outbox.insert_event(
        connection,
        employer_id=employer_id,
        kind="declaration.assessed",
        subject=declaration.declaration_id,
        now=now,
        payload=details | {"number": declaration.number},
    )
