"""What stands in a template, before any cell is written: its columns in order and the rows known beforehand."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from teledeclaration.intake.forms import Column, Form, Kind
from teledeclaration.intake.raw import column_letter
from teledeclaration.intake.templates.stamp import SHOWN_ONLY, TemplateStamp
from teledeclaration.languages import Language, say

TITLE_ROWS = 6
ID_ROW = TITLE_ROWS + 1
HEADER_ROW = ID_ROW + 1
FIRST_ROW = HEADER_ROW + 1
BLANK_ROWS = 200
LAST_YEAR = f"{SHOWN_ONLY}last_year."
"""Begins the ids of last year's figures."""

Look = Literal["entry", "locked", "shown"]
"""White to be filled, grey with what the fund knows, or grey and never read."""


@dataclass(frozen=True)
class LawFigure:
    """A figure of the law as the explanations say it, in words already; `source` says how sure it is."""

    label: str
    value: str
    source: str


@dataclass(frozen=True)
class Template:
    """All that makes one template.

    `rows` has the fields known beforehand, as `lines.line_schema` types them, and `known`: whether the fund's
    register knows the person. `last` has, row by row, what was declared for `last_year` (a year or a period), and
    whatever else is only shown, under a name of `template.shown`. `offered` are words to choose from, by field.
    """

    form: Form
    stamp: TemplateStamp
    employer_name: str | None = None
    rows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={"known": pl.Boolean}))
    last: pl.DataFrame | None = None
    last_year: int | str | None = None
    law: tuple[LawFigure, ...] = ()
    offered: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    blank_rows: int = BLANK_ROWS

    @property
    def language(self) -> Language:
        return self.stamp.language

    def choices(self, column: Column) -> list[str]:
        """The words a cell of a column may be chosen from."""
        return list(self.offered.get(column.name, ())) or choices_of(column, self.language)

    @property
    def last_row(self) -> int:
        """The last row that is formatted, as the spreadsheet counts."""
        return HEADER_ROW + self.rows.height + self.blank_rows


@dataclass(frozen=True)
class SheetColumn:
    """One column of the sheet: `source` names its values, in `rows` or, for what is only shown, in `last`."""

    letter: str
    id: str
    header: str
    help: str
    kind: Kind
    look: Look
    source: str
    column: Column

    @property
    def is_summed(self) -> bool:
        """Whether the computed column adds it up."""
        return self.look == "entry" and self.kind == "amount"

    @property
    def computed(self) -> bool:
        return self.column.result and self.id == SHOWN_ONLY + self.column.name


def sheet_columns(template: Template) -> tuple[SheetColumn, ...]:
    """The form's columns in their order, then last year's figures."""
    return tuple(
        SheetColumn(column_letter(place), id_, header, help_, column.kind, look, column.name, column)
        for place, (column, id_, header, help_, look) in enumerate(_all_columns(template), start=1)
    )


def _all_columns(template: Template) -> Iterator[tuple[Column, str, str, str, Look]]:
    language = template.language
    for column in template.form.columns:
        header, help_ = header_of(column, language), help_of(column, language)
        if column.result:
            yield column, SHOWN_ONLY + column.name, say("template.computed", language, header=header), help_, "shown"
        else:
            yield column, column.name, header, help_, "entry"
    if template.last is None:
        return
    year = template.last_year
    for column in template.form.columns:
        if column.name in template.last.columns:
            header = say("template.last_year", language, year=year, header=header_of(column, language))
            help_ = say("template.last_year_help", language, year=year)
            yield column, LAST_YEAR + column.name, header, help_, "shown"
    for name in template.last.columns:
        if name not in template.form.fields:
            header = say(f"template.shown.{name}", language)
            yield Column(name, "text"), SHOWN_ONLY + name, header, header, "shown"


def header_of(column: Column, language: Language) -> str:
    """A field's name as people read it."""
    return say(f"field.{column.name}", language)


def help_of(column: Column, language: Language) -> str:
    """What to write in a column."""
    return say(f"template.help.{column.help}", language)


def example_of(column: Column, language: Language, offered: Sequence[str] = ()) -> str:
    """A cell as it is to be filled, of the words offered where there are any."""
    if not column.example and (choices := offered or choices_of(column, language)):
        return choices[0]
    if column.kind == "date" and column.example:
        return "/".join(reversed(column.example.split("-")))
    if column.kind == "amount" and language != "en":
        return column.example.replace(".", ",")
    return column.example


def choices_of(column: Column, language: Language) -> list[str]:
    """The words a cell may be chosen from."""
    return [say(f"template.choice.{choice}", language) if "." in choice else choice for choice in column.choices]


def total_of(columns: tuple[SheetColumn, ...], row: int | str) -> str:
    """The formula that sums a row's quarters, blank where none is filled."""
    cells = ",".join(f"{each.letter}{row}" for each in columns if each.is_summed)
    return f'IF(COUNT({cells})=0,"",SUM({cells}))'
