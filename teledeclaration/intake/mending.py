"""Workbooks that spreadsheet programs open and the fast reader does not, put together anew from the parts that matter.

Excel and LibreOffice forgive much: backslashes in names, a workbook part at another place, UTF-16 XML, kinds of
errors that came later (`#SPILL!`), broken pivots and drawings, indented XML. What is made here holds the same cells
under the names and in the form the reader knows.
"""

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, register_namespace, tostring

from teledeclaration.intake.archives import Archive
from teledeclaration.intake.looks import Place
from teledeclaration.intake.ooxml import parse_part, relation_id
from teledeclaration.intake.raw import Unreadable

_MENDED_BYTES_MAX = 400 << 20
_PART_BYTES_MAX = 200 << 20
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {"/sharedStrings": "xl/sharedStrings.xml", "/styles": "xl/styles.xml"}

_KNOWN_ERRORS = rb"#(?:DIV/0!|N/A|NAME\?|NULL!|NUM!|REF!|VALUE!|GETTING_DATA)<"
_LATER_ERROR = re.compile(
    rb'(<(?:\w+:)?c\b[^>]*\bt="e"[^>]*>(?:<(?:\w+:)?f\b[^>]*(?:/>|>[^<]*</(?:\w+:)?f>))?<(?:\w+:)?v>)'
    rb"(?!" + _KNOWN_ERRORS + rb")([^<]*)(?=</)"
)
_CELL_NAME = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_DIMENSION = re.compile(rb"<(?:\w+:)?dimension\b[^>]*/>")
_ENCODING = re.compile(rb"^(<\?xml[^>]*?)\sencoding=(?:\"[^\"]*\"|'[^']*')")
_BETWEEN_TAGS = re.compile(rb">\s+(?=</?(?:table|office|calcext|form|style|number|draw):|<text:p\b)")

_ODS_TYPE = b"application/vnd.oasis.opendocument.spreadsheet"
_ODS_MANIFEST = (
    '<?xml version="1.0" encoding="UTF-8"?><manifest:manifest'
    ' xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
)


@dataclass
class Mended:
    """A workbook put together anew; `errors` are the cells, by sheet, whose errors the reader does not know."""

    content: bytes
    errors: dict[str, dict[Place, str]] = field(default_factory=dict)


def mended_xlsx(archive: Archive) -> Mended | None:
    """An Office Open XML workbook made readable; None where there is no workbook part."""
    package = _Package(archive)
    main = package.main_part()
    if main is None:
        return None
    workbook = parse_part(package.read(main))
    relations = package.relations(main)
    packed = io.BytesIO()
    mended = Mended(b"")
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as copy:
        sheets = []
        for sheet in _of(workbook, "sheet"):
            kind, part = relations.get(relation_id(sheet), ("", ""))
            if kind.endswith("/worksheet") and part in package.names:
                sheets.append(sheet)
                errors: dict[Place, str] = {}
                copy.writestr(f"xl/worksheets/sheet{len(sheets)}.xml", _sheet(package.read(part), errors))
                mended.errors[sheet.get("name", "")] = errors
        for ending, name in _PARTS.items():
            for kind, part in relations.values():
                if kind.endswith(ending) and part in package.names and name not in copy.namelist():
                    copy.writestr(name, package.read(part))
        _write_frame(copy, workbook, sheets)
    mended.content = packed.getvalue()
    return mended


def mended_ods(archive: Archive) -> Mended:
    """An OpenDocument workbook without the indentation that the reader takes for content."""
    content = _utf8(archive.read("content.xml", _PART_BYTES_MAX))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as copy:
        copy.writestr("mimetype", _ODS_TYPE, zipfile.ZIP_STORED)
        copy.writestr("content.xml", _BETWEEN_TAGS.sub(b">", content))
        copy.writestr("META-INF/manifest.xml", _ODS_MANIFEST)
    return Mended(packed.getvalue())


