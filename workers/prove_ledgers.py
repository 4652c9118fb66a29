"""Nightly: the ledger of every employer that moved since its last proof is proved again, and what differs is told.

Transition: `ledger_proofs` of each employer, to what this proof found. Run twice, it proves the same.
"""

from datetime import timedelta
from typing import Any

import structlog

from schemas.actors import SWEEPER, job
from schemas.payments import Difference
from teledeclaration.database import Pool, transaction
from teledeclaration.payments.proof import PROVED_BEFORE_S, prove_ledger, select_employers_to_prove, upsert_proof

log = structlog.get_logger(__name__)

EMPLOYERS_AT_ONCE = 1000


async def prove_ledgers(ctx: dict[str, Any]) -> int:
    """How many employers differ."""
    differing, after = 0, -1
    while employers := await _employers_after(ctx["pool"], after):
        for employer_id in employers:
            if await _prove(ctx, employer_id):
                differing += 1
        after = employers[-1]
    return differing


async def _employers_after(pool: Pool, after: int) -> list[int]:
    async with transaction(pool, SWEEPER) as connection:
        return await select_employers_to_prove(connection, after=after, limit=EMPLOYERS_AT_ONCE)


async def _prove(ctx: dict[str, Any], employer_id: int) -> list[Difference]:
    now = ctx["clock"]()
    async with transaction(ctx["pool"], job("prove_ledgers", employer_id)) as connection:
        found = await prove_ledger(connection, employer_id=employer_id)
        await upsert_proof(
            connection,
            employer_id=employer_id,
            proved_until=now - timedelta(seconds=PROVED_BEFORE_S),
            now=now,
            found=found,
        )
    if found:
        log.error("ledger_differs", employer_id=employer_id, subjects=[difference.subject for difference in found])
    return found
