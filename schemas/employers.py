"""Employers and who acts for them: particulars, members, sessions, keys."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

Mode = Literal["live", "test"]
MemberRole = Literal["owner", "hr", "accountant", "reader"]
FundRole = Literal["agent", "supervisor", "administrator"]
Role = Literal["owner", "hr", "accountant", "reader", "agent", "supervisor", "administrator", "key"]
KeyScope = Literal["declare", "read", "pay", "fund.registers"]

Email = Annotated[str, Meta(max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", examples=["alice@example.dz"])]
PersonName = Annotated[str, Meta(min_length=1, max_length=120, examples=["Alice Benali"])]
Secret = Annotated[str, Meta(max_length=1000)]
EmployerNumber = Annotated[str, Meta(pattern=r"^[0-9]{10}$", examples=["1600012345"])]


class EmployerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """An employer's particulars, as the fund's register has them.

    `agency` and `wilaya` are where it belongs; `periodicity` is of its periodic declarations;
    `clock_offset_s` moves a test twin's clock and is 0 for a live employer. `merged_into` is the employer it
    went into, `main_employer` the one whose secondary site it is.
    """

    employer_id: int
    number: str
    mode: Mode
    clock_offset_s: int
    name: str
    name_ar: str
    legal_form: str
    sector: str
    building_sector: bool
    wilaya: int
    agency: str
    address: str
    periodicity: Literal["monthly", "quarterly"]
    public_administration: bool
    bank_account: str | None
    tax_number: str | None
    trade_register: str | None
    opened_on: date | None
    closed_on: date | None
    merged_into: int | None
    main_employer: int | None


class PaymentCentre(msgspec.Struct, frozen=True):
    """An employer's account at an agency: five digits."""

    centre: str
    name: str
    agency: str
    opened_on: date | None
    closed_on: date | None


class Contact(msgspec.Struct, frozen=True):
    """One way the fund reaches an employer."""

    kind: Literal["email", "phone", "postal"]
    contact: str
    name: str


class EmployerPage(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /v1/employer`: particulars, accounts and contacts; `now` is this employer's clock."""

    particulars: EmployerFacts
    payment_centres: list[PaymentCentre]
    contacts: list[Contact]
    now: datetime


class EmployerLine(msgspec.Struct, frozen=True):
    """One employer in a list."""

    number: str
    mode: Mode
    name: str
    name_ar: str
    wilaya: int
    agency: str


class EmployerList(msgspec.Struct, frozen=True):
    """A page of employers; `next` continues it, None at the end."""

    employers: list[EmployerLine]
    next: str | None


class ActingFor(msgspec.Struct, frozen=True, kw_only=True):
    """The employer a request acts for."""

    employer_id: int
    number: str
    mode: Mode
    clock_offset_s: int


class SignIn(msgspec.Struct, frozen=True):
    """`POST /v1/session`."""

    email: Annotated[str, Meta(max_length=254)]
    password: Secret


class Mine(msgspec.Struct, frozen=True):
    """An employer one may act for, and in which role."""

    number: str
    mode: Mode
    name: str
    name_ar: str
    role: MemberRole


class WhoAmI(msgspec.Struct, frozen=True, kw_only=True):
    """Who is signed in, and for whom they may act."""

    account_id: UUID
    email: str
    name: str
    language: str
    fund_role: FundRole | None
    wilayas: list[int] | None
    employers: list[Mine]


class SessionLine(msgspec.Struct, frozen=True):
    """One of my signed-in browsers; `current` is this one."""

    session_id: UUID
    created_at: datetime
    expires_at: datetime
    user_agent: str
    current: bool


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/api-keys`: what the key may do, and until when (a year from now at most)."""

    name: PersonName
    scopes: Annotated[list[KeyScope], Meta(min_length=1)]
    expires_at: datetime | None = None


class KeyLine(msgspec.Struct, frozen=True, kw_only=True):
    """An API key, without its secret; `hint` is its last four characters."""

    key_id: UUID
    name: str
    hint: str
    scopes: list[KeyScope]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class KeyShownOnce(msgspec.Struct, frozen=True, kw_only=True):
    """A new key: the only answer that ever holds it."""

    key: str
    line: KeyLine


class NewMember(msgspec.Struct, frozen=True):
    """`POST /v1/members`: a role offered to an address."""

    email: Email
    name: PersonName
    role: MemberRole


class NewRole(msgspec.Struct, frozen=True):
    """`PATCH /v1/members/{account_id}`."""

    role: MemberRole


class NewAccount(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/accounts`, by an administrator: an officer or administrator, or an employer's owner.

    `employer` is for an owner; `wilayas` is an officer's scope, None for the whole country.
    """

    email: Email
    name: PersonName
    role: Literal["owner", "agent", "supervisor", "administrator"]
    employer: EmployerNumber | None = None
    wilayas: list[Annotated[int, Meta(ge=1, le=99)]] | None = None


class InvitationShownOnce(msgspec.Struct, frozen=True):
    """A role that waits to be taken up; the only answer that ever holds the token."""

    invitation_id: UUID
    token: str
    expires_at: datetime


class TakeUp(msgspec.Struct, frozen=True):
    """`POST /v1/invitations`: the token, and the password of the account (a new one's, or the one it has)."""

    token: Secret
    password: Secret


class MemberLine(msgspec.Struct, frozen=True):
    """Someone who acts for this employer."""

    account_id: UUID
    email: str
    name: str
    role: MemberRole
    created_at: datetime


class InvitationLine(msgspec.Struct, frozen=True):
    """A role offered and not taken up yet."""

    invitation_id: UUID
    email: str
    name: str
    role: MemberRole
    expires_at: datetime


class MemberList(msgspec.Struct, frozen=True):
    """`GET /v1/members`."""

    members: list[MemberLine]
    invitations: list[InvitationLine]


class TwinClock(msgspec.Struct, frozen=True):
    """`PATCH /v1/test-twin`: the moment the twin's clock shows from now on."""

    clock: datetime


class Twin(msgspec.Struct, frozen=True):
    """A test twin and its clock."""

    number: str
    mode: Mode
    clock: datetime


class JournalEntry(msgspec.Struct, frozen=True):
    """Who did, or looked at, what."""

    entry_id: UUID
    at: datetime
    actor_kind: str
    actor_label: str
    action: str
    subject: str


class JournalPage(msgspec.Struct, frozen=True):
    """Entries, the newest first; `next` continues, None at the end."""

    entries: list[JournalEntry]
    next: str | None
