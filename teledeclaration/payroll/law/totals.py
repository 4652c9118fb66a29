"""A declaration by rate line only: which rate categories its codes stand for.

The form names codes; contributions are assessed by rate category. Every base stands under one line of its own (R22,
R06 …). A line that all categories share (R98) sums what the others say, and adds no base. A line that only supplements
others (R38) says which part of the general line's base it is of: its base is taken out of that line's.
Which categories have which lines is law (`legislation`); no code is named here.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from schemas.legislation import GENERAL, RateCategory
from teledeclaration.legislation import Values
from teledeclaration.money import Centimes


class Total(msgspec.Struct, frozen=True):
    """A base in centimes and the number of workers it is of."""

    base: Centimes
    workers: int = 0


class CodeUnknown(ValueError):
    """No line and no category of the law has this name, or it may not be declared under; `code` is the name."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class SupplementTooLarge(ValueError):
    """A supplementing line has a larger base than the line it supplements: `code` and `of` name them."""

    def __init__(self, code: str, of: str) -> None:
        super().__init__(code, of)
        self.code, self.of = code, of


class Codes(msgspec.Struct, frozen=True):
    """What each code stands for on a day.

    `own` gives the category of a line that stands alone; `supplements` the category of a line that adds to the
    general one; `shared` are the lines every base has.
    """

    own: dict[str, RateCategory]
    supplements: dict[str, RateCategory]
    shared: frozenset[str]
    general: str
    categories: frozenset[RateCategory]

    def known(self, code: str) -> bool:
        """Whether a line of totals may name it."""
        return code in self.categories or code in self.shared or code in self.own or code in self.supplements


def codes_of(values: Values) -> Codes:
    """The codes of the law in force on a day. The general category names its own line first, then the shared ones."""
    lines = {name: values.category(name).lines for name in values.enabled_categories()}
    general, *others = lines[GENERAL]
    shared = frozenset(others)
    rests = {name: frozenset(codes) - shared for name, codes in lines.items()}
    single = {next(iter(rest)): name for name, rest in rests.items() if len(rest) == 1}
    supplements = {
        next(iter(rest - {general})): name for name, rest in rests.items() if len(rest) == 2 and general in rest
    }
    return Codes(own=single, supplements=supplements, shared=shared, general=general, categories=frozenset(lines))


def by_category(totals: Iterable[tuple[str, Total]], codes: Codes) -> dict[RateCategory, Total]:
    """The totals of codes (or of categories, by their own names) as totals of rate categories, in order of name.

    A code named twice is added up. CodeUnknown or SupplementTooLarge where that cannot be.
    """
    said: dict[str, Total] = defaultdict(lambda: Total(0))
    for code, total in totals:
        if not codes.known(code):
            raise CodeUnknown(code)
        said[code] = _plus(said[code], total)
    found: dict[RateCategory, Total] = defaultdict(lambda: Total(0))
    for code, total in said.items():
        if code not in codes.shared and code not in codes.supplements:
            name = codes.own.get(code, code)
            found[name] = _plus(found[name], total)
    for code, category in codes.supplements.items():
        if code in said:
            found[category] = _plus(found[category], said[code])
            found[GENERAL] = _taken_out(code, said, codes, found[GENERAL])
    return {name: found[name] for name in sorted(found) if found[name] != Total(0)}


def by_code(totals: Mapping[RateCategory, Total], codes: Codes) -> dict[str, Total]:
    """The totals of rate categories as the form's lines: the other way round. A category without a line of its own
    stands by its name; the shared lines come last, with the sum of all."""
    names = {category: code for code, category in codes.own.items()}
    said: dict[str, Total] = defaultdict(lambda: Total(0))
    for category, total in totals.items():
        supplement = next((code for code, of in codes.supplements.items() if of == category), None)
        line = codes.general if supplement else names.get(category, category)
        said[line] = _plus(said[line], total)
        if supplement:
            said[supplement] = _plus(said[supplement], total)
    whole = Total(sum(total.base for total in totals.values()), sum(total.workers for total in totals.values()))
    return {code: said[code] for code in sorted(said)} | dict.fromkeys(sorted(codes.shared), whole)


def shared_differs(totals: Iterable[tuple[str, Total]], codes: Codes) -> list[tuple[str, Centimes, Centimes]]:
    """The shared lines whose base is not the sum of all the others': (code, as said, as it should be)."""
    said = list(totals)
    expected = sum(total.base for code, total in said if code not in codes.shared and code not in codes.supplements)
    told: dict[str, Centimes] = defaultdict(int)
    for code, total in said:
        if code in codes.shared:
            told[code] += total.base
    return [(code, base, expected) for code, base in sorted(told.items()) if base != expected]


def _taken_out(code: str, said: Mapping[str, Total], codes: Codes, general: Total) -> Total:
    """The general line without the part that a supplement says is another category's."""
    part = said[code]
    if part.base > said.get(codes.general, Total(0)).base or part.base > general.base:
        raise SupplementTooLarge(code, codes.general)
    return Total(general.base - part.base, max(0, general.workers - part.workers))


def _plus(one: Total, other: Total) -> Total:
    return Total(one.base + other.base, one.workers + other.workers)
