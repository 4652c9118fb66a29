"""How alike two people are, and in what they differ: names in either script, dates of birth, numbers."""

from datetime import date
from functools import lru_cache
from typing import Literal

import msgspec
from rapidfuzz.distance import OSA, Hamming
from rapidfuzz.fuzz import partial_ratio, ratio

from teledeclaration.intake.spelling import Spelling, spelling

CLOSE_FROM = 75
"""From this score on, two people may be the same one: it is asked, never assumed."""

How = Literal["spelling", "script", "swapped", "exchanged", "digit", "zeros", "key", "year", "missing", "other"]
"""How one field differs: names by `spelling`, by `script`, or `swapped` with each other; dates by day and month
`exchanged`, by one `digit`, or known by `year` only; numbers by one `digit`, two digits `exchanged`, lost `zeros` or
the `key` only; `missing` on one side; else `other`."""

_NAMES_WEIGH, _BIRTH_WEIGHS, _NUMBER_WEIGHS = 60, 25, 15
_ALIKE: dict[How | None, int] = {None: 100, "zeros": 95, "key": 95, "exchanged": 90, "digit": 90, "year": 80}
_SWAPPED_COSTS = 5
_PART_FROM = 4
"""A name of this many sounds may be a part of a longer one: AMINE of MOHAMED AMINE."""
_NAME_NEAR = 60
"""Names below this are other names, not other spells of one."""
_KEY_DIGITS = 2


class Person(msgspec.Struct, frozen=True):
    """What is compared of someone; an empty or null field says nothing."""

    nss: str | None
    last_name: str | None
    first_name: str | None
    birth_date: date | None


class Closeness(msgspec.Struct, frozen=True):
    """How alike two people are, 0 to 100, and how each field differs that does."""

    score: int
    differs: dict[str, How]


def closeness(one: Person, other: Person) -> Closeness:
    """Names weigh most, then the date of birth, then the number; what either does not say weighs nothing."""
    names = _names(one.last_name or "", one.first_name or "", other.last_name or "", other.first_name or "")
    birth = birth_difference(one.birth_date, other.birth_date)
    number = number_difference(one.nss, other.nss)
    differs = {"last_name": names.last, "first_name": names.first, "birth_date": birth, "nss": number}
    return Closeness(_score(names.score, birth, number), {field: how for field, how in differs.items() if how})


def names_likeness(one: Person, other: Person) -> float:
    """How alike their names are together, 0 to 100, swapped where that is nearer."""
    return _names(one.last_name or "", one.first_name or "", other.last_name or "", other.first_name or "").score


def score_at_most(names: float) -> float:
    """The best score two people of names this alike can have."""
    return (names * _NAMES_WEIGH + 100 * (_BIRTH_WEIGHS + _NUMBER_WEIGHS)) / 100


def _score(names: float, birth: How | None, number: How | None) -> int:
    total, weights = names * _NAMES_WEIGH, _NAMES_WEIGH
    for how, weight in ((birth, _BIRTH_WEIGHS), (number, _NUMBER_WEIGHS)):
        if how != "missing":
            total += _ALIKE.get(how, 0) * weight
            weights += weight
    return int(total / weights)


# ── names ───────────────────────────────────────────────────────────────────────────────────────


class _Names(msgspec.Struct, frozen=True):
    score: float
    last: How | None
    first: How | None


@lru_cache(maxsize=200_000)
def _names(last: str, first: str, other_last: str, other_first: str) -> _Names:
    straight = _both(name_likeness(last, other_last), name_likeness(first, other_first))
    crossed = _both(name_likeness(last, other_first), name_likeness(first, other_last)) - _SWAPPED_COSTS
    if crossed > straight and crossed >= _NAME_NEAR:
        return _Names(crossed, "swapped", "swapped")
    return _Names(straight, name_difference(last, other_last), name_difference(first, other_first))


def _both(last: float, first: float) -> float:
    """Two names together: one that is quite another weighs more than one that is quite the same."""
    return (last + first + min(last, first)) / 3


def name_difference(one: str | None, other: str | None) -> How | None:
    """How two names differ; None where they are the same but for case and spaces."""
    if (one or "").upper().split() == (other or "").upper().split():
        return None
    if not one or not other:
        return "missing"
    if name_likeness(one, other) < _NAME_NEAR:
        return "other"
    return "spelling" if spelling(one).arabic == spelling(other).arabic else "script"


@lru_cache(maxsize=200_000)
def name_likeness(one: str, other: str) -> float:
    """How alike two names sound, 0 to 100. Between scripts the consonants decide: short vowels are not written.

    A name that is not said is half like any other.
    """
    mine, theirs = spelling(one), spelling(other)
    if not mine.sounds or not theirs.sounds:
        return 50.0
    if mine.sounds == theirs.sounds:
        return 100.0
    return max(_likeness(mine, theirs), _as_a_part(mine, theirs))


def _likeness(mine: Spelling, theirs: Spelling) -> float:
    consonants = ratio(mine.consonants, theirs.consonants)
    sounds = ratio(mine.sounds, theirs.sounds)
    weight = 0.25 if mine.arabic == theirs.arabic else 0.7
    return weight * consonants + (1 - weight) * sounds


def _as_a_part(mine: Spelling, theirs: Spelling) -> float:
    """One name within the other, as where someone's second first name was left away."""
    if mine.arabic != theirs.arabic or min(len(mine.sounds), len(theirs.sounds)) < _PART_FROM:
        return 0.0
    return 0.85 * partial_ratio(mine.sounds, theirs.sounds, score_cutoff=90)


def forget_names() -> None:
    """Keep no name of one employer's people in memory for the next."""
    for remembered in (_names, name_likeness, spelling):
        remembered.cache_clear()


# ── dates and numbers ───────────────────────────────────────────────────────────────────────────


def birth_difference(one: date | None, other: date | None) -> How | None:
    """How two dates of birth differ; 1 January of the same year is taken for "only the year is known"."""
    if one == other:
        return "missing" if one is None else None
    if one is None or other is None:
        return "missing"
    if one.year == other.year:
        if (one.month, one.day) == (other.day, other.month):
            return "exchanged"
        if (1, 1) in ((one.month, one.day), (other.month, other.day)):
            return "year"
    return "digit" if _one_digit_off(one.isoformat(), other.isoformat()) else "other"


def number_difference(one: str | None, other: str | None) -> How | None:
    """How two social security numbers differ, as far as a slip of the hand or of a spreadsheet explains it."""
    if not one or not other:
        return "missing"
    if one == other:
        return None
    if one.lstrip("0") == other.lstrip("0"):
        return "zeros"
    if len(one) == len(other) and one[:-_KEY_DIGITS] == other[:-_KEY_DIGITS]:
        return "key"
    if _one_digit_off(one, other) or OSA.distance(one, other, score_cutoff=1) == 1:
        return "exchanged" if sorted(one) == sorted(other) else "digit"
    return "other"


def _one_digit_off(one: str, other: str) -> bool:
    return len(one) == len(other) and Hamming.distance(one, other) == 1
