"""Headers that nobody listed whole, understood by the words they are made of: every word must be known."""

from functools import cache

from teledeclaration.intake.forms import synonyms
from teledeclaration.intake.normalising import normalised

_BASIC_PAY = ({"salaire", "base"}, {"sal", "base"})
"""The pay agreed on, which is not what contributions are counted on."""

_COUNTED_ON = frozenset(
    {"salaire", "salaires", "sal", "assiette", "assiettes", "ass", "base", "bases", "brut", "soumis"}
)
_CONTRIBUTION = frozenset({"cot", "cotisation", "cotisations"})
_UNITS = {"days": "duration_j", "hours": "duration_h", "months": "duration_m"}


def measured_in_words(words: str) -> str | None:
    """What a header without its quarter measures: `amount`, `duration`, `duration_j` …; None where that is not sure."""
    said = set(words.split())
    if said & _words("amount") and said <= _words("amount") | _words("with_amount") and _is_pay(said):
        return "amount"
    units = [measure for name, measure in _UNITS.items() if said & _words(name)]
    lasting = _words("duration") | _words("days") | _words("hours") | _words("months")
    if said & lasting and said <= lasting | _words("with_duration"):
        return units[0] if len(units) == 1 else "duration"
    return None


def is_annual_in_words(words: str) -> bool:
    """Whether a header that names no quarter is of the whole year's pay: "Cumul brut", "Total soumis à cotisation"."""
    said = set(words.split())
    known = _words("amount") | _words("with_amount") | _words("annual")
    return len(said) > 1 and bool(said & _words("annual")) and said <= known and _is_pay(said)


def without_person(words: str) -> str:
    """The words without those that only say whose column it is."""
    return " ".join(word for word in words.split() if word not in _words("person"))


def _is_pay(said: set[str]) -> bool:
    """Not a basic pay, nor contributions themselves."""
    return said not in _BASIC_PAY and (not said & _CONTRIBUTION or bool(said & _COUNTED_ON))


@cache
def _words(kind: str) -> frozenset[str]:
    return frozenset(map(normalised, synonyms().phrases[kind]))
