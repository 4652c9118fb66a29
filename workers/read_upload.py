"""Job: turn an upload into checked lines, or check mended lines again.

Transition: `readings` waiting → checked | unreadable. Run twice, the second finds nothing to claim; killed
anywhere, the lease runs out and the sweeper sends it again.
"""

from typing import Any
from uuid import UUID

from teledeclaration.payroll.actions.checking import ReadingTools
from teledeclaration.payroll.actions.checking import read_upload as read

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
    return await read(tools, employer_id=employer_id, reading_id=UUID(reading_id))
