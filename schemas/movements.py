"""Movements of employees as they are told, and the employment register they make with the fund's employments."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from schemas.findings import Finding

MovementKind = Literal["entry", "exit", "change"]
MovementState = Literal["in_force", "corrected", "withdrawn", "withdrawal"]
KnownBy = Literal["fund", "told"]
Day = date
"""A type beside the fields called `date`."""


class SentMovement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A movement as payroll software tells it, checked like a row of a workbook: texts may be as wrong as there.

    `kind` is entry, exit or change, `date` the day of it (`2025-12-31`). A change says a rate category, hours a week,
    or both; an entry may. With `number_requested` the person has no number yet, and one is asked for. `replaces` names
    the movement that this one corrects and takes the place of; `withdraws` one that is taken back as if it had never
    been told, and stands alone. `centre` may be left out by an employer with one payment centre.
    """

    kind: str | None = None
    date: str | None = None
    nss: str | None = None
    last_name: str | None = None
    first_name: str | None = None
    birth_date: str | None = None
    reason: str | None = None
    rate_category: str | None = None
    hours_a_week: float | str | None = None
    number_requested: bool = False
    centre: str | None = None
    replaces: UUID | None = None
    withdraws: UUID | None = None


class SentMovements(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Movements told together: all of them, or none. `confirm` answers for doubts, by their codes."""

    movements: Annotated[list[SentMovement], Meta(min_length=1, max_length=1_000)]
    confirm: list[str] = msgspec.field(default_factory=list)


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """A movement as it was told, and what became of it.

    `state`: in force; corrected or withdrawn by `replaced_by`; or itself the withdrawal of `replaces`. `tell_by` is
    the last day the law left to tell it, null where no text is held; `told_on` the legal day it was told.
    """

    movement_id: UUID
    kind: MovementKind
    date: Day
    centre: str | None
    nss: str | None
    last_name: str
    first_name: str
    birth_date: Day | None
    reason: str | None
    rate_category: str | None
    hours_a_week: float | None
    state: MovementState
    replaces: UUID | None
    replaced_by: UUID | None
    tell_by: Day | None
    told_on: Day
    told_late: bool
    told_by: str
    told_at: datetime
    draft_id: UUID | None
    line_number: int | None


class MovementsTold(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a telling: the movements in the order they were sent, how many of them are new (the others were
    told before), for how many people a number is now asked, and what is said of them without standing in the way."""

    movements: list[Movement]
    new: int
    numbers_requested: int
    findings: list[Finding]


class MovementsFiled(msgspec.Struct, frozen=True, kw_only=True):
    """A draft of movements that was filed: how many of its lines told something new (the others were told before)."""

    draft_id: UUID
    movements: int


class MovementsPage(msgspec.Struct, frozen=True):
    """Movements, the last told first; `next` is the `after` of the following page, null at the end."""

    items: list[Movement]
    next: UUID | None


class Employment(msgspec.Struct, frozen=True, kw_only=True):
    """Someone's employment here, as it stands on the day asked about.

    `employee` names the person in addresses, and is of this employer only. `entry_date` is null where only the exit is
    known. `source` says who knows of the entry, `exit_source` of the exit: the fund's register, or the employer who
    told it; names are the register's for the fund's own employments, else as the employer wrote them. `tell_by` and
    `told_late` are of a told entry.
    """

    employee: str
    nss: str | None
    last_name: str
    first_name: str
    birth_date: date | None
    entry_date: date | None
    exit_date: date | None
    centre: str | None
    rate_category: str | None
    hours_a_week: float | None
    source: KnownBy
    exit_source: KnownBy | None
    entry_movement: UUID | None
    exit_movement: UUID | None
    tell_by: date | None
    told_late: bool


class EmploymentsPage(msgspec.Struct, frozen=True):
    """Who works here on a day. `next` is the `after` of the following page, null at the end; a page may be short."""

    items: list[Employment]
    next: str | None


class EmployeeSought(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to look for among one's own employees."""

    nss: str


class EmployeeHistory(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one person here: every employment, and every movement in the order it was told."""

    employments: list[Employment]
    movements: list[Movement]
