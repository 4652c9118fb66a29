"""What the Rust reader does not tell about an `.ods`: hidden and filtered rows, merged cells, errors, times.

`content.xml` is searched as bytes while it is unpacked, a run of whole rows at a time, and never held as a tree.
Only rows that hold something unusual are walked cell by cell; the others are only counted.
"""

import re
from collections.abc import Iterator
from html import unescape
from itertools import islice

from teledeclaration.intake.archives import Archive
from teledeclaration.intake.looks import COLUMNS_MAX, ROWS_MAX, Place, SheetLook
from teledeclaration.intake.raw import ReadingLimits, Unreadable, column_letter, column_number

_RUN_BYTES_MAX = 32 << 20
_REPEATS_TOLD_MAX = 500

_TABLE = re.compile(rb'<table:table\s[^>]*?\btable:name="([^"]*)"[^>]*>')
_TABLE_END = b"</table:table>"
_COLUMN = re.compile(rb"<table:table-column\b([^>]*)>")
_ROW = re.compile(rb"<table:table-row(?=[\s/>])([^>]*)>")
_CELL = re.compile(rb"<table:(covered-)?table-cell(?=[\s/>])((?:[^>\"]|\"[^\"]*\")*?)(/?)>")
_ROWS_REPEATED = re.compile(rb'\btable:number-rows-repeated="(\d{1,10})"')
_COLUMNS_REPEATED = re.compile(rb'\btable:number-columns-repeated="(\d{1,10})"')
_SPANS = re.compile(rb'\btable:number-(columns|rows)-spanned="(\d{1,7})"')
_VISIBILITY = re.compile(rb'\btable:visibility="(collapse|filter)"')
_TIME = re.compile(rb'\boffice:time-value="(-?)P(?:(\d{1,6})D)?T?(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})[.,\d]*S)?"')
_TEXT = re.compile(rb"<text:p\b[^>]*?(?:/>|>(.*?)</text:p>)", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_UNUSUAL = (b"-spanned=", b'"error"', b"office:time-value=", b"table:formula=")


def look_at_tables(archive: Archive, limits: ReadingLimits, *, far_cells: bool) -> dict[str, SheetLook]:
    """The look at each sheet by its name; `too-many-lines` and, where `far_cells`, `too-many-cells`."""
    looks: dict[str, SheetLook] = {}
    walker: _Table | None = None
    for run in _runs(archive.chunks("content.xml")):
        if opening := _TABLE.search(run):
            name = unescape(opening[1].decode("utf-8", "replace"))
            walker = _Table(looks.setdefault(name, SheetLook()), limits, far_cells=far_cells)
        if walker is not None:
            walker.search(run)
    return looks


def _runs(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The XML cut after a row or a table, so that no run holds parts of two tables and no search loses a row."""
    rest = b""
    for chunk in chunks:
        rest += chunk
        while (end := rest.find(_TABLE_END)) >= 0:
            yield rest[: end + len(_TABLE_END)]
            rest = rest[end + len(_TABLE_END) :]
        cut = rest.rfind(b"</table:table-row>") + 18
        if cut > 17:
            yield rest[:cut]
            rest = rest[cut:]
        elif len(rest) > _RUN_BYTES_MAX:
            raise Unreadable("damaged")
    yield rest


class _Table:
    """One sheet, run after run; `row` is the number of the last row seen."""

    def __init__(self, look: SheetLook, limits: ReadingLimits, *, far_cells: bool) -> None:
        self.look = look
        self.limits = limits
        self.far_cells = far_cells
        self.row = 0
        self.column = 0

    def search(self, run: bytes) -> None:
        for column in _COLUMN.finditer(run):
            self._look_at_column(column[1])
        rows = list(_ROW.finditer(run))
        ends = [*(row.start() for row in rows[1:]), len(run)]
        unusual = self.far_cells or any(word in run for word in _UNUSUAL)
        for row, end in zip(rows, ends, strict=False):
            first = self._look_at_row(row[1])
            if unusual and (self.far_cells or any(run.find(word, row.end(), end) >= 0 for word in _UNUSUAL)):
                self._walk(run, row.end(), end, first)
        self.look.hold_to(self.limits)

    def _look_at_column(self, attributes: bytes) -> None:
        first = self.column + 1
        self.column = min(self.column + _times(_COLUMNS_REPEATED, attributes), COLUMNS_MAX)
        if _VISIBILITY.search(attributes):
            self.look.hide_columns(first, self.column)

    def _look_at_row(self, attributes: bytes) -> int:
        """The first of the rows that this one stands for."""
        first = self.row + 1
        self.row = min(self.row + _times(_ROWS_REPEATED, attributes), ROWS_MAX)
        if seen := _VISIBILITY.search(attributes):
            rows = range(first, min(self.row, first + self.limits.max_rows_workbook) + 1)
            self.look.hidden_rows.update(rows)
            if seen[1] == b"filter":
                self.look.filters.append((first, self.row))
        return first

    def _walk(self, run: bytes, start: int, end: int, row: int) -> None:
        column = 0
        for cell in _CELL.finditer(run, start, end):
            first = column + 1
            column += _times(_COLUMNS_REPEATED, cell[2])
            if b"value-type=" in cell[2]:
                self.look.reach(self.row, column)
            if not cell[1] and column <= COLUMNS_MAX:
                content = b"" if cell[3] else run[cell.end() : run.find(b"table-cell>", cell.end())]
                self._look_at_cell(cell[2], content, _area(row, first, self.row, column))

    def _look_at_cell(self, attributes: bytes, content: bytes, places: list[Place]) -> None:
        if spans := {name: int(times) for name, times in _SPANS.findall(attributes)}:
            row, left = places[0]
            right = min(column_number(left) + spans.get(b"columns", 1) - 1, COLUMNS_MAX)
            bottom = row + spans.get(b"rows", 1) - 1
            self.look.merge([(row, left, bottom, column_letter(right))])
        if b'value-type="error"' in attributes:
            self.look.error_cells.update(dict.fromkeys(places, _text(content) or "#ERROR!"))
        elif time := _TIME.search(attributes):
            self.look.texts.update(dict.fromkeys(places, _hours(time)))
        elif b"table:formula=" in attributes and b"value-type=" not in attributes and b"<text:p" not in content:
            self.look.uncomputed.update(places)


def _area(top: int, left: int, bottom: int, right: int) -> list[Place]:
    """The cells that one stands for, most often one; of more than some hundred the first ones."""
    cells = ((row, column_letter(column)) for row in range(top, bottom + 1) for column in range(left, right + 1))
    return list(islice(cells, _REPEATS_TOLD_MAX))


def _times(repeated: re.Pattern[bytes], attributes: bytes) -> int:
    found = repeated.search(attributes)
    return int(found[1]) if found else 1


def _text(content: bytes) -> str:
    found = _TEXT.search(content)
    return unescape(_TAG.sub("", (found[1] or b"").decode("utf-8", "replace")))[:40] if found else ""


def _hours(time: re.Match[bytes]) -> str:
    sign, days, hours, minutes = time[1].decode(), *(int(part or 0) for part in (time[2], time[3], time[4]))
    return f"{sign}{24 * days + hours:02d}:{minutes:02d}"
