"""Job: turn an upload into checked lines, or check mended lines again.

Transition: `readings` waiting → checked | unreadable. Run twice, the second finds nothing to claim; killed
anywhere, the lease runs out and the sweeper sends it again.
"""

from typing import Any
from uuid import UUID

from schemas.actors import job
from teledeclaration.database import transaction
from teledeclaration.payroll.actions.checking import read_upload as read
from teledeclaration.payroll.actions.claiming import ReadingTools
from teledeclaration.payroll.actions.reviewing import REVIEW_JOB
from teledeclaration.payroll.queries import reviews
from teledeclaration.queue import LONG

NAME = "read_upload"


async def read_upload(ctx: dict[str, Any], employer_id: int, reading_id: str) -> bool:
    """Whether this run did the work."""
    tools = ReadingTools(
        pool=ctx["pool"],
        storage=ctx["storage"],
        reader=ctx["reader"],
        legislation=ctx["legislation"],
        settings=ctx["settings"],
        clock=ctx["clock"],
    )
    done = await read(tools, employer_id=employer_id, reading_id=UUID(reading_id))
    if done:
        await _have_reviewed(ctx, employer_id, UUID(reading_id))
    return done


async def _have_reviewed(ctx: dict[str, Any], employer_id: int, reading_id: UUID) -> None:
    """Send the comparison of what was read, where its changes are to be reviewed before they count."""
    async with transaction(ctx["pool"], job(NAME, employer_id)) as connection:
        review_id = await reviews.select_review_of_reading(connection, employer_id=employer_id, reading_id=reading_id)
    if review_id is not None:
        await ctx["queue"].enqueue(REVIEW_JOB, employer_id=employer_id, subject=review_id, queue=LONG)
