"""The work of comparing a centre's year, and its result in sums."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from schemas.reconciliation import ReconciliationStatus
from teledeclaration.database import Connection, one_changed

ATTEMPTS_MAX = 3
LEASE = timedelta(minutes=10)


class ReconciliationRow(msgspec.Struct, frozen=True, kw_only=True):
    """A centre's year as last compared."""

    employer_id: int
    centre: str
    year: int
    status: ReconciliationStatus
    attempt: int
    asked_at: datetime
    done_at: datetime | None
    facts: dict[str, Any]
    lines: int | None
    differences: int | None
    at_stake: int | None


_ROW = "employer_id, centre, year, status, attempt, asked_at, done_at, facts, lines, differences, at_stake"


async def ask(
    connection: Connection, *, employer_id: int, centre: str, year: int, draft_id: UUID | None, now: datetime
) -> None:
    """Let a centre's year wait to be compared, with an annual draft where one is named.

    A comparison under way is then of what was there before: its lease is taken away, and it stores nothing.
    """
    await connection.execute(
        """
        INSERT INTO reconciliations (employer_id, centre, year, wilaya, asked_at, facts)
        SELECT $1, $2, $3, wilaya, $4, $5 FROM employers WHERE employer_id = $1
            ON CONFLICT (employer_id, centre, year) DO UPDATE
           SET wilaya = excluded.wilaya, status = 'waiting', asked_at = $4, attempt = 0, lease = NULL,
               leased_until = NULL, facts = reconciliations.facts - 'draft_id' || $5
        """,
        employer_id,
        centre,
        year,
        now,
        {} if draft_id is None else {"draft_id": draft_id},
    )


async def ask_again(connection: Connection, *, employer_id: int, since: int, now: datetime) -> None:
    """Let every year of an employer that was compared before wait again, from the year `since` on."""
    await connection.execute(
        """
        UPDATE reconciliations
           SET status = 'waiting', asked_at = $3, attempt = 0, lease = NULL, leased_until = NULL
         WHERE employer_id = $1 AND year >= $2
        """,
        employer_id,
        since,
        now,
    )


async def claim(
    connection: Connection, *, employer_id: int, centre: str, year: int, lease: UUID, now: datetime
) -> ReconciliationRow | None:
    """Take a waiting comparison under a lease; None when it is done or in other hands."""
    row = await connection.fetchrow(
        f"""
        UPDATE reconciliations SET attempt = attempt + 1, lease = $4, leased_until = $5
         WHERE employer_id = $1 AND centre = $2 AND year = $3 AND status = 'waiting' AND attempt < $7
           AND (leased_until IS NULL OR leased_until < $6)
        RETURNING {_ROW}
        """,
        employer_id,
        centre,
        year,
        lease,
        now + LEASE,
        now,
        ATTEMPTS_MAX,
    )
    return None if row is None else msgspec.convert(row, ReconciliationRow)


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison found, in sums: `at_stake` without doubts and without what was accepted."""

    lines: int
    differences: int
    at_stake: int
    facts: dict[str, Any]


async def finish(
    connection: Connection,
    *,
    employer_id: int,
    centre: str,
    year: int,
    lease: UUID,
    result: Result,
    now: datetime,
) -> bool:
    """waiting → done on condition that the lease is still its own; False where it is not."""
    return one_changed(
        await connection.execute(
            """
            UPDATE reconciliations
               SET status = 'done', done_at = $5, lines = $6, differences = $7, at_stake = $8, facts = $9,
                   lease = NULL, leased_until = NULL
             WHERE employer_id = $1 AND centre = $2 AND year = $3 AND status = 'waiting' AND lease = $4
            """,
            employer_id,
            centre,
            year,
            lease,
            now,
            result.lines,
            result.differences,
            result.at_stake,
            result.facts,
        )
    )


async def store_unasked(
    connection: Connection,
    *,
    employer_id: int,
    centre: str,
    year: int,
    seen: datetime | None,
    result: Result,
    now: datetime,
) -> bool:
    """The result of a night's comparison, on condition that nothing was asked or done since (`seen` is the `done_at`
    that was read, None where there was no row); False where it was."""
    return one_changed(
        await connection.execute(
            """
            INSERT INTO reconciliations (employer_id, centre, year, wilaya, status, asked_at, done_at, lines,
                                         differences, at_stake, facts)
            SELECT $1, $2, $3, wilaya, 'done', $5, $5, $6, $7, $8, $9 FROM employers WHERE employer_id = $1
                ON CONFLICT (employer_id, centre, year) DO UPDATE
               SET wilaya = excluded.wilaya, done_at = $5, lines = $6, differences = $7, at_stake = $8, facts = $9
             WHERE reconciliations.status = 'done' AND reconciliations.done_at = $4
            """,
            employer_id,
            centre,
            year,
            seen,
            now,
            result.lines,
            result.differences,
            result.at_stake,
            result.facts,
        )
    )


async def select_waiting(connection: Connection, *, now: datetime, limit: int) -> list[tuple[int, str, int, int]]:
    """Over all employers, what waits in nobody's hands: (employer, centre, year, attempts), the oldest first."""
    rows = await connection.fetch(
        """
        SELECT employer_id, centre, year, attempt
          FROM reconciliations
         WHERE status = 'waiting' AND (leased_until IS NULL OR leased_until < $1)
         ORDER BY asked_at
         LIMIT $2
        """,
        now,
        limit,
    )
    return [(row["employer_id"], row["centre"], row["year"], row["attempt"]) for row in rows]


