"""The workbook given back: findings at their cells, nothing of the user's lost, and read again as if untouched."""

import io
from pathlib import Path

import fastexcel
import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.comments import Comment
from openpyxl.worksheet.worksheet import Worksheet

from intake.annotating import (
    annotated,
    annotated_as_checked,
    checked,
    finding,
    opened,
    parts,
    places,
    read,
    saved,
)
from schemas.findings import Severity
from teledeclaration.intake.given_back import AnnotatedWorkbook
from teledeclaration.intake.protocol import findings_page
from teledeclaration.intake.raw import ReadingLimits
from teledeclaration.intake.reader import ReaderServer, annotated_workbook
from teledeclaration.intake.text_pair import zip_together
from teledeclaration.languages import LANGUAGES, Language

SAMPLES = Path(__file__).parents[1] / "files" / "workbooks"
HAND_KEPT = (SAMPLES / "annual-2025-kept-by-hand.xlsx").read_bytes()
EXPORTED = (SAMPLES / "annual-2025-exported.xlsx").read_bytes()
DANGEROUS = ["=cmd|'/c calc'!A1", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")', "_x0041_"]


def styles(sheet: Worksheet) -> dict[str, tuple[object, ...]]:
    return {
        cell.coordinate: (
            cell.value,
            cell.number_format,
            cell.font.b,
            cell.font.sz,
            cell.fill.fgColor.rgb,
            cell.border.left.style,
        )
        for row in sheet.iter_rows()
        for cell in row
    }


def colours(sheet: Worksheet) -> dict[str, str]:
    """The colours of marks by cell."""
    found = {}
    for block in sheet.conditional_formatting:
        for rule in block.rules:
            if "teledeclaration" in rule.formula[0]:
                for place in block.sqref.ranges:
                    for row, column in place.cells:
                        found[sheet.cell(row, column).coordinate] = rule.dxf.fill.bgColor.rgb[2:]
    return found


def test_the_users_own_workbook_comes_back_with_its_styles() -> None:
    marked, own = opened(annotated(HAND_KEPT, [finding(18, "I", seen="à vérifier")])), opened(HAND_KEPT)
    assert marked.sheetnames == ["Constats", "DAS 2025", "Notes"]
    before, after = styles(own["DAS 2025"]), styles(marked["DAS 2025"])
    assert {place: after[place] for place in before} == before
    assert marked["DAS 2025"].merged_cells.ranges == own["DAS 2025"].merged_cells.ranges
    assert marked["DAS 2025"].column_dimensions["V"].hidden


def test_what_need_not_change_is_the_same_byte_for_byte() -> None:
    before, after = parts(HAND_KEPT), parts(annotated(HAND_KEPT, [finding(18, "I")]))
    untouched = {"xl/sharedStrings.xml", "docProps/app.xml", "docProps/core.xml", "docProps/custom.xml", "_rels/.rels"}
    assert {name for name in before if after[name] == before[name]} >= untouched


def test_a_reader_sees_the_same_cells_as_before() -> None:
    before = fastexcel.read_excel(HAND_KEPT).load_sheet("DAS 2025", header_row=None, dtypes="string").to_polars()
    after = (
        fastexcel.read_excel(annotated(HAND_KEPT, [finding(18, "I")]))
        .load_sheet("DAS 2025", header_row=None, dtypes="string")
        .to_polars()
    )
    assert after.columns[before.width :] == [f"__UNNAMED__{before.width}", f"__UNNAMED__{before.width + 1}"]
    assert after.select(before.columns).equals(before)


def test_a_finding_is_coloured_and_commented_at_its_cell() -> None:
    findings = [
        finding(18, "I"),
        finding(18, "I", "Autre chose.", severity=Severity.INFO),
        finding(23, "B", "Clé douteuse.", severity=Severity.CONFIRM),
    ]
    sheet = opened(annotated(HAND_KEPT, findings))["DAS 2025"]
    comment = sheet["I18"].comment
    assert comment is not None
    assert (comment.text, comment.author) == ("Montant illisible.\nAutre chose.", "Télédéclaration")
    assert colours(sheet) == {"I18": "FFC7CE", "B23": "FFEB9C"}


def test_each_line_says_how_it_stands_behind_its_last_column() -> None:
    findings = [finding(18, "I"), finding(18, "B", "Clé.", severity=Severity.CONFIRM), finding(None, None, "Tout.")]
    sheet = opened(annotated(HAND_KEPT, findings))["DAS 2025"]
    assert [sheet[place].value for place in ("W6", "X6")] == [
        "Télédéclaration : état de la ligne",
        "Télédéclaration : constats de la ligne",
    ]
    assert [sheet[place].value for place in ("W18", "X18")] == ["Erreur", "Montant illisible. · Clé."]
    assert sheet["W19"].value is None


def test_the_findings_sheet_names_and_links_each_cell() -> None:
    findings = [finding(18, "I", field="q1_amount", seen="à vérifier", proposed="45000"), finding(None, None, "Tout.")]
    sheet = opened(annotated(HAND_KEPT, findings)).worksheets[0]
    row = [cell.value for cell in sheet[2]]
    assert row[:3] == ["DAS 2025", 18, "I"]
    assert row[4:] == ["Erreur", "Montant illisible.", "à vérifier", "45000"]
    link = sheet["B2"].hyperlink
    assert link is not None
    assert link.location == "'DAS 2025'!I18"
    assert sheet["B3"].hyperlink is None
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:H3")


def test_only_the_findings_sheet_is_selected() -> None:
    workbook = opened(annotated(HAND_KEPT, [finding(18, "I")]))
    assert workbook.active == workbook.worksheets[0]
    assert [bool(sheet.sheet_view.tabSelected) for sheet in workbook.worksheets] == [True, False, False]


def test_arabic_reads_from_the_right() -> None:
    marked = opened(annotated(HAND_KEPT, [finding(18, "I")], "ar"))
    assert marked.sheetnames[0] == "الملاحظات"
    assert marked.worksheets[0].sheet_view.rightToLeft


def test_a_finding_in_a_merged_range_stands_where_it_shows() -> None:
    sheet = opened(annotated(HAND_KEPT, [finding(1, "C", "Titre.")]))["DAS 2025"]
    assert sheet["A1"].comment is not None
    assert colours(sheet) == {"A1": "FFC7CE"}


def test_the_users_own_comments_are_kept() -> None:
    workbook = opened(HAND_KEPT)
    workbook["DAS 2025"]["B8"].comment = Comment("Vu avec le comptable.", "Nadia")
    workbook["DAS 2025"]["I18"].comment = Comment("À revoir.", "Nadia")
    once = annotated(saved(workbook), [finding(18, "I"), finding(19, "I")])
    twice = annotated(once, [finding(20, "I")])
    sheet = opened(twice)["DAS 2025"]
    said = {cell.coordinate: cell.comment.text for row in sheet.iter_rows() for cell in row if cell.comment}
    assert said == {"B8": "Vu avec le comptable.", "I18": "À revoir.", "I20": "Montant illisible."}
    shapes = next(content for name, content in parts(twice).items() if name.endswith(".vml") or "legacyDraw" in name)
    assert shapes.count(b"ObjectType") == 3


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "name",
    [
        "annual-2025-kept-by-hand.xlsx",
        "annual-2025-exported.xlsx",
        "movements-2025.xls",
        "annual-2025-exported-clean.ods",
    ],
)
def test_uploaded_again_as_it_is_the_same_is_said(name: str, language: Language) -> None:
    content = (SAMPLES / name).read_bytes()
    before, said = checked(content, name)
    again, said_again = checked(annotated_as_checked(content, name, language))
    assert places(said_again) == places(said)
    assert again.lines.equals(before.lines)
    assert [column.header for column in again.table.columns] == [column.header for column in before.table.columns]


