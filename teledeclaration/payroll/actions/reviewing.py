"""The review of what a new file changes: asked for, compared by a worker, decided by who prepares the declaration.

waiting → ready → accepted | refused
waiting | ready → outdated, once the draft's lines move or a newer file comes
"""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import polars as pl

from schemas.actors import job
from schemas.reviews import BeforeAfter, ReviewDecision, SamePerson
from teledeclaration import journal, outbox
from teledeclaration.clock import Clock
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.employers.guard import Caller
from teledeclaration.errors import NotFound
from teledeclaration.intake.comparing import Comparison, compare
from teledeclaration.intake.forms import FORMS
from teledeclaration.legislation import Legislation
from teledeclaration.payroll.actions import effects
from teledeclaration.payroll.actions.compared import declared_lines, draft_lines
from teledeclaration.payroll.actions.drafts import check_revision, checked_reading, lock_open_draft
from teledeclaration.payroll.actions.standing import ask_for_review, stand_on
from teledeclaration.payroll.errors import NothingToReview, ReviewDecided, ReviewNotReady, ReviewOutdated
from teledeclaration.payroll.queries import drafts, lines, places, review_changes, reviews
from teledeclaration.payroll.queries.drafts import DraftRow
from teledeclaration.payroll.queries.reviews import ReviewRow
from teledeclaration.queue import LONG, JobQueue

REVIEW_JOB = "review_changes"
DECIDED = ("accepted", "refused")


# ── what stands in the way of filing ────────────────────────────────────────────────────────────


async def obstacle(
    connection: Connection, *, employer_id: int, draft: DraftRow, leaving_out: bool = False
) -> str | None:
    """The code of what stands in the way of filing as far as reviews go; None where nothing does.

    `leaving_out`: lines with errors are about to be left out, which must take nobody of a replaced declaration away.
    """
    if draft.proposed_reading_id is not None:
        return "review-waiting"
    if draft.replaces is None or draft.reading_id is None:
        return None
    reviewed = await reviews.was_reviewed(
        connection,
        employer_id=employer_id,
        draft_id=draft.draft_id,
        declaration_id=draft.replaces,
        reading_id=draft.reading_id,
        revision=draft.lines_revision,
    )
    if reviewed is None:
        return "changes-not-reviewed"
    if leaving_out and await reviews.count_removed(
        connection, employer_id=employer_id, review_id=reviewed, reading_id=draft.reading_id
    ):
        return "left-out-not-reviewed"
    return None


# ── asking ──────────────────────────────────────────────────────────────────────────────────────


async def ask(pool: Pool, queue: JobQueue, caller: Caller, *, draft_id: UUID, now: datetime) -> ReviewRow:
    """Have the draft's present state compared; the same comparison is not made twice.

    NothingToReview where no file waits to be accepted and no declaration is replaced.
    """
    async with transaction(pool, caller.actor) as connection:
        draft = await lock_open_draft(connection, caller.employer_id, draft_id)
        review = await _ask(connection, caller.employer_id, draft, now)
    await queue.enqueue(
        REVIEW_JOB, employer_id=caller.employer_id, subject=review.review_id, queue=LONG, turn=review.attempt
    )
    return review


async def _ask(connection: Connection, employer_id: int, draft: DraftRow, now: datetime) -> ReviewRow:
    asked = await _asked(connection, employer_id, draft)
    newest = await reviews.select_newest_review(connection, employer_id=employer_id, draft_id=draft.draft_id)
    if newest is not None and _still_holds(newest, draft, asked):
        return newest
    review_id = await ask_for_review(connection, employer_id=employer_id, draft_id=draft.draft_id, **asked, now=now)
    return await _review(connection, employer_id, review_id)


async def _asked(connection: Connection, employer_id: int, draft: DraftRow) -> dict[str, Any]:
    """What is to be compared with what."""
    if draft.proposed_reading_id is not None and draft.reading_id is not None:
        of = {"base": "draft", "base_id": draft.reading_id, "reading_id": draft.proposed_reading_id}
    elif draft.replaces is not None:
        reading_id = await checked_reading(connection, employer_id, draft)
        of = {"base": "declaration", "base_id": draft.replaces, "reading_id": reading_id}
    else:
        raise NothingToReview
    return {**of, "lines_revision": draft.lines_revision}


def _still_holds(review: ReviewRow, draft: DraftRow, asked: dict[str, Any]) -> bool:
    """Whether a review is already of what is asked. One that waits will be made of the lines as they are then."""
    of = (review.base, review.base_id, review.reading_id) == (asked["base"], asked["base_id"], asked["reading_id"])
    if review.status == "waiting":
        return of
    return of and review.status in ("ready", "accepted") and review.lines_revision == draft.lines_revision


