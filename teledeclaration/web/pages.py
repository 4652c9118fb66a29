"""The first page, which says what this is and where its doors are, and the pages behind the problems' addresses."""

from http import HTTPStatus
from typing import Any

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.params import FromPath
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler

from teledeclaration import openapi
from teledeclaration.employers.guard import guarded
from teledeclaration.employers.roles import PUBLIC
from teledeclaration.errors import NotFound
from teledeclaration.languages import catalogue, say
from teledeclaration.problems import problem_status, reader_language
from teledeclaration.web import law
from teledeclaration.web.frame import FOLDER, page

VERIFICATION = "/v"


@get("/", **guarded(PUBLIC), include_in_schema=False)
async def home(request: Request[Any, Any, Any], state: State) -> Response[str]:
    language = reader_language(request)
    return page(
        "home.html",
        state,
        language,
        address="/",
        title=say("home.title", language),
        introduction=say("home.introduction", language),
        doors=[
            (openapi.PATH, say("home.api", language), say("home.api_means", language)),
            (VERIFICATION, say("home.verify", language), say("home.verify_means", language)),
            (law.ADDRESS, say("law-page.title", language), say("law-page.introduction", language)),
        ],
    )


@get("/problems/{kind:str}", **guarded(PUBLIC), include_in_schema=False)
async def problem_page(request: Request[Any, Any, Any], state: State, kind: FromPath[str]) -> Response[str]:
    """What a problem's `type` leads to: what it is called, its status, what to do."""
    status = problem_status(kind)
    if status is None:
        raise NotFound
    language = reader_language(request)
    called, mend = f"problem-page.called.{kind}", f"problem-page.mend.{kind}"
    return page(
        "problem.html",
        state,
        language,
        address=f"/problems/{kind}",
        title=say(called if called in catalogue() else f"problem.{kind}", language),
        facts=[
            (say("problem-page.kind", language), kind),
            (say("problem-page.status", language), f"{status} {HTTPStatus(status).phrase}"),
        ],
        what_to_do=say("problem-page.what-to-do", language),
        mend=say(mend if mend in catalogue() else f"problem-page.mend.{status}", language),
    )


_static = create_static_files_router(
    path="/static/web", directories=[FOLDER / "static"], opt={"action": PUBLIC}, include_in_schema=False
)

ROUTES: list[ControllerRouterHandler] = [home, problem_page, *law.ROUTES, _static]
