"""What a table is, once found: the sheet, the form, the header row, and which column is which field."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

import polars as pl

from schemas.annual import Unit
from schemas.mapping import DateOrder, FileOutline, How, MoneyUnit, Units
from teledeclaration.intake.evaluating import of
from teledeclaration.intake.forms import Form
from teledeclaration.intake.raw import RawSheet, Unreadable, column_number

ROWS_LOOKED_AT = 60
COLUMNS_LOOKED_AT = 200
_SAMPLES = 3


_SOMETHING = pl.col("").str.strip_chars().str.len_bytes() > 0


class Unrecognised(Unreadable):
    """The cells were read, but they are no form we know, or have no lines.

    `no-columns`, `header-only`, `template-not-filled`, `template-of-another-employer`, `other-form`,
    `mapping-does-not-fit`.
    `outline` is what the file looked like.
    """

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code, **values)
        self.table: Table | None = None
        self.outline: FileOutline | None = None


@dataclass(frozen=True)
class ColumnMatch:
    """One spreadsheet column and the field it was taken for; `field` None where it is of no use to the form."""

    letter: str
    header: str
    field: str | None
    score: float
    samples: tuple[str, ...] = ()
    unit: Unit | None = None
    how: How | None = None


@dataclass(frozen=True)
class Table:
    """The table of a file. `header_row` and `first_row` (the first below the header) are the spreadsheet's own.

    `header_row` 0 is a table without a header; `positions` one whose columns are places in a text file.
    `columns` has every column with a header or a field, left to right; `others` names further sheets that look like
    tables. `units`, `date_order` and `amounts_in` are what a mapping said beside the columns.
    """

    sheet: RawSheet
    form: Form
    header_row: int
    first_row: int
    columns: tuple[ColumnMatch, ...]
    score: float
    others: tuple[str, ...] = ()
    how: How = "words"
    positions: bool = False
    layout_id: UUID | None = None
    units: Units = field(default_factory=Units)
    date_order: DateOrder = "auto"
    amounts_in: MoneyUnit = "dinars"

    @cached_property
    def letters(self) -> dict[str, str]:
        """The column letter of each field found."""
        return {column.field: column.letter for column in self.columns if column.field}

    @property
    def unit_said(self) -> dict[str, Unit]:
        """Units that a duration's header or a mapping says, by duration field."""
        said = {column.field: column.unit for column in self.columns if column.field and column.unit}
        by_hand = {f"{quarter}_duration": unit for quarter, unit in self.units.items() if quarter != "all"}
        if everywhere := self.units.get("all"):
            said |= {duration: everywhere for duration, _, _ in self.form.times if duration in self.letters}
        return said | by_hand

    @property
    def of_template(self) -> bool:
        """Whether the columns are known by the ids of a template of ours, whatever their words are."""
        return self.how == "template"

    @property
    def has_rows(self) -> bool:
        """Whether anything stands below the header in a column that is read."""
        if self.sheet.uncomputed or self.sheet.error_cells:
            return True
        below = self.sheet.cells.slice(self.first_row - 1)
        return any(of(below[letter], _SOMETHING).any() for letter in self.letters.values())


def with_rows(table: Table) -> Table:
    """The table; Unrecognised where nothing stands below its header."""
    if not table.has_rows:
        why = "template-not-filled" if table.of_template else "header-only"
        refused = Unrecognised(why, sheet=table.sheet.name, row=table.header_row)
        refused.table = table
        raise refused
    return table


class Grid:
    """The first rows of a sheet as text, with merged cells spread over what they cover."""

    def __init__(self, sheet: RawSheet, *, rows: int = ROWS_LOOKED_AT) -> None:
        self.sheet = sheet
        self.letters = sheet.cells.columns[:COLUMNS_LOOKED_AT]
        head = sheet.cells.head(max(rows, ROWS_LOOKED_AT)).get_columns()[:COLUMNS_LOOKED_AT]
        self.rows: list[list[str]] = [[(cell or "").strip() for cell in row] for row in pl.DataFrame(head).rows()]

    @cached_property
    def spread(self) -> list[list[str]]:
        """The rows with a merged cell's text, or that of a header above others, in all it covers."""
        spread = [list(row) for row in self.rows]
        merged_rows = set()
        for top, left, bottom, right in self.sheet.merged:
            if top > len(spread):
                continue
            merged_rows.add(top)
            text = self._cell(top, left)
            for row in range(top, min(bottom, len(spread)) + 1):
                for place in range(column_number(left) - 1, min(column_number(right), len(self.letters))):
                    spread[row - 1][place] = text
        for number, texts in enumerate(spread, start=1):
            if number not in merged_rows:
                _fill_right(texts)
        return spread

    def headers(self, start: int, height: int) -> list[list[str]]:
        """The header texts of each column, top to bottom, each text once, numbers left out."""
        parents = [
            self.spread[row] if row < start + height - 1 else self.rows[row] for row in range(start, start + height)
        ]
        own = [self.rows[row] for row in range(start, start + height)]
        texts: list[list[str]] = []
        for place in range(len(self.letters)):
            if not any(row[place] for row in own):
                texts.append([])
                continue
            stacked = [row[place] for row in parents if any(letter.isalpha() for letter in row[place])]
            texts.append(list(dict.fromkeys(stacked)))
        return texts

    def samples(self, place: int, below: int) -> tuple[str, ...]:
        return tuple(row[place] for row in self.rows[below : below + 20] if row[place])[:_SAMPLES]

    def is_arabic(self, place: int, below: int) -> bool:
        return any(
            "؀" <= letter <= "ۿ" and letter.isalpha() for sample in self.samples(place, below) for letter in sample
        )

    def _cell(self, row: int, letter: str) -> str:
        place = column_number(letter) - 1
        return self.rows[row - 1][place] if place < len(self.letters) else ""


def _fill_right(row: list[str]) -> None:
    last = ""
    for place, text in enumerate(row):
        last = text or last
        row[place] = last
