"""What the operator sees: JSON logs, metrics, health. No personal data, no address as it was asked for.

A request is logged by its route's template (`/v1/drafts/{draft_id}`), never its path; labels of metrics too.
"""

import hmac
import json
import logging
import sys
import time
from typing import Any
from uuid import uuid4

import structlog
from litestar import Request, Response, get
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest

from teledeclaration.employers.guard import client_address, guarded
from teledeclaration.employers.roles import PUBLIC
from teledeclaration.errors import NotFound

log = structlog.get_logger(__name__)

REQUESTS = Counter("teledeclaration_requests", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram("teledeclaration_request_seconds", "Time to answer", ["method", "route"])

_UNKNOWN_ROUTE = "unknown"
_LOOPBACK = frozenset({"127.0.0.1", "::1"})


def configure_logs(level: str) -> None:
    """JSON lines on the standard error stream, of `level` and above; the libraries' from `warning` on."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler()
    handler.setFormatter(_WithoutText())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


class _WithoutText(logging.Formatter):
    """Who said something, how grave it is and an error's class: a library's words may carry personal data."""

    def format(self, record: logging.LogRecord) -> str:
        said = {"event": record.name, "level": record.levelname.lower()}
        if record.exc_info and record.exc_info[0]:
            said["error"] = record.exc_info[0].__name__
        return json.dumps(said)


def observe_requests(app: ASGIApp) -> ASGIApp:
    """Middleware: a request id in and out, one line of log and the metrics for each answer."""

    async def observed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        request_id = _request_id(scope)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started, status = time.perf_counter(), 500

        async def send_observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await app(scope, receive, send_observed)
        finally:
            _note(scope, status, time.perf_counter() - started)

    return observed


def _request_id(scope: Scope) -> str:
    """The client's own id where it is plain and short, else a new one."""
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode("latin-1")
    return given if 8 <= len(given) <= 64 and given.replace("-", "").isalnum() and given.isascii() else uuid4().hex


def _note(scope: Scope, status: int, seconds: float) -> None:
    method, route = str(scope.get("method", "")), str(scope.get("path_template") or _UNKNOWN_ROUTE)
    REQUESTS.labels(method, route, str(status)).inc()
    SECONDS.labels(method, route).observe(seconds)
    log.info("request", method=method, route=route, status=status, milliseconds=round(seconds * 1000, 1))


@get("/healthz", **guarded(PUBLIC), include_in_schema=False)
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@get("/readyz", **guarded(PUBLIC), include_in_schema=False)
async def readyz(request: Request[Any, Any, Any]) -> dict[str, str]:
    """The database answers too; 503 where it does not."""
    await request.app.state.pool.fetchval("SELECT 1")
    return {"status": "ready"}


@get("/metrics", **guarded(PUBLIC), include_in_schema=False)
async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """For Prometheus: with the metrics token, or from this machine where none is set; else not there."""
    token = request.app.state.settings.metrics_token
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    allowed = hmac.compare_digest(given.encode(), token.encode()) if token else client_address(request) in _LOOPBACK
    if not allowed:
        raise NotFound
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


ROUTES = [healthz, readyz, metrics]
