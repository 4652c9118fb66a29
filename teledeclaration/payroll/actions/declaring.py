"""What a month's or quarter's declaration must satisfy beside the checks of its lines, and its header.

Told when a draft is shown, and held when it is filed: other periods' declarations, movements and dues move on while a
draft waits. So nothing of it is stored with the lines' findings.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, get_args
from uuid import UUID

import msgspec

from schemas.findings import Severity
from schemas.legislation import RateCategory
from schemas.periodic import HeaderChange, PeriodCounts, PeriodHeader
from teledeclaration import journal
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.employers.guard import Caller
from teledeclaration.errors import NotFound
from teledeclaration.legislation import Legislation, Values
from teledeclaration.payments.facts import what_is_owed
from teledeclaration.payroll.actions.drafts import check_revision, keep_answer, lock_open_draft
from teledeclaration.payroll.errors import NoHeaderHere
from teledeclaration.payroll.law import headers, rebates, totals
from teledeclaration.payroll.law.periods import overlapping, periodic
from teledeclaration.payroll.law.totals import Total
from teledeclaration.payroll.queries import drafts
from teledeclaration.payroll.queries import periodic as queries
from teledeclaration.payroll.queries.drafts import DraftRow
from teledeclaration.payroll.queries.lines import CodeCount
from teledeclaration.payroll.queries.periodic import ReadingCounts

FORMS = ("periodic", "totals")
"""The forms of drafts that become a periodic declaration."""

_HEADER_DOUBTS = get_args(headers.HeaderDoubtCode)
DOUBTS = (*_HEADER_DOUBTS, "rebate_declared_before")
"""The doubts that `look` finds; all others are findings of a reading."""


class PeriodObstacle(msgspec.Struct, frozen=True):
    """What stands in the way of filing: its words are `obstacle.<code>` with `values`. `lines` have it, if any."""

    code: str
    values: dict[str, object] = msgspec.field(default_factory=dict)
    lines: tuple[int, ...] = ()


class PeriodDoubt(msgspec.Struct, frozen=True):
    """A doubt about a period's declaration as it stands now; told like a finding of its lines."""

    code: str
    seen: str
    expected: str
    line_number: int | None = None


class PeriodLook(msgspec.Struct, frozen=True, kw_only=True):
    """A periodic draft as it would be filed now.

    `by_category` are the bases of a draft by rate line, null where its codes cannot be resolved or it is by employee.
    """

    lines: ReadingCounts
    counts: PeriodCounts
    doubts: tuple[PeriodDoubt, ...]
    obstacles: tuple[PeriodObstacle, ...]
    by_category: dict[RateCategory, Total] | None = None

    @property
    def doubt_counts(self) -> list[CodeCount]:
        """How many doubts of each code there are."""
        return [
            CodeCount(code, Severity.CONFIRM, count) for code, count in Counter(d.code for d in self.doubts).items()
        ]


async def look(
    connection: Connection,
    values: Values,
    *,
    employer_id: int,
    draft: DraftRow,
    reading_id: UUID | None,
    on: date,
) -> PeriodLook:
    """What a periodic draft comes to, and what of it is to be confirmed or stands in the way, on a legal day.

    `values` are those of the period's first day; `reading_id` is None where nothing was sent.
    """
    where: dict[str, Any] = {"employer_id": employer_id, "draft": draft}
    doubts: list[PeriodDoubt] = []
    if draft.form == "totals":
        counts, by_category, found = await _look_at_totals(connection, values, employer_id, reading_id)
        under = [name for name in rebates.rebate_categories(values) if name in (by_category or {})]
        found += await _late_obstacle(connection, values, employer_id, on, categories=under) if under else []
    else:
        by_category, counts = None, await _count_employees(connection, employer_id, reading_id)
        doubts, found = await _look_at_rebates(connection, values, **where, reading_id=reading_id, on=on)
    counted = await _counted(connection, **where, people=counts.people)
    errors = headers.header_errors(draft.header, lines=counts.line_count, complement=draft.completes is not None)
    overlap = await queries.select_overlapping(
        connection, employer_id=employer_id, centre=draft.centre, periods=overlapping(periodic(draft.period))
    )
    if overlap is not None:
        found = [PeriodObstacle("period-overlaps", {"number": overlap}), *found]
    return PeriodLook(
        lines=counts,
        counts=counted,
        doubts=(*_header_doubts(counted, draft), *doubts),
        obstacles=(*(PeriodObstacle(error) for error in errors), *found),
        by_category=by_category,
    )


