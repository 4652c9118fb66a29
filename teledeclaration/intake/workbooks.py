"""Workbooks (`.xlsx`, `.xlsb`, `.xls`, `.ods`) as text cells, each at its own row and letter.

Everything is read as text, as type inference fails on mixed columns. Which cells were numbers is asked of
the same reader by a second read as booleans, which answers for numbers and booleans and is blank for texts
and dates; a long sheet is spared it where nothing hangs on the answer. The look at the file itself, for what
the reader does not tell, runs beside the reader, which works outside Python's lock.
"""

import mmap
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import fastexcel
import polars as pl

from teledeclaration.intake.archives import Archive
from teledeclaration.intake.compound_file import CompoundFile
from teledeclaration.intake.looks import COLUMNS_MAX, SheetLook
from teledeclaration.intake.ods_look import look_at_tables
from teledeclaration.intake.ooxml import look_at_sheet, refuse_entities, sheet_parts
from teledeclaration.intake.raw import (
    FileFormat,
    RawFile,
    RawSheet,
    ReadingLimits,
    Unreadable,
    column_letter,
    column_number,
)
from teledeclaration.intake.settling import settled
from teledeclaration.intake.xls_look import look_at_xls

LookAt = Callable[[int, str], SheetLook]

_SMALL_BYTES = 4 << 20
_FEW_CELLS = 200_000
_NUMBER = r"^-?\d+(?:\.\d+)?$"
_AMBIGUOUS = r"^(?:\d{9,11}|-?\d{1,3}\.\d{3}|true|false)$"

_ERROR = re.compile(r"Error\((\w+)\)")
_ERROR_TEXTS = {
    "Div0": "#DIV/0!",
    "NA": "#N/A",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
    "GettingData": "#GETTING_DATA",
}


def read_xlsx(content: bytes | mmap.mmap, archive: Archive, limits: ReadingLimits) -> RawFile:
    """An Office Open XML workbook; each sheet's reach is known before memory is taken for it, where it is small."""
    refuse_entities(archive)
    parts = sheet_parts(archive)
    if len(parts) > limits.max_sheets:
        raise Unreadable("too-many-sheets", limit=limits.max_sheets)
    look_first = limits.look_first or sum(archive.sizes.values()) <= _SMALL_BYTES
    with ThreadPoolExecutor(1) as beside:
        looks = {
            part.name: beside.submit(look_at_sheet, archive, part.member, limits, far_cells=look_first)
            for part in parts
            if part.member is not None
        }
        if look_first:
            for look in looks.values():
                look.result()
        return _read(content, "xlsx", limits, lambda _, name: looks[name].result() if name in looks else SheetLook())


def read_ods(content: bytes | mmap.mmap, archive: Archive, limits: ReadingLimits) -> RawFile:
    """An OpenDocument workbook; the reach as for an `.xlsx`."""
    look_first = limits.look_first or archive.sizes["content.xml"] <= _SMALL_BYTES
    with ThreadPoolExecutor(1) as beside:
        looks = beside.submit(look_at_tables, archive, limits, far_cells=look_first)
        if look_first:
            looks.result()
        return _read(content, "ods", limits, lambda _, name: looks.result().get(name) or SheetLook())


def read_xls(content: bytes | mmap.mmap, limits: ReadingLimits) -> RawFile:
    """A BIFF5 or BIFF8 `.xls`."""
    try:
        looks = look_at_xls(CompoundFile(content))
    except Unreadable:
        looks = []  # the reader is the judge of a container: it forgives some that the look does not
    return _read(content, "xls", limits, lambda place, _: looks[place] if place < len(looks) else SheetLook())


def read_xlsb(content: bytes | mmap.mmap, limits: ReadingLimits) -> RawFile:
    """A binary workbook of Excel."""
    return _read(content, "xlsb", limits, lambda *_: SheetLook())


def _read(content: bytes | mmap.mmap, format_: FileFormat, limits: ReadingLimits, look_at: LookAt) -> RawFile:
    raw = content if isinstance(content, bytes) else content[:]
    with _failures_are_damage():
        workbook = fastexcel.read_excel(raw)
        names = workbook.sheet_names
        if len(names) > limits.max_sheets:
            raise Unreadable("too-many-sheets", limit=limits.max_sheets)
        sheets = tuple(_read_sheet(workbook, name, limits, look_at, place) for place, name in enumerate(names))
    if sum(sheet.cells.height * sheet.cells.width for sheet in sheets) > limits.max_cells:
        raise Unreadable("too-many-cells", cell=_farthest(sheets), limit=limits.max_cells)
    if all(sheet.cells.is_empty() for sheet in sheets):
        raise Unreadable("empty")
    return RawFile(kind="workbook", format=format_, sheets=sheets)


