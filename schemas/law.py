"""The law as it is read, and what a pay would cost under it. Nothing here is about a person."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from schemas.annual import Unit as TimeUnit
from schemas.assessments import AssessedAmounts
from schemas.legislation import GENERAL, Addition, Confidence, LaterValue, LegalReference, RateCategory, Unit
from teledeclaration.money import Centimes

Pay = Annotated[Centimes, msgspec.Meta(ge=0, le=10**12)]
"""An amount of pay: up to ten thousand million dinars."""


class LegalValue(msgspec.Struct, frozen=True, kw_only=True):
    """One dated value with its text, how sure it is, and when someone last compared it with that text.

    `last_day` is its last day in force, null while none is known; `label`, `unit_words` and `confidence_words` are
    in the reader's language; `added` says by whom it came after the release, null for a value of the release.
    """

    key: str
    label: str
    unit: Unit
    unit_words: str
    value: str
    valid_from: date
    last_day: date | None
    reference: str
    link: str | None
    confidence: Confidence
    confidence_words: str
    to_be_confirmed: bool
    note: str | None
    checked_on: date
    added: Addition | None = None


class AwaitedValue(msgspec.Struct, frozen=True, kw_only=True):
    """A value the law must have somewhere and that nobody has read: `why` it is not held."""

    key: str
    label: str
    unit: Unit
    why: str
    checked_on: date


class LawOnDay(msgspec.Struct, frozen=True, kw_only=True):
    """What is in force on a day, and what is awaited; `fingerprint` changes with any value in force that day."""

    fund: str
    day: date
    fingerprint: str
    values: tuple[LegalValue, ...]
    awaited: tuple[AwaitedValue, ...]


class LawChange(msgspec.Struct, frozen=True, kw_only=True):
    """One value that began or ended on `day`.

    `kind`: `new` (nothing was held before), `changed`, `restated` (the same value by another text), `ended`.
    """

    day: date
    kind: str
    key: str
    label: str
    before: str | None
    after: LegalValue | None


class LawChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What changed from the first to the last day asked for, in order of days and keys."""

    fund: str
    first_day: date
    last_day: date
    changes: tuple[LawChange, ...]


class LawHistory(msgspec.Struct, frozen=True, kw_only=True):
    """One key from its oldest to its newest value; `awaited` says why there is none."""

    key: str
    label: str
    unit: Unit
    unit_words: str
    checked_on: date
    awaited: str | None
    values: tuple[LegalValue, ...]


class NewLegalValues(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Values to be added to the law: one, or several that only hold together (a rate and its lines' totals)."""

    values: Annotated[list[LaterValue], msgspec.Meta(min_length=1, max_length=50)]


class ValueEffect(msgspec.Struct, frozen=True, kw_only=True):
    """What one value changes, on its first day: `before` is null where none was in force.

    `replaces_same_day`: it takes the place of a value that begins on the same day. `quarters_begun` are the quarters
    up to today that have days under it; what was assessed in them keeps the values it was assessed with.
    """

    key: str
    before: LegalValue | None
    after: LegalValue
    replaces_same_day: bool
    quarters_begun: tuple[str, ...]


class LegalValuesPreview(msgspec.Struct, frozen=True, kw_only=True):
    """What a proposal would change; `fingerprint` is that of the whole law with it."""

    effects: tuple[ValueEffect, ...]
    fingerprint: str


ProposalStatus = Literal["proposed", "accepted", "refused"]


class LegalProposal(msgspec.Struct, frozen=True, kw_only=True):
    """Values proposed for the law, by whom, and what became of them."""

    proposal_id: UUID
    values: list[LaterValue]
    status: ProposalStatus
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    answer: str


class LegalProposalPage(msgspec.Struct, frozen=True, kw_only=True):
    """Proposals, the latest first; `next` is the `after` of the following page, null at the end."""

    items: list[LegalProposal]
    next: UUID | None


class ProposalDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Accepted by another administrator than the one who proposed; `answer` says why where it is refused."""

    decision: Literal["accept", "refuse"]
    answer: Annotated[str, msgspec.Meta(max_length=1000)] = ""


class PayElement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One element of gross pay in centimes; `kind` is a word of `base.included_elements`, `base.excluded_elements`
    or one of `base.kinds`."""

    kind: Annotated[str, msgspec.Meta(max_length=80)]
    amount: Pay


class TimeWorked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long was worked in the period: days `J`, hours `H` or months `M`."""

    duration: Annotated[int, msgspec.Meta(ge=0, le=9999)]
    unit: TimeUnit


class NewSimulation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A gross pay: either its `elements`, or the `base` of contributions, in centimes.

    `period` is a month (`2026-02`) or a quarter (`2026-Q1`); without `time`, the whole of it. `hours_a_week`
    is that of a part-time contract.
    """

    period: Annotated[str, msgspec.Meta(max_length=10)]
    base: Pay | None = None
    elements: Annotated[list[PayElement], msgspec.Meta(max_length=100)] = []
    category: Annotated[RateCategory, msgspec.Meta(max_length=80)] = GENERAL
    building: bool = False
    time: TimeWorked | None = None
    hours_a_week: Decimal | None = None


class SimulatedElement(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an element counts in the base, by which text."""

    kind: str
    amount: Centimes
    in_base: bool
    law: LegalReference


class MinimumCompared(msgspec.Struct, frozen=True, kw_only=True):
    """The least base for the time worked, in centimes; `short_by` is what the base lacks, 0 where it is enough."""

    base: Centimes
    short_by: Centimes
    law: tuple[LegalReference, ...]


class NetEffect(msgspec.Struct, frozen=True, kw_only=True):
    """In centimes: what the contributions take from the employee and add for the employer. Taxes are not in it.

    `to_the_fund` is what the employer hands over: both shares and that of the social works.
    """

    gross: Centimes
    employee_pays: Centimes
    employee_keeps: Centimes
    employer_adds: Centimes
    employer_cost: Centimes
    to_the_fund: Centimes


class Simulation(msgspec.Struct, frozen=True, kw_only=True):
    """What a pay costs, line by line, branch by branch, payer by payer, each with its law.

    `minimum` is null where no minimum wage is held for the period. `conditions` are those of the category's rebate.
    """

    period: str
    category: RateCategory
    base: Centimes
    elements: tuple[SimulatedElement, ...]
    minimum: MinimumCompared | None
    amounts: AssessedAmounts
    effect: NetEffect
    conditions: tuple[LegalReference, ...]
    to_be_confirmed: bool
