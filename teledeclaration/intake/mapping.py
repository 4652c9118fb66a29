"""Reading a sheet as someone said: a mapping by hand, and the same again for a file with the same headers.

Where both a mapping and the words of the headers could say what a column is, the order is: by hand, a template's
own marks, a remembered layout, words (docs/decisions/0011-hand-template-remembered-words.md).
"""

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as Lookup
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar
from uuid import UUID

import msgspec

from schemas.mapping import FULL_NAMES, IGNORED, How, LearntWord, Mapping, OutlineSheet, RememberedLayout
from teledeclaration.errors import Malformed, SaidAs
from teledeclaration.intake.forms import FORMS, Form, FormName
from teledeclaration.intake.matching import bare_words, meaning
from teledeclaration.intake.raw import RawFile, RawSheet, column_letter, column_number
from teledeclaration.intake.tables import ColumnMatch, Grid, Table, Unrecognised, with_rows

_WORDS_MIN = 3
_WORD_LENGTH_MAX = 200
_SAMPLES = 3
_SAMPLES_FROM = 20
_ROWS_PREVIEWED = 2_000


class SheetUnknown(Malformed):
    """The file has no sheet of that name."""

    type = "mapping-sheet-unknown"


class FieldUnknown(Malformed):
    """The form has no such field."""

    type = "mapping-field-unknown"


class FieldTwice(Malformed):
    """Two columns were said to hold the same field."""

    type = "mapping-field-twice"
    said_as: ClassVar[SaidAs] = {"field": ("field.{id}",)}


class ColumnOutside(Malformed):
    """The letter is of no column of the sheet."""

    type = "mapping-column-outside"


class HeaderBeyond(Malformed):
    """The header row is below the sheet's last row."""

    type = "mapping-header-beyond"


class FieldsMissing(Malformed):
    """A field the form cannot do without has no column."""

    type = "mapping-fields-missing"
    said_as: ClassVar[SaidAs] = {"fields": ("field.{id}",)}


@dataclass(frozen=True)
class Known:
    """What is known of how an employer's files are read: the form asked for, by hand for this one, remembered, and
    words learnt."""

    form: FormName | None = None
    mapping: Mapping | None = None
    layouts: tuple[RememberedLayout, ...] = ()
    words: tuple[LearntWord, ...] = ()


NOTHING_KNOWN = Known()


def mappable_fields(form: Form) -> tuple[str, ...]:
    """What a column can be: the form's fields, and one column for both names."""
    return (*form.fields, *FULL_NAMES)


def check_mapping(mapping: Mapping, sheets: Iterable[OutlineSheet]) -> None:
    """Raise what is wrong with a mapping, at its `pointer`: the errors of this module."""
    form = FORMS[mapping.form]
    sheet = next((sheet for sheet in sheets if sheet.name == mapping.sheet), None)
    if sheet is None:
        raise SheetUnknown(pointer="/sheet", sheet=mapping.sheet)
    if mapping.header_row and mapping.header_row + mapping.header_height - 1 > sheet.rows:
        raise HeaderBeyond(pointer="/header_row", row=mapping.header_row, rows=sheet.rows)
    _check_columns(mapping, form, sheet.columns)
    if missing := missing_fields(mapping, form):
        raise FieldsMissing(pointer="/columns", fields=", ".join(missing))


def _check_columns(mapping: Mapping, form: Form, width: int) -> None:
    taken: dict[str, str] = {}
    for letter, field in mapping.columns.items():
        pointer = f"/columns/{letter}"
        if column_number(letter) > width:
            raise ColumnOutside(pointer=pointer, column=letter, last=column_letter(width))
        if field == IGNORED:
            continue
        if field not in mappable_fields(form):
            raise FieldUnknown(pointer=pointer, field=field)
        if field in taken:
            raise FieldTwice(pointer=pointer, field=field, column=letter, other=taken[field])
        taken[field] = letter


def missing_fields(mapping: Mapping, form: Form) -> list[str]:
    """The fields without which nothing can be declared and that no column was said to hold."""
    found = set(mapping.columns.values())
    if found & set(FULL_NAMES):
        found |= {"last_name", "first_name"}
    missing = [column.name for column in form.columns if column.required and column.name not in found]
    groups = [group for group in form.needs if not found.intersection(group)]
    return list(dict.fromkeys([*missing, *(group[0] for group in groups)]))