async def give_up(connection: Connection, *, employer_id: int, centre: str, year: int, now: datetime) -> bool:
    """After too many attempts a human is asked; False where it is done or still in someone's hands."""
    return one_changed(
        await connection.execute(
            """
            UPDATE reconciliations SET status = 'failed'
             WHERE employer_id = $1 AND centre = $2 AND year = $3 AND status = 'waiting' AND attempt >= $5
               AND (leased_until IS NULL OR leased_until < $4)
            """,
            employer_id,
            centre,
            year,
            now,
            ATTEMPTS_MAX,
        )
    )


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """A centre that filed something for a year, and when anything that is compared changed last."""

    employer_id: int
    centre: str
    changed_at: datetime


async def select_employers(connection: Connection, *, after: int, limit: int) -> list[int]:
    """The next employers by id, but for the fund itself."""
    rows = await connection.fetch(
        "SELECT employer_id FROM employers WHERE employer_id > $1 ORDER BY employer_id LIMIT $2", after, limit
    )
    return [row["employer_id"] for row in rows]


async def select_changed(connection: Connection, *, employer_ids: Sequence[int], year: int) -> list[Changed]:
    """Their centres that filed anything for the year, in order: for the fund's systems."""
    rows = await connection.fetch(
        """
        SELECT d.employer_id, d.centre,
               greatest(max(d.filed_at),
                        (SELECT max(m.told_at) FROM movements m WHERE m.employer_id = d.employer_id),
                        (SELECT max(e.updated_at) FROM employments e WHERE e.employer_id = d.employer_id)) AS changed_at
          FROM declarations d
         WHERE d.employer_id = ANY ($1::bigint[]) AND d.year BETWEEN $2 - 1 AND $2
         GROUP BY d.employer_id, d.centre
        HAVING bool_or(d.year = $2)
         ORDER BY d.employer_id, d.centre
        """,
        list(employer_ids),
        year,
    )
    return [msgspec.convert(row, Changed) for row in rows]


async def select_state(
    connection: Connection, *, employer_ids: Sequence[int], year: int
) -> dict[tuple[int, str], ReconciliationRow]:
    """What is known of these employers' year, by employer and centre: for the sweeper."""
    rows = await connection.fetch(
        f"SELECT {_ROW} FROM reconciliations WHERE employer_id = ANY ($1::bigint[]) AND year = $2",
        list(employer_ids),
        year,
    )
    return {(row["employer_id"], row["centre"]): msgspec.convert(row, ReconciliationRow) for row in rows}


async def select_reconciliation(
    connection: Connection, *, employer_id: int, centre: str, year: int
) -> ReconciliationRow | None:
    row = await connection.fetchrow(
        f"SELECT {_ROW} FROM reconciliations WHERE employer_id = $1 AND centre = $2 AND year = $3",
        employer_id,
        centre,
        year,
    )
    return None if row is None else msgspec.convert(row, ReconciliationRow)


class AtStake(msgspec.Struct, frozen=True, kw_only=True):
    """An employer's year that does not agree, as officers list it."""

    employer_id: int
    number: str
    name: str
    name_ar: str
    wilaya: int
    centre: str
    differences: int
    at_stake: int
    done_at: datetime | None


async def select_at_stake(
    connection: Connection, *, year: int, after: tuple[int, int, str] | None, limit: int
) -> list[AtStake]:
    """Over the employers that the actor may see, the years that do not agree, the dearest first.

    `after`: at_stake, employer and centre of the last one seen.
    """
    stake, employer_id, centre = after or (2**63 - 1, 0, "")
    rows = await connection.fetch(
        """
        SELECT r.employer_id, e.number, e.name, e.name_ar, e.wilaya, r.centre, r.differences, r.at_stake, r.done_at
          FROM reconciliations r
          JOIN employers e ON e.employer_id = r.employer_id
         WHERE r.year = $1 AND r.at_stake > 0 AND e.mode = 'live' AND r.facts ->> 'against' = 'declaration'
           AND r.at_stake <= $2 AND (r.at_stake < $2 OR (r.employer_id, r.centre) > ($3, $4))
         ORDER BY r.at_stake DESC, r.employer_id, r.centre
         LIMIT $5
        """,
        year,
        stake,
        employer_id,
        centre,
        limit,
    )
    return [msgspec.convert(row, AtStake) for row in rows]
