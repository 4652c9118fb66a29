"""The law as anyone may read it, and what a pay would cost under it. Nothing asked here is kept."""

import hashlib
from datetime import date
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler

from schemas.law import LawChanges, LawHistory, LawOnDay, NewSimulation, Simulation
from teledeclaration.clock import legal_day
from teledeclaration.employers.roles import PUBLIC, guarded
from teledeclaration.legislation.reading import law_changes, law_history, law_on
from teledeclaration.payroll.simulations import simulation_of
from teledeclaration.problems import reader_language

Told = TypeVar("Told", bound=msgspec.Struct)
Asked = Request[Any, Any, Any]

Day = Annotated[date | None, QueryParameter(description="The day; today where it is left out")]
Prefix = Annotated[str, QueryParameter(description="How the keys begin: `rates`, `minimum_wage.`", max_length=100)]
FirstDay = Annotated[date | None, QueryParameter(name="from", description="From this day on; from the first held")]
LastDay = Annotated[date | None, QueryParameter(name="to", description="Up to this day; to the last held")]


@get("/v1/law", **guarded(PUBLIC), tags=["law"], security=[{}], summary="The law on a day")
async def law_of_day(request: Asked, state: State, on: Day = None, prefix: Prefix = "") -> Response[LawOnDay]:
    """Every value in force, with its text, how sure it is and since when; and those nobody has read yet."""
    day = on or legal_day(state.clock(), state.settings.fund_time_zone)
    return _cacheable(request, law_on(state.legislation, day, reader_language(request), prefix=prefix))


@get("/v1/law/changes", **guarded(PUBLIC), tags=["law"], security=[{}], summary="What changed in the law")
async def law_between(
    request: Asked, state: State, first_day: FirstDay = None, last_day: LastDay = None
) -> Response[LawChanges]:
    """The values that began or ended from the first to the last day, both included."""
    changes = law_changes(state.legislation, first_day or date.min, last_day or date.max, reader_language(request))
    return _cacheable(request, changes)


@get("/v1/law/{key:str}", **guarded(PUBLIC), tags=["law"], security=[{}], summary="One value's history")
async def law_of_key(request: Asked, state: State, key: FromPath[str]) -> Response[LawHistory]:
    """A key's values from the oldest to the newest; why there is none where it is awaited."""
    return _cacheable(request, law_history(state.legislation, key, reader_language(request)))


@post(
    "/v1/simulation",
    **guarded(PUBLIC),
    tags=["law"],
    security=[{}],
    status_code=200,
    summary="What a pay would cost",
)
async def simulate_pay(state: State, data: JSONBody[NewSimulation]) -> Simulation:
    """Contributions line by line, branch by branch and payer by payer, each with its law. Nothing is kept."""
    return simulation_of(data, state.legislation)


def _cacheable(request: Asked, told: Told) -> Response[Told]:
    """The answer, or 304 where the asker holds it already: its mark is of all that it says."""
    etag = f'"{hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "public, max-age=300", "Vary": "Accept-Language"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(None, status_code=304, headers=headers)  # type: ignore[arg-type]  # 304 has no body
    return Response(told, headers=headers)


ROUTES: list[ControllerRouterHandler] = [law_of_day, law_between, law_of_key, simulate_pay]
