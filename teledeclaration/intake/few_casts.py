"""Casts of what only forms of a period and of movements hold: counts, hours, rate categories, line codes."""

from functools import cache

import polars as pl

from schemas.findings import Severity
from teledeclaration.intake.casts import Cast, problem_frame
from teledeclaration.intake.normalising import normalised, western_digits
from teledeclaration.languages import catalogue

_NUMBER = r"^(\d{1,7})(?:[.,]0+)?\s*(?:\p{L}+\.?)?$"
_HOURS = r"^(\d{1,3}(?:[.,]\d)?)0*\s*(?:\p{L}+\.?)?$"
_NEGATIVE = r"^-\s*(\d{1,7})(?:[.,]0+)?$"
_CATEGORIES, _LINES = "legal.category.", "legal.line."


def cast_counts(texts: pl.Series) -> Cast:
    """Whole numbers, with a word behind or not ("12 mois"); anything else is told."""
    plain = western_digits(texts)
    negative = "-" + plain.str.extract(_NEGATIVE)
    values = plain.str.extract(_NUMBER).fill_null(negative).cast(pl.Int32, strict=False)
    return Cast(values, _unread(texts, values, "count_text"))


def cast_hours(texts: pl.Series) -> Cast:
    """Hours of a week with one decimal at most; anything else is told."""
    values = western_digits(texts).str.extract(_HOURS).str.replace(",", ".", literal=True).cast(pl.Float64)
    return Cast(values, _unread(texts, values, "hours_text"))


def _unread(texts: pl.Series, values: pl.Series, code: str) -> pl.DataFrame:
    return problem_frame((texts.is_not_null() & values.is_null()).arg_true(), code, Severity.ERROR)


def cast_categories(texts: pl.Series) -> Cast:
    """A rate category by its name or by what it is called in any language; other words stay, for a check to tell."""
    return Cast(_by_words(texts, _names(_CATEGORIES)))


def cast_codes(texts: pl.Series) -> Cast:
    """A rate line or category by its code ("R 22", "r22") or by what it is called; other words stay, to be told."""
    return Cast(_by_words(texts, _names(_CATEGORIES) | _names(_LINES)))


def _by_words(texts: pl.Series, meanings: dict[str, str]) -> pl.Series:
    said = {text: meanings.get(_compared(text), " ".join(text.split())) for text in texts.unique().to_list() if text}
    return texts.replace_strict(said, default=None, return_dtype=pl.String) if said else texts


@cache
def _names(prefix: str) -> dict[str, str]:
    """What each name is called, as it is compared, with the name itself."""
    names: dict[str, str] = {}
    for key, words in catalogue().items():
        if key.startswith(prefix):
            name = key.removeprefix(prefix)
            for said in (name, words.fr, words.ar, words.en):
                names.setdefault(_compared(said), name)
    return names


def _compared(text: str) -> str:
    return normalised(text).replace(" ", "")
