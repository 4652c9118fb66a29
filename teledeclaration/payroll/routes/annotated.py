"""The workbook with every mistake at its cell, made anew for each download and streamed."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from litestar import get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from teledeclaration.database import Connection, transaction
from teledeclaration.employers.guard import Caller, guarded
from teledeclaration.errors import NotFound
from teledeclaration.intake.given_back import AnnotatedWorkbook
from teledeclaration.intake.protocol import findings_page
from teledeclaration.intake.reader import annotated_workbook
from teledeclaration.payroll.actions.claiming import reading_limits
from teledeclaration.payroll.actions.drafts import draft_of
from teledeclaration.payroll.errors import DraftNotChecked, NoWorkbookHere
from teledeclaration.payroll.queries import lines, uploads
from teledeclaration.payroll.queries.uploads import Reading
from teledeclaration.payroll.routes.uploads import attachment
from teledeclaration.payroll.shown import show_finding

FINDINGS_MAX = 200_000
_PAGE = 2_000


@get(
    "/v1/drafts/{draft_id:uuid}/annotated.xlsx",
    **guarded("drafts.read", shows_people=True),
    tags=["drafts"],
    summary="The workbook with every mistake at its cell",
)
async def download_annotated(state: State, caller: NamedDependency[Caller], draft_id: FromPath[UUID]) -> Stream:
    """The user's own workbook with colours, comments and two columns of results, and a sheet of findings in front;
    a copy of its values where it was not an `.xlsx`. Sent again as it is, what was added is not read."""
    async with transaction(state.pool, caller.actor) as connection:
        reading, upload = await _sources(connection, caller, draft_id)
        pages = [page async for page in _pages(connection, caller, reading)]
    with _memory_file() as content:
        async for piece in state.storage.stream(upload.content_hash):
            os.write(content, piece)
        workbook = await annotated_workbook(
            content,
            filename=upload.filename,
            pages=pages,
            language=caller.language,
            limits=reading_limits(state.settings),
            reader=state.reader,
            table=_table(reading.facts),
        )
    name = f"{upload.filename.rpartition('.')[0] or upload.filename}-annotated{workbook.extension}"
    headers = attachment(name) | {"Content-Length": str(workbook.size_bytes)}
    return Stream(_streamed(workbook), media_type=workbook.media_type, headers=headers)


async def _sources(connection: Connection, caller: Caller, draft_id: UUID) -> tuple[Reading, uploads.UploadRow]:
    """The reading the draft stands on and its upload; NoWorkbookHere where the lines came by REST."""
    draft = await draft_of(connection, caller.employer_id, draft_id)
    if draft.reading_id is None:
        raise DraftNotChecked
    reading = await uploads.select_reading(connection, employer_id=caller.employer_id, reading_id=draft.reading_id)
    if reading is None or reading.facts.get("format") == "lines":
        raise NoWorkbookHere
    upload = await uploads.select_upload(connection, employer_id=caller.employer_id, upload_id=reading.upload_id)
    if upload is None:
        raise NotFound
    return reading, upload


async def _pages(connection: Connection, caller: Caller, reading: Reading) -> AsyncIterator[bytes]:
    """The findings in the order of the file, some at a time, so that no other request waits for their words."""
    after = 0
    while after < FINDINGS_MAX:
        rows = await lines.select_findings(
            connection,
            employer_id=caller.employer_id,
            reading_id=reading.reading_id,
            code=None,
            severity=None,
            line_number=None,
            after=after,
            limit=_PAGE,
        )
        if rows:
            yield findings_page([show_finding(row, caller.language, reading.facts) for row in rows])
        if len(rows) < _PAGE:
            return
        after = rows[-1].finding


def _table(facts: dict[str, Any]) -> tuple[str, int] | None:
    sheet, header_row = facts.get("sheet"), facts.get("header_row")
    return None if sheet is None or header_row is None else (sheet, header_row)


@contextmanager
def _memory_file() -> Iterator[int]:
    descriptor = os.memfd_create("annotating", os.MFD_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


async def _streamed(workbook: AnnotatedWorkbook) -> AsyncIterator[bytes]:
    with workbook:
        for piece in workbook.pieces():
            yield piece
            await asyncio.sleep(0)


ROUTES = [download_annotated]
