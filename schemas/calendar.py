"""What an employer owes the fund over a year, when, and what is late; suspensions of activity."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from schemas.legislation import LegalReference
from teledeclaration.money import Centimes

Periodicity = Literal["monthly", "quarterly"]

ObligationState = Literal[
    "to_come", "open", "due_soon", "late", "provisional", "declared", "suspended", "not_owed", "elsewhere"
]
"""to_come: its time is not over · open: it may be declared · due_soon: within days of its last day · late: its last day
has passed · provisional: late, and the fund assessed it itself · declared · suspended: without activity all along ·
not_owed: before the employer opened or after it closed · elsewhere: older than this installation."""


class Filed(msgspec.Struct, frozen=True, kw_only=True):
    """What was declared for a period: the newest declaration that stands, and the day of the first one.

    `days_late` counts from the last day to the first declaration, 0 where it was in time.
    """

    declaration_id: UUID
    number: str
    first_filed_on: date
    days_late: int
    nothing_to_declare: bool


class OwedOfPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """What was booked for a period: `amount` = paid + `remaining`; `late` is what of it is past its due date."""

    amount: Centimes
    remaining: Centimes
    late: Centimes


class Obligation(msgspec.Struct, frozen=True, kw_only=True):
    """One declaration that is owed: a month's or a quarter's (`periodic`), or the year's (`annual`).

    It may be declared from `opens` on, until `due`. `days_late` is as of today, 0 where nothing is.
    """

    centre: str
    form: Literal["periodic", "annual"]
    period: str
    first_day: date
    last_day: date
    opens: date
    due: date
    state: ObligationState
    days_late: int
    filed: Filed | None = None
    owed: OwedOfPeriod | None = None


class PeriodicityAdvice(msgspec.Struct, frozen=True, kw_only=True):
    """By the month or by the quarter: what the fund's register says today, and what the headcount last declared says.

    `from_headcount` is null where no headcount was declared; `law` is the threshold. The register holds no former
    periodicity: a past quarter is taken by what was declared in it, and by today's where nothing was.
    """

    registered: Periodicity
    headcount: int | None
    headcount_of: str | None
    from_headcount: Periodicity | None
    law: LegalReference
    message: str


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """A year's obligations by centre and time. `late` are those past their last day, or with money past its date;
    `late_amount` is that money, and `undeclared` how many of them nobody declared."""

    year: int
    today: date
    obligations: tuple[Obligation, ...]
    late: tuple[Obligation, ...]
    undeclared: int
    late_amount: Centimes
    periodicity: PeriodicityAdvice


class LatePeriod(msgspec.Struct, frozen=True, kw_only=True):
    """A period that a centre should have declared; `provisional` where the fund has assessed it meanwhile."""

    centre: str
    period: str
    due: date
    days_late: int
    provisional: bool


class UndeclaredEmployer(msgspec.Struct, frozen=True, kw_only=True):
    """An employer with periods not declared, the oldest first."""

    number: str
    name: str
    name_ar: str
    wilaya: int
    agency: str
    periodicity: Periodicity
    late: tuple[LatePeriod, ...]


class UndeclaredPage(msgspec.Struct, frozen=True, kw_only=True):
    """Employers by number. A page looks at so many employers at most, and may so hold few or none: `next` goes on
    after the last one looked at, and is null when the scope is at its end."""

    items: tuple[UndeclaredEmployer, ...]
    looked_at: int
    next: str | None


# ── suspensions of activity ─────────────────────────────────────────────────────────────────────

SuspensionStatus = Literal["requested", "accepted", "refused", "withdrawn"]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
Centre = Annotated[str, msgspec.Meta(pattern="^[0-9]{5}$")]


class NewSuspension(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From which day a centre has no activity, and why. `centre` may be left out where there is one only.

    `employees_confirmed`: yes, although the register still counts employees on that day.
    """

    first_day: date
    reason: Reason
    centre: Centre | None = None
    employees_confirmed: bool = False


class Suspension(msgspec.Struct, frozen=True, kw_only=True):
    """A time without activity; `last_day` is null until the employer says that activity begins again."""

    suspension_id: UUID
    centre: str
    first_day: date
    last_day: date | None
    reason: str
    status: SuspensionStatus
    requested_by: str
    requested_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    answer: str | None
    resumed_by: str | None
    resumed_at: datetime | None


class SuspensionDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An officer's; `answer` says why where it is refused."""

    decision: Literal["accept", "refuse"]
    answer: Annotated[str, msgspec.Meta(max_length=1000)] = ""


class Resumption(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first day of activity again."""

    day: date
