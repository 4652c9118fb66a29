"""In what order an amount is set against what is open."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec

from teledeclaration.money import Centimes


class OpenAmount(msgspec.Struct, frozen=True):
    """A due with something left to pay, or a credit with something left to use."""

    amount_id: UUID
    remaining: Centimes
    since: date


class Taken(msgspec.Struct, frozen=True):
    """What is taken of one open amount; never nothing, never more than remained."""

    amount_id: UUID
    amount: Centimes


def oldest_first(amount: Centimes, open_amounts: Sequence[OpenAmount]) -> tuple[list[Taken], Centimes]:
    """What `amount` takes of each, from the oldest day on, and the rest that nothing was open for."""
    taken = []
    for opened in sorted(open_amounts, key=lambda each: (each.since, each.amount_id)):
        part = min(amount, opened.remaining)
        if part > 0:
            taken.append(Taken(opened.amount_id, part))
            amount -= part
    return taken, amount
