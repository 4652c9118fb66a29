"""A draft's findings by their causes, and one repair for a whole cause."""

from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from schemas.payroll import Draft
from schemas.repairs import Causes, RepairPreview, RepairWish
from teledeclaration.clock import legal_day
from teledeclaration.database import Connection, transaction
from teledeclaration.employers.guard import Caller, guarded
from teledeclaration.errors import NotFound
from teledeclaration.payroll.actions import causes as by_cause
from teledeclaration.payroll.actions import repairs as actions
from teledeclaration.payroll.actions.drafts import check_revision, checked_reading
from teledeclaration.payroll.actions.previews import preview
from teledeclaration.payroll.errors import DraftNotChecked, DraftNotOpen
from teledeclaration.payroll.queries import causes, drafts, uploads
from teledeclaration.payroll.queries.drafts import DraftRow
from teledeclaration.payroll.routes.drafts import shown_draft
from teledeclaration.payroll.shown_causes import show_causes, show_offers, show_preview

Counted = Annotated[bool, QueryParameter(description="Only the counts: no samples, shapes or repairs")]


@get(
    "/v1/drafts/{draft_id:uuid}/causes",
    **guarded("drafts.read", shows_people=True),
    tags=["drafts"],
    summary="What is wrong, by cause, and what repairs it",
)
async def list_causes(
    state: State, caller: NamedDependency[Caller], draft_id: FromPath[UUID], counts_only: Counted = False
) -> Causes:
    """Findings of one code in one field, the four quarters together, with samples, the cells to mend in the file,
    and the repairs that would mend them all. The lines left out are not counted."""
    employer_id = caller.employer_id
    async with transaction(state.pool, caller.actor) as connection:
        draft = await _draft(connection, employer_id, draft_id)
        if draft.reading_id is None:
            raise DraftNotChecked
        reading = await uploads.select_reading(connection, employer_id=employer_id, reading_id=draft.reading_id)
        if reading is None:
            raise DraftNotChecked
        if counts_only:
            counts = await causes.count_causes(connection, employer_id=employer_id, reading_id=draft.reading_id)
            found = by_cause.Overview(counts)
        else:
            found = await by_cause.overview(
                connection,
                employer_id=employer_id,
                reading_id=draft.reading_id,
                wish=by_cause.wish_of(draft, reading.facts),
            )
    return Causes(
        revision=draft.revision,
        causes=show_causes(found, caller.language, reading.facts),
        repairs=show_offers(found.general, caller.language),
    )


@post(
    "/v1/drafts/{draft_id:uuid}/repairs/preview",
    **guarded("drafts.mend", shows_people=True),
    status_code=200,
    tags=["drafts"],
    summary="What a repair would change, before it does",
)
async def preview_repair(
    state: State, caller: NamedDependency[Caller], draft_id: FromPath[UUID], data: JSONBody[RepairWish]
) -> RepairPreview:
    """Lines, cells, totals and findings before and after; nothing is changed. The registers and the other lines of
    the file are asked again once the repair is done."""
    now = caller.now(state.clock)
    async with transaction(state.pool, caller.actor) as connection:
        draft = await _draft(connection, caller.employer_id, draft_id)
        if draft.status != "open":
            raise DraftNotOpen
        check_revision(draft, data.revision)
        shown = await preview(
            connection,
            state.legislation,
            employer_id=caller.employer_id,
            draft=draft,
            reading_id=await checked_reading(connection, caller.employer_id, draft),
            wish=data,
            today=legal_day(now, state.settings.fund_time_zone),
        )
    return show_preview(shown, caller.language)


@post(
    "/v1/drafts/{draft_id:uuid}/repairs",
    **guarded("drafts.mend"),
    status_code=200,
    tags=["drafts"],
    summary="Repair a whole cause",
)
async def repair(
    state: State, caller: NamedDependency[Caller], draft_id: FromPath[UUID], data: JSONBody[RepairWish]
) -> Draft:
    """As previewed at `revision`, in one step that a return to the revision before undoes. The changed lines are then
    checked again: `progress` tells when."""
    await actions.apply(state.pool, state.queue, caller, draft_id=draft_id, wish=data, now=caller.now(state.clock))
    return await shown_draft(state, caller, draft_id)


async def _draft(connection: Connection, employer_id: int, draft_id: UUID) -> DraftRow:
    draft = await drafts.select_draft(connection, employer_id=employer_id, draft_id=draft_id)
    if draft is None:
        raise NotFound
    return draft


ROUTES = [list_causes, preview_repair, repair]
