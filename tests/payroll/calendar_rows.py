"""Declarations, dues and employees put in directly, for what only reads them."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

from world import START

from schemas.actors import job
from teledeclaration.database import Pool, transaction


async def declare(
    pool: Pool,
    employer_id: int,
    period: str,
    day: date,
    *,
    centre: str = "16001",
    base: int = 10_000_000,
    form: str = "periodic",
    replaces: UUID | None = None,
    **header: Any,
) -> UUID:
    """A declaration of a period that stands, filed on a day; its id."""
    declaration_id, draft_id, year = uuid4(), uuid4(), int(period[:4])
    async with transaction(pool, job("test", employer_id)) as connection:
        await connection.execute(
            "INSERT INTO drafts (employer_id, draft_id, form, centre, year, period, type, status, created_by,"
            " created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, 'N', 'filed', 'test', $7, $7)",
            employer_id,
            draft_id,
            form,
            centre,
            year,
            period,
            START,
        )
        await connection.execute(
            "INSERT INTO declarations (employer_id, declaration_id, number, form, centre, year, period, type, mode,"
            " draft_id, reading_id, replaces, line_count, left_out_count, q1_amount, q2_amount, q3_amount, q4_amount,"
            " annual_amount, content_hash, filed_by, filed_at, legal_day, header)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, 'N', 'live', $8, $8, $9, 1, 0, $10, 0, 0, 0, $10, '', 'test', $11,"
            " $12, $13)",
            employer_id,
            declaration_id,
            f"T-{declaration_id}",
            form,
            centre,
            year,
            period,
            draft_id,
            replaces,
            base,
            START,
            day,
            header,
        )
    return declaration_id


async def owe(pool: Pool, employer_id: int, period: str, amount: int, remaining: int, due_on: date) -> None:
    async with transaction(pool, job("test", employer_id)) as connection:
        await connection.execute(
            "INSERT INTO dues (employer_id, due_id, centre, period, nature, payer, amount, remaining, due_on, origin,"
            " origin_ref, created_at)"
            " VALUES ($1, $2, '16001', $3, 'contributions', 'employer', $4, $5, $6, 'test', $7, $8)",
            employer_id,
            uuid4(),
            period,
            amount,
            remaining,
            due_on,
            str(uuid4()),
            START,
        )


async def employ(pool: Pool, employer_id: int, nss: str, since: date, until: date | None = None) -> None:
    """Someone of the fund's register, employed since a day."""
    async with transaction(pool, job("test", 0)) as connection:
        person_id = await connection.fetchval(
            "INSERT INTO people (nss, last_name, first_name, birth_date, updated_at)"
            " VALUES ($1, 'KACI', 'LYNDA', '1990-02-03', $2) RETURNING person_id",
            nss,
            START,
        )
        await connection.execute("INSERT INTO insured_numbers VALUES ($1, $2)", nss, person_id)
        await connection.execute(
            "INSERT INTO employments (employer_id, person_id, entry_date, exit_date, nss, updated_at)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            employer_id,
            person_id,
            since,
            until,
            nss,
            START,
        )


async def more_employers(pool: Pool, first_number: int, count: int, wilaya: int) -> None:
    """So many employers of a wilaya with a payment centre each, declared to be quarterly."""
    async with transaction(pool, job("test", 0)) as connection:
        await connection.execute(
            "INSERT INTO employers (employer_id, number, name, wilaya, agency, opened_on, updated_at)"
            " SELECT n, n::text, 'Employer ' || n, $3, '16001', '2010-01-01', $4"
            "   FROM generate_series($1::bigint, $1::bigint + $2 - 1) n",
            first_number,
            count,
            wilaya,
            START,
        )
        await connection.execute(
            "INSERT INTO payment_centres (employer_id, centre, agency)"
            " SELECT n, '16001', '16001' FROM generate_series($1::bigint, $1::bigint + $2 - 1) n",
            first_number,
            count,
        )
