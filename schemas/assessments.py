"""What a declaration costs: by rate line, branch and payer, each figure with the law it comes from."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import msgspec

from schemas.legislation import Branch, LegalReference, Payer
from teledeclaration.money import Centimes


class RatePart(msgspec.Struct, frozen=True, kw_only=True):
    """A rate line's share for one branch and payer; `amount` is shared out of the line's, in centimes."""

    branch: Branch
    payer: Payer
    rate: Decimal
    amount: Centimes
    law: tuple[LegalReference, ...]


class RateLine(msgspec.Struct, frozen=True, kw_only=True):
    """One code of a period: its rate on its total base in centimes, rounded once; the parts sum to it.

    `periods` is the code of the period the base comes from (`2025-01`, `2025-Q1`); empty where the caller named none.
    Of a difference, as of what an annual declaration takes off a quarter, `base`, `amount` and the parts' amounts may
    be negative.
    """

    code: str
    base: Centimes
    rate: Decimal
    amount: Centimes
    parts: tuple[RatePart, ...]
    law: tuple[LegalReference, ...]
    periods: tuple[str, ...] = ()


class BranchAmount(msgspec.Struct, frozen=True, kw_only=True):
    """What all lines together give to one branch on one payer's account, in centimes."""

    branch: Branch
    payer: Payer
    amount: Centimes


class AssessedAmounts(msgspec.Struct, frozen=True, kw_only=True):
    """The whole cost in centimes: `total` is the sum of `lines`, and the sum of `parts`.

    `law` are the values that led from the employments' categories to the lines; `fingerprint` covers
    these and every line's and part's own: the same law gives the same fingerprint.
    """

    total: Centimes
    lines: tuple[RateLine, ...]
    parts: tuple[BranchAmount, ...]
    law: tuple[LegalReference, ...]
    fingerprint: str


class PeriodChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a period (a code) is assessed at beyond what it was before, by branch and payer, in centimes; maybe less.

    What is more is owed from `due_on`.
    """

    period: str
    due_on: date
    parts: tuple[BranchAmount, ...]


class IncreaseChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is owed more (positive) or less as the increase of a provisional assessment, in centimes."""

    provisional_id: UUID
    period: str
    due_on: date
    amount: Centimes
