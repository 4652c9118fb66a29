"""A write repeated with the same `Idempotency-Key` is carried out once.

1. The middleware `answer_once` hashes the request's body as it streams by, of any size, in no memory.
2. `claim_key`, once the guard has let the caller through, takes the key in a transaction of its own: it
   belongs to this caller at this employer. A request under way with it: 409. An answer kept: the request
   is compared by its hash, and the answer given again (`Idempotency-Replayed: true`), or 422 for another
   request.
3. The answer is kept before its last byte leaves:
   below 400   kept a day, and given again
   400–499     the key is free again: a refusal has changed nothing (every action is one transaction)
   500 and up  kept and given again: whether the change was committed is not known for sure, and the
               promise is "at most once". Look, then use another key.

A server killed half-way leaves the key taken: 409 `idempotency-outcome-unknown` once it cannot be under
way any more. An answer that holds a secret (`answers_secret`) is not kept; its repetition says so. Keys
are of writes for an employer: signing in and taking up an invitation have their own protection.
"""

import hashlib
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import asyncpg
import structlog
from litestar import Request, Response
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPReceiveMessage, HTTPScope, Message, Receive, Scope, Send

from teledeclaration.database import transaction
from teledeclaration.employers import answers
from teledeclaration.employers.answers import KeptAnswer, KeyOf
from teledeclaration.employers.errors import (
    IdempotencyAnswerNotKept,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    IdempotencyKeyTooLong,
    IdempotencyOutcomeUnknown,
)
from teledeclaration.employers.guard import Caller
from teledeclaration.errors import TooLarge

KEY_LENGTH_MAX = 255
KEPT = timedelta(hours=24)
UNDER_WAY_MAX = timedelta(minutes=10)
_FORM_OVERHEAD_BYTES = 1_000_000

_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_KEPT_HEADERS = frozenset({"content-type", "location", "etag"})

log = structlog.get_logger(__name__)


class Fingerprint:
    """The hash of a request, taken as its body passes.

    The boundary of a multipart form is left out: clients draw a new one for each try.
    """

    def __init__(self, scope: HTTPScope) -> None:
        headers = dict(scope["headers"])
        self._boundary = _boundary_of(headers.get(b"content-type", b""))
        self._rest = b""
        self._digest = hashlib.sha256()
        for part in (scope["method"].encode(), scope["raw_path"], scope["query_string"]):
            self._digest.update(part + b"\n")

    def update(self, chunk: bytes) -> None:
        if not self._boundary:
            self._digest.update(chunk)
            return
        *whole, last = (self._rest + chunk).split(self._boundary)
        for part in whole:
            self._digest.update(part)
        held_back = len(self._boundary) - 1
        cut = max(0, len(last) - held_back)
        self._digest.update(last[:cut])
        self._rest = last[cut:]

    def hexdigest(self) -> str:
        whole = self._digest.copy()
        whole.update(self._rest)
        return whole.hexdigest()


def _boundary_of(content_type: bytes) -> bytes:
    if not content_type.lower().startswith(b"multipart/"):
        return b""
    return content_type.partition(b"boundary=")[2].partition(b";")[0].strip(b' "')


