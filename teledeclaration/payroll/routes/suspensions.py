"""Suspension of activity and resumption."""

from uuid import UUID

from litestar import Response, delete, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from schemas.calendar import NewSuspension, Resumption, Suspension, SuspensionDecision
from teledeclaration.database import transaction
from teledeclaration.employers.guard import Caller, guarded
from teledeclaration.errors import NotFound
from teledeclaration.payroll.actions import suspensions
from teledeclaration.payroll.queries.suspensions import select_suspension, select_suspensions


@post("/v1/suspensions", **guarded("suspensions.ask"), tags=["calendar"], summary="Ask for a suspension of activity")
async def ask_for_suspension(
    state: State, caller: NamedDependency[Caller], data: JSONBody[NewSuspension]
) -> Response[Suspension]:
    """From a day on, at one centre. `employees-still-there` is a doubt: the same again with `employees_confirmed`."""
    suspension_id = await suspensions.ask(state.pool, caller, data, now=caller.now(state.clock))
    found = await _suspension(state, caller, suspension_id)
    return Response(found, status_code=201, headers={"Location": f"/v1/suspensions/{suspension_id}"})


@get("/v1/suspensions", **guarded("suspensions.read"), tags=["calendar"], summary="Suspensions of activity")
async def list_suspensions(
    state: State, caller: NamedDependency[Caller], centre: FromQuery[str | None] = None
) -> list[Suspension]:
    """All that were asked for, the latest first day first."""
    async with transaction(state.pool, caller.actor) as connection:
        return await select_suspensions(connection, employer_id=caller.employer_id, centre=centre)


@get("/v1/suspensions/{suspension_id:uuid}", **guarded("suspensions.read"), tags=["calendar"], summary="One suspension")
async def get_suspension(state: State, caller: NamedDependency[Caller], suspension_id: FromPath[UUID]) -> Suspension:
    """What was asked, and what became of it."""
    return await _suspension(state, caller, suspension_id)


@delete(
    "/v1/suspensions/{suspension_id:uuid}",
    **guarded("suspensions.ask"),
    status_code=200,
    tags=["calendar"],
    summary="Take a request back",
)
async def withdraw_suspension(
    state: State, caller: NamedDependency[Caller], suspension_id: FromPath[UUID]
) -> Suspension:
    """As long as no officer decided it."""
    await suspensions.withdraw(state.pool, caller, suspension_id=suspension_id, now=caller.now(state.clock))
    return await _suspension(state, caller, suspension_id)


@post(
    "/v1/suspensions/{suspension_id:uuid}/decision",
    **guarded("suspensions.decide"),
    status_code=200,
    tags=["calendar"],
    summary="Accept or refuse a suspension",
)
async def decide_suspension(
    state: State, caller: NamedDependency[Caller], suspension_id: FromPath[UUID], data: JSONBody[SuspensionDecision]
) -> Suspension:
    """An officer's; a refusal says why."""
    now = caller.now(state.clock)
    await suspensions.decide(state.pool, caller, suspension_id=suspension_id, said=data, now=now)
    return await _suspension(state, caller, suspension_id)


@post(
    "/v1/suspensions/{suspension_id:uuid}/resumption",
    **guarded("suspensions.ask"),
    status_code=200,
    tags=["calendar"],
    summary="Say that activity begins again",
)
async def resume_activity(
    state: State, caller: NamedDependency[Caller], suspension_id: FromPath[UUID], data: JSONBody[Resumption]
) -> Suspension:
    """From `day` on periods are due again; the period it falls in, too."""
    now = caller.now(state.clock)
    await suspensions.resume(state.pool, caller, suspension_id=suspension_id, resumption=data, now=now)
    return await _suspension(state, caller, suspension_id)


async def _suspension(state: State, caller: Caller, suspension_id: UUID) -> Suspension:
    async with transaction(state.pool, caller.actor) as connection:
        found = await select_suspension(connection, employer_id=caller.employer_id, suspension_id=suspension_id)
    if found is None:
        raise NotFound
    return found


ROUTES = [
    ask_for_suspension,
    list_suspensions,
    get_suspension,
    withdraw_suspension,
    decide_suspension,
    resume_activity,
]