def test_a_csv_file_uploaded_again_as_it_is_says_the_same() -> None:
    header = "N° SS;Nom;Prénom;Date de naissance;Montant annuel"
    rows = ["796408550532;BENCHEIKH;WALID;02/11/1979;45 000,00", "7964;=1+1;-ALI;31/02/1980;x"]
    content = "\n".join(["Exercice 2025", header, *rows]).encode()
    _, said = checked(content, "paie.csv")
    assert said
    assert places(checked(annotated_as_checked(content, "paie.csv"), "paie.xlsx")[1]) == places(said)


def test_what_was_mended_is_seen_and_nothing_else_changes() -> None:
    _, said = checked(EXPORTED)
    workbook = opened(annotated_as_checked(EXPORTED))
    sheet = workbook[said[-1].sheet or ""]
    # The only formula is mended too, as openpyxl keeps no computed values.
    values = {"annual_not_sum": 493_372.13, "unit_unknown": "J", "duration_too_long": 90, "error_cell": 336_000}
    mended = [each for each in said if each.code in values]
    for each in mended:
        sheet[f"{each.column}{each.row}"].value = values[each.code]
    _, left = checked(saved(workbook))
    gone = [place for place in places(said) if place not in places(left)]
    assert {(code, row) for code, row, _, _ in gone} == {(each.code, each.row) for each in mended}
    assert [place for place in places(left) if place not in places(said)] == []


