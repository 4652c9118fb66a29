"""The SQL of what is owed and of the ledger: one function a statement, the employer in every WHERE.

Rows of a posting go in by one prepared statement sent for many rows at once: an INSERT … SELECT from an
array is refused under row-level security where the schema is spread over several hosts.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec

from schemas.legislation import Payer
from schemas.payments import AccountBalance, Due, DueTotal, LedgerEntry, Nature, OwedOn, OwedPeriod
from teledeclaration.database import Connection, one_changed
from teledeclaration.money import Centimes

Which = Literal["open", "all"]


# ── the ledger ────────────────────────────────────────────────────────────────────────────────────


async def insert_accounts(connection: Connection, *, employer_id: int, accounts: Sequence[str]) -> None:
    """Bring accounts into being where they are not."""
    await connection.executemany(
        "INSERT INTO ledger_accounts (employer_id, account) VALUES ($1, $2)"
        " ON CONFLICT (employer_id, account) DO NOTHING",
        [(employer_id, account) for account in accounts],
    )


async def insert_transfers(connection: Connection, rows: Sequence[tuple[object, ...]]) -> int:
    """Write those whose reference is new; how many they were."""
    written = await connection.fetchmany(
        """
        INSERT INTO transfers (employer_id, posting_id, content_hash, posted_at, legal_day, transfer_id,
                               debit_account, credit_account, amount, source, source_ref, kind,
                               due_id, credit_id, reverses)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
            ON CONFLICT (employer_id, source, source_ref, kind) DO NOTHING
        RETURNING transfer_id
        """,
        rows,
    )
    return len(written)


async def select_posting_id(
    connection: Connection, *, employer_id: int, source: str, source_ref: str, kind: str, content_hash: str
) -> UUID | None:
    """The posting that wrote this reference with this content; None where none did."""
    found: UUID | None = await connection.fetchval(
        """
        SELECT posting_id FROM transfers
         WHERE employer_id = $1 AND source = $2 AND source_ref = $3 AND kind = $4 AND content_hash = $5
        """,
        employer_id,
        source,
        source_ref,
        kind,
        content_hash,
    )
    return found


async def select_posting(connection: Connection, *, employer_id: int, posting_id: UUID) -> list[LedgerEntry]:
    """The transfers of one posting; none where the employer has no such posting."""
    rows = await connection.fetch(
        """
        SELECT transfer_id, posting_id, debit_account, credit_account, amount, source, source_ref, kind,
               due_id, credit_id, reverses, posted_at, legal_day
          FROM transfers WHERE employer_id = $1 AND posting_id = $2 ORDER BY source, source_ref, kind
        """,
        employer_id,
        posting_id,
    )
    return [msgspec.convert(row, LedgerEntry) for row in rows]


async def select_entries(
    connection: Connection, *, employer_id: int, after: UUID | None, limit: int
) -> list[LedgerEntry]:
    """An employer's transfers in time, those after the transfer `after`."""
    rows = await connection.fetch(
        """
        SELECT transfer_id, posting_id, debit_account, credit_account, amount, source, source_ref, kind,
               due_id, credit_id, reverses, posted_at, legal_day
          FROM transfers
         WHERE employer_id = $1
           AND (posted_at, transfer_id) > (
                   CASE WHEN $2::uuid IS NULL THEN '-infinity'
                        ELSE (SELECT posted_at FROM transfers WHERE employer_id = $1 AND transfer_id = $2) END,
                   coalesce($2, '00000000-0000-0000-0000-000000000000'))
         ORDER BY posted_at, transfer_id
         LIMIT $3
        """,
        employer_id,
        after,
        limit,
    )
    return [msgspec.convert(row, LedgerEntry) for row in rows]


async def select_account_entries(
    connection: Connection, *, employer_id: int, account: str, after: UUID | None, limit: int
) -> list[LedgerEntry]:
    """One account's transfers in time, each with its signed change and the balance after it."""
    rows = await connection.fetch(
        """
        WITH entries AS (
            SELECT transfer_id, posting_id, debit_account, credit_account, amount, source, source_ref, kind,
                   due_id, credit_id, reverses, posted_at, legal_day,
                   CASE WHEN debit_account = $2 THEN amount ELSE -amount END AS change
              FROM transfers
             WHERE employer_id = $1 AND $2 IN (debit_account, credit_account)
        ), running AS (
            SELECT *, (sum(change) OVER (ORDER BY posted_at, transfer_id))::bigint AS balance FROM entries
        )
        SELECT * FROM running
         WHERE $3::uuid IS NULL OR (posted_at, transfer_id) > (
                   SELECT posted_at, transfer_id FROM transfers WHERE employer_id = $1 AND transfer_id = $3)
         ORDER BY posted_at, transfer_id
         LIMIT $4
        """,
        employer_id,
        account,
        after,
        limit,
    )
    return [msgspec.convert(row, LedgerEntry) for row in rows]


