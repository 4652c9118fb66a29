"""The forms a file can be: their columns in order, what each holds, and what people call them."""

from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from teledeclaration.intake.normalising import normalised

Kind = Literal[
    "nss", "name", "date", "amount", "duration", "unit", "text", "movement", "count", "hours", "category", "code"
]  # fmt: skip
FormName = Literal["annual", "periodic", "totals", "movements"]
QUARTERS = (1, 2, 3, 4)


class Column(msgspec.Struct, frozen=True):
    """One field of a form. `required`: a file without this column cannot be right.

    The rest is for templates: `help` is a key of their words (under `template.help`), so is a choice with a point in
    it (under `template.choice`; others are written as they are), and `free` allows other words beside the choices,
    or those the law offers.
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
    """A kind of file: its columns in the order people are used to.

    `needs`: a table that lacks all fields of one of these groups is not this form. `times` are the fields that say how
    long was worked and for what base, one triple for each time told apart: (duration, unit, amount). `beside` is what a
    stored line holds that no column says.
    """

    name: FormName
    columns: tuple[Column, ...]
    needs: tuple[tuple[str, ...], ...]
    times: tuple[tuple[str, str, str], ...] = ()
    beside: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def stored(self) -> tuple[str, ...]:
        """What of a line is stored: the fields, and what stands beside them."""
        return (*self.fields, *self.beside)

    @property
    def of_people(self) -> bool:
        """Whether a line is about someone."""
        return "nss" in self.fields

    @property
    def by_quarter(self) -> bool:
        """Whether its amounts are told by quarter of the year."""
        return len(self.times) == len(QUARTERS)

    @property
    def of_a_period(self) -> bool:
        """Whether it is of a month or a quarter; of a year otherwise."""
        return self.name in ("periodic", "totals")

    @property
    def of_everyone(self) -> bool:
        """Whether everyone who worked in its period is to be on a line."""
        return bool(self.times)

    @property
    def amounts(self) -> tuple[str, ...]:
        """The fields that hold money."""
        return tuple(column.name for column in self.columns if column.kind == "amount")

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


_WHO = ("nss", "last_name", "full_name", "full_name_first")
_QUARTERS = tuple((f"q{quarter}_duration", f"q{quarter}_unit", f"q{quarter}_amount") for quarter in QUARTERS)


def _time_columns(duration: str, unit: str) -> tuple[Column, Column]:
    return (
        Column(duration, "duration", help="duration", example="90"),
        Column(unit, "unit", help="unit", example="J", choices=_UNITS),
    )


_PERSON = (
    Column("nss", "nss", required=True, help="nss", example="850123001234", locked=True),
    Column("last_name", "name", required=True, help="last_name", example="BENALI", locked=True),
    Column("first_name", "name", required=True, help="first_name", example="KARIM", locked=True),
    Column("birth_date", "date", help="birth_date", example="1985-03-12", locked=True),
)
_CATEGORY = Column("rate_category", "category", help="rate_category", prefilled=True, free=True)

ANNUAL = Form(
    "annual",
    (
        *_PERSON,
        *(
            column
            for duration, unit, amount in _QUARTERS
            for column in (
                *_time_columns(duration, unit),
                Column(amount, "amount", help="amount", example="135000.00"),
            )
        ),
        Column("annual_amount", "amount", help="annual_amount", example="540000.00", result=True),
        Column("entry_date", "date", help="entry_date", example="2019-09-01", prefilled=True),
        Column("exit_date", "date", help="exit_date", example="2025-06-30", prefilled=True),
        Column("observation", "text", help="observation"),
    ),
    needs=(_WHO, ("annual_amount", *(amount for _, _, amount in _QUARTERS))),
    times=_QUARTERS,
    beside=("rate_category",),
)
PERIODIC = Form(
    "periodic",
    (
        *_PERSON,
        Column("duration", "duration", help="period_duration", example="30"),
        Column("unit", "unit", help="unit", example="J", choices=_UNITS),
        Column("amount", "amount", required=True, help="base", example="45000.00"),
        _CATEGORY,
        Column("contract_start", "date", help="contract_start", example="2025-03-01", prefilled=True),
        Column("contract_months", "count", help="contract_months", example="12", prefilled=True),
        Column("justification", "text", help="justification", prefilled=True),
    ),
    needs=(_WHO, ("amount",)),
    times=(("duration", "unit", "amount"),),
)
TOTALS = Form(
    "totals",
    (
        Column("code", "code", required=True, help="code", example="R22", free=True, prefilled=True),
        Column("amount", "amount", required=True, help="total_base", example="450000.00"),
        Column("workers", "count", required=True, help="workers", example="10"),
    ),
    needs=(("code",), ("amount",)),
)
MOVEMENTS = Form(
    "movements",
    (
        *_PERSON,
        Column("movement", "movement", required=True, help="movement", choices=_MOVEMENTS),
        Column("date", "date", required=True, help="date", example="2025-09-01"),
        Column("reason", "text", help="reason", free=True),
        msgspec.structs.replace(_CATEGORY, help="new_rate_category", prefilled=False),
        Column("hours_a_week", "hours", help="hours_a_week", example="20"),
    ),
    needs=(_WHO, ("movement",), ("date",)),
)
FORMS: dict[FormName, Form] = {form.name: form for form in (ANNUAL, PERIODIC, TOTALS, MOVEMENTS)}

AMOUNT_FIELDS = frozenset(name for form in FORMS.values() for name in form.amounts)
"""Every field that holds money, of whichever form."""