def test_annotated_twice_there_is_one_of_everything() -> None:
    once = annotated_as_checked(HAND_KEPT)
    twice = annotated_as_checked(annotated_as_checked(once, language="ar"))
    first, last = opened(once), opened(twice)
    assert last.sheetnames == first.sheetnames
    assert styles(last["DAS 2025"]) == styles(first["DAS 2025"])
    assert colours(last["DAS 2025"]) == colours(first["DAS 2025"])
    assert len(parts(twice)) == len(parts(once))
    assert parts(twice)["xl/styles.xml"].count(b"<dxf>") == parts(once)["xl/styles.xml"].count(b"<dxf>")
    sheet = last["DAS 2025"]
    comments = [cell.comment.text for row in sheet.iter_rows() for cell in row if cell.comment]
    assert len(comments) == len(colours(sheet))


def test_what_is_mended_loses_its_marks_in_the_next_round() -> None:
    once = annotated(HAND_KEPT, [finding(18, "I"), finding(23, "B")])
    sheet = opened(annotated(once, [finding(23, "B")]))["DAS 2025"]
    assert colours(sheet) == {"B23": "FFC7CE"}
    assert sheet["I18"].comment is None
    assert (sheet["W18"].value, sheet["W23"].value) == (None, "Erreur")
    clean = opened(annotated(once, []))["DAS 2025"]
    assert (colours(clean), clean["B23"].comment, clean["W23"].value) == ({}, None, None)


@pytest.mark.parametrize("moved", ["renamed", "last"])
def test_the_findings_sheet_is_known_wherever_it_stands(moved: str) -> None:
    workbook = opened(annotated_as_checked(EXPORTED))
    ours = workbook.worksheets[0]
    if moved == "renamed":
        ours.title = "Mes notes"
    else:
        workbook.move_sheet(ours, 1)
    content = saved(workbook)
    assert [sheet.name for sheet in read(content).sheets] == [sheet.name for sheet in read(EXPORTED).sheets]
    assert len(opened(annotated_as_checked(content)).sheetnames) == len(workbook.sheetnames)


def test_result_columns_are_not_read_where_columns_were_put_around_them() -> None:
    workbook = opened(annotated_as_checked(EXPORTED))
    sheet = workbook.worksheets[1]
    sheet.cell(1, sheet.max_column + 1).value = "Ma colonne"
    before, after = read(EXPORTED).sheets[0], read(saved(workbook)).sheets[0]
    assert after.cells.width == before.cells.width + 3
    assert after.cells.select(before.cells.columns).equals(before.cells)
    assert after.cells[:, before.cells.width : -1].null_count().sum_horizontal().item() == 2 * after.cells.height


letters = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn"), include_characters="\t\n\r")
texts = st.one_of(st.sampled_from(DANGEROUS), st.text(letters, max_size=40))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=4))
def test_no_text_becomes_a_formula_and_all_read_back_as_they_were(said: list[tuple[str, str, str]]) -> None:
    findings = [finding(18, "I", message, seen=seen, proposed=proposed) for message, seen, proposed in said]
    content = annotated(HAND_KEPT, findings)
    assert b"<f>" not in parts(content)["xl/worksheets/findings_td.xml"]
    sheet = opened(content).worksheets[0]
    told = fastexcel.read_excel(content).load_sheet(0, header_row=None, skip_rows=0, dtypes="string").to_polars()
    for row, texts_of_row in enumerate(said, start=1):
        for column, text in zip("FGH", texts_of_row, strict=True):
            cell = sheet[f"{column}{row + 1}"]
            assert cell.data_type in "sn"
            assert cell.quotePrefix == text.startswith(("=", "+", "-", "@", "\t", "\r"))
            place = "ABCDEFGH".index(column)
            seen = told[row, place] if place < told.width else None
            assert (seen or "") == text


