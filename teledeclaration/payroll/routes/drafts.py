"""Preparing a declaration: drafts, their lines and findings."""

from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post, put
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from schemas.findings import Finding, Severity
from schemas.movements import MovementsFiled
from schemas.payroll import (
    Declaration,
    Draft,
    DraftLine,
    DraftSummary,
    Filing,
    LineChanges,
    NewDraft,
    SentLines,
    Upload,
)
from teledeclaration.clock import legal_day
from teledeclaration.database import Connection, transaction
from teledeclaration.employers.guard import Caller, guarded
from teledeclaration.errors import Malformed, NotFound
from teledeclaration.payroll.actions import declaring, opening, reviewing
from teledeclaration.payroll.actions import drafts as actions
from teledeclaration.payroll.actions.fields_sent import check_sent
from teledeclaration.payroll.actions.filing import file_draft
from teledeclaration.payroll.actions.proposing import propose
from teledeclaration.payroll.actions.uploads import receive_lines
from teledeclaration.payroll.errors import DraftNotChecked
from teledeclaration.payroll.law.periods import periodic
from teledeclaration.payroll.law.totals import codes_of
from teledeclaration.payroll.queries import declarations, drafts, lines, mapping, reviews, uploads
from teledeclaration.payroll.queries.drafts import DraftRow
from teledeclaration.payroll.shown import (
    show_declaration,
    show_doubt,
    show_draft,
    show_finding,
    show_summary,
    show_upload,
)

PAGE_MAX = 500

Limit = Annotated[int, QueryParameter(ge=1, le=PAGE_MAX, description="Items a page")]
After = Annotated[int, QueryParameter(ge=0, description="The last number of the page before")]


class FindingsPage(msgspec.Struct, frozen=True):
    """A page of findings; `next` is the `after` of the following one, null at the end."""

    items: list[Finding]
    next: int | None


class LinesPage(msgspec.Struct, frozen=True):
    """A page of lines; `next` is the `after` of the following one, null at the end."""

    items: list[DraftLine]
    next: int | None


@post("/v1/drafts", **guarded("uploads.send"), tags=["drafts"], summary="Open a draft for lines by REST")
async def open_draft(state: State, caller: NamedDependency[Caller], data: JSONBody[NewDraft]) -> Response[DraftSummary]:
    """The open draft of this declaration where there is one, else a new one.

    With `proposed`, a month or quarter comes with lines made from the last period declared and from who came, left or
    changed since; they are then checked like lines sent. A base that cannot be known is left to be given.
    """
    now = caller.now(state.clock)
    today = legal_day(now, state.settings.fund_time_zone)
    if data.proposed:
        draft = await propose(
            state.pool,
            state.storage,
            state.queue,
            state.legislation,
            caller,
            data,
            waiting_max=state.settings.uploads_waiting_max,
            now=now,
            today=today,
        )
    else:
        draft = await opening.open_draft(state.pool, caller, data, now=now, today=today)
    return Response(show_summary(draft), status_code=201, headers={"Location": f"/v1/drafts/{draft.draft_id}"})


@post(
    "/v1/drafts/{draft_id:uuid}/lines",
    **guarded("uploads.send"),
    status_code=202,
    request_max_body_size=64_000_000,
    tags=["drafts"],
    summary="Send a declaration's lines as JSON",
)
async def send_lines(
    state: State, caller: NamedDependency[Caller], draft_id: FromPath[UUID], data: JSONBody[SentLines]
) -> Response[Upload]:
    """One part of the lines, up to 50,000; once all `parts` are there, together they are checked like a file.

    Findings then name each cell by a JSON pointer into the lines of all parts in order. Only fields of the draft's
    form are taken; of a month or quarter a line may give the pay by element instead of its base.
    """
    if data.part > data.parts:
        raise Malformed(pointer="/part")
    stored = await state.storage.put_bytes(msgspec.json.encode(data))
    received = await receive_lines(
        state.pool,
        state.queue,
        caller,
        draft_id=draft_id,
        stored=stored,
        check=partial(check_sent, data, legislation=state.legislation),
        part=data.part,
        parts=data.parts,
        waiting_max=state.settings.uploads_waiting_max,
        now=caller.now(state.clock),
    )
    shown = show_upload(received.upload, caller.language, state.clock())
    return Response(shown, status_code=202, headers={"Location": f"/v1/uploads/{shown.upload_id}"})


@get("/v1/drafts", **guarded("drafts.read"), tags=["drafts"], summary="My drafts")
async def list_drafts(
    state: State,
    caller: NamedDependency[Caller],
    status: FromQuery[Literal["open", "filed", "dropped"] | None] = None,
    year: FromQuery[int | None] = None,
    limit: Limit = 50,
) -> list[DraftSummary]:
    """The last changed first."""
    async with transaction(state.pool, caller.actor) as connection:
        rows = await drafts.select_drafts(
            connection, employer_id=caller.employer_id, status=status, year=year, limit=limit
        )
    return [show_summary(row) for row in rows]


