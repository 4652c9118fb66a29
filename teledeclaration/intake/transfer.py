"""How a child of the sandbox hands its result back through one file: frames first, then a head, then its length.

Frames are Arrow IPC, uncompressed, so that the other side maps them without copying.
"""

import mmap
from collections.abc import Callable
from typing import BinaryIO

import msgspec
import polars as pl

from teledeclaration.intake.raw import FileFormat, FileKind, RawFile, RawSheet, TextHeader

_LENGTH_BYTES = 8
_ALIGNMENT = 64


class Refusal(msgspec.Struct, frozen=True, tag="refusal"):
    """The child's own word that the file is unreadable."""

    code: str
    values: dict[str, str | int]


class Failure(msgspec.Struct, frozen=True, tag="failure"):
    """The child met an error nobody foresaw: its kind and where, never its text, which may hold a cell."""

    kind: str
    place: str


class Span(msgspec.Struct, frozen=True):
    """Where a part stands in the file, in bytes."""

    offset: int
    length: int


class SheetHead(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    visible: bool
    cells: Span
    numeric: Span | None
    error_cells: list[tuple[int, str, str]]
    uncomputed: list[tuple[int, str]]
    hidden_rows: list[int]
    filtered_rows: list[int]
    hidden_columns: list[str]
    merged: list[tuple[int, str, int, str]]
    fields: dict[str, str]
    non_ascii: list[tuple[int, str]]
    short_lines: dict[int, int]


class FileHead(msgspec.Struct, frozen=True, kw_only=True, tag="file"):
    kind: FileKind
    format: FileFormat
    sheets: list[SheetHead]
    header: TextHeader | None
    file_names: tuple[str, ...]
    header_non_ascii: list[str]


class WorkbookHead(msgspec.Struct, frozen=True, kw_only=True, tag="workbook"):
    """A workbook that was written, and the ending its name takes (`.xlsx`, or `.xlsm` where it has macros)."""

    content: Span
    extension: str


class ProbeHead(msgspec.Struct, frozen=True, kw_only=True, tag="probe"):
    """What a confined child may still do on this system."""

    user_id: int
    reads_files: bool
    reaches_network: bool
    starts_programs: bool
    memory_limit_bytes: int


Head = Refusal | Failure | FileHead | WorkbookHead | ProbeHead


def write_head(head: Head, output: BinaryIO) -> None:
    """End the file: nothing is read from one that lacks this."""
    encoded = msgspec.msgpack.encode(head)
    output.write(encoded + len(encoded).to_bytes(_LENGTH_BYTES, "little"))
    output.flush()


def read_head(mapped: mmap.mmap) -> Head:
    """The head at the end of the file; ValueError where there is none."""
    end = len(mapped) - _LENGTH_BYTES
    length = int.from_bytes(mapped[end:], "little") if end > 0 else 0
    if not 0 < length <= end:
        raise ValueError("the child's answer is cut")
    head: Head = msgspec.msgpack.decode(mapped[end - length : end], type=Head)
    return head


def write_part(output: BinaryIO, write: Callable[[BinaryIO], object]) -> Span:
    """Let `write` put a part at the next aligned place, and say where it stands."""
    output.write(b"\0" * (-output.tell() % _ALIGNMENT))
    start = output.tell()
    write(output)
    return Span(start, output.tell() - start)


def write_file(file: RawFile, output: BinaryIO) -> None:
    """The whole `RawFile`, to be read by `read_file`."""
    sheets = [_write_sheet(sheet, output) for sheet in file.sheets]
    head = FileHead(
        kind=file.kind,
        format=file.format,
        sheets=sheets,
        header=file.header,
        file_names=file.file_names,
        header_non_ascii=sorted(file.header_non_ascii),
    )
    write_head(head, output)


def _write_sheet(sheet: RawSheet, output: BinaryIO) -> SheetHead:
    return SheetHead(
        name=sheet.name,
        visible=sheet.visible,
        cells=write_part(output, sheet.cells.write_ipc),
        numeric=None if sheet.numeric is None else write_part(output, sheet.numeric.write_ipc),
        error_cells=[(row, column, error) for (row, column), error in sheet.error_cells.items()],
        uncomputed=sorted(sheet.uncomputed),
        hidden_rows=sorted(sheet.hidden_rows),
        filtered_rows=sorted(sheet.filtered_rows),
        hidden_columns=sorted(sheet.hidden_columns),
        merged=list(sheet.merged),
        fields=sheet.fields,
        non_ascii=sorted(sheet.non_ascii),
        short_lines=sheet.short_lines,
    )


def read_file(head: FileHead, mapped: mmap.mmap) -> RawFile:
    """The `RawFile` that `write_file` wrote."""
    return RawFile(
        kind=head.kind,
        format=head.format,
        sheets=tuple(_read_sheet(sheet, mapped) for sheet in head.sheets),
        header=head.header,
        file_names=head.file_names,
        header_non_ascii=frozenset(head.header_non_ascii),
    )


def _read_frame(span: Span, mapped: mmap.mmap) -> pl.DataFrame:
    return pl.read_ipc(mapped[span.offset : span.offset + span.length])


def _read_sheet(head: SheetHead, mapped: mmap.mmap) -> RawSheet:
    return RawSheet(
        name=head.name,
        visible=head.visible,
        cells=_read_frame(head.cells, mapped),
        numeric=None if head.numeric is None else _read_frame(head.numeric, mapped),
        error_cells={(row, column): error for row, column, error in head.error_cells},
        uncomputed=frozenset(head.uncomputed),
        hidden_rows=frozenset(head.hidden_rows),
        filtered_rows=frozenset(head.filtered_rows),
        hidden_columns=frozenset(head.hidden_columns),
        merged=tuple(head.merged),
        fields=head.fields,
        non_ascii=frozenset(head.non_ascii),
        short_lines=head.short_lines,
    )
