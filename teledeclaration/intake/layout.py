"""What a file looked like, small enough to be kept with its reading: for whoever maps its columns by hand."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from schemas.mapping import IGNORED, FileLayout, LayoutColumn, LayoutSheet, Mapping
from teledeclaration.intake.casting import Written
from teledeclaration.intake.raw import RawFile, RawSheet
from teledeclaration.intake.tables import ColumnMatch, Table

LAYOUT_BYTES_MAX = 64 * 1024
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


def layout_of(raw: RawFile, table: Table | None, written: Written | None = None) -> FileLayout:
    """The layout of a file in at most LAYOUT_BYTES_MAX, `table` being what was found of it."""
    for bounds in _BOUNDS:
        layout = _layout(raw, table, written or Written(), bounds)
        if len(msgspec.json.encode(layout)) <= LAYOUT_BYTES_MAX:
            return layout
    return _layout(raw, None, Written(), _BOUNDS[-1])


def _layout(raw: RawFile, table: Table | None, written: Written, bounds: _Bounds) -> FileLayout:
    sheets = list(_sheets(raw, table, bounds))
    if table is None:
        return FileLayout(sheets=sheets)
    return FileLayout(
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


def _sheets(raw: RawFile, table: Table | None, bounds: _Bounds) -> Iterator[LayoutSheet]:
    """The sheet that was read first, then the visible ones, then the hidden; the last ones without their rows."""
    ordered = sorted(raw.sheets, key=lambda sheet: (table is None or sheet is not table.sheet, not sheet.visible))
    for place, sheet in enumerate(ordered):
        rows = bounds.rows if place < bounds.sheets else 0
        yield LayoutSheet(
            name=sheet.name[:_NAME_LENGTH_MAX],
            visible=sheet.visible,
            rows=sheet.cells.height,
            columns=sheet.cells.width,
            head=_head(sheet, rows, bounds),
        )


def _head(sheet: RawSheet, rows: int, bounds: _Bounds) -> list[list[str]]:
    head = sheet.cells[:, : bounds.columns].head(rows)
    return [_without_end([_cut(cell or "", bounds.letters) for cell in row]) for row in head.iter_rows()]


def _without_end(row: list[str]) -> list[str]:
    while row and not row[-1]:
        row.pop()
    return row


def _cut(text: str, length: int) -> str:
    plain = _UNSTORED.sub(" ", text[: 4 * length]).strip()
    return plain if len(plain) <= length else plain[: length - 1] + "…"


def _column(column: ColumnMatch, letters: int) -> LayoutColumn:
    return LayoutColumn(
        letter=column.letter,
        header=_cut(column.header, letters),
        field=column.field,
        how=column.how,
        score=round(column.score),
        unit=column.unit,
        samples=[_cut(sample, letters) for sample in column.samples],
    )


def mapping_in_force(layout: FileLayout) -> Mapping | None:
    """How the file was read, as a mapping to begin a correction with; None where no table was found."""
    if layout.sheet is None or layout.header_row is None or layout.form is None:
        return None
    ignored = [column.letter for column in layout.columns if column.how is not None and column.field is None]
    return Mapping(
        sheet=layout.sheet,
        header_row=layout.header_row,
        header_height=layout.header_height or 1,
        columns={column.letter: column.field for column in layout.columns if column.field}
        | dict.fromkeys(ignored, IGNORED),
        units=layout.units,
        date_order=layout.date_order,
        amounts_in=layout.amounts_in,
        form=layout.form,
    )
