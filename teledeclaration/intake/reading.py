"""What a file is, by its content and never by its name, and the reader for it. Runs in the sandbox's child."""

import mmap
import re
import struct
import zipfile
from dataclasses import replace
from typing import BinaryIO

import fastexcel
import msgspec

from teledeclaration.intake.archives import Archive
from teledeclaration.intake.csv_files import read_csv
from teledeclaration.intake.loaded import LoadedSheet, LoadedWorkbook, settled_file
from teledeclaration.intake.mending import Mended, mended_ods, mended_xlsx
from teledeclaration.intake.protocol import ReadArguments
from teledeclaration.intake.raw import RawFile, ReadingLimits, Unreadable
from teledeclaration.intake.text_pair import looks_like_one_of_a_pair, pair_role, read_text_pair
from teledeclaration.intake.transfer import Refusal, write_file, write_head
from teledeclaration.intake.workbooks import read_ods, read_xls, read_xlsb, read_xlsx

Mapped = bytes | mmap.mmap
AnyFile = RawFile | LoadedWorkbook

_ZIP, _EMPTY_ZIP = b"PK\x03\x04", b"PK\x05\x06"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLD_EXCEL = (b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00")
_BIFF8_BEGINNING = b"\x09\x08\x10\x00\x00\x06\x05\x00"
_FILE_PASS, _RECORDS_BEFORE_LOCK = 0x002F, 8
_XML_PROGRAMS = {
    "Excel 2003 XML": b"urn:schemas-microsoft-com:office:spreadsheet",
    "OpenDocument XML": b"urn:oasis:names:tc:opendocument:xmlns:office",
}
_OTHER_PROGRAMS = {
    "SYLK": re.compile(rb"ID;P"),
    "DIF": re.compile(rb"TABLE\r?\n0,1\r?\n"),
    "dBase": re.compile(rb"[\x03\x30\x83\x8b\xf5][\x00-\xff](?:0?[\x01-\x0c])[\x01-\x1f].{28}[A-Z_]", re.DOTALL),
}
_NO_TABLE = (b"%PDF-", b"{\\rtf")
"""How documents begin that are text, and yet no table."""
_ODS_TYPES = b"application/vnd.oasis.opendocument.spreadsheet"
_WEB_PAGE = re.compile(
    rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|table|meta|style|div)\b", re.IGNORECASE | re.DOTALL
)
_XML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?xml|\s*<[?!\w]")
_WORKBOOK_NAMES = (".xlsx", ".xls", ".ods", ".csv", ".xlsm", ".xlsb", ".txt", ".zip")
CLUTTER = re.compile(r"(?:^|/)(?:__MACOSX/|\.|Thumbs\.db$|desktop\.ini$)")


def read_job(content: Mapped, arguments: bytes, output: BinaryIO) -> None:
    """The sandbox's `read`: the file, or a refusal, into `output`."""
    told = msgspec.msgpack.decode(arguments, type=ReadArguments)
    try:
        file = _read(content, told.filename, told.limits)
    except Unreadable as refusal:
        write_head(refusal_head(refusal), output)
    else:
        write_file(file, output)


def refusal_head(refusal: Unreadable) -> Refusal:
    """A refusal as it crosses to the other side."""
    values = {name: value for name, value in refusal.values.items() if name != "code"}
    return Refusal(code=refusal.code, values=values)


def read_any(content: Mapped, filename: str, limits: ReadingLimits) -> RawFile:
    """The file as text cells; `Unreadable` says why it cannot be."""
    file = _read(content, filename, limits)
    return settled_file(file) if isinstance(file, LoadedWorkbook) else file


def _read(content: Mapped, filename: str, limits: ReadingLimits) -> AnyFile:
    if not content[:4096].strip():
        raise Unreadable("empty")
    try:
        file = _read_known(content, filename, limits)
    except (fastexcel.FastExcelError, zipfile.BadZipFile) as error:
        raise Unreadable("damaged") from error
    if file is None:
        lies = filename.lower().endswith(_WORKBOOK_NAMES)
        raise Unreadable("wrong-extension" if lies else "not-a-workbook", filename=filename[-80:])
    return file


def _read_known(content: Mapped, filename: str, limits: ReadingLimits) -> AnyFile | None:
    head = content[:4096]
    if head.startswith((_ZIP, _EMPTY_ZIP)):
        return _read_zip(content, limits, depth=0)
    if head.startswith(_OLE):
        return _read_ole(content, limits)
    if head.startswith(_OLD_EXCEL):
        raise Unreadable("old-workbook")
    if _WEB_PAGE.match(head):
        raise Unreadable("web-page")
    if _XML.match(head):
        _refuse_known_xml(head)
        return None
    if other := next((program for program, begin in _OTHER_PROGRAMS.items() if begin.match(head)), None):
        raise Unreadable("other-workbook", program=other)
    if head.startswith(_NO_TABLE):
        return None
    raw = content[:]
    if pair_role(filename) or looks_like_one_of_a_pair(raw):
        raise Unreadable("text-pair-incomplete")
    return read_csv(raw, filename.rsplit("/", 1)[-1].rsplit(".", 1)[0], limits)


