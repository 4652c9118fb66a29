"""What the client, the reader server and its children say to each other, in MessagePack."""

from collections.abc import Sequence

import msgspec

from schemas.findings import Finding
from teledeclaration.intake.raw import ReadingLimits
from teledeclaration.languages import Language

PACKET_BYTES = 65536
DESCRIPTORS = 3  # the file, the arguments, the place for the result

EXIT_WITHOUT_ANSWER = 70
EXIT_OUT_OF_MEMORY = 71


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """What one child may use; `memory_bytes` comes on top of what its parent already maps."""

    memory_bytes: int
    cpu_seconds: int
    output_bytes: int
    wall_seconds: float


class Request(msgspec.Struct, frozen=True, kw_only=True, tag="request"):
    """Run `function` over the descriptors that come along; `number` comes back with the answer."""

    number: int
    function: str
    allowance: Allowance


class Stop(msgspec.Struct, frozen=True, kw_only=True, tag="stop"):
    """Nobody waits any more for what was asked under this number: end its child."""

    number: int


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a child ended: its exit code (negative: the signal), and what it used."""

    number: int
    exit_code: int
    timed_out: bool
    cpu_seconds: float
    peak_bytes: int


class ReadArguments(msgspec.Struct, frozen=True, kw_only=True):
    """What the child is told about the file it reads."""

    filename: str
    limits: ReadingLimits


class AnnotateArguments(msgspec.Struct, frozen=True, kw_only=True):
    """What the child is told about the file it annotates.

    `pages` are runs of findings (`findings_page`). `table` is the name of the sheet with the
    lines and the row right above the first of them; without it no columns of results are added.
    """

    filename: str
    limits: ReadingLimits
    language: Language
    pages: list[bytes]
    table: tuple[str, int] | None


def findings_page(findings: Sequence[Finding]) -> bytes:
    """Some findings as they are told to a child: made at once, so that no long list of them is kept."""
    return msgspec.msgpack.encode(findings)
