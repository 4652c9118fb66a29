"""What the tests of the ledger do over and over: a new employer, an assessment, an opening balance, a payment."""

from datetime import UTC, date, datetime
from itertools import count
from uuid import UUID, uuid4

import msgspec

from schemas.actors import job
from schemas.assessments import BranchAmount, PeriodChange
from schemas.legislation import Payer
from schemas.payments import Balance, Difference, Due, Nature
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.payments import facts, queries
from teledeclaration.payments.accounts import CREDIT, clearing_account, due_account
from teledeclaration.payments.actions import ASSESSMENT, book_assessment, book_opening_balances
from teledeclaration.payments.law.allocation import OpenAmount, oldest_first
from teledeclaration.payments.ledger import Transfer, post
from teledeclaration.payments.proof import prove_ledger

NOW = datetime(2026, 1, 20, 9, 0, tzinfo=UTC)
TODAY = date(2026, 1, 20)
DUE_ON = date(2026, 1, 31)
CENTRE = "16001"

_numbers = count(7_000_000_000)


async def new_employer(pool: Pool) -> int:
    """An employer with one payment centre, and nothing booked."""
    async with transaction(pool, job("test", 0)) as connection:
        employer_id: int = await connection.fetchval(
            "INSERT INTO employers (number, name, wilaya, agency, updated_at)"
            " VALUES ($1, 'SARL Essai', 16, '00000', $2) RETURNING employer_id",
            str(next(_numbers)),
            NOW,
        )
        await connection.execute(
            "INSERT INTO payment_centres (employer_id, centre, agency) VALUES ($1, $2, '00000')", employer_id, CENTRE
        )
    return employer_id


def parts(**by_share: int) -> list[BranchAmount]:
    """`parts(retirement_employee=-5)`: what an assessment adds, by branch and payer."""
    found = []
    for name, amount in by_share.items():
        payer = next(payer for payer in Payer if name.endswith(f"_{payer}"))
        found.append(BranchAmount(branch=name.removesuffix(f"_{payer}"), payer=payer, amount=amount))
    return found


async def assess(
    pool: Pool,
    employer_id: int,
    amounts: list[BranchAmount],
    declaration_id: UUID | None = None,
    *,
    centre: str = CENTRE,
    period: str = "2025",
) -> bool:
    """What the assessing job does, as far as the ledger sees it: the assessment's rows and its booking, together."""
    declaration_id, difference = declaration_id or uuid4(), sum(part.amount for part in amounts)
    async with transaction(pool, job("test", employer_id)) as connection:
        booked = await book_assessment(
            connection,
            employer_id=employer_id,
            source=ASSESSMENT,
            subject=declaration_id,
            centre=centre,
            changes=[PeriodChange(period=period, due_on=DUE_ON, parts=tuple(amounts))],
            now=NOW,
            legal_day=TODAY,
        )
        for statement in _DECLARED:
            await connection.execute(statement, employer_id, declaration_id, difference, centre)
        if booked:
            await _add_to_period(connection, employer_id, centre, period, amounts)
    return booked


async def _add_to_period(
    connection: Connection, employer_id: int, centre: str, period: str, amounts: list[BranchAmount]
) -> None:
    """What the period is assessed at, with these amounts."""
    before = await connection.fetchval(
        "SELECT amounts -> 'parts' FROM assessed_periods WHERE employer_id = $1 AND centre = $2 AND period = $3",
        employer_id,
        centre,
        period,
    )
    await connection.execute(
        """
        INSERT INTO assessed_periods (employer_id, centre, period, amounts, updated_at) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (employer_id, centre, period) DO UPDATE SET amounts = excluded.amounts
        """,
        employer_id,
        centre,
        period,
        {"parts": [*(before or []), *msgspec.to_builtins(amounts)]},
        NOW,
    )


