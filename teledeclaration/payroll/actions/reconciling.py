"""A centre's year compared: asked for, compared by a worker or in the night, and differences stood by.

waiting → done; waiting again, in the transaction that files or tells something of the year, or when someone asks. The
sweeper sends what waits.
"""

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import polars as pl

from schemas.actors import job
from schemas.reconciliation import Acceptance
from teledeclaration import journal
from teledeclaration.clock import Clock
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.employers.guard import Caller
from teledeclaration.errors import NotFound
from teledeclaration.legislation import Legislation
from teledeclaration.payroll.actions.gathering import draft_to_compare, gather_filed, gather_with_draft, rules_of
from teledeclaration.payroll.actions.opening import chosen_centre
from teledeclaration.payroll.errors import ComparisonMoved, DifferenceAccepted
from teledeclaration.payroll.law.reconciliation.comparing import DOUBTS, Comparison, compare_years
from teledeclaration.payroll.law.reconciliation.frames import Inputs
from teledeclaration.payroll.queries import differences, reconciliation
from teledeclaration.payroll.queries.compared import AnnualDraft
from teledeclaration.payroll.queries.differences import DifferenceRow
from teledeclaration.payroll.queries.reconciliation import ReconciliationRow, Result
from teledeclaration.queue import LONG, JobQueue

RECONCILE_JOB = "reconcile_year"


class CentreYear(msgspec.Struct, frozen=True, kw_only=True):
    """A centre's year: what is compared."""

    employer_id: int
    centre: str
    year: int

    @property
    def subject(self) -> UUID:
        """What a job's message carries of it."""
        return UUID(int=self.employer_id << 64 | int(self.centre) * 10_000 + self.year)

    @property
    def key(self) -> dict[str, Any]:
        return {"employer_id": self.employer_id, "centre": self.centre, "year": self.year}


def centre_year_of(employer_id: int, subject: UUID) -> CentreYear:
    """The other way round."""
    centre, year = divmod(subject.int & (2**64 - 1), 10_000)
    return CentreYear(employer_id=employer_id, centre=f"{centre:05d}", year=year)


# ── asking ──────────────────────────────────────────────────────────────────────────────────────


async def ask_for_comparison(
    pool: Pool, queue: JobQueue, caller: Caller, *, centre: str | None, year: int, draft_id: UUID | None, now: datetime
) -> CentreYear:
    """Let a year be compared, with the annual draft named instead of what is filed.

    CentreNeeded where the employer has several centres and none was named; NotFound where there is no such draft.
    """
    async with transaction(pool, caller.actor) as connection:
        chosen = await chosen_centre(connection, caller.employer_id, centre)
        asked = CentreYear(employer_id=caller.employer_id, centre=chosen, year=year)
        if draft_id is not None and await draft_to_compare(connection, **asked.key, draft_id=draft_id) is None:
            raise NotFound
        await reconciliation.ask(connection, **asked.key, draft_id=draft_id, now=now)
    await send(queue, asked, now)
    return asked


async def send(queue: JobQueue, asked: CentreYear, now: datetime) -> None:
    """A comparison asked for while another runs has a turn of its own."""
    turn = f"{now:%Y%m%d%H%M%S%f}"
    await queue.enqueue(RECONCILE_JOB, employer_id=asked.employer_id, subject=asked.subject, queue=LONG, turn=turn)


# ── comparing ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Found:
    """What a comparison says of one centre's year: differences as `Comparison` has them, the bases by quarter, how many
    lines were compared with what, and the fingerprint of the law it was made by."""

    differences: pl.DataFrame
    quarters: list[dict[str, Any]]
    lines: int
    has_annual: bool
    law: str
    draft: AnnualDraft | None = None


def _apart(comparison: Comparison, inputs: Inputs, law: str, draft: AnnualDraft | None = None) -> Iterator[_Found]:
    """A comparison's items one by one, in order."""
    rows = comparison.differences.partition_by("item", as_dict=True, include_key=False)
    quarters = comparison.quarters.partition_by("item", as_dict=True, include_key=False)
    compared = pl.concat([inputs.annual.select("item"), inputs.periodic.select("item")])["item"].value_counts()
    lines = dict(compared.iter_rows())
    none = comparison.differences.drop("item").clear()
    for item, has_annual in inputs.centres.select("item", "annual").iter_rows():
        bases = quarters[item,].to_dicts() if (item,) in quarters else []
        yield _Found(rows.get((item,), none), bases, lines.get(item, 0), has_annual, law, draft)


async def compare_one(pool: Pool, legislation: Legislation, clock: Clock, *, employer_id: int, subject: UUID) -> bool:
    """waiting → done. False where there was nothing to claim, or it was asked again meanwhile."""
    asked, lease = centre_year_of(employer_id, subject), uuid4()
    actor = job(RECONCILE_JOB, employer_id)
    async with transaction(pool, actor) as connection:
        row = await reconciliation.claim(connection, **asked.key, lease=lease, now=clock())
    if row is None:
        return False
    async with transaction(pool, actor, one_moment=True) as connection:
        draft = await draft_to_compare(connection, **asked.key, draft_id=row.facts.get("draft_id"))
        inputs = await _gathered(connection, asked, draft)
    comparison = await asyncio.to_thread(compare_years, inputs, rules_of(asked.year, legislation))
    [found] = _apart(comparison, inputs, legislation.fingerprint(), draft)
    async with transaction(pool, actor) as connection:
        result = await _result(connection, asked, found)
        done = await reconciliation.finish(connection, **asked.key, lease=lease, result=result, now=clock())
        if done:
            await differences.replace_differences(connection, **asked.key, differences=found.differences)
    return done


