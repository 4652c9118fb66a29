"""The JSON door to the registers, for the fund's systems, and to what was declared."""

from collections.abc import AsyncIterator
from datetime import date
from email.message import Message
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Stream

from schemas.findings import Severity
from schemas.registry import (
    DeclaredPage,
    FindingsPage,
    LoadFinding,
    LoadMode,
    PeopleFound,
    PersonSought,
    Register,
    RegisterLoad,
    RowsOutcome,
)
from teledeclaration.database import transaction
from teledeclaration.employers.guard import Caller
from teledeclaration.employers.roles import guarded
from teledeclaration.errors import NotFound
from teledeclaration.languages import Language, say
from teledeclaration.registry import actions, exports, queries
from teledeclaration.registry.columns import template_csv

FINDINGS_PAGE = 1_000
_ENDINGS = {
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
}
_REGISTERS = guarded("registers.load")


@post(
    "/v1/registers/{register:str}/loads",
    status_code=202,
    request_max_body_size=actions.FILE_BYTES_MAX,
    **_REGISTERS,
    tags=["registers"],
)
async def send_file(
    request: Request[Any, Any, State],
    state: State,
    caller: NamedDependency[Caller],
    register: FromPath[Register],
    mode: FromQuery[LoadMode] = "changes",
) -> Response[RegisterLoad]:
    """Send a file (CSV or workbook) as the body; its name in Content-Disposition or its kind in Content-Type."""
    load_id = await actions.receive_file(
        state.pool,
        state.storage,
        state.queue,
        caller.actor,
        register=register,
        mode=mode,
        filename=_filename(request),
        content=request.stream(),
        clock=state.clock,
    )
    load = await _load(state, caller, load_id)
    return Response(load, status_code=202, headers={"Location": f"/v1/registers/loads/{load_id}"})


@get("/v1/registers/loads/{load_id:uuid}", tags=["registers"], **_REGISTERS)
async def read_load(state: State, caller: NamedDependency[Caller], load_id: FromPath[UUID]) -> RegisterLoad:
    """How far a load is, and what became of its rows."""
    return await _load(state, caller, load_id)


@get("/v1/registers/loads/{load_id:uuid}/findings", tags=["registers"], **_REGISTERS)
async def read_findings(
    state: State,
    caller: NamedDependency[Caller],
    *,
    load_id: FromPath[UUID],
    after: Annotated[int, QueryParameter(ge=0)] = 0,
    limit: Annotated[int, QueryParameter(ge=1, le=FINDINGS_PAGE)] = 200,
    code: FromQuery[str | None] = None,
) -> FindingsPage:
    """What is wrong in a load's rows, by row; `code` for one kind only."""
    async with transaction(state.pool, caller.actor) as connection:
        if await queries.select_load(connection, load_id=load_id) is None:
            raise NotFound
        stored = await queries.select_findings(connection, load_id=load_id, after=after, limit=limit + 1, code=code)
        by_code = await queries.count_findings(connection, load_id=load_id)
    return FindingsPage(
        findings=[_finding(found, caller.language) for found in stored[:limit]],
        by_code=by_code,
        next=stored[limit - 1].finding if len(stored) > limit else None,
    )


@get(
    "/v1/registers/{register:str}/template.csv", media_type="text/csv; charset=utf-8", tags=["registers"], **_REGISTERS
)
async def read_template(register: FromPath[Register]) -> Response[bytes]:
    """A blank file with the register's columns."""
    headers = {"Content-Disposition": f'attachment; filename="{register}.csv"'}
    return Response(template_csv(register), media_type="text/csv; charset=utf-8", headers=headers)


@post("/v1/registers/{register:str}/rows", status_code=200, tags=["registers"], **_REGISTERS)
async def send_rows(
    state: State,
    caller: NamedDependency[Caller],
    register: FromPath[Register],
    data: JSONBody[list[dict[str, str | int | bool | None]]],
) -> RowsOutcome:
    """Bring a register in line with up to 5,000 rows at once: good rows are in, the others have findings."""
    return await actions.receive_rows(
        state.pool,
        caller.actor,
        register=register,
        rows=data,
        settings=state.settings,
        clock=state.clock,
        language=caller.language,
    )


