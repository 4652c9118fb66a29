"""One tree of business errors; the doors turn each into problem+json (RFC 9457) or a sentence.

    BusinessError
    ├── NotSignedIn          401   who asks is not known
    ├── NotAllowed           403   known, but this is not theirs to do
    ├── NotFound             404   not there, or not for them: the two are never told apart
    ├── Conflict             409   the state does not allow it now
    │   └── …                      each room adds its own
    ├── TooLarge             413
    ├── Malformed            422   the input cannot be read as what it should be
    └── TooManyRequests      429

A room's own error subclasses one of these and gives a `type`: stable, in kebab-case, with its words
under `problem.<type>` in the room's catalogue. `values` fill the words and go out as members of the
problem; they never carry personal data or secrets. `pointer` names the field (RFC 6901). `findings` are what
checks say of the input, at its places, in the reader's language.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from schemas.findings import Finding

SaidAs = Mapping[str, tuple[str, ...]]


class BusinessError(Exception):
    """Something the caller can understand and mend."""

    type: ClassVar[str] = "business-error"
    status: ClassVar[int] = 400
    said_as: ClassVar[SaidAs] = {}
    """The values that are ids, and under which keys of the catalogue (`field.{id}`, other values by their names) they
    have words: people read those, programs the ids."""

    def __init__(self, *, pointer: str | None = None, **values: Any) -> None:
        super().__init__(self.type)
        self.pointer = pointer
        self.values = values
        self.findings: tuple[Finding, ...] = ()


class NotSignedIn(BusinessError):
    type = "not-signed-in"
    status = 401


class NotAllowed(BusinessError):
    type = "not-allowed"
    status = 403


class NotFound(BusinessError):
    type = "not-found"
    status = 404


class Conflict(BusinessError):
    type = "conflict"
    status = 409


class TooLarge(BusinessError):
    type = "too-large"
    status = 413


class Malformed(BusinessError):
    type = "malformed"
    status = 422


class TooManyRequests(BusinessError):
    type = "too-many-requests"
    status = 429


def place_of(error: Exception) -> dict[str, Any]:
    """What a log may say of an unforeseen error: its class, the last lines of code it went through, a
    constraint's name; never its text, which may carry personal data."""
    frames, trace = [], error.__traceback__
    while trace is not None:
        frames.append(f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}")
        trace = trace.tb_next
    constraint = getattr(error, "constraint_name", None)
    return {"error": type(error).__name__, "at": frames[-4:], **({"constraint": constraint} if constraint else {})}
