"""Comments on a sheet's cells: ours beside the user's own, which are kept as they are.

A comment is two things in a package: its text, and the shape it is shown in. A cell has one; where the user has
commented a cell, theirs stays and ours is in the result columns and the findings sheet only.
"""

import re
from collections.abc import Mapping
from itertools import count

from teledeclaration.intake.raw import column_number
from teledeclaration.intake.xlsx_patch.package import HEAD, Package
from teledeclaration.intake.xlsx_patch.places import Cell, cell_name
from teledeclaration.intake.xlsx_patch.xml_edit import Edit, NotPatchableError, appended, edited, elements
from teledeclaration.intake.xlsx_texts import text_xml
from teledeclaration.languages import Language, say

_COMMENTS_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"
_SHAPES_TYPE = "application/vnd.openxmlformats-officedocument.vmlDrawing"
_SHAPES_A_BLOCK = 1024
_HEAD_BYTES = 1_000
_LETTERS_A_LINE = 45
_REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_SHAPE = re.compile(rb"<(\w+:)?shape\s.*?</(\w+:)?shape\s*>", re.DOTALL)
_SHAPES_ROW = re.compile(rb"<(?:\w+:)?Row[^>]*>\s*(\d+)\s*<")
_SHAPES_COLUMN = re.compile(rb"<(?:\w+:)?Column[^>]*>\s*(\d+)\s*<")
_SHAPE_NUMBER = re.compile(rb'\bid="_x0000_s(\d+)"')
_MAP = re.compile(rb'(<(?:\w+:)?idmap\s[^>]*?\bdata=")([^"]*)"')

_NAMESPACES = (
    b' xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"'
    b' xmlns:x="urn:schemas-microsoft-com:office:excel"'
)
_SHAPES_HEAD = b'<xml%b><o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="1"/></o:shapelayout>' % _NAMESPACES
_NOTE_KIND = (
    b'<v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe">'
    b'<v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
)
_NOTE = (
    '<v:shape id="_x0000_s{number}" type="#_x0000_t202" style="position:absolute;visibility:hidden"'
    ' fillcolor="#ffffe1" o:insetmode="auto"><v:fill color2="#ffffe1"/><v:shadow on="t" color="black" obscured="t"/>'
    '<v:path o:connecttype="none"/><v:textbox style="mso-direction-alt:auto"><div style="text-align:{align}"></div>'
    '</v:textbox><x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/>'
    "<x:Anchor>{left}, 15, {top}, 2, {right}, 15, {bottom}, 4</x:Anchor><x:AutoFill>False</x:AutoFill>"
    "<x:Row>{row}</x:Row><x:Column>{column}</x:Column></x:ClientData></v:shape>"
)


def author() -> str:
    """Whose our comments are, in every language."""
    return say("annotated.author", "fr")


def has_our_notes(package: Package, part: str) -> bool:
    """Whether an earlier round left comments on the sheet."""
    name = _target(package, part, "comments")
    return name is not None and author().encode() in package.read(name)


def write_notes(package: Package, part: str, notes: Mapping[Cell, str], language: Language) -> str | None:
    """Put comments on a sheet's cells, in place of those of an earlier round.

    Answers the id of the sheet's relation to its shapes where the sheet does not refer to any yet.
    """
    comments, shapes = _target(package, part, "comments"), _target(package, part, "vmlDrawing")
    gone: set[Cell] = set()
    taken: set[Cell] = set()
    if comments is not None:
        content, gone, taken = _without_ours(package.read(comments))
        package.change(comments, content)
    new = {cell: text for cell, text in notes.items() if cell not in taken}
    if comments is None and new:
        comments = _new_part(package, part, "comments", "xl/comments_td.xml", _no_comments(package))
        package.declare(comments, _COMMENTS_TYPE)
    if comments is not None:
        package.change(comments, _with_comments(package.read(comments), new))
    if shapes is not None:
        package.change(shapes, _with_shapes(_without_shapes(package.read(shapes), gone), new, language))
    elif new:
        content = _with_shapes(_SHAPES_HEAD + _NOTE_KIND + b"</xml>", new, language)
        shapes = _new_part(package, part, "vmlDrawing", "xl/drawings/vmlDrawing_td.vml", content)
        package.declare_extension("vml", _SHAPES_TYPE)
        return next(each.id for each in package.relations(part) if each.target == shapes)
    return None


def _target(package: Package, part: str, kind: str) -> str | None:
    return next((each.target for each in package.relations(part) if each.kind == kind and each.target), None)


