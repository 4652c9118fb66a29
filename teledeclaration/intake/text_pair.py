"""The pair of text files payroll software writes: `DyyE##########.TXT` (header) and `DyyS##########.TXT` (detail).

The layout is the fund's, read by trimmed slices and written to the byte; positions are 1-based, as it gives them.
"""

import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Mapping
from datetime import date
from typing import ClassVar

import msgspec
import polars as pl

from schemas.annual import AnnualLine, DeclarationType
from teledeclaration.errors import Malformed, SaidAs
from teledeclaration.intake.raw import RawFile, RawSheet, ReadingLimits, TextHeader, Unreadable

DETAIL_LENGTH = 195
HEADER_LENGTH = 216
HEADER_WRITTEN_LENGTH = 221  # a real header ends with five more blanks

DETAIL_FIELDS: dict[str, tuple[int, int]] = {
    "employer_number": (1, 10),
    "year": (11, 14),
    "line_number": (15, 20),
    "nss": (21, 32),
    "last_name": (33, 57),
    "first_name": (58, 82),
    "birth_date": (83, 90),
    "q1_duration": (91, 93),
    "q1_unit": (94, 94),
    "q1_amount": (95, 104),
    "q2_duration": (105, 107),
    "q2_unit": (108, 108),
    "q2_amount": (109, 118),
    "q3_duration": (119, 121),
    "q3_unit": (122, 122),
    "q3_amount": (123, 132),
    "q4_duration": (133, 135),
    "q4_unit": (136, 136),
    "q4_amount": (137, 146),
    "annual_amount": (147, 158),
    "entry_date": (159, 166),
    "exit_date": (167, 174),
    "observation": (175, 194),
    "end_flag": (195, 195),
}

HEADER_FIELDS: dict[str, tuple[int, int]] = {
    "employer_number": (1, 10),
    "type": (11, 11),
    "year": (12, 15),
    "payment_centre": (16, 20),
    "denomination": (21, 50),
    "trading_name": (51, 80),
    "address": (81, 130),
    "q1_total": (131, 146),
    "q2_total": (147, 162),
    "q3_total": (163, 178),
    "q4_total": (179, 194),
    "annual_total": (195, 210),
    "workers": (211, 216),
}

_NAME = re.compile(r"D(\d\d)([ES])(\d{10})\.TXT", re.IGNORECASE)
_DETAIL_SHAPE = re.compile(rb"\d{14}[ \d]{6}.{174}[01]?\r?(?:\n|$)", re.DOTALL)
_HEADER_SHAPE = re.compile(rb"\d{10}[NCRncr]\d{9}.{110,190}[ \d]{6} *\r?\n?$", re.DOTALL)


