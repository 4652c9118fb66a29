"""Job: what is owed by a provisional assessment, in one transaction.

Transition: `provisional_assessments` made → booked, with what its period is assessed at, the dues and the ledger's
transfers. Run twice, the second finds nothing that waits. What was told of its year before is assessed first.
"""

from typing import Any
from uuid import UUID

from schemas.actors import job
from teledeclaration.database import transaction
from teledeclaration.payroll.actions.assessing import assess_until
from teledeclaration.payroll.actions.provisional import BOOK_JOB
from teledeclaration.payroll.queries import provisional
from teledeclaration.periods import Year
from workers.booking import book

NAME = BOOK_JOB


async def book_provisional(ctx: dict[str, Any], employer_id: int, provisional_id: str) -> int:
    """How many were assessed: this one, and whatever was told before it that still waited."""
    actor, now = job(NAME, employer_id), ctx["clock"]()
    async with transaction(ctx["pool"], actor) as connection:
        row = await provisional.select_provisional(
            connection, employer_id=employer_id, provisional_id=UUID(provisional_id)
        )
        if row is None or not row.waits:
            return 0
        results = await assess_until(
            connection,
            ctx["legislation"],
            employer_id=employer_id,
            centre=row.centre,
            year=Year(int(row.period[:4])),
            subject=row.provisional_id,
            now=now,
        )
        for result in results:
            await book(connection, actor, result, now=now, time_zone=ctx["settings"].fund_time_zone)
    return len(results)
