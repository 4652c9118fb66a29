"""What was filed, its receipt, its text files, and what it costs."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Stream

from schemas.assessments import AssessedAmounts, RateLine, RatePart
from schemas.payroll import Declaration, DeclaredLine, Registration
from schemas.periodic import PeriodicLine
from teledeclaration.database import transaction
from teledeclaration.documents import facts as documents
from teledeclaration.employers.facts import employer_by_id
from teledeclaration.employers.guard import Caller, guarded
from teledeclaration.errors import NotFound
from teledeclaration.intake.text_pair import PairHeader, write_text_pair, zip_together
from teledeclaration.payroll.errors import NotReady
from teledeclaration.payroll.queries import assessments, declarations
from teledeclaration.payroll.queries.periodic import select_periodic_lines
from teledeclaration.payroll.routes.drafts import After, Limit
from teledeclaration.payroll.routes.uploads import attachment
from teledeclaration.payroll.shown import explain, show_declaration

ALL_LINES = 1_000_000


class DeclaredLinesPage(msgspec.Struct, frozen=True):
    """A page of declared lines; `next` is the `after` of the following one, null at the end."""

    items: list[DeclaredLine]
    next: int | None


class PeriodicLinesPage(msgspec.Struct, frozen=True):
    """A page of the lines of a month's or quarter's declaration; `next` as there."""

    items: list[PeriodicLine]
    next: int | None


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """What is assessed with this declaration, and what the declaration changed in all; in centimes.

    `amounts` is of the whole year for an annual declaration, of its period for a periodic one: every line of each
    period, with branches and payers and the legal values used, each with its text, its date and how sure it is. It
    stays as it was computed, whatever the law becomes.
    """

    declaration_id: UUID
    status: Literal["waiting", "assessed", "failed"]
    assessed_at: datetime | None = None
    difference: int | None = None
    amounts: AssessedAmounts | None = None


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """How one amount came about: base × rate, rounded once for the line, then shared out; with its law."""

    line: RateLine
    part: RatePart
    explanation: str


@get("/v1/declarations", **guarded("declarations.read"), tags=["declarations"], summary="What was filed")
async def list_declarations(
    state: State,
    caller: NamedDependency[Caller],
    form: FromQuery[Literal["annual", "periodic"] | None] = None,
    period: Annotated[str | None, QueryParameter(max_length=10, description="`2025`, `2025-Q1` or `2025-01`")] = None,
    year: FromQuery[int | None] = None,
    centre: FromQuery[str | None] = None,
    before: Annotated[datetime | None, QueryParameter(description="Only those filed before this moment")] = None,
    limit: Limit = 50,
) -> list[Declaration]:
    """The last filed first: annual ones, and those of months and quarters."""
    async with transaction(state.pool, caller.actor) as connection:
        rows = await declarations.select_declarations(
            connection,
            employer_id=caller.employer_id,
            form=form,
            period=period,
            year=year,
            centre=centre,
            before=before,
            limit=limit,
        )
    return [show_declaration(row) for row in rows]


@get(
    "/v1/declarations/{declaration_id:uuid}",
    **guarded("declarations.read"),
    tags=["declarations"],
    summary="A declaration and its receipt's facts",
)
async def get_declaration(state: State, caller: NamedDependency[Caller], declaration_id: FromPath[UUID]) -> Declaration:
    return show_declaration(await _declaration(state, caller, declaration_id))


@get(
    "/v1/declarations/{declaration_id:uuid}/lines",
    **guarded("declarations.read", shows_people=True),
    tags=["declarations"],
    summary="Its lines",
)
async def list_declared_lines(
    state: State, caller: NamedDependency[Caller], declaration_id: FromPath[UUID], after: After = 0, limit: Limit = 100
) -> DeclaredLinesPage | PeriodicLinesPage:
    """With the fields of its form: a year's by quarter, or the base of a month or quarter."""
    row = await _declaration(state, caller, declaration_id)
    where: dict[str, Any] = {"employer_id": caller.employer_id, "declaration_id": declaration_id}
    async with transaction(state.pool, caller.actor) as connection:
        if row.form == "periodic":
            lines = await select_periodic_lines(connection, **where, after=after, limit=limit)
            return PeriodicLinesPage(lines, lines[-1].line_number if len(lines) == limit else None)
        items = await declarations.select_declared_lines(connection, **where, after=after, limit=limit)
    return DeclaredLinesPage(items, items[-1].line_number if len(items) == limit else None)


@get(
    "/v1/declarations/{declaration_id:uuid}/lines.csv",
    **guarded("declarations.read", shows_people=True),
    tags=["declarations"],
    summary="Its lines as CSV: what the receipt's hash is of",
)
async def download_lines(state: State, caller: NamedDependency[Caller], declaration_id: FromPath[UUID]) -> Stream:
    """UTF-8, semicolons, amounts in centimes. Its SHA-256 is the receipt's `content_hash`."""
    row = await _declaration(state, caller, declaration_id)

    async def pieces() -> AsyncIterator[bytes]:
        async with transaction(state.pool, caller.actor) as connection:
            async for piece in declarations.stream_lines_csv(
                connection, employer_id=caller.employer_id, form=row.form, declaration_id=declaration_id
            ):
                yield piece

    return Stream(pieces(), media_type="text/csv; charset=utf-8", headers=attachment(f"{row.number}.csv"))


