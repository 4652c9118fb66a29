"""How a workbook's columns are read as a form's fields: as its employer says, as remembered, as they look."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from schemas.annual import Unit
from schemas.findings import Finding

How = Literal["hand", "template", "remembered", "words"]
DateOrder = Literal["auto", "day", "month"]
MoneyUnit = Literal["dinars", "centimes"]
FormOfFile = Literal["annual", "periodic", "totals", "movements"]

IGNORED = "ignored"
"""Said of a column that is not to be read."""

FULL_NAMES = ("full_name", "full_name_first")
"""A column of both names: the last name first, or the first name first."""

Units = dict[Literal["q1", "q2", "q3", "q4", "all"], Unit]

Letter = Annotated[str, Meta(pattern="^[A-Z]{1,3}$", description="A spreadsheet's column: A, B … AA")]


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one sheet is read. Rows are the spreadsheet's own; `header_row` 0: no header, lines from the first row on.

    `columns` gives by letter the form's field, `full_name` (last name first), `full_name_first`, or `ignored`;
    letters left out are not read. `units` holds by quarter (`q1` … `q4`) or for `all` what durations count where
    the file does not say: `J` days, `H` hours, `M` months. `date_order` says what comes first in 03/04/2025, where
    `auto` lets the column's other dates say it; `amounts_in` what the amounts count.
    """

    sheet: Annotated[str, Meta(min_length=1, max_length=200)]
    header_row: Annotated[int, Meta(ge=0, le=1_000)]
    header_height: Annotated[int, Meta(ge=1, le=3)] = 1
    columns: Annotated[dict[Letter, str], Meta(max_length=500)]
    units: Units = {}
    date_order: DateOrder = "auto"
    amounts_in: MoneyUnit = "dinars"
    form: FormOfFile = "annual"


class SentMapping(Mapping, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping set by hand; `remember` keeps it for the employer's next file with the same headers."""

    remember: bool = True


class HandMapping(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping with who set it, and whether it is to be remembered once the file was read by it."""

    mapping: Mapping
    remember: bool
    made_by: str


class OutlineColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column with a header or a field: what it was taken for, how that was found, and how surely (0 to 100)."""

    letter: str
    header: str
    field: str | None = None
    how: How | None = None
    score: int = 0
    unit: Unit | None = None
    samples: list[str] = []


class OutlineSheet(msgspec.Struct, frozen=True, kw_only=True):
    """A sheet with its size and its first rows, texts cut short; a blank cell is empty text."""

    name: str
    visible: bool
    rows: int
    columns: int
    head: list[list[str]] = []


class FileOutline(msgspec.Struct, frozen=True, kw_only=True):
    """What a file looked like when it was read. Where no table was found, `how` and what depends on it is null.

    `units`, `date_order` and `amounts_in` are as a mapping said; `decimal_mark` and `month_first` as they were read.
    `layout_id` names the remembered layout.
    """

    sheets: list[OutlineSheet]
    form: FormOfFile | None = None
    how: How | None = None
    layout_id: UUID | None = None
    sheet: str | None = None
    header_row: int | None = None
    header_height: int | None = None
    columns: list[OutlineColumn] = []
    units: Units = {}
    date_order: DateOrder = "auto"
    amounts_in: MoneyUnit = "dinars"
    decimal_mark: Literal["comma", "dot", "none"] = "none"
    month_first: bool = False


class LearntWord(msgspec.Struct, frozen=True, kw_only=True):
    """A header that said nothing known, or something else, and the field it meant when corrected by hand."""

    word: str
    field: str
    times: int
    learnt_at: datetime


class RememberedLayout(msgspec.Struct, frozen=True, kw_only=True):
    """How a workbook with these headers was mapped by hand; `words` are its headers by letter, as compared."""

    layout_id: UUID
    form: FormOfFile
    words: list[tuple[str, str]]
    mapping: Mapping
    made_by: str
    made_at: datetime
    used_at: datetime | None = None


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """What a column may mean, as learnt from the employer's own corrections; never applied by itself."""

    field: str
    title: str
    times: int
    learnt_at: datetime


class MappedColumn(OutlineColumn, frozen=True, kw_only=True):
    """A column of the file with what else it may be."""

    proposed: list[Proposal] = []


class FormField(msgspec.Struct, frozen=True, kw_only=True):
    """What a column can be mapped to, with its name in the reader's language."""

    field: str
    title: str
    required: bool = False


class ShownMapping(msgspec.Struct, frozen=True, kw_only=True):
    """A file as a mapping screen needs it: its sheets, the mapping in force (null where none was found), its columns.

    `how` the mapping in force was found; `fields` are what a column can be; `status` is that of the newest reading.
    """

    upload_id: UUID
    reading_id: UUID
    status: str
    how: How | None
    mapping: Mapping | None
    sheets: list[OutlineSheet]
    columns: list[MappedColumn]
    fields: list[FormField]
    decimal_mark: Literal["comma", "dot", "none"]
    month_first: bool


class PreviewedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line as it would be read, by field; amounts are centimes, days ISO text."""

    line_number: int
    row: int | None
    values: dict[str, Any]


class MappingPreview(msgspec.Struct, frozen=True, kw_only=True):
    """The first lines as a mapping would read them, and what would be said of them; nothing is kept."""

    lines: list[PreviewedLine]
    findings: list[Finding]
