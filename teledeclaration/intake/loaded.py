"""A workbook as the fast reader gives it, before its texts are brought to their agreed form.

The sandbox's child hands this over as it is, and whoever asked settles it: a fresh child pays for each page of code it
enters for the first time, several times what the work on a small file is worth.
"""

from dataclasses import dataclass, field, replace

import polars as pl
import pyarrow as pa

from teledeclaration.intake.evaluating import select
from teledeclaration.intake.raw import FileFormat, RawFile, RawSheet, column_letter
from teledeclaration.intake.settling import settled

_NUMBER = r"^-?\d+(?:\.\d+)?$"


@dataclass(frozen=True)
class LoadedSheet:
    """One sheet: its texts, and the answers of the columns that were asked whether their cells are numbers.

    `first` columns at the left were left out as blank. An answer is null where the cell is neither a number nor a
    boolean; a column that was not asked is judged by its texts. `put_right` are texts the reader misread. `facts` is
    the sheet with all the rest, and no cells yet.
    """

    facts: RawSheet
    first: int
    texts: pa.RecordBatch | pl.DataFrame
    answers: pa.RecordBatch | pl.DataFrame | None
    asked: tuple[str, ...]
    put_right: dict[tuple[int, str], str] = field(default_factory=dict)

    @property
    def height(self) -> int:
        return len(self.texts)

    @property
    def width(self) -> int:
        """With the blank columns at the left."""
        texts = self.texts
        own = texts.width if isinstance(texts, pl.DataFrame) else texts.num_columns
        return self.first + own if own else 0


@dataclass(frozen=True)
class LoadedWorkbook:
    """All sheets of a workbook in their order."""

    format: FileFormat
    sheets: tuple[LoadedSheet, ...]


def settled_file(loaded: LoadedWorkbook) -> RawFile:
    """The file as everyone else reads it."""
    return RawFile(kind="workbook", format=loaded.format, sheets=tuple(map(settled_sheet, loaded.sheets)))


def settled_sheet(loaded: LoadedSheet) -> RawSheet:
    """One of its sheets."""
    texts = _as_frame(loaded)
    cells, numeric = settled(texts, _numbers(loaded, texts))
    return _with_texts(replace(loaded.facts, cells=cells, numeric=numeric), loaded.put_right)


def _columns(batch: pa.RecordBatch | pl.DataFrame) -> pl.DataFrame:
    """A batch of the reader's as columns of polars."""
    return batch if isinstance(batch, pl.DataFrame) else pl.DataFrame(batch)


def _as_frame(loaded: LoadedSheet) -> pl.DataFrame:
    """The columns by their letters, the blank ones at the left put back."""
    frame, first = _columns(loaded.texts), loaded.first
    letters = [column_letter(number + 1) for number in range(first + frame.width)]
    frame.columns = letters[first:]
    if first == 0 or frame.width == 0:
        return frame
    return frame.select(*(pl.lit(None, dtype=pl.String).alias(letter) for letter in letters[:first]), pl.all())


def _numbers(loaded: LoadedSheet, texts: pl.DataFrame) -> pl.DataFrame:
    """Which cells are numbers or booleans, by the reader's answer or else by how they read."""
    told: dict[str, pl.Series] = {}
    if loaded.answers is not None:
        answers = select(_columns(loaded.answers), pl.all().is_not_null())
        told = dict(zip(loaded.asked, answers.get_columns(), strict=True))
    if unasked := [letter for letter in texts.columns if letter not in told]:
        told |= texts.select(pl.col(unasked).str.contains(_NUMBER).fill_null(value=False)).to_dict()
    return pl.DataFrame({letter: told[letter] for letter in texts.columns})


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
