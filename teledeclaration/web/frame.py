"""What every page has around its own content, and how a template becomes an answer."""

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from litestar import MediaType, Response
from litestar.datastructures import State

from teledeclaration.languages import LANGUAGES, Language, say

FOLDER = Path(str(resources.files("teledeclaration.web")))
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Language",
}

_LANGUAGE_NAMES: dict[Language, str] = {"fr": "Français", "ar": "العربية", "en": "English"}
_WORDS = ("home.languages", "home.skip")


def page(name: str, state: State, language: Language, *, address: str, **content: Any) -> Response[str]:
    """The template `name` filled; `address` is the page's own, for the same page in another language."""
    frame = {
        "language": language,
        "direction": "rtl" if language == "ar" else "ltr",
        "languages": [(other, _LANGUAGE_NAMES[other]) for other in LANGUAGES],
        "address": address + ("&" if "?" in address else "?"),
        "fund_name": state.settings.fund_name_ar if language == "ar" else state.settings.fund_name,
        "words": {word.rpartition(".")[2]: say(word, language) for word in _WORDS},
    }
    return Response(_template(name).render(frame, **content), media_type=MediaType.HTML, headers=PAGE_HEADERS)


@cache
def _template(name: str) -> Template:
    loader = FileSystemLoader(FOLDER / "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True).get_template(name)
