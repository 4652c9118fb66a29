"""The revisions of a draft: a list, what each changed, and the way back."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from schemas.payroll import Draft, DraftLine
from schemas.revisions import Change, ChangedLine, ChangedLinesPage, FieldChange, Return, Revision, RevisionsPage
from teledeclaration.database import transaction
from teledeclaration.employers.guard import Caller, guarded
from teledeclaration.errors import NotFound
from teledeclaration.payroll.actions.drafts import draft_of
from teledeclaration.payroll.actions.returning import return_to
from teledeclaration.payroll.queries import edits, revisions
from teledeclaration.payroll.queries.edits import LineEdit
from teledeclaration.payroll.queries.lines import LINE_FIELDS, line_schema
from teledeclaration.payroll.queries.revisions import RevisionRow
from teledeclaration.payroll.routes.drafts import After, Limit, shown_draft

_SHOWN = (*LINE_FIELDS, "left_out", "number_requested")

Before = Annotated[int | None, QueryParameter(ge=0, description="The `next` of the page before")]


@get(
    "/v1/drafts/{draft_id:uuid}/revisions",
    **guarded("drafts.read"),
    tags=["drafts"],
    summary="What changed a draft's lines, and when",
)
async def list_revisions(
    state: State, caller: NamedDependency[Caller], draft_id: FromPath[UUID], before: Before = None, limit: Limit = 100
) -> RevisionsPage:
    """The latest first: files, corrections, repairs and returns, each one to go back to."""
    where: dict[str, Any] = {"employer_id": caller.employer_id, "draft_id": draft_id}
    async with transaction(state.pool, caller.actor) as connection:
        await draft_of(connection, caller.employer_id, draft_id)
        rows = await revisions.select_revisions(connection, **where, before=before, limit=limit)
        latest = await revisions.select_revisions(connection, **where, before=None, limit=1)
    items = [_shown(row, present=row.revision == latest[0].revision) for row in rows]
    return RevisionsPage(items, items[-1].revision if len(items) == limit else None)


@get(
    "/v1/drafts/{draft_id:uuid}/revisions/{revision:int}/lines",
    **guarded("drafts.read", shows_people=True),
    tags=["drafts"],
    summary="What a revision changed, line by line",
)
async def list_changed_lines(
    state: State,
    caller: NamedDependency[Caller],
    draft_id: FromPath[UUID],
    revision: FromPath[int],
    after: After = 0,
    limit: Limit = 100,
) -> ChangedLinesPage:
    """Lines changed in place, field by field, before and after. Where a revision changed none in place (a file, another
    mapping, a return to another file, an answer to a doubt), every line as it stood."""
    where: dict[str, Any] = {"employer_id": caller.employer_id}
    async with transaction(state.pool, caller.actor, one_moment=True) as connection:
        draft = await draft_of(connection, caller.employer_id, draft_id)
        found = await revisions.select_revision_at(connection, **where, draft_id=draft_id, revision=revision)
        if found is None or revision > draft.revision:
            raise NotFound
        where |= {"reading_id": found.reading_id}
        images: list[dict[str, Any]] = []
        edited: list[LineEdit] = []
        if found.revision == revision and found.in_place:
            edited = await edits.select_edits(connection, **where, revision=revision, after=after, limit=limit)
        else:
            images = await edits.select_line_images(connection, **where, after=after, limit=limit)
        then = {edit.line_number: edit.line for edit in edited} | {image["line_number"]: image for image in images}
        for number, former in await edits.select_later_edits(connection, **where, revision=revision, numbers=[*then]):
            then[number] = then[number] | former
    before = {edit.line_number: edit.before for edit in edited}
    items = [_changed(line, before.get(number, {}), line_schema(draft.form)) for number, line in then.items()]
    return ChangedLinesPage(items, items[-1].line_number if len(items) == limit else None)


@post(
    "/v1/drafts/{draft_id:uuid}/return",
    **guarded("drafts.mend"),
    status_code=200,
    tags=["drafts"],
    summary="Go back to a former revision",
)
async def go_back(
    state: State, caller: NamedDependency[Caller], draft_id: FromPath[UUID], data: JSONBody[Return]
) -> Draft:
    """The lines as they were at revision `to`, whatever files, repairs and corrections lay between. The draft is
    then checked again: `progress` tells when. It is a new revision, and can itself be gone back from."""
    await return_to(state.pool, state.queue, caller, draft_id=draft_id, wanted=data, now=caller.now(state.clock))
    return await shown_draft(state, caller, draft_id)


def _shown(row: RevisionRow, *, present: bool) -> Revision:
    to = row.details.get("to")
    return Revision(
        revision=row.revision,
        kind=row.kind,
        present=present,
        lines_changed=row.lines_changed,
        filename=row.filename if row.kind in ("file", "mapping") else None,
        returned_to=to if row.kind == "return" else None,
        findings=Change(**row.findings) if row.findings else None,
        done_by=row.done_by,
        done_at=row.done_at,
    )


def _changed(line: dict[str, Any], before: dict[str, Any], shown: Iterable[str]) -> ChangedLine:
    return ChangedLine(
        line_number=line["line_number"],
        row=line["row"],
        changes=list(_field_changes(before, line)),
        line=msgspec.convert({name: line[name] for name in shown}, DraftLine),
    )


def _field_changes(before: dict[str, Any], after: dict[str, Any]) -> Iterator[FieldChange]:
    """The fields that read otherwise since; what was typed in a cell stands for a value that could not be read."""
    typed_before, typed_after = before.get("typed") or {}, after.get("typed") or {}
    for field in _SHOWN:
        former = before.get(field, after.get(field))
        old = typed_before.get(field) if former is None else former
        new = typed_after.get(field) if after.get(field) is None else after[field]
        if old != new and (field in before or field in typed_before):
            yield FieldChange(field=field, before=old, after=new)


ROUTES = [list_revisions, list_changed_lines, go_back]
