"""Sending files and following them."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.datastructures import State, UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import ServerSentEvent, ServerSentEventMessage, Stream

from schemas.payroll import Form, NewDraft, ReadingStatus, Upload
from teledeclaration.clock import legal_day
from teledeclaration.database import transaction
from teledeclaration.employers.guard import Caller, guarded
from teledeclaration.errors import Malformed, NotFound
from teledeclaration.intake.text_pair import zip_together
from teledeclaration.payroll.actions.uploads import cancel_upload, receive_file
from teledeclaration.payroll.errors import NoFileSent
from teledeclaration.payroll.queries import uploads
from teledeclaration.payroll.shown import show_upload
from teledeclaration.storage import Stored

PAGE_MAX = 200
_EVENT_PAUSE_S = 0.4
_EVENTS_MAX = 1500


@post(
    "/v1/uploads",
    **guarded("uploads.send"),
    status_code=202,
    request_max_body_size=None,
    tags=["uploads"],
    summary="Send a workbook, a CSV or the pair of text files",
)
async def send_upload(
    request: Request[Any, Any, Any],
    state: State,
    caller: NamedDependency[Caller],
    filename: FromQuery[str | None] = None,
    form: FromQuery[Form | None] = None,
    year: FromQuery[int | None] = None,
    period: FromQuery[str | None] = None,
    centre: FromQuery[str | None] = None,
    draft_id: FromQuery[UUID | None] = None,
) -> Response[Upload]:
    """Send a file, as `multipart/form-data` (one part `file`, or two for the text pair; `form`, `year` or
    `period`, `centre`, `type`, `draft_id`, `replaces`, `completes` as fields) or as the bare body with `?filename=`.

    Answers at once; the file is then read and checked: follow it at the Location, or by its events. The
    same content sent again for a draft that still stands on it answers the same upload.
    """
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        name, stored, fields = await _from_form(request, state)
    else:
        name, stored = filename or "", await _from_body(request, state)
        fields = {"form": form, "year": year, "period": period, "centre": centre, "draft_id": draft_id}
    wanted, draft = _wanted(fields)
    now = caller.now(state.clock)
    received = await receive_file(
        state.pool,
        state.queue,
        caller,
        stored=stored,
        filename=_plain_name(name),
        wanted=wanted,
        draft_id=draft,
        waiting_max=state.settings.uploads_waiting_max,
        now=now,
        today=legal_day(now, state.settings.fund_time_zone),
    )
    shown = show_upload(received.upload, caller.language, state.clock())
    return Response(shown, status_code=202, headers={"Location": f"/v1/uploads/{shown.upload_id}"})


async def _from_body(request: Request[Any, Any, Any], state: State) -> Stored:
    stored: Stored = await state.storage.put(request.stream(), bytes_max=state.settings.upload_bytes_max)
    if not stored.size_bytes:
        raise NoFileSent
    return stored


async def _from_form(request: Request[Any, Any, Any], state: State) -> tuple[str, Stored, dict[str, Any]]:
    form = await request.form()
    files = [part for _, part in form.multi_items() if isinstance(part, UploadFile)]
    fields = {name: part for name, part in form.multi_items() if isinstance(part, str) and part}
    bytes_max = state.settings.upload_bytes_max
    match files:
        case []:
            raise NoFileSent
        case [file]:
            return file.filename, await state.storage.put(_pieces(file), bytes_max=bytes_max), fields
        case _:
            archive = zip_together({_plain_name(file.filename): await file.read() for file in files})
            return (
                f"{_plain_name(files[0].filename)}.zip",
                await state.storage.put(_once(archive), bytes_max=bytes_max),
                fields,
            )


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    while piece := await file.read(1 << 20):
        yield piece


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _plain_name(name: str) -> str:
    """A file's name without folders or control characters, short enough to show."""
    return re.sub(r"[\x00-\x1f\x7f]", "", name.replace("\\", "/").rpartition("/")[2])[:200] or "file"


def _wanted(fields: dict[str, Any]) -> tuple[NewDraft, UUID | None]:
    named = {name: value for name, value in fields.items() if value is not None}
    draft = named.pop("draft_id", None)
    try:
        wanted = msgspec.convert(named, NewDraft, strict=False)
        return wanted, None if draft is None else msgspec.convert(draft, UUID)
    except msgspec.ValidationError as error:
        raise Malformed(pointer="/" + str(error).rpartition("$.")[2].rstrip("`")) from None


