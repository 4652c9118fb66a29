"""What changes what an employer owes: an assessment, and the balances of the fund's former system."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from uuid import UUID, uuid4

from schemas.actors import Actor
from schemas.assessments import BranchAmount
from schemas.legislation import Branch, Payer
from schemas.payments import Due, Nature
from teledeclaration import journal
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.money import Centimes
from teledeclaration.outbox import insert_event
from teledeclaration.payments import queries
from teledeclaration.payments.accounts import OPENING, assessed_account, revenue_account
from teledeclaration.payments.dues import Booking, Share, lower_owed, raise_owed, retake_credits
from teledeclaration.payments.ledger import Transfer, post
from teledeclaration.payments.queries import HeldCredit, OpeningBalance
from teledeclaration.periods import Period

ASSESSMENT = "assessment"
OPENING_BALANCE = "opening_balance"


async def book_assessment(
    connection: Connection,
    *,
    employer_id: int,
    declaration_id: UUID,
    centre: str,
    period: Period,
    due_on: date,
    amounts: Iterable[BranchAmount],
    now: datetime,
    legal_day: date,
) -> bool:
    """Book what a declaration adds to (positive) or takes off (negative) what was assessed before, in centimes.

    In the transaction that stores the assessment:

    1. the open dues of the centre's period are locked;
    2. each branch × payer is posted with its own sign between `revenue:<branch>` and `assessed:<payer>`;
    3. the sum of each payer opens a due, or lowers the open ones and leaves a credit (see `dues`), against
       `assessed:<payer>`, which so comes back to zero.

    False, and nothing changed, where this declaration was booked before or adds nothing; PostingDiffers
    where it was booked with other amounts. Several amounts of the same branch and payer are added up.
    """
    parts = _added_up(amounts)
    if not parts:
        return False
    locked = await queries.lock_open_dues(
        connection, employer_id=employer_id, centre=centre, period=period.code, nature=Nature.CONTRIBUTIONS
    )
    posting_id, reference = uuid4(), str(declaration_id)
    posting = await post(
        connection,
        employer_id=employer_id,
        posting_id=posting_id,
        transfers=[_revenue(reference, branch, payer, amount) for (branch, payer), amount in parts.items()],
        now=now,
        legal_day=legal_day,
    )
    if posting.replayed:
        return False
    booking = Booking(
        employer_id=employer_id,
        source=ASSESSMENT,
        source_ref=reference,
        origin_ref=reference,
        centre=centre,
        period=period.code,
        due_on=due_on,
        now=now,
    )
    transfers = await _change_dues(connection, booking, _by_payer(parts), locked)
    if transfers:
        await post(
            connection,
            employer_id=employer_id,
            posting_id=posting_id,
            transfers=transfers,
            now=now,
            legal_day=legal_day,
        )
    return True


async def _change_dues(
    connection: Connection, booking: Booking, amounts: dict[Payer, Centimes], locked: Sequence[Due]
) -> list[Transfer]:
    transfers: list[Transfer] = []
    for payer, amount in amounts.items():
        share = Share(Nature.CONTRIBUTIONS, payer, assessed_account(payer))
        if amount > 0:
            transfers += await raise_owed(connection, booking, share, amount)
        else:
            transfers += await lower_owed(connection, booking, share, -amount, locked)
    return transfers


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


def _revenue(source_ref: str, branch: Branch, payer: Payer, amount: Centimes) -> Transfer:
    given, taken = revenue_account(branch), assessed_account(payer)
    return Transfer(
        debit=taken if amount > 0 else given,
        credit=given if amount > 0 else taken,
        amount=abs(amount),
        source=ASSESSMENT,
        source_ref=source_ref,
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
        credits_held = await queries.lock_credits(connection, employer_id=employer_id, origin=OPENING_BALANCE)
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
