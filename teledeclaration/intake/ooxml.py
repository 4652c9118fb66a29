"""What the Rust reader does not tell about an `.xlsx`: hidden parts, merged ranges, formulas without a stored value.

The sheet's XML is searched as bytes while it is unpacked, a run of whole rows at a time, and never held as a
tree. The same look finds how far the sheet reaches, before the reader takes memory for that many cells.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from teledeclaration.intake import counting
from teledeclaration.intake.archives import Archive
from teledeclaration.intake.looks import Place, SheetLook
from teledeclaration.intake.raw import ReadingLimits, Unreadable, column_letter, column_number

_ROW_BYTES_MAX = 32 << 20


class _Patterns:
    """What is searched for, under the prefix a program gave the spreadsheet namespace (mostly none)."""

    def __init__(self, prefix: bytes) -> None:
        def pattern(text: bytes) -> re.Pattern[bytes]:
            return re.compile(text.replace(b"<", b"<" + prefix).replace(b"<" + prefix + b"/", b"</" + prefix))

        self.row_start = b"<%brow" % prefix
        self.cell_start = b"<%bc" % prefix
        self.values = (b"<%bv>" % prefix, b"<%bis>" % prefix)
        self.formula = b"<%bf" % prefix
        self.merge_cell = b"<%bmergeCell " % prefix
        self.row = pattern(rb'<row\b[^>]*?\br="(\d{1,9})"')
        self.any_row = pattern(rb"<row(?=[\s/>])([^>]*)>")
        self.unnumbered = pattern(rb'<(?:row|c)(?:\s(?![^>]*\br=")[^>]*)?>')
        self.far_cell = pattern(rb'<c (?:[^>]*? )??r="([A-Z]{2,7})\d+"(?:[^>]*[^/>])?>')
        self.hidden_row = pattern(rb'<row\b(?=[^>]*\bhidden="(?:1|true)")[^>]*?\br="(\d{1,9})"')
        self.hidden_columns = pattern(rb'<col\b[^>]*\bhidden="(?:1|true)"[^>]*>')
        self.merged = pattern(rb'<mergeCell\b[^>]*?\bref="([A-Z]{1,3})(\d{1,9}):([A-Z]{1,3})(\d{1,9})"')
        self.valueless = pattern(rb"<f\b[^>]*(?:/>|>[^<]*</f>)\s*(<v\s*/>|<v></v>)?\s*</c>")
        self.cell = pattern(rb"<c(?=[\s/>])[^>]*>")
        self.filter_mode = pattern(rb'<sheetPr\b[^>]*\bfilterMode="(?:1|true)"')
        self.filter = pattern(
            rb'<autoFilter\b[^>]*?\bref="\$?[A-Z]{1,3}\$?(\d{1,9}):\$?[A-Z]{1,3}\$?(\d{1,9})"[^>]*>\s*<filterColumn\b'
        )


_PREFIX = re.compile(rb"<(?:(\w{1,20}):)?(?:worksheet|table)\b")
_CELL_NAME = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_HIDDEN = re.compile(rb'\bhidden="(?:1|true)"')
_ROW_NUMBER = re.compile(rb'\br="(\d{1,9})"')


@cache
def _patterns(prefix: bytes) -> _Patterns:
    return _Patterns(prefix)


@dataclass(frozen=True)
class SheetPart:
    """One sheet of the workbook and the member that holds its cells (None for a chart)."""

    name: str
    member: str | None


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
            target = targets.get(relation_id(sheet), "")
            member = member_name("xl", target)
            parts.append(SheetPart(sheet.get("name", ""), member if member in archive.sizes else None))
    return parts


def relation_id(sheet: Element) -> str:
    """The id of a sheet's relation, whatever namespace it was given, as the reader takes it too."""
    return next((value for name, value in sheet.attrib.items() if name.rpartition("}")[2] == "id"), "")


def member_name(folder: str, target: str) -> str:
    """The member that a part in `folder` calls `target`."""
    plain = target.replace("\\", "/")
    return plain.lstrip("/") if plain.startswith("/") else posixpath.normpath(f"{folder}/{plain}")


def refuse_entities(archive: Archive) -> None:
    """`entity-bomb` where a part declares a document type: no spreadsheet program writes one."""
    for name in archive.sizes:
        if name.endswith((".xml", ".rels")):
            head = archive.head(name).replace(b"\0", b"")
            if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
                raise Unreadable("entity-bomb")


