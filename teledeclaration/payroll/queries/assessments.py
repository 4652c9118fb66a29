"""What declarations cost: the work to be done, and its result."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from schemas.assessments import AssessedAmounts
from teledeclaration.database import Connection, one_changed

LEASE = timedelta(minutes=2)
ATTEMPTS_MAX = 3


class AssessmentRow(msgspec.Struct, frozen=True, kw_only=True):
    """An assessment as stored; its amounts are there once it is `assessed`."""

    declaration_id: UUID
    status: str
    total: int | None
    difference: int | None
    fingerprint: str | None
    amounts: AssessedAmounts | None
    assessed_at: datetime | None


class CategoryBase(msgspec.Struct, frozen=True):
    """The declared bases of one rate category by quarter, in centimes."""

    rate_category: str
    q1: int
    q2: int
    q3: int
    q4: int


async def insert_assessment(connection: Connection, *, employer_id: int, declaration_id: UUID, now: datetime) -> None:
    """Note that a declaration waits to be assessed."""
    await connection.execute(
        "INSERT INTO assessments (employer_id, declaration_id, created_at) VALUES ($1, $2, $3)",
        employer_id,
        declaration_id,
        now,
    )


async def lock_assessments(
    connection: Connection, *, employer_id: int, form: str, centre: str, year: int
) -> list[AssessmentRow]:
    """Every assessment of a centre's year in the order of filing, held until the transaction ends."""
    rows = await connection.fetch(
        """
        SELECT a.declaration_id, a.status, a.total, a.difference, a.fingerprint, a.amounts, a.assessed_at
          FROM assessments a
          JOIN declarations d ON d.employer_id = a.employer_id AND d.declaration_id = a.declaration_id
         WHERE a.employer_id = $1 AND d.form = $2 AND d.centre = $3 AND d.year = $4
         ORDER BY d.filed_at, d.number
           FOR UPDATE OF a
        """,
        employer_id,
        form,
        centre,
        year,
    )
    return [msgspec.convert(row, AssessmentRow) for row in rows]


async def sum_bases(connection: Connection, *, employer_id: int, declaration_ids: list[UUID]) -> list[CategoryBase]:
    """The bases of several declarations together, by rate category."""
    rows = await connection.fetch(
        """
        SELECT rate_category, sum(q1_amount)::bigint AS q1, sum(q2_amount)::bigint AS q2,
               sum(q3_amount)::bigint AS q3, sum(q4_amount)::bigint AS q4
          FROM declared_lines
         WHERE employer_id = $1 AND declaration_id = ANY ($2)
         GROUP BY rate_category
         ORDER BY rate_category
        """,
        employer_id,
        declaration_ids,
    )
    return [msgspec.convert(row, CategoryBase) for row in rows]


async def store_assessment(
    connection: Connection,
    *,
    employer_id: int,
    declaration_id: UUID,
    amounts: AssessedAmounts,
    difference: int,
    now: datetime,
) -> bool:
    """Keep the result, once; False where it was kept before."""
    return one_changed(
        await connection.execute(
            """
            UPDATE assessments
               SET status = 'assessed', fingerprint = $3, total = $4, difference = $5, amounts = $6, assessed_at = $7,
                   lease = NULL, leased_until = NULL
             WHERE employer_id = $1 AND declaration_id = $2 AND status <> 'assessed'
            """,
            employer_id,
            declaration_id,
            amounts.fingerprint,
            amounts.total,
            difference,
            msgspec.to_builtins(amounts),
            now,
        )
    )


async def insert_parts(
    connection: Connection, *, employer_id: int, declaration_id: UUID, amounts: AssessedAmounts
) -> None:
    """The amounts by rate line, branch and payer, for sums; lines of one code under two laws are added up."""
    await connection.execute(
        """
        INSERT INTO assessment_parts (employer_id, declaration_id, rate_line, branch, payer, base, rate, amount)
        SELECT $1, $2, rate_line, branch, payer, sum(base), max(rate), sum(amount)
          FROM unnest($3::text[], $4::text[], $5::text[], $6::bigint[], $7::numeric[], $8::bigint[])
               AS part (rate_line, branch, payer, base, rate, amount)
         GROUP BY rate_line, branch, payer
        """,
        employer_id,
        declaration_id,
        *(list(column) for column in zip(*_parts(amounts), strict=True)),
    )


def _parts(amounts: AssessedAmounts) -> list[tuple[object, ...]]:
    return [
        (line.code, part.branch, part.payer.value, line.base, part.rate, part.amount)
        for line in amounts.lines
        for part in line.parts
    ]


async def select_assessment(connection: Connection, *, employer_id: int, declaration_id: UUID) -> AssessmentRow | None:
    row = await connection.fetchrow(
        """
        SELECT declaration_id, status, total, difference, fingerprint, amounts, assessed_at
          FROM assessments
         WHERE employer_id = $1 AND declaration_id = $2
        """,
        employer_id,
        declaration_id,
    )
    return None if row is None else msgspec.convert(row, AssessmentRow)


async def take_assessment(connection: Connection, *, employer_id: int, declaration_id: UUID, now: datetime) -> bool:
    """Count one more attempt and take the lease; False where it is done, taken, or was tried too often."""
    return one_changed(
        await connection.execute(
            """
            UPDATE assessments SET attempt = attempt + 1, leased_until = $3
             WHERE employer_id = $1 AND declaration_id = $2 AND status = 'waiting' AND attempt < $5
               AND (leased_until IS NULL OR leased_until < $4)
            """,
            employer_id,
            declaration_id,
            now + LEASE,
            now,
            ATTEMPTS_MAX,
        )
    )


async def give_up_assessment(connection: Connection, *, employer_id: int, declaration_id: UUID, now: datetime) -> bool:
    """After too many attempts a human is asked."""
    return one_changed(
        await connection.execute(
            """
            UPDATE assessments SET status = 'failed'
             WHERE employer_id = $1 AND declaration_id = $2 AND status = 'waiting' AND attempt >= $4
               AND (leased_until IS NULL OR leased_until < $3)
            """,
            employer_id,
            declaration_id,
            now,
            ATTEMPTS_MAX,
        )
    )


async def select_waiting_assessments(
    connection: Connection, *, now: datetime, limit: int
) -> list[tuple[int, UUID, int]]:
    """Over all employers, what waits in nobody's hands: (employer, declaration, attempts), the oldest first."""
    rows = await connection.fetch(
        """
        SELECT employer_id, declaration_id, attempt
          FROM assessments
         WHERE status = 'waiting' AND (leased_until IS NULL OR leased_until < $1)
         ORDER BY created_at
         LIMIT $2
        """,
        now,
        limit,
    )
    return [(row["employer_id"], row["declaration_id"], row["attempt"]) for row in rows]
