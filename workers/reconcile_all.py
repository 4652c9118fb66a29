"""Nightly: the year of every employer that declared anything for it, compared where something changed since.

Transition: `reconciliations` of each centre, to what this comparison found; one that was asked for meanwhile is left to
its own job. Run twice, it finds nothing changed. A batch at a time, so that memory does not grow with their number.
"""

from typing import Any

import structlog

from schemas.actors import FUND_EMPLOYER_ID, SWEEPER, job
from teledeclaration.clock import legal_day
from teledeclaration.database import transaction
from teledeclaration.payroll.actions.reconciling import CentreYear, compare_many
from teledeclaration.payroll.queries import reconciliation
from teledeclaration.payroll.queries.reconciliation import Changed, ReconciliationRow

NAME = "reconcile_all"
EMPLOYERS_AT_ONCE = 500

log = structlog.get_logger(__name__)


async def reconcile_all(ctx: dict[str, Any]) -> int:
    """How many centres' years were compared, of the year in course and of the one before."""
    today = legal_day(ctx["clock"](), ctx["settings"].fund_time_zone)
    return sum([await reconcile_all_of(ctx, year) for year in (today.year - 1, today.year)])


async def reconcile_all_of(ctx: dict[str, Any], year: int) -> int:
    """The same of one year."""
    compared, after, law = 0, FUND_EMPLOYER_ID, ctx["legislation"].fingerprint()
    while employers := await _employers_after(ctx, after):
        after = employers[-1]
        filed, seen = await _filed(ctx, employers, year), await _seen(ctx, employers, year)
        changed = [
            CentreYear(employer_id=one.employer_id, centre=one.centre, year=year)
            for one in filed
            if _is_to_be_compared(one, seen.get((one.employer_id, one.centre)), law)
        ]
        if changed:
            compared += await compare_many(ctx["pool"], ctx["legislation"], ctx["clock"], asked=changed, seen=seen)
    log.info("reconciled", year=year, compared=compared)
    return compared


async def _employers_after(ctx: dict[str, Any], after: int) -> list[int]:
    async with transaction(ctx["pool"], job(NAME, FUND_EMPLOYER_ID)) as connection:
        return await reconciliation.select_employers(connection, after=after, limit=EMPLOYERS_AT_ONCE)


async def _filed(ctx: dict[str, Any], employers: list[int], year: int) -> list[Changed]:
    async with transaction(ctx["pool"], job(NAME, FUND_EMPLOYER_ID)) as connection:
        return await reconciliation.select_changed(connection, employer_ids=employers, year=year)


async def _seen(ctx: dict[str, Any], employers: list[int], year: int) -> dict[tuple[int, str], ReconciliationRow]:
    async with transaction(ctx["pool"], SWEEPER) as connection:
        return await reconciliation.select_state(connection, employer_ids=employers, year=year)


def _is_to_be_compared(changed: Changed, seen: ReconciliationRow | None, law: str) -> bool:
    """Not where a job will, where an employer compares a draft of theirs, or where nothing changed since."""
    if seen is None:
        return True
    if seen.status != "done" or seen.done_at is None or seen.facts.get("against") == "draft":
        return False
    return seen.done_at <= changed.changed_at or seen.facts.get("law") != law
