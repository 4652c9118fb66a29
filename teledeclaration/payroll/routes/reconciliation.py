"""Where a year's declarations do not agree, for the employer; and the officers' list."""

import asyncio
import tempfile
from typing import Annotated

from litestar import Response, delete, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Stream

from schemas.reconciliation import (
    Acceptance,
    DifferenceKind,
    DifferencesPage,
    NewReconciliation,
    Reconciliation,
    VerificationReport,
    YearAtStake,
    YearDifference,
    YearsAtStake,
)
from teledeclaration.clock import legal_day
from teledeclaration.database import transaction
from teledeclaration.employers.facts import employer_by_id
from teledeclaration.employers.guard import Caller, guarded
from teledeclaration.errors import Malformed, NotFound
from teledeclaration.languages import Language
from teledeclaration.payroll.actions import reconciling
from teledeclaration.payroll.actions.reconciling import CentreYear
from teledeclaration.payroll.errors import ReportNotReady
from teledeclaration.payroll.queries import differences, reconciliation
from teledeclaration.payroll.reports import all_differences, comparison_of
from teledeclaration.payroll.routes.drafts import After, Limit
from teledeclaration.payroll.routes.templates import XLSX, pieces_of
from teledeclaration.payroll.routes.uploads import attachment
from teledeclaration.payroll.shown_reconciliation import show_difference
from teledeclaration.payroll.verification import render_report, write_workbook

_IN_MEMORY_BYTES = 8 << 20
_PATH = "/v1/reconciliations/{centre:str}/{year:int}"
_TAGS = ["reconciliation"]


def _asked(caller: Caller, centre: str, year: int) -> CentreYear:
    return CentreYear(employer_id=caller.employer_id, centre=centre, year=year)


@post(
    "/v1/reconciliations",
    **guarded("reconciliations.ask"),
    status_code=202,
    tags=_TAGS,
    summary="Have a year compared",
)
async def ask_for_comparison(
    state: State, caller: NamedDependency[Caller], data: JSONBody[NewReconciliation]
) -> Response[Reconciliation]:
    """It is compared anew by itself whenever something of the year is filed or told, and every night."""
    now = caller.now(state.clock)
    asked = await reconciling.ask_for_comparison(
        state.pool, state.queue, caller, centre=data.centre, year=data.year, draft_id=data.draft_id, now=now
    )
    found = await _comparison(state, caller, asked)
    location = f"/v1/reconciliations/{asked.centre}/{asked.year}"
    return Response(found, status_code=202, headers={"Location": location})


@get(_PATH, **guarded("reconciliations.read"), tags=_TAGS, summary="How far a year agrees")
async def get_comparison(
    state: State, caller: NamedDependency[Caller], centre: FromPath[str], year: FromPath[int]
) -> Reconciliation:
    """Differences by kind with what they are worth, and the quarters: annual and periodic bases, what they are assessed
    at, what is booked, left to pay and late."""
    return await _comparison(state, caller, _asked(caller, centre, year))


@get(
    f"{_PATH}/differences",
    **guarded("reconciliations.read", shows_people=True),
    tags=_TAGS,
    summary="What does not agree, one by one",
)
async def list_differences(
    state: State,
    caller: NamedDependency[Caller],
    centre: FromPath[str],
    year: FromPath[int],
    kind: FromQuery[DifferenceKind | None] = None,
    after: After = 0,
    limit: Limit = 100,
) -> DifferencesPage:
    """The dearest first: what, why where the figures tell, what it is worth, and what to do."""
    async with transaction(state.pool, caller.actor) as connection:
        rows = await differences.select_differences(
            connection, **_asked(caller, centre, year).key, after=after, limit=limit, kind=kind
        )
    items = tuple(show_difference(row, caller.language) for row in rows)
    return DifferencesPage(items=items, next=rows[-1].difference if len(rows) == limit else None)


@post(
    f"{_PATH}/differences/{{difference:int}}/acceptance",
    **guarded("reconciliations.accept"),
    status_code=201,
    tags=_TAGS,
    summary="Stand by a difference",
)
async def accept_difference(
    state: State,
    caller: NamedDependency[Caller],
    centre: FromPath[str],
    year: FromPath[int],
    difference: FromPath[int],
    data: JSONBody[Acceptance],
) -> YearDifference:
    """With a reason, it is no longer at stake; should its figures change, it counts again. 409 `comparison-moved` where
    the year was compared again since `compared_at`, the `done_at` that was seen."""
    asked, now = _asked(caller, centre, year), caller.now(state.clock)
    await reconciling.accept_difference(state.pool, caller, asked, difference=difference, said=data, now=now)
    return await _difference(state, caller, asked, difference)


@delete(
    f"{_PATH}/differences/{{difference:int}}/acceptance",
    **guarded("reconciliations.accept"),
    status_code=200,
    tags=_TAGS,
    summary="Stand by a difference no more",
)
async def take_acceptance_back(
    state: State,
    caller: NamedDependency[Caller],
    centre: FromPath[str],
    year: FromPath[int],
    difference: FromPath[int],
) -> YearDifference:
    """It counts again."""
    asked, now = _asked(caller, centre, year), caller.now(state.clock)
    await reconciling.take_acceptance_back(state.pool, caller, asked, difference=difference, now=now)
    return await _difference(state, caller, asked, difference)


