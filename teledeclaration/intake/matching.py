"""What a column's header means: a field of the form, a measure of a quarter, or nothing we use."""

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from rapidfuzz import fuzz, process

from schemas.annual import Unit
from teledeclaration.intake.forms import FORMS, FormName, by_word, synonyms
from teledeclaration.intake.normalising import normalised
from teledeclaration.intake.phrases import is_annual_in_words, measured_in_words, without_person

_EXACT = 100.0
_BY_PARTS = 96.0
_BARE_QUARTER = 90.0
_CLOSE_ENOUGH = 86.0
_FUZZY_LENGTH_MIN = 5
_HEADER_LENGTH_MAX = 300  # a cell may hold 32,767 letters, over which the patterns would go for minutes

_ORDINALS = {
    **dict.fromkeys(("premier", "1er", "first", "الاول", "اول", "i"), 1),
    **dict.fromkeys(("deuxieme", "second", "seconde", "الثاني", "ثاني", "ii"), 2),
    **dict.fromkeys(("troisieme", "third", "الثالث", "ثالث", "iii"), 3),
    **dict.fromkeys(("quatrieme", "fourth", "الرابع", "رابع", "iv"), 4),
}
_NAMES = "|".join(sorted((re.escape(name) for name in _ORDINALS), key=len, reverse=True))
_LATIN = "trimestres?|trimestriel|trimes|trimest|trim|trm|tri|tr|quarter|qtr|qt|q|t"
_ARABIC = "(?:لل|ال|بال|ل)?(?:ثلاثي|فصل|ربع)|ث"
_QUARTERS = (
    re.compile(rf"\b(?P<n>[1-4])\s?(?:ere|er|re|eme|ieme|e|nde|nd|st|rd|th)?\s?(?:{_LATIN}|{_ARABIC})\b"),
    re.compile(rf"\b(?P<n>{_NAMES})\s(?:{_LATIN}|{_ARABIC})\b"),
    re.compile(rf"\b(?:{_LATIN}|{_ARABIC})\s?(?:no\s)?(?P<n>[1-4])(?!\d)"),
    re.compile(rf"\b(?:{_LATIN}|{_ARABIC})\s(?:no\s)?(?P<n>{_NAMES})\b"),
)
_MONTH_SPANS = (
    re.compile(r"\bjan\w*\s(?:a\s|au\s|to\s)?(?:fev\w*\s)?mar\w*\b"),
    re.compile(r"\b(?:avr|apr)\w*\s(?:a\s|au\s|to\s)?(?:mai\s|may\s)?(?:juin|june?)\b"),
    re.compile(r"\bjui?l\w*\s(?:a\s|au\s|to\s)?(?:aout\s|aug\w*\s)?sep\w*\b"),
    re.compile(r"\boct\w*\s(?:a\s|au\s|to\s)?(?:nov\w*\s)?dec\w*\b"),
)
_LAST_DIGIT = re.compile(r"^(?P<rest>.*?[^\W\d]+)\s?(?P<n>[1-4])$")
_GLUED = re.compile(r"(?<=\w)t(?:rim)?$")  # NBJT1, SBTRIM2
_ALL_QUARTERS = re.compile(
    r"^(?:total|tot|somme|cumul|ensemble|مجموع)\b.*(?:\b(?:4|quatre|four)\s(?:trimestres?|trims?|quarters?)\b|\bt1\b.*\bt4\b)"
)
_OF_A_PERSON = (
    "nss",
    "last_name",
    "first_name",
    "full_name",
    "full_name_first",
    "birth_date",
    "entry_date",
    "exit_date",
)
_BRACKETS = re.compile(r"[(\[{].*?[)\]}]")
_FILLERS = re.compile(
    r"\b(?:da|dzd|dinars?|en|du|de|des|d|le|la|l|au|pour|the|of|for|in|exercice|annee|20\d\d|دج|ب|في)\b"
)


_UNITS: dict[str, Unit] = {"j": "J", "h": "H", "m": "M"}


@dataclass(frozen=True)
class Meaning:
    """`field` of the form, a bare measure (`duration`, `unit`, `amount`), a person's `full_name`, or `ignored`.

    `unit` is known where the words say it ("Nombre de jours"). `score` is 100 for words that are known.
    """

    field: str
    score: float
    unit: Unit | None = None


@dataclass(frozen=True)
class _Vocabulary:
    fields: dict[str, str]
    measures: dict[str, str]
    by_quarter: bool


@cache
def _vocabulary(form: FormName) -> _Vocabulary:
    known = synonyms()
    described = FORMS[form]
    wanted = {*described.fields, "full_name", "full_name_first"}
    fields = by_word({name: words for name, words in known.fields.items() if name in wanted})
    for word in by_word(known.ignored):
        fields.setdefault(word, "ignored")
    measures = by_word(known.measures) if described.amounts else {}
    return _Vocabulary(fields, measures, described.by_quarter)


