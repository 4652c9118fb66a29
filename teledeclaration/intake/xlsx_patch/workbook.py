"""The workbook's own part: its sheets in their order, what opens first, and names that belong to a sheet."""

from collections.abc import Iterable
from dataclasses import dataclass

from teledeclaration.intake.xlsx_patch.package import Package
from teledeclaration.intake.xlsx_patch.xml_edit import (
    Edit,
    Element,
    NotPatchableError,
    edited,
    elements,
    with_attribute,
)
from teledeclaration.intake.xlsx_texts import attribute_xml

_RELATIONS_TO_SHEETS = ("worksheet", "chartsheet", "dialogsheet", "xlMacrosheet", "xlIntlMacrosheet")
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_MACROS = b"macroEnabled"
_TEMPLATES = {
    b"spreadsheetml.template.main+xml": b"spreadsheetml.sheet.main+xml",
    b"vnd.ms-excel.template.macroEnabled.main+xml": b"vnd.ms-excel.sheet.macroEnabled.main+xml",
}


@dataclass(frozen=True)
class Sheet:
    """A sheet as the workbook lists it: `part` holds it, `kind` is what the relation calls it."""

    name: str
    part: str
    relation: str
    kind: str


def sheets_of(package: Package) -> list[Sheet]:
    """The workbook's sheets in their order; those without a part are left out."""
    known = {relation.id: relation for relation in package.relations(package.workbook)}
    found = []
    for element in _listed(package):
        relation = known.get(_relation_id(element))
        if relation is not None and relation.target is not None and relation.kind in _RELATIONS_TO_SHEETS:
            found.append(Sheet(element.attributes.get("name", ""), relation.target, relation.id, relation.kind))
    return found


def put_in_front(package: Package, part: str, name: str, *, instead_of: Iterable[Sheet]) -> None:
    """List a new sheet first and let it open; earlier ones that it stands for are removed."""
    old = {sheet.relation for sheet in instead_of}
    for sheet in sheets_of(package):
        if sheet.relation in old:
            package.remove(sheet.part)
    if old:
        package.unrelate(package.workbook, old)
    relation = package.relate(package.workbook, "worksheet", part)
    package.declare(part, _SHEET_TYPE)
    content = package.read(package.workbook)
    found = elements(content, depth=3)
    listed = [each for each in found if each.name == "sheet" and each.depth == 2]
    kept = [each for each in listed if _relation_id(each) not in old]
    numbers = {place: kept.index(each) + 1 for place, each in enumerate(listed) if each in kept}
    edits = [_first_sheet(found, listed, name, relation, package.relation_types)]
    edits += [(each.start, each.end, b"") for each in listed if each not in kept]
    edits += _names_moved(content, found, numbers)
    edits += [
        (each.start, each.inside, _opening_first(content[each.start : each.inside]))
        for each in found
        if each.name == "workbookView"
    ]
    package.change(package.workbook, edited(content, edits))


def _first_sheet(found: list[Element], listed: list[Element], name: str, relation: str, types: str) -> Edit:
    place = next((each.inside for each in found if each.name == "sheets" and each.depth == 1), None)
    if place is None or not listed:
        raise NotPatchableError
    number = 1 + max((int(each.attributes.get("sheetId", "0")) for each in listed), default=0)
    tag = listed[0].tag
    element = f'<{tag} xmlns:td="{types}" name="{attribute_xml(name)}" sheetId="{number}" td:id="{relation}"/>'
    return place, place, element.encode()


def _names_moved(content: bytes, found: list[Element], numbers: dict[int, int]) -> list[Edit]:
    """Names that belong to one sheet say its place; those of a sheet that is gone go with it."""
    names = [each for each in found if each.name == "definedName"]
    of_sheets = [each for each in names if each.attributes.get("localSheetId", "").isdecimal()]
    moved = {each.start: numbers.get(int(each.attributes["localSheetId"])) for each in of_sheets}
    if names and len(of_sheets) == len(names) and not any(moved.values()):
        return [(each.start, each.end, b"") for each in found if each.name == "definedNames"]
    edits: list[Edit] = []
    for each in of_sheets:
        number = moved[each.start]
        if number is None:
            edits.append((each.start, each.end, b""))
        else:
            tag = with_attribute(content[each.start : each.inside], b"localSheetId", str(number).encode())
            edits.append((each.start, each.inside, tag))
    return edits


def _opening_first(tag: bytes) -> bytes:
    return with_attribute(with_attribute(tag, b"activeTab", None), b"firstSheet", None)


def _listed(package: Package) -> list[Element]:
    found = elements(package.read(package.workbook), depth=2)
    return [each for each in found if each.name == "sheet" and each.depth == 2]


def _relation_id(sheet: Element) -> str:
    return next((value for name, value in sheet.attributes.items() if name.endswith(":id")), "")


def as_workbook(package: Package) -> str:
    """The ending the file's name takes; a template is made the workbook of its kind, as its programs do."""
    content = package.read("[Content_Types].xml")
    for template, workbook in _TEMPLATES.items():
        content = content.replace(template, workbook)
    package.change("[Content_Types].xml", content)
    main = f"/{package.workbook}".casefold()
    types = {each.attributes.get("PartName", "").casefold(): each for each in elements(content, depth=1)}
    said = types[main].attributes.get("ContentType", "") if main in types else ""
    return ".xlsm" if _MACROS.decode() in said else ".xlsx"


def free_sheet_name(taken: Iterable[str], wanted: str) -> str:
    """`wanted`, numbered where a sheet has that name already."""
    names = {name.casefold() for name in taken}
    candidates = [wanted, *(f"{wanted} {number}" for number in range(2, len(names) + 3))]
    return next(name for name in candidates if name.casefold() not in names)
