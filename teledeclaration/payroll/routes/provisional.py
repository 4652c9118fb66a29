"""Provisional assessments: made by an officer for a period not declared in time, seen by the employer too."""

from litestar import get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from schemas.provisional import NewProvisional, ProvisionalAssessment
from teledeclaration.database import transaction
from teledeclaration.employers.guard import Caller, guarded
from teledeclaration.payroll.actions.provisional import make_provisional
from teledeclaration.payroll.queries import provisional
from teledeclaration.payroll.shown_provisional import show_provisional


@post(
    "/v1/provisional-assessments",
    **guarded("provisional.make"),
    tags=["calendar"],
    summary="Assess a period that was not declared in time",
)
async def assess_provisionally(
    state: State, caller: NamedDependency[Caller], data: JSONBody[NewProvisional]
) -> ProvisionalAssessment:
    """By an officer, for the employer named: from what was declared before, increased as the law says.

    The contributions follow the real declaration once it comes; the increase stays owed. 409 where the period was
    declared, is not late yet, was suspended or assessed before, or where there is nothing to take it from.
    """
    row = await make_provisional(
        state.pool,
        state.queue,
        state.legislation,
        caller,
        wanted=data,
        now=caller.now(state.clock),
        time_zone=state.settings.fund_time_zone,
    )
    return show_provisional(row, caller.language)


@get(
    "/v1/provisional-assessments",
    **guarded("assessments.read"),
    tags=["calendar"],
    summary="The provisional assessments of an employer",
)
async def list_provisional(
    state: State,
    caller: NamedDependency[Caller],
    year: FromQuery[int | None] = None,
    centre: FromQuery[str | None] = None,
) -> list[ProvisionalAssessment]:
    """In the order they were made, those that a declaration replaced too."""
    async with transaction(state.pool, caller.actor) as connection:
        rows = await provisional.select_provisionals(
            connection,
            employer_id=caller.employer_id,
            centre=centre,
            year=None if year is None else f"{year:04d}",
        )
    return [show_provisional(row, caller.language) for row in rows]


ROUTES = [assess_provisionally, list_provisional]
