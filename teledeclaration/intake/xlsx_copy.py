"""A plain `.xlsx` of a file's values, written fast: rows are put together as text, column by column.

For files that were no `.xlsx`. Rows, columns, hidden parts, merged ranges and error cells are the file's own; texts
are text cells, marked so where they begin like a formula: none is ever computed.
"""

import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO
from xml.sax.saxutils import quoteattr

import polars as pl

from teledeclaration.intake.raw import RawFile, RawSheet, column_letter, column_number
from teledeclaration.intake.xlsx_texts import BEGINS_LIKE_A_FORMULA, text_cells

_ROWS_AT_ONCE = 20_000
_WIDTH_MIN, _WIDTH_MAX = 8, 40
_ROWS_MEASURED = 200

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_HIDDEN = ' state="hidden"'

_PLAIN, _QUOTED = "0", "1"
_NUMBER = r"^-?\d{1,15}(?:\.\d+)?$"
_ERRORS = ("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA")
_NOT_IN_A_NAME = re.compile(r"[\[\]:*?/\\\x00-\x1f]")

_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


@dataclass(frozen=True)
class Copied:
    """What a sheet of the file is called in the copy, and the letter each of its columns has there."""

    name: str
    letters: dict[str, str]


def write_copy(file: RawFile, output: BinaryIO) -> dict[str, Copied]:
    """Every sheet of the file as a sheet of the copy, by its name in the file."""
    names = _names(sheet.name for sheet in file.sheets)
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        _write_frame_of_workbook(archive, names, [sheet.visible for sheet in file.sheets])
        for number, sheet in enumerate(file.sheets, start=1):
            with archive.open(f"xl/worksheets/sheet{number}.xml", "w") as part:
                for text in _sheet_xml(sheet):
                    part.write(text.encode())
    return {sheet.name: Copied(name, _letters(sheet)) for sheet, name in zip(file.sheets, names, strict=True)}


def _letters(sheet: RawSheet) -> dict[str, str]:
    return {own: column_letter(number) for number, own in enumerate(sheet.cells.columns, start=1)}


def _names(wanted: Iterable[str]) -> list[str]:
    """Sheet names as the format allows them: 31 letters, some signs refused, no two alike."""
    names: list[str] = []
    for name in wanted:
        plain = _NOT_IN_A_NAME.sub("_", name).strip("'")[:31] or "_"
        number, candidate = 1, plain
        while candidate.casefold() in {taken.casefold() for taken in names}:
            number += 1
            candidate = f"{plain[:27]} {number}"
        names.append(candidate)
    return names


def _write_frame_of_workbook(archive: zipfile.ZipFile, names: list[str], visible: list[bool]) -> None:
    numbers = range(1, len(names) + 1)
    sheets = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{number}"{"" if seen else _HIDDEN} r:id="r{number}"/>'
        for number, name, seen in zip(numbers, names, visible, strict=True)
    )
    related = "".join(
        f'<Relationship Id="r{number}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        for number in numbers
    )
    parts = "".join(
        f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{_TYPES}.worksheet+xml"/>'
        for number in numbers
    )
    files = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPES}.styles+xml"/>{parts}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{sheets}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{related}'
        f'<Relationship Id="styles" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": _STYLES,
    }
    for name, text in files.items():
        archive.writestr(name, _HEAD + text)


def _sheet_xml(sheet: RawSheet) -> Iterator[str]:
    letter_of = _letters(sheet)
    cells = sheet.cells.rename(letter_of)
    numeric = None if sheet.numeric is None else sheet.numeric.rename(letter_of)
    errors = _errors(sheet, letter_of)
    hidden = pl.Series(sorted(sheet.hidden_rows), dtype=pl.Int64)
    columns = "".join(_columns_xml(sheet, cells))
    yield f'{_HEAD}<worksheet xmlns="{_MAIN}">{f"<cols>{columns}</cols>" if columns else ""}<sheetData>'
    for start in range(0, cells.height, _ROWS_AT_ONCE):
        yield _rows_xml(cells, numeric, errors, hidden, start)
    merged = "".join(f'<mergeCell ref="{left}{top}:{right}{bottom}"/>' for top, left, bottom, right in sheet.merged)
    yield f"</sheetData>{f'<mergeCells>{merged}</mergeCells>' if merged else ''}</worksheet>"