@lru_cache(maxsize=20_000)
def meaning(text: str, form: FormName, *, fuzzy: bool = True) -> Meaning | None:
    """What a header says, or None where it says nothing known.

    Known words come first, then the same without what stands in brackets, then words that are close.
    """
    if len(text) > _HEADER_LENGTH_MAX:
        return None
    words = normalised(text)
    bare = _unfilled(normalised(_BRACKETS.sub(" ", text)))
    for attempt in dict.fromkeys((words, bare)):
        if found := _known(attempt, form):
            return found
    return _close(bare, form) if fuzzy else None


def bare_words(text: str) -> str:
    """A header as it is compared with another file's: without its dress, fillers and years."""
    return _unfilled(normalised(text[:_HEADER_LENGTH_MAX]))


def _unfilled(words: str) -> str:
    return " ".join(_FILLERS.sub(" ", words).split())


def _known(words: str, form: FormName) -> Meaning | None:
    vocabulary = _vocabulary(form)
    if field := vocabulary.fields.get(words):
        return Meaning(field, _EXACT)
    if (field := vocabulary.fields.get(without_person(words))) in _OF_A_PERSON:
        return Meaning(field, _BY_PARTS)
    return _known_measure(words, vocabulary) if vocabulary.measures else None


def _known_measure(words: str, vocabulary: _Vocabulary) -> Meaning | None:
    """A measure of a quarter, a bare one, or the pay of the whole year.

    A form of one period has no quarters: what is measured in one may be all there is, and is less sure.
    """
    quarter, rest = _quarter(words)
    if quarter is None:
        if _ALL_QUARTERS.search(words) or (vocabulary.by_quarter and is_annual_in_words(words)):
            return Meaning("annual_amount", _BY_PARTS) if vocabulary.by_quarter else None
        bare = measured_in_words(words) if " " in words else None
        return _measured(vocabulary.measures.get(words), None, _EXACT) or _measured(bare, None, _BY_PARTS)
    if not rest:
        return Meaning(f"q{quarter}_amount", _BARE_QUARTER) if vocabulary.by_quarter else None
    at, (sure, less_sure) = (quarter, (_EXACT, _BY_PARTS)) if vocabulary.by_quarter else (None, (_BARE_QUARTER,) * 2)
    for attempt in dict.fromkeys((rest, _GLUED.sub("", rest))):
        if measure := vocabulary.measures.get(attempt):
            return _measured(measure, at, sure)
        if measure := measured_in_words(attempt):
            return _measured(measure, at, less_sure)
    return None


def _measured(measure: str | None, quarter: int | None, score: float) -> Meaning | None:
    if measure is None:
        return None
    name, _, unit = measure.partition("_")
    field = name if quarter is None else f"q{quarter}_{name}"
    return Meaning(field, score, _UNITS.get(unit))


def quarter_in_words(words: str) -> int | None:
    """The quarter that normalised words name: "1er trimestre", "t2"; None where they name none."""
    for pattern in _QUARTERS:
        if found := pattern.search(words):
            name = found["n"]
            return int(name) if name.isdigit() else _ORDINALS[name]
    return None


def _quarter(words: str) -> tuple[int | None, str]:
    """The quarter the words speak of, and the words without it; none where they speak of all four."""
    if _ALL_QUARTERS.search(words):
        return None, words
    for pattern in _QUARTERS:
        if found := pattern.search(words):
            name = found["n"]
            number = int(name) if name.isdigit() else _ORDINALS[name]
            return number, _unfilled(words[: found.start()] + " " + words[found.end() :])
    for number, pattern in enumerate(_MONTH_SPANS, start=1):
        if found := pattern.search(words):
            return number, _unfilled(words[: found.start()] + " " + words[found.end() :])
    if found := _LAST_DIGIT.match(words):
        return int(found["n"]), _unfilled(found["rest"])
    return None, words


def _close(words: str, form: FormName) -> Meaning | None:
    vocabulary = _vocabulary(form)
    quarter, rest = _quarter(words) if vocabulary.by_quarter else (None, words)
    if quarter is not None:
        measure, score = _closest(rest, vocabulary.measures)
        return _measured(measure, quarter, score)
    field, score = _closest(words, vocabulary.fields)
    return Meaning(field, score) if field else None


def _closest(words: str, vocabulary: dict[str, str]) -> tuple[str | None, float]:
    if len(words) < _FUZZY_LENGTH_MIN:
        return None, 0.0
    choices = [word for word in vocabulary if len(word) >= _FUZZY_LENGTH_MIN]
    found = process.extractOne(words, choices, scorer=fuzz.token_sort_ratio, score_cutoff=_CLOSE_ENOUGH)
    return (vocabulary[found[0]], found[1]) if found else (None, 0.0)