async def set_header(pool: Pool, caller: Caller, *, draft_id: UUID, change: HeaderChange, now: datetime) -> None:
    """Say what a periodic draft's header is; its revision moves on. NoHeaderHere for another form."""
    async with transaction(pool, caller.actor) as connection:
        draft = await lock_open_draft(connection, caller.employer_id, draft_id)
        check_revision(draft, change.revision)
        if draft.form not in FORMS:
            raise NoHeaderHere(form=draft.form)
        await change_header(connection, caller, draft, change.header, now=now)


async def change_header(
    connection: Connection, caller: Caller, draft: DraftRow, header: PeriodHeader, *, now: datetime
) -> DraftRow:
    """The draft with another header, as its next revision; what was answered for the former one is asked again."""
    where: dict[str, Any] = {"employer_id": caller.employer_id, "draft_id": draft.draft_id}
    await drafts.update_header(connection, **where, header=header)
    revision = await drafts.touch_draft(connection, **where, now=now)
    for doubt in _HEADER_DOUBTS:
        await drafts.delete_confirmation(connection, **where, code=doubt)
    await journal.record(
        connection,
        caller.actor,
        "draft.header_set",
        draft.draft_id,
        now=caller.fund_time(now),
        details=msgspec.to_builtins(header),
    )
    return msgspec.structs.replace(draft, header=header, revision=revision)


async def confirm_doubt(
    pool: Pool, law: Legislation, caller: Caller, *, draft_id: UUID, code: str, on: date, now: datetime
) -> None:
    """Answer by name for a doubt of DOUBTS. NotFound where there is none."""
    async with transaction(pool, caller.actor) as connection:
        draft = await lock_open_draft(connection, caller.employer_id, draft_id)
        if draft.form not in FORMS:
            raise NotFound
        seen = await look(
            connection,
            law.on(periodic(draft.period).first_day),
            employer_id=caller.employer_id,
            draft=draft,
            reading_id=draft.reading_id,
            on=on,
        )
        doubts = next((doubt for doubt in seen.doubt_counts if doubt.code == code), None)
        if doubts is None:
            raise NotFound
        await keep_answer(connection, caller, draft_id=draft_id, doubts=doubts, now=now)


# ── what is counted ─────────────────────────────────────────────────────────────────────────────


async def _count_employees(connection: Connection, employer_id: int, reading_id: UUID | None) -> ReadingCounts:
    if reading_id is None:
        return ReadingCounts()
    return await queries.count_employees(connection, employer_id=employer_id, reading_id=reading_id)


async def _look_at_totals(
    connection: Connection, values: Values, employer_id: int, reading_id: UUID | None
) -> tuple[ReadingCounts, dict[RateCategory, Total] | None, list[PeriodObstacle]]:
    """A draft by rate line: its counts once its codes are resolved, else what is wrong with them."""
    if reading_id is None:
        return ReadingCounts(), {}, []
    where: dict[str, Any] = {"employer_id": employer_id, "reading_id": reading_id}
    said = await queries.select_code_totals(connection, **where)
    left_out = await queries.count_left_out(connection, **where)
    try:
        found = totals.by_category(said, totals.codes_of(values))
    except totals.CodeUnknown as error:
        return ReadingCounts(len(said), left_out), None, [PeriodObstacle("code-unknown", {"code": error.code})]
    except totals.SupplementTooLarge as error:
        told: dict[str, object] = {"code": error.code, "of": error.of}
        return ReadingCounts(len(said), left_out), None, [PeriodObstacle("supplement-too-large", told)]
    base, workers = sum(total.base for total in found.values()), sum(total.workers for total in found.values())
    return ReadingCounts(len(found), left_out, workers, base), found, []


