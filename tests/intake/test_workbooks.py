"""Workbooks as text cells: every cell at its own row and letter."""

import datetime
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from intake import hostile_files as making
from teledeclaration.intake.raw import RawFile, RawSheet, ReadingLimits, column_letter, column_number
from teledeclaration.intake.reader import ReaderServer, read_raw
from teledeclaration.intake.reading import read_any

SAMPLES = Path(__file__).parents[1] / "files" / "workbooks"
LIMITS = ReadingLimits()


MORNING = datetime.datetime.fromisoformat("2025-01-31 08:30")


def saved(workbook: openpyxl.Workbook) -> bytes:
    packed = io.BytesIO()
    workbook.save(packed)
    return packed.getvalue()


def read(content: bytes, filename: str = "a.xlsx") -> RawFile:
    return read_any(content, filename, LIMITS)


def cell(sheet: RawSheet, name: str) -> str | None:
    letters = name.rstrip("0123456789")
    value: str | None = sheet.cells[letters][int(name[len(letters) :]) - 1]
    return value


def is_number(sheet: RawSheet, name: str) -> bool:
    letters = name.rstrip("0123456789")
    assert sheet.numeric is not None
    return bool(sheet.numeric[letters][int(name[len(letters) :]) - 1])


def as_text(value: Any) -> str | None:
    """What a cell that openpyxl read is agreed to look like."""
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ").removesuffix(" 00:00:00")
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return None if value is None or value == "#DIV/0!" else str(value)


@pytest.mark.parametrize("name", ["annual-2025-kept-by-hand", "annual-2025-kept-by-hand-clean", "annual-2025-exported"])
async def test_every_cell_stands_at_its_row_and_letter(name: str, reader: ReaderServer) -> None:
    path = SAMPLES / f"{name}.xlsx"
    file = await read_raw(path, filename=path.name, limits=LIMITS, reader=reader)
    kept = openpyxl.load_workbook(path, data_only=True)
    assert [sheet.name for sheet in file.sheets] == kept.sheetnames
    for sheet in file.sheets:
        assert sheet.numeric is not None
        assert sheet.numeric.shape == sheet.cells.shape
        for row in kept[sheet.name].iter_rows():
            for one in row:
                here = (
                    cell(sheet, one.coordinate) if one.column is not None and one.column <= sheet.cells.width else None
                )
                assert here == as_text(one.value), one.coordinate
                number = isinstance(one.value, int | float) and not isinstance(one.value, bool)
                if one.value is not None:
                    assert is_number(sheet, one.coordinate) == number, one.coordinate


async def test_what_a_hand_kept_workbook_hides(reader: ReaderServer) -> None:
    path = SAMPLES / "annual-2025-kept-by-hand.xlsx"
    file = await read_raw(path, filename=path.name, limits=LIMITS, reader=reader)
    first, second = file.sheets
    assert (file.kind, file.format, first.visible, second.visible) == ("workbook", "xlsx", True, True)
    assert first.error_cells == {(14, "S"): "#DIV/0!"}
    assert first.hidden_columns == {"V"}
    assert (5, "G", 5, "I") in first.merged
    assert not first.uncomputed


@pytest.mark.parametrize("name", ["movements-2025.xls", "annual-2025-exported-clean.ods"])
async def test_the_other_formats_read_the_same_way(name: str, reader: ReaderServer) -> None:
    path = SAMPLES / name
    answers = json.loads(path.with_suffix("").with_suffix(".answers.json").read_text())
    file = await read_raw(path, filename=name, limits=LIMITS, reader=reader)
    assert file.format == path.suffix[1:]
    sheet = file.sheets[0]
    assert sheet.cells.height == 1 + answers.get("movements", answers.get("employees"))
    dates = sheet.cells["D"][1:].drop_nulls()
    assert dates.str.contains(r"^\d{4}-\d{2}-\d{2}$").all()


async def test_a_name_that_lies_does_not_matter(reader: ReaderServer) -> None:
    content = (SAMPLES / "movements-2025.xls").read_bytes()
    assert (await read_raw(content, filename="movements.xlsx", limits=LIMITS, reader=reader)).format == "xls"


async def test_a_zip_with_one_workbook_is_opened(reader: ReaderServer) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("__MACOSX/._a.xls", b"clutter")
        archive.write(SAMPLES / "movements-2025.xls", "dossier/a.xls")
    file = await read_raw(packed.getvalue(), filename="a.zip", limits=LIMITS, reader=reader)
    assert file.sheets[0].cells.height == 25


def test_blank_rows_and_columns_before_the_table_are_kept() -> None:
    workbook = openpyxl.Workbook()
    workbook.active["C5"] = "x"  # type: ignore[index]  # the stubs allow a workbook without sheets
    workbook.active["F9"] = "#N/A"  # type: ignore[index]
    sheet = read(saved(workbook)).sheets[0]
    assert sheet.cells.columns == ["A", "B", "C", "D", "E", "F"]
    assert cell(sheet, "C5") == "x"
    assert sheet.error_cells == {(9, "F"): "#N/A"}