async def _gathered(connection: Connection, asked: CentreYear, draft: AnnualDraft | None) -> Inputs:
    if draft is not None:
        return await gather_with_draft(connection, **asked.key, draft=draft)
    return await gather_filed(connection, [(asked.employer_id, asked.centre)], year=asked.year)


async def compare_many(
    pool: Pool,
    legislation: Legislation,
    clock: Clock,
    *,
    asked: Sequence[CentreYear],
    seen: Mapping[tuple[int, str], ReconciliationRow],
) -> int:
    """A batch of the night: what was filed of these centres' year, compared at once and stored one by one.

    `seen` is what was stored of them before. How many were stored; one that was asked or done meanwhile is left.
    """
    year, law = asked[0].year, legislation.fingerprint()
    now = clock()
    async with transaction(pool, job(RECONCILE_JOB, 0), one_moment=True) as connection:
        inputs = await gather_filed(connection, [(one.employer_id, one.centre) for one in asked], year=year)
    comparison = await asyncio.to_thread(compare_years, inputs, rules_of(year, legislation))
    stored = 0
    for one, found in zip(asked, _apart(comparison, inputs, law), strict=True):
        before = seen.get((one.employer_id, one.centre))
        stored += await _store_night(pool, one, found, before, now)
    return stored


async def _store_night(
    pool: Pool, asked: CentreYear, found: _Found, before: ReconciliationRow | None, now: datetime
) -> bool:
    """Differences that are the same as before are not written again."""
    async with transaction(pool, job(RECONCILE_JOB, asked.employer_id)) as connection:
        result = await _result(connection, asked, found)
        seen = None if before is None else before.done_at
        stored = await reconciliation.store_unasked(connection, **asked.key, seen=seen, result=result, now=now)
        if stored and (before is None or before.facts.get("fingerprint") != result.facts["fingerprint"]):
            await differences.replace_differences(connection, **asked.key, differences=found.differences)
    return stored


async def _result(connection: Connection, asked: CentreYear, found: _Found) -> Result:
    """What is told of a comparison in sums."""
    rows = found.differences
    accepted = await differences.select_accepted(connection, **asked.key) if rows.height else frozenset()
    at_stake = doubtful = 0
    for kind, mark, worth in rows.select("kind", "mark", "contributions").iter_rows():
        if kind in DOUBTS:
            doubtful += abs(worth)
        elif mark not in accepted:
            at_stake += abs(worth)
    facts: dict[str, Any] = {
        "against": "draft" if found.draft else "declaration" if found.has_annual else "none",
        "quarters": found.quarters,
        "doubtful": doubtful,
        "law": found.law,
        "fingerprint": hashlib.sha256(rows.write_csv().encode()).hexdigest() if rows.height else "",
    }
    return Result(
        lines=found.lines,
        differences=rows.height,
        at_stake=at_stake,
        facts=facts | ({"draft_id": found.draft.draft_id} if found.draft else {}),
    )


# ── standing by a difference ────────────────────────────────────────────────────────────────────


async def accept_difference(
    pool: Pool, caller: Caller, asked: CentreYear, *, difference: int, said: Acceptance, now: datetime
) -> None:
    """Keep the reason why a difference is right: it is no longer counted, and stays accepted while its figures stay.

    NotFound where there is none of this number, ComparisonMoved where the year was compared again since it was seen,
    DifferenceAccepted where someone gave a reason before.
    """
    try:
        async with transaction(pool, caller.actor) as connection:
            found = await _difference(connection, asked, difference)
            # asked after the difference was read: a comparison stores both at once
            row = await reconciliation.select_reconciliation(connection, **asked.key)
            if row is None or row.done_at != said.compared_at:
                raise ComparisonMoved(pointer="/compared_at")
            await differences.insert_acceptance(
                connection, **asked.key, mark=found.mark, reason=said.reason, accepted_by=caller.label, now=now
            )
            await _reckon_again(connection, caller, asked, "difference.accepted", found, now)
    except asyncpg.UniqueViolationError:
        raise DifferenceAccepted from None


async def take_acceptance_back(
    pool: Pool, caller: Caller, asked: CentreYear, *, difference: int, now: datetime
) -> None:
    """The other way round; NotFound where it is not accepted."""
    async with transaction(pool, caller.actor) as connection:
        found = await _difference(connection, asked, difference)
        if not await differences.delete_acceptance(connection, **asked.key, mark=found.mark):
            raise NotFound
        await _reckon_again(connection, caller, asked, "difference.acceptance_taken_back", found, now)


async def _difference(connection: Connection, asked: CentreYear, difference: int) -> DifferenceRow:
    rows = await differences.select_differences(
        connection, **asked.key, after=difference - 1, limit=1, difference=difference
    )
    if not rows:
        raise NotFound
    return rows[0]


async def _reckon_again(
    connection: Connection, caller: Caller, asked: CentreYear, action: str, found: DifferenceRow, now: datetime
) -> None:
    await differences.update_stake(connection, **asked.key, doubts=DOUBTS)
    details = {"centre": asked.centre, "year": asked.year, "kind": found.kind, "contributions": found.contributions}
    await journal.record(connection, caller.actor, action, asked.subject, now=caller.fund_time(now), details=details)
