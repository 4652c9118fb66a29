"""Uploads, drafts and declarations, as the API and the jobs speak of them. Amounts are centimes."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from schemas.annual import AnnualLine, DeclarationType, Totals, Unit
from schemas.findings import Severity
from schemas.law import PayElement
from schemas.periodic import PeriodCounts, PeriodHeader
from schemas.reviews import Review

Day = date
"""A day, where `date` names the field of a movement's line."""

SentAmount = Annotated[int, Meta(ge=-999_999_999_999_999, le=999_999_999_999_999)]
"""Centimes as they are sent: as many digits as a workbook's cell is read with, so that every sum fits a column."""
SentCount = Annotated[int, Meta(ge=-999_999, le=999_999)]
"""Days, hours, months or workers as they are sent, likewise."""

Form = Literal["annual", "periodic", "totals", "movements"]
ReadingStatus = Literal["waiting", "checked", "unreadable", "failed", "cancelled"]
ReadingPhase = Literal["received", "reading", "checking", "storing", "done"]
DraftStatus = Literal["open", "filed", "dropped"]


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """Why a file could not be turned into lines, and what to do."""

    code: str
    message: str


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a reading stands, as its row says: the same for whoever asks, however often.

    `rows_done` are rows passed through while `reading`, then lines stored (they are stored while they are
    checked); `rows_total` is null until the end of the file was seen. `time_left_s` is an estimate from the
    measured speed so far, in seconds; null while nothing is known, and once it is done.
    """

    status: ReadingStatus
    phase: ReadingPhase
    rows_done: int
    rows_total: int | None = None
    started_at: datetime | None = None
    time_left_s: int | None = None
    unreadable: Unread | None = None


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file or a part of the lines that was sent, the draft it is for with what that declares, and how far its
    reading is; a part that waits for the others has no progress."""

    upload_id: UUID
    draft_id: UUID
    form: Form
    centre: str
    year: int
    period: str
    filename: str
    content_hash: str
    size_bytes: int
    source: Literal["file", "lines", "prepared"]
    part: int = 1
    parts: int = 1
    created_by: str
    created_at: datetime
    progress: Progress | None = None


class Matched(msgspec.Struct, frozen=True, kw_only=True):
    """A column of the file and the field it was taken for; `score` is 0 to 100."""

    column: str
    header: str
    field: str
    score: int
    samples: list[str] = msgspec.field(default_factory=list)


class FindingCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many findings of one code stand, and who answered for them where they are doubts;
    `back` of them had gone away in this draft before."""

    code: str
    severity: Severity
    count: int
    title: str
    confirmed_by: str | None = None
    back: int = 0


class Obstacle(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that stands in the way of filing, and what to do about it. `reason` is why a file is `unreadable`."""

    code: str
    message: str
    count: int = 1
    reason: str | None = None


class DraftSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A draft as a list shows it."""

    draft_id: UUID
    form: Form
    centre: str
    year: int
    period: str
    header: PeriodHeader = PeriodHeader()
    type: DeclarationType
    status: DraftStatus
    revision: int
    replaces: UUID | None
    completes: UUID | None
    created_by: str
    created_at: datetime
    updated_at: datetime


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A draft whole: what was read, what is wrong, and whether it can be filed as it is now.

    `totals` and `line_count` are of the lines that would be filed; `left_out_count` of those left out.
    `lines_with_errors` would be left out by "file the good lines now". `review` is the newest of what a later file
    changes, or of what a replacement does: until it is accepted, the draft stands as it is. `counted` is what is
    counted for the header of a month or quarter.
    """

    summary: DraftSummary
    progress: Progress | None
    line_count: int
    left_out_count: int
    lines_with_errors: int
    totals: Totals
    findings: list[FindingCount]
    obstacles: list[Obstacle]
    matched: list[Matched]
    facts: dict[str, Any]
    counted: PeriodCounts | None = None
    review: Review | None = None

    @property
    def can_be_filed(self) -> bool:
        return not self.obstacles


class NewDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a declaration is to be about. Without `centre`, the employer's only payment centre.

    `annual`: a `year`, without it the one that ended last. `periodic` (bases by employee) and `totals` (by rate line
    only): a `period`, a month (`2026-01`) or a quarter (`2026-Q1`) as the employer declares, without it the one that
    ended last; and a `header`. `movements`: a `year`, without it the present one; they complete and replace nothing.
    `proposed`: a month or quarter comes with lines prepared from the last one and from the movements since; a year,
    with those of its periodic declarations, and entries and exits from the movements.
    """

    form: Form = "annual"
    centre: str | None = None
    year: Annotated[int, Meta(ge=1990, le=2100)] | None = None
    period: Annotated[str, Meta(max_length=10, examples=["2026-01", "2026-Q1"])] | None = None
    header: PeriodHeader | None = None
    proposed: bool = False
    type: DeclarationType = "N"
    replaces: UUID | None = None
    completes: UUID | None = None


class SentLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line as payroll software sends it, checked like a row of a workbook: texts may be as wrong as
    there. Only the fields of the draft's form may be given. Amounts are whole centimes; dates `2025-12-31`;
    units J, H or M; the annual amount may be left to be summed. With `number_requested` the person has no number
    yet, and filing asks for one.

    Of a period (`periodic`) the base is `amount`, or is made of the pay's `elements` by the law. `code` names a line
    or a rate category of `totals`; `movement` is entry, exit or change.
    """

    nss: str | None = None
    last_name: str | None = None
    first_name: str | None = None
    birth_date: str | None = None
    q1_duration: SentCount | None = None
    q1_unit: str | None = None
    q1_amount: SentAmount | None = None
    q2_duration: SentCount | None = None
    q2_unit: str | None = None
    q2_amount: SentAmount | None = None
    q3_duration: SentCount | None = None
    q3_unit: str | None = None
    q3_amount: SentAmount | None = None
    q4_duration: SentCount | None = None
    q4_unit: str | None = None
    q4_amount: SentAmount | None = None
    annual_amount: SentAmount | None = None
    entry_date: str | None = None
    exit_date: str | None = None
    observation: str | None = None
    duration: SentCount | None = None
    unit: str | None = None
    amount: SentAmount | None = None
    elements: Annotated[list[PayElement], Meta(max_length=100)] | None = None
    rate_category: str | None = None
    contract_start: str | None = None
    contract_months: SentCount | None = None
    justification: str | None = None
    code: str | None = None
    workers: SentCount | None = None
    movement: str | None = None
    date: str | None = None
    reason: str | None = None
    hours_a_week: Decimal | None = None
    number_requested: bool = False


