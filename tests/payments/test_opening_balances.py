"""The balances of the fund's former system are booked once, and what a later load changes is followed."""

import asyncio
from datetime import date
from uuid import uuid4

from payments.books import (
    DUE_ON,
    NOW,
    accounts_of,
    assess,
    balance_of,
    book_openings,
    dues_of,
    load_opening,
    new_employer,
    parts,
    pay,
    prove,
)
from schemas.actors import SWEEPER
from schemas.legislation import Payer
from teledeclaration.database import Pool, transaction
from teledeclaration.payments.queries import select_employers_with_waiting_openings
from teledeclaration.settings import Settings
from workers.book_opening_balance import book_opening_balance


async def test_what_is_owed_opens_a_due_and_what_is_held_a_credit(pool: Pool) -> None:
    employer = await new_employer(pool)
    await load_opening(pool, employer, 500, Payer.EMPLOYER)
    await load_opening(pool, employer, -80, Payer.EMPLOYEE)
    assert await book_openings(pool, employer) == 2
    balance = await balance_of(pool, employer)
    assert (balance.owed, balance.credit) == (500, 80)
    assert (await accounts_of(pool, employer))["opening:balance"] == -420
    assert await prove(pool, employer) == []


async def test_the_job_finds_what_waits_and_a_second_run_finds_nothing(pool: Pool, settings: Settings) -> None:
    employer = await new_employer(pool)
    await load_opening(pool, employer, 500)
    ctx = {"pool": pool, "clock": lambda: NOW, "settings": settings}
    async with transaction(pool, SWEEPER) as connection:
        assert employer in await select_employers_with_waiting_openings(connection, limit=1000)
    runs = await asyncio.gather(*(book_opening_balance(ctx, employer, str(uuid4())) for _ in range(3)))
    assert sorted(runs) == [0, 0, 1]
    async with transaction(pool, SWEEPER) as connection:
        assert employer not in await select_employers_with_waiting_openings(connection, limit=1000)
    assert [due.remaining for due in await dues_of(pool, employer)] == [500]


async def test_a_load_that_says_the_same_books_nothing_more(pool: Pool) -> None:
    employer = await new_employer(pool)
    for _ in range(2):
        await load_opening(pool, employer, 500)
        await book_openings(pool, employer)
    assert [due.remaining for due in await dues_of(pool, employer)] == [500]


async def test_a_load_that_says_more_or_less_books_the_difference(pool: Pool) -> None:
    employer = await new_employer(pool)
    seen = []
    for amount in (500, 700, 650, -50, 30, 0):
        await load_opening(pool, employer, amount)
        await book_openings(pool, employer)
        balance = await balance_of(pool, employer)
        seen.append((balance.owed, balance.credit))
        assert await prove(pool, employer) == []
    assert seen == [(500, 0), (700, 0), (650, 0), (0, 50), (30, 0), (0, 0)]


async def test_what_was_paid_of_it_comes_back_as_a_credit(pool: Pool) -> None:
    employer = await new_employer(pool)
    await load_opening(pool, employer, 500)
    await book_openings(pool, employer)
    await pay(pool, employer, Payer.EMPLOYER, 400)
    await load_opening(pool, employer, 300)
    await book_openings(pool, employer)
    balance = await balance_of(pool, employer)
    assert (balance.owed, balance.credit) == (0, 100)
    assert await prove(pool, employer) == []


async def test_another_due_date_moves_what_is_open_of_it_and_nothing_else(pool: Pool) -> None:
    employer = await new_employer(pool)
    await assess(pool, employer, parts(retirement_employer=40))
    await load_opening(pool, employer, 500)
    await book_openings(pool, employer)
    await pay(pool, employer, Payer.EMPLOYER, 100)
    await load_opening(pool, employer, 520, due_on=date(2025, 3, 1))
    await book_openings(pool, employer)
    balance = await balance_of(pool, employer)
    assert balance.owed == 460
    assert {day.due_on for day in balance.days} <= {DUE_ON, date(2025, 3, 1)}
    assert sum(day.remaining for day in balance.days if day.due_on == DUE_ON) <= 40
    assert balance.late == balance.owed - sum(day.remaining for day in balance.days if day.due_on == DUE_ON)
    assert await prove(pool, employer) == []
