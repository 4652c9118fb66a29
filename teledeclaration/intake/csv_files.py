"""Text tables: whatever encoding, separator and line ends a spreadsheet program chose."""

import csv
import io
import itertools
import re
import unicodedata
from collections import Counter

import polars as pl

from teledeclaration.intake import counting
from teledeclaration.intake.raw import RawFile, RawSheet, ReadingLimits, Unreadable, column_letter

_SEPARATORS = (";", ",", "\t", "|")
_SAMPLE_LINES = 200
_COLUMNS_MAX = 16_384
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\x0c\x1a"))

_SAMPLE_BYTES, _HEAD_BYTES = 1 << 20, 4096
_STRAY_SHARE, _NULL_SHARE = 0.005, 0.05
_HIGH_BYTES = bytes(range(0x80, 0x100))
_SAYS_SEPARATOR = re.compile(r"sep=([^\r\n])\r?\n", re.IGNORECASE)
_HIGH_WORD = re.compile(rb"[\x80-\xff]{3,}")


def decoded(content: bytes) -> str | None:
    """The text, or None where the bytes are none: UTF-8, UTF-16, UTF-32, Windows-1256 or Windows-1252."""
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return _decoded_as(content[len(mark) :], encoding)
    if b"\0" in content[:_HEAD_BYTES] and (wide := _wide_encoding(content[:_HEAD_BYTES])):
        return _decoded_as(content, wide)
    plain = content.translate(None, _CONTROLS)  # programs pad fields with them
    if len(content) - len(plain) > _STRAY_SHARE * len(content):
        return None
    return _decoded_as(plain, "utf-8") or _eight_bits(plain)


def _wide_encoding(head: bytes) -> str | None:
    """UTF-16 where the nulls stand in every other place only, as those of digits and separators do."""
    first, second = head[0::2].count(0), head[1::2].count(0)
    if max(first, second) < _NULL_SHARE * len(head) or min(first, second) * 10 > max(first, second):
        return None
    return "utf-16-le" if second > first else "utf-16-be"


def _decoded_as(content: bytes, encoding: str) -> str | None:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return None
    head = text[:_HEAD_BYTES]
    strange = sum(
        unicodedata.category(letter) in ("Cc", "Co", "Cn") for letter in head if letter not in "\t\r\n\x0c\x1a"
    )
    return None if strange > _STRAY_SHARE * len(head) else text.replace("\0", "")


def _eight_bits(content: bytes) -> str | None:
    """Arabic words are runs of high bytes, French ones have a high byte here and there."""
    sample = content[:_SAMPLE_BYTES]
    high = len(sample) - len(sample.translate(None, _HIGH_BYTES))
    in_words = sum(len(word) for word in _HIGH_WORD.findall(sample))
    if high > 0.9 * len(sample):
        return None
    return _decoded_as(content, "windows-1256" if in_words > 0.5 * high else "windows-1252")


def read_csv(content: bytes, name: str, limits: ReadingLimits) -> RawFile | None:
    """A table of texts; None where the content is no text at all.

    Rows are records, as a spreadsheet program numbers them: a line break inside quotes does not start one.
    """
    text = decoded(content)
    if text is None:
        return None
    text = text.rstrip("\x1a")
    if not text.strip(" \t\r\n;,|"):
        raise Unreadable("empty")
    separator = _separator(text)
    if _SAYS_SEPARATOR.match(text):
        text = text.partition("\n")[2]  # programs read it, and number the rows without it
    if text.count("\n") > 2 * limits.max_lines_other:
        raise Unreadable("too-many-lines", limit=limits.max_lines_other)
    counting.passed(text.count("\n"))
    counting.ended()
    cells = _cells(text, separator)
    if cells.height > limits.max_rows_other:
        raise Unreadable("too-many-lines", limit=limits.max_lines_other)
    if cells.height * cells.width > limits.max_cells:
        raise Unreadable("too-many-cells", cell=f"{column_letter(cells.width)}{cells.height}", limit=limits.max_cells)
    return RawFile(kind="workbook", format="csv", sheets=(RawSheet(name=name, visible=True, cells=cells),))


def _separator(text: str) -> str:
    """The one that splits most lines into the same number of cells; a first line `sep=;` says it itself."""
    lines = [line for line in text[:_SAMPLE_BYTES].splitlines()[:_SAMPLE_LINES] if line.strip()]
    if said := _SAYS_SEPARATOR.match(text):
        return said[1]
    return max(_SEPARATORS, key=lambda separator: _agreement(lines, separator))


def _agreement(lines: list[str], separator: str) -> tuple[int, int]:
    counts = Counter(line.count(separator) for line in lines)
    counts.pop(0, None)
    if not counts:
        return (0, 0)
    commonest, times = max(counts.items(), key=lambda item: (item[1], item[0]))
    return (times * min(commonest, 5), commonest)


def _cells(text: str, separator: str) -> pl.DataFrame:
    lines = pl.Series([text]).str.split("\n").explode()
    width = int(lines.str.count_matches(separator, literal=True).max() or 0) + 1  # type: ignore[arg-type]  # the maximum of a column of counts
    if width > _COLUMNS_MAX:
        raise Unreadable("too-many-cells", cell=column_letter(min(width, 18_278)), limit=_COLUMNS_MAX)
    del lines
    try:
        frame = _fast(text, separator, width)
    except pl.exceptions.PolarsError:
        frame = _lenient(text, separator)  # a stray quote: spreadsheets open such files, so must this
    used = [column.name for column in frame if column.null_count() < frame.height]
    last = frame.columns.index(used[-1]) + 1 if used else 1
    return frame[:, :last]


def _fast(text: str, separator: str, width: int) -> pl.DataFrame:
    return pl.read_csv(
        io.BytesIO(text.replace("\r\n", "\n").encode()),
        has_header=False,
        separator=separator,
        schema={column_letter(number): pl.String for number in range(1, width + 1)},
        missing_columns="insert",
        extra_columns="ignore",
        truncate_ragged_lines=True,
    ).select(pl.all().replace("", None))


def _lenient(text: str, separator: str) -> pl.DataFrame:
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    width = max(map(len, rows))
    columns = itertools.zip_longest(*rows) if width else ()
    return pl.DataFrame(
        {
            column_letter(number): pl.Series([value or None for value in column], dtype=pl.String)
            for number, column in enumerate(columns, start=1)
        }
    )
