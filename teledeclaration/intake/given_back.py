"""An annotated workbook on its way to its owner: in the memory the sandbox wrote it to, handed on piece by piece."""

import mmap
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from teledeclaration.intake.transfer import WorkbookHead

_PIECE_BYTES = 256 << 10
_MEDIA_TYPES = {
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xlsm": "application/vnd.ms-excel.sheet.macroEnabled.12",
}


class AnnotatedWorkbook:
    """`size_bytes` and `extension` are known at once; the bytes are read once, by `pieces`. A context manager."""

    def __init__(self, mapped: mmap.mmap, head: WorkbookHead) -> None:
        self._mapped = mapped
        self._start = head.content.offset
        self.size_bytes = head.content.length
        self.extension = head.extension if head.extension in _MEDIA_TYPES else ".xlsx"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def media_type(self) -> str:
        """The content type the workbook is sent with."""
        return _MEDIA_TYPES[self.extension]

    def pieces(self) -> Iterator[bytes]:
        """The workbook, piece by piece; what was handed on leaves this process's memory. Closed at the end."""
        end = self._start + self.size_bytes
        with self:
            for place in range(self._start, end, _PIECE_BYTES):
                yield self._mapped[place : min(place + _PIECE_BYTES, end)]
                self._mapped.madvise(mmap.MADV_DONTNEED)

    def close(self) -> None:
        """Give the memory back."""
        self._mapped.close()
