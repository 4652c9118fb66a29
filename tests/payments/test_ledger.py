"""Postings: written once, replayed, refused with other content, reversed once."""

from uuid import UUID, uuid4

import msgspec
import pytest

from payments.books import NOW, TODAY, accounts_of, new_employer
from schemas.actors import job
from teledeclaration.database import Pool, transaction
from teledeclaration.errors import NotFound
from teledeclaration.payments.errors import AlreadyReversed, PostingDiffers
from teledeclaration.payments.ledger import Posting, Transfer, post, reverse

FEE = Transfer(debit="clearing:card", credit="suspense", amount=100, source="test", source_ref="one", kind="fee")
TAX = Transfer(debit="clearing:card", credit="penalties", amount=7, source="test", source_ref="one", kind="tax")


async def write(pool: Pool, employer_id: int, *transfers: Transfer) -> Posting:
    async with transaction(pool, job("test", employer_id)) as connection:
        return await post(
            connection, employer_id=employer_id, posting_id=uuid4(), transfers=transfers, now=NOW, legal_day=TODAY
        )


async def undo(pool: Pool, employer_id: int, posting_id: UUID) -> Posting:
    async with transaction(pool, job("test", employer_id)) as connection:
        return await reverse(
            connection,
            employer_id=employer_id,
            posting_id=posting_id,
            reversal_id=uuid4(),
            now=NOW,
            legal_day=TODAY,
        )


async def test_the_same_posting_again_is_a_replay_whatever_its_order(pool: Pool) -> None:
    employer = await new_employer(pool)
    first = await write(pool, employer, FEE, TAX)
    again = await write(pool, employer, TAX, FEE)
    assert again == Posting(first.posting_id, replayed=True)
    assert await accounts_of(pool, employer) == {"clearing:card": 107, "penalties": -7, "suspense": -100}


@pytest.mark.parametrize(
    "transfers",
    [
        [msgspec.structs.replace(FEE, amount=101), TAX],
        [msgspec.structs.replace(FEE, credit="credit_notes"), TAX],
        [FEE],
        [FEE, TAX, msgspec.structs.replace(FEE, kind="more")],
    ],
    ids=["another amount", "another account", "a transfer less", "a transfer more"],
)
async def test_the_same_reference_with_other_content_is_refused(pool: Pool, transfers: list[Transfer]) -> None:
    employer = await new_employer(pool)
    await write(pool, employer, FEE, TAX)
    with pytest.raises(PostingDiffers):
        await write(pool, employer, *transfers)
    assert await accounts_of(pool, employer) == {"clearing:card": 107, "penalties": -7, "suspense": -100}


async def test_a_refused_posting_leaves_nothing_even_where_the_caller_goes_on(pool: Pool) -> None:
    employer = await new_employer(pool)
    await write(pool, employer, FEE)
    async with transaction(pool, job("test", employer)) as connection:
        with pytest.raises(PostingDiffers):
            await post(
                connection, employer_id=employer, posting_id=uuid4(), transfers=[FEE, TAX], now=NOW, legal_day=TODAY
            )
    assert await accounts_of(pool, employer) == {"clearing:card": 100, "suspense": -100}


async def test_two_employers_may_use_the_same_reference(pool: Pool) -> None:
    for employer in (await new_employer(pool), await new_employer(pool)):
        assert not (await write(pool, employer, FEE)).replayed


async def test_a_reversal_brings_every_account_back_and_happens_once(pool: Pool) -> None:
    employer = await new_employer(pool)
    posting = await write(pool, employer, FEE, TAX)
    reversal = await undo(pool, employer, posting.posting_id)
    again = await undo(pool, employer, posting.posting_id)
    assert again == Posting(reversal.posting_id, replayed=True)
    assert set((await accounts_of(pool, employer)).values()) == {0}


async def test_what_is_reversed_cannot_be_reversed_under_another_reference(pool: Pool) -> None:
    employer = await new_employer(pool)
    posting = await write(pool, employer, FEE)
    async with transaction(pool, job("test", employer)) as connection:
        transfer_id = await connection.fetchval("SELECT transfer_id FROM transfers WHERE employer_id = $1", employer)
    await undo(pool, employer, posting.posting_id)
    second = Transfer(
        debit="suspense",
        credit="clearing:card",
        amount=100,
        source="refund",
        source_ref="one",
        kind="refund",
        reverses=transfer_id,
    )
    with pytest.raises(AlreadyReversed):
        await write(pool, employer, second)
    assert set((await accounts_of(pool, employer)).values()) == {0}


async def test_a_posting_of_another_employer_is_not_there_to_be_reversed(pool: Pool) -> None:
    posting = await write(pool, await new_employer(pool), FEE)
    with pytest.raises(NotFound):
        await undo(pool, await new_employer(pool), posting.posting_id)


async def test_a_posting_needs_transfers_with_references_of_their_own(pool: Pool) -> None:
    employer = await new_employer(pool)
    for transfers in ((), (FEE, FEE)):
        with pytest.raises(ValueError, match="reference"):
            await write(pool, employer, *transfers)