@pytest.mark.parametrize(
    ("value", "text", "number"),
    [
        (45000, "45000", True),
        (45000.0, "45000", True),
        (45000.5, "45000.5", True),
        (0.1 + 0.2, "0.3", True),
        (1e-7, "0.0000001", True),
        (1e15, "1000000000000000", True),
        (15246486737, "15246486737", True),
        ("15246486737", "15246486737", False),
        ("45.125", "45.125", False),
        (45.125, "45.125", True),
        (0, "0", True),
        (-0.0, "0", True),
        (True, "TRUE", False),
        (False, "FALSE", False),
        ("true", "true", False),
        ("  45 000,00 ", "  45 000,00 ", False),
        (datetime.date(2025, 1, 31), "2025-01-31", False),
        (MORNING, "2025-01-31 08:30:00", False),
        ("2025-01-31", "2025-01-31", False),
    ],
)
def test_how_a_value_reads(value: Any, text: str, number: bool) -> None:
    workbook = openpyxl.Workbook()
    workbook.active["A1"] = value  # type: ignore[index]  # the stubs allow a workbook without sheets
    sheet = read(saved(workbook)).sheets[0]
    assert cell(sheet, "A1") == text
    assert is_number(sheet, "A1") == number


def test_dates_counted_from_1904() -> None:
    workbook = openpyxl.Workbook()
    workbook.epoch = CALENDAR_MAC_1904
    workbook.active["A1"] = datetime.date(2025, 3, 4)  # type: ignore[index]  # as above
    assert cell(read(saved(workbook)).sheets[0], "A1") == "2025-03-04"


def test_a_long_sheet_tells_lost_zeros_from_text() -> None:
    """Past some hundred thousand cells, numbers are told from texts only where it matters: it must, here."""
    rows = "".join(
        f'<row r="{r}"><c r="A{r}"><v>1524648673{r % 10}</v></c>'
        f'<c r="B{r}" t="inlineStr"><is><t>1524648673{r % 10}</t></is></c>'
        f'<c r="C{r}"><v>84000.5</v></c></row>'
        for r in range(1, 80_001)
    )
    sheet = read(making.workbook(making.sheet_xml(rows))).sheets[0]
    assert sheet.numeric is not None
    assert sheet.numeric.select(pl.all().sum()).row(0) == (80_000, 0, 80_000)


FORMULAS = {
    "A1": '<c r="A1"><f>1+1</f></c>',
    "B1": '<c r="B1"><f>1+1</f><v>2</v></c>',
    "C1": '<c r="C1" t="str"><f>IF(1,"")</f><v></v></c>',
    "D1": '<c r="D1"><f>A1</f><v></v></c>',
    "E1": '<c r="E1" s="0"><f t="shared" ref="E1:E9" si="0">A1&lt;2</f></c>',
    "F1": '<c r="F1"><f t="shared" si="0"/></c>',
    "G1": '<c r="G1" t="n"><f t="shared" si="0"/><v>7</v></c>',
    "H1": '<c s="0" r="H1"><f>1</f><v/></c>',
}


@pytest.mark.parametrize("prefix", ["", "x:"])
def test_formulas_saved_without_their_value(prefix: str) -> None:
    xml = making.sheet_xml(f'<row r="1">{"".join(FORMULAS.values())}</row>')
    if prefix:
        head, body = xml.split("?>", 1)
        body = (
            body.replace("</", "\0")
            .replace("<", f"<{prefix}")
            .replace("\0", f"</{prefix}")
            .replace("xmlns=", "xmlns:x=")
        )
        xml = f"{head}?>{body}"
    sheet = read(making.workbook(xml)).sheets[0]
    assert sheet.uncomputed == {(1, letter) for letter in "ADEFH"}
    assert cell(sheet, "B1") == "2"


def test_hidden_rows_columns_and_sheets() -> None:
    workbook = openpyxl.Workbook()
    first = workbook.worksheets[0]
    for row in range(1, 6):
        first.append([row, "a", "b", "c"])
    first.row_dimensions[3].hidden = True
    first.column_dimensions.group("B", "C", hidden=True)
    hidden = workbook.create_sheet("caché")
    hidden["A1"] = "x"
    hidden.sheet_state = "veryHidden"
    file = read(saved(workbook))
    assert file.sheets[0].hidden_rows == {3}
    assert file.sheets[0].hidden_columns == {"B", "C"}
    assert [sheet.visible for sheet in file.sheets] == [True, False]


@given(st.integers(min_value=1, max_value=16_384))
def test_column_letters_go_both_ways(number: int) -> None:
    assert column_number(column_letter(number)) == number


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.lists(
            st.one_of(
                st.none(),
                st.integers(-(10**14), 10**14),
                st.text(
                    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co")), min_size=1, max_size=12
                ),
                st.dates(datetime.date(1900, 3, 1), datetime.date(2100, 1, 1)),
            ),
            min_size=1,
            max_size=6,
        ),
        min_size=1,
        max_size=8,
    )
)
def test_any_grid_reads_back(grid: list[list[Any]]) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.worksheets[0]
    sheet["A1"] = "begin"
    for row, values in enumerate(grid, start=2):
        for column, value in enumerate(values, start=1):
            one = sheet.cell(row, column, value)
            if isinstance(value, str):
                one.data_type = "s"
    cells = read(saved(workbook)).sheets[0].cells
    for row, values in enumerate(grid, start=1):
        for column, value in enumerate(values):
            here = cells[row, column] if row < cells.height and column < cells.width else None
            expected = None if value is None else value.isoformat() if isinstance(value, datetime.date) else str(value)
            assert here == expected
