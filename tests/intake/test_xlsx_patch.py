"""Packages as other programs write them: prefixes, strict, macros, no styles, comments and rules of their own."""

import re

import fastexcel
import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.formatting.rule import Rule
from openpyxl.styles import PatternFill
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.utils import get_column_letter
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.table import Table

from intake.annotating import annotated, changed, finding, opened, parts, read, saved
from schemas.findings import Severity
from teledeclaration.intake.xlsx_patch.sheet import _ORDER
from teledeclaration.intake.xlsx_patch.xml_edit import elements

_BEFORE_ROWS = ["sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols"]
HEADERS = ["N° SS", "Nom", "Montant"]


def small_workbook() -> openpyxl.Workbook:
    workbook = openpyxl.Workbook()
    sheet = workbook.worksheets[0]
    sheet.title = "Paie"
    for row in (HEADERS, ["796408550532", "BENCHEIKH", 45_000], ["796408550533", "ALI", 50_000]):
        sheet.append(row)
    return workbook


def rich_workbook() -> openpyxl.Workbook:
    """One with most of what stands behind a sheet's rows."""
    workbook = small_workbook()
    sheet = workbook.worksheets[0]
    sheet["C2"].comment = Comment("Prime comprise.", "Nadia")
    sheet.conditional_formatting.add("C2:C3", _rule())
    validation = DataValidation("list", formula1='"a,b"')
    validation.add("D2")
    sheet.add_data_validation(validation)
    sheet["B2"].hyperlink = "https://example.org/"
    sheet.add_table(Table(displayName="t", ref="A1:C3"))
    sheet.merge_cells("A5:B5")
    sheet.protection.sheet = True
    chart = BarChart()
    chart.add_data(Reference(sheet, min_col=3, min_row=1, max_row=3))
    sheet.add_chart(chart, "H2")
    sheet.column_dimensions["B"].hidden = True
    other = workbook.create_sheet("Autre")
    other["A1"] = "x"
    other.defined_names["place"] = DefinedName("place", attr_text="Autre!$A$1")
    workbook.active = 1
    return workbook


def _rule() -> Rule:
    style = DifferentialStyle(fill=PatternFill(bgColor="00FF00"))
    return Rule(type="cellIs", operator="greaterThan", formula=["1"], dxf=style)


def mark(content: bytes, row: int = 2, column: str = "C", sheet: str = "Paie") -> bytes:
    return annotated(content, [finding(row, column, sheet=sheet)], table=(sheet, 1))


def assert_in_order(content: bytes) -> None:
    """Every sheet's elements stand in the order that the format asks for, each but rules once."""
    places = {name: place for place, name in enumerate([*_BEFORE_ROWS, *_ORDER])}
    for name, part in parts(content).items():
        if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name):
            names = [each.name for each in elements(part, depth=1) if each.depth == 1]
            assert names == sorted(names, key=places.__getitem__), name
            once = [each for each in names if each != "conditionalFormatting"]
            assert len(set(once)) == len(once), name


def texts(content: bytes, sheet: str) -> list[tuple[str | None, ...]]:
    frame = fastexcel.read_excel(content).load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string").to_polars()
    return frame.rows()


def test_everything_beside_the_rows_is_kept_in_its_order() -> None:
    content = saved(rich_workbook())
    marked = mark(mark(content))
    assert_in_order(marked)
    before, after = parts(content), parts(marked)
    assert [name for name in before if "chart" in name and after[name] != before[name]] == []
    sheet = opened(marked)["Paie"]
    assert sheet["C2"].comment is not None
    assert sheet["C2"].comment.text == "Prime comprise."
    assert (sheet.tables["t"].ref, sheet.protection.sheet) == ("A1:C3", True)
    assert [str(each.sqref) for each in sheet.data_validations.dataValidation] == ["D2"]
    assert sheet.column_dimensions["B"].hidden
    rules = {rule.priority: rule.type for block in sheet.conditional_formatting for rule in block.rules}
    assert rules == {1: "expression", 2: "cellIs"}


def test_names_of_a_sheet_stay_with_their_sheet() -> None:
    workbook = opened(mark(mark(saved(rich_workbook()))))
    assert workbook.sheetnames == ["Constats", "Paie", "Autre"]
    assert workbook["Autre"].defined_names["place"].attr_text == "Autre!$A$1"
    assert [len(sheet.defined_names) for sheet in workbook.worksheets] == [0, 0, 1]
    assert workbook.active == workbook.worksheets[0]


def prefixed(members: dict[str, bytes]) -> None:
    for name in ("xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml"):
        part = re.sub(rb"<(/?)(?=[a-zA-Z])(?!\w+:)", rb"<\1x:", members[name])
        members[name] = part.replace(b' xmlns="', b' xmlns:x="', 1)


