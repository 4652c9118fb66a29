"""What the Rust reader does not tell about an `.xlsx`: hidden parts, merged ranges, formulas without a stored value.

The sheet's XML is searched as bytes while it is unpacked, a run of whole rows at a time, and never held as a
tree. The same look finds how far the sheet reaches, before the reader takes memory for that many cells.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from teledeclaration.intake.archives import Archive
from teledeclaration.intake.raw import ReadingLimits, Unreadable, column_letter, column_number

_ROW_BYTES_MAX = 32 << 20
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_RELATION = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"


class _Patterns:
    """What is searched for, under the prefix a program gave the spreadsheet namespace (mostly none)."""

    def __init__(self, prefix: bytes) -> None:
        def pattern(text: bytes) -> re.Pattern[bytes]:
            return re.compile(text.replace(b"<", b"<" + prefix).replace(b"<" + prefix + b"/", b"</" + prefix))

        self.row_start = b"<%brow " % prefix
        self.cell_start = b"<%bc " % prefix
        self.values = (b"<%bv>" % prefix, b"<%bis>" % prefix)
        self.formula = b"<%bf" % prefix
        self.row = pattern(rb'<row\b[^>]*?\br="(\d+)"')
        self.far_cell = pattern(rb'<c r="([A-Z]{2,3})\d+"(?:[^>]*[^/>])?>')
        self.hidden_row = pattern(rb'<row\b[^>]*?\br="(\d+)"[^>]*\bhidden="(?:1|true)"')
        self.hidden_columns = pattern(rb'<col\b[^>]*\bhidden="(?:1|true)"[^>]*>')
        self.merged = pattern(rb'<mergeCell\b[^>]*?\bref="([A-Z]+)(\d+):([A-Z]+)(\d+)"')
        self.valueless = pattern(rb"<f\b[^>]*(?:/>|>[^<]*</f>)\s*(<v\s*/>|<v></v>)?\s*</c>")
        self.cell = pattern(rb"<c\b[^>]*>")


_PREFIX = re.compile(rb"<(?:(\w{1,20}):)?worksheet\b")
_CELL_NAME = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')


@cache
def _patterns(prefix: bytes) -> _Patterns:
    return _Patterns(prefix)


@dataclass(frozen=True)
class SheetPart:
    """One sheet of the workbook and the member that holds its cells (None for a chart)."""

    name: str
    member: str | None


@dataclass
class SheetLook:
    """What was found in one sheet's XML; `last_row` and `last_column` (from 1) say how far it reaches."""

    last_row: int = 0
    last_column: int = 0
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[str] = field(default_factory=set)
    merged: list[tuple[int, str, int, str]] = field(default_factory=list)
    uncomputed: set[tuple[int, str]] = field(default_factory=set)


def parse_part(content: bytes) -> Element:
    """A small XML part as a tree, with nothing expanded; `entity-bomb` or `damaged`."""
    try:
        return fromstring(content, forbid_dtd=True)
    except DefusedXmlException as error:
        raise Unreadable("entity-bomb") from error
    except (ParseError, ValueError, LookupError) as error:
        raise Unreadable("damaged") from error


def sheet_parts(archive: Archive) -> list[SheetPart]:
    """The workbook's sheets in their order."""
    workbook = parse_part(archive.read("xl/workbook.xml"))
    relations_name = "xl/_rels/workbook.xml.rels"
    relations = parse_part(archive.read(relations_name)) if relations_name in archive.sizes else Element("none")
    targets = {relation.get("Id"): relation.get("Target", "") for relation in relations}
    parts = []
    for sheet in workbook.iter():
        if sheet.tag.rpartition("}")[2] == "sheet":
            target = targets.get(sheet.get(_RELATION) or sheet.get(_STRICT_RELATION), "")
            member = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
            parts.append(SheetPart(sheet.get("name", ""), member if member in archive.sizes else None))
    return parts