def _new_part(package: Package, part: str, kind: str, wanted: str, content: bytes) -> str:
    name = package.free_name(wanted)
    package.change(name, content)
    package.relate(part, kind, name)
    return name


def _no_comments(package: Package) -> bytes:
    return HEAD + f'<comments xmlns="{package.namespace}"><authors/><commentList/></comments>'.encode()


def _without_ours(content: bytes) -> tuple[bytes, set[Cell], set[Cell]]:
    """The comments without ours, the cells ours stood at, and the cells others stand at."""
    found = elements(content, depth=2)
    authors = [content[each.inside : each.close].decode() for each in found if each.name == "author"]
    ours = {str(place) for place, name in enumerate(authors) if name == text_xml(author())}
    gone: set[Cell] = set()
    taken: set[Cell] = set()
    edits: list[Edit] = []
    for each in found:
        cell = _REFERENCE.fullmatch(each.attributes.get("ref", ""))
        if each.name != "comment" or cell is None:
            continue
        place = int(cell[2]), column_number(cell[1])
        if each.attributes.get("authorId") in ours:
            edits.append((each.start, each.end, b""))
            gone.add(place)
        else:
            taken.add(place)
    return edited(content, edits), gone, taken


def _with_comments(content: bytes, notes: Mapping[Cell, str]) -> bytes:
    found = elements(content, depth=2)
    prefix = found[0].prefix
    authors = [each for each in found if each.name == "author"]
    names = [content[each.inside : each.close].decode() for each in authors]
    edits: list[Edit] = []
    if text_xml(author()) not in names:
        names.append(text_xml(author()))
        listed = next(each for each in found if each.name == "authors")
        edits.append(appended(content, listed, f"<{prefix}author>{names[-1]}</{prefix}author>".encode()))
    number = names.index(text_xml(author()))
    new = "".join(
        f'<{prefix}comment ref="{cell_name(cell)}" authorId="{number}"><{prefix}text><{prefix}r>'
        f'<{prefix}t xml:space="preserve">{text_xml(text)}</{prefix}t></{prefix}r></{prefix}text></{prefix}comment>'
        for cell, text in notes.items()
    )
    comments = next(each for each in found if each.name == "commentList")
    edits.append(appended(content, comments, new.encode()))
    return edited(content, edits)


def _without_shapes(content: bytes, gone: set[Cell]) -> bytes:
    """The shapes as Excel and LibreOffice write them, which is not always well-formed: never parsed."""

    def kept(shape: re.Match[bytes]) -> bytes:
        row, column = _SHAPES_ROW.search(shape[0]), _SHAPES_COLUMN.search(shape[0])
        if b'ObjectType="Note"' not in shape[0] or row is None or column is None:
            return shape[0]
        return b"" if (int(row[1]) + 1, int(column[1]) + 1) in gone else shape[0]

    return _SHAPE.sub(kept, content) if gone else content


def _with_shapes(content: bytes, notes: Mapping[Cell, str], language: Language) -> bytes:
    first = 1 + max((int(number) for number in _SHAPE_NUMBER.findall(content)), default=_SHAPES_A_BLOCK)
    align = "right;direction:RTL" if language == "ar" else "left"
    shapes = "".join(
        _NOTE.format(
            number=number,
            align=align,
            left=column,
            right=column + 4,
            top=max(0, row - 2),
            bottom=max(0, row - 2) + 2 + sum(1 + len(line) // _LETTERS_A_LINE for line in text.splitlines()),
            row=row - 1,
            column=column - 1,
        )
        for number, ((row, column), text) in zip(count(first), notes.items(), strict=False)
    ).encode()
    if notes and b'id="_x0000_t202"' not in content:
        shapes = _NOTE_KIND + shapes
    if b"xmlns:v=" not in content[:_HEAD_BYTES]:
        shapes = shapes.replace(b"<v:shapetype", b"<v:shapetype" + _NAMESPACES)
        shapes = shapes.replace(b"<v:shape ", b"<v:shape%b " % _NAMESPACES)
    end = content.rfind(b"</xml>")
    if end < 0:
        raise NotPatchableError
    content = content[:end] + shapes + content[end:]
    blocks = {b"%d" % (number // _SHAPES_A_BLOCK) for number in range(first, first + len(notes))}
    return _MAP.sub(lambda said: said[1] + b",".join(_listed(said[2], blocks)) + b'"', content, count=1)


def _listed(said: bytes, blocks: set[bytes]) -> list[bytes]:
    known = [each.strip() for each in said.split(b",") if each.strip()]
    return known + sorted(blocks - set(known), key=int)
