"""The parts of an Office Open XML package: read by name, related to each other, changed, and written to a new zip.

Parts that were not changed are copied as they stand in the zip, packed as they are.
"""

import io
import mmap
import posixpath
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import unquote

from teledeclaration.intake.archives import Archive
from teledeclaration.intake.ooxml import parse_part
from teledeclaration.intake.raw import ReadingLimits
from teledeclaration.intake.xlsx_patch.xml_edit import (
    Edit,
    NotPatchableError,
    appended,
    edited,
    elements,
)
from teledeclaration.intake.xlsx_texts import attribute_xml

Writer = Callable[[BinaryIO], object]

CONTENT_TYPES = "[Content_Types].xml"
HEAD = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TRANSITIONAL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_STRICT = "http://purl.oclc.org/ooxml/officeDocument/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_STRICT_MAIN = "http://purl.oclc.org/ooxml/spreadsheetml/main"
_COMPRESS_LEVEL = 3
_READ_BYTES_MAX = 64 << 20
_LARGE_BYTES = 1 << 30


class Relation(NamedTuple):
    """What a part refers to: `kind` is the last word of the relation's type, `target` a part or None."""

    id: str
    kind: str
    target: str | None


class Package:
    """A package as it was sent, with the changes to be made to it."""

    def __init__(self, content: bytes | mmap.mmap, limits: ReadingLimits) -> None:
        self.archive = Archive(content, limits)
        self._changed: dict[str, bytes | Writer] = {}
        self._added: dict[str, bytes | Writer] = {}
        self._removed: set[str] = set()
        self._names = {name.casefold(): name for name in self.archive.sizes}
        main = [relation.target for relation in self.relations("") if relation.kind == "officeDocument"]
        self.workbook = next(filter(None, main), None) or "xl/workbook.xml"
        if self.workbook not in self.archive.sizes:
            raise NotPatchableError
        self.strict = _STRICT_MAIN.encode() in self.archive.head(self.workbook)
        self.namespace = _STRICT_MAIN if self.strict else _MAIN
        self.relation_types = _STRICT if self.strict else _TRANSITIONAL

    def read(self, name: str) -> bytes:
        """A part as it now stands; NotPatchableError where it is too long to be read at once."""
        now = self._changed.get(name, self._added.get(name))
        if isinstance(now, bytes):
            return now
        if self.archive.sizes.get(name, 0) > _READ_BYTES_MAX:
            raise NotPatchableError
        return self.archive.read(name, _READ_BYTES_MAX)

    def holds(self, name: str) -> bool:
        """Whether there is such a part now."""
        return (name in self.archive.sizes and name not in self._removed) or name in self._added

    def change(self, name: str, content: bytes | Writer) -> None:
        """Put `content`, or what the writer writes, in the place of a part or as a new one."""
        (self._added if name not in self.archive.sizes else self._changed)[name] = content

    def remove(self, name: str) -> None:
        """Leave a part out, with its relations and its content type."""
        self._removed |= {name, _relations_name(name)}
        content = self.read(CONTENT_TYPES)
        cut = [
            (element.start, element.end, b"")
            for element in elements(content, depth=1)
            if element.attributes.get("PartName", "").casefold() == f"/{name}".casefold()
        ]
        self.change(CONTENT_TYPES, edited(content, cut))

    def free_name(self, wanted: str) -> str:
        """A name for a new part: `wanted`, numbered where that is taken."""
        stem, dot, end = wanted.rpartition(".")
        taken = {*self._names, *map(str.casefold, self._added)} - set(map(str.casefold, self._removed))
        names = (wanted if number == 1 else f"{stem}{number}{dot}{end}" for number in range(1, len(taken) + 2))
        return next(name for name in names if name.casefold() not in taken)

    def relations(self, part: str) -> list[Relation]:
        """What a part (the package itself: "") refers to."""
        name = self._names.get(_relations_name(part).casefold(), _relations_name(part))
        if not self.holds(name):
            return []
        folder = posixpath.dirname(part)
        found = []
        for relation in parse_part(self.read(name)):
            target = unquote(relation.get("Target", ""))
            whole = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
            inside = relation.get("TargetMode") != "External"
            known = self._names.get(whole.casefold(), whole if whole in self._added else None)
            kind = relation.get("Type", "").rpartition("/")[2]
            found.append(Relation(relation.get("Id", ""), kind, known if inside else None))
        return found

    def relate(self, part: str, kind: str, target: str) -> str:
        """Let a part refer to another; the relation's id."""
        taken = {relation.id for relation in self.relations(part)}
        numbered = next(f"td{number}" for number in range(1, len(taken) + 2) if f"td{number}" not in taken)
        wanted = _relations_name(part)
        name = self._names.get(wanted.casefold(), wanted)
        content = (
            self.read(name)
            if self.holds(name)
            else HEAD + f'<Relationships xmlns="{_PACKAGE}/relationships"/>'.encode()
        )
        root = elements(content, depth=0)[0]
        to = attribute_xml(posixpath.relpath(target, posixpath.dirname(part) or "."))
        more = f'<{root.prefix}Relationship Id="{numbered}" Type="{self.relation_types}/{kind}" Target="{to}"/>'
        self._removed.discard(name)
        self.change(name, edited(content, [appended(content, root, more.encode())]))
        return numbered

    def unrelate(self, part: str, ids: set[str]) -> None:
        """Take relations of a part away."""
        name = self._names.get(_relations_name(part).casefold(), _relations_name(part))
        content = self.read(name)
        cut: list[Edit] = [
            (element.start, element.end, b"")
            for element in elements(content, depth=1)
            if element.depth == 1 and element.attributes.get("Id") in ids
        ]
        self.change(name, edited(content, cut))

    def declare(self, part: str, content_type: str) -> None:
        """Say what a new part holds."""
        self._declare_with(f'Override PartName="/{attribute_xml(part)}" ContentType="{content_type}"')

    def declare_extension(self, extension: str, content_type: str) -> None:
        """Say what parts with such an ending hold, unless that is said already."""
        said = elements(self.read(CONTENT_TYPES), depth=1)
        if not any(element.attributes.get("Extension", "").casefold() == extension for element in said):
            self._declare_with(f'Default Extension="{extension}" ContentType="{content_type}"')

    def _declare_with(self, element: str) -> None:
        content = self.read(CONTENT_TYPES)
        root = elements(content, depth=0)[0]
        self.change(CONTENT_TYPES, edited(content, [appended(content, root, f"<{root.prefix}{element}/>".encode())]))

    def write(self, output: BinaryIO) -> None:
        """The package with its changes, as a zip; parts keep their order, new ones stand at the end."""
        with zipfile.ZipFile(_FromHere(output), "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESS_LEVEL) as packed:
            for name in self.archive.sizes:
                if name in self._changed:
                    self._write_part(packed, name, self._changed[name])
                elif name not in self._removed:
                    copy_packed(self.archive, name, packed)
            for name, content in self._added.items():
                self._write_part(packed, name, content)

    def _write_part(self, packed: zipfile.ZipFile, name: str, content: bytes | Writer) -> None:
        large = self.archive.sizes.get(name, 0) > _LARGE_BYTES
        with packed.open(name, "w", force_zip64=large) as part:
            if isinstance(content, bytes):
                part.write(content)
            else:
                content(part)  # type: ignore[arg-type]  # zipfile calls what it writes to an IO[bytes]


class _FromHere(io.RawIOBase):
    """A file from where it stands now on: places in a zip are counted from the zip's own first byte."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._start = file.tell()

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell() - self._start

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset + self._start if whence == io.SEEK_SET else offset, whence) - self._start

    def write(self, data: Any) -> int:
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


def copy_packed(archive: Archive, name: str, packed: zipfile.ZipFile) -> None:
    """Copy a member as it is packed; `zipfile` has no call for it, so that its own list of members is told."""
    member, pieces = archive.packed(name)
    if packed.fp is None:
        raise ValueError("the zip is closed")
    member.flag_bits &= ~0x08  # sizes stand before the bytes now, not behind them
    member.header_offset = packed.fp.tell()
    packed.fp.write(member.FileHeader(zip64=max(member.file_size, member.compress_size) > _LARGE_BYTES))
    for piece in pieces:
        packed.fp.write(piece)
    packed.filelist.append(member)
    packed.NameToInfo[name] = member
    packed.start_dir = packed.fp.tell()


def _relations_name(part: str) -> str:
    folder, _, name = part.rpartition("/")
    return f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels"


def in_pieces(pieces: Iterator[bytes]) -> Writer:
    """A writer of what comes piece by piece."""

    def write(output: BinaryIO) -> None:
        for piece in pieces:
            output.write(piece)

    return write
