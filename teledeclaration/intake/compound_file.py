"""The old container of `.xls` files (OLE2): its streams by name, read with bounds, whatever its tables claim."""

import mmap
import struct
from collections.abc import Iterator
from itertools import islice

from teledeclaration.intake.raw import Unreadable

_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENTRY_BYTES = 128
_MINI_SECTOR_BYTES = 64
_END = 0xFFFFFFFA  # this number and those above it are no sector
_STREAM, _ROOT = 2, 5


class CompoundFile:
    """The streams of one container; `Unreadable("damaged")` where its tables lead nowhere."""

    def __init__(self, content: bytes | mmap.mmap) -> None:
        self._content = content
        if content[:8] != _SIGNATURE or len(content) < 512:
            raise Unreadable("damaged")
        self._shift = struct.unpack_from("<H", content, 30)[0]
        if self._shift not in (9, 12):
            raise Unreadable("damaged")
        directory, _, self._mini_cutoff, mini_fat, _, difat, _ = struct.unpack_from("<7L", content, 48)
        self._table = self._allocation(difat)
        entries = self._chain(directory)
        self._streams = {name: (start, size) for kind, name, start, size in _entries(entries) if kind == _STREAM}
        root = next(((start, size) for kind, _, start, size in _entries(entries) if kind == _ROOT), (_END, 0))
        self._mini = self._chain(root[0]) if root[0] < _END else b""
        self._mini_table = _numbers(self._chain(mini_fat)) if mini_fat < _END else ()

    def stream(self, *names: str) -> bytes | None:
        """The first of these streams that is there; names are compared without case."""
        for name in names:
            if (found := self._streams.get(name.casefold())) is not None:
                start, size = found
                return self._small(start)[:size] if size < self._mini_cutoff else self._chain(start)[:size]
        return None

    def _sector(self, number: int) -> bytes:
        start = (number + 1) << self._shift
        return self._content[start : start + (1 << self._shift)]

    def _allocation(self, difat: int) -> tuple[int, ...]:
        """Which sector follows on which."""
        listed = list(struct.unpack_from("<109L", self._content, 76))
        most = len(self._content) >> self._shift
        for _ in range(most):
            if difat >= _END:
                break
            numbers = _numbers(self._sector(difat))
            if not numbers:
                raise Unreadable("damaged")
            listed += numbers[:-1]
            difat = numbers[-1]
        sectors = [number for number in listed if number < _END][: most + 1]
        return _numbers(b"".join(self._sector(number) for number in sectors))

    def _chain(self, start: int) -> bytes:
        most = (len(self._content) >> self._shift) + 1
        return b"".join(self._sector(number) for number in islice(_followed(self._table, start), most))

    def _small(self, start: int) -> bytes:
        most = len(self._mini) // _MINI_SECTOR_BYTES + 1
        places = (number * _MINI_SECTOR_BYTES for number in islice(_followed(self._mini_table, start), most))
        return b"".join(self._mini[place : place + _MINI_SECTOR_BYTES] for place in places)


def _followed(table: tuple[int, ...], start: int) -> Iterator[int]:
    """A chain of sectors; one that turns in a circle is cut off by who reads it."""
    number = start
    while number < _END:
        yield number
        number = table[number] if number < len(table) else _END


def _numbers(sector: bytes) -> tuple[int, ...]:
    whole = len(sector) // 4
    return struct.unpack(f"<{whole}L", sector[: 4 * whole])


def _entries(directory: bytes) -> Iterator[tuple[int, str, int, int]]:
    """(kind, name, first sector, size) of what the container holds."""
    for place in range(0, len(directory) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
        length, kind = struct.unpack_from("<HB", directory, place + 64)
        start, size = struct.unpack_from("<LL", directory, place + 116)
        name = directory[place : place + max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
        yield kind, name.casefold(), start, size
