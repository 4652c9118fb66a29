"""The few styles that marks need, put behind the user's own in `styles.xml`; a style that is there is taken again."""

import re
from dataclasses import dataclass

from schemas.findings import Severity
from teledeclaration.intake.xlsx_patch.package import HEAD, Package
from teledeclaration.intake.xlsx_patch.places import SEVERITIES
from teledeclaration.intake.xlsx_patch.xml_edit import Edit, Element, appended, edited, elements, with_attribute
from teledeclaration.languages import Language

_COLOURS = {Severity.ERROR: "FFC7CE", Severity.CONFIRM: "FFEB9C", Severity.INFO: "DDEBF7"}
_ORDER = ("numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "cellStyles", "dxfs", "tableStyles")
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"

# "~" stands for the prefix that the part gives the spreadsheet namespace, mostly none.
_FACE = '<~sz val="11"/>{}<~name val="Calibri"/><~family val="2"/>'
_BLUE = '<~color rgb="FF0563C1"/>'
_FONTS = {
    "plain": f"<~font>{_FACE.format('')}</~font>",
    "bold": f"<~font><~b/>{_FACE.format('')}</~font>",
    "link": f"<~font><~u/>{_FACE.format(_BLUE)}</~font>",
}
_FILL = '<~fill><~patternFill patternType="solid"><~fgColor rgb="FF{}"/><~bgColor indexed="64"/></~patternFill></~fill>'
_MARK = (
    '<~dxf><~fill><~patternFill patternType="solid"><~fgColor rgb="FF{0}"/><~bgColor rgb="FF{0}"/></~patternFill>'
    "</~fill></~dxf>"
)
_BARE = (
    HEAD + b'<styleSheet xmlns="%b"><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    b'<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    b'</fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    b'<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    b'<cellXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs>'
    b'<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


@dataclass(frozen=True)
class Styles:
    """Numbers of cell formats: of texts, of those that begin like a formula, on one line or on several; of our own
    words, titles, links, a severity's colour; and of the conditional formats that colour a cell (`mark`)."""

    text: int
    quoted: int
    wrapped: int
    wrapped_quoted: int
    message: int
    title: int
    link: int
    severity: dict[Severity, int]
    mark: dict[Severity, int]


def add_styles(package: Package, language: Language) -> Styles:
    """Put the styles into the package; its part of styles is made where it has none."""
    name = next((each.target for each in package.relations(package.workbook) if each.kind == "styles"), None)
    if name is None:
        name = package.free_name("xl/styles.xml")
        package.change(name, _BARE % package.namespace.encode())
        package.relate(package.workbook, "styles", name)
        package.declare(name, _TYPE)
    sheet = _StyleSheet(package.read(name))
    styles = _styles(sheet, language)
    package.change(name, sheet.content())
    return styles


def _styles(sheet: "_StyleSheet", language: Language) -> Styles:
    fonts = {name: sheet.number("fonts", font) for name, font in _FONTS.items()}
    fills = {severity: sheet.number("fills", _FILL.format(colour)) for severity, colour in _COLOURS.items()}
    base = ' xfId="0"' if sheet.has("cellStyleXfs") else ""

    reading = ' readingOrder="2"' if language == "ar" else ""

    def format_of(font: str, fill: int = 0, *, quoted: bool = False, aligned: str = "") -> int:
        quote = ' quotePrefix="1"' if quoted else ""
        return sheet.number(
            "cellXfs",
            f'<~xf numFmtId="0" fontId="{fonts[font]}" fillId="{fill}" borderId="0"{base}{quote} applyFont="1"'
            f' applyFill="1" applyAlignment="1"><~alignment vertical="top"{aligned}/></~xf>',
        )

    return Styles(
        text=format_of("plain"),
        quoted=format_of("plain", quoted=True),
        wrapped=format_of("plain", aligned=f' wrapText="1"{reading}'),
        wrapped_quoted=format_of("plain", quoted=True, aligned=f' wrapText="1"{reading}'),
        message=format_of("plain", aligned=reading),
        title=format_of("bold", aligned=reading),
        link=format_of("link", aligned=' horizontal="center"'),
        severity={severity: format_of("plain", fill, aligned=reading) for severity, fill in fills.items()},
        mark={severity: sheet.number("dxfs", _MARK.format(_COLOURS[severity])) for severity in SEVERITIES},
    )


class _StyleSheet:
    """`styles.xml` with what is to be added to each of its lists."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        found = elements(content, depth=2)
        self._root, *inner = found
        self._lists: dict[str, Element] = {each.name: each for each in inner if each.depth == 1}
        self._items: dict[str, list[bytes]] = {}
        self._there: dict[str, int] = {}
        for name, place in self._lists.items():
            self._items[name] = [
                content[each.start : each.end]
                for each in inner
                if each.depth == 2 and place.start < each.start < place.end
            ]
            self._there[name] = len(self._items[name])

    def has(self, name: str) -> bool:
        return bool(self._items.get(name))

    def number(self, name: str, item: str) -> int:
        """The place of an item in a list, at whose end it is put unless it is there."""
        wanted = item.replace("~", self._root.prefix).encode()
        items = self._items.setdefault(name, [])
        if wanted not in items:
            items.append(wanted)
        return items.index(wanted)

    def content(self) -> bytes:
        """The part with what was added."""
        edits: list[Edit] = []
        for name, items in self._items.items():
            more = b"".join(items[self._there.get(name, 0) :])
            count = str(len(items)).encode()
            if more and name in self._lists:
                edits += self._grown(self._lists[name], more, count)
            elif more:
                place, tag = self._place_for(name), (self._root.prefix + name).encode()
                edits.append((place, place, b'<%b count="%b">%b</%b>' % (tag, count, more, tag)))
        return edited(self._content, edits)

    def _grown(self, place: Element, more: bytes, count: bytes) -> list[Edit]:
        tag = self._content[place.start : place.inside]
        if place.inside == place.end:
            opened = re.sub(rb"\s*/>$", b">", with_attribute(tag, b"count", count))
            return [(place.start, place.end, opened + more + b"</" + place.tag.encode() + b">")]
        counted = with_attribute(tag, b"count", count)
        return [(place.start, place.inside, counted), appended(self._content, place, more)]

    def _place_for(self, name: str) -> int:
        """Where a list that is missing belongs: before the first that comes behind it."""
        behind = set(_ORDER[_ORDER.index(name) + 1 :]) | {"colors", "extLst"}
        return min((each.start for each in self._lists.values() if each.name in behind), default=self._root.close)
