"""Job: compare a new file with the lines a draft stands on, or a draft with the declaration it replaces.

Transition: `reviews` waiting → ready, or outdated where the draft asks for it no more. Run twice, the second finds
nothing to claim; killed anywhere, the lease runs out and the sweeper sends it again.
"""

from typing import Any
from uuid import UUID

from teledeclaration.payroll.actions.reviewing import REVIEW_JOB, compare_changes

NAME = REVIEW_JOB


async def review_changes(ctx: dict[str, Any], employer_id: int, review_id: str) -> bool:
    """Whether this run did the work."""
    return await compare_changes(
        ctx["pool"], ctx["legislation"], ctx["clock"], employer_id=employer_id, review_id=UUID(review_id)
    )
