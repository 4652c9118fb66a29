"""How a workbook of ours is known again: its stamp, on a hidden sheet, and the ids of its columns, in a hidden row.

The stamp says which template it is and for whom; who holds the fund's key signs it. The row of ids stands right
above the header, so that columns stay known where someone inserts, moves or renames one, and where the sheet was
saved as another format. An id that is no field's marks a column only shown (last year's figures, a total).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import msgspec

from teledeclaration.intake.forms import FORMS, Form, FormName
from teledeclaration.intake.raw import RawFile, RawSheet
from teledeclaration.languages import Language

STAMP_SHEET = "_teledeclaration"
ID_PREFIX = "td."
SHOWN_ONLY = "shown."
"""Begins, after the prefix, the id of a column that is only shown and never read."""

VERSION = 1
_TITLE = "teledeclaration template"
_ROWS_LOOKED_AT = 60
_IDS_MIN = 3


class TemplateStamp(msgspec.Struct, frozen=True, kw_only=True):
    """What a template says of itself. A blank one is for no employer; `signature` None: nobody signed it.

    `period` is that of a form of months and quarters; of others it is not said at all.
    """

    form: FormName
    version: int
    language: Language
    year: int | None = None
    employer_number: str | None = None
    centre: str | None = None
    issued_on: date
    signature: str | None = None
    period: str | msgspec.UnsetType = msgspec.UNSET

    @property
    def when(self) -> str | None:
        """The period or year it is for."""
        if isinstance(self.period, str):
            return self.period
        return None if self.year is None else str(self.year)

    @property
    def message(self) -> bytes:
        """What is signed: every word of the stamp but the signature."""
        return msgspec.json.encode(msgspec.structs.replace(self, signature=None), order="deterministic")


@dataclass(frozen=True)
class TemplateColumn:
    """A column by its id: `field` None where it is only shown."""

    letter: str
    header: str
    field: str | None


@dataclass(frozen=True)
class TemplateColumns:
    """Where the table of a template stands: `id_row` is hidden, `header_row` the row of words below it."""

    sheet: RawSheet
    form: Form
    id_row: int
    header_row: int
    columns: tuple[TemplateColumn, ...]

    @property
    def letters(self) -> dict[str, str]:
        """The column letter of each field."""
        return {column.field: column.letter for column in self.columns if column.field}


def stamp_rows(stamp: TemplateStamp) -> list[tuple[str, str]]:
    """The stamp as the rows of its sheet: names and values, all text."""
    said = msgspec.to_builtins(stamp)
    return [(_TITLE, stamp.form), *((name, "" if value is None else str(value)) for name, value in said.items())]


def read_stamp(raw: RawFile) -> TemplateStamp | None:
    """The stamp of a workbook that has one whole; whether its signature holds is not judged here."""
    sheet = next((sheet for sheet in raw.sheets if sheet.name == STAMP_SHEET), None)
    if sheet is None or not {"A", "B"} <= set(sheet.cells.columns):
        return None
    rows = sheet.cells.select("A", "B").head(_ROWS_LOOKED_AT).rows()
    said = {name: value for name, value in rows[1:] if name and value}
    if not rows or rows[0][0] != _TITLE:
        return None
    try:
        return msgspec.convert(said, TemplateStamp, strict=False)
    except msgspec.ValidationError:
        return None


def template_columns(raw: RawFile) -> TemplateColumns | None:
    """The first visible sheet with a row of ids; None where no sheet has one."""
    return next((found for sheet in raw.sheets if sheet.visible for found in _columns_of(sheet)), None)


def _columns_of(sheet: RawSheet) -> Iterator[TemplateColumns]:
    head = sheet.cells.head(_ROWS_LOOKED_AT)
    for place, row in enumerate(head.rows()):
        ids = {letter: text[len(ID_PREFIX) :] for letter, text in zip(head.columns, row, strict=True) if _is_id(text)}
        form = _form_of(set(ids.values()))
        if form is None:
            continue
        below = place + 1
        while below < head.height and not any(text and text.strip() for text in head.row(below)):
            below += 1
        words = head.row(below, named=True) if below < head.height else {}
        yield TemplateColumns(sheet, form, place + 1, below + 1, _columns(ids, words, form))


def _is_id(text: str | None) -> bool:
    return text is not None and text.startswith(ID_PREFIX)


def _form_of(ids: set[str]) -> Form | None:
    """The form most of whose fields are named."""
    best = max(FORMS.values(), key=lambda form: len(ids & set(form.fields)))
    return best if len(ids & set(best.fields)) >= _IDS_MIN else None


def _columns(ids: dict[str, str], words: dict[str, str | None], form: Form) -> tuple[TemplateColumn, ...]:
    """Every column with an id or a header; of two with one id, the left one counts."""
    columns, taken = [], set[str]()
    for letter in [letter for letter in {**words, **ids} if letter in ids or words.get(letter)]:
        name = ids.get(letter, "")
        field = name if name in form.fields and name not in taken else None
        taken.add(name)
        columns.append(TemplateColumn(letter, (words.get(letter) or name).strip(), field))
    return tuple(columns)
