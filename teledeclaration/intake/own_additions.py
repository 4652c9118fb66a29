"""What the platform itself wrote into a workbook that comes back: recognised, and taken out before anything is read.

The findings sheet is known by the words of its title row, the result columns by the words of their headers, in
any of the three languages. Words, and no hidden mark, because only words come through every program: a sheet
is renamed or moved, a workbook is saved by Excel, LibreOffice or a web program, or turned into another format,
where defined names, custom properties and styles are changed or lost. Comments and colours are never read.
"""

from dataclasses import replace
from functools import cache

import polars as pl

from teledeclaration.intake.raw import RawFile, RawSheet
from teledeclaration.languages import LANGUAGES, say

FINDINGS_COLUMNS = ("sheet", "row", "column", "field", "severity", "message", "seen", "proposed")
RESULT_COLUMNS = ("status", "messages")

_TITLE_WITHIN_ROWS = 5
_HEADERS_WITHIN_ROWS = 1_000


def without_own_additions(file: RawFile) -> RawFile:
    """The file as its owner made it: no findings sheet, no result columns; the rest stands where it stood."""
    if file.kind != "workbook":
        return file
    others = [sheet for sheet in file.sheets if not is_findings_sheet(sheet)]
    return replace(file, sheets=tuple(map(_without_result_columns, others)))


def is_findings_sheet(sheet: RawSheet) -> bool:
    """Whether one of the first rows has all titles of a findings sheet, in one language."""
    for row in sheet.cells.head(_TITLE_WITHIN_ROWS).iter_rows():
        words = {cell.strip() for cell in row if cell}
        if any(titles <= words for titles in _titles()):
            return True
    return False


def result_columns(sheet: RawSheet) -> dict[str, int]:
    """The letters of the result columns, each with the spreadsheet's row of its header."""
    head = sheet.cells.head(_HEADERS_WITHIN_ROWS)
    headers = _headers()
    rows: dict[str, int] = {}
    for column in head.get_columns():
        cells = column.to_list()
        if own := headers.intersection(cells):
            rows[column.name] = min(cells.index(header) for header in own) + 1
    return rows


def _without_result_columns(sheet: RawSheet) -> RawSheet:
    """Those at the right end are dropped, others are blank, so that no column changes its letter; rows at the end
    in which nothing else stood are dropped too."""
    own = set(result_columns(sheet))
    if not own:
        return sheet
    kept = list(sheet.cells.columns)
    while kept and kept[-1] in own:
        kept.pop()
    blank = [letter for letter in kept if letter in own]
    cells = sheet.cells.select(kept).with_columns(pl.lit(None, dtype=pl.String).alias(letter) for letter in blank)
    numeric = sheet.numeric
    if numeric is not None:
        numeric = numeric.select(kept).with_columns(pl.lit(value=False).alias(letter) for letter in blank)
    errors = {place: error for place, error in sheet.error_cells.items() if place[1] not in own}
    uncomputed = frozenset(place for place in sheet.uncomputed if place[1] not in own)
    last = max([_last_row(cells), *(row for row, _ in (*errors, *uncomputed))])
    return replace(
        sheet,
        cells=cells.head(last),
        numeric=None if numeric is None else numeric.head(last),
        error_cells=errors,
        uncomputed=uncomputed,
        hidden_columns=sheet.hidden_columns - own,
    )


def _last_row(cells: pl.DataFrame) -> int:
    filled = cells.select(pl.any_horizontal(pl.all().is_not_null())).to_series().arg_true() if cells.width else None
    return 0 if filled is None or filled.is_empty() else int(filled[-1]) + 1


@cache
def _titles() -> tuple[frozenset[str], ...]:
    return tuple(
        frozenset(say(f"annotated.column.{name}", language) for name in FINDINGS_COLUMNS) for language in LANGUAGES
    )


@cache
def _headers() -> frozenset[str]:
    return frozenset(say(f"annotated.result.{name}", language) for name in RESULT_COLUMNS for language in LANGUAGES)
