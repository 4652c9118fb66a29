"""Workbooks (`.xlsx`, `.xlsb`, `.xls`, `.ods`) as text cells, each at its own row and letter.

Everything is read as text, as type inference fails on mixed columns. Which cells were numbers is asked of
the same reader by a second read as booleans, which answers for numbers and booleans and is blank for texts
and dates; a long sheet is spared it where nothing hangs on the answer. The look at the file itself, for what
the reader does not tell, runs beside the reader, which works outside Python's lock; of a small file it comes first.
"""

import mmap
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import fastexcel
import polars as pl
import pyarrow as pa

from teledeclaration.intake.archives import Archive
from teledeclaration.intake.compound_file import CompoundFile
from teledeclaration.intake.loaded import LoadedSheet, LoadedWorkbook
from teledeclaration.intake.looks import COLUMNS_MAX, SheetLook
from teledeclaration.intake.ods_look import look_at_tables
from teledeclaration.intake.ooxml import look_at_sheet, refuse_entities, sheet_parts
from teledeclaration.intake.raw import (
    NO_CELLS,
    FileFormat,
    RawSheet,
    ReadingLimits,
    Unreadable,
    column_letter,
)
from teledeclaration.intake.xls_look import look_at_xls

LookAt = Callable[[int, str], SheetLook]

_SMALL_BYTES = 4 << 20
_FEW_CELLS = 200_000
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


def read_xlsx(content: bytes | mmap.mmap, archive: Archive, limits: ReadingLimits) -> LoadedWorkbook:
    """An Office Open XML workbook; each sheet's reach is known before memory is taken for it, where it is small."""
    refuse_entities(archive)
    parts = sheet_parts(archive)
    if len(parts) > limits.max_sheets:
        raise Unreadable("too-many-sheets", limit=limits.max_sheets)
    look_first = limits.look_first or sum(archive.sizes.values()) <= _SMALL_BYTES
    look = partial(look_at_sheet, archive, limits=limits, far_cells=look_first)
    members = {part.name: part.member for part in parts if part.member is not None}
    if look_first:
        seen = {name: look(member) for name, member in members.items()}
        return _read(content, "xlsx", limits, lambda _, name: seen.get(name) or SheetLook())
    with ThreadPoolExecutor(1) as beside:
        looks = {name: beside.submit(look, member) for name, member in members.items()}
        return _read(content, "xlsx", limits, lambda _, name: looks[name].result() if name in looks else SheetLook())


def read_ods(content: bytes | mmap.mmap, archive: Archive, limits: ReadingLimits) -> LoadedWorkbook:
    """An OpenDocument workbook; the reach as for an `.xlsx`."""
    look_first = limits.look_first or archive.sizes["content.xml"] <= _SMALL_BYTES
    if look_first:
        seen = look_at_tables(archive, limits, far_cells=True)
        return _read(content, "ods", limits, lambda _, name: seen.get(name) or SheetLook())
    with ThreadPoolExecutor(1) as beside:
        looks = beside.submit(look_at_tables, archive, limits, far_cells=False)
        return _read(content, "ods", limits, lambda _, name: looks.result().get(name) or SheetLook())


def read_xls(content: bytes | mmap.mmap, limits: ReadingLimits) -> LoadedWorkbook:
    """A BIFF5 or BIFF8 `.xls`."""
    try:
        looks = look_at_xls(CompoundFile(content))
    except Unreadable:
        looks = []  # the reader is the judge of a container: it forgives some that the look does not
    return _read(content, "xls", limits, lambda place, _: looks[place] if place < len(looks) else SheetLook())


def read_xlsb(content: bytes | mmap.mmap, limits: ReadingLimits) -> LoadedWorkbook:
    """A binary workbook of Excel."""
    return _read(content, "xlsb", limits, lambda *_: SheetLook())


