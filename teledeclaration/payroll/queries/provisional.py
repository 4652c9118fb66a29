"""Provisional assessments: what the fund reckons for a period not declared."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from schemas.assessments import AssessedAmounts
from schemas.legislation import RateCategory
from teledeclaration.database import Connection, one_changed
from teledeclaration.money import Centimes


class ProvisionalRow(msgspec.Struct, frozen=True, kw_only=True):
    """A provisional assessment as stored; amounts and bases in centimes, `period` a code."""

    provisional_id: UUID
    centre: str
    period: str
    taken_from: str
    source_periods: tuple[str, ...]
    bases: dict[RateCategory, Centimes]
    amounts: AssessedAmounts
    increase: Centimes
    increase_kept: Centimes
    made_by: str
    made_at: datetime
    legal_day: date
    booked_at: datetime | None
    replaced_by: UUID | None
    replaced_at: datetime | None

    form: ClassVar[str] = "provisional"
    replaces: ClassVar[UUID | None] = None

    @property
    def subject(self) -> UUID:
        return self.provisional_id

    @property
    def moment(self) -> datetime:
        return self.made_at

    @property
    def waits(self) -> bool:
        return self.booked_at is None


_ROW = """
SELECT provisional_id, centre, period, taken_from, source_periods, bases, amounts, increase, increase_kept, made_by,
       made_at, legal_day, booked_at, replaced_by, replaced_at
  FROM provisional_assessments
"""


async def insert_provisional(connection: Connection, *, employer_id: int, made: ProvisionalRow) -> None:
    """`provisional_assessments_once` is violated where the period has one."""
    await connection.execute(
        """
        INSERT INTO provisional_assessments (employer_id, provisional_id, centre, period, taken_from, source_periods,
                                             bases, amounts, increase, increase_kept, made_by, made_at, legal_day)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11, $12)
        """,
        employer_id,
        made.provisional_id,
        made.centre,
        made.period,
        made.taken_from,
        made.source_periods,
        made.bases,
        msgspec.to_builtins(made.amounts),
        made.increase,
        made.made_by,
        made.made_at,
        made.legal_day,
    )


async def select_provisionals(
    connection: Connection, *, employer_id: int, centre: str | None = None, year: str | None = None
) -> list[ProvisionalRow]:
    """Those of a centre's year, or of all of them, in the order they were made."""
    rows = await connection.fetch(
        f"""{_ROW}
         WHERE employer_id = $1 AND ($2::text IS NULL OR centre = $2) AND ($3::text IS NULL OR left(period, 4) = $3)
         ORDER BY made_at, provisional_id""",
        employer_id,
        centre,
        year,
    )
    return [msgspec.convert(row, ProvisionalRow) for row in rows]


async def select_provisional(
    connection: Connection, *, employer_id: int, provisional_id: UUID
) -> ProvisionalRow | None:
    row = await connection.fetchrow(
        f"{_ROW} WHERE employer_id = $1 AND provisional_id = $2", employer_id, provisional_id
    )
    return None if row is None else msgspec.convert(row, ProvisionalRow)


async def mark_booked(
    connection: Connection, *, employer_id: int, provisional_id: UUID, difference: Centimes, now: datetime
) -> bool:
    """Waiting → booked, with what that changed in contributions; False where it was before."""
    return one_changed(
        await connection.execute(
            """
            UPDATE provisional_assessments SET booked_at = $3, difference = $4
             WHERE employer_id = $1 AND provisional_id = $2 AND booked_at IS NULL
            """,
            employer_id,
            provisional_id,
            now,
            difference,
        )
    )


async def mark_replaced(
    connection: Connection,
    *,
    employer_id: int,
    provisional_id: UUID,
    replaced_by: UUID,
    increase_kept: Centimes,
    now: datetime,
) -> bool:
    """Its period is declared now; False where another declaration said so before."""
    return one_changed(
        await connection.execute(
            """
            UPDATE provisional_assessments SET replaced_by = $3, replaced_at = $4, increase_kept = $5
             WHERE employer_id = $1 AND provisional_id = $2 AND replaced_by IS NULL
            """,
            employer_id,
            provisional_id,
            replaced_by,
            now,
            increase_kept,
        )
    )


async def select_waiting_provisionals(connection: Connection, *, limit: int) -> list[tuple[int, UUID]]:
    """Over all employers, those that wait to be booked: (employer, provisional assessment), the oldest first."""
    rows = await connection.fetch(
        """
        SELECT employer_id, provisional_id FROM provisional_assessments
         WHERE booked_at IS NULL ORDER BY made_at LIMIT $1
        """,
        limit,
    )
    return [(row["employer_id"], row["provisional_id"]) for row in rows]