def test_a_prefix_of_the_namespace_is_kept() -> None:
    content = changed(saved(small_workbook()), prefixed)
    marked = mark(mark(content))
    assert_in_order(marked)
    assert [row[:3] for row in texts(marked, "Paie")] == texts(content, "Paie")
    sheet = opened(marked)["Paie"]
    assert (sheet["D2"].value, sheet["E2"].value) == ("Erreur", "Montant illisible.")
    assert len(sheet.conditional_formatting) == 1


def strict(members: dict[str, bytes]) -> None:
    for name in list(members):
        if name.endswith((".xml", ".rels")):
            members[name] = (
                members[name]
                .replace(
                    b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
                    b"http://purl.oclc.org/ooxml/spreadsheetml/main",
                )
                .replace(
                    b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
                    b"http://purl.oclc.org/ooxml/officeDocument/relationships",
                )
            )


def test_a_strict_package_stays_strict() -> None:
    marked = mark(changed(saved(small_workbook()), strict))
    for name, part in parts(marked).items():
        assert b"schemas.openxmlformats.org/spreadsheetml" not in part, name
        if name.startswith("xl/_rels") or name.startswith("xl/worksheets"):
            assert b"schemas.openxmlformats.org/officeDocument" not in part, name


def test_absolute_targets_and_other_letter_cases_are_followed() -> None:
    def absolute(members: dict[str, bytes]) -> None:
        name = "xl/_rels/workbook.xml.rels"
        members[name] = re.sub(rb'Target="(?:/xl/)?(\w)', rb'Target="/xl/\1', members[name])
        members["xl/worksheets/Sheet1.xml"] = members.pop("xl/worksheets/sheet1.xml")

    marked = mark(changed(saved(small_workbook()), absolute))
    assert opened(mark(saved(small_workbook())))["Paie"]["D2"].value == "Erreur"
    assert b"inlineStr" in parts(marked)["xl/worksheets/Sheet1.xml"]


@pytest.mark.parametrize(
    ("before", "after", "ending"),
    [
        (b"spreadsheetml.sheet.main+xml", b"spreadsheetml.template.main+xml", "spreadsheetml.sheet.main+xml"),
        (
            b"vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
            b"vnd.ms-excel.sheet.macroEnabled.main+xml",
            "vnd.ms-excel.sheet.macroEnabled.main+xml",
        ),
    ],
)
def test_macros_are_kept_and_a_template_becomes_a_workbook(before: bytes, after: bytes, ending: str) -> None:
    def as_other(members: dict[str, bytes]) -> None:
        members["[Content_Types].xml"] = members["[Content_Types].xml"].replace(before, after)
        members["xl/vbaProject.bin"] = b"macros"

    marked = parts(mark(changed(saved(small_workbook()), as_other)))
    assert ending in marked["[Content_Types].xml"].decode()
    assert marked["xl/vbaProject.bin"] == b"macros"


@pytest.mark.parametrize("without", ["dxfs", "all"])
def test_styles_that_are_missing_are_made(without: str) -> None:
    def bare(members: dict[str, bytes]) -> None:
        if without == "all":
            del members["xl/styles.xml"]
            name = "xl/_rels/workbook.xml.rels"
            members[name] = re.sub(rb"<Relationship [^>]*styles[^>]*/>", b"", members[name])
            name = "[Content_Types].xml"
            members[name] = re.sub(rb"<Override [^>]*styles[^>]*/>", b"", members[name])
        else:
            name, tag = "xl/styles.xml", without.encode()
            members[name] = re.sub(rb"<%b\b[^>]*?(?:/>|>.*?</%b>)" % (tag, tag), b"", members[name], flags=re.DOTALL)

    marked = mark(changed(saved(small_workbook()), bare))
    names = [each.name for each in elements(parts(marked)["xl/styles.xml"], depth=1)][1:]
    order = [
        "numFmts",
        "fonts",
        "fills",
        "borders",
        "cellStyleXfs",
        "cellXfs",
        "cellStyles",
        "dxfs",
        "tableStyles",
        "colors",
    ]
    assert names == [name for name in order if name in names]
    assert opened(marked)["Paie"]["D2"].fill.fgColor.rgb == "FFFFC7CE"


def test_blank_cells_behind_the_table_make_room() -> None:
    workbook = small_workbook()
    for column in range(4, 9):
        workbook.worksheets[0].cell(2, column).fill = PatternFill("solid", fgColor="CCCCCC")
    marked = mark(saved(workbook))
    cells = re.findall(rb'<c r="([A-Z]+)2"', parts(marked)["xl/worksheets/sheet1.xml"])
    assert cells == [b"A", b"B", b"C", b"D", b"E", b"F", b"G", b"H"]
    assert opened(marked)["Paie"]["D2"].value == "Erreur"


