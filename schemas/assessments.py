"""What a declaration costs: by rate line, branch and payer, each figure with the law it comes from."""

from decimal import Decimal

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
    """One code of the declaration: its rate on its total base in centimes, rounded once; the parts sum to it.

    `periods` are the codes of the periods the base comes from, in order (`2025-Q1`); empty where the
    caller named none. In a difference, `base`, `amount` and the parts' amounts may be negative.
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