class _Package:
    """The parts by their names as they should be: forward slashes, no leading one, without case."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._left = _MENDED_BYTES_MAX
        self.names = {_plain(name): name for name in archive.sizes}

    def read(self, part: str) -> bytes:
        """A part as UTF-8; `zip-bomb` where all of them come to too much."""
        content = self._archive.read(self.names[part], min(_PART_BYTES_MAX, self._left))
        self._left -= len(content)
        return _utf8(content)

    def main_part(self) -> str | None:
        """Where the package says its workbook is, else where one is found."""
        for kind, part in self.relations("").values():
            if kind.endswith("/officeDocument") and part in self.names and part.endswith(".xml"):
                return part
        return next((name for name in self.names if posixpath.basename(name) == "workbook.xml"), None)

    def relations(self, part: str) -> dict[str, tuple[str, str]]:
        """The kind and the part of each relation of a part, by its id."""
        folder, name = posixpath.split(part)
        where = posixpath.join(folder, "_rels", f"{name}.rels")
        if where not in self.names:
            return {}
        return {
            relation.get("Id", ""): (relation.get("Type", ""), _plain(relation.get("Target", ""), folder))
            for relation in _of(parse_part(self.read(where)), "Relationship")
        }


def _plain(name: str, folder: str = "") -> str:
    name = name.replace("\\", "/")
    full = name if name.startswith("/") else posixpath.join("/", folder, name)
    return posixpath.normpath(full).lstrip("/").casefold()


def _of(tree: Element, kind: str) -> Iterator[Element]:
    return (element for element in tree.iter() if element.tag.rpartition("}")[2] == kind)


def _utf8(xml: bytes) -> bytes:
    """The XML as UTF-8, where it begins like UTF-16."""
    for begin, encoding in (
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
        (b"<\0", "utf-16-le"),
        (b"\0<", "utf-16-be"),
    ):
        if xml.startswith(begin):
            try:
                return _ENCODING.sub(rb"\1", xml.decode(encoding).encode())
            except UnicodeError as error:
                raise Unreadable("damaged") from error
    return xml


def _sheet(xml: bytes, errors: dict[Place, str]) -> bytes:
    """The cells with errors that the reader knows; what stood there is noted."""

    def known(cell: re.Match[bytes]) -> bytes:
        if name := _CELL_NAME.search(cell[1]):
            errors[int(name[2]), name[1].decode()] = cell[2].decode("utf-8", "replace")[:40] or "#ERROR!"
        return cell[1] + b"#VALUE!"

    return _LATER_ERROR.sub(known, _DIMENSION.sub(b"", xml, count=1))


def _write_frame(copy: zipfile.ZipFile, workbook: Element, sheets: list[Element]) -> None:
    parts = [name for name in copy.namelist() if name in _PARTS.values()]
    numbers = range(1, len(sheets) + 1)
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{_TYPES}.worksheet+xml"/>'
        for number in numbers
    )
    related = "".join(
        f'<Relationship Id="s{number}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        for number in numbers
    ) + "".join(f'<Relationship Id="{name[3:6]}" Type="{_OFFICE}/{name[3:-4]}" Target="{name[3:]}"/>' for name in parts)
    copy.writestr(
        "[Content_Types].xml",
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>{overrides}</Types>',
    )
    main = f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    copy.writestr("_rels/.rels", f'<Relationships xmlns="{_PACKAGE}/relationships">{main}</Relationships>')
    copy.writestr(
        "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{_PACKAGE}/relationships">{related}</Relationships>'
    )
    copy.writestr("xl/workbook.xml", _workbook(workbook, sheets))


def _workbook(workbook: Element, sheets: list[Element]) -> bytes:
    """The workbook part: its calendar, and its sheets in their order, shown or hidden."""
    register_namespace("r", _OFFICE)
    made = Element(f"{{{_MAIN}}}workbook")
    for properties in _of(workbook, "workbookPr"):
        attributes = {"date1904": properties.get("date1904", "0")}
        made.append(Element(f"{{{_MAIN}}}workbookPr", attributes))
    listed = Element(f"{{{_MAIN}}}sheets")
    for number, sheet in enumerate(sheets, start=1):
        attributes = {"name": sheet.get("name", ""), "sheetId": str(number), f"{{{_OFFICE}}}id": f"s{number}"}
        listed.append(Element(f"{{{_MAIN}}}sheet", attributes | {"state": sheet.get("state", "visible")}))
    made.append(listed)
    xml: bytes = tostring(made, encoding="utf-8", xml_declaration=True)
    return xml