def _columns_xml(sheet: RawSheet, cells: pl.DataFrame) -> Iterator[str]:
    """As wide as the usual text of the first rows, within bounds."""
    lengths = cells.head(_ROWS_MEASURED).select(pl.all().str.len_chars().quantile(0.9)).row(0) if cells.height else ()
    hidden = {column_number(letter) for letter in sheet.hidden_columns if letter.isalpha()}
    for number, length in enumerate(lengths, start=1):
        width = min(_WIDTH_MAX, max(_WIDTH_MIN, round(length or 0) + 2))
        unseen = ' hidden="1"' if number in hidden else ""
        yield f'<col min="{number}" max="{number}" width="{width}" customWidth="1"{unseen}/>'


def _errors(sheet: RawSheet, letter_of: dict[str, str]) -> dict[str, dict[int, str]]:
    """The errors of each column by row, counted from 0."""
    by_column: dict[str, dict[int, str]] = defaultdict(dict)
    for (row, letter), text in sheet.error_cells.items():
        if letter in letter_of and row <= sheet.cells.height:
            by_column[letter_of[letter]][row - 1] = text if text in _ERRORS else "#VALUE!"
    return by_column


def _rows_xml(
    cells: pl.DataFrame, numeric: pl.DataFrame | None, errors: dict[str, dict[int, str]], hidden: pl.Series, start: int
) -> str:
    part = cells.slice(start, _ROWS_AT_ONCE)
    rows = pl.int_range(start + 1, start + part.height + 1, eager=True)
    number = rows.cast(pl.String).alias("row number")
    columns = []
    for letter in part.columns:
        stored = None if numeric is None or letter not in numeric.columns else numeric[letter]
        wrong = {row - start: text for row, text in errors.get(letter, {}).items() if 0 <= row - start < part.height}
        columns.append(
            _cells_xml(part[letter], number, None if stored is None else stored.slice(start, _ROWS_AT_ONCE), wrong)
        )
    unseen = pl.when(rows.is_in(hidden.implode())).then(pl.lit(' hidden="1"')).otherwise(pl.lit(""))
    opened = pl.select(pl.format('<row r="{}"{}>', number, unseen)).to_series()
    written = pl.select(pl.concat_str(opened, *columns, pl.lit("</row>"))).to_series()
    return str(written.str.join("").item())


def _cells_xml(text: pl.Series, row: pl.Series, stored: pl.Series | None, wrong: dict[int, str]) -> pl.Series:
    """One column of cells: a number where it was stored as one, else a text that no program computes."""
    letter = text.name
    style = pl.when(text.str.contains(BEGINS_LIKE_A_FORMULA)).then(pl.lit(_QUOTED)).otherwise(pl.lit(_PLAIN))
    place = pl.concat_str(pl.lit(f'<c r="{letter}'), row, pl.lit('"'))
    as_text = text_cells(pl.concat_str(place, pl.lit(' s="')), style, pl.lit(text))
    shown = pl.when(text.is_null()).then(pl.lit("")).otherwise(as_text)
    if stored is not None:
        as_number = pl.concat_str(place, pl.lit("><v>"), text, pl.lit("</v></c>"))
        shown = pl.when(stored & text.str.contains(_NUMBER)).then(as_number).otherwise(shown)
    cells = pl.select(shown.alias(letter)).to_series()
    if not wrong:
        return cells
    errors = [f'<c r="{letter}{row[place]}" t="e"><v>{error}</v></c>' for place, error in wrong.items()]
    return cells.scatter(list(wrong), errors)