def mapped_table(raw: RawFile, mapping: Mapping) -> Table:
    """The table a mapping by hand names; Unrecognised where it does not fit the file, or no line stands there."""
    try:
        check_mapping(mapping, map(sheet_size, raw.sheets))
    except Malformed as error:
        raise Unrecognised("mapping-does-not-fit", sheet=mapping.sheet) from error
    sheet = next(sheet for sheet in raw.sheets if sheet.name == mapping.sheet)
    grid = Grid(sheet, rows=mapping.header_row + mapping.header_height + _SAMPLES_FROM)
    return with_rows(_table(grid, mapping, "hand"))


def sheet_size(sheet: RawSheet) -> OutlineSheet:
    """A sheet's name and size, nothing of its cells."""
    return OutlineSheet(name=sheet.name, visible=sheet.visible, rows=sheet.cells.height, columns=sheet.cells.width)


def beginning(raw: RawFile, mapping: Mapping) -> RawFile:
    """The mapped sheet alone with its first rows below the header, which bounds what looking at them costs."""
    rows = mapping.header_row + mapping.header_height + _ROWS_PREVIEWED
    sheets = [
        replace(
            sheet, cells=sheet.cells.head(rows), numeric=None if sheet.numeric is None else sheet.numeric.head(rows)
        )
        for sheet in raw.sheets
        if sheet.name == mapping.sheet
    ]
    return replace(raw, sheets=tuple(sheets))


def _table(grid: Grid, mapping: Mapping, how: How, layout_id: UUID | None = None) -> Table:
    below = mapping.header_row + mapping.header_height if mapping.header_row else 1
    headers = _headers(grid, mapping)
    letters = sorted({*headers, *mapping.columns}, key=column_number)
    columns = tuple(_column(grid, letter, headers.get(letter, ""), mapping, how, below) for letter in letters)
    return Table(
        grid.sheet,
        FORMS[mapping.form],
        mapping.header_row,
        below,
        columns,
        100.0 * len(columns),
        how=how,
        layout_id=layout_id,
        units=mapping.units,
        date_order=mapping.date_order,
        amounts_in=mapping.amounts_in,
    )


def _headers(grid: Grid, mapping: Mapping) -> dict[str, str]:
    """The header's words by letter; none where the table has no header."""
    if not mapping.header_row:
        return {}
    texts = grid.headers(mapping.header_row - 1, mapping.header_height)
    return {letter: " ".join(words) for letter, words in zip(grid.letters, texts, strict=True) if words}


def _column(grid: Grid, letter: str, header: str, mapping: Mapping, how: How, below: int) -> ColumnMatch:
    field = mapping.columns.get(letter)
    lasting = field in FORMS[mapping.form].fields and FORMS[mapping.form].kind(field or "") == "duration"
    said = meaning(header, mapping.form) if lasting else None
    return ColumnMatch(
        letter,
        header,
        None if field == IGNORED else field,
        100.0 if field else 0.0,
        _samples(grid.sheet, letter, below),
        unit=said.unit if said else None,
        how=how if field else None,
    )


def _samples(sheet: RawSheet, letter: str, below: int) -> tuple[str, ...]:
    return tuple(sheet.cells[letter].slice(below - 1, _SAMPLES_FROM).drop_nulls().head(_SAMPLES))


# ── remembered ──────────────────────────────────────────────────────────────────────────────────


def layout_words(headers: Lookup[str, str]) -> list[tuple[str, str]]:
    """Headers by letter as they are compared: without case, accents, fillers and years; empty ones left out."""
    said = ((letter, bare_words(text)[:_WORD_LENGTH_MAX]) for letter, text in headers.items())
    return [(letter, word) for letter, word in said if word]


def table_words(table: Table) -> list[tuple[str, str]]:
    """The words of a table's header, to know the next one by; none where there are too few to be sure."""
    words = layout_words({column.letter: column.header for column in table.columns})
    return words if len(words) >= _WORDS_MIN else []


def remembered_table(raw: RawFile, layouts: Sequence[RememberedLayout]) -> Table | None:
    """The table whose header has the words of a remembered layout, in order; the layouts' order decides."""
    if not layouts:
        return None
    seen = _Headers(raw)
    for layout in layouts:
        tables = [_again(grid, start, letters, layout) for grid, start, letters in seen.alike(layout)]
        if tables:
            return with_rows(max(tables, key=partial(_preference, layout.mapping.sheet)))
    return None


