"""Mapping a workbook's columns by hand, and the layouts that are remembered."""

from uuid import UUID

from litestar import Response, delete, get, post, put
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from schemas.mapping import MappingPreview, RememberedLayout, SentMapping, ShownMapping
from schemas.payroll import Upload
from teledeclaration.database import transaction
from teledeclaration.employers.guard import Caller, guarded
from teledeclaration.payroll.actions import layouts
from teledeclaration.payroll.actions import mapping as actions
from teledeclaration.payroll.actions.drafts import draft_of
from teledeclaration.payroll.queries import mapping
from teledeclaration.payroll.shown import show_upload
from teledeclaration.payroll.shown_mapping import show_mapping, show_preview


@get(
    "/v1/drafts/{draft_id:uuid}/mapping",
    **guarded("drafts.read", shows_people=True),
    tags=["mapping"],
    summary="How the workbook's columns are read",
)
async def get_mapping(state: State, caller: NamedDependency[Caller], draft_id: FromPath[UUID]) -> ShownMapping:
    """Of the newest file, also where it could not be read: its sheets with their first rows, the mapping in force,
    each column with samples, and what the employer's own corrections propose for it."""
    async with transaction(state.pool, caller.actor) as connection:
        draft = await draft_of(connection, caller.employer_id, draft_id)
        upload, seen = await actions.mapped_upload(connection, caller.employer_id, draft_id)
        words = await mapping.select_learnt_words(connection, employer_id=caller.employer_id, form=draft.form)
    return show_mapping(upload, seen, words, draft.form, caller.language)


@put(
    "/v1/drafts/{draft_id:uuid}/mapping",
    **guarded("drafts.mend"),
    status_code=202,
    tags=["mapping"],
    summary="Say how the columns are to be read",
)
async def set_mapping(
    state: State, caller: NamedDependency[Caller], draft_id: FromPath[UUID], data: JSONBody[SentMapping]
) -> Response[Upload]:
    """The newest file is read again so: follow it at the Location. With `remember` the employer's next file with
    the same headers is read the same way, and its words are proposed for others."""
    upload = await actions.set_mapping(
        state.pool,
        state.queue,
        caller,
        draft_id=draft_id,
        sent=data,
        waiting_max=state.settings.uploads_waiting_max,
        now=caller.now(state.clock),
    )
    shown = show_upload(upload, caller.language, state.clock())
    return Response(shown, status_code=202, headers={"Location": f"/v1/uploads/{shown.upload_id}"})


@post(
    "/v1/drafts/{draft_id:uuid}/mapping/preview",
    **guarded("drafts.mend", shows_people=True),
    status_code=200,
    tags=["mapping"],
    summary="What the first lines would be",
)
async def preview(
    state: State, caller: NamedDependency[Caller], draft_id: FromPath[UUID], data: JSONBody[SentMapping]
) -> MappingPreview:
    """The first twenty lines as this mapping would read them, with their findings. Nothing changes; `remember` is for
    `PUT`."""
    checked = await actions.preview_mapping(
        state.pool,
        state.storage,
        state.reader,
        state.settings,
        state.legislation,
        caller,
        draft_id=draft_id,
        sent=data,
        now=caller.now(state.clock),
    )
    return show_preview(checked, caller.language)


@get("/v1/layouts", **guarded("drafts.read"), tags=["mapping"], summary="Layouts that are remembered")
async def list_layouts(state: State, caller: NamedDependency[Caller]) -> list[RememberedLayout]:
    """The last used first."""
    async with transaction(state.pool, caller.actor) as connection:
        return await mapping.select_layouts(connection, employer_id=caller.employer_id)


@delete("/v1/layouts/{layout_id:uuid}", **guarded("drafts.mend"), tags=["mapping"], summary="Forget a layout")
async def forget_layout(state: State, caller: NamedDependency[Caller], layout_id: FromPath[UUID]) -> None:
    """Files with these headers are read by their words again; what was read by it stays as it is."""
    await layouts.forget_layout(state.pool, caller, layout_id=layout_id, now=caller.now(state.clock))


ROUTES = [get_mapping, set_mapping, preview, list_layouts, forget_layout]