@get("/v1/uploads", **guarded("drafts.read"), tags=["uploads"], summary="My uploads")
async def list_uploads(
    state: State,
    caller: NamedDependency[Caller],
    draft_id: FromQuery[UUID | None] = None,
    status: FromQuery[ReadingStatus | None] = None,
    before: FromQuery[datetime | None] = None,
    after: FromQuery[UUID | None] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=PAGE_MAX)] = 50,
) -> list[Upload]:
    """The latest first; page on with `after` set to the last one's `upload_id`. `before` leaves out what was sent
    from then on, `status` all but those whose reading has it."""
    async with transaction(state.pool, caller.actor) as connection:
        rows = await uploads.select_uploads(
            connection,
            employer_id=caller.employer_id,
            draft_id=draft_id,
            status=status,
            before=before,
            after=after,
            limit=limit,
        )
    return [show_upload(row, caller.language, state.clock()) for row in rows]


@get("/v1/uploads/{upload_id:uuid}", **guarded("drafts.read"), tags=["uploads"], summary="How far an upload is")
async def get_upload(state: State, caller: NamedDependency[Caller], upload_id: FromPath[UUID]) -> Upload:
    """Its phase, the lines counted so far, the time left, and why it cannot be read where that is so."""
    return show_upload(await _upload(state, caller, upload_id), caller.language, state.clock())


@delete(
    "/v1/uploads/{upload_id:uuid}",
    **guarded("uploads.send"),
    status_code=200,
    tags=["uploads"],
    summary="Cancel an upload",
)
async def cancel(state: State, caller: NamedDependency[Caller], upload_id: FromPath[UUID]) -> Upload:
    """Before it is checked: nothing of it is stored, and the draft stays as it was. One that could not be read is
    set aside in the same way. 409 `upload-done` once it is checked."""
    row = await cancel_upload(state.pool, caller, upload_id=upload_id, now=caller.now(state.clock))
    return show_upload(row, caller.language, state.clock())


@get(
    "/v1/uploads/{upload_id:uuid}/file",
    **guarded("drafts.read", shows_people=True),
    tags=["uploads"],
    summary="The file as it was sent",
)
async def download_upload(state: State, caller: NamedDependency[Caller], upload_id: FromPath[UUID]) -> Stream:
    upload = await _upload(state, caller, upload_id)
    return Stream(
        state.storage.stream(upload.content_hash),
        media_type="application/octet-stream",
        headers=attachment(upload.filename),
    )


@get(
    "/v1/uploads/{upload_id:uuid}/events", **guarded("drafts.read"), tags=["uploads"], summary="Progress as it happens"
)
async def follow_upload(state: State, caller: NamedDependency[Caller], upload_id: FromPath[UUID]) -> ServerSentEvent:
    """Server-sent events named `progress`, each with the upload as `GET` gives it, until it is read."""
    await _upload(state, caller, upload_id)
    return ServerSentEvent(_progress_events(state, caller, upload_id))


async def _progress_events(state: State, caller: Caller, upload_id: UUID) -> AsyncIterator[ServerSentEventMessage]:
    told = b""
    for number in range(_EVENTS_MAX):
        upload = show_upload(await _upload(state, caller, upload_id), caller.language, state.clock())
        said = msgspec.json.encode(upload)
        if said != told:
            told = said
            yield ServerSentEventMessage(event="progress", id=str(number), data=said.decode())
        if upload.progress is None or upload.progress.status != "waiting":
            return
        await asyncio.sleep(_EVENT_PAUSE_S)


async def _upload(state: State, caller: Caller, upload_id: UUID) -> uploads.UploadRow:
    async with transaction(state.pool, caller.actor) as connection:
        row = await uploads.select_upload(connection, employer_id=caller.employer_id, upload_id=upload_id)
    if row is None:
        raise NotFound
    return row


def attachment(filename: str) -> dict[str, str]:
    """Headers that have a browser save the content under this name, and never guess what it is."""
    return {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(filename, safe='')}",
        "X-Content-Type-Options": "nosniff",
    }


ROUTES = [send_upload, list_uploads, get_upload, cancel, download_upload, follow_upload]
