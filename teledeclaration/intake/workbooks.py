"""Workbooks (`.xlsx`, `.xls`, `.ods`) as text cells, each at its own row and letter.

Everything is read as text, as type inference fails on mixed columns. Which cells were numbers is asked of
the same reader by a second read as booleans, which answers for numbers and booleans and is blank for texts
and dates; a long sheet is spared it where nothing hangs on the answer. The look at the XML runs beside the
reader, which works outside Python's lock.
"""

import mmap
import re
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import fastexcel
import polars as pl

from teledeclaration.intake.archives import Archive
from teledeclaration.intake.ooxml import SheetLook, look_at_sheet, refuse_entities, sheet_parts
from teledeclaration.intake.raw import FileFormat, RawFile, RawSheet, ReadingLimits, Unreadable, column_letter

Looks = Mapping[str, Future[SheetLook]]

_SMALL_BYTES = 4 << 20
_FEW_CELLS = 200_000
_BOOLEANS = ("true", "false")
_SPECIAL = {"": None, "-0": "0"}
_MIDNIGHT = " 00:00:00"
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
    small = sum(archive.sizes.values()) <= _SMALL_BYTES
    with ThreadPoolExecutor(1) as beside:
        looks = {
            part.name: beside.submit(look_at_sheet, archive, part.member, limits, far_cells=small)
            for part in parts
            if part.member is not None
        }
        if small:
            for look in looks.values():
                look.result()
        return _read(content, "xlsx", limits, looks)


def read_other(content: bytes | mmap.mmap, format_: FileFormat, limits: ReadingLimits) -> RawFile:
    """A BIFF8 `.xls` or an OpenDocument `.ods`."""
    return _read(content, format_, limits, {})


def _read(content: bytes | mmap.mmap, format_: FileFormat, limits: ReadingLimits, looks: Looks) -> RawFile:
    raw = content if isinstance(content, bytes) else content[:]
    try:
        workbook = fastexcel.read_excel(raw)
        sheets = tuple(_read_sheet(workbook, raw, name, looks, limits) for name in workbook.sheet_names)
    except fastexcel.FastExcelError as error:
        raise Unreadable("password-protected" if "assword" in str(error) else "damaged") from error
    if sum(sheet.cells.height * sheet.cells.width for sheet in sheets) > limits.max_cells:
        raise Unreadable("too-many-cells", cell="", limit=limits.max_cells)
    if all(sheet.cells.is_empty() for sheet in sheets):
        raise Unreadable("empty")
    return RawFile(kind="workbook", format=format_, sheets=sheets)


def _read_sheet(
    workbook: fastexcel.ExcelReader,
    raw: bytes,
    name: str,
    looks: Looks,
    limits: ReadingLimits,
) -> RawSheet:
    sheet = workbook.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
    if sheet.height > limits.max_rows_workbook:
        raise Unreadable("too-many-lines", limit=limits.max_lines_workbook)
    batch, errors = sheet.to_arrow_with_errors()
    texts = _as_frame(pl.DataFrame(batch), sheet)
    seen = looks[name].result() if name in looks else SheetLook()
    if texts.height * texts.width < _FEW_CELLS or _kind_matters(texts):
        answered = _as_frame(_booleans(raw, name), sheet).select(pl.all().is_not_null())
    else:
        answered = texts.select(pl.all().str.contains(_NUMBER).fill_null(value=False))
    cells, numeric = _settled(texts, answered)
    first = _first_column(sheet)
    return RawSheet(
        name=name,
        visible=sheet.visible == "visible",
        cells=cells,
        numeric=numeric,
        error_cells={
            (error.position[0] + 1, column_letter(error.position[1] + 1 + first)): _error_text(error.detail)
            for error in (errors.errors if errors else [])
        },
        uncomputed=frozenset(seen.uncomputed),
        hidden_rows=frozenset(seen.hidden_rows),
        hidden_columns=frozenset(seen.hidden_columns),
        merged=tuple(seen.merged),
    )


def _booleans(raw: bytes, name: str) -> pl.DataFrame:
    sheet = fastexcel.read_excel(raw).load_sheet(name, header_row=None, skip_rows=0, dtypes="boolean")
    return sheet.to_polars()


def _first_column(sheet: fastexcel.ExcelSheet) -> int:
    """How many blank columns the reader left out at the left."""
    columns = sheet.available_columns()
    return columns[0].absolute_index if columns else 0


def _as_frame(frame: pl.DataFrame, sheet: fastexcel.ExcelSheet) -> pl.DataFrame:
    """The columns by their letters, the blank ones at the left put back."""
    first = _first_column(sheet)
    letters = [column_letter(number + 1) for number in range(first + frame.width)]
    frame.columns = letters[first:]
    if first == 0 or frame.width == 0:
        return frame
    kind = frame.dtypes[0]
    return frame.select(*(pl.lit(None, dtype=kind).alias(letter) for letter in letters[:first]), pl.all())


def _kind_matters(texts: pl.DataFrame) -> bool:
    """Whether a cell would be understood otherwise as a number than as the same text.

    So are 9 to 11 digits (an NSS whose zeros were lost), one to three digits, a point and three more (a
    thousand, or a fraction), and the words of a boolean.
    """
    return texts.select(pl.any_horizontal(pl.all().str.contains(_AMBIGUOUS).any())).item() is True


def _settled(texts: pl.DataFrame, answered: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Texts in their agreed form, and which of them were numbers; `answered` are the numbers and booleans.

    A first look tells which columns need anything at all; all work is done in one select a step, as for
    a short sheet the calls cost more than the work.
    """
    letters = texts.columns
    if texts.is_empty():
        return texts, answered
    looks = texts.select(
        *(pl.col(letter).str.ends_with(_MIDNIGHT).any().alias(f"midnight {letter}") for letter in letters),
        *(pl.col(letter).is_in(_BOOLEANS).any().alias(f"boolean {letter}") for letter in letters),
        *(pl.col(letter).is_in(list(_SPECIAL)).any().alias(f"special {letter}") for letter in letters),
    ).row(0, named=True)
    both = texts.hstack(answered.rename("{}?".format))
    cells, numbers = [], []
    for letter in letters:
        text, answer = pl.col(letter), pl.col(f"{letter}?").fill_null(value=False)
        if looks[f"midnight {letter}"]:
            text = text.str.strip_suffix(_MIDNIGHT)
        if looks[f"special {letter}"]:
            text = text.replace(_SPECIAL)
        if looks[f"boolean {letter}"]:
            truth = answer & pl.col(letter).is_in(_BOOLEANS).fill_null(value=False)
            text = pl.when(truth).then(text.str.to_uppercase()).otherwise(text)
            answer = answer & ~truth
        cells.append(text.alias(letter))
        numbers.append(answer.alias(letter))
    return both.select(cells), both.select(numbers)


def _error_text(detail: str) -> str:
    match = _ERROR.search(detail)
    return _ERROR_TEXTS.get(match[1], "#ERROR!") if match else "#ERROR!"
