"""What declarations cost: the work to be done, and its result."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec

from schemas.assessments import AssessedAmounts
from teledeclaration.database import Connection, one_changed
from teledeclaration.payroll.law.contributions import together

LEASE = timedelta(minutes=2)
ATTEMPTS_MAX = 3

NOTHING = together([])


class AssessmentRow(msgspec.Struct, frozen=True, kw_only=True):
    """An assessment as stored; its amounts are there once it is `assessed`."""

    declaration_id: UUID
    status: str
    total: int | None
    difference: int | None
    fingerprint: str | None
    amounts: AssessedAmounts | None
    assessed_at: datetime | None


class FiledRow(msgspec.Struct, frozen=True, kw_only=True):
    """A declaration of a centre's year, and how far its assessment is. `period` is a code."""

    declaration_id: UUID
    number: str
    form: str
    period: str
    replaces: UUID | None
    filed_at: datetime
    legal_day: date
    status: str

    @property
    def subject(self) -> UUID:
        return self.declaration_id

    @property
    def moment(self) -> datetime:
        return self.filed_at

    @property
    def waits(self) -> bool:
        return self.status != "assessed"


class AnnualBase(msgspec.Struct, frozen=True):
    """The bases of one rate category of an annual declaration by quarter, in centimes."""

    declaration_id: UUID
    rate_category: str
    q1: int
    q2: int
    q3: int
    q4: int


class PeriodicBase(msgspec.Struct, frozen=True):
    """The base of one rate category of a periodic declaration, in centimes."""

    declaration_id: UUID
    rate_category: str
    base: int


async def insert_assessment(connection: Connection, *, employer_id: int, declaration_id: UUID, now: datetime) -> None:
    """Note that a declaration waits to be assessed."""
    await connection.execute(
        "INSERT INTO assessments (employer_id, declaration_id, created_at) VALUES ($1, $2, $3)",
        employer_id,
        declaration_id,
        now,
    )


async def lock_year(
    connection: Connection, *, employer_id: int, centre: str, year: str, now: datetime
) -> dict[str, AssessedAmounts]:
    """What a centre's year is assessed at so far by period code, held until the transaction ends.

    The year's own row is the lock: it is there from the first time on.
    """
    await connection.execute(
        """
        INSERT INTO assessed_periods (employer_id, centre, period, amounts, updated_at) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (employer_id, centre, period) DO UPDATE SET updated_at = excluded.updated_at
        """,
        employer_id,
        centre,
        year,
        msgspec.to_builtins(NOTHING),
        now,
    )
    rows = await connection.fetch(
        "SELECT period, amounts FROM assessed_periods WHERE employer_id = $1 AND centre = $2 AND left(period, 4) = $3",
        employer_id,
        centre,
        year,
    )
    return {row["period"]: msgspec.convert(row["amounts"], AssessedAmounts) for row in rows}


async def select_assessed_periods(
    connection: Connection, *, employer_id: int, centre: str, year: int
) -> dict[str, AssessedAmounts]:
    """What a centre's year is assessed at by period code, as it stands."""
    rows = await connection.fetch(
        "SELECT period, amounts FROM assessed_periods WHERE employer_id = $1 AND centre = $2 AND left(period, 4) = $3",
        employer_id,
        centre,
        f"{year:04d}",
    )
    return {row["period"]: msgspec.convert(row["amounts"], AssessedAmounts) for row in rows}


async def store_periods(
    connection: Connection, *, employer_id: int, centre: str, amounts: Mapping[str, AssessedAmounts], now: datetime
) -> None:
    """What periods are assessed at, in the place of what they were."""
    await connection.executemany(
        """
        INSERT INTO assessed_periods (employer_id, centre, period, amounts, updated_at) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (employer_id, centre, period) DO UPDATE
           SET amounts = excluded.amounts, updated_at = excluded.updated_at
        """,
        [(employer_id, centre, period, msgspec.to_builtins(cost), now) for period, cost in amounts.items()],
    )


async def select_filed(connection: Connection, *, employer_id: int, centre: str, year: int) -> list[FiledRow]:
    """Every declaration that says bases of a centre's year, annual and periodic, in the order of filing."""
    rows = await connection.fetch(
        """
        SELECT d.declaration_id, d.number, d.form, d.period, d.replaces, d.filed_at, d.legal_day, a.status
          FROM declarations d
          JOIN assessments a ON a.employer_id = d.employer_id AND a.declaration_id = d.declaration_id
         WHERE d.employer_id = $1 AND d.form IN ('annual', 'periodic') AND d.centre = $2 AND d.year = $3
         ORDER BY d.filed_at, d.number
        """,
        employer_id,
        centre,
        year,
    )
    return [msgspec.convert(row, FiledRow) for row in rows]


async def sum_annual_bases(
    connection: Connection, *, employer_id: int, declaration_ids: Sequence[UUID]
) -> list[AnnualBase]:
    """The bases of annual declarations, each by rate category and quarter."""
    rows = await connection.fetch(
        """
        SELECT declaration_id, rate_category, sum(q1_amount)::bigint AS q1, sum(q2_amount)::bigint AS q2,
               sum(q3_amount)::bigint AS q3, sum(q4_amount)::bigint AS q4
          FROM declared_lines
         WHERE employer_id = $1 AND declaration_id = ANY ($2)
         GROUP BY declaration_id, rate_category
        """,
        employer_id,
        declaration_ids,
    )
    return [msgspec.convert(row, AnnualBase) for row in rows]


async def sum_periodic_bases(
    connection: Connection, *, employer_id: int, declaration_ids: Sequence[UUID]
) -> list[PeriodicBase]:
    """The bases of periodic declarations, each by rate category; one without lines has no row."""
    rows = await connection.fetch(
        """
        SELECT declaration_id, rate_category, sum(base)::bigint AS base
          FROM periodic_lines
         WHERE employer_id = $1 AND declaration_id = ANY ($2)
         GROUP BY declaration_id, rate_category
        """,
        employer_id,
        declaration_ids,
    )
    return [msgspec.convert(row, PeriodicBase) for row in rows]


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
    """The amounts by rate line, branch and payer, for sums; lines of one code (of several periods) are added up."""
    if not amounts.lines:
        return
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
