"""The ledger: transfers, written once, by the reference of what they are for.

Callers that change dues or credits lock first all dues they may touch (by due date), then all credits (by
age), and post last: one order for all, so that no two of them wait for each other.
"""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID, uuid4

import asyncpg
import msgspec

from teledeclaration.database import Connection
from teledeclaration.errors import NotFound
from teledeclaration.money import Centimes
from teledeclaration.payments import queries
from teledeclaration.payments.errors import AlreadyReversed, PostingDiffers


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """`amount` centimes, positive, from the `credit` account to the `debit` account, for what the reference names.

    (`source`, `source_ref`, `kind`) is written once per employer. A transfer on a `due:` account names the
    due, one on `credit` the credit; `reverses` names the transfer this one undoes.
    """

    debit: str
    credit: str
    amount: Centimes
    source: str
    source_ref: str
    kind: str
    due_id: UUID | None = None
    credit_id: UUID | None = None
    reverses: UUID | None = None

    @property
    def reference(self) -> tuple[str, str, str]:
        return self.source, self.source_ref, self.kind


class Posting(msgspec.Struct, frozen=True):
    """What was written; `replayed` where it was there before, and `posting_id` is then the former one's."""

    posting_id: UUID
    replayed: bool


async def post(
    connection: Connection,
    *,
    employer_id: int,
    posting_id: UUID,
    transfers: Sequence[Transfer],
    now: datetime,
    legal_day: date,
) -> Posting:
    """Write transfers on accounts of one employer, all or none, in the caller's transaction.

    The same transfers again are a replay and change nothing. PostingDiffers where one of the references
    was posted with anything else, or with other transfers beside it; AlreadyReversed where one undoes
    what another has undone. Either leaves the caller's transaction as it was.
    """
    ordered = sorted(transfers, key=lambda transfer: transfer.reference)
    if not ordered or len({transfer.reference for transfer in ordered}) < len(ordered):
        raise ValueError("a posting is one or more transfers, each with a reference of its own")
    content_hash = _content_hash(ordered)
    rows = [_row(transfer, employer_id, posting_id, content_hash, now, legal_day) for transfer in ordered]
    async with connection.transaction():
        await queries.insert_accounts(connection, employer_id=employer_id, accounts=_accounts(ordered))
        written = await _insert(connection, rows)
        if written == len(ordered):
            return Posting(posting_id, replayed=False)
        former = None if written else await _former(connection, employer_id, ordered[0], content_hash)
        if former is None:
            raise PostingDiffers(source=ordered[0].source, source_ref=ordered[0].source_ref)
        return Posting(former, replayed=True)


async def reverse(
    connection: Connection,
    *,
    employer_id: int,
    posting_id: UUID,
    reversal_id: UUID,
    now: datetime,
    legal_day: date,
) -> Posting:
    """Undo a whole posting by the same transfers the other way round; the second time is a replay.

    NotFound where the employer has no such posting. Dues and credits it moved are the caller's to move
    back, in the same transaction.
    """
    posted = await queries.select_posting(connection, employer_id=employer_id, posting_id=posting_id)
    if not posted:
        raise NotFound
    undone = [
        Transfer(
            debit=entry.credit_account,
            credit=entry.debit_account,
            amount=entry.amount,
            source="reversal",
            source_ref=str(posting_id),
            kind=str(entry.transfer_id),
            due_id=entry.due_id,
            credit_id=entry.credit_id,
            reverses=entry.transfer_id,
        )
        for entry in posted
    ]
    return await post(
        connection, employer_id=employer_id, posting_id=reversal_id, transfers=undone, now=now, legal_day=legal_day
    )


def _content_hash(ordered: Sequence[Transfer]) -> str:
    return hashlib.sha256(msgspec.json.encode(ordered)).hexdigest()


def _accounts(transfers: Sequence[Transfer]) -> list[str]:
    """In one order for all, so that two postings that open the same accounts do not wait for each other."""
    return sorted({account for transfer in transfers for account in (transfer.debit, transfer.credit)})


def _row(transfer: Transfer, *beside: object) -> tuple[object, ...]:
    return (
        *beside,
        uuid4(),
        transfer.debit,
        transfer.credit,
        transfer.amount,
        *transfer.reference,
        transfer.due_id,
        transfer.credit_id,
        transfer.reverses,
    )


async def _insert(connection: Connection, rows: Sequence[tuple[object, ...]]) -> int:
    try:
        return await queries.insert_transfers(connection, rows)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == "transfers_reversed_once":
            raise AlreadyReversed from None
        raise


async def _former(connection: Connection, employer_id: int, transfer: Transfer, content_hash: str) -> UUID | None:
    """The posting that wrote the same: the hash covers all transfers of it, so one of them tells for all."""
    return await queries.select_posting_id(
        connection,
        employer_id=employer_id,
        source=transfer.source,
        source_ref=transfer.source_ref,
        kind=transfer.kind,
        content_hash=content_hash,
    )
