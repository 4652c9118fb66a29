"""The workbook given back: findings at their cells, nothing of the user's lost, no text computed."""

import io
import time
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from schemas.findings import Finding, Severity
from teledeclaration.intake.raw import ReadingLimits
from teledeclaration.intake.reader import ReaderServer, annotated_copy, read_raw
from teledeclaration.intake.text_pair import zip_together
from teledeclaration.languages import Language

SAMPLES = Path(__file__).parents[1] / "files" / "workbooks"
HAND_KEPT = SAMPLES / "annual-2025-kept-by-hand.xlsx"
LIMITS = ReadingLimits()
DANGEROUS = ["=cmd|'/c calc'!A1", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1"]


def finding(row: int | None, column: str | None, message: str = "Montant illisible.", **more: object) -> Finding:
    given = {"sheet": "DAS 2025", "severity": Severity.ERROR, "code": "x"} | more
    return Finding(row=row, column=column, message=message, **given)  # type: ignore[arg-type]  # built by name


async def annotated(
    path: Path | bytes, findings: list[Finding], reader: ReaderServer, language: Language = "fr", **more: int
) -> openpyxl.Workbook:
    name = path.name if isinstance(path, Path) else "a.csv"
    content = await annotated_copy(
        path, filename=name, findings=findings, language=language, limits=LIMITS, reader=reader, **more
    )
    return openpyxl.load_workbook(io.BytesIO(content))


def styles(sheet: Worksheet) -> list[tuple[object, ...]]:
    return [
        (
            cell.coordinate,
            cell.value,
            cell.number_format,
            cell.font.b,
            cell.font.sz,
            cell.fill.fgColor.rgb,
            cell.border.left.style,
        )
        for row in sheet.iter_rows()
        for cell in row
    ]


async def test_the_users_own_workbook_comes_back_with_its_styles(reader: ReaderServer) -> None:
    marked = await annotated(HAND_KEPT, [finding(18, "I", seen="à vérifier")], reader)
    own = openpyxl.load_workbook(HAND_KEPT)
    assert marked.sheetnames == ["Constats", "DAS 2025", "Notes"]
    before, after = styles(own["DAS 2025"]), styles(marked["DAS 2025"])
    assert [one for one, other in zip(before, after, strict=True) if one != other] == [
        next(one for one in before if one[0] == "I18")
    ]
    assert marked["DAS 2025"].merged_cells.ranges == own["DAS 2025"].merged_cells.ranges
    assert marked["DAS 2025"].column_dimensions["V"].hidden


async def test_a_finding_is_coloured_and_commented_at_its_cell(reader: ReaderServer) -> None:
    findings = [
        finding(18, "I"),
        finding(18, "I", "Autre chose.", severity=Severity.INFO),
        finding(23, "B", "Clé douteuse.", severity=Severity.CONFIRM),
    ]
    sheet = (await annotated(HAND_KEPT, findings, reader))["DAS 2025"]
    comment = sheet["I18"].comment
    assert comment is not None
    assert (comment.text, comment.author) == ("Montant illisible.\nAutre chose.", "Télédéclaration")
    assert sheet["I18"].fill.fgColor.rgb.endswith("FFC7CE")
    assert sheet["B23"].fill.fgColor.rgb.endswith("FFEB9C")


async def test_the_findings_sheet_names_and_links_each_cell(reader: ReaderServer) -> None:
    findings = [finding(18, "I", field="q1_amount", seen="à vérifier", proposed="45000"), finding(None, None, "Tout.")]
    sheet = (await annotated(HAND_KEPT, findings, reader)).worksheets[0]
    row = [cell.value for cell in sheet[2]]
    assert row[:3] == ["DAS 2025", "18", "I"]
    assert row[4:] == ["Erreur", "Montant illisible.", "à vérifier", "45000"]
    link = sheet["B2"].hyperlink
    assert link is not None
    assert link.location == "'DAS 2025'!I18"
    assert sheet["B3"].hyperlink is None


@pytest.mark.parametrize("styled_rows_max", [0, 20_000])
async def test_arabic_reads_from_the_right(styled_rows_max: int, reader: ReaderServer) -> None:
    marked = await annotated(HAND_KEPT, [finding(18, "I")], reader, "ar", styled_rows_max=styled_rows_max)
    assert marked.sheetnames[0] == "الملاحظات"
    assert marked.worksheets[0].sheet_view.rightToLeft


async def test_a_finding_in_a_merged_range_stands_where_it_shows(reader: ReaderServer) -> None:
    sheet = (await annotated(HAND_KEPT, [finding(1, "C", "Titre.")], reader))["DAS 2025"]
    assert sheet["A1"].comment is not None


@pytest.mark.parametrize("styled_rows_max", [0, 20_000])
async def test_no_text_becomes_a_formula(styled_rows_max: int, reader: ReaderServer) -> None:
    findings = [finding(18, "I", text, seen=text, proposed=text) for text in DANGEROUS]
    marked = await annotated(HAND_KEPT, findings, reader, styled_rows_max=styled_rows_max)
    for row, text in enumerate(DANGEROUS, start=2):
        for column in "FGH":
            cell = marked.worksheets[0][f"{column}{row}"]
            assert (cell.value, cell.data_type, cell.quotePrefix) == (text, "s", True)


async def test_texts_of_the_file_stay_texts_in_a_copy(reader: ReaderServer) -> None:
    content = b'nss;nom\n1;=HYPERLINK("http://x")\n2;A&B <c>\x0b\n'.replace(b"\x0b", b"")
    sheet = (await annotated(content, [finding(2, "B", sheet="a")], reader)).worksheets[1]
    assert (sheet["B2"].value, sheet["B2"].data_type) == ('=HYPERLINK("http://x")', "s")
    assert sheet["B3"].value == "A&B <c>"
    assert sheet["B2"].fill.fgColor.rgb.endswith("FFC7CE")
    assert sheet["C2"].value == "Montant illisible."


@pytest.mark.parametrize("name", ["movements-2025.xls", "annual-2025-exported-clean.ods", "annual-2025-exported.xlsx"])
async def test_a_copy_has_every_value_at_its_place(name: str, reader: ReaderServer) -> None:
    path = SAMPLES / name
    original = (await read_raw(path, filename=name, limits=LIMITS, reader=reader)).sheets[0]
    content = await annotated_copy(
        path,
        filename=name,
        findings=[finding(3, "B", sheet=original.name)],
        language="fr",
        limits=LIMITS,
        reader=reader,
        styled_rows_max=0,
    )
    copy = (await read_raw(content, filename="a.xlsx", limits=LIMITS, reader=reader)).sheets[1]
    width = original.cells.width
    expected = original.cells
    for (row, letter), error in original.error_cells.items():
        expected = expected.with_columns(
            pl.when(pl.int_range(pl.len()) == row - 1).then(pl.lit(error)).otherwise(pl.col(letter)).alias(letter)
        )
    assert copy.name == original.name
    assert copy.cells[:, :width].equals(expected)
    assert copy.numeric is not None
    assert original.numeric is not None
    assert copy.numeric[:, :width].equals(original.numeric)
    assert copy.cells[2, width] == "Montant illisible."


async def test_a_text_pair_comes_back_as_a_table(reader: ReaderServer) -> None:
    files = {name: (SAMPLES / name).read_bytes() for name in ("D25E3137704614.TXT", "D25S3137704614.TXT")}
    findings = [finding(2, "33-57", "Nom.", sheet="D25S3137704614.TXT")]
    content = await annotated_copy(
        zip_together(files), filename="a.zip", findings=findings, language="fr", limits=LIMITS, reader=reader
    )
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[1]
    assert sheet["E2"].value == "BOUZID"
    assert sheet["E2"].fill.fgColor.rgb.endswith("FFC7CE")


async def test_what_was_annotated_reads_again_as_it_was(reader: ReaderServer) -> None:
    content = await annotated_copy(
        HAND_KEPT, filename="a.xlsx", findings=[finding(18, "I")], language="fr", limits=LIMITS, reader=reader
    )
    before = (await read_raw(HAND_KEPT, filename="a.xlsx", limits=LIMITS, reader=reader)).sheets[0]
    after = (await read_raw(content, filename="a.xlsx", limits=LIMITS, reader=reader)).sheets[1]
    # Values of formulas are the spreadsheet program's to compute again: openpyxl keeps the formula alone.
    computed = [(row, letter) for row, letter in after.uncomputed if before.cells[row - 1, letter] is not None]
    for letter in before.cells.columns:
        rows = {row for row, column in computed if column == letter}
        for row, value in enumerate(before.cells[letter], start=1):
            if row not in rows:
                assert after.cells[row - 1, letter] == value, (row, letter)


async def test_a_long_file_is_given_back_in_seconds(reader: ReaderServer) -> None:
    content = b"nss;nom;prenom;montant\n" + b"796408550532;BENCHEIKH;WALID;45000,00\n" * 100_000
    findings = [finding(row, "D", sheet="a", message=f"Ligne {row}.") for row in range(2, 60_000, 2)]
    started = time.monotonic()
    copy = await annotated_copy(
        content, filename="a.csv", findings=findings, language="fr", limits=LIMITS, reader=reader
    )
    assert time.monotonic() - started < 20
    sheet = (await read_raw(copy, filename="a.xlsx", limits=LIMITS, reader=reader)).sheets[1]
    assert sheet.cells.height == 100_001
    assert sheet.cells[9, "E"] == "Ligne 10."
