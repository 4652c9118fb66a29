"""The revisions of a draft: a list, what each changed, and the way back."""

from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

from litestar import get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from schemas.payroll import Draft
from schemas.revisions import Change, ChangedLine, ChangedLinesPage, FieldChange, Return, Revision, RevisionsPage
from teledeclaration.database import Connection, transaction
from teledeclaration.employers.guard import Caller, guarded
from teledeclaration.errors import NotFound
from teledeclaration.payroll.actions.returning import return_to
from teledeclaration.payroll.queries import drafts, edits, revisions
from teledeclaration.payroll.queries.edits import LineEdit
from teledeclaration.payroll.queries.lines import LINE_FIELDS
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
        await _check_there(connection, caller, draft_id)
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
    """Field by field, before and after; empty for a file, whose lines are all its own."""
    async with transaction(state.pool, caller.actor) as connection:
        await _check_there(connection, caller, draft_id)
        found = await revisions.select_revision_at(
            connection, employer_id=caller.employer_id, draft_id=draft_id, revision=revision
        )
        if found is None or found.revision != revision:
            raise NotFound
        where: dict[str, Any] = {
            "employer_id": caller.employer_id,
            "reading_id": found.reading_id,
            "revision": revision,
        }
        page = await edits.select_edits(connection, **where, after=after, limit=limit)
        numbers = [edit.line_number for edit in page]
        later = await edits.select_later_edits(connection, **where, numbers=numbers)
    afterwards = {edit.line_number: edit.line for edit in page}
    for number, image in later:
        afterwards[number] = afterwards[number] | image
    items = [_changed(edit, afterwards[edit.line_number]) for edit in page]
    return ChangedLinesPage(items, numbers[-1] if len(page) == limit else None)


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


async def _check_there(connection: Connection, caller: Caller, draft_id: UUID) -> None:
    if await drafts.select_draft(connection, employer_id=caller.employer_id, draft_id=draft_id) is None:
        raise NotFound


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


def _changed(edit: LineEdit, afterwards: dict[str, Any]) -> ChangedLine:
    return ChangedLine(
        line_number=edit.line_number, row=edit.row, changes=list(_field_changes(edit.before, afterwards))
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