@post("/v1/registers/people/search", status_code=200, tags=["registers"], **guarded("registers.read"))
async def search_people(state: State, caller: NamedDependency[Caller], data: JSONBody[PersonSought]) -> PeopleFound:
    """Look a person up, by number or by name; every look is journaled."""
    return await actions.search_people(state.pool, caller.actor, data, clock=state.clock)


_DECLARED = guarded("declared.read")


@get("/v1/declared", tags=["registers"], **_DECLARED)
async def read_declared(
    state: State,
    caller: NamedDependency[Caller],
    after: Annotated[str | None, QueryParameter(max_length=60)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=1_000)] = 200,
) -> DeclaredPage:
    """The live declarations in order, after a cursor: none is skipped, none told twice."""
    return await actions.read_declared(state.pool, caller.actor, after=after, limit=limit)


@get("/v1/declared/{declaration_id:uuid}/lines", tags=["registers"], **_DECLARED)
async def read_lines(
    state: State,
    caller: NamedDependency[Caller],
    declaration_id: FromPath[UUID],
    as_: Annotated[Literal["jsonl", "csv"], QueryParameter(name="as")] = "jsonl",
) -> Stream:
    """A declaration's lines as JSON lines or CSV; amounts in centimes. Their fields are those of its form."""
    declarer = await actions.open_declaration(
        state.pool, caller.actor, declaration_id=declaration_id, clock=state.clock
    )
    if declarer is None:
        raise NotFound
    write = exports.lines_as_csv if as_ == "csv" else exports.lines_as_json
    lines = write(state.pool, caller.actor, declarer=declarer, declaration_id=declaration_id)
    return _stream(lines, "text/csv; charset=utf-8" if as_ == "csv" else "application/jsonl")


@get("/v1/declared/files/{day:date}", tags=["registers"], **_DECLARED)
async def read_day(state: State, caller: NamedDependency[Caller], day: FromPath[date]) -> Stream:
    """All that was filed on a legal day that is over: a zip of declarations.csv, lines.csv and periodic_lines.csv."""
    await actions.open_day(state.pool, caller.actor, day=day, settings=state.settings, clock=state.clock)
    return _stream(
        exports.day_as_zip(state.pool, caller.actor, day=day), "application/zip", filename=f"declared-{day}.zip"
    )


def _stream(content: AsyncIterator[bytes], media_type: str, filename: str | None = None) -> Stream:
    headers = {"Content-Disposition": f'attachment; filename="{filename}"'} if filename else {}
    return Stream(content, media_type=media_type, headers=headers)


async def _load(state: State, caller: Caller, load_id: UUID) -> RegisterLoad:
    async with transaction(state.pool, caller.actor) as connection:
        load = await queries.select_load(connection, load_id=load_id)
    if load is None:
        raise NotFound
    if load.reason is None:
        return load
    return msgspec.structs.replace(load, message=say(load.reason, caller.language, **load.reason_values))


def _finding(found: queries.StoredFinding, language: Language) -> LoadFinding:
    return LoadFinding(
        code=found.code,
        severity=Severity(found.severity),
        message=actions.finding_words(found.code, found.seen, language),
        field=found.field,
        row=found.row,
        seen=found.seen,
    )


def _filename(request: Request[Any, Any, State]) -> str:
    header = Message()
    header["Content-Disposition"] = request.headers.get("content-disposition", "attachment")
    name = (header.get_filename() or "").replace("\\", "/").rpartition("/")[2][:200]
    return name or f"register.{_ENDINGS.get(request.headers.get('content-type', ''), 'csv')}"


ROUTES = [
    send_file,
    read_load,
    read_findings,
    read_template,
    send_rows,
    search_people,
    read_declared,
    read_lines,
    read_day,
]
