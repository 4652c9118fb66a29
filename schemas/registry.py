"""The fund's registers: loads, what was wrong in them, look-ups, and what is told back."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from schemas.findings import Severity

Register = Literal["employers", "people", "employments", "contacts", "balances"]
LoadMode = Literal["full", "changes"]
LoadStatus = Literal["waiting", "done", "refused", "failed"]


class LoadCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a load's rows.

    `new + changed + unchanged + refused` are the rows done; `linked` are the changed ones
    whose number was corrected, or who were merged into another person. `absent` counts the register's
    rows that a full file does not name. `findings` are those stored, at most FINDINGS_MAX.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    linked: int = 0
    absent: int = 0
    findings: int = 0


class RegisterLoad(msgspec.Struct, frozen=True, kw_only=True):
    """One file on its way into a register. `rows_total` is None until the file was counted."""

    load_id: UUID
    register: Register
    mode: LoadMode
    filename: str
    status: LoadStatus
    rows_total: int | None
    rows_done: int
    counts: LoadCounts
    reason: str | None
    reason_values: dict[str, Any]
    created_by: str
    created_at: datetime
    finished_at: datetime | None
    message: str | None = None


class LoadFinding(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong in one row; `row` is the spreadsheet's own, `pointer` stands in its place by REST."""

    code: str
    severity: Severity
    message: str
    field: str | None = None
    row: int | None = None
    pointer: str | None = None
    seen: str | None = None


class FindingsPage(msgspec.Struct, frozen=True, kw_only=True):
    """Findings in their order; `next` is the number to ask on from, None at the end."""

    findings: list[LoadFinding]
    by_code: dict[str, int]
    next: int | None


class RowsOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of rows sent over REST: committed but for the refused ones."""

    counts: LoadCounts
    findings: list[LoadFinding]


class PersonSought(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom an officer looks for: by number, or by the whole last name and the beginning of the first."""

    nss: str | None = None
    last_name: str | None = None
    first_name: str | None = None
    birth_date: date | None = None


class RegisteredPerson(msgspec.Struct, frozen=True, kw_only=True):
    """A person as the register has them; `numbers` are all they have or had."""

    person_id: int
    nss: str
    last_name: str
    first_name: str
    last_name_ar: str
    first_name_ar: str
    birth_date: date | None
    birth_place: str
    numbers: list[str]


class PeopleFound(msgspec.Struct, frozen=True, kw_only=True):
    """At most a screenful; `more` where there are others, and the search is to be narrowed."""

    people: list[RegisteredPerson]
    more: bool


class KnownPerson(msgspec.Struct, frozen=True, kw_only=True):
    """The person a number leads to: `nss` as asked, `current_nss` as it is today."""

    nss: str
    current_nss: str
    person_id: int
    last_name: str
    first_name: str
    last_name_ar: str
    first_name_ar: str
    birth_date: date | None


class EmploymentFact(msgspec.Struct, frozen=True, kw_only=True):
    """One spell of a person at the employer, by their current number."""

    nss: str
    person_id: int
    entry_date: date
    exit_date: date | None
    centre: str | None
    rate_category: str


class DeclaredEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A live declaration as the fund's systems are told of it; amounts in centimes.

    `form` is `annual` (`period` is its year) or `periodic` (a month or quarter, whose bases stand in its quarter).
    """

    declaration_id: UUID
    number: str
    employer_number: str
    centre: str
    form: str
    year: int
    period: str
    type: str
    replaces: UUID | None
    completes: UUID | None
    line_count: int
    left_out_count: int
    q1_amount: int
    q2_amount: int
    q3_amount: int
    q4_amount: int
    annual_amount: int
    content_hash: str
    filed_at: datetime
    legal_day: date


class DeclaredPage(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the feed. `after` is what to ask on with, also when nothing came; keep it as it is."""

    declarations: list[DeclaredEntry]
    after: str
    more: bool
