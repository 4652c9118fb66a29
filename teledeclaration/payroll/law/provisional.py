"""What the fund reckons for a period that nobody declared in time.

Law: a provisional assessment taken from the month, quarter or year before, or flat, and increased; the increase stays
with the fund once the real declaration comes. Which of them is taken first is not said: the first one that was
declared, in the order of the law's page, is ours.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction

import msgspec

from schemas.assessments import AssessedAmounts
from schemas.legislation import GENERAL
from teledeclaration.errors import Conflict
from teledeclaration.legislation import Legislation, NotInForce, Values
from teledeclaration.money import Centimes, round_half_up
from teledeclaration.payroll.law.contributions import (
    ROUNDING,
    Bases,
    DeclaredPeriod,
    added_up,
    rate_line_amount,
    year_buckets,
)
from teledeclaration.payroll.law.periods import quarter_of
from teledeclaration.payroll.law.years import StandingBases
from teledeclaration.periods import Month, Quarter, Year

SOURCES = "provisional_assessment.sources"
INCREASE = "provisional_assessment.increase"
FLAT = "provisional_assessment.flat_amount"
KEPT = "provisional_assessment.increase_is_kept"
MONTHS = {Month: 1, Quarter: 3, Year: 12}


class NothingToAssessFrom(Conflict):
    """No period before it was declared, and no flat amount is held, or nobody said for how many workers."""

    type = "nothing-to-assess-from"


class Reckoned(msgspec.Struct, frozen=True, kw_only=True):
    """A provisional assessment before it is made; bases, amounts and increase in centimes.

    `taken_from` is a word of the law's page, `source_periods` the codes of what was declared for it.
    """

    taken_from: str
    source_periods: tuple[str, ...]
    bases: Bases
    amounts: AssessedAmounts
    increase: Centimes


class _Source(msgspec.Struct, frozen=True):
    periods: Sequence[Month | Quarter | Year]
    bases: Bases


def reckon(
    period: DeclaredPeriod, declared: StandingBases, workers: int | None, legislation: Legislation, values: Values
) -> Reckoned:
    """What a period costs until it is declared: the bases of the first source that has any, under the period's law.

    `declared` is what stands of the years before and of the period's own; `values` those in force when the assessment
    is made. A longer source is taken in proportion to its months, each category's base rounded half up.
    NothingToAssessFrom where no source has anything; raises besides as `contributions.assess` does.
    """
    for word in values.words(SOURCES):
        source = _flat(period, workers, values) if word == "flat" else _declared_before(word, period, declared)
        if source is None or not any(source.bases.values()):
            continue
        amounts = year_buckets({period: source.bases}, None, legislation)[period.code]
        return Reckoned(
            taken_from=word,
            source_periods=tuple(each.code for each in source.periods),
            bases=source.bases,
            amounts=amounts,
            increase=increase_of(amounts.total, values),
        )
    raise NothingToAssessFrom(period=period.code)


def increase_of(contributions: Centimes, values: Values) -> Centimes:
    """The increase of what was reckoned, rounded once by the rule for rate lines."""
    return rate_line_amount(contributions, values.number(INCREASE), values.reference(ROUNDING).value)


def increase_after_declaration(increase: Centimes, values: Values) -> Centimes:
    """What stays owed of an increase once its period is declared."""
    return increase if values.flag(KEPT) else 0


def _declared_before(word: str, period: DeclaredPeriod, declared: StandingBases) -> _Source | None:
    """The month, quarter or year before, brought to the period's length; None where it was not declared."""
    before = _before(word, period)
    if before is None:
        return None
    bases = _bases_of(before, declared)
    if bases is None:
        return None
    share = Fraction(MONTHS[type(period)], MONTHS[type(before)])
    return _Source([before], {category: round_half_up(base * share) for category, base in bases.items()})


def _before(word: str, period: DeclaredPeriod) -> Month | Quarter | Year | None:
    """The period a source's word means; a month says nothing of a whole quarter."""
    if word == "previous_month":
        return _month_before(period) if isinstance(period, Month) else None
    if word == "previous_quarter":
        return _quarter_before(quarter_of(period))
    return Year(period.year - 1) if word == "previous_year" else None


def _month_before(month: Month) -> Month:
    return Month(month.year - (month.number == 1), (month.number + 10) % 12 + 1)


def _quarter_before(quarter: Quarter) -> Quarter:
    return Quarter(quarter.year - (quarter.number == 1), (quarter.number + 2) % 4 + 1)


def _bases_of(period: Month | Quarter | Year, declared: StandingBases) -> Bases | None:
    """A period's bases as declared: by itself, by the annual declaration, or by all that it consists of."""
    if isinstance(period, Month):
        return declared.periodic.get(period)
    if isinstance(period, Year):
        return _all_of(_bases_of(quarter, declared) for quarter in period.quarters)
    if declared.annual is not None and period in declared.annual:
        return declared.annual[period]
    return declared.periodic.get(period) or _all_of(declared.periodic.get(month) for month in period.months)


def _all_of(parts: Iterable[Bases | None]) -> Bases | None:
    known = list(parts)
    return None if None in known else added_up(bases for bases in known if bases is not None)


def _flat(period: DeclaredPeriod, workers: int | None, values: Values) -> _Source | None:
    """The flat base a worker and month, where the fund has given one and someone says for how many."""
    try:
        amount = values.amount(FLAT)
    except NotInForce:
        return None
    return None if not workers else _Source([], {GENERAL: amount * workers * MONTHS[type(period)]})
