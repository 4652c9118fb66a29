"""What the Rust reader does not tell about an `.xls`: hidden and filtered rows, hidden columns, merged cells.

The records of the old format (BIFF5 and BIFF8) are stepped through once, sheet by sheet; only the few kinds that
matter here are opened, and a record that claims more than there is ends the sheet.
"""

import struct
from dataclasses import dataclass

from teledeclaration.intake.compound_file import CompoundFile
from teledeclaration.intake.looks import SheetLook
from teledeclaration.intake.raw import column_letter

_BEGIN, _END, _BOUND_SHEET = 0x0809, 0x000A, 0x0085
_ROW, _COLUMNS, _MERGED = 0x0208, 0x007D, 0x00E5
_FILTERS = (0x009B, 0x009E)  # a filter is at work; what one of its columns asks for
_FORMULA = 0x0006
_ROW_HIDDEN, _COLUMN_HIDDEN = 0x20, 0x01
_NO_NUMBER, _BLANK = b"\xff\xff", 3
_WORKSHEET = 0
_HEAD = struct.Struct("<HH")


@dataclass
class _Formulas:
    """Formulas of one sheet whose result is an empty text, and whether any formula has a result at all."""

    blank: set[tuple[int, str]]
    computed: bool = False


def look_at_xls(container: CompoundFile) -> list[SheetLook]:
    """The look at each worksheet in the workbook's order."""
    book = container.stream("Workbook", "Book")
    if book is None:
        return []
    return [_look_at_sheet(book, place) for place in _places(book)]


def _places(book: bytes) -> list[int]:
    """Where the records of each worksheet begin."""
    places, place = [], 0
    while place + 4 <= len(book):
        kind, length = _HEAD.unpack_from(book, place)
        if kind == _END:
            break
        if kind == _BOUND_SHEET and length >= 6 and place + 10 <= len(book):
            start, _, sort = struct.unpack_from("<LBB", book, place + 4)
            if sort == _WORKSHEET:
                places.append(start)
        place += 4 + length
    return places


def _look_at_sheet(book: bytes, start: int) -> SheetLook:
    look, formulas, depth, place, size = SheetLook(), _Formulas(set()), 0, start, len(book)
    while place + 4 <= size:
        kind, length = _HEAD.unpack_from(book, place)
        place += 4
        if place + length > size:
            break
        if kind == _ROW and length >= 16:
            if book[place + 12] & _ROW_HIDDEN:
                look.hidden_rows.add(1 + int.from_bytes(book[place : place + 2], "little"))
        elif kind == _FORMULA and depth == 1 and length >= 20:
            _look_at_formula(book, place, formulas)
        elif kind == _COLUMNS and length >= 10:
            _look_at_columns(book, place, look)
        elif kind == _MERGED and length >= 2:
            _look_at_merged(book[place : place + length], look)
        elif kind in _FILTERS:
            look.filters.append((1, 1 << 16))
        elif kind == _BEGIN:
            depth += 1
        elif kind == _END:
            depth -= 1
            if depth <= 0:
                break
        place += length
    if not formulas.computed:
        look.uncomputed = formulas.blank
    return look


def _look_at_formula(book: bytes, place: int, formulas: _Formulas) -> None:
    """An empty result says that nothing was computed only where no formula of the sheet has another result."""
    if book[place + 12 : place + 14] == _NO_NUMBER and book[place + 6] == _BLANK:
        row, column = _HEAD.unpack_from(book, place)
        formulas.blank.add((row + 1, column_letter(column + 1)))
    else:
        formulas.computed = True


def _look_at_columns(book: bytes, place: int, look: SheetLook) -> None:
    first, last, _, _, options = struct.unpack_from("<5H", book, place)
    if options & _COLUMN_HIDDEN:
        look.hide_columns(first + 1, last + 1)


def _look_at_merged(record: bytes, look: SheetLook) -> None:
    count = min(int.from_bytes(record[:2], "little"), (len(record) - 2) // 8)
    areas = (struct.unpack_from("<4H", record, 2 + 8 * number) for number in range(count))
    look.merge(
        (top + 1, column_letter(left + 1), bottom + 1, column_letter(right + 1)) for top, bottom, left, right in areas
    )
