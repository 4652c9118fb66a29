"""Every error as problem+json (RFC 9457), in the reader's language; never a stack trace.

`type` is `<public address>/problems/<type>`: stable, and a page that explains it.
"""

import re
from http import HTTPStatus
from typing import Any

import asyncpg
import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from schemas.findings import Finding
from teledeclaration.errors import BusinessError, place_of
from teledeclaration.languages import Language, catalogue, chosen_language, say, say_ids

log = structlog.get_logger(__name__)

PROBLEM_JSON = "application/problem+json"

_TYPE_OF_STATUS = {
    400: "malformed",
    401: "not-signed-in",
    403: "not-allowed",
    404: "not-found",
    405: "method-not-allowed",
    409: "conflict",
    413: "too-large",
    415: "media-type-not-supported",
    422: "malformed",
    429: "too-many-requests",
    503: "away",
}


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong, and how to mend it.

    `type` is stable; `title` is in the reader's language; `pointer` names the field of the request;
    `errors` lists several at once; `findings` are what checks say of what was sent; `values` are what the title
    speaks of.
    """

    type: str
    title: str
    status: int
    detail: str | None = None
    pointer: str | None = None
    errors: list[dict[str, str]] = msgspec.field(default_factory=list)
    findings: tuple[Finding, ...] = ()
    values: dict[str, Any] = msgspec.field(default_factory=dict)


def reader_language(request: Request[Any, Any, Any]) -> Language:
    """The language asked for by `?lang=` or the browser."""
    asked = request.query_params.get("lang")
    return chosen_language(asked or request.headers.get("accept-language"))


def problem_title(error: BusinessError, language: Language) -> str:
    """What a business error says to people: its ids in words."""
    values = {name: str(value) for name, value in error.values.items()}
    in_words = {
        name: say_ids(values[name], language, [_filled(key, values) for key in keys])
        for name, keys in error.said_as.items()
        if name in values
    }
    return say(f"problem.{error.type}", language, **(error.values | in_words))


def _filled(key: str, values: dict[str, str]) -> str:
    """`repair-choice.{repair}.{id}` with the values it names in place, but for the id."""
    for name, value in values.items():
        key = key.replace(f"{{{name}}}", value)
    return key


def business_problem(request: Request[Any, Any, Any], error: BusinessError) -> Response[Problem]:
    """A business error, with its own words and values."""
    title = problem_title(error, reader_language(request))
    headers = {"Retry-After": str(error.values["seconds"])} if "seconds" in error.values else {}
    return _respond(
        request,
        error.type,
        title,
        error.status,
        pointer=error.pointer,
        findings=error.findings,
        values=error.values,
        headers=headers,
    )


def http_problem(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """What the framework refused: an unknown address, a body that is not of the right shape."""
    kind = _TYPE_OF_STATUS.get(error.status_code, "business-error")
    title = say(f"problem.{kind}", reader_language(request))
    if isinstance(error, ValidationException):
        return _respond(request, kind, title, 422, errors=_field_errors(error, reader_language(request)))
    return _respond(request, kind, title, error.status_code, headers=dict(error.headers or {}))


def away_problem(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """The database does not answer: come back in a moment."""
    log.error("database_away", error=type(error).__name__)
    title = say("problem.away", reader_language(request))
    return _respond(request, "away", title, 503, headers={"Retry-After": "5"})


_NOT_HOLDABLE = (asyncpg.DataError, asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError)


def data_problem(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """A value that no column holds (a number too large, a zero byte) was sent: malformed. Other data errors are ours.

    Logged with its place too, because a value of ours may be at fault.
    """
    if type(error) not in _NOT_HOLDABLE:
        return internal_problem(request, error)
    log.warning("value_not_holdable", **place_of(error))
    return _respond(request, "malformed", say("problem.malformed", reader_language(request)), 422)


def internal_problem(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """A fault of ours: logged with its place, never its text, which may carry personal data."""
    log.error("internal_error", **place_of(error), path=request.scope["path"].split("/")[1:3])
    title = say("problem.internal", reader_language(request))
    return _respond(request, "internal", title, 500)


def too_deep_problem(request: Request[Any, Any, Any], error: RecursionError) -> Response[Problem]:
    """A body of brackets within brackets, deeper than anything we read. Logged, because it may be ours."""
    log.warning("too_deep", **place_of(error))
    return _respond(request, "malformed", say("problem.malformed", reader_language(request)), 422)


def _field_errors(error: ValidationException, language: Language) -> list[dict[str, str]]:
    listed = error.extra if isinstance(error.extra, list) else []
    told = [(str(item.get("key", "")), str(item.get("message", ""))) for item in listed if isinstance(item, dict)]
    return [{"pointer": _pointer(key), "detail": shape_in_words(message, language)} for key, message in told]


_SHAPES = tuple(
    (re.compile(pattern), f"malformed.{key}")
    for key, pattern in (
        ("missing", r"Object missing required field (?P<field>`.+`)"),
        ("unknown", r"Object contains unknown field (?P<field>`.+`)"),
        ("length", r"Expected (?P<expected>`[^`]+`) of length (?P<limit>.+)"),
        ("bound", r"Expected (?P<expected>`[^`]+`) (?P<limit>[<>]=? .+)"),
        ("kind", r"Expected (?P<expected>`[^`]+`), got (?P<got>`[^`]+`)"),
        ("choice", r"Invalid enum value (?P<seen>.+)"),
        ("moment", r"Invalid RFC3339 encoded datetime"),
        ("day", r"Invalid RFC3339 encoded date"),
        ("uuid", r"Invalid UUID"),
        ("number", r"Invalid decimal string"),
    )
)
"""How the decoder says that a field has not the right shape."""


def shape_in_words(said: str, language: Language) -> str:
    """The decoder's English in the reader's language; as it is where we do not know the sentence."""
    for pattern, key in _SHAPES:
        if found := pattern.fullmatch(said):
            return say(key, language, **found.groupdict())
    return said


def _pointer(key: str) -> str:
    """The framework's `lines[0].nss` as RFC 6901 has it; the whole body, which it calls `data`, is empty text."""
    return "" if key == "data" else "/" + re.sub(r"\[(\d+)\]", r"/\1", key).replace(".", "/")


