"""What is owed when: an employer's calendar, and who is late in an officer's scope."""

from typing import Annotated

from litestar import get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from schemas.calendar import Calendar, UndeclaredPage
from teledeclaration.clock import legal_day
from teledeclaration.database import transaction
from teledeclaration.employers.guard import Caller, guarded
from teledeclaration.payroll import calendars

Year = Annotated[int | None, QueryParameter(ge=2007, le=2100, description="The year; that of today where left out.")]


@get("/v1/calendar", **guarded("calendar.read"), tags=["calendar"], summary="What is owed in a year, and when")
async def show_calendar(
    state: State,
    caller: NamedDependency[Caller],
    year: Year = None,
    centre: Annotated[str | None, QueryParameter(description="A payment centre; all where left out.")] = None,
) -> Calendar:
    """Every month or quarter and the year itself: opens, due, declared, late, paid; and what is late, with its sum."""
    today = legal_day(caller.now(state.clock), state.settings.fund_time_zone)
    async with transaction(state.pool, caller.actor, one_moment=True) as connection:
        return await calendars.calendar_of(
            connection,
            caller.employer_id,
            year=year or today.year,
            centre=centre,
            legislation=state.legislation,
            settings=state.settings,
            language=caller.language,
            today=today,
        )


@get("/v1/undeclared", **guarded("undeclared.read"), tags=["calendar"], summary="Who has not declared, in one's scope")
async def list_undeclared(
    state: State,
    caller: NamedDependency[Caller],
    *,
    year: Year = None,
    wilaya: Annotated[int | None, QueryParameter(ge=1, le=99, description="One of the officer's wilayas.")] = None,
    after: Annotated[str, QueryParameter(pattern="^[0-9]{0,10}$", description="`next` of the page before.")] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=500)] = 100,
) -> UndeclaredPage:
    """Employers with periods past their last day, by number. A page may hold few or none and go on at `next`."""
    today = legal_day(state.clock(), state.settings.fund_time_zone)
    async with transaction(state.pool, caller.actor, one_moment=True) as connection:
        return await calendars.undeclared(
            connection,
            year=year or today.year,
            after=after,
            wilaya=wilaya,
            limit=limit,
            legislation=state.legislation,
            settings=state.settings,
            today=today,
        )


ROUTES = [show_calendar, list_undeclared]
