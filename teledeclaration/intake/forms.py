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
    """One field of a form. `required`: a file without this column cannot be right.

    The rest is for templates: `help` is a key of their words (under `template.help`), so is a choice with a point in
    it (under `template.choice`; others are written as they are), and `free` allows other words beside the choices.
    `locked` are the fields the fund knows better, `prefilled` those it only knows, `result` is computed from the
    others and only shown.
    """

    name: str
    kind: Kind
    required: bool = False
    help: str = ""
    example: str = ""
    choices: tuple[str, ...] = ()
    free: bool = False
    locked: bool = False
    prefilled: bool = False
    result: bool = False

    @property
    def given(self) -> bool:
        """Whether a template may hold it beforehand: alone it makes no line."""
        return self.locked or self.prefilled or self.result

    @property
    def quarter(self) -> int | None:
        """The quarter a `q1_…` field is of."""
        return int(self.name[1]) if self.name[0] == "q" and self.name[1].isdigit() else None


class Form(msgspec.Struct, frozen=True):
    """A kind of file: its columns in the order people are used to."""

    name: FormName
    columns: tuple[Column, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def kind(self, field: str) -> Kind:
        """What a field holds; KeyError where the form has none of that name."""
        return self.column(field).kind

    def column(self, field: str) -> Column:
        """A field's column; KeyError where the form has none of that name."""
        return _columns(self)[field]


@cache
def _columns(form: Form) -> dict[str, Column]:
    return {column.name: column for column in form.columns}


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
    phrases: dict[str, list[str]]


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


_UNITS = ("J", "H", "M")
_MOVEMENTS = ("movement.entry", "movement.exit", "movement.change")
_REASONS = tuple(
    f"reason.{name}"
    for name in (
        "recruitment", "reinstatement", "end_of_contract", "resignation", "dismissal", "redundancy", "retirement",
        "transfer", "invalidity", "death", "desertion",
    )
)  # fmt: skip


def _quarter_columns() -> tuple[Column, ...]:
    return tuple(
        column
        for quarter in QUARTERS
        for column in (
            Column(f"q{quarter}_duration", "duration", help="duration", example="90"),
            Column(f"q{quarter}_unit", "unit", help="unit", example="J", choices=_UNITS),
            Column(f"q{quarter}_amount", "amount", help="amount", example="135000.00"),
        )
    )


_PERSON = (
    Column("nss", "nss", required=True, help="nss", example="850123001234", locked=True),
    Column("last_name", "name", required=True, help="last_name", example="BENALI", locked=True),
    Column("first_name", "name", required=True, help="first_name", example="KARIM", locked=True),
    Column("birth_date", "date", help="birth_date", example="1985-03-12", locked=True),
)

ANNUAL = Form(
    "annual",
    (
        *_PERSON,
        *_quarter_columns(),
        Column("annual_amount", "amount", help="annual_amount", example="540000.00", result=True),
        Column("entry_date", "date", help="entry_date", example="2019-09-01", prefilled=True),
        Column("exit_date", "date", help="exit_date", example="2025-06-30", prefilled=True),
        Column("observation", "text", help="observation"),
    ),
)
MOVEMENTS = Form(
    "movements",
    (
        *_PERSON,
        Column("movement", "movement", required=True, help="movement", choices=_MOVEMENTS),
        Column("date", "date", required=True, help="date", example="2025-09-01"),
        Column("reason", "text", help="reason", choices=_REASONS, free=True),
    ),
)
FORMS: dict[FormName, Form] = {"annual": ANNUAL, "movements": MOVEMENTS}
