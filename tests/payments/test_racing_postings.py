"""Postings that race for the same and for different references: none twice, none lost, none waits for ever."""

import asyncio
import random
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from payments.books import (
    CENTRE,
    NOW,
    TODAY,
    assess,
    balance_of,
    load_opening,
    new_employer,
    parts,
    pay,
    prove,
)
from schemas.actors import job
from schemas.legislation import Payer
from schemas.payments import Due, Nature
from teledeclaration.database import Connection, Pool, open_pool, transaction
from teledeclaration.payments import queries
from teledeclaration.payments.actions import book_opening_balances
from teledeclaration.payments.ledger import Transfer, post
from teledeclaration.settings import Settings

TASKS, POSTINGS, SHARED = 8, 200, 50


@pytest.fixture(scope="module")
async def wide_pool(settings: Settings) -> AsyncIterator[Pool]:
    """A connection for each task."""
    opened = await open_pool(settings.database_url, size=TASKS)
    yield opened
    await opened.close()


def _posting(reference: str, choose: random.Random) -> list[Transfer]:
    """Two to four transfers on accounts in any order, the same for the same reference."""
    transfers = []
    for number in range(choose.randint(2, 4)):
        debit, credit = choose.sample(["clearing:card", "clearing:bank", "suspense", "penalties", "revenue:one"], 2)
        transfers.append(
            Transfer(
                debit=debit,
                credit=credit,
                amount=choose.randint(1, 1000),
                source="race",
                source_ref=reference,
                kind=str(number),
            )
        )
    return transfers


async def test_the_same_and_different_references_at_once(wide_pool: Pool) -> None:
    """Every fourth reference is everybody's, the others each task's own."""
    employer = await new_employer(wide_pool)

    async def task(number: int) -> int:
        written = 0
        for step in range(POSTINGS):
            own = step % 4
            reference = f"{number}-{step}" if own else f"all-{step % SHARED}"
            transfers = _posting(reference, random.Random(reference))
            async with transaction(wide_pool, job("test", employer)) as connection:
                posting = await post(
                    connection,
                    employer_id=employer,
                    posting_id=uuid4(),
                    transfers=random.sample(transfers, len(transfers)),
                    now=NOW,
                    legal_day=TODAY,
                )
            written += not posting.replayed
        return written

    written = sum(await asyncio.wait_for(asyncio.gather(*map(task, range(TASKS))), 60))
    shared = len({step % SHARED for step in range(POSTINGS) if step % 4 == 0})
    assert written == TASKS * (POSTINGS - POSTINGS // 4) + shared
    async with transaction(wide_pool, job("test", employer)) as connection:
        balances = await queries.select_account_balances(connection, employer_id=employer)
        postings = await connection.fetchval(
            "SELECT count(DISTINCT posting_id) FROM transfers WHERE employer_id = $1", employer
        )
    assert postings == written
    assert sum(account.balance for account in balances) == 0


async def test_payments_assessments_and_opening_balances_of_one_employer_at_once(wide_pool: Pool) -> None:
    """All lock and lower the same dues; what is owed in the end is what the sums say."""
    employer = await new_employer(wide_pool)
    await assess(wide_pool, employer, parts(retirement_employer=100_000, retirement_employee=50_000))

    async def task(number: int) -> None:
        for step in range(15):
            if number % 3 == 0:
                await pay(wide_pool, employer, Payer.EMPLOYER, 100 + step)
            elif number % 3 == 1:
                await assess(wide_pool, employer, parts(retirement_employer=-10, retirement_employee=7 - step))
            else:
                await load_opening(wide_pool, employer, 1000 * number + step, Payer.EMPLOYEE)
                await book_opening_balances(
                    wide_pool, job("test", employer), employer_id=employer, now=NOW, legal_day=TODAY
                )

    await asyncio.wait_for(asyncio.gather(*map(task, range(TASKS))), 60)
    await load_opening(wide_pool, employer, 777, Payer.EMPLOYEE)
    await book_opening_balances(wide_pool, job("test", employer), employer_id=employer, now=NOW, legal_day=TODAY)
    paid = 3 * sum(100 + step for step in range(15))
    lowered = 3 * sum(-10 + 7 - step for step in range(15))
    assert (await balance_of(wide_pool, employer)).net == 150_000 + lowered + 777 - paid
    assert await prove(wide_pool, employer) == []


async def test_one_due_is_not_paid_twice_by_two_who_pay_at_once(wide_pool: Pool) -> None:
    employer = await new_employer(wide_pool)
    await assess(wide_pool, employer, parts(retirement_employer=1000))
    await asyncio.gather(*(pay(wide_pool, employer, Payer.EMPLOYER, 300) for _ in range(TASKS)))
    balance = await balance_of(wide_pool, employer)
    assert (balance.owed, balance.credit) == (0, 300 * TASKS - 1000)
    assert await prove(wide_pool, employer) == []


async def test_a_due_is_locked_until_the_one_who_holds_it_is_done(wide_pool: Pool) -> None:
    employer = await new_employer(wide_pool)
    await assess(wide_pool, employer, parts(retirement_employer=1000))

    async def lock() -> list[Due]:
        async with transaction(wide_pool, job("test", employer)) as connection:
            return await _lock(connection, employer)

    async with transaction(wide_pool, job("test", employer)) as connection:
        due = (await _lock(connection, employer))[0]
        waiting = asyncio.create_task(lock())
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await queries.reduce_due(connection, employer_id=employer, due_id=due.due_id, amount=400)
    assert [due.remaining for due in await waiting] == [600]


async def _lock(connection: Connection, employer: int) -> list[Due]:
    return await queries.lock_open_dues(
        connection, employer_id=employer, centre=CENTRE, period="2025", nature=Nature.CONTRIBUTIONS
    )
