"""The workbook given back with every finding at its cell. Runs in the sandbox's child.

An `.xlsx` of moderate length is the user's own workbook, styles and formulas kept; anything else is a copy
of its values (`xlsx_copy`). Either way a sheet of findings stands in front, each row linked to its cell.
Texts are written as text cells, and marked so where they begin like a formula: none is ever computed.
"""

import io
import mmap
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable
from typing import BinaryIO
from xml.etree.ElementTree import ParseError

import msgspec
import openpyxl
from defusedxml import DefusedXmlException
from openpyxl.cell import Cell, MergedCell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.workbook import Workbook
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from schemas.findings import Finding, Severity
from teledeclaration.intake.protocol import AnnotateArguments
from teledeclaration.intake.raw import RawFile, Unreadable
from teledeclaration.intake.reading import read_any, refusal_head
from teledeclaration.intake.transfer import BytesHead, write_head, write_part
from teledeclaration.intake.xlsx_copy import write_copy
from teledeclaration.languages import Language, catalogue, say

COLUMNS = ("sheet", "row", "column", "field", "severity", "message", "seen", "proposed")
FINDINGS_MAX = 50_000
COLOURS = {Severity.ERROR: "FFC7CE", Severity.CONFIRM: "FFEB9C", Severity.INFO: "DDEBF7"}

_WIDTHS = (18, 8, 10, 28, 14, 90, 24, 24)
_ORDER = (Severity.ERROR, Severity.CONFIRM, Severity.INFO)
_STYLED_CELLS_MAX = 600_000
_COMMENT_MAX = 1_500
_LIKE_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LETTERS = re.compile(r"[A-Z]{1,3}")
_OPENPYXL_ERRORS = (ValueError, KeyError, TypeError, AttributeError, IndexError, ParseError, zipfile.BadZipFile)


def annotate_job(content: bytes | mmap.mmap, arguments: bytes, output: BinaryIO) -> None:
    """The sandbox's `annotate`: the workbook's bytes, or a refusal, into `output`."""
    told = msgspec.msgpack.decode(arguments, type=AnnotateArguments)
    try:
        file = read_any(content, told.filename, told.limits)
        annotated = annotated_workbook(content, file, told)
    except Unreadable as refusal:
        write_head(refusal_head(refusal), output)
    else:
        write_head(BytesHead(content=write_part(output, lambda part: part.write(annotated))), output)


def annotated_workbook(content: bytes | mmap.mmap, file: RawFile, told: AnnotateArguments) -> bytes:
    """The user's own workbook where that is possible, else a copy of its values."""
    rows = sum(sheet.cells.height for sheet in file.sheets)
    cells = sum(sheet.cells.height * sheet.cells.width for sheet in file.sheets)
    if file.format == "xlsx" and rows <= told.styled_rows_max and cells <= _STYLED_CELLS_MAX:
        try:
            return _own_workbook(content, told)
        except DefusedXmlException as error:
            raise Unreadable("entity-bomb") from error
        except _OPENPYXL_ERRORS:
            pass  # a workbook the reader understood and openpyxl does not: its values are still given back
    return write_copy(file, told.findings, findings_table(told.findings, told.language), told.language)


def findings_table(findings: Iterable[Finding], language: Language) -> list[tuple[str, ...]]:
    """The findings sheet as texts: the titles, then a row a finding, in the order given."""
    rows = [tuple(say(f"annotated.column.{name}", language) for name in COLUMNS)]
    for count, finding in enumerate(findings):
        if count < FINDINGS_MAX:
            rows.append(_row(finding, language))
    left = count + 1 - FINDINGS_MAX if len(rows) > FINDINGS_MAX else 0
    if left > 0:
        rows.append(("", "", "", "", "", say("annotated.more", language, left=left), "", ""))
    return rows


def _row(finding: Finding, language: Language) -> tuple[str, ...]:
    field = f"field.{finding.field}"
    return (
        finding.sheet or "",
        "" if finding.row is None else str(finding.row),
        finding.column or "",
        say(field, language) if field in catalogue() else (finding.field or ""),
        say(f"annotated.severity.{finding.severity.value}", language),
        finding.message,
        finding.seen or "",
        finding.proposed or "",
    )


def _own_workbook(content: bytes | mmap.mmap, told: AnnotateArguments) -> bytes:
    workbook = openpyxl.load_workbook(io.BytesIO(content))
    sheets = {sheet.title: sheet for sheet in workbook.worksheets}
    for (name, row, column), findings in _by_cell(told.findings).items():
        if name in sheets:
            _mark(_marked_cell(sheets[name], row, column), findings)
    _add_findings_sheet(workbook, told)
    saved = io.BytesIO()
    workbook.save(saved)
    return saved.getvalue()