@contextmanager
def _failures_are_damage() -> Iterator[None]:
    """What the Rust reader refuses, or panics over, is a damaged file."""
    try:
        yield
    except fastexcel.FastExcelError as error:
        raise Unreadable("password-protected" if "assword" in str(error) else "damaged") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # its class cannot be imported
            raise
        raise Unreadable("damaged") from error


def _farthest(sheets: tuple[RawSheet, ...]) -> str:
    largest = max(sheets, key=lambda sheet: sheet.cells.height * sheet.cells.width)
    return f"{column_letter(largest.cells.width)}{largest.cells.height}"


def _read_sheet(
    workbook: fastexcel.ExcelReader, name: str, limits: ReadingLimits, look_at: LookAt, place: int
) -> RawSheet:
    sheet = workbook.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
    if sheet.height > limits.max_rows_workbook:
        raise Unreadable("too-many-lines", limit=limits.max_lines_workbook)
    first = _first_column(sheet)
    if first + sheet.width > COLUMNS_MAX:
        cell = f"{column_letter(first + sheet.width)}{sheet.height}"
        raise Unreadable("too-many-cells", cell=cell, limit=COLUMNS_MAX)
    batch, errors = sheet.to_arrow_with_errors()
    texts = _as_frame(pl.DataFrame(batch), first)
    cells, numeric = settled(texts, _answered(workbook, name, texts, first))
    look = look_at(place, name)
    told = {(error.position[0] + 1, column_letter(error.position[1] + 1 + first)): error for error in _listed(errors)}
    error_cells = {where: _error_text(error.detail) for where, error in told.items()} | look.error_cells
    return _with_texts(
        RawSheet(
            name=name,
            visible=sheet.visible == "visible",
            cells=cells,
            numeric=numeric,
            error_cells=error_cells,
            uncomputed=frozenset(look.uncomputed),
            hidden_rows=frozenset(row for row in look.hidden_rows - look.filtered_rows if row <= cells.height),
            filtered_rows=frozenset(row for row in look.filtered_rows if row <= cells.height),
            hidden_columns=frozenset(look.hidden_columns),
            merged=tuple(look.merged),
        ),
        look.texts,
    )


def _listed(errors: fastexcel.CellErrors | None) -> list[fastexcel.CellError]:
    return errors.errors if errors else []


def _answered(workbook: fastexcel.ExcelReader, name: str, texts: pl.DataFrame, first: int) -> pl.DataFrame:
    """Which cells were numbers or booleans; of a long sheet only the columns are asked for where it matters."""
    guessed = texts.select(pl.all().str.contains(_NUMBER).fill_null(value=False))
    if texts.height * texts.width < _FEW_CELLS:
        asked = texts.columns
    else:
        doubtful = texts.select(pl.all().str.contains(_AMBIGUOUS).any()).row(0, named=True)
        asked = [letter for letter, doubt in doubtful.items() if doubt]
    asked = [letter for letter in asked if column_number(letter) > first]
    if not asked:
        return guessed
    places = [column_number(letter) - 1 for letter in asked]
    sheet = workbook.load_sheet(name, header_row=None, skip_rows=0, dtypes="boolean", use_columns=places)
    answers = sheet.to_polars().select(pl.all().is_not_null())
    answers.columns = asked
    return guessed.with_columns(answers)


def _with_texts(sheet: RawSheet, texts: dict[tuple[int, str], str]) -> RawSheet:
    """The sheet with what the reader misread put right; no error stands there."""
    columns = []
    for letter in {letter for _, letter in texts} & set(sheet.cells.columns):
        mine = {row - 1: text for (row, of), text in texts.items() if of == letter and row <= sheet.cells.height}
        columns.append(sheet.cells[letter].scatter(list(mine), list(mine.values())))
    if not columns:
        return sheet
    errors = {where: error for where, error in sheet.error_cells.items() if where not in texts}
    return replace(sheet, cells=sheet.cells.with_columns(columns), error_cells=errors)


def _first_column(sheet: fastexcel.ExcelSheet) -> int:
    """How many blank columns the reader left out at the left."""
    columns = sheet.available_columns()
    return columns[0].absolute_index if columns else 0


def _as_frame(frame: pl.DataFrame, first: int) -> pl.DataFrame:
    """The columns by their letters, the blank ones at the left put back."""
    letters = [column_letter(number + 1) for number in range(first + frame.width)]
    frame.columns = letters[first:]
    if first == 0 or frame.width == 0:
        return frame
    return frame.select(*(pl.lit(None, dtype=pl.String).alias(letter) for letter in letters[:first]), pl.all())


def _error_text(detail: str) -> str:
    match = _ERROR.search(detail)
    return _ERROR_TEXTS.get(match[1], "#ERROR!") if match else "#ERROR!"