def zip_together(files: Mapping[str, bytes]) -> bytes:
    """One archive for files that were sent at once; the same files always give the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), files[name], zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def pair_role(name: str) -> tuple[str, str, str] | None:
    """(year's two digits, `E` or `S`, employer number) of a file named as one of a pair, else None."""
    match = _NAME.fullmatch(name.rsplit("/", 1)[-1])
    return None if match is None else (match[1], match[2].upper(), match[3])


def looks_like_one_of_a_pair(content: bytes) -> bool:
    """Whether a text begins as a detail file or is a header record."""
    return bool(_DETAIL_SHAPE.match(content[:400]) or (len(content) < 400 and _HEADER_SHAPE.match(content)))


def read_text_pair(files: Mapping[str, bytes], limits: ReadingLimits) -> RawFile:
    """The header and the detail lines of a pair, by trimmed slices, nothing judged.

    `files` are an archive's members by name. Unreadable: `text-pair-incomplete`, `several-files`,
    `text-pair-mismatch` (names of two employers or years), `empty`, `too-many-lines`.
    """
    header_name, detail_name = _the_pair(files)
    header_lines = _lines(files[header_name])
    detail_lines = _lines(files[detail_name])
    if not header_lines or not detail_lines:
        raise Unreadable("empty")
    if len(detail_lines) > limits.max_lines_other:
        raise Unreadable("too-many-lines", limit=limits.max_lines_other)
    record = header_lines[0]
    return RawFile(
        kind="text-pair",
        format="text-pair",
        sheets=(_detail_sheet(detail_name.rsplit("/", 1)[-1], detail_lines),),
        header=TextHeader(**{name: _slice(record, span) for name, span in HEADER_FIELDS.items()}),
        file_names=(header_name, detail_name),
        header_non_ascii=frozenset(n for n, span in HEADER_FIELDS.items() if not _slice(record, span).isascii()),
    )


def _the_pair(files: Mapping[str, bytes]) -> tuple[str, str]:
    headers = [name for name in files if (role := pair_role(name)) and role[1] == "E"]
    details = [name for name in files if (role := pair_role(name)) and role[1] == "S"]
    if len(headers) > 1 or len(details) > 1:
        raise Unreadable("several-files")
    if not headers or not details:
        raise Unreadable("text-pair-incomplete")
    one, other = pair_role(headers[0]), pair_role(details[0])
    if one is None or other is None or (one[0], one[2]) != (other[0], other[2]):
        raise Unreadable("text-pair-mismatch")
    return headers[0], details[0]


def _lines(content: bytes) -> list[str]:
    """Lines by character, so that an accented name written in UTF-8 does not move the fields after it."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\x1a").split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def _slice(record: str, span: tuple[int, int]) -> str:
    return record[span[0] - 1 : span[1]].strip()


def _position(span: tuple[int, int]) -> str:
    return str(span[0]) if span[0] == span[1] else f"{span[0]}-{span[1]}"


def _detail_sheet(name: str, lines: list[str]) -> RawSheet:
    text = pl.Series("line", lines, dtype=pl.String)
    positions = {_position(span): field for field, span in DETAIL_FIELDS.items()}
    cells = text.to_frame().select(
        pl.col("line").str.slice(first - 1, last - first + 1).str.strip_chars().replace("", None).alias(position)
        for position, (first, last) in zip(positions, DETAIL_FIELDS.values(), strict=True)
    )
    lengths = text.str.len_chars()
    wrong = (lengths != DETAIL_LENGTH).arg_true()
    return RawSheet(
        name=name,
        visible=True,
        cells=cells,
        fields=positions,
        non_ascii=_non_ascii(text, cells),
        short_lines={row + 1: lengths[row] for row in wrong.to_list()},
    )


def _non_ascii(text: pl.Series, cells: pl.DataFrame) -> frozenset[tuple[int, str]]:
    rows = (text.str.len_bytes() != text.str.len_chars()).arg_true().to_list()
    return frozenset(
        (row + 1, position)
        for row in rows
        for position, value in cells.row(row, named=True).items()
        if value is not None and not value.isascii()
    )


class NotWritable(Malformed):
    """A line that the text layout cannot hold: `line` counts from 1 (0 is the header), `field`, `reason`."""

    type: ClassVar[str] = "text-pair-not-writable"
    said_as: ClassVar[SaidAs] = {"field": ("field.{id}",)}

    def __init__(self, *, line: int, field: str, reason: str) -> None:
        super().__init__(line=line, field=field, reason=reason)


class PairHeader(msgspec.Struct, frozen=True, kw_only=True):
    """Who declares: what the header record says beside the totals, which come from the lines."""

    employer_number: str
    year: int
    type: DeclarationType = "N"
    payment_centre: str
    denomination: str = ""
    trading_name: str = ""
    address: str = ""


def write_text_pair(header: PairHeader, lines: Iterable[AnnualLine]) -> tuple[tuple[str, bytes], tuple[str, bytes]]:
    """The two files by name, header first, to the byte as payroll software writes them.

    Latin letters lose their accents; a text longer than its field is cut to it, as the layout has no
    room for more; any other letter is `NotWritable`, with the line and the field. Lines are numbered
    in their order and taken one at a time.
    """
    totals = [0, 0, 0, 0, 0]
    detail = io.BytesIO()
    workers = 0
    for workers, line in enumerate(lines, start=1):
        if workers > 1:
            detail.write(b"\r\n")
        detail.write(_detail_record(header, workers, line))
        for place, amount in enumerate((line.q1_amount, line.q2_amount, line.q3_amount, line.q4_amount)):
            totals[place] += amount
        totals[4] += line.annual_amount
    stem = f"{header.year % 100:02d}"
    return (
        (f"D{stem}E{header.employer_number}.TXT", _header_record(header, totals, workers)),
        (f"D{stem}S{header.employer_number}.TXT", detail.getvalue()),
    )


def _header_record(header: PairHeader, totals: list[int], workers: int) -> bytes:
    fields = _Fields(line=0, spans=HEADER_FIELDS)
    fields.digits("employer_number", header.employer_number)
    fields.text("type", header.type)
    fields.digits("year", f"{header.year:04d}")
    fields.digits("payment_centre", header.payment_centre)
    for name in ("denomination", "trading_name", "address"):
        fields.text(name, getattr(header, name))
    for name, total in zip(("q1_total", "q2_total", "q3_total", "q4_total"), totals[:4], strict=True):
        fields.right(name, total, early=1)
    fields.right("annual_total", totals[4])
    fields.right("workers", workers)
    return fields.record(HEADER_WRITTEN_LENGTH) + b"\r\n"


def _detail_record(header: PairHeader, number: int, line: AnnualLine) -> bytes:
    fields = _Fields(line=number, spans=DETAIL_FIELDS)
    fields.digits("employer_number", header.employer_number)
    fields.digits("year", f"{header.year:04d}")
    fields.left("line_number", number)
    fields.digits("nss", line.nss)
    fields.text("last_name", line.last_name.upper())
    fields.text("first_name", line.first_name.upper())
    fields.day("birth_date", line.birth_date)
    for quarter in ("q1", "q2", "q3", "q4"):
        fields.right(f"{quarter}_duration", getattr(line, f"{quarter}_duration") or 0)
        fields.text(f"{quarter}_unit", getattr(line, f"{quarter}_unit") or "J")
        fields.amount(f"{quarter}_amount", getattr(line, f"{quarter}_amount"))
    fields.amount("annual_amount", line.annual_amount)
    fields.day("entry_date", line.entry_date)
    fields.day("exit_date", line.exit_date)
    fields.text("observation", line.observation)
    fields.digits("end_flag", "0")
    return fields.record(DETAIL_LENGTH)


class _Fields:
    """One record being filled, field by field; a value that does not fit is `NotWritable`."""

    def __init__(self, *, line: int, spans: Mapping[str, tuple[int, int]]) -> None:
        self.line = line
        self.spans = spans
        self.parts: dict[str, str] = {}

    def digits(self, name: str, value: str | None) -> None:
        if value is None:
            raise self._refused(name, "missing")
        if len(value) != self._width(name) or not (value.isascii() and value.isdigit()):
            raise self._refused(name, "not-digits")
        self.parts[name] = value

    def text(self, name: str, value: str) -> None:
        plain = without_accents(" ".join(value.split()))
        if not plain.isascii() or not plain.isprintable():
            raise self._refused(name, "not-latin")
        self.parts[name] = plain[: self._width(name)].ljust(self._width(name))

    def day(self, name: str, value: date | None) -> None:
        self.parts[name] = " " * 8 if value is None else f"{value.day:02d}{value.month:02d}{value.year:04d}"

    def left(self, name: str, value: int) -> None:
        self.parts[name] = self._fitting(name, value).ljust(self._width(name))

    def right(self, name: str, value: int, early: int = 0) -> None:
        width = self._width(name)
        self.parts[name] = self._fitting(name, value, width - early).rjust(width - early).ljust(width)

    def amount(self, name: str, centimes: int) -> None:
        """A zero stands after six spaces, anything else at the left."""
        shown = "      0" if centimes == 0 else self._fitting(name, centimes)
        self.parts[name] = shown.ljust(self._width(name))

    def record(self, length: int) -> bytes:
        return "".join(self.parts[name] for name in self.spans).ljust(length).encode("ascii")

    def _width(self, name: str) -> int:
        first, last = self.spans[name]
        return last - first + 1

    def _fitting(self, name: str, value: int, width: int | None = None) -> str:
        if value < 0 or len(str(value)) > (width or self._width(name)):
            raise self._refused(name, "too-large")
        return str(value)

    def _refused(self, name: str, reason: str) -> NotWritable:
        return NotWritable(line=self.line, field=name, reason=reason)


_LIGATURES = str.maketrans(
    {"Œ": "OE", "œ": "oe", "Æ": "AE", "æ": "ae", "ß": "ss", "Ø": "O", "ø": "o", "Đ": "D", "đ": "d", "Ł": "L", "ł": "l"}
    | dict.fromkeys("’‘ʼ`´", "'")
    | dict.fromkeys("‐‑‒–—", "-")
    | {"°": "o", "«": '"', "»": '"'}
)


def without_accents(text: str) -> str:
    """Latin letters without their marks; letters of other scripts stay as they are."""
    split = unicodedata.normalize("NFKD", text.translate(_LIGATURES))
    return "".join(character for character in split if not unicodedata.combining(character))
