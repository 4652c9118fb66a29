"""Hourly: seal what was journaled since the last seal, employer by employer.

Transition: a row more in `journal_seals` of each employer with settled entries. Two at once meet on the
seal's number, and one of them does nothing.
"""

from typing import Any

import asyncpg

from schemas.actors import SWEEPER, job
from teledeclaration import journal
from teledeclaration.database import transaction

EMPLOYERS_AT_ONCE = 1000


async def seal_journals(ctx: dict[str, Any]) -> int:
    """How many entries were sealed."""
    sealed, after = 0, -1
    while employers := await _employers_after(ctx, after):
        for employer_id in employers:
            sealed += await _seal(ctx, employer_id)
        after = employers[-1]
    return sealed


async def _employers_after(ctx: dict[str, Any], after: int) -> list[int]:
    async with transaction(ctx["pool"], SWEEPER) as connection:
        return await journal.select_unsealed_employers(
            connection, after=after, now=ctx["clock"](), limit=EMPLOYERS_AT_ONCE
        )


async def _seal(ctx: dict[str, Any], employer_id: int) -> int:
    try:
        async with transaction(ctx["pool"], job("seal_journals", employer_id)) as connection:
            return await journal.seal_entries(connection, employer_id=employer_id, now=ctx["clock"]())
    except asyncpg.UniqueViolationError:
        return 0
