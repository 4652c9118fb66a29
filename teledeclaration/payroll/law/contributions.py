"""What declared bases cost: one rounding per rate line, shared out to branches and payers.

Law: the periodic declaration applies a line's rate to that line's total base; the annual declaration adds to each
quarter what its months, or the quarter itself, did not declare. Which lines an employment falls under, their rates
and the rounding are pages of `teledeclaration.legislation`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from schemas.assessments import AssessedAmounts, BranchAmount, RateLine, RatePart
from schemas.legislation import Branch, LegalReference, Payer, RateCategory
from teledeclaration.errors import Conflict
from teledeclaration.legislation import CategoryInForce, Legislation, LineInForce, Values, fingerprint
from teledeclaration.money import Centimes, largest_remainder, round_half_up
from teledeclaration.periods import Month, Quarter

Bases = Mapping[RateCategory, Centimes]
DeclaredPeriod = Month | Quarter

ROUNDING = "assessment.rounding"
ROUNDINGS: dict[str, Callable[[Decimal], Centimes]] = {"half_up_once_per_line": round_half_up}


class CategoryNotAssessable(Conflict):
    """A base was declared under a rate category that is disabled: its rates are not confirmed."""

    type = "rate-category-disabled"

    def __init__(self, category: RateCategory, day: str) -> None:
        super().__init__(category=category, day=day)


def assess(bases: Bases, values: Values) -> AssessedAmounts:
    """What one period's bases (centimes, by rate category) cost under the values of that period.

    Raises CategoryNotAssessable for a disabled category, NotInForce where the law held is younger than
    the period, KeyError for a category without a page, ValueError for a negative base.
    """
    return _assessed("", bases, values)


def assess_signed(bases: Bases, values: Values) -> AssessedAmounts:
    """What a difference of bases costs; each may be negative, and nothing comes of those that are zero.

    A line's amount is rounded once on its absolute value and keeps its sign, so that a base taken back costs what
    the same base added would have. Raises as `assess` does, but for a negative base.
    """
    return _assessed("", bases, values, signed=True)


def year_buckets(
    periodic: Mapping[DeclaredPeriod, Bases], annual: Mapping[Quarter, Bases] | None, legislation: Legislation
) -> dict[str, AssessedAmounts]:
    """What each period of a year is assessed at by all that stands, by the period's code.

    A month or quarter declared periodically costs its bases. Where an annual declaration stands (`annual`, by
    quarter), each of its quarters costs besides what its bases are beyond those declared periodically in it: more,
    less, or nothing. A period is under the values in force on its first day; a value that changes inside a quarter
    applies to its annual part from the next one, as the declaration does not say what was earned before the change.
    Lines of a quarter that is declared both ways stay side by side, each rounded once. Raises as `assess` does.
    """
    costs: dict[str, list[AssessedAmounts]] = defaultdict(list)
    for period, bases in sorted(periodic.items(), key=lambda each: each[0].code):
        costs[period.code].append(_assessed(period.code, bases, legislation.on(period.first_day)))
    for quarter, bases in (annual or {}).items():
        declared = [periodic[period] for period in (quarter, *quarter.months) if period in periodic]
        beyond = _beyond(bases, declared)
        costs[quarter.code].append(_assessed(quarter.code, beyond, legislation.on(quarter.first_day), signed=True))
    return {code: side_by_side(costs[code]) for code in sorted(costs)}


def added_up(bases: Iterable[Bases]) -> dict[RateCategory, Centimes]:
    """Bases of several declarations together."""
    sums: dict[RateCategory, Centimes] = defaultdict(int)
    for category, base in (pair for each in bases for pair in each.items()):
        sums[category] += base
    return dict(sums)


def side_by_side(assessments: Iterable[AssessedAmounts]) -> AssessedAmounts:
    """Assessments of several periods as one: their sums, and every line as it was rounded in its period."""
    assessments = tuple(assessments)
    lines = [line for assessment in assessments for line in assessment.lines]
    return _summed(lines, [reference for assessment in assessments for reference in assessment.law])


def difference(new: AssessedAmounts, before: AssessedAmounts) -> AssessedAmounts:
    """What `new` costs beyond `before`, by line, branch and payer; amounts may be negative.

    A line of both under the same law is one line of the difference; under changed values it is two, the
    old one taken back whole. Sums are kept: the difference and `before` add up to `new`.
    """
    return together([new, _taken_back(before)])


def together(assessments: Iterable[AssessedAmounts]) -> AssessedAmounts:
    """Assessments added up, line by line under the same law: what several declarations assessed so far."""
    assessments = tuple(assessments)
    lines: dict[object, RateLine] = {}
    for line in (line for assessment in assessments for line in assessment.lines):
        key = _identity(line)
        lines[key] = _added(lines[key], line) if key in lines else line
    law = [reference for assessment in assessments for reference in assessment.law]
    return _summed((line for line in lines.values() if _says_something(line)), law)


def dues_by_payer(assessment: AssessedAmounts) -> dict[Payer, Centimes]:
    """The sums owed on each payer's account, in centimes, every payer named; they add up to the total."""
    dues = dict.fromkeys(Payer, 0)
    for part in assessment.parts:
        dues[part.payer] += part.amount
    return dues


