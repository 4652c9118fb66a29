"""Where findings stand in the workbook that is given back, and cells named as spreadsheets do."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schemas.findings import Finding, Severity
from teledeclaration.intake.raw import column_letter, column_number

SEVERITIES = (Severity.ERROR, Severity.CONFIRM, Severity.INFO)  # the worst first

Cell = tuple[int, int]  # row and column, both from 1


@dataclass(frozen=True)
class Placed:
    """A finding and its cell; `sheet` is the sheet's name in the workbook given back.

    `cell` is None where the finding is about no cell of it, `column` 0 where it is about a whole row.
    """

    finding: Finding
    sheet: str | None
    row: int | None
    column: int

    @property
    def cell(self) -> Cell | None:
        """Where it is shown; what is said of a whole row stands at its first cell."""
        return None if self.sheet is None or self.row is None else (self.row, self.column or 1)


def place(
    finding: Finding, *, sheets: Mapping[str, str] | None = None, letters: Mapping[str, str] | None = None
) -> Placed:
    """`sheets` and `letters` are new names of sheets and columns, where they were changed."""
    name = finding.sheet if sheets is None or finding.sheet is None else sheets.get(finding.sheet)
    letter = (letters or {}).get(finding.column or "", finding.column) or ""
    known = letter.isascii() and letter.isalpha() and letter.isupper() and len(letter) <= 3
    return Placed(finding, name, finding.row, column_number(letter) if known else 0)


def worst_of(findings: Iterable[Finding]) -> Severity:
    """The gravest severity among findings."""
    return SEVERITIES[min(SEVERITIES.index(finding.severity) for finding in findings)]


def cell_name(cell: Cell) -> str:
    """`(18, 9)` is I18."""
    return f"{column_letter(cell[1])}{cell[0]}"


def ranges(cells: Iterable[Cell]) -> list[str]:
    """The cells as few ranges: runs down a column as one."""
    rows_of: dict[int, list[int]] = defaultdict(list)
    for row, column in cells:
        rows_of[column].append(row)
    found = []
    for column, rows in rows_of.items():
        letter = column_letter(column)
        first = last = 0
        for row in sorted(set(rows)):
            if row != last + 1 or not last:
                if last:
                    found.append(_range(letter, first, last))
                first = row
            last = row
        found.append(_range(letter, first, last))
    return found


def _range(letter: str, first: int, last: int) -> str:
    return f"{letter}{first}" if first == last else f"{letter}{first}:{letter}{last}"
