"""A register's file as rows of text, read a stretch at a time: a CSV is never held whole.

`row` is the spreadsheet's own number: the header of a CSV is row 1. Rows that lead to another row of the
register (a merger, a former number) come after all others, so that what they lead to is there.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from teledeclaration.registry.checking import Known, cleaned, key_hash, read_cell
from teledeclaration.registry.columns import RegisterForm, match_header
from teledeclaration.registry.errors import FileRefused

BEYOND = "_beyond"
_HEAD_BYTES = 65_536
_HEADER_ROWS_LOOKED_AT = 20
_SEPARATORS = (";", ",", "\t")


@dataclass(frozen=True)
class Source:
    """Rows in the order they are taken: `plain` first, then `links`. `height` is both together."""

    form: RegisterForm
    plain: pl.LazyFrame
    links: pl.LazyFrame
    plain_height: int
    height: int
    repeated: pl.DataFrame

    def stretch(self, start: int, length: int) -> pl.DataFrame:
        """At most `length` rows from `start` on, never both kinds in one."""
        if start < self.plain_height:
            return _collected(self.plain.slice(start, min(length, self.plain_height - start)))
        return _collected(self.links.slice(start - self.plain_height, length))


def is_workbook(path: Path) -> bool:
    """Whether the content is a zip or an OLE file, whatever its name."""
    with path.open("rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


def csv_rows(form: RegisterForm, path: Path) -> pl.LazyFrame:
    """The rows of a CSV (UTF-8, comma, semicolon or tab); FileRefused where it has not the columns."""
    header, separator = _csv_header(path)
    places = _needed_places(form, header)
    names = [f"c{place}" for place in range(len(header))]
    rows = pl.scan_csv(
        path,
        separator=separator,
        has_header=False,
        skip_rows=1,
        schema=dict.fromkeys([*names, BEYOND], pl.String),
        missing_columns="insert",
        truncate_ragged_lines=True,
        encoding="utf8-lossy",
    )
    return rows.with_row_index("row", offset=2).select(
        pl.col("row").cast(pl.Int64), *(pl.col(names[place]).alias(field) for place, field in places.items()), BEYOND
    )


def sheet_rows(form: RegisterForm, sheets: Sequence[pl.DataFrame]) -> pl.LazyFrame:
    """The rows under the first header row that has the needed columns; FileRefused where there is none."""
    missing = list(form.required)
    for sheet in sheets:
        for number, header in enumerate(sheet.head(_HEADER_ROWS_LOOKED_AT).rows()):
            places = match_header(form.register, list(header))
            lacking = [field for field in form.required if field not in places.values()]
            if not lacking:
                rows = sheet.lazy().with_row_index("row", offset=1).slice(number + 1)
                return rows.select(
                    pl.col("row").cast(pl.Int64),
                    *(pl.col(sheet.columns[place]).alias(field) for place, field in places.items()),
                )
            missing = min(missing, lacking, key=len)
    raise FileRefused("registers.refused.columns_missing", columns=", ".join(missing))


def open_rows(form: RegisterForm, rows: pl.LazyFrame, known: Known) -> Source:
    """Count the rows, find the keys that come twice, and put those with links last."""
    links = [link for link in form.links if link in rows.collect_schema().names()]
    plain, linked = rows, rows.clear()
    if links:
        has_link = pl.any_horizontal(cleaned(pl.col(link)).is_not_null() for link in links)
        plain, linked = rows.filter(~has_link), rows.filter(has_link)
    plain_height = _height(plain)
    height = plain_height + (_height(linked) if links else 0)
    if height == 0:
        raise FileRefused("registers.refused.empty")
    return Source(form, plain, linked, plain_height, height, _repeated_keys(form, rows, known))


def read_keys(form: RegisterForm, cells: pl.DataFrame, known: Known) -> pl.DataFrame:
    """`row` and the key columns of text rows, as the register writes them; rows with an unreadable key left out."""
    keys = [column for column in form.columns if column.key]
    texts = cells.with_columns(cleaned(pl.col(column.name)) for column in keys)
    return texts.select("row", *(read_cell(column, known).alias(column.name) for column in keys)).drop_nulls()


def _csv_header(path: Path) -> tuple[list[str | None], str]:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    first_line = head.partition(b"\n")[0]
    try:
        text = first_line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileRefused("registers.refused.not_utf8") from None
    if not text.strip() or "\x00" in text:
        raise FileRefused("registers.refused.empty" if not text.strip() else "registers.refused.not_utf8")
    separator = max(_SEPARATORS, key=text.count)
    header: list[str | None] = list(next(csv.reader(io.StringIO(text), delimiter=separator)))
    return header, separator


def _needed_places(form: RegisterForm, header: list[str | None]) -> dict[int, str]:
    places = match_header(form.register, header)
    missing = [field for field in form.required if field not in places.values()]
    if missing:
        raise FileRefused("registers.refused.columns_missing", columns=", ".join(missing))
    return places


def _height(rows: pl.LazyFrame) -> int:
    return int(_collected(rows.select(pl.len())).item())


def _repeated_keys(form: RegisterForm, rows: pl.LazyFrame, known: Known) -> pl.DataFrame:
    keys = rows.with_columns(cleaned(pl.col(field)) for field in form.key).select("row", key=key_hash(form, known))
    twice = keys.group_by("key").agg(pl.len().alias("times"), pl.col("row").min().alias("first_row"))
    return _collected(twice.filter((pl.col("times") > 1) & pl.col("key").is_not_null()))


def _collected(rows: pl.LazyFrame) -> pl.DataFrame:
    try:
        return rows.collect(engine="streaming")
    except PolarsError:
        raise FileRefused("registers.refused.damaged") from None