class Attempt:
    """One request that carries a key."""

    def __init__(self, scope: HTTPScope, receive: Receive, key: str) -> None:
        self.key = key
        self.caller: Caller | None = None
        self._scope = scope
        self._receive = receive
        self._fingerprint = Fingerprint(scope)
        self._body_ended = False
        self._received_bytes = 0
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = b""

    async def receive(self) -> HTTPReceiveMessage:
        """The server's `receive`, with the body hashed on its way."""
        message = cast(HTTPReceiveMessage, await self._receive())
        if message["type"] == "http.request":
            self._received_bytes += len(message.get("body", b""))
            self._fingerprint.update(message.get("body", b""))
            self._body_ended = not message.get("more_body", False)
        else:
            self._body_ended = True
        return message

    async def request_hash(self) -> str:
        """The hash of the whole request; what the handler did not read of the body is read first. TooLarge."""
        bytes_max = self._app_state.settings.upload_bytes_max + _FORM_OVERHEAD_BYTES
        while not self._body_ended:
            await self.receive()
            if self._received_bytes > bytes_max:
                raise TooLarge
        return self._fingerprint.hexdigest()

    async def note(self, message: Message) -> None:
        """Follow the answer; it is settled before its last part is sent."""
        if self.caller is None:
            return
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], list(message["headers"])
        elif message["type"] == "http.response.body":
            self._body += message["body"]
            if not message["more_body"]:
                await self._settle(self.caller)

    async def _settle(self, caller: Caller) -> None:
        refused = 400 <= self._status < 500
        try:
            request_hash = "" if refused else await self.request_hash()
            async with transaction(self._app_state.pool, caller.actor) as connection:
                if refused:
                    await answers.delete_claim(connection, key_of(caller, self.key))
                else:
                    await answers.update_answer(connection, key_of(caller, self.key), self._kept(request_hash))
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TooLarge) as error:
            log.warning("answer_not_kept", error=type(error).__name__)

    def _kept(self, request_hash: str) -> KeptAnswer:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self._headers}
        secret = self._scope["route_handler"].opt.get("answers_secret", False)
        return KeptAnswer(
            request_hash=request_hash,
            status=self._status,
            headers={name: value for name, value in headers.items() if name in _KEPT_HEADERS},
            body=None if secret else self._body,
            created_at=self._app_state.clock(),
        )

    @property
    def _app_state(self) -> Any:
        return self._scope["litestar_app"].state


def key_of(caller: Caller, key: str) -> KeyOf:
    """A repeated write belongs to an account or an API key, at one employer."""
    return KeyOf(caller.employer_id, cast(UUID, caller.actor.api_key_id or caller.actor.account_id), key)


def answer_once(app: ASGIApp) -> ASGIApp:
    """Middleware: follows the writes that carry a key. `claim_key` does the rest, as the app's `before_request`."""

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        key = _key_sent(scope) if scope["type"] == ScopeType.HTTP else None
        if key is None:
            await app(scope, receive, send)
            return
        attempt = Attempt(cast(HTTPScope, scope), receive, key)
        scope["state"]["attempt"] = attempt

        async def send_noted(message: Message) -> None:
            await attempt.note(message)
            await send(message)

        await app(scope, cast(Receive, attempt.receive), send_noted)

    return answered


def _key_sent(scope: HTTPScope) -> str | None:
    if scope["method"] not in _WRITES:
        return None
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"idempotency-key"), None)


async def claim_key(request: Request[Any, Any, Any]) -> Response[bytes] | None:
    """Take the request's key, or give the kept answer; None where the handler is to go on.

    IdempotencyKeyInUse and IdempotencyOutcomeUnknown (409), IdempotencyKeyReused (422).
    """
    attempt: Attempt | None = request.scope["state"].get("attempt")
    caller: Caller | None = request.scope["state"].get("caller")
    if attempt is None or caller is None or caller.employer is None:
        return None
    if not 0 < len(attempt.key) <= KEY_LENGTH_MAX:
        raise IdempotencyKeyTooLong(length_max=KEY_LENGTH_MAX)
    kept = await _claim(request, caller, attempt.key)
    if kept is None:
        attempt.caller = caller
        return None
    if kept.status is None:
        under_way = kept.created_at > request.app.state.clock() - UNDER_WAY_MAX
        raise IdempotencyKeyInUse if under_way else IdempotencyOutcomeUnknown
    if await attempt.request_hash() != kept.request_hash:
        raise IdempotencyKeyReused
    return _given_again(kept)


async def _claim(request: Request[Any, Any, Any], caller: Caller, key: str) -> KeptAnswer | None:
    now, of = request.app.state.clock(), key_of(caller, key)
    async with transaction(request.app.state.pool, caller.actor) as connection:
        await answers.delete_old_answers(connection, of, before=now - KEPT)
        if await answers.insert_claim(connection, of, now=now):
            return None
        return await answers.select_answer(connection, of)


def _given_again(kept: KeptAnswer) -> Response[bytes]:
    if kept.body is None:
        raise IdempotencyAnswerNotKept
    headers = dict(kept.headers or {})
    media_type = headers.pop("content-type", None)
    return Response(
        kept.body,
        status_code=kept.status,
        media_type=media_type,
        headers={**headers, "Idempotency-Replayed": "true"},
    )
