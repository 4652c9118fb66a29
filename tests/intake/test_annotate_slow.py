"""Annotated workbooks in LibreOffice, and long ones: minutes, so that they run with the slow tests."""

import re
import resource
import time
from pathlib import Path

import pytest

from intake.annotating import annotated_as_checked, changed, checked, opened, parts, places, read, saved
from intake.template_filling import by_libreoffice
from schemas.findings import Finding, Severity
from teledeclaration.intake.protocol import findings_page
from teledeclaration.intake.raw import ReadingLimits
from teledeclaration.intake.reader import ReaderServer, annotated_workbook
from teledeclaration.languages import LANGUAGES, Language

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).parents[1] / "files" / "workbooks"
HAND_KEPT = (SAMPLES / "annual-2025-kept-by-hand.xlsx").read_bytes()


@pytest.mark.parametrize("kind", ["xlsx", "ods", "xls"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_saved_by_libreoffice_what_we_wrote_is_still_known(language: Language, kind: str, tmp_path: Path) -> None:
    _, said = checked(HAND_KEPT)
    saved_there = by_libreoffice(annotated_as_checked(HAND_KEPT, language=language), kind, tmp_path)
    assert [sheet.name for sheet in read(saved_there, f"a.{kind}").sheets] == ["DAS 2025", "Notes"]
    _, again = checked(saved_there, f"a.{kind}")
    assert [(each.code, each.row, each.column) for each in again if each.row] == [
        (each.code, each.row, each.column) for each in said if each.row
    ]


def test_libreoffice_shows_every_mark_and_the_next_round_replaces_them(tmp_path: Path) -> None:
    once = annotated_as_checked(HAND_KEPT)
    resaved = by_libreoffice(once, "xlsx", tmp_path)
    twice = annotated_as_checked(resaved)
    before, after = opened(once), opened(twice)
    assert after.sheetnames == before.sheetnames
    for name in before.sheetnames[1:]:
        comments = [
            {cell.coordinate: cell.comment.text for row in book[name].iter_rows() for cell in row if cell.comment}
            for book in (before, opened(resaved), after)
        ]
        assert comments[0] == comments[1] == comments[2]
    sheet = next(part for name, part in parts(twice).items() if b"teledeclaration" in part and "sheet" in name)
    assert len(re.findall(rb"teledeclaration", sheet)) == 3


def test_mended_in_libreoffice_those_findings_are_gone_and_nothing_else(tmp_path: Path) -> None:
    _, said = checked(HAND_KEPT)
    workbook = opened(annotated_as_checked(HAND_KEPT))
    sheet = workbook["DAS 2025"]
    mended = {"I18": 88_746.82, "H46": "J"}
    for cell, value in mended.items():
        sheet[cell].value = value
    _, left = checked(by_libreoffice(saved(workbook), "xlsx", tmp_path))
    gone = [place for place in places(said) if place not in places(left)]
    assert {f"{column}{row}" for _, row, column, _ in gone} == set(mended)
    assert [place for place in places(left) if place not in places(said)] == []


async def test_300_000_lines_with_30_000_findings_come_back_in_bounded_memory(reader: ReaderServer) -> None:
    lines, found = 300_000, 30_000
    row = "".join(f'<c r="{letter}{{0}}"><v>45000.5</v></c>' for letter in "BCDEFGHIJKLMNOPQRST")
    name = 'r="A{0}" t="inlineStr"><is><t>796408550532</t></is></c>'
    rows = "".join(f'<row r="{{0}}"><c {name}{row}</row>'.format(number) for number in range(1, lines + 2)).encode()

    def long(members: dict[str, bytes]) -> None:
        part = members["xl/worksheets/sheet1.xml"]
        start, end = part.index(b"<sheetData>") + len(b"<sheetData>"), part.index(b"</sheetData>")
        members["xl/worksheets/sheet1.xml"] = part[:start] + rows + part[end:]

    content = changed(HAND_KEPT, long)
    findings = [
        Finding(code="x", severity=Severity.ERROR, message=f"Ligne {row}.", sheet="DAS 2025", row=row, column="D")
        for row in range(2, 10 * found, 10)
    ]
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    workbook = await annotated_workbook(
        content,
        filename="a.xlsx",
        pages=[findings_page(findings)],
        language="fr",
        limits=ReadingLimits(),
        reader=reader,
        table=("DAS 2025", 1),
    )
    sizes = [len(piece) for piece in workbook.pieces()]
    assert time.monotonic() - started < 90
    assert sum(sizes) == workbook.size_bytes
    assert max(sizes) <= 256 << 10
    assert reader.last_peak_bytes < 900 << 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - own < 100 << 10