def _by_cell(findings: Iterable[Finding]) -> dict[tuple[str, int, str], list[Finding]]:
    """Findings by their place; what is said of a whole row stands at its first cell."""
    cells: dict[tuple[str, int, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.sheet is not None and finding.row is not None:
            column = finding.column if finding.column and _LETTERS.fullmatch(finding.column) else "A"
            cells[(finding.sheet, finding.row, column)].append(finding)
    return cells


def _marked_cell(sheet: Worksheet, row: int, column: str) -> Cell:
    """The cell itself, or the one that shows for it where it lies in a merged range."""
    cell = sheet[f"{column}{row}"]
    if isinstance(cell, MergedCell):
        for merged in sheet.merged_cells.ranges:
            if cell.coordinate in merged:
                cell = sheet.cell(merged.min_row, merged.min_col)
    return cell  # type: ignore[no-any-return]  # openpyxl's stubs call it Any


def _mark(cell: Cell, findings: list[Finding]) -> None:
    worst = min((finding.severity for finding in findings), key=_ORDER.index)
    cell.fill = PatternFill("solid", start_color=COLOURS[worst], end_color=COLOURS[worst])
    texts = [clean(finding.message) for finding in findings]
    if cell.comment is not None:
        texts.append(cell.comment.text)
    text = "\n".join(texts)[:_COMMENT_MAX]
    cell.comment = Comment(
        text, say("annotated.author", "fr"), width=320, height=40 + 18 * (len(text) // 45 + len(texts))
    )


def _add_findings_sheet(workbook: Workbook, told: AnnotateArguments) -> None:
    sheet = workbook.create_sheet(_free_name(workbook.sheetnames, say("annotated.sheet", told.language)), 0)
    sheet.sheet_view.rightToLeft = told.language == "ar"
    sheet.freeze_panes = "A2"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    for width, letter in zip(_WIDTHS, "ABCDEFGH", strict=True):
        sheet.column_dimensions[letter].width = width
    titles, *rows = findings_table(told.findings, told.language)
    for number, row in enumerate((titles, *rows), start=1):
        for place, text in enumerate(row, start=1):
            _write_text(sheet.cell(number, place), text)
    for place in range(1, len(COLUMNS) + 1):
        sheet.cell(1, place).font = Font(bold=True)
    for number, finding in enumerate(told.findings[:FINDINGS_MAX], start=2):
        colour = COLOURS[finding.severity]
        sheet.cell(number, 5).fill = PatternFill("solid", start_color=colour, end_color=colour)
        sheet.cell(number, 6).alignment = Alignment(wrap_text=True, vertical="top")
        if finding.sheet in workbook.sheetnames and (location := link_to(finding, finding.sheet)):
            sheet.cell(number, 2).hyperlink = Hyperlink(ref=f"B{number}", location=location)
            sheet.cell(number, 2).font = Font(underline="single", color="0563C1")
    _show_first(workbook)


def _show_first(workbook: Workbook) -> None:
    """The findings sheet is the one that opens, and the only one selected."""
    workbook.active = 0
    for place, sheet in enumerate(workbook.worksheets):
        sheet.sheet_view.tabSelected = place == 0


def _free_name(taken: Iterable[str], wanted: str) -> str:
    names = {name.casefold() for name in taken}
    candidates = [wanted, *(f"{wanted} {number}" for number in range(2, len(names) + 3))]
    return next(name for name in candidates if name.casefold() not in names)


def link_to(finding: Finding, sheet: str | None) -> str | None:
    """Where a finding's link leads inside the workbook, None for one about the whole file."""
    if sheet is None or finding.row is None:
        return None
    column = finding.column if finding.column and _LETTERS.fullmatch(finding.column) else "A"
    quoted = sheet.replace("'", "''")
    return f"'{quoted}'!{column}{finding.row}"


def clean(text: str) -> str:
    """Without what XML cannot hold."""
    return _NOT_IN_XML.sub("", text)


def _write_text(cell: Cell | MergedCell, text: str) -> None:
    if not text or isinstance(cell, MergedCell):
        return
    cell.value = clean(text)
    cell.data_type = "s"
    if text.startswith(_LIKE_A_FORMULA):
        cell.quotePrefix = True