def _preference(named: str, table: Table) -> tuple[bool, bool, int]:
    """Of several sheets alike, the one with lines, of the same name, the longest."""
    return table.has_rows, table.sheet.name == named, table.sheet.cells.height


class _Headers:
    """The words of every row of a file's visible sheets that may be a header, looked up by them."""

    def __init__(self, raw: RawFile) -> None:
        self.grids = [Grid(sheet) for sheet in raw.sheets if sheet.visible and sheet.cells.width]
        self._found: dict[int, dict[tuple[str, ...], list[tuple[Grid, int, list[str]]]]] = {}

    def alike(self, layout: RememberedLayout) -> list[tuple[Grid, int, list[str]]]:
        """Where rows have the layout's words: the grid, the first row (from 0), the letters of the words."""
        height = layout.mapping.header_height
        if height not in self._found:
            self._found[height] = self._of_height(height)
        return self._found[height].get(tuple(word for _, word in layout.words), [])

    def _of_height(self, height: int) -> dict[tuple[str, ...], list[tuple[Grid, int, list[str]]]]:
        found: dict[tuple[str, ...], list[tuple[Grid, int, list[str]]]] = {}
        for grid in self.grids:
            for start in range(len(grid.rows) - height + 1):
                texts = grid.headers(start, height)
                if sum(map(bool, texts)) < _WORDS_MIN:
                    continue
                headers = {letter: " ".join(cells) for letter, cells in zip(grid.letters, texts, strict=True)}
                words = layout_words(headers)
                key = tuple(word for _, word in words)
                if all(place.sheet is not grid.sheet for place, _, _ in found.get(key, [])):
                    found.setdefault(key, []).append((grid, start, [letter for letter, _ in words]))
        return found


def _again(grid: Grid, start: int, letters: list[str], layout: RememberedLayout) -> Table:
    moved = _moved_columns(layout, letters, grid.sheet.cells.width)
    mapping = msgspec.structs.replace(layout.mapping, header_row=start + 1, columns=moved, sheet=grid.sheet.name)
    return _table(grid, mapping, "remembered", layout.layout_id)


def _moved_columns(layout: RememberedLayout, letters: list[str], width: int) -> dict[str, str]:
    """The mapping's columns where their headers stand now; one without a header keeps its place beside the last."""
    now = {was: letter for (was, _), letter in zip(layout.words, letters, strict=True)}
    moved: dict[str, str] = {}
    for letter, field in layout.mapping.columns.items():
        place = column_number(letter)
        known = max((was for was in now if column_number(was) <= place), key=column_number, default=None)
        there = place if known is None else place - column_number(known) + column_number(now[known])
        if there <= width:
            moved[column_letter(there)] = field
    return moved


def words_hash(words: Sequence[tuple[str, str]]) -> str:
    """What a layout is known by: its words in order, wherever they stand."""
    return hashlib.sha256(msgspec.json.encode([word for _, word in words])).hexdigest()


# ── learnt ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Learnings:
    """What a table that was read teaches for the next one: its header's words, fields they did not say by themselves,
    and the remembered layout that was used."""

    words: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    fields: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    layout_id: UUID | None = None


NOTHING_LEARNT = Learnings()


def learnings_of(table: Table) -> Learnings:
    """Words and fields of a table mapped by hand; of others only which layout was used."""
    if table.how != "hand":
        return Learnings(layout_id=table.layout_id)
    return Learnings(words=table_words(table), fields=learnt_from(table))


def learnt_from(table: Table) -> list[tuple[str, str]]:
    """Of a table mapped by hand, the headers that did not say their field: (word, field).

    A header that stands over several columns says nothing by itself.
    """
    words = dict(table_words(table))
    said = list(words.values())
    return [
        (words[column.letter], column.field)
        for column in table.columns
        if column.field and column.how == "hand" and column.letter in words and said.count(words[column.letter]) == 1
        if _says(column.header, table.form) != column.field
    ]


def _says(header: str, form: Form) -> str | None:
    said = meaning(header, form.name)
    return said.field if said else None


def proposed(header: str, field: str | None, words: Sequence[LearntWord]) -> Iterator[LearntWord]:
    """What a column of this header, taken for `field` by its words or for nothing, may mean as learnt; surest first."""
    word = bare_words(header)[:_WORD_LENGTH_MAX]
    if not word:
        return
    alike = [learnt for learnt in words if learnt.word == word and learnt.field != field]
    yield from sorted(alike, key=lambda learnt: (-learnt.times, learnt.field))