def look_at_sheet(archive: Archive, member: str, limits: ReadingLimits, *, far_cells: bool) -> SheetLook:
    """Search one sheet; `too-many-lines` and, where `far_cells` are searched for, `too-many-cells`."""
    look = SheetLook()
    patterns = _patterns_of(archive, member)
    search, filtered = _look_at_rows, False
    for place, rows in enumerate(_runs_of_rows(archive.chunks(member))):
        if place == 0:
            filtered = patterns.filter_mode.search(rows) is not None
            for column in patterns.hidden_columns.findall(rows):
                look.hide_columns(*_bounds(column))
            search = _count_rows if patterns.unnumbered.search(rows) else _look_at_rows
        search(rows, look, patterns)
        if far_cells:
            for letters in set(patterns.far_cell.findall(rows)):
                look.last_column = max(look.last_column, column_number(letters.decode()))
        look.hold_to(limits)
        counting.passed(look.last_row)
        if patterns.merge_cell in rows:
            found = patterns.merged.findall(rows)
            look.merge((int(top), left.decode(), int(bottom), right.decode()) for left, top, right, bottom in found)
        if look.hidden_rows:
            look.filters += _filters(rows, patterns)
    if look.hidden_rows:
        look.filters += _filters_of_tables(archive, member)
        if filtered and not look.filters:
            look.filters.append((1, look.last_row))
    counting.sheet_ended()
    return look


def _patterns_of(archive: Archive, member: str) -> _Patterns:
    found = _PREFIX.search(archive.head(member))
    return _patterns(b"" if found is None or found[1] is None else found[1] + b":")


def _filters(xml: bytes, patterns: _Patterns) -> list[tuple[int, int]]:
    """The rows below the headers of filters that are at work."""
    return [(int(first) + 1, int(last)) for first, last in patterns.filter.findall(xml)]


def _filters_of_tables(archive: Archive, member: str) -> Iterator[tuple[int, int]]:
    """The same of the sheet's tables, which have filters of their own."""
    folder, name = posixpath.split(member)
    relations = f"{folder}/_rels/{name}.rels"
    if relations not in archive.sizes:
        return
    for relation in parse_part(archive.read(relations)):
        if relation.get("Type", "").endswith("/table"):
            table = member_name(folder, relation.get("Target", ""))
            if table in archive.sizes:
                yield from _filters(archive.read(table), _patterns_of(archive, table))


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
            if b"sheetData>" not in rest:
                raise Unreadable("damaged")
            yield rest
            rest = b"sheetData>"
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


def _bounds(column: bytes) -> tuple[int, int]:
    bounds = [re.search(rb'\b%b="(\d{1,5})"' % name, column) for name in (b"min", b"max")]
    return (1, 0) if bounds[0] is None or bounds[1] is None else (int(bounds[0][1]), int(bounds[1][1]))


def _uncomputed(rows: bytes, patterns: _Patterns) -> Iterator[Place]:
    for cell in _valueless(rows, patterns, 0, len(rows)):
        if name := _CELL_NAME.search(cell[0]):
            yield int(name[2]), name[1].decode()


def _valueless(rows: bytes, patterns: _Patterns, start: int, end: int) -> Iterator[re.Match[bytes]]:
    """The opening of each cell whose formula has no value; an empty text is one."""
    for formula in patterns.valueless.finditer(rows, start, end):
        cell = patterns.cell.match(rows, max(rows.rfind(patterns.cell_start, 0, formula.start()), 0))
        if cell and not (formula[1] is not None and b't="str"' in cell[0]):
            yield cell


def _count_rows(rows: bytes, look: SheetLook, patterns: _Patterns) -> None:
    """The same where a program left the numbers of rows or cells out: they follow on each other."""
    found = list(patterns.any_row.finditer(rows))
    ends = [*(row.start() for row in found[1:]), len(rows)]
    for row, end in zip(found, ends, strict=False):
        said = _ROW_NUMBER.search(row[1])
        number = int(said[1]) if said else look.last_row + 1
        width = rows.count(patterns.cell_start + b" ", row.end(), end) + rows.count(
            patterns.cell_start + b">", row.end(), end
        )
        look.reach(number, width)
        if _HIDDEN.search(row[1]):
            look.hidden_rows.add(number)
        if rows.find(patterns.formula, row.end(), end) >= 0:
            _count_cells(rows, row.end(), end, number, look, patterns)


def _count_cells(rows: bytes, start: int, end: int, row: int, look: SheetLook, patterns: _Patterns) -> None:
    valueless = {cell.start() for cell in _valueless(rows, patterns, start, end)}
    column = 0
    for cell in patterns.cell.finditer(rows, start, end):
        name = _CELL_NAME.search(cell[0])
        column = column_number(name[1].decode()) if name else column + 1
        if cell.start() in valueless:
            look.uncomputed.add((row, column_letter(column)))
