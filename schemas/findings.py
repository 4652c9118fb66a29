"""What a check has to say about a cell, a row or a file."""

from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """How much a finding stands in the way.

    `error`: the line is mended or left out before filing. `confirm`: a doubt that someone confirms
    by name. `info`: said, and never in the way.
    """

    ERROR = "error"
    CONFIRM = "confirm"
    INFO = "info"


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """A mistake or a doubt, at the place the user knows it by.

    `sheet`, `row` and `column` are the spreadsheet's own (row as the program numbers it, column as
    its letter; positions such as `21-32` in a text file); None where the finding is about the whole
    file, or came by REST, where `pointer` (RFC 6901) stands instead. `seen` is the value as the user
    wrote it, `expected` what would be right, `proposed` the value to put there, in the form the
    field takes, where one can be known. `back`: it was found in this draft before, and had gone away.
    """

    code: str
    severity: Severity
    message: str
    field: str | None = None
    sheet: str | None = None
    row: int | None = None
    column: str | None = None
    pointer: str | None = None
    seen: str | None = None
    expected: str | None = None
    proposed: str | None = None
    line_number: int | None = None
    back: bool = False
