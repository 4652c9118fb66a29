"""The public door of verification: a page and an endpoint that anyone may ask."""

from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler

from schemas.actors import Actor, job, stranger
from schemas.documents import FilingReceipt, Verification
from teledeclaration.database import transaction
from teledeclaration.documents import queries
from teledeclaration.documents.codes import MistypedCode, read_code
from teledeclaration.documents.verification import (
    MISTYPED,
    UNKNOWN,
    receipt_verification,
    render_verification,
    verification_context,
)
from teledeclaration.problems import reader_language

STYLESHEET = "/static/documents/verify.css"


async def verify(state: State, typed: str) -> Verification:
    """What the register says of a code: two look-ups, the second as the employer the code leads to."""
    try:
        code = read_code(typed)
    except MistypedCode:
        return MISTYPED
    async with transaction(state.pool, stranger(code)) as connection:
        found = await queries.select_code(connection, code=code)
    if found is None:
        return UNKNOWN
    employer_id, document_id = found
    async with transaction(state.pool, _verifier(employer_id)) as connection:
        document = await queries.select_document(connection, employer_id=employer_id, document_id=document_id)
    return UNKNOWN if document is None else _verification(document, state)


def _verifier(employer_id: int) -> Actor:
    return job("verification", employer_id)


def _verification(document: queries.DocumentRow, state: State) -> Verification:
    return receipt_verification(
        msgspec.convert(document.facts, FilingReceipt),
        status="revoked" if document.revoked_at else "sealed",
        time_zone=state.settings.fund_time_zone,
        revoked_at=document.revoked_at,
    )


@get(
    "/v1/verifications/{code:str}",
    opt={"action": "public"},
    tags=["documents"],
    security=[{}],
    summary="Verify a document",
)
async def verify_code(state: State, code: FromPath[str]) -> Verification:
    """Whether the fund issued a document and it still stands, from the code printed on it.

    `status` is `valid`, `revoked`, `test`, `unknown` or `mistyped`; the rest is to be compared with the paper.
    """
    return await verify(state, code)


@get("/v", opt={"action": "public"}, include_in_schema=False)
async def verification_form(request: Request[Any, Any, Any], state: State, code: FromQuery[str] = "") -> Response[str]:
    """The page with the form, and its answer where a code was typed."""
    return await _page(request, state, code)


@get("/v/{code:str}", opt={"action": "public"}, include_in_schema=False)
async def verification_page(request: Request[Any, Any, Any], state: State, code: FromPath[str]) -> Response[str]:
    """The page a document's QR code leads to."""
    return await _page(request, state, code)


async def _page(request: Request[Any, Any, Any], state: State, typed: str) -> Response[str]:
    verification = await verify(state, typed) if typed else None
    context = verification_context(
        verification, reader_language(request), typed=typed, fund_name=_fund_name(request, state)
    )
    page = render_verification(context, stylesheet=STYLESHEET, address="/v")
    return Response(page, media_type=MediaType.HTML, headers=PAGE_HEADERS)


PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def _fund_name(request: Request[Any, Any, Any], state: State) -> str:
    name: str = state.settings.fund_name_ar if reader_language(request) == "ar" else state.settings.fund_name
    return name


_stylesheets = create_static_files_router(
    path="/static/documents",
    directories=[Path(str(resources.files("teledeclaration.documents") / "static"))],
    opt={"action": "public"},
    include_in_schema=False,
)

ROUTES: list[ControllerRouterHandler] = [verify_code, verification_form, verification_page, _stylesheets]
