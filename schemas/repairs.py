"""Findings by their causes, and repairs for a whole cause, as the API speaks of them. Amounts are centimes."""

from typing import Annotated

import msgspec
from msgspec import Meta

from schemas.annual import Totals
from schemas.findings import Finding, Severity

CellValue = str | int | bool | None
"""Text, whole centimes, a whole number, yes or no; a day as `2025-12-31`."""


class RepairChoice(msgspec.Struct, frozen=True, kw_only=True):
    """One way of a repair: send `choice` back as it is, with the `code` and `field` of the cause.

    `lines` is how many it would change; `against` counts what speaks against it, and where that makes it
    impossible, it says so.
    """

    choice: str | None
    title: str
    lines: int
    against: int = 0
    possible: bool = True


class RepairOffer(msgspec.Struct, frozen=True, kw_only=True):
    """A repair that would change something, in the reader's language."""

    repair: str
    title: str
    explanation: str
    choices: list[RepairChoice]


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """How many cells of a cause are written alike: digits as 9, words as `a`."""

    shape: str
    example: str
    count: int


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """Findings with one cause. `field` may be a group (`quarter_amount`: the amounts of the four quarters).

    `cells` are places to mend in the file, as the spreadsheet names them, the first ones where there are many.
    """

    code: str
    severity: Severity
    field: str | None
    field_name: str | None
    title: str
    explanation: str
    count: int
    lines: int
    samples: list[Finding]
    cells: list[str]
    more_cells: bool
    shapes: list[Shape]
    repairs: list[RepairOffer]


class Causes(msgspec.Struct, frozen=True, kw_only=True):
    """All causes of a draft's findings at `revision`: errors first, the most frequent first. `repairs` are those that
    answer no cause in particular."""

    revision: int
    causes: list[Cause]
    repairs: list[RepairOffer]


class RepairWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A repair as it was offered: its name, the code and field of its cause, the choice taken, and the revision of the
    draft it was seen on."""

    repair: str
    revision: Annotated[int, Meta(ge=0)]
    code: str | None = None
    field: str | None = None
    choice: str | None = None


class CellChange(msgspec.Struct, frozen=True, kw_only=True):
    """One cell of a preview. `typed` is what the user wrote where that could not be read."""

    line_number: int
    row: int | None
    field: str
    field_name: str
    typed: str | None
    before: CellValue
    after: CellValue


class FindingChange(msgspec.Struct, frozen=True, kw_only=True):
    """How many findings of a code would go away, or appear."""

    code: str
    severity: Severity
    title: str
    count: int


class RepairPreview(msgspec.Struct, frozen=True, kw_only=True):
    """What a repair would do, done nowhere yet: the lines it changes, some of their cells, the totals of what would be
    filed, and the findings of these lines that would go away or appear."""

    repair: str
    revision: int
    lines_changed: int
    fields: list[str]
    samples: list[CellChange]
    totals_before: Totals
    totals_after: Totals
    findings_gone: list[FindingChange]
    findings_appearing: list[FindingChange]
