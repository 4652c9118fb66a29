"""The forms a file can be: their columns in order, what each holds, and what people call them."""

from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from teledeclaration.intake.normalising import normalised

Kind = Literal["nss", "name", "date", "amount", "duration", "unit", "text", "movement"]
FormName = Literal["annual", "movements"]
QUARTERS = (1, 2, 3, 4)


class Column(msgspec.Struct, frozen=True):
    """One field of a form. `required`: a file without this column cannot be right."""

    name: str
    kind: Kind
    required: bool = False


class Form(msgspec.Struct, frozen=True):
    """A kind of file: its columns in the order people are used to."""

    name: FormName
    columns: tuple[Column, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def kind(self, field: str) -> Kind:
        """What a field holds; KeyError where the form has none of that name."""
        return _kinds(self)[field]


@cache
def _kinds(form: Form) -> dict[str, Kind]:
    return {column.name: column.kind for column in form.columns}


class Synonyms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`synonyms.toml` as it stands."""

    fields: dict[str, list[str]]
    ignored: dict[str, list[str]]
    measures: dict[str, list[str]]
    units: dict[str, list[str]]
    movements: dict[str, list[str]]
    reasons: dict[str, list[str]]
    totals: dict[str, list[str]]
    blanks: dict[str, list[str]]


@cache
def synonyms() -> Synonyms:
    """What people call things, in French, Arabic and English."""
    text = resources.files("teledeclaration.intake").joinpath("synonyms.toml").read_bytes()
    return msgspec.toml.decode(text, type=Synonyms)


def by_word(table: dict[str, list[str]]) -> dict[str, str]:
    """Each synonym, normalised, with what it means; the first meaning wins."""
    meanings: dict[str, str] = {}
    for meaning, words in table.items():
        for word in filter(None, map(normalised, words)):
            meanings.setdefault(word, meaning)
    return meanings


def _quarter_columns() -> tuple[Column, ...]:
    return tuple(
        column
        for quarter in QUARTERS
        for column in (
            Column(f"q{quarter}_duration", "duration"),
            Column(f"q{quarter}_unit", "unit"),
            Column(f"q{quarter}_amount", "amount"),
        )
    )


_PERSON = (
    Column("nss", "nss", required=True),
    Column("last_name", "name", required=True),
    Column("first_name", "name", required=True),
    Column("birth_date", "date"),
)

ANNUAL = Form(
    "annual",
    (
        *_PERSON,
        *_quarter_columns(),
        Column("annual_amount", "amount"),
        Column("entry_date", "date"),
        Column("exit_date", "date"),
        Column("observation", "text"),
    ),
)
MOVEMENTS = Form(
    "movements",
    (
        *_PERSON,
        Column("movement", "movement", required=True),
        Column("date", "date", required=True),
        Column("reason", "text"),
    ),
)
FORMS: dict[FormName, Form] = {"annual": ANNUAL, "movements": MOVEMENTS}
