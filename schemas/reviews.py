"""The review of what a new file changes, before it counts. Amounts are centimes."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from schemas.legislation import Payer

ReviewBase = Literal["draft", "declaration"]
ReviewStatus = Literal["waiting", "ready", "accepted", "refused", "outdated", "failed"]
ChangeKind = Literal["absent", "close", "new", "changed"]
ChangeHow = Literal["spelling", "script", "swapped", "exchanged", "digit", "zeros", "key", "year", "missing", "other"]


class BeforeAfter(msgspec.Struct, frozen=True, kw_only=True):
    """A figure as it is, and as it would be."""

    before: int
    after: int


class PayerEffect(BeforeAfter, frozen=True, kw_only=True):
    """What one payer owes for the year, as it is and as it would be."""

    payer: Payer


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What the changes do to people, bases, errors and contributions.

    `numbers_requested` counts the lines of people without a number; null in reviews older than it.
    `contributions` and `payers` are null where they cannot be computed yet: a line's rate category is not open, or an
    amount is negative. Against a filed declaration, `before` is what the year was assessed.
    """

    people: BeforeAfter
    numbers_requested: BeforeAfter | None = None
    quarters: list[BeforeAfter]
    base: BeforeAfter
    lines_with_errors: BeforeAfter | None = None
    contributions: BeforeAfter | None = None
    payers: list[PayerEffect] | None = None


class ReviewCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many lines are of each kind. Close matches answered "not the same" count as absent and as new."""

    absent: int = 0
    close: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """What a new file changes in a draft's lines, or a draft in the declaration it replaces (`base`).

    `waiting` while it is compared; `ready` to be decided; `outdated` where the draft's lines moved since, or a newer
    file came: ask for another. `counts` and `effect` are there once it was compared.
    """

    review_id: UUID
    draft_id: UUID
    base: ReviewBase
    status: ReviewStatus
    filename: str | None
    counts: ReviewCounts | None
    effect: Effect | None
    created_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None


class ChangedField(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A field's value before and after; in a close match, how the two differ."""

    before: Any = None
    after: Any = None
    how: ChangeHow | None = None


class ReviewChange(msgspec.Struct, frozen=True, kw_only=True):
    """One person of a review. `line_number` is theirs in the new lines, `base_line` in those before.

    `close` asks whether two lines are one person (`score` is 0 to 100; `same_person` is the answer, if one was given).
    `left_out` under `fields` says that the line is there, and left out on one side. `difference` is in the year's base.
    """

    change: int
    kind: ChangeKind
    line_number: int | None
    base_line: int | None
    nss: str | None
    last_name: str | None
    first_name: str | None
    birth_date: date | None
    fields: dict[str, ChangedField]
    score: int | None
    difference: int
    same_person: bool | None = None


class ReviewDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Accept or refuse what a review shows, on the draft's revision its author saw (any, where none is named)."""

    review_id: UUID
    decision: Literal["accept", "refuse"]
    revision: int | None = None


class SamePerson(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answer to a close match; null takes it back."""

    same_person: bool | None