def shares_shown(base: Centimes, category: RateCategory, values: Values) -> dict[Payer, Centimes]:
    """What one employment's base costs each payer if it stood alone: for a page, never for a due.

    The sum over employees may differ from the declaration by rounding; `share_among` does not.
    """
    return dues_by_payer(assess({category: base}, values))


def share_among(amount: Centimes, bases: Sequence[Centimes]) -> list[Centimes]:
    """Each employment's share of a line's amount, in proportion to its base: the shares sum to it."""
    return largest_remainder(amount, [Decimal(base) for base in bases])


def rate_line_amount(total_base: Centimes, rate: Decimal, rounding: str) -> Centimes:
    """What one rate line costs on its total base, rounded once by the named rule; a base taken back, as much less."""
    return ROUNDINGS[rounding](total_base * rate)


def _assessed(code: str, declared: Bases, values: Values, *, signed: bool = False) -> AssessedAmounts:
    """`code` is the period's, where the caller named one. Signed, nothing is said of what is zero."""
    rounding = values.reference(ROUNDING)
    bases: dict[str, Centimes] = defaultdict(int)
    categories: list[LegalReference] = []
    for category, base in _checked(declared, values, signed=signed):
        categories.append(category.law)
        for line in category.lines:
            bases[line] += base
    lines = (_rate_line(values.line(line), rounding, base, (code,) if code else ()) for line, base in bases.items())
    return _summed((line for line in lines if not signed or _says_something(line)), categories)


def _checked(declared: Bases, values: Values, *, signed: bool) -> Iterable[tuple[CategoryInForce, Centimes]]:
    for name, base in sorted(declared.items()):
        if signed and not base:
            continue
        if base < 0 and not signed:
            raise ValueError("a declared base is negative")
        category = values.category(name)
        if not category.enabled:
            raise CategoryNotAssessable(name, values.day.isoformat())
        yield category, base


def _beyond(annual: Bases, periodic: Iterable[Bases]) -> Bases:
    """What a quarter's annual bases are beyond those declared periodically in it, by category; maybe negative."""
    declared = added_up(periodic)
    return {name: annual.get(name, 0) - declared.get(name, 0) for name in {*annual, *declared}}


def _rate_line(line: LineInForce, rounding: LegalReference, base: Centimes, periods: tuple[str, ...]) -> RateLine:
    amount = rate_line_amount(base, line.rate, rounding.value)
    shares = largest_remainder(amount, [part.rate for part in line.parts])
    return RateLine(
        code=line.code,
        base=base,
        rate=line.rate,
        amount=amount,
        parts=tuple(
            RatePart(branch=part.branch, payer=part.payer, rate=part.rate, amount=share, law=part.law)
            for part, share in zip(line.parts, shares, strict=True)
        ),
        law=(line.law, rounding),
        periods=periods,
    )


def _summed(lines: Iterable[RateLine], law: Iterable[LegalReference]) -> AssessedAmounts:
    """The lines in order of code and age of their law, with their sums and the law's fingerprint."""
    ordered = tuple(sorted(lines, key=lambda line: (line.code, line.law[0].valid_from, line.periods, line.base)))
    by_branch: dict[tuple[Branch, Payer], Centimes] = defaultdict(int)
    for part in (part for line in ordered for part in line.parts):
        by_branch[part.branch, part.payer] += part.amount
    used = tuple(sorted(set(law), key=lambda reference: (reference.key, reference.valid_from, reference.value)))
    return AssessedAmounts(
        total=sum(line.amount for line in ordered),
        lines=ordered,
        parts=tuple(
            BranchAmount(branch=branch, payer=payer, amount=amount) for (branch, payer), amount in by_branch.items()
        ),
        law=used,
        fingerprint=fingerprint([*used, *(reference for line in ordered for reference in _references(line))]),
    )


def _references(line: RateLine) -> Iterable[LegalReference]:
    yield from line.law
    for part in line.parts:
        yield from part.law


def _identity(line: RateLine) -> tuple[object, ...]:
    """Equal for lines of one code under the same values, even where a text or a doubt was mended since."""
    return (line.code, *((law.key, law.valid_from, law.value) for law in _references(line)))


def _taken_back(assessment: AssessedAmounts) -> AssessedAmounts:
    return msgspec.structs.replace(assessment, lines=tuple(_negated(line) for line in assessment.lines))


def _negated(line: RateLine) -> RateLine:
    parts = tuple(msgspec.structs.replace(part, amount=-part.amount) for part in line.parts)
    return msgspec.structs.replace(line, base=-line.base, amount=-line.amount, parts=parts)


def _added(one: RateLine, other: RateLine) -> RateLine:
    pairs = zip(one.parts, other.parts, strict=True)
    return msgspec.structs.replace(
        one,
        base=one.base + other.base,
        amount=one.amount + other.amount,
        parts=tuple(msgspec.structs.replace(part, amount=part.amount + more.amount) for part, more in pairs),
        periods=tuple(sorted({*one.periods, *other.periods})),
    )


def _says_something(line: RateLine) -> bool:
    return bool(line.base or line.amount or any(part.amount for part in line.parts))