async def select_account_balances(connection: Connection, *, employer_id: int) -> list[AccountBalance]:
    """Every account that moved, with what was debited and credited."""
    rows = await connection.fetch(
        """
        WITH sides AS (
            SELECT debit_account AS account, amount AS debit, 0 AS credit FROM transfers WHERE employer_id = $1
             UNION ALL
            SELECT credit_account, 0, amount FROM transfers WHERE employer_id = $1
        )
        SELECT account, sum(debit)::bigint AS debits, sum(credit)::bigint AS credits,
               sum(debit - credit)::bigint AS balance
          FROM sides GROUP BY account ORDER BY account
        """,
        employer_id,
    )
    return [msgspec.convert(row, AccountBalance) for row in rows]


# ── dues ──────────────────────────────────────────────────────────────────────────────────────────


async def insert_due(connection: Connection, *, employer_id: int, due: Due) -> None:
    """Open a due."""
    await connection.execute(
        """
        INSERT INTO dues (employer_id, due_id, centre, period, nature, payer, amount, remaining, due_on,
                          origin, origin_ref, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        """,
        employer_id,
        due.due_id,
        due.centre,
        due.period,
        due.nature,
        due.payer,
        due.amount,
        due.remaining,
        due.due_on,
        due.origin,
        due.origin_ref,
        due.created_at,
    )


async def lock_open_dues(
    connection: Connection,
    *,
    employer_id: int,
    centre: str | None = None,
    period: str | None = None,
    nature: Nature | None = None,
) -> list[Due]:
    """What is still owed (for one centre, period, nature), held until the transaction ends; the oldest first."""
    rows = await connection.fetch(
        """
        SELECT due_id, centre, period, nature, payer, amount, remaining, due_on, origin, origin_ref, created_at
          FROM dues
         WHERE employer_id = $1 AND remaining > 0
           AND ($2::text IS NULL OR centre = $2) AND ($3::text IS NULL OR period = $3)
           AND ($4::text IS NULL OR nature = $4)
         ORDER BY due_on, due_id
           FOR UPDATE
        """,
        employer_id,
        centre,
        period,
        nature,
    )
    return [msgspec.convert(row, Due) for row in rows]


async def reduce_due(connection: Connection, *, employer_id: int, due_id: UUID, amount: Centimes) -> bool:
    """Take `amount` off what remains of a due; False where there is no such due.

    More than remains is refused by the constraint `dues_remaining_within`.
    """
    status = await connection.execute(
        "UPDATE dues SET remaining = remaining - $3 WHERE employer_id = $1 AND due_id = $2", employer_id, due_id, amount
    )
    return one_changed(status)


async def select_dues(
    connection: Connection,
    *,
    employer_id: int,
    which: Which = "open",
    centre: str | None = None,
    period: str | None = None,
    after: UUID | None = None,
    limit: int | None = None,
) -> list[Due]:
    """Dues by due date, those after the due `after`. A year is all its periods'."""
    rows = await connection.fetch(
        """
        SELECT due_id, centre, period, nature, payer, amount, remaining, due_on, origin, origin_ref, created_at
          FROM dues
         WHERE employer_id = $1 AND ($2 OR remaining > 0)
           AND ($3::text IS NULL OR centre = $3) AND ($4::text IS NULL OR period = $4 OR starts_with(period, $4 || '-'))
           AND ($5::uuid IS NULL
                OR (due_on, due_id) > (SELECT due_on, due_id FROM dues WHERE employer_id = $1 AND due_id = $5))
         ORDER BY due_on, due_id
         LIMIT $6
        """,
        employer_id,
        which == "all",
        centre,
        period,
        after,
        limit,
    )
    return [msgspec.convert(row, Due) for row in rows]


async def select_due_totals(
    connection: Connection, *, employer_id: int, which: Which, centre: str | None, period: str | None
) -> list[DueTotal]:
    """The dues that `select_dues` would list on all its pages, by nature and payer."""
    rows = await connection.fetch(
        """
        SELECT nature, payer, count(*)::int AS dues, sum(amount)::bigint AS amount, sum(remaining)::bigint AS remaining
          FROM dues
         WHERE employer_id = $1 AND ($2 OR remaining > 0)
           AND ($3::text IS NULL OR centre = $3) AND ($4::text IS NULL OR period = $4 OR starts_with(period, $4 || '-'))
         GROUP BY nature, payer ORDER BY nature, payer
        """,
        employer_id,
        which == "all",
        centre,
        period,
    )
    return [msgspec.convert(row, DueTotal) for row in rows]


async def select_owed_by_day(connection: Connection, *, employer_id: int, on: date) -> list[OwedOn]:
    """What is left to pay by due date; a due is late from the day after."""
    rows = await connection.fetch(
        """
        SELECT due_on, sum(remaining)::bigint AS remaining, due_on < $2 AS late
          FROM dues WHERE employer_id = $1 AND remaining > 0 GROUP BY due_on ORDER BY due_on
        """,
        employer_id,
        on,
    )
    return [msgspec.convert(row, OwedOn) for row in rows]


