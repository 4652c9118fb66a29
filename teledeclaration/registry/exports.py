"""Declared lines and days as streams: JSON lines, CSV, and a zip of CSV files, never whole in memory.

Amounts are whole centimes, dates ISO, text UTF-8. A page is a transaction of its own: what is filed never
changes, so pages fit together.
"""

import csv
import io
import zipfile
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import date
from uuid import UUID

import msgspec
from asyncpg import Record

from schemas.actors import Actor
from teledeclaration.database import Pool, transaction
from teledeclaration.registry import declared
from teledeclaration.registry.declared import Declarer, LineTable

PAGE_ROWS = 5_000


async def lines_as_json(pool: Pool, actor: Actor, *, declarer: Declarer, declaration_id: UUID) -> AsyncIterator[bytes]:
    """One JSON object a line, in the order of the declaration."""
    encoder, columns = msgspec.json.Encoder(), declared.LINES[declarer.form].columns
    async for rows in _pages_of_lines(pool, actor, declarer=declarer, declaration_id=declaration_id):
        yield encoder.encode_lines([{name: row[name] for name in columns} for row in rows])


async def lines_as_csv(pool: Pool, actor: Actor, *, declarer: Declarer, declaration_id: UUID) -> AsyncIterator[bytes]:
    """The same with a header row."""
    columns = declared.LINES[declarer.form].columns
    yield _csv([columns])
    async for rows in _pages_of_lines(pool, actor, declarer=declarer, declaration_id=declaration_id):
        yield _csv_rows(rows, columns)


_FILES = {"lines.csv": declared.ANNUAL_LINES, "periodic_lines.csv": declared.PERIODIC_LINES}


async def day_as_zip(pool: Pool, actor: Actor, *, day: date) -> AsyncIterator[bytes]:
    """`declarations.csv` of what was filed on a legal day, with the lines of each form, in a zip."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w") as archive:
        with archive.open(_entry("declarations.csv", day), "w", force_zip64=True) as file:
            file.write(_csv([declared.DECLARATION_COLUMNS]))
            async for rows in _pages_of_declarations(pool, actor, day):
                file.write(_csv_rows(rows, declared.DECLARATION_COLUMNS))
                yield sink.taken()
        for name, lines in _FILES.items():
            with archive.open(_entry(name, day), "w", force_zip64=True) as file:
                file.write(_csv([lines.columns]))
                async for rows in _pages_of_day(pool, actor, lines, day):
                    file.write(_csv_rows(rows, lines.columns))
                    yield sink.taken()
    yield sink.taken()


class _Sink(io.RawIOBase):
    """Where the zip is written; what was written is taken away between pages."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, part: object, /) -> int:
        content = bytes(memoryview(part))  # type: ignore[arg-type] # any buffer, as the base class has it
        self._parts.append(content)
        return len(content)

    def taken(self) -> bytes:
        content, self._parts = b"".join(self._parts), []
        return content


def _entry(name: str, day: date) -> zipfile.ZipInfo:
    # the format knows no earlier year
    entry = zipfile.ZipInfo(name, date_time=(max(day.year, 1980), day.month, day.day, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


async def _pages_of_lines(
    pool: Pool, actor: Actor, *, declarer: Declarer, declaration_id: UUID
) -> AsyncIterator[list[Record]]:
    after = 0
    while True:
        async with transaction(pool, actor) as connection:
            rows = await declared.select_lines(
                connection,
                declared.LINES[declarer.form],
                employer_id=declarer.employer_id,
                declaration_id=declaration_id,
                after=after,
                limit=PAGE_ROWS,
            )
        if not rows:
            return
        yield rows
        after = rows[-1]["line_number"]


async def _pages_of_declarations(pool: Pool, actor: Actor, day: date) -> AsyncIterator[list[Record]]:
    after = 0
    while True:
        async with transaction(pool, actor) as connection:
            rows = await declared.select_declared_of_day(connection, day=day, after=after, limit=PAGE_ROWS)
        if not rows:
            return
        yield rows
        after = rows[-1]["position"]


async def _pages_of_day(pool: Pool, actor: Actor, lines: LineTable, day: date) -> AsyncIterator[list[Record]]:
    position = line_number = 0
    while True:
        async with transaction(pool, actor) as connection:
            rows = await declared.select_lines_of_day(
                connection, lines, day=day, position=position, line_number=line_number, limit=PAGE_ROWS
            )
        if not rows:
            return
        yield rows
        position, line_number = rows[-1]["position"], rows[-1]["line_number"]


def _csv_rows(rows: Sequence[Record], columns: Sequence[str]) -> bytes:
    return _csv([_plain(row[name]) for name in columns] for row in rows)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _csv(rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
