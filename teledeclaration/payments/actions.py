"""What changes what an employer owes: an assessment, and the balances of the fund's former system."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import partial
from typing import Literal
from uuid import UUID, uuid4

import msgspec

from schemas.actors import Actor
from schemas.assessments import BranchAmount, IncreaseChange, PeriodChange
from schemas.legislation import Branch, Payer
from schemas.payments import Due, Nature
from teledeclaration import journal
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.money import Centimes
from teledeclaration.outbox import insert_event
from teledeclaration.payments import queries
from teledeclaration.payments.accounts import OPENING, PENALTIES, assessed_account, revenue_account
from teledeclaration.payments.dues import Booking, Share, lower_owed, raise_owed, retake_credits
from teledeclaration.payments.ledger import Transfer, post
from teledeclaration.payments.queries import HeldCredit, OpeningBalance

Source = Literal["assessment", "provisional_assessment"]

ASSESSMENT: Source = "assessment"
PROVISIONAL: Source = "provisional_assessment"
ASSESSMENTS = (ASSESSMENT, PROVISIONAL)
OPENING_BALANCE = "opening_balance"

INCREASE_SHARE = Share(Nature.PENALTIES, Payer.EMPLOYER, PENALTIES)
"""The increase of a provisional assessment is the employer's own."""


async def book_assessment(
    connection: Connection,
    *,
    employer_id: int,
    source: Source,
    subject: UUID,
    centre: str,
    changes: Sequence[PeriodChange],
    increases: Sequence[IncreaseChange] = (),
    now: datetime,
    legal_day: date,
) -> bool:
    """Book what a declaration, or a provisional assessment, adds to a centre's periods, or takes off them.

    In the transaction that stores the assessment:

    1. what is open of the periods is locked, and what credits are left of what assessments gave back before;
    2. of each period, each branch × payer is posted with its own sign between `revenue:<branch>` and
       `assessed:<payer>`;
    3. the sum of each payer takes back what is left of a credit of the same period, and opens a due for the rest; or it
       lowers the open dues of the period and leaves a credit (see `dues`). Either is against `assessed:<payer>`, which
       so comes back to zero. The increase of a provisional assessment does the same against `penalties`.

    False, and nothing changed, where this was booked before or adds nothing; PostingDiffers where it was booked with
    other amounts. Several amounts of the same branch and payer of a period are added up.
    """
    parts = {change.period: _added_up(change.parts) for change in changes}
    reference = Reference(source, subject)
    revenue = [
        _revenue(reference, period, branch, payer, amount)
        for period, shares in parts.items()
        for (branch, payer), amount in shares.items()
    ]
    if not revenue and not increases:
        return False
    open_dues = await queries.lock_open_dues(connection, employer_id=employer_id, centre=centre)
    held = await queries.lock_credits(connection, employer_id=employer_id, origins=ASSESSMENTS)
    posted = partial(post, connection, employer_id=employer_id, posting_id=uuid4(), now=now, legal_day=legal_day)
    if revenue and (await posted(transfers=revenue)).replayed:
        return False
    owed = [
        (_booking(employer_id, reference, centre, change, now), _contributions(payer), amount)
        for change in changes
        for payer, amount in _by_payer(parts[change.period]).items()
    ]
    owed += [(_increase_booking(employer_id, centre, one, now), INCREASE_SHARE, one.amount) for one in increases]
    transfers = [one for change in owed for one in await _change_owed(connection, *change, open_dues, held)]
    if transfers:
        await posted(transfers=transfers)
    return True


class Reference(msgspec.Struct, frozen=True):
    """Which assessment something is booked for."""

    source: Source
    subject: UUID

    def of(self, period: str) -> str:
        """The reference of its transfers of one period."""
        return f"{self.subject}:{period}"


def _booking(
    employer_id: int, reference: Reference, centre: str, change: PeriodChange | IncreaseChange, now: datetime
) -> Booking:
    return Booking(
        employer_id=employer_id,
        source=reference.source,
        source_ref=reference.of(change.period),
        origin_ref=str(reference.subject),
        credit_ref=f"{reference.subject}:{centre}:{change.period}:{Nature.CONTRIBUTIONS}",
        centre=centre,
        period=change.period,
        due_on=change.due_on,
        now=now,
    )


def _increase_booking(employer_id: int, centre: str, increase: IncreaseChange, now: datetime) -> Booking:
    """Under the provisional assessment's reference, whoever changes it: it is raised once, and lowered once."""
    booking = _booking(employer_id, Reference(PROVISIONAL, increase.provisional_id), centre, increase, now)
    return msgspec.structs.replace(
        booking,
        kinds="increase:" if increase.amount > 0 else "increase_given_back:",
        credit_ref=f"{increase.provisional_id}:{centre}:{increase.period}:{Nature.PENALTIES}",
    )


def _contributions(payer: Payer) -> Share:
    return Share(Nature.CONTRIBUTIONS, payer, assessed_account(payer))


