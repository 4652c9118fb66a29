"""What a file holds before anyone asks what it means: sheets of text cells, each at its own row and letter."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import msgspec
import polars as pl

from teledeclaration.errors import Malformed

FileKind = Literal["workbook", "text-pair"]
FileFormat = Literal["xlsx", "xls", "xlsb", "ods", "csv", "text-pair"]

UNREADABLE_CODES = (
    "not-a-workbook",
    "web-page",
    "wrong-extension",
    "password-protected",
    "empty",
    "too-large",
    "too-many-lines",
    "too-many-cells",
    "too-many-sheets",
    "zip-bomb",
    "entity-bomb",
    "damaged",
    "took-too-long",
    "took-too-much-memory",
    "several-files",
    "text-pair-incomplete",
    "text-pair-mismatch",
    "old-workbook",
    "other-workbook",
    # where the cells were read, but are no form we know:
    "no-columns",
    "header-only",
    "template-not-filled",
    "template-of-another-employer",
    "other-form",
    "mapping-does-not-fit",
)


class Unreadable(Malformed):
    """The file as a whole cannot be read; `code` says why, its words stand under `unreadable.<code>`."""

    type: ClassVar[str] = "unreadable-file"

    def __init__(self, code: str, **values: Any) -> None:
        if code not in UNREADABLE_CODES:
            raise ValueError(f"not a reason for a file to be unreadable: {code!r}")
        super().__init__(code=code, **values)
        self.code = code

    @property
    def words(self) -> str:
        """The key to say it by: `say(error.words, language, **error.values)`."""
        return f"unreadable.{self.code}"


class ReadingLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one file may cost its reader; past any of them it is `Unreadable`.

    `memory_bytes` is what the child may add to what its parent already maps. Time is counted on the
    processor, over all threads of the child and scaled by the file's size between the two bounds, so that
    a busy machine refuses nothing that an idle one reads; the wall clock only ends what hangs.
    `look_first`: each sheet's reach is found before memory is taken for it, however large the file.
    `rows_beside` are titles, headers, totals and notes, which are no lines: who finds the lines counts them.
    """

    max_bytes: int = 300 * 2**20
    max_unpacked_bytes: int = 3 * 2**30
    max_lines_workbook: int = 300_000
    max_lines_other: int = 1_000_000
    rows_beside: int = 1_000
    max_cells: int = 30_000_000
    max_sheets: int = 100
    look_first: bool = False
    memory_bytes: int = 4 * 2**30
    output_bytes: int = 2 * 2**30
    cpu_seconds_min: int = 8
    cpu_seconds_max: int = 90
    wall_per_cpu: float = 5.0

    @property
    def max_rows_workbook(self) -> int:
        """Rows of a sheet: its lines, and what stands above and below them."""
        return self.max_lines_workbook + self.rows_beside

    @property
    def max_rows_other(self) -> int:
        """The same for a CSV file."""
        return self.max_lines_other + self.rows_beside

    def cpu_seconds(self, size_bytes: int) -> int:
        """The least, and half a second more for each MiB, up to the most."""
        return min(self.cpu_seconds_max, self.cpu_seconds_min + size_bytes // 2**21)


class TextHeader(msgspec.Struct, frozen=True, kw_only=True):
    """The E record of a text pair as it stands in the file, each slice trimmed; amounts are centimes as text."""

    employer_number: str
    type: str
    year: str
    payment_centre: str
    denomination: str
    trading_name: str
    address: str
    q1_total: str
    q2_total: str
    q3_total: str
    q4_total: str
    annual_total: str
    workers: str


NO_CELLS = pl.DataFrame()
"""Of a sheet that is not filled yet."""


@dataclass(frozen=True)
class RawSheet:
    """One sheet, nothing dropped: row i of `cells` is the spreadsheet's row i + 1.

    `cells` has one `pl.String` column a spreadsheet column, named by its letter ("A", "B" … "AA"); a
    blank cell is null. Dates are ISO text (`2025-01-31`, or `2025-01-31 08:30:00` where there is a
    time), times and durations hours and minutes (`08:30`, `173:20`), numbers the shortest decimal text
    without exponent ("45000", "45000.5"), booleans "TRUE" and "FALSE". An error cell is null and stands
    in `error_cells`; so does a formula saved without its value, in `uncomputed`. Rows and columns there
    are the spreadsheet's own (1-based, letters). `filtered_rows` are those a filter hides,
    `hidden_rows` the others that are hidden.

    `numeric` has the shape and names of `cells` and is True where the cell was stored as a number
    (a date is none, a formula's numeric value is one); None where the format knows only text. In a
    sheet of more than 200,000 cells where no cell would be understood otherwise as a number than as
    the same text (digits that may have lost zeros, `45.125`), it is True for all that read as numbers.

    In a text pair the columns are positions ("21-32"), `fields` names what stands there, amounts are
    centimes and dates ddmmyyyy; row i is line i + 1 of the detail file. `short_lines` gives the length
    of each line that has not 195 bytes, `non_ascii` the cells with bytes beyond ASCII.
    """

    name: str
    visible: bool
    cells: pl.DataFrame
    numeric: pl.DataFrame | None = None
    error_cells: dict[tuple[int, str], str] = field(default_factory=dict)
    uncomputed: frozenset[tuple[int, str]] = frozenset()
    hidden_rows: frozenset[int] = frozenset()
    filtered_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[str] = frozenset()
    merged: tuple[tuple[int, str, int, str], ...] = ()
    fields: dict[str, str] = field(default_factory=dict)
    non_ascii: frozenset[tuple[int, str]] = frozenset()
    short_lines: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class RawFile:
    """A file turned into text cells; `header` is the E record of a text pair, else None.

    `file_names` are the names inside where the file was an archive (a text pair's E then S file).
    """

    kind: FileKind
    format: FileFormat
    sheets: tuple[RawSheet, ...]
    header: TextHeader | None = None
    file_names: tuple[str, ...] = ()
    header_non_ascii: frozenset[str] = frozenset()


def column_letter(number: int) -> str:
    """The spreadsheet's letters for a column counted from 1: 1 is A, 27 is AA."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_number(letters: str) -> int:
    """`column_letter` the other way round: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number
