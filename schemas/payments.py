"""What is owed and held, and the ledger behind it; every amount in centimes."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from schemas.legislation import Payer
from teledeclaration.money import Centimes


class Nature(StrEnum):
    """What an amount is owed for."""

    CONTRIBUTIONS = "contributions"
    PENALTIES = "penalties"


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """An amount owed for a payment centre's period by one payer's share; `remaining` is what is left to pay.

    `period` is a code (`2025`, `2025-Q1`, `2025-01`). `origin` says what opened it (`assessment`,
    `provisional_assessment`, `opening_balance`), `origin_ref` which one: for an assessment, the declaration's id; for
    the others, the provisional assessment's, or the row of the former system.
    """

    due_id: UUID
    centre: str
    period: str
    nature: Nature
    payer: Payer
    amount: Centimes
    remaining: Centimes
    due_on: date
    origin: str
    origin_ref: str
    created_at: datetime


class DueTotal(msgspec.Struct, frozen=True, kw_only=True):
    """All dues of the same nature and payer together."""

    nature: Nature
    payer: Payer
    dues: int
    amount: Centimes
    remaining: Centimes


class DuesPage(msgspec.Struct, frozen=True, kw_only=True):
    """Dues by due date. `totals` and `remaining` cover all that match, not this page alone.

    `next_after` is given back as `after` for the page that follows; null on the last one.
    """

    dues: tuple[Due, ...]
    totals: tuple[DueTotal, ...]
    remaining: Centimes
    next_after: UUID | None


class OwedOn(msgspec.Struct, frozen=True, kw_only=True):
    """What is left to pay of the dues of one day; `late` where that day has passed."""

    due_on: date
    remaining: Centimes
    late: bool


class OwedPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """All dues of a centre's period together: `amount` booked, `remaining` to pay, `late` of it past its due date."""

    centre: str
    period: str
    amount: Centimes
    remaining: Centimes
    late: Centimes


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """What an employer owes and is owed: `owed` = `late` + `coming` = the sum of `days`.

    `credit` is held for the employer and not set against anything yet; `net` = `owed` − `credit`.
    """

    on: date
    owed: Centimes
    late: Centimes
    coming: Centimes
    credit: Centimes
    net: Centimes
    days: tuple[OwedOn, ...]


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One transfer. Where one account was asked for, `change` is signed (debit positive) and `balance` runs."""

    transfer_id: UUID
    posting_id: UUID
    debit_account: str
    credit_account: str
    amount: Centimes
    source: str
    source_ref: str
    kind: str
    due_id: UUID | None
    credit_id: UUID | None
    reverses: UUID | None
    posted_at: datetime
    legal_day: date
    change: Centimes | None = None
    balance: Centimes | None = None


class LedgerPage(msgspec.Struct, frozen=True, kw_only=True):
    """Transfers, the oldest first; `next_after` as on a page of dues."""

    entries: tuple[LedgerEntry, ...]
    next_after: UUID | None


class AccountBalance(msgspec.Struct, frozen=True, kw_only=True):
    """One account's line of the trial balance; `balance` = `debits` − `credits`."""

    account: str
    debits: Centimes
    credits: Centimes
    balance: Centimes


class TrialBalance(msgspec.Struct, frozen=True, kw_only=True):
    """Every account of an employer; `debits` and `credits` of all accounts are equal by the ledger's shape."""

    accounts: tuple[AccountBalance, ...]
    debits: Centimes
    credits: Centimes


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Where the ledger and the rows beside it disagree: `subject` names an account, due, credit, declaration …"""

    subject: str
    ledger: Centimes
    rows: Centimes
