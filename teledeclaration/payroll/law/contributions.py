"""What declared bases cost: one rounding per rate line, shared out to branches and payers.

Law: the periodic declaration applies a line's rate to that line's total base. Which lines an
employment falls under, their rates and the rounding are pages of `teledeclaration.legislation`.
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
from teledeclaration.periods import Quarter

Bases = Mapping[RateCategory, Centimes]

ROUNDING = "assessment.rounding"
ROUNDINGS: dict[str, Callable[[Decimal], Centimes]] = {"half_up_once_per_line": round_half_up}


class CategoryNotAssessable(Conflict):
    """A base was declared under a rate category that is disabled: its rates are not confirmed."""

    type = "rate-category-disabled"

    def __init__(self, category: RateCategory, day: str) -> None:
        super().__init__(category=category, day=day)


class _Charge(msgspec.Struct, frozen=True):
    """A line as it stood for some of the periods; equal where every value and its text are the same."""

    line: LineInForce
    rounding: LegalReference


def assess(bases: Bases, values: Values) -> AssessedAmounts:
    """What one period's bases (centimes, by rate category) cost under the values of that period.

    Raises CategoryNotAssessable for a disabled category, NotInForce where the law held is younger than
    the period, KeyError for a category without a page, ValueError for a negative base.
    """
    return _assessed([("", bases, values)])


def assess_quarters(bases: Mapping[Quarter, Bases], legislation: Legislation) -> AssessedAmounts:
    """What an annual declaration costs: each quarter under the values in force on its first day.

    Quarters under the same law make one line with one rounding, so a year without a change of rate has
    each line once. A value that changes inside a quarter applies from the next one: the declaration
    does not say what was earned before the change. Raises as `assess` does.
    """
    return _assessed(
        (quarter.code, bases[quarter], legislation.on(quarter.first_day)) for quarter in sorted(bases, key=_in_time)
    )


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
    """What one rate line costs on its total base, rounded once by the named rule."""
    return ROUNDINGS[rounding](total_base * rate)


def _assessed(periods: Iterable[tuple[str, Bases, Values]]) -> AssessedAmounts:
    bases: dict[_Charge, Centimes] = defaultdict(int)
    codes: dict[_Charge, list[str]] = defaultdict(list)
    categories: list[LegalReference] = []
    for code, declared, values in periods:
        rounding = values.reference(ROUNDING)
        for category, base in _checked(declared, values):
            categories.append(category.law)
            for line in category.lines:
                charge = _Charge(values.line(line), rounding)
                bases[charge] += base
                if code and code not in codes[charge]:
                    codes[charge].append(code)
    return _summed((_rate_line(charge, base, codes[charge]) for charge, base in bases.items()), categories)


def _checked(declared: Bases, values: Values) -> Iterable[tuple[CategoryInForce, Centimes]]:
    for name, base in sorted(declared.items()):
        if base < 0:
            raise ValueError("a declared base is negative")
        category = values.category(name)
        if not category.enabled:
            raise CategoryNotAssessable(name, values.day.isoformat())
        yield category, base


def _rate_line(charge: _Charge, base: Centimes, periods: list[str]) -> RateLine:
    line = charge.line
    amount = rate_line_amount(base, line.rate, charge.rounding.value)
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
        law=(line.law, charge.rounding),
        periods=tuple(periods),
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


def _in_time(quarter: Quarter) -> tuple[int, int]:
    return (quarter.year, quarter.number)
