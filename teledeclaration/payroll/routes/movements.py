"""Telling movements, and who works here on any day."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Stream

from schemas.movements import (
    EmployeeHistory,
    EmployeeSought,
    Employment,
    EmploymentsPage,
    Movement,
    MovementKind,
    MovementsPage,
    MovementsTold,
    SentMovements,
)
from teledeclaration.clock import legal_day
from teledeclaration.database import transaction
from teledeclaration.employers.guard import Caller, guarded
from teledeclaration.errors import NotFound
from teledeclaration.payroll.actions import employees, movements
from teledeclaration.payroll.actions.employees import Asked
from teledeclaration.payroll.queries import movements as queries
from teledeclaration.payroll.routes.drafts import Limit
from teledeclaration.payroll.routes.templates import XLSX, pieces_of
from teledeclaration.payroll.routes.uploads import attachment
from teledeclaration.payroll.shown_movements import show_movement

On = Annotated[date | None, QueryParameter(description="The day asked about; today, where none is named")]
KnownOn = Annotated[
    date | None, QueryParameter(name="known_on", description="As the movements told by the end of this day give it")
]


@post(
    "/v1/movements",
    **guarded("movements.tell", shows_people=True),
    tags=["movements"],
    summary="Tell entries, exits and changes",
)
async def tell_movements(
    state: State, caller: NamedDependency[Caller], data: JSONBody[SentMovements]
) -> Response[MovementsTold]:
    """Up to a thousand, all of them or none. With errors, or doubts whose codes are not in `confirm`: 422
    `movements-not-told` with `findings`. What was told before is answered as it was. A correction names the movement
    it `replaces`; `withdraws` takes one back."""
    told = await movements.tell(state.pool, state.settings, caller, data, now=caller.now(state.clock))
    return Response(told, status_code=201)


@get(
    "/v1/movements",
    **guarded("movements.read", shows_people=True),
    tags=["movements"],
    summary="What was told, as it was told",
)
async def list_movements(
    state: State,
    caller: NamedDependency[Caller],
    employee: Annotated[str | None, QueryParameter(max_length=40, description="The key of a person")] = None,
    kind: FromQuery[MovementKind | None] = None,
    from_: Annotated[date | None, QueryParameter(name="from", description="Their first day")] = None,
    to: Annotated[date | None, QueryParameter(description="Their last day")] = None,
    told_since: FromQuery[datetime | None] = None,
    after: Annotated[UUID | None, QueryParameter(description="The last movement of the page before")] = None,
    limit: Limit = 100,
) -> MovementsPage:
    """Every movement ever told, corrected and withdrawn ones too, the last told first. A look at one person's is
    journaled."""
    theirs = None
    if employee is not None:
        theirs = await employees.movement_ids_of(state.pool, caller, key=employee, now=caller.now(state.clock))
    wanted = queries.Wanted(movement_ids=theirs, kind=kind, first_day=from_, last_day=to, told_since=told_since)
    async with transaction(state.pool, caller.actor) as connection:
        rows = await queries.select_movements(
            connection, employer_id=caller.employer_id, wanted=wanted, after=after, limit=limit
        )
    return MovementsPage([show_movement(row) for row in rows], rows[-1].movement_id if len(rows) == limit else None)


@get(
    "/v1/movements/{movement_id:uuid}",
    **guarded("movements.read", shows_people=True),
    tags=["movements"],
    summary="A movement and what became of it",
)
async def get_movement(state: State, caller: NamedDependency[Caller], movement_id: FromPath[UUID]) -> Movement:
    async with transaction(state.pool, caller.actor) as connection:
        row = await queries.select_movement(connection, employer_id=caller.employer_id, movement_id=movement_id)
    if row is None:
        raise NotFound
    return show_movement(row)


@get(
    "/v1/employees",
    **guarded("employees.read", shows_people=True),
    tags=["movements"],
    summary="Who works here on a day",
)
async def list_employees(
    state: State,
    caller: NamedDependency[Caller],
    on: On = None,
    known_on: KnownOn = None,
    centre: FromQuery[str | None] = None,
    after: Annotated[str | None, QueryParameter(max_length=40, description="`next` of the page before")] = None,
    limit: Limit = 100,
) -> EmploymentsPage:
    """From the fund's register and the movements told: since when, on which conditions, and who says so."""
    asked = Asked(on or _today(state, caller), known_on, centre)
    return await employees.list_employees(state.pool, caller, asked, after=after, limit=limit)


@get(
    "/v1/employees.xlsx",
    **guarded("employees.read", shows_people=True),
    tags=["movements"],
    summary="Who works here, as a workbook",
)
async def download_employees(
    state: State,
    caller: NamedDependency[Caller],
    on: On = None,
    known_on: KnownOn = None,
    centre: FromQuery[str | None] = None,
) -> Stream:
    """By name, every cell a text."""
    asked = Asked(on or _today(state, caller), known_on, centre)
    file = await employees.employees_workbook(state.pool, caller, asked, language=caller.language)
    return Stream(pieces_of(file), media_type=XLSX, headers=attachment(f"employees-{asked.on}.xlsx"))


@post(
    "/v1/employees/search",
    **guarded("employees.read", shows_people=True),
    status_code=200,
    tags=["movements"],
    summary="Find one's own employee by number",
)
async def search_employees(
    state: State, caller: NamedDependency[Caller], data: JSONBody[EmployeeSought]
) -> list[Employment]:
    """Every employment here of this person, none where they never worked here. The look is journaled."""
    return await employees.find_employee(state.pool, caller, nss=data.nss, now=caller.now(state.clock))


@get(
    "/v1/employees/{employee:str}/history",
    **guarded("employees.read", shows_people=True),
    tags=["movements"],
    summary="All that is known of an employee",
)
async def get_history(state: State, caller: NamedDependency[Caller], employee: FromPath[str]) -> EmployeeHistory:
    """Every employment, and every movement as it was told, in order. The look is journaled."""
    return await employees.employee_history(state.pool, caller, key=employee, now=caller.now(state.clock))


def _today(state: State, caller: Caller) -> date:
    return legal_day(caller.now(state.clock), state.settings.fund_time_zone)


ROUTES = [
    tell_movements,
    list_movements,
    get_movement,
    list_employees,
    download_employees,
    search_employees,
    get_history,
]