def refuse_entities(archive: Archive) -> None:
    """`entity-bomb` where a part declares a document type: no spreadsheet program writes one."""
    for name in archive.sizes:
        if name.endswith((".xml", ".rels")):
            head = archive.head(name)
            if b"<!DOCTYPE" in head or b"<!ENTITY" in head or head.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise Unreadable("entity-bomb")


def look_at_sheet(archive: Archive, member: str, limits: ReadingLimits, *, far_cells: bool) -> SheetLook:
    """Search one sheet; `too-many-lines` and, where `far_cells` are searched for, `too-many-cells`."""
    look = SheetLook()
    found = _PREFIX.search(archive.head(member))
    patterns = _patterns(b"" if found is None or found[1] is None else found[1] + b":")
    rows = b""
    for place, rows in enumerate(_runs_of_rows(archive.chunks(member))):
        if place == 0:
            for column in patterns.hidden_columns.findall(rows):
                look.hidden_columns.update(_columns_between(column))
        _look_at_rows(rows, look, patterns)
        if far_cells:
            _look_for_far_cells(rows, look, patterns)
        _hold_to(limits, look)
    for first, first_row, last, last_row in patterns.merged.findall(rows):
        look.merged.append((int(first_row), first.decode(), int(last_row), last.decode()))
    return look


def _hold_to(limits: ReadingLimits, look: SheetLook) -> None:
    if look.last_row * max(look.last_column, 1) > limits.max_cells:
        cell = f"{column_letter(look.last_column)}{look.last_row}"
        raise Unreadable("too-many-cells", cell=cell, limit=limits.max_cells)
    if look.last_row > limits.max_rows_workbook:
        raise Unreadable("too-many-lines", limit=limits.max_lines_workbook)


def _runs_of_rows(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The XML cut after a row's end, so that no search loses what stands across two chunks."""
    rest = b""
    for chunk in chunks:
        rest += chunk
        cut = rest.rfind(b"row>") + 4
        if cut > 3:
            yield rest[:cut]
            rest = rest[cut:]
        elif len(rest) > _ROW_BYTES_MAX:
            raise Unreadable("damaged")
    yield rest


def _look_at_rows(rows: bytes, look: SheetLook, patterns: _Patterns) -> None:
    valued = max(rows.rfind(value) for value in patterns.values)
    start = rows.rfind(patterns.row_start, 0, max(valued, 0))
    if start >= 0 and (row := patterns.row.match(rows, start)):
        look.last_row = max(look.last_row, int(row[1]))
    if b'hidden="1"' in rows or b'hidden="true"' in rows:
        look.hidden_rows.update(int(number) for number in patterns.hidden_row.findall(rows))
    if patterns.formula in rows:
        look.uncomputed.update(_uncomputed(rows, patterns))


def _look_for_far_cells(rows: bytes, look: SheetLook, patterns: _Patterns) -> None:
    for letters in set(patterns.far_cell.findall(rows)):
        look.last_column = max(look.last_column, column_number(letters.decode()))


def _columns_between(column: bytes) -> list[str]:
    bounds = [re.search(rb'\b%b="(\d{1,5})"' % name, column) for name in (b"min", b"max")]
    if bounds[0] is None or bounds[1] is None:
        return []
    first, last = int(bounds[0][1]), min(int(bounds[1][1]), 16_384)
    return [column_letter(number) for number in range(max(first, 1), last + 1)]


def _uncomputed(rows: bytes, patterns: _Patterns) -> Iterator[tuple[int, str]]:
    for formula in patterns.valueless.finditer(rows):
        start = rows.rfind(patterns.cell_start, 0, formula.start())
        cell = patterns.cell.match(rows, max(start, 0))
        if cell is None or (formula[1] is not None and b't="str"' in cell[0]):
            continue  # an empty text is a computed value
        if name := _CELL_NAME.search(cell[0]):
            yield int(name[2]), name[1].decode()
