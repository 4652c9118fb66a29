"""Suspensions of activity: asked for, decided, ended."""

from collections import defaultdict
from datetime import date, datetime
from uuid import UUID

import msgspec

from schemas.calendar import Suspension
from teledeclaration.database import Connection, one_changed

_SUSPENSION = """
SELECT suspension_id, centre, first_day, last_day, reason, status, requested_by, requested_at, decided_by, decided_at,
       answer, resumed_by, resumed_at
  FROM suspensions
"""


async def insert_suspension(
    connection: Connection,
    *,
    employer_id: int,
    suspension_id: UUID,
    centre: str,
    first_day: date,
    reason: str,
    requested_by: str,
    now: datetime,
) -> None:
    """UniqueViolationError `suspensions_one_open` where another of the centre has no last day yet."""
    await connection.execute(
        """
        INSERT INTO suspensions (employer_id, suspension_id, centre, first_day, reason, requested_by, requested_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        employer_id,
        suspension_id,
        centre,
        first_day,
        reason,
        requested_by,
        now,
    )


async def select_suspension(connection: Connection, *, employer_id: int, suspension_id: UUID) -> Suspension | None:
    row = await connection.fetchrow(
        f"{_SUSPENSION} WHERE employer_id = $1 AND suspension_id = $2", employer_id, suspension_id
    )
    return None if row is None else msgspec.convert(row, Suspension)


async def select_suspensions(connection: Connection, *, employer_id: int, centre: str | None) -> list[Suspension]:
    """All that were ever asked for, the latest first day first."""
    rows = await connection.fetch(
        f"{_SUSPENSION} WHERE employer_id = $1 AND ($2::text IS NULL OR centre = $2)"
        " ORDER BY first_day DESC, requested_at DESC",
        employer_id,
        centre,
    )
    return [msgspec.convert(row, Suspension) for row in rows]


async def select_overlapping(
    connection: Connection, *, employer_id: int, centre: str, first_day: date
) -> Suspension | None:
    """One of the centre, asked for or accepted, that has days from `first_day` on; None where there is none."""
    row = await connection.fetchrow(
        f"""
        {_SUSPENSION}
         WHERE employer_id = $1 AND centre = $2 AND status IN ('requested', 'accepted')
           AND (last_day IS NULL OR last_day >= $3)
         ORDER BY first_day LIMIT 1
        """,
        employer_id,
        centre,
        first_day,
    )
    return None if row is None else msgspec.convert(row, Suspension)


async def select_accepted(connection: Connection, *, employer_id: int) -> dict[str, list[tuple[date, date | None]]]:
    """By centre, the days of its accepted suspensions."""
    rows = await connection.fetch(
        "SELECT centre, first_day, last_day FROM suspensions WHERE employer_id = $1 AND status = 'accepted'"
        " ORDER BY first_day",
        employer_id,
    )
    found: dict[str, list[tuple[date, date | None]]] = defaultdict(list)
    for row in rows:
        found[row["centre"]].append((row["first_day"], row["last_day"]))
    return found


async def select_paid_period_after(
    connection: Connection, *, employer_id: int, centre: str, first_day: date
) -> str | None:
    """The latest period with days from `first_day` on for which pay stands declared at the centre; None for none."""
    found: str | None = await connection.fetchval(
        """
        SELECT max(d.period)
          FROM declarations d
          LEFT JOIN declarations later ON later.employer_id = d.employer_id AND later.replaces = d.declaration_id
         WHERE d.employer_id = $1 AND d.centre = $2 AND d.form = 'periodic' AND d.annual_amount > 0
           AND later.declaration_id IS NULL AND d.year >= $3
           AND CASE WHEN d.period LIKE '%-Q_' THEN make_date(d.year, 3 * right(d.period, 1)::int, 1)
                    ELSE make_date(d.year, right(d.period, 2)::int, 1) END + interval '1 month' > $4::date
        """,
        employer_id,
        centre,
        first_day.year,
        first_day,
    )
    return found


async def decide_suspension(
    connection: Connection,
    *,
    employer_id: int,
    suspension_id: UUID,
    status: str,
    decided_by: str,
    answer: str,
    now: datetime,
) -> bool:
    """requested → accepted | refused; False where it was not waiting any more."""
    told = await connection.execute(
        """
        UPDATE suspensions SET status = $3, decided_by = $4, answer = $5, decided_at = $6
         WHERE employer_id = $1 AND suspension_id = $2 AND status = 'requested'
        """,
        employer_id,
        suspension_id,
        status,
        decided_by,
        answer,
        now,
    )
    return one_changed(told)


async def withdraw_suspension(connection: Connection, *, employer_id: int, suspension_id: UUID) -> bool:
    """requested → withdrawn; False where it was not waiting any more."""
    told = await connection.execute(
        "UPDATE suspensions SET status = 'withdrawn'"
        " WHERE employer_id = $1 AND suspension_id = $2 AND status = 'requested'",
        employer_id,
        suspension_id,
    )
    return one_changed(told)


async def end_suspension(
    connection: Connection, *, employer_id: int, suspension_id: UUID, last_day: date, resumed_by: str, now: datetime
) -> bool:
    """Give an accepted suspension its last day; False where it has one, or was not accepted."""
    told = await connection.execute(
        """
        UPDATE suspensions SET last_day = $3, resumed_by = $4, resumed_at = $5
         WHERE employer_id = $1 AND suspension_id = $2 AND status = 'accepted' AND last_day IS NULL
        """,
        employer_id,
        suspension_id,
        last_day,
        resumed_by,
        now,
    )
    return one_changed(told)
