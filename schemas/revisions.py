"""The revisions of a draft: what changed its lines, and going back to one of them."""

from datetime import datetime
from typing import Literal

import msgspec

from schemas.payroll import DraftLine


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a check told that the one before it had not, and the other way round; `back` are among neither:
    findings that had gone away earlier."""

    new: int = 0
    gone: int = 0
    back: int = 0


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a draft's lines. `file`, `mapping`: it stands on what was read from `filename`; `mend`,
    `repair`: lines changed in place; `return`: as revision `returned_to` was. `findings` once it was checked."""

    revision: int
    kind: Literal["file", "mapping", "mend", "repair", "return"]
    present: bool
    lines_changed: int
    filename: str | None
    returned_to: int | None
    findings: Change | None
    done_by: str
    done_at: datetime


class RevisionsPage(msgspec.Struct, frozen=True):
    """The latest first; `next` is the `before` of the following page, null at the end."""

    items: list[Revision]
    next: int | None


class FieldChange(msgspec.Struct, frozen=True, kw_only=True):
    """A field of a line before and after: text, whole centimes, a date as `2025-12-31`, or what was typed there
    where it could not be read."""

    field: str
    before: str | int | bool | None
    after: str | int | bool | None


class ChangedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line at a revision: what that changed in it, and how the line stood from then on."""

    line_number: int
    row: int | None
    changes: list[FieldChange]
    line: DraftLine


class ChangedLinesPage(msgspec.Struct, frozen=True):
    """By line number; `next` is the `after` of the following page, null at the end."""

    items: list[ChangedLine]
    next: int | None


class Return(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Put the lines back as they were at revision `to`; `revision` is the draft's as its author saw it."""

    revision: int
    to: int
