"""The first page: what this is, in the reader's language, and where its doors are."""

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.static_files import create_static_files_router

from teledeclaration import openapi
from teledeclaration.employers.guard import guarded
from teledeclaration.employers.roles import PUBLIC
from teledeclaration.languages import LANGUAGES, Language, say
from teledeclaration.problems import reader_language

VERIFICATION = "/v"
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Language",
}

_LANGUAGE_NAMES: dict[Language, str] = {"fr": "Français", "ar": "العربية", "en": "English"}
_WORDS = ("title", "introduction", "languages", "skip")
_FOLDER = Path(str(resources.files("teledeclaration.web")))


@get("/", **guarded(PUBLIC), include_in_schema=False)
async def home(request: Request[Any, Any, Any], state: State) -> Response[str]:
    language = reader_language(request)
    page = _template("home.html").render(
        language=language,
        direction="rtl" if language == "ar" else "ltr",
        languages=[(name, _LANGUAGE_NAMES[name]) for name in LANGUAGES],
        fund_name=state.settings.fund_name_ar if language == "ar" else state.settings.fund_name,
        words={word: say(f"home.{word}", language) for word in _WORDS},
        doors=[
            (openapi.PATH, say("home.api", language), say("home.api_means", language)),
            (VERIFICATION, say("home.verify", language), say("home.verify_means", language)),
        ],
    )
    return Response(page, media_type=MediaType.HTML, headers=PAGE_HEADERS)


@cache
def _template(name: str) -> Template:
    loader = FileSystemLoader(_FOLDER / "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True).get_template(name)


_static = create_static_files_router(
    path="/static/web", directories=[_FOLDER / "static"], opt={"action": PUBLIC}, include_in_schema=False
)

ROUTES = [home, _static]
