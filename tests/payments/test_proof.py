"""The nightly proof sees every kind of disagreement, proves only what moved, and keeps what it found."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from payments.books import NOW, TODAY, assess, book_openings, load_opening, new_employer, parts, pay, prove
from schemas.actors import SWEEPER, job
from schemas.legislation import Payer
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.payments import queries
from teledeclaration.payments.ledger import reverse
from teledeclaration.payments.proof import select_employers_to_prove
from teledeclaration.settings import Settings
from workers.prove_ledgers import prove_ledgers


async def _due_forgiven(connection: Connection, employer: int) -> None:
    await connection.execute(
        "UPDATE dues SET remaining = remaining - 1 WHERE employer_id = $1 AND remaining > 0", employer
    )


async def _credit_spent(connection: Connection, employer: int) -> None:
    await connection.execute("UPDATE credits SET remaining = remaining - 1 WHERE employer_id = $1", employer)


async def _assessment_changed(connection: Connection, employer: int) -> None:
    await connection.execute("UPDATE assessments SET difference = difference + 1 WHERE employer_id = $1", employer)


async def _period_changed(connection: Connection, employer: int) -> None:
    await connection.execute(
        """
        UPDATE assessed_periods SET amounts = jsonb_set(amounts, '{parts,0,amount}', '1001') WHERE employer_id = $1
        """,
        employer,
    )


async def _opening_changed(connection: Connection, employer: int) -> None:
    await connection.execute("UPDATE opening_balances SET amount = amount + 1 WHERE employer_id = $1", employer)


async def _assessment_reversed(connection: Connection, employer: int) -> None:
    posting_id = await connection.fetchval(
        "SELECT posting_id FROM transfers WHERE employer_id = $1 AND source = 'assessment' LIMIT 1", employer
    )
    await reverse(
        connection, employer_id=employer, posting_id=posting_id, reversal_id=posting_id, now=NOW, legal_day=TODAY
    )


async def _loose_end(connection: Connection, employer: int) -> None:
    await connection.execute("INSERT INTO ledger_accounts VALUES ($1, 'penalties')", employer)
    await connection.execute(
        """
        INSERT INTO transfers (employer_id, transfer_id, posting_id, debit_account, credit_account, amount, source,
                               source_ref, kind, content_hash, posted_at, legal_day)
        VALUES ($1, gen_random_uuid(), gen_random_uuid(), 'assessed:employer', 'penalties', 1, 'test', '', '', '',
                $2, $3)
        """,
        employer,
        NOW,
        TODAY,
    )


async def _books(pool: Pool) -> int:
    employer = await new_employer(pool)
    await assess(pool, employer, parts(retirement_employer=1000))
    await load_opening(pool, employer, 50, Payer.EMPLOYEE)
    await book_openings(pool, employer)
    await pay(pool, employer, Payer.EMPLOYER, 1100)
    await pay(pool, employer, Payer.EMPLOYEE, 30)
    return employer


@pytest.mark.parametrize(
    ("spoil", "subjects"),
    [
        (_due_forgiven, ["account due:contributions:employee", "due"]),
        (_credit_spent, ["account credit", "credit"]),
        (_assessment_changed, ["assessment"]),
        (_opening_changed, ["opening 16001:2025:contributions:employee"]),
        (
            _assessment_reversed,
            ["account due:contributions:employer", "assessment", "due", "period 16001:2025:retirement:employer"],
        ),
        (_period_changed, ["period 16001:2025:retirement:employer"]),
        (_loose_end, ["account assessed:employer"]),
    ],
)
async def test_what_differs_is_named(
    pool: Pool, spoil: Callable[[Connection, int], Awaitable[None]], subjects: list[str]
) -> None:
    employer = await _books(pool)
    assert await prove(pool, employer) == []
    async with transaction(pool, job("test", employer)) as connection:
        await spoil(connection, employer)
    found = await prove(pool, employer)
    named = sorted(each.subject for each in found)
    assert [name.startswith(subject) for name, subject in zip(named, subjects, strict=True)] == [True] * len(subjects)
    assert all(each.ledger != each.rows for each in found)


async def test_the_nightly_job_proves_what_moved_and_again_what_differed(pool: Pool, settings: Settings) -> None:
    sound, spoilt, idle = await _books(pool), await _books(pool), await new_employer(pool)
    async with transaction(pool, job("test", spoilt)) as connection:
        await _credit_spent(connection, spoilt)
    ctx: dict[str, Any] = {"pool": pool, "clock": lambda: NOW.replace(hour=23), "settings": settings}
    async with transaction(pool, SWEEPER) as connection:
        before = await select_employers_to_prove(connection, after=-1, limit=10_000)
    assert {sound, spoilt} <= set(before)
    assert idle not in before
    assert await prove_ledgers(ctx) >= 1
    async with transaction(pool, SWEEPER) as connection:
        after = await select_employers_to_prove(connection, after=-1, limit=10_000)
        kept = await connection.fetchval("SELECT differences FROM ledger_proofs WHERE employer_id = $1", spoilt)
    assert spoilt in after
    assert sound not in after
    assert {difference["rows"] - difference["ledger"] for difference in kept} == {1, -1}


async def test_trial_balance_of_the_whole_is_nothing(pool: Pool) -> None:
    employer = await _books(pool)
    async with transaction(pool, job("test", employer)) as connection:
        balances = await queries.select_account_balances(connection, employer_id=employer)
    assert sum(account.balance for account in balances) == 0
    assert sum(account.debits for account in balances) == sum(account.credits for account in balances) > 0
