"""What raises and lowers what is owed: dues and credits change together with the transfers that say why.

raised    a new due                                debit due, credit the counterpart
lowered   first open dues, the oldest first        debit the counterpart, credit due
          then, for what is left, a credit         debit the counterpart, credit `credit`
retaken   a credit that should never have been     debit `credit`, credit the counterpart
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import msgspec

from schemas.legislation import Payer
from schemas.payments import Due, Nature
from teledeclaration.database import Connection
from teledeclaration.money import Centimes
from teledeclaration.payments import queries
from teledeclaration.payments.accounts import CREDIT, due_account
from teledeclaration.payments.law.allocation import OpenAmount, oldest_first
from teledeclaration.payments.ledger import Transfer


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """For what, and for which centre's period, what is owed changes.

    (`source`, `source_ref`) is the reference of the transfers; `origin_ref` that of the dues and `credit_ref` what that
    of a credit begins with, others for each booking of the same reference; `kinds` starts the transfers' kinds, for the
    same reason.
    """

    employer_id: int
    source: str
    source_ref: str
    origin_ref: str
    credit_ref: str
    kinds: str = ""
    centre: str
    period: str
    due_on: date
    now: datetime


class Share(msgspec.Struct, frozen=True):
    """On whose account it is owed, for what, and the account that stands against it."""

    nature: Nature
    payer: Payer
    against: str


async def raise_owed(connection: Connection, booking: Booking, share: Share, amount: Centimes) -> list[Transfer]:
    """Open a due of `amount`; its transfer, to be posted by the caller."""
    if amount == 0:
        return []
    due = Due(
        due_id=uuid4(),
        centre=booking.centre,
        period=booking.period,
        nature=share.nature,
        payer=share.payer,
        amount=amount,
        remaining=amount,
        due_on=booking.due_on,
        origin=booking.source,
        origin_ref=booking.origin_ref,
        created_at=booking.now,
    )
    await queries.insert_due(connection, employer_id=booking.employer_id, due=due)
    return [
        _transfer(
            booking,
            f"due:{share.payer}",
            debit=due_account(share.nature, share.payer),
            credit=share.against,
            amount=amount,
            due_id=due.due_id,
        )
    ]


async def lower_owed(
    connection: Connection, booking: Booking, share: Share, amount: Centimes, locked: Sequence[Due]
) -> list[Transfer]:
    """Take `amount` off the `locked` dues of the share, and hold what is left of it as a credit."""
    open_amounts = [
        OpenAmount(due.due_id, due.remaining, due.due_on)
        for due in locked
        if (due.nature, due.payer) == (share.nature, share.payer)
    ]
    taken, rest = oldest_first(amount, open_amounts)
    transfers = []
    for part in taken:
        await queries.reduce_due(connection, employer_id=booking.employer_id, due_id=part.amount_id, amount=part.amount)
        transfers.append(
            _transfer(
                booking,
                f"lowered:{share.payer}:{part.amount_id}",
                debit=share.against,
                credit=due_account(share.nature, share.payer),
                amount=part.amount,
                due_id=part.amount_id,
            )
        )
    return transfers + await _hold(connection, booking, share, rest)


async def _hold(connection: Connection, booking: Booking, share: Share, amount: Centimes) -> list[Transfer]:
    if amount == 0:
        return []
    credit_id = uuid4()
    await queries.insert_credit(
        connection,
        employer_id=booking.employer_id,
        credit_id=credit_id,
        amount=amount,
        origin=booking.source,
        origin_ref=f"{booking.credit_ref}:{share.payer}",
        now=booking.now,
    )
    return [
        _transfer(
            booking, f"held:{share.payer}", debit=share.against, credit=CREDIT, amount=amount, credit_id=credit_id
        )
    ]


async def retake_credits(
    connection: Connection, booking: Booking, share: Share, amount: Centimes, locked: Sequence[queries.HeldCredit]
) -> tuple[list[Transfer], Centimes]:
    """Take up to `amount` off `locked` credits; the transfers, and what no credit was left for."""
    open_amounts = [
        OpenAmount(credit.credit_id, credit.remaining, credit.created_at.astimezone(UTC).date()) for credit in locked
    ]
    taken, rest = oldest_first(amount, open_amounts)
    transfers = []
    for part in taken:
        await queries.reduce_credit(
            connection, employer_id=booking.employer_id, credit_id=part.amount_id, amount=part.amount
        )
        transfers.append(
            _transfer(
                booking,
                f"retaken:{share.payer}:{part.amount_id}",
                debit=CREDIT,
                credit=share.against,
                amount=part.amount,
                credit_id=part.amount_id,
            )
        )
    return transfers, rest


def _transfer(
    booking: Booking,
    kind: str,
    *,
    debit: str,
    credit: str,
    amount: Centimes,
    due_id: UUID | None = None,
    credit_id: UUID | None = None,
) -> Transfer:
    return Transfer(
        debit=debit,
        credit=credit,
        amount=amount,
        source=booking.source,
        source_ref=booking.source_ref,
        kind=booking.kinds + kind,
        due_id=due_id,
        credit_id=credit_id,
    )