def _refuse_known_xml(head: bytes) -> None:
    """Workbooks kept as one XML file, which the reader does not know; anything else passes."""
    told = head.replace(b"\0", b"")
    for program, mark in _XML_PROGRAMS.items():
        if mark in told:
            raise Unreadable("other-workbook", program=program)


def _read_zip(content: Mapped, limits: ReadingLimits, depth: int) -> AnyFile | None:
    """A workbook, or an archive that holds one workbook or one text pair."""
    archive = Archive(content, limits)
    names = archive.sizes
    if "xl/workbook.xml" in names:
        return _read_xlsx(content, archive, limits)
    if "xl/workbook.bin" in names:
        return read_xlsb(content, limits)
    if "content.xml" in names and "META-INF/manifest.xml" in names:
        return _read_open_document(content, archive, limits)
    if any(name.casefold() == "[content_types].xml" for name in names):
        return _read_mended(mended_xlsx(archive), limits)
    if any(name.endswith(".iwa") for name in names):
        raise Unreadable("other-workbook", program="Numbers")
    return _read_members(archive, [name for name in names if not CLUTTER.search(name)], limits, depth)


def _read_xlsx(content: Mapped, archive: Archive, limits: ReadingLimits) -> LoadedWorkbook | None:
    try:
        return read_xlsx(content, archive, limits)
    except Unreadable as refusal:
        if refusal.code != "damaged":
            raise
        return _read_mended(mended_xlsx(archive), limits)


def _read_mended(mended: Mended | None, limits: ReadingLimits) -> LoadedWorkbook | None:
    """A workbook that had to be put together anew; None where there was none."""
    if mended is None:
        return None
    file = read_xlsx(mended.content, Archive(mended.content, limits), limits)
    return replace(file, sheets=tuple(_with_errors(sheet, mended) for sheet in file.sheets))


def _with_errors(sheet: LoadedSheet, mended: Mended) -> LoadedSheet:
    """The sheet with the errors that were rewritten for the reader, as they stood."""
    errors = sheet.facts.error_cells | mended.errors.get(sheet.facts.name, {})
    return replace(sheet, facts=replace(sheet.facts, error_cells=errors))


def _read_open_document(content: Mapped, archive: Archive, limits: ReadingLimits) -> LoadedWorkbook | None:
    kind = archive.read("mimetype", 200) if "mimetype" in archive.sizes else b""
    head = archive.head("content.xml", 1 << 16)
    manifest = archive.read("META-INF/manifest.xml")
    if not kind.startswith(_ODS_TYPES) and (kind or b"office:spreadsheet" not in head):
        return None
    if b"encryption-data" in manifest:
        raise Unreadable("password-protected")
    if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
        raise Unreadable("entity-bomb")
    try:
        return read_ods(content, archive, limits)
    except Unreadable as refusal:
        if refusal.code != "damaged":
            raise
    mended = mended_ods(archive)
    return read_ods(mended.content, Archive(mended.content, limits), limits)


def _read_members(archive: Archive, names: list[str], limits: ReadingLimits, depth: int) -> AnyFile | None:
    if not names:
        raise Unreadable("empty")
    of_a_pair = [name for name in names if pair_role(name)]
    if of_a_pair:
        return read_text_pair({name: archive.read(name, limits.max_bytes) for name in of_a_pair}, limits)
    if len(names) > 1:
        raise Unreadable("several-files")
    if depth > 0:
        return None
    inner = archive.read(names[0], limits.max_bytes)
    if inner.startswith(_ZIP):
        return _read_zip(inner, limits, depth + 1)
    if inner.startswith(_EMPTY_ZIP):
        raise Unreadable("empty")
    return _read_known(inner, names[0], limits)


def _read_ole(content: Mapped, limits: ReadingLimits) -> AnyFile | None:
    """The old container: an `.xls`, or the envelope of an encrypted `.xlsx`, or another program's file."""
    if content.find("EncryptedPackage".encode("utf-16-le")) >= 0:
        raise Unreadable("password-protected")
    streams = [content.find(name.encode("utf-16-le") + b"\0\0") for name in ("Workbook", "WORKBOOK", "Book", "BOOK")]
    if max(streams) < 0:
        return None
    if _is_locked(content):
        raise Unreadable("password-protected")
    return read_xls(content, limits)


def _is_locked(content: Mapped) -> bool:
    """Whether an `.xls` says, among its first records, that the rest is encrypted."""
    place = content.find(_BIFF8_BEGINNING)
    for _ in range(_RECORDS_BEFORE_LOCK):
        kind, length = struct.unpack_from("<HH", content[place : place + 4].ljust(4, b"\0"))
        if place < 0 or kind == _FILE_PASS:
            return place >= 0
        place += 4 + length
    return False