def _respond(
    request: Request[Any, Any, Any],
    kind: str,
    title: str,
    status: int,
    *,
    pointer: str | None = None,
    errors: list[dict[str, str]] | None = None,
    findings: tuple[Finding, ...] = (),
    values: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Response[Problem]:
    base = request.app.state.settings.public_url
    problem = Problem(
        type=f"{base}/problems/{kind}",
        title=title,
        status=status,
        detail=HTTPStatus(status).phrase,
        pointer=pointer,
        errors=errors or [],
        findings=findings,
        values=values or {},
    )
    return Response(problem, status_code=status, media_type=PROBLEM_JSON, headers=headers or {})


def problem_status(kind: str) -> int | None:
    """The status that problems of a kind are told with; None where the kind is not one of ours."""
    if f"problem.{kind}" not in catalogue():
        return None
    told = {named: status for status, named in _TYPE_OF_STATUS.items()} | {"internal": 500}
    return _status_raised(BusinessError, kind) or told.get(kind)


def _status_raised(error: type[BusinessError], kind: str) -> int | None:
    if error.type == kind:
        return error.status
    return next(filter(None, (_status_raised(child, kind) for child in error.__subclasses__())), None)


EXCEPTION_HANDLERS: dict[int | type[Exception], Any] = {
    BusinessError: business_problem,
    HTTPException: http_problem,
    asyncpg.DataError: data_problem,
    asyncpg.CannotConnectNowError: away_problem,
    asyncpg.PostgresConnectionError: away_problem,
    asyncpg.InterfaceError: away_problem,
    ConnectionError: away_problem,
    RecursionError: too_deep_problem,
    TimeoutError: away_problem,
    Exception: internal_problem,
}