async def select_owed_by_period(connection: Connection, *, employer_id: int, year: int, on: date) -> list[OwedPeriod]:
    """Every centre's periods of a year that have dues, all natures and payers together; late from the day after."""
    rows = await connection.fetch(
        """
        SELECT centre, period, sum(amount)::bigint AS amount, sum(remaining)::bigint AS remaining,
               coalesce(sum(remaining) FILTER (WHERE due_on < $3), 0)::bigint AS late
          FROM dues WHERE employer_id = $1 AND left(period, 4) = $2 GROUP BY centre, period ORDER BY centre, period
        """,
        employer_id,
        f"{year:04d}",
        on,
    )
    return [msgspec.convert(row, OwedPeriod) for row in rows]


# ── credits ───────────────────────────────────────────────────────────────────────────────────────


class HeldCredit(msgspec.Struct, frozen=True):
    """A credit with something left to use."""

    credit_id: UUID
    remaining: Centimes
    origin_ref: str
    created_at: datetime


async def insert_credit(
    connection: Connection,
    *,
    employer_id: int,
    credit_id: UUID,
    amount: Centimes,
    origin: str,
    origin_ref: str,
    now: datetime,
) -> None:
    """Hold money for an employer."""
    await connection.execute(
        """
        INSERT INTO credits (employer_id, credit_id, amount, remaining, origin, origin_ref, created_at)
        VALUES ($1, $2, $3, $3, $4, $5, $6)
        """,
        employer_id,
        credit_id,
        amount,
        origin,
        origin_ref,
        now,
    )


async def lock_credits(connection: Connection, *, employer_id: int, origins: Sequence[str]) -> list[HeldCredit]:
    """Credits of some origins with something left, held until the transaction ends; the oldest first."""
    rows = await connection.fetch(
        """
        SELECT credit_id, remaining, origin_ref, created_at FROM credits
         WHERE employer_id = $1 AND remaining > 0 AND origin = ANY ($2)
         ORDER BY created_at, credit_id
           FOR UPDATE
        """,
        employer_id,
        origins,
    )
    return [msgspec.convert(row, HeldCredit) for row in rows]


async def reduce_credit(connection: Connection, *, employer_id: int, credit_id: UUID, amount: Centimes) -> bool:
    """Take `amount` off a credit; False where there is no such credit.

    More than remains is refused by the constraint `credits_remaining_within`.
    """
    status = await connection.execute(
        "UPDATE credits SET remaining = remaining - $3 WHERE employer_id = $1 AND credit_id = $2",
        employer_id,
        credit_id,
        amount,
    )
    return one_changed(status)


async def select_credit_total(connection: Connection, *, employer_id: int) -> Centimes:
    """All that is held for an employer."""
    total: Centimes = await connection.fetchval(
        "SELECT coalesce(sum(remaining), 0)::bigint FROM credits WHERE employer_id = $1", employer_id
    )
    return total


# ── opening balances ──────────────────────────────────────────────────────────────────────────────


class OpeningBalance(msgspec.Struct, frozen=True):
    """What the fund's former system says is owed (positive) or held (negative)."""

    centre: str
    period: str
    nature: Nature
    payer: Payer
    amount: Centimes
    due_on: date


async def lock_waiting_openings(connection: Connection, *, employer_id: int) -> list[OpeningBalance]:
    """The rows the ledger has not followed yet, held until the transaction ends."""
    rows = await connection.fetch(
        """
        SELECT centre, period, nature, payer, amount, due_on
          FROM opening_balances
         WHERE employer_id = $1 AND booked_at IS NULL
         ORDER BY centre, period, nature, payer
           FOR UPDATE
        """,
        employer_id,
    )
    return [msgspec.convert(row, OpeningBalance) for row in rows]


async def select_booked(
    connection: Connection, *, employer_id: int, source: str, source_ref: str, account: str
) -> tuple[Centimes, int]:
    """What a source has credited `account` with in all, less what it debited, and in how many postings."""
    [row] = await connection.fetch(
        """
        SELECT coalesce(sum(CASE $4 WHEN credit_account THEN amount WHEN debit_account THEN -amount END), 0)::bigint
                   AS amount,
               count(DISTINCT posting_id)::int AS postings
          FROM transfers WHERE employer_id = $1 AND source = $2 AND source_ref = $3
        """,
        employer_id,
        source,
        source_ref,
        account,
    )
    return row["amount"], row["postings"]


async def update_opening_booked(
    connection: Connection, *, employer_id: int, opening: OpeningBalance, now: datetime
) -> None:
    """The ledger follows this row."""
    await connection.execute(
        """
        UPDATE opening_balances SET booked_at = $6
         WHERE employer_id = $1 AND centre = $2 AND period = $3 AND nature = $4 AND payer = $5
        """,
        employer_id,
        opening.centre,
        opening.period,
        opening.nature,
        opening.payer,
        now,
    )


async def select_employers_with_waiting_openings(connection: Connection, *, limit: int) -> list[int]:
    """Employers whose opening balances wait to be booked; for the sweeper."""
    rows = await connection.fetch(
        "SELECT DISTINCT employer_id FROM opening_balances WHERE booked_at IS NULL ORDER BY employer_id LIMIT $1", limit
    )
    return [row["employer_id"] for row in rows]
