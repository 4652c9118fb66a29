"""What the fast reader does not tell about a sheet, gathered by a search of the file itself, whatever its format."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from teledeclaration.intake.raw import ReadingLimits, Unreadable, column_letter

ROWS_MAX, COLUMNS_MAX = 1_048_576, 16_384
_MERGED_MAX = 20_000

Place = tuple[int, str]


@dataclass
class SheetLook:
    """What was found in one sheet; `last_row` and `last_column` (from 1) say how far it reaches.

    `filters` are the rows (first, last) over which a filter is at work. `error_cells` and `texts` are cells that the
    reader misreads, as the user sees them: errors, and times.
    """

    last_row: int = 0
    last_column: int = 0
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[str] = field(default_factory=set)
    filters: list[tuple[int, int]] = field(default_factory=list)
    merged: list[tuple[int, str, int, str]] = field(default_factory=list)
    uncomputed: set[Place] = field(default_factory=set)
    error_cells: dict[Place, str] = field(default_factory=dict)
    texts: dict[Place, str] = field(default_factory=dict)

    @property
    def filtered_rows(self) -> frozenset[int]:
        """The hidden rows that a filter hides."""
        covered: set[int] = set()
        reached = 0
        for first, last in sorted(self.filters):
            covered.update(range(max(first, reached + 1), min(last, ROWS_MAX) + 1))
            reached = max(reached, last)
        return frozenset(self.hidden_rows & covered)

    def hide_columns(self, first: int, last: int) -> None:
        """Columns from `first` to `last`, from 1, are hidden."""
        self.hidden_columns.update(map(column_letter, range(max(first, 1), min(last, COLUMNS_MAX) + 1)))

    def merge(self, areas: Iterable[tuple[int, str, int, str]]) -> None:
        """Merged areas: top row, left letter, bottom row, right letter."""
        self.merged.extend(area for area, _ in zip(areas, range(_MERGED_MAX - len(self.merged)), strict=False))

    def reach(self, row: int, column: int) -> None:
        """A cell with a value stands here."""
        self.last_row = max(self.last_row, row)
        self.last_column = max(self.last_column, column)

    def hold_to(self, limits: ReadingLimits) -> None:
        """`too-many-cells` or `too-many-lines` where the sheet reaches past the limits."""
        too_wide = self.last_column > COLUMNS_MAX
        if too_wide or self.last_row * max(self.last_column, 1) > limits.max_cells:
            cell = f"{column_letter(self.last_column)}{self.last_row}"
            raise Unreadable("too-many-cells", cell=cell, limit=limits.max_cells)
        if self.last_row > limits.max_rows_workbook:
            raise Unreadable("too-many-lines", limit=limits.max_lines_workbook)