@settings(max_examples=30, deadline=None)
@given(st.lists(texts, min_size=1, max_size=5))
def test_texts_of_a_file_stay_texts_in_a_copy(names: list[str]) -> None:
    rows = [f'{number};"{name.replace(chr(34), chr(34) * 2)}"' for number, name in enumerate(names)]
    content = "\n".join(["nss;nom", *rows]).encode()
    before = read(content, "=a.csv").sheets[0]
    copy = annotated(content, [finding(2, "B", sheet=before.name)], filename="=a.csv")
    after = read(copy).sheets[0]
    assert after.cells.equals(before.cells)
    sheet = opened(copy).worksheets[1]
    assert all(cell.data_type in "sn" for row in sheet.iter_rows() for cell in row)
    assert colours(sheet) == {"B2": "FFC7CE"}


@pytest.mark.parametrize("name", ["=1+1", "L'usine", "+a", "feuille <&>", "ورقة", "@x"])
def test_odd_names_of_sheets_are_linked(name: str) -> None:
    workbook = openpyxl.Workbook()
    workbook.worksheets[0].title = name
    workbook.worksheets[0]["B2"] = "x"
    sheet = opened(annotated(saved(workbook), [finding(2, "B", sheet=name)])).worksheets[0]
    assert (sheet["A2"].value, sheet["A2"].data_type) == (name, "s")
    link = sheet["B2"].hyperlink
    assert link is not None
    assert link.location == "'" + name.replace("'", "''") + "'!B2"


def test_a_zip_with_one_workbook_comes_back_as_that_workbook() -> None:
    own = annotated(zip_together({"paie.xlsx": HAND_KEPT}), [finding(18, "I")], filename="paie.zip")
    assert opened(own).sheetnames == ["Constats", "DAS 2025", "Notes"]


def test_a_text_pair_comes_back_as_a_table() -> None:
    files = {name: (SAMPLES / name).read_bytes() for name in ("D25E3137704614.TXT", "D25S3137704614.TXT")}
    findings = [finding(2, "33-57", "Nom.", sheet="D25S3137704614.TXT")]
    detail = ("D25S3137704614.TXT", 0)
    marked = opened(annotated(zip_together(files), findings, filename="a.zip", table=detail))
    assert marked.worksheets[1]["E2"].value == "BOUZID"
    results = [[cell.value for cell in row][-2:] for row in marked.worksheets[1].iter_rows()]
    assert results[1] == ["Erreur", "Nom."] and not any(any(row) for row in (results[0], *results[2:]))
    assert colours(marked.worksheets[1]) == {"E2": "FFC7CE"}
    assert marked.worksheets[0]["C2"].value == "33-57"


def test_more_cells_than_a_sheet_comments_are_still_coloured_and_listed() -> None:
    findings = [finding(row, column) for row in range(2, 2402) for column in "BCD"]
    workbook = opened(annotated(EXPORTED, findings, table=("DAS 2025", 1)))
    sheet = workbook.worksheets[1]
    assert len(colours(sheet)) == 7_200
    assert sum(1 for row in sheet.iter_rows() for cell in row if cell.comment) == 5_000
    assert workbook.worksheets[0].max_row == 7_201


async def given_back(content: bytes, reader: ReaderServer) -> AnnotatedWorkbook:
    return await annotated_workbook(
        content,
        filename="a.xlsx",
        pages=[findings_page([finding(18, "I")]), findings_page([finding(19, "I")])],
        language="fr",
        limits=ReadingLimits(),
        reader=reader,
        table=("DAS 2025", 1),
    )


async def test_the_sandbox_hands_the_workbook_on_piece_by_piece(reader: ReaderServer) -> None:
    workbook = await given_back(EXPORTED, reader)
    pieces = list(workbook.pieces())
    assert workbook.extension == ".xlsx"
    assert sum(map(len, pieces)) == workbook.size_bytes
    assert openpyxl.load_workbook(io.BytesIO(b"".join(pieces))).worksheets[0].max_row == 3