async def _review(connection: Connection, employer_id: int, review_id: UUID) -> ReviewRow:
    review = await reviews.select_review(connection, employer_id=employer_id, review_id=review_id)
    if review is None:
        raise NotFound
    return review


# ── comparing ───────────────────────────────────────────────────────────────────────────────────


class _LeaseLost(Exception):
    """Another took the comparison over: what was made here is thrown away."""


async def compare_changes(
    pool: Pool, legislation: Legislation, clock: Clock, *, employer_id: int, review_id: UUID
) -> bool:
    """waiting → ready, or outdated where the draft no longer asks for it. False where there was none to claim."""
    actor, lease = job(REVIEW_JOB, employer_id), uuid4()
    async with transaction(pool, actor) as connection:
        if not await reviews.claim_review(
            connection, employer_id=employer_id, review_id=review_id, lease=lease, now=clock()
        ):
            return False
    async with transaction(pool, actor) as connection:
        review = await _review(connection, employer_id, review_id)
        # The draft before its lines: should they move in between, the review is of an older revision, never a newer.
        draft = await drafts.select_draft(connection, employer_id=employer_id, draft_id=review.draft_id)
        if draft is None:
            raise LookupError("a review without its draft")
        base, new = await _lines(connection, legislation, employer_id, review, draft)
    comparison = await asyncio.to_thread(compare, base, new, FORMS[draft.form])
    try:
        async with transaction(pool, actor) as connection:
            effect = await effects.effect_of(connection, legislation, employer_id, draft, review.base, base, new)
            told = msgspec.structs.replace(
                effect, lines_with_errors=await _errors(connection, employer_id, review, draft)
            )
            await _store(connection, employer_id, draft, review, lease, comparison, effects.to_store(told))
            if _is_asked_for(review, draft):
                await _tell(connection, employer_id, draft, review, comparison, clock())
    except _LeaseLost:
        return False
    return True


