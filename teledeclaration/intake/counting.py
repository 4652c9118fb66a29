"""How many rows a child of the sandbox has passed through, told while it reads by the first bytes of its result.

A child reads one file, so that one count is enough; outside the sandbox nothing is told. The worker looks at the
count when it likes, and nothing waits for it.
"""

import os
import struct

HEAD_BYTES = 64
"""What is kept free for the count at the beginning of a result."""

_COUNT = struct.Struct("<qq")
_UNKNOWN = -1


class _Told:
    """Where the count goes, and the rows of the sheets that are behind."""

    descriptor: int | None = None
    behind: int = 0
    at: int = 0


def begin(descriptor: int) -> None:
    """Tell the count into this file from now on."""
    _Told.descriptor, _Told.behind, _Told.at = descriptor, 0, 0
    _tell(_UNKNOWN)


def passed(row: int) -> None:
    """The row of the sheet at hand that was passed last, from 1."""
    _Told.at = row
    _tell(_UNKNOWN)


def sheet_ended() -> None:
    """The next rows are another sheet's."""
    _Told.behind, _Told.at = _Told.behind + _Told.at, 0


def ended() -> None:
    """Every row of the file was passed: their number is known."""
    _tell(_Told.behind + _Told.at)


def _tell(total: int) -> None:
    if _Told.descriptor is not None:
        os.pwrite(_Told.descriptor, _COUNT.pack(_Told.behind + _Told.at, total), 0)


def read_count(descriptor: int) -> tuple[int, int | None]:
    """Rows passed so far and, once that is known, all there are: asked by the worker, of a child's result."""
    told = os.pread(descriptor, _COUNT.size, 0)
    if len(told) < _COUNT.size:
        return 0, None
    rows, total = _COUNT.unpack(told)
    return rows, None if total == _UNKNOWN else total
