"""What the platform says, in French, Arabic and English.

The words stand beside the code that says them, in `words/*.toml` folders of each room, a table a key:

    [finding.nss_length]
    fr = "Le numéro {seen} n'a pas 12 chiffres."
    ar = "…"
    en = "…"

A key stands once; its three texts name the same placeholders (a test holds both).
"""

from collections.abc import Sequence
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Literal, get_args

import msgspec

from teledeclaration.periods import Month, Quarter, Year, parse_period

Language = Literal["fr", "ar", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
DEFAULT_LANGUAGE: Language = "fr"


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One sentence in the three languages, with `{placeholders}`."""

    fr: str
    ar: str
    en: str


def _word_files(folder: Traversable) -> "list[Traversable]":
    found = []
    for entry in sorted(folder.iterdir(), key=lambda child: child.name):
        if entry.is_dir():
            found += _word_files(entry)
        elif folder.name == "words" and entry.name.endswith(".toml"):
            found.append(entry)
    return found


@cache
def catalogue() -> dict[str, Words]:
    """Every key with its words; ValueError where a key stands twice."""
    words: dict[str, Words] = {}
    for file in _word_files(resources.files("teledeclaration")):
        for key, entry in _flattened(msgspec.toml.decode(file.read_bytes())):
            if key in words:
                raise ValueError(f"the words of {key!r} stand twice, again in {file.name}")
            words[key] = msgspec.convert(entry, Words)
    return words


def _flattened(table: dict[str, Any], prefix: str = "") -> list[tuple[str, dict[str, str]]]:
    found: list[tuple[str, dict[str, str]]] = []
    for name, entry in table.items():
        key = f"{prefix}{name}"
        if all(isinstance(value, str) for value in entry.values()):
            found.append((key, entry))
        else:
            found += _flattened(entry, f"{key}.")
    return found


def say(key: str, language: Language, /, **values: object) -> str:
    """The words of `key` with `values` in place; KeyError where the catalogue has no such key."""
    words: str = getattr(catalogue()[key], language)
    return words.format_map(values) if values else words


def period_in_words(code: str, language: Language) -> str:
    """What a period is called: « 1ᵉʳ trimestre 2025 » for `2025-Q1`; ValueError where the code names none."""
    match parse_period(code):
        case Month(year, number):
            return say(f"period.month_{number}", language, year=year)
        case Quarter(year, number):
            return say(f"period.quarter_{number}", language, year=year)
        case Year(year):
            return say("period.year", language, year=year)


_BETWEEN: dict[Language, str] = {"fr": " ; ", "ar": "؛ ", "en": "; "}


def say_ids(ids: str, language: Language, keys: Sequence[str]) -> str:
    """Ids with ", " between them, in words: those of the first of the keys (`field.{id}`) that the catalogue has. An id
    without words stays as it is."""
    return _BETWEEN[language].join(_said(one, language, keys) for one in ids.split(", "))


def _said(one: str, language: Language, keys: Sequence[str]) -> str:
    found = (key for pattern in keys if (key := pattern.replace("{id}", one)) in catalogue())
    return next((say(key, language) for key in found), one)


def chosen_language(accept_language: str | None) -> Language:
    """The first language of an Accept-Language header that the platform speaks, else French."""
    weighted = []
    for place, part in enumerate((accept_language or "").split(",")):
        name, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            weight = 0.0
        weighted.append((-weight, place, name.split("-")[0].lower()))
    for _, _, name in sorted(weighted):
        for language in LANGUAGES:
            if name == language:
                return language
    return DEFAULT_LANGUAGE
