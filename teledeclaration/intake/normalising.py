"""How words are compared: without case, accents, punctuation, Arabic letter forms or digit shapes."""

import re
import unicodedata
from functools import lru_cache

import polars as pl

from teledeclaration.intake.evaluating import FEW_ROWS, of

_ARABIC_INDIC = "٠١٢٣٤٥٦٧٨٩"
_PERSIAN = "۰۱۲۳۴۵۶۷۸۹"
_DIGITS = {shape: str(place) for row in (_ARABIC_INDIC, _PERSIAN) for place, shape in enumerate(row)}
_TRANSLATION = str.maketrans({**_DIGITS, "ة": "ه", "ى": "ي", "ی": "ي", "ک": "ك", "ـ": "", "œ": "oe", "æ": "ae"})
_NUMBER_SIGN = re.compile(r"n\s*[°º]|№")
_DOTTED = re.compile(r"\b(?:[^\W\d]\.\s?)+[^\W\d]\b|\b(?:\w\.\s?){2,}")
_CAMEL = re.compile(r"(?<=[a-zà-ÿ])(?=[A-Z])")
_NOT_WORD = re.compile(r"[\W_]+")


@lru_cache(maxsize=20_000)
def normalised(text: str) -> str:
    """Words to compare by: `N° S.S.` is `no ss`, `DATE_NAISSANCE` is `date naissance`, `المبلـغ` is `المبلغ`."""
    words = _CAMEL.sub(" ", unicodedata.normalize("NFC", text))
    words = _NUMBER_SIGN.sub(" no ", words.lower())
    words = unicodedata.normalize("NFKD", words).translate(_TRANSLATION)
    words = "".join(letter for letter in words if not unicodedata.combining(letter))
    words = _DOTTED.sub(lambda found: re.sub(r"[.\s]", "", found[0]) + " ", words)
    return _NOT_WORD.sub(" ", words).strip()


_OTHER_DIGIT = pl.col("").str.contains("[٠-٩۰-۹]")


def is_ascii(texts: pl.Series) -> bool:
    """Whether few texts hold ASCII only, which answers most questions about them; of many it is not asked."""
    return texts.len() <= FEW_ROWS and "".join(filter(None, texts.to_list())).isascii()


def western_digits(texts: pl.Series) -> pl.Series:
    """The same texts with Arabic-Indic and Persian digits as 0-9."""
    if is_ascii(texts) or not of(texts, _OTHER_DIGIT).any():
        return texts
    return texts.str.replace_many(list(_DIGITS), list(_DIGITS.values()))