@get(
    "/v1/drafts/{draft_id:uuid}",
    **guarded("drafts.read"),
    tags=["drafts"],
    summary="A draft: what is wrong, what is ready",
)
async def get_draft(state: State, caller: NamedDependency[Caller], draft_id: FromPath[UUID]) -> Draft:
    """Totals, findings counted by code, and `obstacles`: what stands in the way of filing, if anything."""
    return await shown_draft(state, caller, draft_id)


@delete("/v1/drafts/{draft_id:uuid}", **guarded("drafts.mend"), tags=["drafts"], summary="Give a draft up")
async def drop_draft(state: State, caller: NamedDependency[Caller], draft_id: FromPath[UUID]) -> None:
    """It can no longer be filed; what was sent is kept."""
    await actions.drop_draft(state.pool, caller, draft_id=draft_id, now=caller.now(state.clock))


@get(
    "/v1/drafts/{draft_id:uuid}/lines",
    **guarded("drafts.read", shows_people=True),
    tags=["drafts"],
    summary="A draft's lines",
)
async def list_lines(
    state: State,
    caller: NamedDependency[Caller],
    draft_id: FromPath[UUID],
    only: FromQuery[Literal["wrong", "left_out"] | None] = None,
    after: After = 0,
    limit: Limit = 100,
) -> LinesPage:
    """By number; `only=wrong` are those in which an error stands."""
    async with transaction(state.pool, caller.actor) as connection:
        draft = await actions.draft_of(connection, caller.employer_id, draft_id)
        items = await lines.select_lines(
            connection,
            employer_id=caller.employer_id,
            reading_id=_reading_of(draft),
            form=draft.form,
            after=after,
            limit=limit,
            only=only,
        )
    return LinesPage(items, items[-1].line_number if len(items) == limit else None)


@patch(
    "/v1/drafts/{draft_id:uuid}/lines",
    **guarded("drafts.mend"),
    tags=["drafts"],
    summary="Correct lines, or leave them out",
)
async def mend_lines(
    state: State, caller: NamedDependency[Caller], draft_id: FromPath[UUID], data: JSONBody[LineChanges]
) -> Draft:
    """Only the fields named change; `left_out` takes a line out of what is filed, or back in. The draft is
    then checked again: `progress` tells when."""
    await actions.mend_lines(
        state.pool,
        state.queue,
        state.legislation,
        caller,
        draft_id=draft_id,
        changes=data,
        now=caller.now(state.clock),
    )
    return await shown_draft(state, caller, draft_id)


@get(
    "/v1/drafts/{draft_id:uuid}/findings",
    **guarded("drafts.read", shows_people=True),
    tags=["drafts"],
    summary="What is wrong, cell by cell",
)
async def list_findings(
    state: State,
    caller: NamedDependency[Caller],
    draft_id: FromPath[UUID],
    code: FromQuery[str | None] = None,
    severity: FromQuery[Severity | None] = None,
    line: FromQuery[int | None] = None,
    back: FromQuery[bool | None] = None,
    after: After = 0,
    limit: Limit = 100,
) -> FindingsPage:
    """In the order of the file, each with its message in the reader's language; `back=true` are those that had gone
    away and came back. The doubts about a month or quarter as a whole come first."""
    async with transaction(state.pool, caller.actor) as connection:
        draft = await actions.draft_of(connection, caller.employer_id, draft_id)
        reading_id = _reading_of(draft)
        reading = await uploads.select_reading(connection, employer_id=caller.employer_id, reading_id=reading_id)
        rows = await lines.select_findings(
            connection,
            employer_id=caller.employer_id,
            reading_id=reading_id,
            code=code,
            severity=None if severity is None else severity.value,
            line_number=line,
            after=after,
            limit=limit,
            back=back,
        )
        period = await _period(state, caller, connection, draft)
    facts = {} if reading is None else reading.facts
    doubts = [
        show_doubt(doubt, caller.language, by_rest=facts.get("format") == "lines")
        for doubt in (period.doubts if period and not after and not back else ())
        if code in (None, doubt.code) and severity in (None, Severity.CONFIRM) and line in (None, doubt.line_number)
    ]
    items = doubts + [show_finding(row, caller.language, facts) for row in rows]
    return FindingsPage(items, rows[-1].finding if len(rows) == limit else None)


@put(
    "/v1/drafts/{draft_id:uuid}/confirmations/{code:str}",
    **guarded("findings.confirm"),
    tags=["drafts"],
    summary="Answer for all doubts of one kind",
)
async def confirm(
    state: State, caller: NamedDependency[Caller], draft_id: FromPath[UUID], code: FromPath[str]
) -> Draft:
    """The name of who confirms is kept. Should more doubts of the kind appear later, the answer is asked again."""
    now = caller.now(state.clock)
    if code in declaring.DOUBTS:
        today = legal_day(now, state.settings.fund_time_zone)
        await declaring.confirm_doubt(
            state.pool, state.legislation, caller, draft_id=draft_id, code=code, on=today, now=now
        )
    else:
        await actions.confirm_doubts(state.pool, caller, draft_id=draft_id, code=code, now=now)
    return await shown_draft(state, caller, draft_id)


