"""An assessment opens dues by payer, lowers them, leaves credits, and the ledger says the same."""

import asyncio
from uuid import uuid4

import pytest

from payments.books import (
    accounts_of,
    assess,
    balance_of,
    dues_of,
    new_employer,
    parts,
    pay,
    prove,
)
from schemas.legislation import Payer
from teledeclaration.database import Pool
from teledeclaration.payments.errors import PostingDiffers

YEAR = parts(retirement_employer=1100, retirement_employee=675, social_insurance_employee=150, housing_social_works=50)


async def test_a_first_assessment_opens_one_due_for_each_payer(pool: Pool) -> None:
    employer = await new_employer(pool)
    assert await assess(pool, employer, YEAR)
    assert {due.payer: due.remaining for due in await dues_of(pool, employer)} == {
        "employer": 1100,
        "employee": 825,
        "social_works": 50,
    }
    assert await accounts_of(pool, employer) == {
        "assessed:employee": 0,
        "assessed:employer": 0,
        "assessed:social_works": 0,
        "due:contributions:employee": 825,
        "due:contributions:employer": 1100,
        "due:contributions:social_works": 50,
        "revenue:housing": -50,
        "revenue:retirement": -1775,
        "revenue:social_insurance": -150,
    }
    assert await prove(pool, employer) == []


async def test_booking_twice_changes_nothing(pool: Pool) -> None:
    employer, declaration = await new_employer(pool), uuid4()
    assert await assess(pool, employer, YEAR, declaration)
    before = await accounts_of(pool, employer)
    assert not await assess(pool, employer, YEAR, declaration)
    assert await accounts_of(pool, employer) == before
    assert (await balance_of(pool, employer)).owed == 1975


async def test_two_workers_at_once_book_once(pool: Pool) -> None:
    employer, declaration = await new_employer(pool), uuid4()
    booked = await asyncio.gather(*(assess(pool, employer, YEAR, declaration) for _ in range(4)))
    assert sorted(booked) == [False, False, False, True]
    assert (await balance_of(pool, employer)).owed == 1975


async def test_booking_the_same_declaration_with_other_amounts_is_refused(pool: Pool) -> None:
    employer, declaration = await new_employer(pool), uuid4()
    await assess(pool, employer, YEAR, declaration)
    with pytest.raises(PostingDiffers):
        await assess(pool, employer, parts(retirement_employer=1), declaration)
    assert (await balance_of(pool, employer)).owed == 1975


async def test_a_lower_replacement_lowers_the_open_dues_of_that_payer(pool: Pool) -> None:
    employer = await new_employer(pool)
    await assess(pool, employer, YEAR)
    await assess(pool, employer, parts(retirement_employee=-600))
    assert {due.payer: due.remaining for due in await dues_of(pool, employer)} == {
        "employer": 1100,
        "employee": 225,
        "social_works": 50,
    }
    assert (await balance_of(pool, employer)).credit == 0
    assert await prove(pool, employer) == []


async def test_what_was_paid_already_comes_back_as_a_credit(pool: Pool) -> None:
    employer = await new_employer(pool)
    await assess(pool, employer, parts(retirement_employer=1000, retirement_employee=500))
    await pay(pool, employer, Payer.EMPLOYER, 900)
    await assess(pool, employer, parts(retirement_employer=-300))
    balance = await balance_of(pool, employer)
    assert (balance.owed, balance.credit, balance.net) == (500, 200, 300)
    assert await prove(pool, employer) == []


async def test_within_one_payer_branches_of_both_signs_change_dues_by_their_sum(pool: Pool) -> None:
    employer = await new_employer(pool)
    await assess(pool, employer, parts(retirement_employer=1000, accidents_employer=100))
    await assess(pool, employer, parts(retirement_employer=-70, accidents_employer=30))
    accounts = await accounts_of(pool, employer)
    assert (accounts["revenue:retirement"], accounts["revenue:accidents"]) == (-930, -130)
    assert accounts["due:contributions:employer"] == (await balance_of(pool, employer)).owed == 1060
    assert await prove(pool, employer) == []


async def test_a_shift_between_branches_alone_touches_no_due(pool: Pool) -> None:
    employer = await new_employer(pool)
    await assess(pool, employer, parts(retirement_employer=1000, accidents_employer=100))
    assert await assess(pool, employer, parts(retirement_employer=-70, accidents_employer=70))
    assert [due.remaining for due in await dues_of(pool, employer)] == [1100]
    assert await prove(pool, employer) == []


async def test_the_same_branch_and_payer_in_several_rate_lines_is_added_up(pool: Pool) -> None:
    employer = await new_employer(pool)
    await assess(pool, employer, [*parts(retirement_employer=1000), *parts(retirement_employer=-1)])
    assert (await accounts_of(pool, employer))["revenue:retirement"] == -999


async def test_an_assessment_that_adds_nothing_books_nothing(pool: Pool) -> None:
    employer = await new_employer(pool)
    assert not await assess(pool, employer, parts(retirement_employer=0))
    assert await accounts_of(pool, employer) == {}
