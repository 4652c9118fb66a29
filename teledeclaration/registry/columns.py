"""The registers' forms: their columns, what each holds, and what people call them (`registers.toml`)."""

import re
import unicodedata
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from schemas.registry import Register

Kind = Literal[
    "nss",
    "employer_number",
    "name",
    "text",
    "date",
    "past_date",
    "wilaya",
    "agency",
    "centre",
    "centres",
    "boolean",
    "choice",
    "category",
    "amount",
    "period",
    "bank_account",
    "tax_number",
]


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One field. `key` columns together say which row of the register is meant; a `link` leads to another row."""

    name: str
    kind: Kind
    words: tuple[str, ...]
    required: bool = False
    key: bool = False
    link: bool = False
    choices: dict[str, tuple[str, ...]] = {}


class RegisterForm(msgspec.Struct, frozen=True):
    """The columns of a register's file, in the template's order."""

    register: Register
    columns: tuple[Column, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.key)

    @property
    def links(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.link)

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.required)

    @property
    def staging(self) -> str:
        return f"incoming_{self.register}"


@cache
def forms() -> dict[Register, RegisterForm]:
    """Every register's form, by name."""
    text = resources.files("teledeclaration.registry").joinpath("registers.toml").read_bytes()
    tables = msgspec.toml.decode(text, type=dict[Register, tuple[Column, ...]])
    return {register: RegisterForm(register, columns) for register, columns in tables.items()}


def plain_words(text: str) -> str:
    """Words to compare by: without case, accents and punctuation; `N° SS` is `n ss`."""
    words = unicodedata.normalize("NFKD", text.lower().replace("œ", "oe").replace("°", " ").replace("º", " "))
    words = "".join(letter for letter in words if not unicodedata.combining(letter))
    return re.sub(r"[\W_]+", " ", words).strip()


@cache
def _meanings(register: Register) -> dict[str, str]:
    found: dict[str, str] = {}
    for column in forms()[register].columns:
        for word in (column.name, *column.words):
            found.setdefault(plain_words(word), column.name)
    return found


def match_header(register: Register, header: list[str | None]) -> dict[int, str]:
    """The place of each column that is known, with its field; the first of two that mean the same counts."""
    found: dict[int, str] = {}
    for place, words in enumerate(header):
        field = _meanings(register).get(plain_words(words or ""))
        if field is not None and field not in found.values():
            found[place] = field
    return found


def template_csv(register: Register) -> bytes:
    """A blank file with the French headers: UTF-8 with its mark and semicolons, as spreadsheets here open it."""
    headers = (column.words[0] for column in forms()[register].columns)
    return ("\ufeff" + ";".join(headers) + "\r\n").encode()
