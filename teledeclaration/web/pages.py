"""The first page, which says what this is and where its doors are, and the pages behind the problems' addresses."""

from functools import cache
from http import HTTPStatus
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.params import FromPath
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler

from teledeclaration import openapi
from teledeclaration.employers.guard import guarded
from teledeclaration.employers.roles import PUBLIC
from teledeclaration.errors import NotFound
from teledeclaration.languages import LANGUAGES, Language, catalogue, say
from teledeclaration.problems import problem_status, reader_language

VERIFICATION = "/v"
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Language",
}

_LANGUAGE_NAMES: dict[Language, str] = {"fr": "Français", "ar": "العربية", "en": "English"}
_WORDS = ("home.title", "home.introduction", "home.languages", "home.skip", "problem-page.what-to-do")
_FOLDER = Path(str(resources.files("teledeclaration.web")))


@get("/", **guarded(PUBLIC), include_in_schema=False)
async def home(request: Request[Any, Any, Any], state: State) -> Response[str]:
    language = reader_language(request)
    page = _template("home.html").render(
        _frame(state, language, address="/"),
        doors=[
            (openapi.PATH, say("home.api", language), say("home.api_means", language)),
            (VERIFICATION, say("home.verify", language), say("home.verify_means", language)),
        ],
    )
    return Response(page, media_type=MediaType.HTML, headers=PAGE_HEADERS)


@get("/problems/{kind:str}", **guarded(PUBLIC), include_in_schema=False)
async def problem_page(request: Request[Any, Any, Any], state: State, kind: FromPath[str]) -> Response[str]:
    """What a problem's `type` leads to: what it is called, its status, what to do."""
    status = problem_status(kind)
    if status is None:
        raise NotFound
    language = reader_language(request)
    called, mend = f"problem-page.called.{kind}", f"problem-page.mend.{kind}"
    page = _template("problem.html").render(
        _frame(state, language, address=f"/problems/{kind}"),
        title=say(called if called in catalogue() else f"problem.{kind}", language),
        facts=[
            (say("problem-page.kind", language), kind),
            (say("problem-page.status", language), f"{status} {HTTPStatus(status).phrase}"),
        ],
        mend=say(mend if mend in catalogue() else f"problem-page.mend.{status}", language),
    )
    return Response(page, media_type=MediaType.HTML, headers=PAGE_HEADERS)


def _frame(state: State, language: Language, *, address: str) -> dict[str, Any]:
    """What every page shows around its own content."""
    return {
        "language": language,
        "direction": "rtl" if language == "ar" else "ltr",
        "languages": [(name, _LANGUAGE_NAMES[name]) for name in LANGUAGES],
        "address": address,
        "fund_name": state.settings.fund_name_ar if language == "ar" else state.settings.fund_name,
        "words": {word.rpartition(".")[2]: say(word, language) for word in _WORDS},
    }


@cache
def _template(name: str) -> Template:
    loader = FileSystemLoader(_FOLDER / "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True).get_template(name)


_static = create_static_files_router(
    path="/static/web", directories=[_FOLDER / "static"], opt={"action": PUBLIC}, include_in_schema=False
)

ROUTES: list[ControllerRouterHandler] = [home, problem_page, _static]
