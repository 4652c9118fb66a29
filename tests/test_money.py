"""Centimes: shared to the last one, rounded half up once."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teledeclaration.money import largest_remainder, round_half_up, share_out

AMOUNTS = st.integers(-(10**15), 10**15)
WEIGHTS = st.lists(st.decimals(0, 100, places=4), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [
        ("0", 0),
        ("0.4999999999", 0),
        ("0.5", 1),
        ("1.5", 2),
        ("2.5", 3),
        ("1556829.75", 1_556_830),
        ("-0.4999999999", 0),
        ("-0.5", -1),
        ("-2.5", -3),
    ],
)
def test_half_a_centime_goes_away_from_zero(amount: str, rounded: int) -> None:
    assert round_half_up(Decimal(amount)) == rounded
    assert round_half_up(Fraction(amount)) == rounded


@given(st.decimals(-(10**15), 10**15, places=6))
def test_decimals_and_fractions_round_alike(amount: Decimal) -> None:
    assert round_half_up(amount) == round_half_up(Fraction(amount))


@given(AMOUNTS, WEIGHTS)
def test_parts_sum_to_the_whole_and_each_is_its_share_to_a_centime(total: int, weights: list[Decimal]) -> None:
    parts = largest_remainder(total, weights)
    assert sum(parts) == total
    whole = sum(weights)
    if whole:
        for part, weight in zip(parts, weights, strict=True):
            assert abs(part - Fraction(total) * Fraction(weight) / Fraction(whole)) < 1


@given(AMOUNTS, WEIGHTS)
def test_who_weighs_more_never_gets_less(total: int, weights: list[Decimal]) -> None:
    by_weight = sorted(zip(weights, map(abs, largest_remainder(total, weights)), strict=True))
    for (light, less), (heavy, more) in pairwise(by_weight):
        assert less <= more or light == heavy


@given(AMOUNTS, st.integers(0, 10_000), WEIGHTS)
def test_scale_does_not_matter(total: int, scale: int, weights: list[Decimal]) -> None:
    assert largest_remainder(total, weights) == largest_remainder(total, [weight * (scale + 1) for weight in weights])


def test_a_weight_of_zero_gets_nothing_and_a_tie_goes_to_the_first() -> None:
    assert largest_remainder(101, [Decimal(0), Decimal(1), Decimal(1)]) == [0, 51, 50]
    assert largest_remainder(-101, [Decimal(0), Decimal(1), Decimal(1)]) == [0, -51, -50]
    assert largest_remainder(7, [Decimal(0), Decimal(0)]) == [7, 0]


@pytest.mark.parametrize("weights", [[], [Decimal(1), Decimal("-0.1")]])
def test_what_cannot_be_shared_is_refused(weights: list[Decimal]) -> None:
    with pytest.raises(ValueError, match=r"nothing to share|negative"):
        largest_remainder(100, weights)


def test_by_name() -> None:
    assert share_out(100, {"employer": Decimal(25), "worker": Decimal(9)}) == {"employer": 74, "worker": 26}
