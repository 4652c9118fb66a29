"""Where a year's declarations do not agree: what was compared, what was found, and what to do. Amounts are centimes."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from teledeclaration.money import Centimes

DifferenceKind = Literal[
    "base_differs", "annual_only", "periodic_only", "category_differs", "two_numbers", "period_undeclared",
    "totals_differ", "headcount_differs", "left_but_paid", "paid_before_entry", "paid_not_hired", "hired_but_missing",
    "days_beyond_employment", "below_minimum_wage", "unusual_jump", "vanished",
]  # fmt: skip
DifferenceCause = Literal[
    "late_complement", "written_in_centimes", "periodic_in_centimes", "declared_twice", "quarter_shifted", "rounded",
    "digits_swapped", "month_missing", "exit_not_told",
]  # fmt: skip
DifferenceAction = Literal["complete", "replace", "correct_movement", "declare_movement", "mend_annual", "accept"]
Against = Literal["declaration", "draft", "none"]
ReconciliationStatus = Literal["waiting", "done", "failed"]


class NewReconciliation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The year to be compared. `centre` may be left out by an employer with one payment centre; `draft_id` names an
    open annual draft to be compared as if it were filed, instead of what is."""

    year: Annotated[int, msgspec.Meta(ge=2000, le=2100)]
    centre: str | None = None
    draft_id: UUID | None = None


class QuarterCompared(msgspec.Struct, frozen=True, kw_only=True):
    """A quarter of the centre: its bases in the `annual` declaration and in the `periodic` ones, what they are
    `assessed` at, and of the dues booked for its periods what was `booked`, is `remaining`, and is `late`."""

    period: str
    annual: Centimes
    periodic: Centimes
    difference: Centimes
    assessed: Centimes
    booked: Centimes
    remaining: Centimes
    late: Centimes


class KindFound(msgspec.Struct, frozen=True, kw_only=True):
    """How many differences of a kind there are, how many of them are stood by, and what the others are worth."""

    kind: DifferenceKind
    title: str
    count: int
    accepted: int
    contributions: Centimes
    doubt: bool


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """The last comparison of a centre's year. What is found is of the last one `done`, also while another waits.

    `against`: what the periodic declarations were compared with, the annual `declaration` that stands, a `draft` of it,
    or `none` yet. `at_stake`: what the differences are worth, each without its sign, but for doubts (`doubtful`) and
    for those stood by.
    """

    centre: str
    year: int
    status: ReconciliationStatus
    asked_at: datetime
    done_at: datetime | None
    against: Against | None
    draft_id: UUID | None
    lines: int
    differences: int
    at_stake: Centimes
    doubtful: Centimes
    kinds: tuple[KindFound, ...]
    quarters: tuple[QuarterCompared, ...]


class YearDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that does not agree, in figures and in the reader's words.

    `contributions` is what it is worth: positive where more would be owed, negative where less. `declared` and
    `expected` are bases; of `days_beyond_employment` time, of `headcount_differs` people. `reason`: why the employer
    stands by it.
    """

    difference: int
    kind: DifferenceKind
    title: str
    period: str | None
    nss: str | None
    last_name: str | None
    first_name: str | None
    birth_date: date | None
    declared: int | None
    expected: int | None
    contributions: Centimes
    cause: DifferenceCause | None
    action: DifferenceAction
    what: str
    why: str | None
    worth: str
    what_to_do: str
    accepted: bool
    reason: str | None
    accepted_by: str | None
    accepted_at: datetime | None


class DifferencesPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of differences, the dearest first; `next` is the `after` of the following one, null at the end."""

    items: tuple[YearDifference, ...]
    next: int | None


class Acceptance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a difference is right as it is. `compared_at` is the `done_at` of the comparison that was seen: another one
    numbers its differences anew."""

    compared_at: datetime
    reason: Annotated[str, msgspec.Meta(min_length=3, max_length=500)]


class YearAtStake(msgspec.Struct, frozen=True, kw_only=True):
    """An employer's year that does not agree, as officers list it."""

    number: str
    name: str
    name_ar: str
    wilaya: int
    centre: str
    year: int
    differences: int
    at_stake: Centimes
    done_at: datetime | None


class YearsAtStake(msgspec.Struct, frozen=True, kw_only=True):
    """The dearest first; `next` is the `after` of the page that follows, null on the last one."""

    items: tuple[YearAtStake, ...]
    next: str | None


class VerificationReport(msgspec.Struct, frozen=True, kw_only=True):
    """All of a comparison for one's files: the sums and every difference."""

    employer_number: str
    employer_name: str
    employer_name_ar: str
    made_at: datetime
    reconciliation: Reconciliation
    differences: tuple[YearDifference, ...]
