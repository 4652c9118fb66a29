"""Money is integer centimes; every rounding has a name and is done once."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import TypeVar

Centimes = int

Part = TypeVar("Part")


def round_half_up(amount: Decimal | Fraction) -> Centimes:
    """The nearest whole centime; exactly half a centime goes away from zero."""
    if isinstance(amount, Decimal):
        return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))
    whole = (2 * abs(amount.numerator) + amount.denominator) // (2 * amount.denominator)
    return whole if amount >= 0 else -whole


def largest_remainder(total: Centimes, weights: Sequence[Decimal]) -> list[Centimes]:
    """Share `total` in proportion to `weights`, so that the parts sum to it to the centime.

    Every part gets its share rounded towards zero; the centimes left over go, one each, to the
    largest remainders, the earlier part first where two are equal. Weights are not negative; where
    all are zero, the first part takes everything.
    """
    if not weights:
        raise ValueError("nothing to share the amount among")
    if any(weight < 0 for weight in weights):
        raise ValueError("a weight is negative")
    if total < 0:
        return [-part for part in largest_remainder(-total, weights)]
    whole = sum(weights, Decimal(0))
    if whole == 0:
        return [total, *(0 for _ in weights[1:])]
    shares = [Fraction(total) * Fraction(weight) / Fraction(whole) for weight in weights]
    parts = [share.numerator // share.denominator for share in shares]
    left = total - sum(parts)
    by_remainder = sorted(range(len(parts)), key=lambda place: (parts[place] - shares[place], place))
    for place in by_remainder[:left]:
        parts[place] += 1
    return parts


def share_out(total: Centimes, weights: Mapping[Part, Decimal]) -> dict[Part, Centimes]:
    """`largest_remainder` by name instead of by place."""
    return dict(zip(weights, largest_remainder(total, list(weights.values())), strict=True))
