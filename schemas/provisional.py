"""Provisional assessments: what the fund reckons for a period that nobody declared in time. Amounts are centimes."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from schemas.assessments import AssessedAmounts
from schemas.legislation import RateCategory
from teledeclaration.money import Centimes


class NewProvisional(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The month or quarter to assess (`2026-01`, `2026-Q1`). `centre` may be left out where there is one only.

    `workers` counts only where nothing was declared before and the fund has a flat amount.
    """

    period: str
    centre: Annotated[str, msgspec.Meta(pattern="^[0-9]{5}$")] | None = None
    workers: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None


class ProvisionalAssessment(msgspec.Struct, frozen=True, kw_only=True):
    """What a period is assessed at until it is declared.

    `taken_from` is the source the law names (`previous_month` …), `source_periods` what was declared for it. `increase`
    is owed as a penalty beside the contributions (`amounts`); once the period is declared (`replaced_by`), these follow
    the declaration, and `increase_kept` is what stays owed of the increase. `booked_at` is null until a worker has
    opened the dues.
    """

    provisional_id: UUID
    centre: str
    period: str
    taken_from: str
    taken_from_words: str
    source_periods: tuple[str, ...]
    bases: dict[RateCategory, Centimes]
    amounts: AssessedAmounts
    increase: Centimes
    increase_kept: Centimes
    made_by: str
    made_at: datetime
    legal_day: date
    booked_at: datetime | None
    replaced_by: UUID | None
    replaced_at: datetime | None