async def _change_owed(
    connection: Connection,
    booking: Booking,
    share: Share,
    amount: Centimes,
    open_dues: Sequence[Due],
    held: Sequence[HeldCredit],
) -> list[Transfer]:
    """Raise or lower what is owed of the booking's period; nothing of another period is touched."""
    if amount > 0:
        of_period = f":{booking.centre}:{booking.period}:{share.nature}:{share.payer}"
        own = [credit for credit in held if credit.origin_ref.endswith(of_period)]
        retaken, rest = await retake_credits(connection, booking, share, amount, own)
        return retaken + await raise_owed(connection, booking, share, rest)
    dues = [due for due in open_dues if due.period == booking.period]
    return await lower_owed(connection, booking, share, -amount, dues)


def _added_up(amounts: Iterable[BranchAmount]) -> dict[tuple[Branch, Payer], Centimes]:
    """By branch and payer, without those that come to nothing."""
    sums: Counter[tuple[Branch, Payer]] = Counter()
    for part in amounts:
        sums[part.branch, part.payer] += part.amount
    return {key: amount for key, amount in sums.items() if amount}


def _by_payer(parts: dict[tuple[Branch, Payer], Centimes]) -> dict[Payer, Centimes]:
    sums: Counter[Payer] = Counter()
    for (_, payer), amount in parts.items():
        sums[payer] += amount
    return {payer: amount for payer, amount in sums.items() if amount}


def _revenue(reference: Reference, period: str, branch: Branch, payer: Payer, amount: Centimes) -> Transfer:
    given, taken = revenue_account(branch), assessed_account(payer)
    return Transfer(
        debit=taken if amount > 0 else given,
        credit=given if amount > 0 else taken,
        amount=abs(amount),
        source=reference.source,
        source_ref=reference.of(period),
        kind=f"revenue:{branch}:{payer}",
    )


async def book_opening_balances(pool: Pool, actor: Actor, *, employer_id: int, now: datetime, legal_day: date) -> int:
    """Make the ledger follow the opening balances of an employer that wait; how many they were.

    A row that a later load changed posts the difference to what was booked of it before: more opens a due
    (after taking back what is left of a credit it had left), less lowers the open dues of its centre's
    period, then leaves a credit; another due date closes what is open of it and opens it anew.
    """
    async with transaction(pool, actor) as connection:
        waiting = await queries.lock_waiting_openings(connection, employer_id=employer_id)
        dues = await queries.lock_open_dues(connection, employer_id=employer_id)
        credits_held = await queries.lock_credits(connection, employer_id=employer_id, origins=(OPENING_BALANCE,))
        for opening in waiting:
            booking, booked = await _opening_booking(connection, employer_id, opening, now)
            transfers = await _follow(connection, booking, opening, booked=booked, dues=dues, credits_held=credits_held)
            if transfers:
                await post(
                    connection,
                    employer_id=employer_id,
                    posting_id=uuid4(),
                    transfers=transfers,
                    now=now,
                    legal_day=legal_day,
                )
            await queries.update_opening_booked(connection, employer_id=employer_id, opening=opening, now=now)
        if waiting:
            details = {"rows": len(waiting)}
            await journal.record(connection, actor, "opening_balances.booked", employer_id, now=now, details=details)
            await insert_event(
                connection,
                employer_id=employer_id,
                kind="opening_balances.booked",
                subject=employer_id,
                now=now,
                payload=details,
            )
    return len(waiting)


async def _opening_booking(
    connection: Connection, employer_id: int, opening: OpeningBalance, now: datetime
) -> tuple[Booking, Centimes]:
    """The next booking of this row, and what the ones before have booked of it."""
    key = f"{opening.centre}:{opening.period}:{opening.nature}:{opening.payer}"
    booked, postings = await queries.select_booked(
        connection, employer_id=employer_id, source=OPENING_BALANCE, source_ref=key, account=OPENING
    )
    booking = Booking(
        employer_id=employer_id,
        source=OPENING_BALANCE,
        source_ref=key,
        origin_ref=f"{key}:{postings + 1}",
        credit_ref=f"{key}:{postings + 1}",
        kinds=f"{postings + 1}:",
        centre=opening.centre,
        period=opening.period,
        due_on=opening.due_on,
        now=now,
    )
    return booking, booked


async def _follow(
    connection: Connection,
    booking: Booking,
    opening: OpeningBalance,
    *,
    booked: Centimes,
    dues: Sequence[Due],
    credits_held: Sequence[HeldCredit],
) -> list[Transfer]:
    """Bring what is owed from what was booked of the row to what it says now."""
    share = Share(opening.nature, opening.payer, OPENING)
    same = [due for due in dues if _owed_for(due) == _owed_for(opening)]
    moved = [due for due in same if due.origin == OPENING_BALANCE and due.due_on != opening.due_on]
    closed = sum(due.remaining for due in moved)
    transfers = await lower_owed(connection, booking, share, closed, moved)
    amount = opening.amount - booked + closed
    if amount <= 0:
        still_open = [due for due in same if due not in moved]
        return transfers + await lower_owed(connection, booking, share, -amount, still_open)
    own = [credit for credit in credits_held if credit.origin_ref.startswith(f"{booking.source_ref}:")]
    retaken, rest = await retake_credits(connection, booking, share, amount, own)
    return transfers + retaken + await raise_owed(connection, booking, share, rest)


def _owed_for(owed: Due | OpeningBalance) -> tuple[str, str, Nature, Payer]:
    return owed.centre, owed.period, owed.nature, owed.payer
