"""Opening a zip that may lie: counted before it is unpacked, and unpacked no further than the limits."""

import copy
import io
import lzma
import mmap
import struct
import zipfile
import zlib
from collections.abc import Iterator

from teledeclaration.intake.raw import ReadingLimits, Unreadable

_CHUNK_BYTES = 1 << 20
_MEMBERS_MAX = 5_000
_SMALL_PART_BYTES = 16 << 20
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError),
    *(KeyError, IndexError, ValueError, OverflowError, NotImplementedError),
)  # what the standard library meets in a zip that is none
_LOCAL_HEADER = struct.Struct("<26sHH")
_SWOLLEN_BYTES, _SWOLLEN_RATIO = 64 << 20, 200


class Archive:
    """The members of a zip by name; `Unreadable` where it is cut, locked, or claims more than the limits."""

    def __init__(self, content: bytes | mmap.mmap, limits: ReadingLimits) -> None:
        self.limits = limits
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content) if isinstance(content, bytes) else _AsFile(content))
        except _BROKEN as error:
            raise Unreadable("damaged") from error
        members = self._zip.infolist()
        if len(members) > _MEMBERS_MAX or sum(member.file_size for member in members) > limits.max_unpacked_bytes:
            raise Unreadable("zip-bomb")
        if any(_swells(member) for member in members):
            raise Unreadable("zip-bomb")
        self.sizes = {member.filename: member.file_size for member in members if not member.filename.endswith("/")}
        self._locked = {member.filename for member in members if member.flag_bits & 1}

    def head(self, name: str, size: int = 4096) -> bytes:
        """The first bytes of a member."""
        return next(self.chunks(name, size), b"")

    def chunks(self, name: str, size: int = _CHUNK_BYTES) -> Iterator[bytes]:
        """A member's bytes, `size` at a time."""
        if name in self._locked:
            raise Unreadable("password-protected")
        try:
            with self._zip.open(name) as member:
                while chunk := member.read(size):
                    yield chunk
        except _BROKEN as error:
            raise Unreadable("damaged") from error

    def read(self, name: str, most: int = _SMALL_PART_BYTES) -> bytes:
        """A whole small member; past `most` bytes it is `zip-bomb`."""
        if self.sizes.get(name, 0) > most:
            raise Unreadable("zip-bomb")
        return b"".join(self.chunks(name))

    def packed(self, name: str, size: int = _CHUNK_BYTES) -> tuple[zipfile.ZipInfo, Iterator[bytes]]:
        """What the zip says of a member, and its bytes as they are packed, `size` at a time."""
        if name in self._locked:
            raise Unreadable("password-protected")
        member = self._zip.getinfo(name)
        return copy.copy(member), self._packed(member, size)

    def _packed(self, member: zipfile.ZipInfo, size: int) -> Iterator[bytes]:
        source = self._zip.fp
        if source is None:
            raise ValueError("the zip is closed")
        source.seek(member.header_offset)
        header = source.read(_LOCAL_HEADER.size)
        if len(header) < _LOCAL_HEADER.size or not header.startswith(b"PK\x03\x04"):
            raise Unreadable("damaged")
        name_length, extra_length = _LOCAL_HEADER.unpack(header)[1:]
        place, left = source.tell() + name_length + extra_length, member.compress_size
        while left:
            source.seek(place)
            piece = source.read(min(size, left))
            if not piece:
                raise Unreadable("damaged")
            place, left = place + len(piece), left - len(piece)
            yield piece


def _swells(member: zipfile.ZipInfo) -> bool:
    """Whether an XML part unpacks as no spreadsheet's does: those shrink ten- to sixtyfold."""
    large = member.file_size > _SWOLLEN_BYTES and member.filename.endswith(".xml")
    return large and member.file_size > _SWOLLEN_RATIO * member.compress_size


class _AsFile(io.RawIOBase):
    """A mapped file as `zipfile` wants it, without copying it."""

    def __init__(self, mapped: mmap.mmap) -> None:
        self._mapped = mapped
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: len(self._mapped)}[whence]
        self._place = max(0, start + offset)
        return self._place

    def read(self, size: int = -1) -> bytes:
        end = len(self._mapped) if size < 0 else min(self._place + size, len(self._mapped))
        data = self._mapped[self._place : end]
        self._place += len(data)
        return data