@get(
    "/v1/declarations/{declaration_id:uuid}/registrations",
    **guarded("declarations.read", shows_people=True),
    tags=["declarations"],
    summary="The numbers it asked for",
)
async def list_registrations(
    state: State, caller: NamedDependency[Caller], declaration_id: FromPath[UUID]
) -> list[Registration]:
    """One request for each person declared without a social security number."""
    await _declaration(state, caller, declaration_id)
    async with transaction(state.pool, caller.actor) as connection:
        return await declarations.select_registrations(
            connection, employer_id=caller.employer_id, declaration_id=declaration_id
        )


@get(
    "/v1/declarations/{declaration_id:uuid}/receipt.pdf",
    **guarded("documents.read"),
    tags=["declarations"],
    summary="The sealed receipt",
)
async def download_receipt(state: State, caller: NamedDependency[Caller], declaration_id: FromPath[UUID]) -> Stream:
    """French and Arabic, PDF/A with the fund's seal; anyone verifies it by its code. 409 while it is being sealed."""
    async with transaction(state.pool, caller.actor) as connection:
        document = await documents.receipt_of(connection, employer_id=caller.employer_id, declaration_id=declaration_id)
    if document is None:
        raise NotFound
    if document.content_hash is None:
        raise NotReady
    name = f"{document.facts['number']}.pdf"
    return Stream(state.storage.stream(document.content_hash), media_type="application/pdf", headers=attachment(name))


@get(
    "/v1/declarations/{declaration_id:uuid}/text-pair.zip",
    **guarded("declarations.read", shows_people=True),
    tags=["declarations"],
    summary="The pair of text files",
)
async def download_text_pair(
    state: State, caller: NamedDependency[Caller], declaration_id: FromPath[UUID]
) -> Response[bytes]:
    """`D{YY}E….TXT` and `D{YY}S….TXT` in the layout payroll software writes today, byte for byte; of a year only."""
    row = await _declaration(state, caller, declaration_id)
    if row.form != "annual":
        raise NotFound
    async with transaction(state.pool, caller.actor) as connection:
        employer = await employer_by_id(connection, caller.employer_id)
        declared = await declarations.select_declared_lines(
            connection, employer_id=caller.employer_id, declaration_id=declaration_id, after=0, limit=ALL_LINES
        )
    header = PairHeader(
        employer_number=employer.number,
        type=row.type,
        year=row.year,
        payment_centre=row.centre,
        denomination=employer.name,
        trading_name="",
        address=employer.address,
    )
    archive = zip_together(dict(write_text_pair(header, declared)))
    return Response(archive, media_type="application/zip", headers=attachment(f"{row.number}.zip"))


@get(
    "/v1/declarations/{declaration_id:uuid}/assessment",
    **guarded("assessments.read"),
    tags=["declarations"],
    summary="What it costs",
)
async def get_assessment(state: State, caller: NamedDependency[Caller], declaration_id: FromPath[UUID]) -> Assessment:
    """Contributions by rate line, branch and payer; `waiting` until a worker has computed them."""
    row = await _assessment(state, caller, declaration_id)
    return msgspec.convert(row, Assessment, from_attributes=True)


@get(
    "/v1/declarations/{declaration_id:uuid}/assessment/why",
    **guarded("assessments.read"),
    tags=["declarations"],
    summary="Why this amount",
)
async def why(
    state: State,
    caller: NamedDependency[Caller],
    declaration_id: FromPath[UUID],
    line: FromQuery[str],
    branch: FromQuery[str],
    payer: FromQuery[str],
) -> list[Why]:
    """How one branch's and payer's amount of a rate line came about, each legal value with its text.

    One answer for each period the line has an amount in: of an annual declaration, up to one a quarter and one for
    each month declared.
    """
    row = await _assessment(state, caller, declaration_id)
    if row.amounts is None:
        raise NotReady
    found = [
        Why(line=one, part=part, explanation=explain(one, part, caller.language))
        for one in row.amounts.lines
        for part in one.parts
        if (one.code, part.branch, part.payer) == (line, branch, payer)
    ]
    if not found:
        raise NotFound
    return found


async def _declaration(state: State, caller: Caller, declaration_id: UUID) -> declarations.DeclarationRow:
    async with transaction(state.pool, caller.actor) as connection:
        row = await declarations.select_declaration(
            connection, employer_id=caller.employer_id, declaration_id=declaration_id
        )
    if row is None:
        raise NotFound
    return row


async def _assessment(state: State, caller: Caller, declaration_id: UUID) -> assessments.AssessmentRow:
    async with transaction(state.pool, caller.actor) as connection:
        row = await assessments.select_assessment(
            connection, employer_id=caller.employer_id, declaration_id=declaration_id
        )
    if row is None:
        raise NotFound
    return row


ROUTES = [
    list_declarations,
    get_declaration,
    list_declared_lines,
    download_lines,
    list_registrations,
    download_receipt,
    download_text_pair,
    get_assessment,
    why,
]