class SentLines(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One part of a declaration's lines, of `parts` in all, in any order; the draft is checked once all of
    them are there. A part sent again takes the place of the former one; another `parts` begins anew."""

    lines: Annotated[list[SentLine], Meta(min_length=1, max_length=50_000)]
    part: Annotated[int, Meta(ge=1, le=10_000)] = 1
    parts: Annotated[int, Meta(ge=1, le=10_000)] = 1


class DraftLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a draft as it stands, with the fields of its form: what could be read, and under `typed` what could
    not."""

    line_number: int
    row: int | None
    left_out: bool
    nss: str | msgspec.UnsetType | None = msgspec.UNSET
    last_name: str | msgspec.UnsetType | None = msgspec.UNSET
    first_name: str | msgspec.UnsetType | None = msgspec.UNSET
    birth_date: Day | msgspec.UnsetType | None = msgspec.UNSET
    q1_duration: int | msgspec.UnsetType | None = msgspec.UNSET
    q1_unit: str | msgspec.UnsetType | None = msgspec.UNSET
    q1_amount: int | msgspec.UnsetType | None = msgspec.UNSET
    q2_duration: int | msgspec.UnsetType | None = msgspec.UNSET
    q2_unit: str | msgspec.UnsetType | None = msgspec.UNSET
    q2_amount: int | msgspec.UnsetType | None = msgspec.UNSET
    q3_duration: int | msgspec.UnsetType | None = msgspec.UNSET
    q3_unit: str | msgspec.UnsetType | None = msgspec.UNSET
    q3_amount: int | msgspec.UnsetType | None = msgspec.UNSET
    q4_duration: int | msgspec.UnsetType | None = msgspec.UNSET
    q4_unit: str | msgspec.UnsetType | None = msgspec.UNSET
    q4_amount: int | msgspec.UnsetType | None = msgspec.UNSET
    annual_amount: int | msgspec.UnsetType | None = msgspec.UNSET
    entry_date: Day | msgspec.UnsetType | None = msgspec.UNSET
    exit_date: Day | msgspec.UnsetType | None = msgspec.UNSET
    observation: str | msgspec.UnsetType | None = msgspec.UNSET
    duration: int | msgspec.UnsetType | None = msgspec.UNSET
    unit: str | msgspec.UnsetType | None = msgspec.UNSET
    amount: int | msgspec.UnsetType | None = msgspec.UNSET
    rate_category: str | msgspec.UnsetType | None = msgspec.UNSET
    contract_start: Day | msgspec.UnsetType | None = msgspec.UNSET
    contract_months: int | msgspec.UnsetType | None = msgspec.UNSET
    justification: str | msgspec.UnsetType | None = msgspec.UNSET
    code: str | msgspec.UnsetType | None = msgspec.UNSET
    workers: int | msgspec.UnsetType | None = msgspec.UNSET
    movement: str | msgspec.UnsetType | None = msgspec.UNSET
    date: Day | msgspec.UnsetType | None = msgspec.UNSET
    reason: str | msgspec.UnsetType | None = msgspec.UNSET
    hours_a_week: Decimal | msgspec.UnsetType | None = msgspec.UNSET
    number_requested: bool = False
    typed: dict[str, str] | None = None
    mended: bool = False


class LineChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A correction of one line: only the fields named change, all of the draft's form; null empties one. `left_out`
    takes the line out of what is filed, or back in."""

    line_number: int
    nss: str | msgspec.UnsetType | None = msgspec.UNSET
    last_name: str | msgspec.UnsetType | None = msgspec.UNSET
    first_name: str | msgspec.UnsetType | None = msgspec.UNSET
    birth_date: Day | msgspec.UnsetType | None = msgspec.UNSET
    q1_duration: SentCount | msgspec.UnsetType | None = msgspec.UNSET
    q1_unit: Unit | msgspec.UnsetType | None = msgspec.UNSET
    q1_amount: SentAmount | msgspec.UnsetType | None = msgspec.UNSET
    q2_duration: SentCount | msgspec.UnsetType | None = msgspec.UNSET
    q2_unit: Unit | msgspec.UnsetType | None = msgspec.UNSET
    q2_amount: SentAmount | msgspec.UnsetType | None = msgspec.UNSET
    q3_duration: SentCount | msgspec.UnsetType | None = msgspec.UNSET
    q3_unit: Unit | msgspec.UnsetType | None = msgspec.UNSET
    q3_amount: SentAmount | msgspec.UnsetType | None = msgspec.UNSET
    q4_duration: SentCount | msgspec.UnsetType | None = msgspec.UNSET
    q4_unit: Unit | msgspec.UnsetType | None = msgspec.UNSET
    q4_amount: SentAmount | msgspec.UnsetType | None = msgspec.UNSET
    annual_amount: SentAmount | msgspec.UnsetType | None = msgspec.UNSET
    entry_date: Day | msgspec.UnsetType | None = msgspec.UNSET
    exit_date: Day | msgspec.UnsetType | None = msgspec.UNSET
    observation: str | msgspec.UnsetType | None = msgspec.UNSET
    duration: SentCount | msgspec.UnsetType | None = msgspec.UNSET
    unit: Unit | msgspec.UnsetType | None = msgspec.UNSET
    amount: SentAmount | msgspec.UnsetType | None = msgspec.UNSET
    rate_category: str | msgspec.UnsetType | None = msgspec.UNSET
    contract_start: Day | msgspec.UnsetType | None = msgspec.UNSET
    contract_months: SentCount | msgspec.UnsetType | None = msgspec.UNSET
    justification: str | msgspec.UnsetType | None = msgspec.UNSET
    code: str | msgspec.UnsetType | None = msgspec.UNSET
    workers: SentCount | msgspec.UnsetType | None = msgspec.UNSET
    movement: Literal["entry", "exit", "change"] | msgspec.UnsetType | None = msgspec.UNSET
    date: Day | msgspec.UnsetType | None = msgspec.UNSET
    reason: str | msgspec.UnsetType | None = msgspec.UNSET
    hours_a_week: Decimal | msgspec.UnsetType | None = msgspec.UNSET
    number_requested: bool | msgspec.UnsetType = msgspec.UNSET
    left_out: bool | msgspec.UnsetType = msgspec.UNSET


class LineChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Corrections made together, on the revision their author saw (any, where none is named)."""

    lines: Annotated[list[LineChange], Meta(min_length=1, max_length=1_000)]
    revision: int | None = None


class Filing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """File a draft as it stood at `revision`. `leave_out_errors`: the good lines now, the rest later."""

    revision: int
    leave_out_errors: bool = False


class Declaration(msgspec.Struct, frozen=True, kw_only=True):
    """A filed declaration and its receipt's facts. `content_hash` is the SHA-256 of its lines as
    `/lines.csv` gives them; `in_force` is false once another has replaced it. `form` is `annual`, or `periodic`
    with the `header` of its month or quarter."""

    declaration_id: UUID
    number: str
    form: Form
    centre: str
    year: int
    period: str
    header: PeriodHeader | None = None
    type: DeclarationType
    mode: Literal["live", "test"]
    replaces: UUID | None
    completes: UUID | None
    line_count: int
    left_out_count: int
    totals: Totals
    content_hash: str
    filed_by: str
    filed_at: datetime
    legal_day: Day
    in_force: bool
    receipt_code: str | None = None
    receipt_ready: bool = False


class DeclaredLine(AnnualLine, frozen=True, kw_only=True):
    """A line of a filed declaration."""

    line_number: int
    rate_category: str


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """A number asked for someone without one: by the declaration that named them first, or by a movement."""

    registration_id: UUID
    declaration_id: UUID | None
    line_number: int | None
    movement_id: UUID | None
    status: Literal["requested"]
    last_name: str
    first_name: str
    birth_date: Day | None
    entry_date: Day | None
    requested_by: str
    created_at: datetime