def _read(content: bytes | mmap.mmap, format_: FileFormat, limits: ReadingLimits, look_at: LookAt) -> LoadedWorkbook:
    raw = content if isinstance(content, bytes) else content[:]
    with _failures_are_damage():
        workbook = fastexcel.read_excel(raw)
        names = workbook.sheet_names
        if len(names) > limits.max_sheets:
            raise Unreadable("too-many-sheets", limit=limits.max_sheets)
        sheets = tuple(_read_sheet(workbook, name, limits, look_at, place) for place, name in enumerate(names))
    if sum(sheet.height * sheet.width for sheet in sheets) > limits.max_cells:
        raise Unreadable("too-many-cells", cell=_farthest(sheets), limit=limits.max_cells)
    if not any(sheet.height and sheet.width for sheet in sheets):
        raise Unreadable("empty")
    return LoadedWorkbook(format_, sheets)


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


def _farthest(sheets: tuple[LoadedSheet, ...]) -> str:
    largest = max(sheets, key=lambda sheet: sheet.height * sheet.width)
    return f"{column_letter(largest.width)}{largest.height}"


def _read_sheet(
    workbook: fastexcel.ExcelReader, name: str, limits: ReadingLimits, look_at: LookAt, place: int
) -> LoadedSheet:
    sheet = workbook.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
    if sheet.height > limits.max_rows_workbook:
        raise Unreadable("too-many-lines", limit=limits.max_lines_workbook)
    first = _first_column(sheet)
    if first + sheet.width > COLUMNS_MAX:
        cell = f"{column_letter(first + sheet.width)}{sheet.height}"
        raise Unreadable("too-many-cells", cell=cell, limit=COLUMNS_MAX)
    texts, errors = sheet.to_arrow_with_errors()
    asked = _asked(texts)
    answers = _answers(workbook, name, [first + column for column in asked])
    look = look_at(place, name)
    told = {(error.position[0] + 1, column_letter(error.position[1] + 1 + first)): error for error in _listed(errors)}
    facts = RawSheet(
        name=name,
        visible=sheet.visible == "visible",
        cells=NO_CELLS,
        error_cells={where: _error_text(error.detail) for where, error in told.items()} | look.error_cells,
        uncomputed=frozenset(look.uncomputed),
        hidden_rows=frozenset(row for row in look.hidden_rows - look.filtered_rows if row <= sheet.height),
        filtered_rows=frozenset(row for row in look.filtered_rows if row <= sheet.height),
        hidden_columns=frozenset(look.hidden_columns),
        merged=tuple(look.merged),
    )
    letters = tuple(column_letter(first + column + 1) for column in asked)
    return LoadedSheet(facts, first, texts, answers, letters, look.texts)


def _listed(errors: fastexcel.CellErrors | None) -> list[fastexcel.CellError]:
    return errors.errors if errors else []


def _asked(texts: pa.RecordBatch) -> list[int]:
    """The columns to be asked which of their cells are numbers: of a long sheet only those where it matters."""
    columns = range(texts.num_columns)
    if texts.num_rows * texts.num_columns < _FEW_CELLS:
        return list(columns)
    doubtful = pl.DataFrame(texts).select(pl.all().str.contains(_AMBIGUOUS).any()).row(0)
    return [column for column in columns if doubtful[column]]


def _answers(workbook: fastexcel.ExcelReader, name: str, places: list[int]) -> pa.RecordBatch | None:
    """The same cells read as booleans."""
    if not places:
        return None
    sheet = workbook.load_sheet(name, header_row=None, skip_rows=0, dtypes="boolean", use_columns=places)
    return sheet.to_arrow()


def _first_column(sheet: fastexcel.ExcelSheet) -> int:
    """How many blank columns the reader left out at the left."""
    columns = sheet.available_columns()
    return columns[0].absolute_index if columns else 0


def _error_text(detail: str) -> str:
    match = _ERROR.search(detail)
    return _ERROR_TEXTS.get(match[1], "#ERROR!") if match else "#ERROR!"