# ── the report ──────────────────────────────────────────────────────────────────────────────────


@get(
    f"{_PATH}/report.json",
    **guarded("reconciliations.read", shows_people=True),
    tags=_TAGS,
    summary="The verification report",
)
async def get_report(
    state: State,
    caller: NamedDependency[Caller],
    centre: FromPath[str],
    year: FromPath[int],
    language: FromQuery[Language | None] = None,
) -> VerificationReport:
    """The sums and every difference; `report-not-ready` until the year was compared once."""
    return await _report(state, caller, _asked(caller, centre, year), language or caller.language)


@get(
    f"{_PATH}/report.xlsx",
    **guarded("reconciliations.read", shows_people=True),
    tags=_TAGS,
    summary="The verification report as a workbook",
)
async def download_workbook(
    state: State,
    caller: NamedDependency[Caller],
    centre: FromPath[str],
    year: FromPath[int],
    language: FromQuery[Language | None] = None,
) -> Stream:
    """Every cell is a text: nothing in it is computed."""
    spoken = language or caller.language
    report = await _report(state, caller, _asked(caller, centre, year), spoken)
    file = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115  # whoever sends it closes it
    await asyncio.to_thread(write_workbook, report, file, spoken)
    file.seek(0)
    return Stream(pieces_of(file), media_type=XLSX, headers=attachment(f"verification-{year}-{centre}.xlsx"))


@get(
    f"{_PATH}/report.pdf",
    **guarded("reconciliations.read", shows_people=True),
    tags=_TAGS,
    summary="The verification report to print",
)
async def download_pdf(
    state: State,
    caller: NamedDependency[Caller],
    centre: FromPath[str],
    year: FromPath[int],
    language: FromQuery[Language | None] = None,
) -> Response[bytes]:
    """A working paper without a seal, as it says on each page; the 500 dearest differences."""
    spoken = language or caller.language
    report = await _report(state, caller, _asked(caller, centre, year), spoken)
    page = await asyncio.to_thread(render_report, report, spoken)
    headers = attachment(f"verification-{year}-{centre}.pdf")
    return Response(page, media_type="application/pdf", headers=headers)


async def _report(state: State, caller: Caller, asked: CentreYear, language: Language) -> VerificationReport:
    now = caller.now(state.clock)
    today = legal_day(now, state.settings.fund_time_zone)
    async with transaction(state.pool, caller.actor, one_moment=True) as connection:
        found = await comparison_of(connection, asked, language, today=today)
        if found.done_at is None:
            raise ReportNotReady
        employer = await employer_by_id(connection, asked.employer_id)
        listed = await all_differences(connection, asked, language)
    return VerificationReport(
        employer_number=employer.number,
        employer_name=employer.name,
        employer_name_ar=employer.name_ar,
        made_at=now,
        reconciliation=found,
        differences=listed,
    )


# ── for officers ────────────────────────────────────────────────────────────────────────────────


@get(
    "/v1/fund/reconciliations",
    **guarded("reconciliations.list"),
    tags=_TAGS,
    summary="Employers that do not agree, in one's scope",
)
async def list_years_at_stake(
    state: State,
    caller: NamedDependency[Caller],
    year: Annotated[int, QueryParameter(ge=2000, le=2100)],
    after: FromQuery[str | None] = None,
    limit: Limit = 100,
) -> YearsAtStake:
    """By amount at stake, of filed annual declarations only; `after` is the `next` of the page before."""
    async with transaction(state.pool, caller.actor) as connection:
        rows = await reconciliation.select_at_stake(connection, year=year, after=_place(after), limit=limit)
    items = tuple(
        YearAtStake(
            number=row.number,
            name=row.name,
            name_ar=row.name_ar,
            wilaya=row.wilaya,
            centre=row.centre,
            year=year,
            differences=row.differences,
            at_stake=row.at_stake,
            done_at=row.done_at,
        )
        for row in rows
    )
    more = len(rows) == limit
    return YearsAtStake(
        items=items, next=f"{rows[-1].at_stake}.{rows[-1].employer_id}.{rows[-1].centre}" if more else None
    )


def _place(after: str | None) -> tuple[int, int, str] | None:
    if after is None:
        return None
    parts = after.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):
        raise Malformed(pointer="/after")
    return int(parts[0]), int(parts[1]), parts[2]


async def _comparison(state: State, caller: Caller, asked: CentreYear) -> Reconciliation:
    today = legal_day(caller.now(state.clock), state.settings.fund_time_zone)
    async with transaction(state.pool, caller.actor, one_moment=True) as connection:
        return await comparison_of(connection, asked, caller.language, today=today)


async def _difference(state: State, caller: Caller, asked: CentreYear, difference: int) -> YearDifference:
    async with transaction(state.pool, caller.actor) as connection:
        rows = await differences.select_differences(
            connection, **asked.key, after=difference - 1, limit=1, difference=difference
        )
    if not rows:
        raise NotFound
    return show_difference(rows[0], caller.language)


ROUTES = [
    ask_for_comparison,
    get_comparison,
    list_differences,
    accept_difference,
    take_acceptance_back,
    get_report,
    download_workbook,
    download_pdf,
    list_years_at_stake,
]
