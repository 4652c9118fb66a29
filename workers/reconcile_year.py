"""Job: compare a centre's year, periodic and annual declarations, movements, minimum wage and the year before.

Transition: `reconciliations` waiting → done, with its differences. Run twice, the second finds nothing to claim; asked
again while it runs, it stores nothing and another run does. Killed anywhere, the lease runs out and the sweeper sends
it again.
"""

from typing import Any
from uuid import UUID

from teledeclaration.payroll.actions.reconciling import RECONCILE_JOB, compare_one

NAME = RECONCILE_JOB


async def reconcile_year(ctx: dict[str, Any], employer_id: int, subject: str) -> bool:
    """Whether this run did the work."""
    return await compare_one(
        ctx["pool"], ctx["legislation"], ctx["clock"], employer_id=employer_id, subject=UUID(subject)
    )
