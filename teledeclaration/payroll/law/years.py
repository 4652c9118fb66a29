"""Which bases of a centre's year count, of all that was declared or reckoned for it.

A declaration counts until another replaces it by name; what completes a declaration stays with whatever took its
place. A provisional assessment stands for its period until a declaration of that period comes, whatever it says.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal
from uuid import UUID

import msgspec

from teledeclaration.payroll.law.contributions import Bases, DeclaredPeriod, added_up
from teledeclaration.periods import Quarter

Form = Literal["annual", "periodic", "provisional"]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A declaration or a provisional assessment; `bases` in centimes by the periods it speaks of (an annual one: by
    quarter), each by rate category."""

    subject: UUID
    form: Form
    replaces: UUID | None = None
    bases: Mapping[DeclaredPeriod, Bases]


class StandingBases(msgspec.Struct, frozen=True):
    """`annual` is None where no annual declaration stands."""

    periodic: dict[DeclaredPeriod, Bases]
    annual: dict[Quarter, Bases] | None


def overlap(one: DeclaredPeriod, other: DeclaredPeriod) -> bool:
    """Whether two periods have a day in common."""
    return one.first_day <= other.last_day and other.first_day <= one.last_day


def bases_that_stand(told: Sequence[Told]) -> StandingBases:
    """The bases that count once all of `told` are there, whatever their order."""
    gone = {one.replaces for one in told}
    standing = [one for one in told if one.subject not in gone]
    ever_declared = [period for one in told if one.form == "periodic" for period in one.bases]
    annual = _by_period(one.bases for one in standing if one.form == "annual")
    return StandingBases(
        periodic=_by_period(
            one.bases
            for one in standing
            if one.form == "periodic" or (one.form == "provisional" and not _overlaps(one.bases, ever_declared))
        ),
        annual={quarter: bases for quarter, bases in annual.items() if isinstance(quarter, Quarter)} or None,
    )


def _overlaps(periods: Iterable[DeclaredPeriod], others: Sequence[DeclaredPeriod]) -> bool:
    return any(overlap(period, other) for period in periods for other in others)


def _by_period(told: Iterable[Mapping[DeclaredPeriod, Bases]]) -> dict[DeclaredPeriod, Bases]:
    several: dict[DeclaredPeriod, list[Bases]] = defaultdict(list)
    for period, bases in (pair for one in told for pair in one.items()):
        several[period].append(bases)
    return {period: added_up(bases) for period, bases in several.items()}