def test_rows_and_cells_that_do_not_say_where_they_stand() -> None:
    def silent(members: dict[str, bytes]) -> None:
        name = "xl/worksheets/sheet1.xml"
        members[name] = re.sub(rb'<(c|row) r="\w+"', rb"<\1", members[name])

    sheet = opened(mark(changed(saved(small_workbook()), silent)))["Paie"]
    assert [cell.value for cell in sheet[2]] == ["796408550532", "BENCHEIKH", 45_000, "Erreur", "Montant illisible."]
    assert sheet["D3"].value is None


def test_columns_described_up_to_the_last_are_taken_apart() -> None:
    def wide(members: dict[str, bytes]) -> None:
        name = "xl/worksheets/sheet1.xml"
        two = b'<col min="1" max="2" width="20" customWidth="1"/><col min="3" max="16384" width="9" hidden="1"/>'
        members[name] = members[name].replace(b"<sheetData>", b"<cols>" + two + b"</cols><sheetData>")

    part = parts(mark(changed(saved(small_workbook()), wide)))["xl/worksheets/sheet1.xml"]
    bounds = [
        (int(each.attributes["min"]), int(each.attributes["max"]))
        for each in elements(part, depth=2)
        if each.name == "col"
    ]
    assert bounds == [(1, 2), (3, 3), (4, 4), (5, 5), (6, 16384)]


def test_a_sheet_without_rows_and_one_never_seen_stay_as_they_are() -> None:
    workbook = small_workbook()
    workbook.create_sheet("Vide")
    content = changed(
        saved(workbook),
        lambda members: members.update(
            {"xl/worksheets/sheet2.xml": members["xl/worksheets/sheet2.xml"].replace(b"</sheetData>", b"</sheetData>")}
        ),
    )
    assert parts(mark(content))["xl/worksheets/sheet2.xml"] == parts(content)["xl/worksheets/sheet2.xml"]


def test_what_hides_rows_from_us_is_given_back_as_a_copy() -> None:
    def hidden(members: dict[str, bytes]) -> None:
        name = "xl/worksheets/sheet1.xml"
        members[name] = members[name].replace(b"</row>", b"<!-- <row r='9'> --></row>", 1)

    marked = opened(mark(changed(saved(small_workbook()), hidden)))
    assert marked.sheetnames == ["Constats", "Paie"]
    assert [cell.value for cell in marked["Paie"][2]][3:] == ["Erreur", "Montant illisible."]


cells = st.one_of(
    st.none(),
    st.integers(-(10**9), 10**9),
    st.booleans(),
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")), min_size=1, max_size=12),
)
tables = st.lists(st.lists(cells, min_size=1, max_size=6), min_size=1, max_size=8)
marks = st.lists(
    st.tuples(st.integers(1, 12), st.integers(1, 8), st.sampled_from(list(Severity))), min_size=0, max_size=12
)


@settings(max_examples=60, deadline=None)
@given(tables, marks, st.booleans(), st.booleans())
def test_any_workbook_keeps_its_cells_and_comes_back_in_order(
    table: list[list[int | bool | str | None]], marked: list[tuple[int, int, Severity]], commented: bool, merged: bool
) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.worksheets[0]
    rows: list[list[int | bool | str | None]] = [[*HEADERS], *table]
    for row, values in enumerate(rows, start=1):
        for column, value in enumerate(values, start=1):
            cell = sheet.cell(row, column)
            cell.value = value
            cell.data_type = "s" if isinstance(value, str) else cell.data_type
    if commented:
        sheet["B2"].comment = Comment("Vu.", "Nadia")
    if merged:
        sheet.merge_cells("B2:C3")
    content = saved(workbook)
    found = [
        finding(row, get_column_letter(column), "=Dit.", sheet="Sheet", severity=severity)
        for row, column, severity in marked
    ]
    twice = annotated(annotated(content, found, table=("Sheet", 1)), found, "ar", table=("Sheet", 1))
    assert_in_order(twice)
    before, after = read(content).sheets, read(twice).sheets
    assert [each.name for each in after] == ["Sheet"]
    assert after[0].cells.equals(before[0].cells)
    comments = [cell.coordinate for row in opened(twice)["Sheet"].iter_rows() for cell in row if cell.comment]
    wanted = {
        ("B2" if merged and 2 <= row <= 3 and 2 <= column <= 3 else f"{get_column_letter(column)}{row}")
        for row, column, _ in marked
    }
    assert set(comments) == wanted | ({"B2"} if commented else set())