async def _lines(
    connection: Connection, legislation: Legislation, employer_id: int, review: ReviewRow, draft: DraftRow
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What is compared: the lines before, and those that would take their place."""
    of: dict[str, Any] = {"employer_id": employer_id, "draft": draft}
    new = await draft_lines(connection, **of, reading_id=review.reading_id)
    if review.base == "declaration":
        base = await declared_lines(connection, legislation, **of, declaration_id=review.base_id, new=new)
    else:
        base = await draft_lines(connection, **of, reading_id=_base_id(review, draft))
    return base, new


async def _errors(connection: Connection, employer_id: int, review: ReviewRow, draft: DraftRow) -> BeforeAfter:
    """The lines with errors on both sides; none stands in what was filed."""
    after = await lines.count_wrong_lines(connection, employer_id=employer_id, reading_id=review.reading_id)
    if review.base == "declaration":
        return BeforeAfter(before=0, after=after)
    before = await lines.count_wrong_lines(connection, employer_id=employer_id, reading_id=_base_id(review, draft))
    return BeforeAfter(before=before, after=after)


def _base_id(review: ReviewRow, draft: DraftRow) -> UUID:
    """The declaration, or the reading the draft stands on by now."""
    return review.base_id if review.base == "declaration" else draft.reading_id or review.base_id


async def _store(
    connection: Connection,
    employer_id: int,
    draft: DraftRow,
    review: ReviewRow,
    lease: UUID,
    comparison: Comparison,
    effect: dict[str, Any],
) -> None:
    """The changes and what they cost; _LeaseLost where another does it by now."""
    await review_changes.replace_changes(
        connection, employer_id=employer_id, review_id=review.review_id, changes=comparison.changes
    )
    if not await reviews.finish_review(
        connection,
        employer_id=employer_id,
        review_id=review.review_id,
        lease=lease,
        status="ready" if _is_asked_for(review, draft) else "outdated",
        base_id=_base_id(review, draft),
        lines_revision=draft.lines_revision,
        counts=comparison.counts,
        effect=effect,
    ):
        raise _LeaseLost


async def _tell(
    connection: Connection, employer_id: int, draft: DraftRow, review: ReviewRow, comparison: Comparison, now: datetime
) -> None:
    await outbox.insert_event(
        connection,
        employer_id=employer_id,
        kind="review.ready",
        subject=review.review_id,
        now=now,
        payload={"draft": str(draft.draft_id), "counts": comparison.counts},
    )


def _is_asked_for(review: ReviewRow, draft: DraftRow) -> bool:
    """Whether the draft still waits for this review."""
    wanted = draft.proposed_reading_id if review.base == "draft" else draft.reading_id
    return draft.status == "open" and wanted == review.reading_id


# ── deciding ────────────────────────────────────────────────────────────────────────────────────


async def decide(
    pool: Pool, queue: JobQueue, caller: Caller, *, draft_id: UUID, decision: ReviewDecision, now: datetime
) -> None:
    """ready → accepted or refused. Accepted, a file's lines are the draft's; refused, they are forgotten.

    ReviewOutdated where the draft's lines moved since the comparison: another is then under way.
    """
    again = waiting = None
    async with transaction(pool, caller.actor) as connection:
        draft = await lock_open_draft(connection, caller.employer_id, draft_id)
        review = await _newest(connection, caller.employer_id, draft_id, decision.review_id)
        if decision.decision == "accept" and _has_moved(review, draft):
            again = await _ask(connection, caller.employer_id, draft, now)
        else:
            check_revision(draft, decision.revision)
            await _decide(connection, caller, draft, review, decision, now)
            waiting = await reviews.select_newest_review(connection, employer_id=caller.employer_id, draft_id=draft_id)
    for to_compare in (again, waiting):
        if to_compare is not None and to_compare.status == "waiting":
            await queue.enqueue(REVIEW_JOB, employer_id=caller.employer_id, subject=to_compare.review_id, queue=LONG)
    if again is not None:
        raise ReviewOutdated(review_id=str(again.review_id))


async def _newest(connection: Connection, employer_id: int, draft_id: UUID, review_id: UUID) -> ReviewRow:
    """The review named, where it is the one to decide: ReviewDecided or NotFound."""
    review = await reviews.select_review(connection, employer_id=employer_id, review_id=review_id)
    if review is None or review.draft_id != draft_id:
        raise NotFound(pointer="/review_id")
    if review.status in DECIDED:
        raise ReviewDecided(status=review.status)
    return review


def _has_moved(review: ReviewRow, draft: DraftRow) -> bool:
    """Whether the review shows something other than the draft has now."""
    if not _is_asked_for(review, draft) or review.status == "outdated":
        return True
    return review.status == "ready" and review.lines_revision != draft.lines_revision


async def _decide(
    connection: Connection,
    caller: Caller,
    draft: DraftRow,
    review: ReviewRow,
    decision: ReviewDecision,
    now: datetime,
) -> None:
    accepted = decision.decision == "accept"
    if accepted and review.status != "ready":
        raise ReviewNotReady(status=review.status)
    await reviews.decide_review(
        connection,
        employer_id=caller.employer_id,
        review_id=review.review_id,
        status="accepted" if accepted else "refused",
        decided_by=caller.label,
        now=now,
    )
    if review.base == "draft" and _is_asked_for(review, draft):
        await (_accept(connection, caller, draft, review, now) if accepted else _forget(connection, caller, draft, now))
    await journal.record(
        connection,
        caller.actor,
        f"review.{'accepted' if accepted else 'refused'}",
        review.review_id,
        now=caller.fund_time(now),
        details={"draft": str(draft.draft_id), "counts": review.counts},
    )


async def _accept(connection: Connection, caller: Caller, draft: DraftRow, review: ReviewRow, now: datetime) -> None:
    where: dict[str, Any] = {"employer_id": caller.employer_id, "draft_id": draft.draft_id}
    place = await places.select_place(connection, **where, reading_id=review.reading_id)
    if place is None:
        raise NotFound
    await stand_on(
        connection,
        **where,
        reading_id=review.reading_id,
        place=place,
        lines_changed=sum(count for kind, count in review.counts.items() if kind != "unchanged"),
        details={"review": str(review.review_id), "counts": review.counts},
        done_by=caller.label,
        now=now,
    )


async def _forget(connection: Connection, caller: Caller, draft: DraftRow, now: datetime) -> None:
    await places.offer_reading(
        connection, employer_id=caller.employer_id, draft_id=draft.draft_id, reading_id=None, now=now
    )


async def answer(
    pool: Pool, caller: Caller, *, draft_id: UUID, change: int, said: SamePerson, now: datetime
) -> ReviewRow:
    """Say whether a close match is one person: it then counts as such, or as one absent and one new."""
    async with transaction(pool, caller.actor) as connection:
        draft = await lock_open_draft(connection, caller.employer_id, draft_id)
        review = await reviews.select_newest_review(connection, employer_id=caller.employer_id, draft_id=draft.draft_id)
        if review is None or not await review_changes.answer_change(
            connection,
            employer_id=caller.employer_id,
            review_id=review.review_id,
            change=change,
            same_person=said.same_person,
        ):
            raise NotFound
        await journal.record(
            connection,
            caller.actor,
            "review.answered",
            review.review_id,
            now=caller.fund_time(now),
            details={"change": change, "same_person": said.same_person},
        )
        return await _review(connection, caller.employer_id, review.review_id)
