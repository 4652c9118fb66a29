"""What a new file changes, told before it counts."""

from typing import Literal
from uuid import UUID

import msgspec
from litestar import Response, get, post, put
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from schemas.payroll import Draft
from schemas.reviews import Review, ReviewChange, ReviewDecision, SamePerson
from teledeclaration.database import Connection, transaction
from teledeclaration.employers.guard import Caller, guarded
from teledeclaration.errors import NotFound
from teledeclaration.payroll.actions import reviewing
from teledeclaration.payroll.queries import drafts, review_changes, reviews
from teledeclaration.payroll.queries.drafts import DraftRow
from teledeclaration.payroll.queries.reviews import ReviewRow
from teledeclaration.payroll.routes.drafts import After, Limit, shown_draft
from teledeclaration.payroll.shown_reviews import show_change, show_review


class ReviewChangesPage(msgspec.Struct, frozen=True):
    """A page of changes; `next` is the `after` of the following one, null at the end."""

    items: list[ReviewChange]
    next: int | None


@post(
    "/v1/drafts/{draft_id:uuid}/reviews",
    **guarded("drafts.mend"),
    status_code=202,
    tags=["drafts"],
    summary="Have changes compared",
)
async def ask_for_review(state: State, caller: NamedDependency[Caller], draft_id: FromPath[UUID]) -> Response[Review]:
    """What the file that waits changes in the draft; without one, what the draft changes in the declaration it
    replaces. A comparison of the same lines is not made twice."""
    now = caller.now(state.clock)
    await reviewing.ask(state.pool, state.queue, caller, draft_id=draft_id, now=now)
    async with transaction(state.pool, caller.actor) as connection:
        draft, review = await _newest(connection, caller, draft_id)
    return Response(show_review(review, draft), status_code=202, headers={"Location": f"/v1/drafts/{draft_id}/review"})


@get("/v1/drafts/{draft_id:uuid}/review", **guarded("drafts.read"), tags=["drafts"], summary="What a new file changes")
async def get_review(state: State, caller: NamedDependency[Caller], draft_id: FromPath[UUID]) -> Review:
    """The newest comparison: how many lines are new, changed, close to someone, absent or unchanged, and the effect on
    people, bases and contributions."""
    async with transaction(state.pool, caller.actor) as connection:
        draft, review = await _newest(connection, caller, draft_id)
    return show_review(review, draft)


@get(
    "/v1/drafts/{draft_id:uuid}/review/changes",
    **guarded("drafts.read", shows_people=True),
    tags=["drafts"],
    summary="The changes, one by one",
)
async def list_changes(
    state: State,
    caller: NamedDependency[Caller],
    draft_id: FromPath[UUID],
    kind: FromQuery[Literal["absent", "close", "new", "changed"] | None] = None,
    after: After = 0,
    limit: Limit = 100,
) -> ReviewChangesPage:
    """Who is absent first, then close matches, who is new, and what changed field by field."""
    async with transaction(state.pool, caller.actor) as connection:
        _, review = await _newest(connection, caller, draft_id)
        rows = await review_changes.select_changes(
            connection,
            employer_id=caller.employer_id,
            review_id=review.review_id,
            kind=kind,
            after=after,
            limit=limit,
        )
    return ReviewChangesPage([show_change(row) for row in rows], rows[-1].change if len(rows) == limit else None)


@post(
    "/v1/drafts/{draft_id:uuid}/review/decision",
    **guarded("drafts.mend"),
    status_code=200,
    tags=["drafts"],
    summary="Accept or refuse the changes",
)
async def decide(
    state: State, caller: NamedDependency[Caller], draft_id: FromPath[UUID], data: JSONBody[ReviewDecision]
) -> Draft:
    """Accepted, a new file's lines become the draft's; refused, the draft stays as it is and the file is kept.

    `review-outdated`, where the lines moved since the comparison: another one is then under way.
    """
    await reviewing.decide(
        state.pool, state.queue, caller, draft_id=draft_id, decision=data, now=caller.now(state.clock)
    )
    return await shown_draft(state, caller, draft_id)


@put(
    "/v1/drafts/{draft_id:uuid}/review/changes/{change:int}",
    **guarded("drafts.mend"),
    tags=["drafts"],
    summary="Say whether a close match is one person",
)
async def answer(
    state: State,
    caller: NamedDependency[Caller],
    draft_id: FromPath[UUID],
    change: FromPath[int],
    data: JSONBody[SamePerson],
) -> Review:
    """Two people count as one absent and one new. It changes what is counted and shown, and no line."""
    now = caller.now(state.clock)
    await reviewing.answer(state.pool, caller, draft_id=draft_id, change=change, said=data, now=now)
    async with transaction(state.pool, caller.actor) as connection:
        draft, review = await _newest(connection, caller, draft_id)
    return show_review(review, draft)


async def _newest(connection: Connection, caller: Caller, draft_id: UUID) -> tuple[DraftRow, ReviewRow]:
    """The draft and its newest review; NotFound where it never had one."""
    draft = await drafts.select_draft(connection, employer_id=caller.employer_id, draft_id=draft_id)
    review = await reviews.select_newest_review(connection, employer_id=caller.employer_id, draft_id=draft_id)
    if draft is None or review is None:
        raise NotFound
    return draft, review


ROUTES = [ask_for_review, get_review, list_changes, decide, answer]
