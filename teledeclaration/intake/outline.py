"""What a file looked like, small enough to be kept with its reading: for whoever maps its columns by hand."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import polars as pl

from schemas.mapping import IGNORED, FileOutline, Mapping, OutlineColumn, OutlineSheet
from teledeclaration.intake.casting import Written
from teledeclaration.intake.raw import RawFile, RawSheet
from teledeclaration.intake.tables import ColumnMatch, Table

OUTLINE_BYTES_MAX = 64 * 1024
_NAME_LENGTH_MAX = 200
_UNSTORED = re.compile(r"[\x00-\x1f\x7f]+")


@dataclass(frozen=True)
class _Bounds:
    """How much of a file is shown: `rows` × `columns` of each of `sheets`, texts of `letters`; `matched` columns."""

    rows: int
    columns: int
    letters: int
    sheets: int
    matched: int


_BOUNDS = (
    _Bounds(15, 60, 60, 30, 200),
    _Bounds(15, 60, 30, 12, 200),
    _Bounds(12, 40, 24, 6, 120),
    _Bounds(8, 30, 16, 4, 80),
    _Bounds(4, 20, 12, 2, 60),
    _Bounds(0, 0, 12, 1, 60),
)
"""Each smaller than the one before: the first that fits is kept."""


def outline_of(raw: RawFile, table: Table | None, written: Written | None = None) -> FileOutline:
    """The outline of a file in at most OUTLINE_BYTES_MAX, `table` being what was found of it."""
    for bounds in _BOUNDS:
        outline = _outline(raw, table, written or Written(), bounds)
        if len(msgspec.json.encode(outline)) <= OUTLINE_BYTES_MAX:
            return outline
    return _outline(raw, None, Written(), _BOUNDS[-1])


def _outline(raw: RawFile, table: Table | None, written: Written, bounds: _Bounds) -> FileOutline:
    sheets = list(_sheets(raw, table, bounds))
    if table is None:
        return FileOutline(sheets=sheets)
    return FileOutline(
        sheets=sheets,
        form=table.form.name,
        how=table.how,
        layout_id=table.layout_id,
        sheet=table.sheet.name[:_NAME_LENGTH_MAX],
        header_row=table.header_row,
        header_height=table.first_row - table.header_row if table.header_row else 1,
        columns=[_column(column, bounds.letters) for column in table.columns[: bounds.matched]],
        units=table.units,
        date_order=table.date_order,
        amounts_in=table.amounts_in,
        decimal_mark=written.habit,
        month_first=written.month_first,
    )


def _sheets(raw: RawFile, table: Table | None, bounds: _Bounds) -> Iterator[OutlineSheet]:
    """The sheet that was read first, then the visible ones, then the hidden; the last ones without their rows."""
    ordered = sorted(raw.sheets, key=lambda sheet: (table is None or sheet is not table.sheet, not sheet.visible))
    for place, sheet in enumerate(ordered):
        rows = bounds.rows if place < bounds.sheets else 0
        yield OutlineSheet(
            name=sheet.name[:_NAME_LENGTH_MAX],
            visible=sheet.visible,
            rows=sheet.cells.height,
            columns=sheet.cells.width,
            head=_head(sheet, rows, bounds),
        )


def _head(sheet: RawSheet, rows: int, bounds: _Bounds) -> list[list[str]]:
    head = pl.DataFrame(sheet.cells.head(rows).get_columns()[: bounds.columns])
    return [_without_end([_cut(cell or "", bounds.letters) for cell in row]) for row in head.rows()]


def _without_end(row: list[str]) -> list[str]:
    while row and not row[-1]:
        row.pop()
    return row


def _cut(text: str, length: int) -> str:
    plain = _UNSTORED.sub(" ", text[: 4 * length]).strip()
    return plain if len(plain) <= length else plain[: length - 1] + "…"


def _column(column: ColumnMatch, letters: int) -> OutlineColumn:
    return OutlineColumn(
        letter=column.letter,
        header=_cut(column.header, letters),
        field=column.field,
        how=column.how,
        score=round(column.score),
        unit=column.unit,
        samples=[_cut(sample, letters) for sample in column.samples],
    )


def mapping_in_force(outline: FileOutline) -> Mapping | None:
    """How the file was read, as a mapping to begin a correction with; None where no table was found."""
    if outline.sheet is None or outline.header_row is None or outline.form is None:
        return None
    ignored = [column.letter for column in outline.columns if column.how is not None and column.field is None]
    return Mapping(
        sheet=outline.sheet,
        header_row=outline.header_row,
        header_height=outline.header_height or 1,
        columns={column.letter: column.field for column in outline.columns if column.field}
        | dict.fromkeys(ignored, IGNORED),
        units=outline.units,
        date_order=outline.date_order,
        amounts_in=outline.amounts_in,
        form=outline.form,
    )
