"""The periodic declaration (DAC): bases of a month or quarter, by employee or by rate line. Amounts are centimes."""

from datetime import date as Day  # noqa: N812 - `date` is a field of a movement
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from schemas.annual import DeclarationType
from schemas.legislation import LegalReference, RateCategory
from teledeclaration.money import Centimes

People = Annotated[int, Meta(ge=0, le=9_999_999)]


class PeriodHeader(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a period's declaration says beside its lines.

    What is left out is counted: `headcount` from the lines, `entries` and `exits` from the movements told.
    `nothing_to_declare`: nobody was paid, and no line is expected. `closes_account`: a complementary declaration
    after which the employer has no more to declare at this payment centre.
    """

    headcount: People | None = None
    entries: People | None = None
    exits: People | None = None
    nothing_to_declare: bool = False
    closes_account: bool = False


class PeriodCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What the platform counts for a period: people on the lines, and movements told of it.

    `headcount` is null where rate lines name no workers.
    """

    headcount: int | None
    entries: int
    exits: int


class HeaderChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The header of a draft as it is to be, on the revision its author saw (any, where none is named)."""

    header: PeriodHeader
    revision: int | None = None


class PeriodicLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a filed periodic declaration: one employee's base, or that of a rate category in all.

    Of one employee `workers` is 1; of a category, `nss` and names are null.
    """

    line_number: int
    nss: str | None
    last_name: str | None
    first_name: str | None
    birth_date: Day | None
    rate_category: RateCategory
    workers: int
    duration: int | None
    unit: str | None
    base: Centimes
    contract_start: Day | None
    contract_months: int | None
    justification: str | None


class CodeLine(msgspec.Struct, frozen=True, kw_only=True):
    """One code of the declaration: `amount` is `rate` on the total `base`, rounded once; `law` says by which text."""

    code: str
    nature: str
    base: Centimes
    rate: Decimal
    amount: Centimes
    law: tuple[LegalReference, ...]


class RebateWorker(msgspec.Struct, frozen=True, kw_only=True):
    """Someone declared under a rebate, with what it rests on. `line_number` is that of the declaration's lines."""

    line_number: int
    nss: str | None
    last_name: str | None
    first_name: str | None
    birth_date: Day | None
    base: Centimes
    rate_category: RateCategory
    contract_start: Day | None
    contract_months: int | None
    justification: str | None
    rebate: LegalReference


class AnnexMovement(msgspec.Struct, frozen=True, kw_only=True):
    """An entry or exit of the period, as told so far."""

    kind: Literal["entry", "exit"]
    date: Day
    nss: str | None
    last_name: str
    first_name: str
    birth_date: Day | None
    reason: str | None


class PeriodicDeclaration(msgspec.Struct, frozen=True, kw_only=True):
    """A filed periodic declaration as the fund's form shows it.

    `lines` are this declaration's own bases by code; `assessed` is true once a worker has computed exactly these
    amounts, and they stay as they are. What the period costs with all that was declared of it is its assessment.
    """

    declaration_id: UUID
    number: str
    centre: str
    period: str
    period_in_words: str
    type: DeclarationType
    in_force: bool
    replaces: UUID | None
    completes: UUID | None
    header: PeriodHeader
    lines: tuple[CodeLine, ...]
    total_base: Centimes
    total_amount: Centimes
    assessed: bool
    rebates: tuple[RebateWorker, ...]
    movements: tuple[AnnexMovement, ...]
