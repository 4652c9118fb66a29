"""Job: what a filed declaration costs, and what is owed for it, in one transaction.

Transition: `assessments` waiting → assessed, with the parts, what periods are assessed at, the dues and the ledger's
transfers. Run twice, the second finds nothing that waits. What was told of one centre's year is assessed in order.
"""

from typing import Any
from uuid import UUID

from schemas.actors import job
from teledeclaration.database import transaction
from teledeclaration.payroll.actions.assessing import assess_waiting
from teledeclaration.payroll.queries import assessments
from workers.booking import book

NAME = "assess_declaration"


async def assess_declaration(ctx: dict[str, Any], employer_id: int, declaration_id: str) -> int:
    """How many were assessed: this declaration, and whatever was told before it that still waited."""
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
            await book(connection, actor, result, now=now, time_zone=ctx["settings"].fund_time_zone)
    return len(results)