@delete(
    "/v1/drafts/{draft_id:uuid}/confirmations/{code:str}",
    **guarded("findings.confirm"),
    tags=["drafts"],
    summary="Take an answer back",
)
async def withdraw(
    state: State, caller: NamedDependency[Caller], draft_id: FromPath[UUID], code: FromPath[str]
) -> None:
    """Nothing happens where none was given."""
    await actions.withdraw_confirmation(state.pool, caller, draft_id=draft_id, code=code, now=caller.now(state.clock))


@post(
    "/v1/drafts/{draft_id:uuid}/declaration",
    **guarded("declarations.file"),
    status_code=201,
    tags=["drafts"],
    summary="File the declaration",
)
async def file(
    state: State, caller: NamedDependency[Caller], draft_id: FromPath[UUID], data: JSONBody[Filing]
) -> Response[Declaration | MovementsFiled]:
    """The draft as it stood at `revision` becomes a declaration, with its number, legal time and content hash.

    With `leave_out_errors` the good lines are filed now; the rest by a complementary declaration later. A draft of
    movements becomes movements, told at the Location.
    """
    now = caller.now(state.clock)
    filed = await file_draft(state.pool, state.queue, state.settings, caller, draft_id=draft_id, filing=data, now=now)
    if filed.declaration_id is None:
        return Response(
            MovementsFiled(draft_id=draft_id, movements=filed.movements),
            status_code=201,
            headers={"Location": f"/v1/movements?told_since={now:%Y-%m-%dT%H:%M:%SZ}"},
        )
    async with transaction(state.pool, caller.actor) as connection:
        row = await declarations.select_declaration(
            connection, employer_id=caller.employer_id, declaration_id=filed.declaration_id
        )
    if row is None:
        raise NotFound
    place = f"/v1/declarations/{row.declaration_id}"
    return Response(show_declaration(row), status_code=201, headers={"Location": place})


def _reading_of(draft: DraftRow) -> UUID:
    if draft.reading_id is None:
        raise DraftNotChecked
    return draft.reading_id


async def shown_draft(state: State, caller: Caller, draft_id: UUID) -> Draft:
    """A draft whole, as it stood at one moment, in a few short statements; the counts are of indexed rows."""
    employer_id = caller.employer_id
    async with transaction(state.pool, caller.actor, one_moment=True) as connection:
        draft = await actions.draft_of(connection, caller.employer_id, draft_id)
        latest = await uploads.select_latest_upload(connection, employer_id=employer_id, draft_id=draft_id)
        newest = latest.reading_id if latest else None
        waits = latest if latest and newest is None else None
        shown_id = draft.reading_id or newest
        reading = None
        if newest is not None:
            reading = await uploads.select_reading(connection, employer_id=employer_id, reading_id=newest)
        if reading and reading.status == "checked" and draft.reading_id is not None:
            reading = await uploads.select_reading(connection, employer_id=employer_id, reading_id=draft.reading_id)
        where: dict[str, Any] = {"employer_id": employer_id, "reading_id": shown_id or draft_id}
        return show_draft(
            draft,
            reading,
            samples=await mapping.select_samples(connection, **where),
            counts=await lines.count_findings(connection, **where),
            file_errors=await lines.count_file_errors(connection, **where),
            confirmed=await drafts.select_confirmations(connection, employer_id=employer_id, draft_id=draft_id),
            totals=await lines.sum_lines(connection, **where, beside=_beside(state, draft)),
            lines_with_errors=await lines.count_wrong_lines(connection, **where),
            parts_missing=await _parts_missing(connection, employer_id, waits) if waits else [],
            review=await reviews.select_newest_review(connection, employer_id=employer_id, draft_id=draft_id),
            review_obstacle=await reviewing.obstacle(connection, employer_id=employer_id, draft=draft),
            period=await _period(state, caller, connection, draft),
            language=caller.language,
            now=state.clock(),
        )


def _beside(state: State, draft: DraftRow) -> list[str]:
    """The rate lines whose base other lines of the draft say already."""
    if draft.form != "totals":
        return []
    codes = codes_of(state.legislation.on(periodic(draft.period).first_day))
    return sorted({*codes.shared, *codes.supplements})


async def _period(state: State, caller: Caller, connection: Connection, draft: DraftRow) -> declaring.PeriodLook | None:
    """What an open draft of a month or quarter comes to by now."""
    if draft.form not in declaring.FORMS or draft.status != "open":
        return None
    return await declaring.look(
        connection,
        state.legislation.on(periodic(draft.period).first_day),
        employer_id=caller.employer_id,
        draft=draft,
        reading_id=draft.reading_id,
        on=legal_day(caller.now(state.clock), state.settings.fund_time_zone),
    )


async def _parts_missing(connection: Connection, employer_id: int, upload: uploads.UploadRow) -> list[int]:
    """The parts that a series still waits for."""
    there = await uploads.select_parts(connection, employer_id=employer_id, series=upload.series)
    return sorted(set(range(1, upload.parts + 1)) - {part for part, _ in there})


ROUTES = [
    open_draft,
    send_lines,
    list_drafts,
    get_draft,
    drop_draft,
    list_lines,
    mend_lines,
    list_findings,
    confirm,
    withdraw,
    file,
]
