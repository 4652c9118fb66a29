"""A workbook's package with findings written into it: sheets, comments, styles and a findings sheet in front."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from schemas.findings import Severity
from teledeclaration.intake.own_additions import RESULT_COLUMNS
from teledeclaration.intake.raw import column_number
from teledeclaration.intake.xlsx_patch.findings_sheet import findings_xml
from teledeclaration.intake.xlsx_patch.notes import has_our_notes, write_notes
from teledeclaration.intake.xlsx_patch.package import Package, in_pieces
from teledeclaration.intake.xlsx_patch.places import SEVERITIES, Cell, Placed, ranges, worst_of
from teledeclaration.intake.xlsx_patch.sheet import SheetPatch, TextCell, patched
from teledeclaration.intake.xlsx_patch.styles import Styles, add_styles
from teledeclaration.intake.xlsx_patch.workbook import Sheet, free_sheet_name, put_in_front, sheets_of
from teledeclaration.intake.xlsx_texts import LIKE_A_FORMULA
from teledeclaration.languages import Language, say

NOTES_MAX = 5_000
_NOTE_LETTERS_MAX = 1_500
_STATUS_WIDTH, _MESSAGES_WIDTH = 14, 60
_COLUMNS_MAX = 16_384
_BETWEEN = " · "


@dataclass(frozen=True)
class SheetFacts:
    """What the reader knows of a sheet. `width` is its last used column, from 1; `merged` are ranges as the first and
    last row and column; `results` are the columns of an earlier round, each with the row of its header."""

    width: int
    is_findings: bool
    results: Mapping[str, int]
    merged: Sequence[tuple[int, int, int, int]] = ()


@dataclass(frozen=True)
class Table:
    """Where the lines are: the sheet, and the row right above the first of them, where the result columns get their
    headers. None: they get none, as in what nobody sends back; 0: there is no room for any, and so no result."""

    sheet: str
    header_row: int | None


def patch(
    package: Package,
    found: Sequence[Placed],
    facts: Mapping[str, SheetFacts],
    table: Table | None,
    language: Language,
    output: BinaryIO,
) -> None:
    """Write the package with the findings in it to `output`; NotPatchableError where it is laid out oddly."""
    styles = add_styles(package, language)
    sheets = [sheet for sheet in sheets_of(package) if sheet.kind == "worksheet"]
    own = [sheet for sheet in sheets if sheet.name in facts and facts[sheet.name].is_findings]
    kept = [sheet for sheet in sheets if sheet not in own]
    of_sheet: dict[str, list[Placed]] = defaultdict(list)
    for placed in found:
        if placed.cell is not None and placed.sheet is not None:
            of_sheet[placed.sheet].append(placed)
    for sheet in kept:
        known = facts.get(sheet.name, SheetFacts(0, is_findings=False, results={}))
        change = _patch_of(package, sheet, of_sheet[sheet.name], known, table, styles, language)
        if change is not None or _is_selected(package, sheet):
            chunks = package.archive.chunks(sheet.part)
            package.change(sheet.part, in_pieces(patched(chunks, change or SheetPatch())))
    front = package.free_name("xl/worksheets/findings_td.xml")
    package.change(front, in_pieces(findings_xml(found, styles, language, package.namespace)))
    name = free_sheet_name((sheet.name for sheet in kept), say("annotated.sheet", language))
    put_in_front(package, front, name, instead_of=own)
    package.write(output)


def _is_selected(package: Package, sheet: Sheet) -> bool:
    return b"tabSelected" in package.archive.head(sheet.part, 65_536)


def _patch_of(
    package: Package,
    sheet: Sheet,
    found: list[Placed],
    facts: SheetFacts,
    table: Table | None,
    styles: Styles,
    language: Language,
) -> SheetPatch | None:
    """What changes in a sheet; None where nothing is said of it and nothing of ours is in it."""
    cleared = frozenset(column_number(letter) for letter in facts.results)
    if not found and not cleared and not has_our_notes(package, sheet.part):
        return None
    by_cell = _by_cell(found, facts)
    notes = {cell: _note(said) for cell, said in sorted(by_cell.items())[:NOTES_MAX]}
    change = SheetPatch(
        cleared=cleared,
        marks=_marks(by_cell, styles),
        notes_relation=write_notes(package, sheet.part, notes, language),
        relation_types=package.relation_types,
    )
    if found and table is not None and table.sheet == sheet.name and table.header_row != 0:
        _add_results(change, found, facts, table.header_row, styles, language)
    return change


def _by_cell(found: Sequence[Placed], facts: SheetFacts) -> dict[Cell, list[Placed]]:
    """Findings by the cell that shows: in a merged range that is its first."""
    shown_at = partial(_shown_at, merged=facts.merged)
    cells: dict[Cell, list[Placed]] = defaultdict(list)
    for placed in found:
        if placed.cell is not None:
            cells[shown_at(placed.cell) if facts.merged else placed.cell].append(placed)
    return cells


def _shown_at(cell: Cell, *, merged: Sequence[tuple[int, int, int, int]]) -> Cell:
    for top, left, bottom, right in merged:
        if top <= cell[0] <= bottom and left <= cell[1] <= right:
            return top, left
    return cell


def _note(said: Sequence[Placed]) -> str:
    return "\n".join(placed.finding.message for placed in said)[:_NOTE_LETTERS_MAX]


def _marks(by_cell: Mapping[Cell, Sequence[Placed]], styles: Styles) -> dict[int, list[str]]:
    cells: dict[Severity, list[Cell]] = defaultdict(list)
    for cell, said in by_cell.items():
        cells[worst_of(placed.finding for placed in said)].append(cell)
    return {styles.mark[severity]: ranges(cells[severity]) for severity in SEVERITIES if cells[severity]}


def _add_results(
    change: SheetPatch,
    found: Sequence[Placed],
    facts: SheetFacts,
    header_row: int | None,
    styles: Styles,
    language: Language,
) -> None:
    """Two columns behind the last used one, with headers to know them by: how a line stands, what is said of it."""
    status, messages = _result_columns(facts)
    if messages > _COLUMNS_MAX:
        return
    by_row: dict[int, list[Placed]] = defaultdict(list)
    for placed in found:
        if placed.row is not None:
            by_row[placed.row].append(placed)
    for row, said in by_row.items():
        worst = worst_of(placed.finding for placed in said)
        text = _BETWEEN.join(placed.finding.message for placed in said)
        change.cells[row] = {
            status: TextCell(styles.severity[worst], say(f"annotated.severity.{worst.value}", language)),
            messages: TextCell(styles.quoted if text.startswith(LIKE_A_FORMULA) else styles.message, text),
        }
    if header_row is not None:
        titles = (say(f"annotated.result.{name}", language) for name in RESULT_COLUMNS)
        change.cells[header_row] = {
            column: TextCell(styles.title, title) for column, title in zip((status, messages), titles, strict=True)
        }
    change.widths = {status: _STATUS_WIDTH, messages: _MESSAGES_WIDTH}


def _result_columns(facts: SheetFacts) -> tuple[int, int]:
    """Where those of an earlier round stand side by side, else behind everything."""
    earlier = sorted(column_number(letter) for letter in facts.results)
    if len(earlier) == len(RESULT_COLUMNS) and earlier[1] == earlier[0] + 1:
        return earlier[0], earlier[1]
    right = max((right for *_, right in facts.merged if right < _COLUMNS_MAX), default=0)
    behind = max(facts.width, right, *earlier, 0)
    return behind + 1, behind + 2
