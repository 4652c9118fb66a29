"""Nightly: the seals of every employer's journal are compared with its entries, and what differs is told.

Transition: none, it only reads. Run twice, it tells the same.
"""

from typing import Any

import structlog
from prometheus_client import Gauge

from schemas.actors import SWEEPER, job
from teledeclaration import journal
from teledeclaration.database import Pool, transaction

EMPLOYERS_AT_ONCE = 1000

DIFFERING = Gauge("teledeclaration_journals_differing", "Journals that do not match their seals, as last checked")

log = structlog.get_logger(__name__)


async def check_journals(ctx: dict[str, Any]) -> int:
    """How many employers' journals differ from their seals."""
    differing, after = 0, -1
    while employers := await _employers_after(ctx["pool"], after):
        for employer_id in employers:
            differing += await _differs(ctx["pool"], employer_id)
        after = employers[-1]
    DIFFERING.set(differing)
    return differing


async def _employers_after(pool: Pool, after: int) -> list[int]:
    async with transaction(pool, SWEEPER) as connection:
        return await journal.select_sealed_employers(connection, after=after, limit=EMPLOYERS_AT_ONCE)


async def _differs(pool: Pool, employer_id: int) -> bool:
    async with transaction(pool, job("check_journals", employer_id)) as connection:
        seal_number = await journal.check_seals(connection, employer_id=employer_id)
    if seal_number is not None:
        log.error("journal_differs", employer_id=employer_id, seal_number=seal_number)
    return seal_number is not None
