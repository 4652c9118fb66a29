"""How a child of the sandbox hands its result back through one file: frames first, then a head, then its length.

Frames are Arrow IPC streams, uncompressed. A workbook's sheets cross as the reader gave them, and are settled on the
other side (see `loaded`).
"""

import mmap
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from io import IOBase
from typing import BinaryIO, cast

import msgspec
import polars as pl
import pyarrow as pa
from pyarrow import ipc

from teledeclaration.intake.loaded import LoadedSheet, LoadedWorkbook, settled_sheet
from teledeclaration.intake.raw import NO_CELLS, FileFormat, FileKind, RawFile, RawSheet, TextHeader

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


class AsLoaded(msgspec.Struct, frozen=True, kw_only=True):
    """What a sheet needs to be settled, beside its texts: as `loaded.LoadedSheet` says."""

    first: int
    answers: Span | None
    asked: tuple[str, ...]
    put_right: list[tuple[int, str, str]]


class SheetHead(msgspec.Struct, frozen=True, kw_only=True):
    """A sheet; `loaded` where its cells are still to be settled."""

    name: str
    visible: bool
    cells: Span
    loaded: AsLoaded | None
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


def write_file(file: RawFile | LoadedWorkbook, output: BinaryIO) -> None:
    """The whole file, to be read by `read_file`."""
    if isinstance(file, LoadedWorkbook):
        loaded = [_write_loaded(sheet, output) for sheet in file.sheets]
        head = FileHead(
            kind="workbook", format=file.format, sheets=loaded, header=None, file_names=(), header_non_ascii=[]
        )
    else:
        head = FileHead(
            kind=file.kind,
            format=file.format,
            sheets=[_sheet_head(sheet, _write_frame(sheet.cells, output), None) for sheet in file.sheets],
            header=file.header,
            file_names=file.file_names,
            header_non_ascii=sorted(file.header_non_ascii),
        )
    write_head(head, output)


def _write_loaded(sheet: LoadedSheet, output: BinaryIO) -> SheetHead:
    return _sheet_head(
        sheet.facts,
        _write_frame(sheet.texts, output),
        AsLoaded(
            first=sheet.first,
            answers=None if sheet.answers is None else _write_frame(sheet.answers, output),
            asked=sheet.asked,
            put_right=[(row, column, text) for (row, column), text in sheet.put_right.items()],
        ),
    )


def _write_frame(frame: pl.DataFrame | pa.RecordBatch, output: BinaryIO) -> Span:
    write = frame.write_ipc_stream if isinstance(frame, pl.DataFrame) else partial(_write_batch, frame)
    return write_part(output, write)


def _write_batch(batch: pa.RecordBatch, output: BinaryIO) -> None:
    with ipc.new_stream(cast("IOBase", output), batch.schema) as stream:
        stream.write_batch(batch)


def _sheet_head(sheet: RawSheet, cells: Span, loaded: AsLoaded | None) -> SheetHead:
    return SheetHead(
        name=sheet.name,
        visible=sheet.visible,
        cells=cells,
        loaded=loaded,
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
    """What `write_file` wrote, settled."""
    return RawFile(
        kind=head.kind,
        format=head.format,
        sheets=tuple(_read_sheet(sheet, mapped) for sheet in head.sheets),
        header=head.header,
        file_names=head.file_names,
        header_non_ascii=frozenset(head.header_non_ascii),
    )


def _read_frame(span: Span, mapped: mmap.mmap) -> pl.DataFrame:
    return pl.read_ipc_stream(mapped[span.offset : span.offset + span.length])


def _read_sheet(head: SheetHead, mapped: mmap.mmap) -> RawSheet:
    cells, facts = _read_frame(head.cells, mapped), _facts(head)
    loaded = head.loaded
    if loaded is None:
        return replace(facts, cells=cells)
    answers = None if loaded.answers is None else _read_frame(loaded.answers, mapped)
    put_right = {(row, column): text for row, column, text in loaded.put_right}
    return settled_sheet(LoadedSheet(facts, loaded.first, cells, answers, loaded.asked, put_right))


def _facts(head: SheetHead) -> RawSheet:
    return RawSheet(
        name=head.name,
        visible=head.visible,
        cells=NO_CELLS,
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