async def _counted(connection: Connection, *, employer_id: int, draft: DraftRow, people: int) -> PeriodCounts:
    period = periodic(draft.period)
    entries, exits = await queries.count_movements(
        connection,
        employer_id=employer_id,
        centre=draft.centre,
        first_day=period.first_day,
        last_day=period.last_day,
    )
    unsaid = draft.form == "totals" and not people
    return PeriodCounts(headcount=None if unsaid else people, entries=entries, exits=exits)


def _header_doubts(counted: PeriodCounts, draft: DraftRow) -> list[PeriodDoubt]:
    """The header's numbers that are not as counted; none of a complement, whose lines are not all of the period's."""
    if draft.completes is not None:
        return []
    found = headers.header_doubts(draft.header, counted)
    return [PeriodDoubt(doubt.code, seen=str(doubt.said), expected=str(doubt.counted)) for doubt in found]


# ── rebates ─────────────────────────────────────────────────────────────────────────────────────


async def _look_at_rebates(
    connection: Connection,
    values: Values,
    *,
    employer_id: int,
    draft: DraftRow,
    reading_id: UUID | None,
    on: date,
) -> tuple[list[PeriodDoubt], list[PeriodObstacle]]:
    """What the lines under a rebate leave to be confirmed, and the condition they do not meet.

    That a rebate's years are over by the contract's own date is a finding of its line (`law.periodic_checks`). Here it
    is asked where the contract named is younger than the rebate declared for the same person: a second contract may
    have a rebate of its own, or not.
    """
    under = rebates.rebate_categories(values)
    if reading_id is None or not under:
        return [], []
    where: dict[str, Any] = {"employer_id": employer_id, "reading_id": reading_id, "categories": under}
    lines = await queries.select_lines_under(connection, **where)
    if not lines:
        return [], []
    over_from = rebates.over_from(periodic(draft.period), values)
    before = await queries.select_rebates_declared_before(connection, **where, over_from=over_from)
    years = values.reference(rebates.YEARS_MAX).value
    doubts = [PeriodDoubt("rebate_declared_before", period, years, number) for number, period in before]
    return doubts, await _late_obstacle(connection, values, employer_id, on, lines=lines)


async def _late_obstacle(
    connection: Connection,
    values: Values,
    employer_id: int,
    on: date,
    *,
    lines: Sequence[int] = (),
    categories: Sequence[RateCategory] = (),
) -> list[PeriodObstacle]:
    """That something is late while lines, or totals of some categories, are under a rebate."""
    if not rebates.only_while_up_to_date(values):
        return []
    owed = await what_is_owed(connection, employer_id=employer_id, on=on)
    if not owed.late:
        return []
    told = {
        "count": len(lines) or len(categories),
        "lines": _named(lines or categories),
        "late": owed.late,
        "reference": values.reference(rebates.UP_TO_DATE).reference,
    }
    return [PeriodObstacle("rebate-not-up-to-date", told, tuple(lines))]


_NAMED_MAX = 20


def _named(what: Sequence[object]) -> str:
    """The first of them, for a sentence."""
    return ", ".join(map(str, what[:_NAMED_MAX])) + (", …" if len(what) > _NAMED_MAX else "")


def lines_named(obstacles: Sequence[PeriodObstacle]) -> set[int]:
    """The lines that obstacles are about: leaving these out removes them."""
    return {line for obstacle in obstacles for line in obstacle.lines}
