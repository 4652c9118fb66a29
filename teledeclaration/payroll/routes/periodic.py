"""The declaration of a month or quarter as the fund's form shows it, and the header of its draft."""

import asyncio
import tempfile
from typing import Any
from uuid import UUID

from litestar import get, put
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.response import Stream

from schemas.payroll import Draft
from schemas.periodic import AnnexMovement, HeaderChange, PeriodicDeclaration
from teledeclaration.database import Connection, transaction
from teledeclaration.employers.guard import Caller, guarded
from teledeclaration.errors import NotFound
from teledeclaration.payroll.actions import declaring
from teledeclaration.payroll.law.periods import periodic
from teledeclaration.payroll.law.rebates import rebate_categories
from teledeclaration.payroll.periodic_workbook import write_periodic
from teledeclaration.payroll.queries import assessments, declarations
from teledeclaration.payroll.queries import periodic as queries
from teledeclaration.payroll.queries.declarations import DeclarationRow
from teledeclaration.payroll.routes.drafts import shown_draft
from teledeclaration.payroll.routes.templates import XLSX, pieces_of
from teledeclaration.payroll.routes.uploads import attachment
from teledeclaration.payroll.shown_periodic import show_periodic

_IN_MEMORY_BYTES = 4_000_000


@get(
    "/v1/declarations/{declaration_id:uuid}/periodic",
    **guarded("declarations.read", shows_people=True),
    tags=["declarations"],
    summary="A month or quarter as the fund's form shows it",
)
async def get_periodic(
    state: State, caller: NamedDependency[Caller], declaration_id: FromPath[UUID]
) -> PeriodicDeclaration:
    """Its own bases by code with rate and amount, totals, the workers under a rebate with what it rests on, and the
    entries and exits told of the period so far. 404 for a declaration of another form."""
    return await _shown(state, caller, declaration_id)


@get(
    "/v1/declarations/{declaration_id:uuid}/periodic.xlsx",
    **guarded("declarations.read", shows_people=True),
    tags=["declarations"],
    summary="The same as a workbook",
)
async def download_periodic(state: State, caller: NamedDependency[Caller], declaration_id: FromPath[UUID]) -> Stream:
    """The form with its lines by code, the annex of rebates and that of movements, a sheet each, in the reader's
    language."""
    shown = await _shown(state, caller, declaration_id)
    file = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115  # closed once it is sent
    await asyncio.to_thread(write_periodic, shown, file, caller.language)
    file.seek(0)
    return Stream(pieces_of(file), media_type=XLSX, headers=attachment(f"{shown.number}.xlsx"))


async def _shown(state: State, caller: Caller, declaration_id: UUID) -> PeriodicDeclaration:
    where: dict[str, Any] = {"employer_id": caller.employer_id, "declaration_id": declaration_id}
    async with transaction(state.pool, caller.actor, one_moment=True) as connection:
        row = await declarations.select_declaration(connection, **where)
        if row is None or row.form != "periodic":
            raise NotFound
        values = state.legislation.on(periodic(row.period).first_day)
        assessment = await assessments.select_assessment(connection, **where)
        return show_periodic(
            row,
            values,
            totals=await queries.sum_by_category(
                connection, employer_id=caller.employer_id, declaration_ids=[declaration_id]
            ),
            assessed=assessment.amounts if assessment else None,
            rebates=await queries.select_lines_of_categories(connection, **where, categories=rebate_categories(values)),
            movements=await _movements(connection, caller, row),
            language=caller.language,
        )


@put(
    "/v1/drafts/{draft_id:uuid}/header",
    **guarded("drafts.mend"),
    tags=["drafts"],
    summary="Say what a month's or quarter's header is",
)
async def set_header(
    state: State, caller: NamedDependency[Caller], draft_id: FromPath[UUID], data: JSONBody[HeaderChange]
) -> Draft:
    """Headcount, entries and exits; nothing to declare; an account closed. What is left out is counted. Answers given
    for doubts about the former numbers are taken back. 409 `no-header-here` for a draft of another form."""
    await declaring.set_header(state.pool, caller, draft_id=draft_id, change=data, now=caller.now(state.clock))
    return await shown_draft(state, caller, draft_id)


async def _movements(connection: Connection, caller: Caller, row: DeclarationRow) -> list[AnnexMovement]:
    period = periodic(row.period)
    return await queries.select_movements(
        connection,
        employer_id=caller.employer_id,
        centre=row.centre,
        first_day=period.first_day,
        last_day=period.last_day,
    )


ROUTES = [get_periodic, download_periodic, set_header]