_DECLARED = (
    """
    INSERT INTO drafts (employer_id, draft_id, form, centre, year, period, type, created_by, created_at, updated_at)
    SELECT $1, $2, 'annual', $4, 2025, '2025', 'C', 'test', '2026-01-20', '2026-01-20' WHERE $3::bigint IS NOT NULL
        ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO declarations (employer_id, declaration_id, number, form, centre, year, period, type, mode, draft_id,
                              reading_id, line_count, left_out_count, q1_amount, q2_amount, q3_amount, q4_amount,
                              annual_amount, content_hash, filed_by, filed_at, legal_day)
    SELECT $1, $2, $2::uuid::text, 'annual', $4, 2025, '2025', 'C', 'live', $2, $2, 1, 0, 0, 0, 0, 0, 0, '', 'test',
           '2026-01-20', '2026-01-20' WHERE $3::bigint IS NOT NULL
        ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO assessments (employer_id, declaration_id, status, fingerprint, total, difference, amounts,
                             created_at, assessed_at)
    SELECT $1, $2, 'assessed', '', $3, $3, '{}', '2026-01-20', '2026-01-20' WHERE $4::text IS NOT NULL
        ON CONFLICT DO NOTHING
    """,
)


async def load_opening(
    pool: Pool, employer_id: int, amount: int, payer: Payer = Payer.EMPLOYER, due_on: date = DUE_ON
) -> None:
    """A load of the register: the row says `amount`, and waits to be booked."""
    async with transaction(pool, job("test", 0)) as connection:
        await connection.execute(
            """
            INSERT INTO opening_balances (employer_id, centre, period, nature, payer, amount, due_on)
            VALUES ($1, $2, '2025', 'contributions', $3, $4, $5)
                ON CONFLICT (employer_id, centre, period, nature, payer) DO UPDATE
               SET amount = excluded.amount, due_on = excluded.due_on, booked_at = NULL
            """,
            employer_id,
            CENTRE,
            payer,
            amount,
            due_on,
        )


async def book_openings(pool: Pool, employer_id: int) -> int:
    actor = job("book_opening_balance", employer_id)
    return await book_opening_balances(pool, actor, employer_id=employer_id, now=NOW, legal_day=TODAY)


async def pay(pool: Pool, employer_id: int, payer: Payer, amount: int, *, centre: str = CENTRE) -> None:
    """Money that came in by card: set against the payer's open dues, the rest held as a credit."""
    reference, account = str(uuid4()), due_account(Nature.CONTRIBUTIONS, payer)
    async with transaction(pool, job("test", employer_id)) as connection:
        locked = await queries.lock_open_dues(
            connection, employer_id=employer_id, centre=centre, period="2025", nature=Nature.CONTRIBUTIONS
        )
        own = [OpenAmount(due.due_id, due.remaining, due.due_on) for due in locked if due.payer == payer]
        taken, rest = oldest_first(amount, own)
        transfers = []
        for part in taken:
            await queries.reduce_due(connection, employer_id=employer_id, due_id=part.amount_id, amount=part.amount)
            transfers.append(_paid(reference, account, part.amount, due_id=part.amount_id))
        if rest:
            credit_id = uuid4()
            await queries.insert_credit(
                connection,
                employer_id=employer_id,
                credit_id=credit_id,
                amount=rest,
                origin="payment",
                origin_ref=reference,
                now=NOW,
            )
            transfers.append(_paid(reference, CREDIT, rest, credit_id=credit_id))
        await post(
            connection,
            employer_id=employer_id,
            posting_id=uuid4(),
            transfers=transfers,
            now=NOW,
            legal_day=TODAY,
        )


def _paid(
    reference: str, account: str, amount: int, *, due_id: UUID | None = None, credit_id: UUID | None = None
) -> Transfer:
    return Transfer(
        debit=clearing_account("card"),
        credit=account,
        amount=amount,
        source="payment",
        source_ref=reference,
        kind=str(due_id or credit_id),
        due_id=due_id,
        credit_id=credit_id,
    )


async def prove(pool: Pool, employer_id: int) -> list[Difference]:
    async with transaction(pool, job("test", employer_id)) as connection:
        return await prove_ledger(connection, employer_id=employer_id)


async def dues_of(pool: Pool, employer_id: int) -> list[Due]:
    async with transaction(pool, job("test", employer_id)) as connection:
        return await queries.select_dues(connection, employer_id=employer_id, which="all")


async def balance_of(pool: Pool, employer_id: int) -> Balance:
    async with transaction(pool, job("test", employer_id)) as connection:
        return await facts.what_is_owed(connection, employer_id=employer_id, on=TODAY)


async def accounts_of(pool: Pool, employer_id: int) -> dict[str, int]:
    """Each account's balance, debits positive."""
    async with transaction(pool, job("test", employer_id)) as connection:
        found = await queries.select_account_balances(connection, employer_id=employer_id)
    return {account.account: account.balance for account in found}
