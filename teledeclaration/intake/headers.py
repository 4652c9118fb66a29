"""Where the table is: the sheet, the form, the header row under its titles, and which column is which field."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from teledeclaration.errors import Malformed
from teledeclaration.intake.forms import FORMS, QUARTERS, Form, FormName
from teledeclaration.intake.matching import Meaning, meaning
from teledeclaration.intake.normalising import normalised
from teledeclaration.intake.raw import RawFile, RawSheet, Unreadable, column_number

_ROWS_LOOKED_AT = 60
_COLUMNS_LOOKED_AT = 200
_HEADER_HEIGHT_MAX = 3
_FIELDS_MIN = 3
_WORDS_MIN = 2
_SAMPLES = 3
_MEASURES = ("duration", "unit", "amount")


class Unrecognised(Unreadable):
    """The cells were read, but they are no form we know: `no-columns` or `header-only`."""

    def __init__(self, code: str, **values: Any) -> None:
        Malformed.__init__(self, code=code, **values)
        self.code = code


@dataclass(frozen=True)
class ColumnMatch:
    """One spreadsheet column and the field it was taken for; `field` None where it is of no use to the form."""

    letter: str
    header: str
    field: str | None
    score: float
    samples: tuple[str, ...] = ()
    unit: str | None = None


@dataclass(frozen=True)
class Table:
    """The table of a file. `header_row` and `first_row` (the first below the header) are the spreadsheet's own.

    `columns` has every column with a header, left to right; `others` names further sheets that look like tables.
    """

    sheet: RawSheet
    form: Form
    header_row: int
    first_row: int
    columns: tuple[ColumnMatch, ...]
    score: float
    others: tuple[str, ...] = ()

    @property
    def letters(self) -> dict[str, str]:
        """The column letter of each field found."""
        return {column.field: column.letter for column in self.columns if column.field}

    @property
    def unit_said(self) -> dict[str, str]:
        """Units that a duration's header says itself, by duration field."""
        return {column.field: column.unit for column in self.columns if column.field and column.unit}


def find_table(raw: RawFile) -> Table:
    """The best table of a file; Unrecognised where no sheet has one, or only its header."""
    if raw.kind == "text-pair":
        return _text_table(raw.sheets[0])
    visible = [sheet for sheet in raw.sheets if sheet.visible] or list(raw.sheets)
    tables = [table for sheet in visible if (table := _table_of(sheet)) is not None]
    if not tables:
        raise Unrecognised("no-columns", wanted=_wanted())
    best = max(tables, key=lambda table: (_has_rows(table), table.score, table.sheet.cells.height))
    if not _has_rows(best):
        raise Unrecognised("header-only", sheet=best.sheet.name, row=best.header_row)
    others = tuple(table.sheet.name for table in tables if table is not best and _has_rows(table))
    return Table(best.sheet, best.form, best.header_row, best.first_row, best.columns, best.score, others)


def _wanted() -> str:
    return "NSS, Nom, Prénom"


def _text_table(sheet: RawSheet) -> Table:
    form = FORMS["annual"]
    columns = tuple(
        ColumnMatch(letter, letter, field if field in form.fields else None, 100.0)
        for letter, field in sheet.fields.items()
    )
    if not sheet.cells.height:
        raise Unrecognised("header-only", sheet=sheet.name, row=0)
    return Table(sheet, form, 0, 1, columns, float(len(columns)))


def _has_rows(table: Table) -> bool:
    below = table.sheet.cells.slice(table.first_row - 1).select(list(table.letters.values()))
    blank = table.sheet.uncomputed or table.sheet.error_cells
    return bool(blank) or any(series.drop_nulls().str.strip_chars().str.len_chars().sum() for series in below)


def _table_of(sheet: RawSheet) -> Table | None:
    grid = _Grid(sheet)
    best: Table | None = None
    for fuzzy in (False, True):
        for table in _candidates(grid, fuzzy=fuzzy):
            if best is None or table.score > best.score:
                best = table
        if best is not None and not fuzzy:
            return _refined(grid, best)
    return best


def _refined(grid: "_Grid", table: Table) -> Table:
    """The same header with close words allowed too, now that the place is known."""
    height = table.first_row - table.header_row
    return _candidate(grid, table.header_row - 1, height, table.form.name, fuzzy=True) or table


def _candidates(grid: "_Grid", *, fuzzy: bool) -> Iterator[Table]:
    for start in range(len(grid.rows)):
        for height in range(1, _HEADER_HEIGHT_MAX + 1):
            for name in FORMS:
                if table := _candidate(grid, start, height, name, fuzzy=fuzzy):
                    yield table


def _candidate(grid: "_Grid", start: int, height: int, name: FormName, *, fuzzy: bool) -> Table | None:
    last = start + height - 1
    if last >= len(grid.rows) or not (
        grid.is_header(start, name, fuzzy=fuzzy) and grid.is_header(last, name, fuzzy=fuzzy)
    ):
        return None
    found = [
        (place, header, said)
        for place, texts in enumerate(grid.headers(start, height))
        if texts
        for header, said in [_best_meaning(texts, name, fuzzy=fuzzy)]
    ]
    columns = _assigned(grid, start + height, found)
    fields = {column.field for column in columns if column.field}
    if not _is_form(fields, name):
        return None
    score = sum(column.score for column in columns if column.field) - height
    return Table(grid.sheet, FORMS[name], start + 1, start + height + 1, columns, score)


def _best_meaning(texts: list[str], form: FormName, *, fuzzy: bool) -> tuple[str, Meaning | None]:
    """The meaning of a header of one to three cells: each cell alone, the lowest first, then all together.

    A lone measure ("Durée" under "1er trimestre") is only a last resort.
    """
    joined = " ".join(texts)
    attempts = [*reversed(texts), joined] if len(texts) > 1 else texts
    meant = [said for text in attempts if (said := meaning(text, form, fuzzy=fuzzy)) is not None]
    if len(texts) > 1 and (whole := meaning(joined, form, fuzzy=False)) and whole.field.startswith("q"):
        own = meaning(texts[-1], form, fuzzy=False)
        if own is None or own.field in _MEASURES or own.field.startswith("q") or _is_sum(own):
            return joined, whole
    meant.sort(key=lambda said: (said.field not in (*_MEASURES, "ignored"), said.score), reverse=True)
    return joined, meant[0] if meant else None


def _is_sum(said: Meaning) -> bool:
    """A bare "Total" under a quarter is the quarter's amount."""
    return said.field == "annual_amount"


def _is_form(fields: set[str], name: FormName) -> bool:
    someone = {"nss", "last_name", "full_name", "full_name_first"} & fields
    if name == "annual":
        something = {"annual_amount", *(f"q{quarter}_amount" for quarter in QUARTERS)} & fields
    else:
        something = {"movement"} & fields if "date" in fields else set()
    return bool(someone and something) and len(fields) >= _FIELDS_MIN


def _assigned(grid: "_Grid", below: int, found: list[tuple[int, str, Meaning | None]]) -> tuple[ColumnMatch, ...]:
    """One column a field: the surest, then the one in Latin script, then the fuller words, then the leftmost."""
    said = _in_order([(place, header, what) for place, header, what in found if what])
    ranked = sorted(
        said, key=lambda each: (-each[2].score, grid.is_arabic(each[0], below), -len(normalised(each[1])), each[0])
    )
    taken: dict[str, int] = {}
    for place, _, what in ranked:
        if what.field not in ("ignored", *_MEASURES):
            taken.setdefault(what.field, place)
    if "last_name" in taken and "first_name" in taken:
        taken.pop("full_name", None)
        taken.pop("full_name_first", None)
    meanings = {place: what for place, _, what in said if taken.get(what.field) == place}
    return tuple(_column(grid, below, place, header, meanings.get(place)) for place, header, _ in found)


def _column(grid: "_Grid", below: int, place: int, header: str, what: Meaning | None) -> ColumnMatch:
    samples = grid.samples(place, below)
    if what is None:
        return ColumnMatch(grid.letters[place], header, None, 0.0, samples)
    return ColumnMatch(grid.letters[place], header, what.field, what.score, samples, what.unit)


def _in_order(said: list[tuple[int, str, Meaning]]) -> list[tuple[int, str, Meaning]]:
    """Four bare "Durée", "Unité" or "Montant" side by side are the four quarters."""
    for measure in _MEASURES:
        bare = [at for at, (_, _, what) in enumerate(said) if what.field == measure]
        known = any(what.field == f"q1_{measure}" for _, _, what in said)
        if len(bare) != len(QUARTERS) or known:
            continue
        for quarter, at in zip(QUARTERS, bare, strict=True):
            place, header, what = said[at]
            said[at] = (place, header, Meaning(f"q{quarter}_{measure}", what.score, what.unit))
    return said


class _Grid:
    """The first rows of a sheet as text, with merged cells spread over what they cover."""

    def __init__(self, sheet: RawSheet) -> None:
        self.sheet = sheet
        self.letters = sheet.cells.columns[:_COLUMNS_LOOKED_AT]
        head = sheet.cells.select(self.letters).head(_ROWS_LOOKED_AT)
        self.rows: list[list[str]] = [[(cell or "").strip() for cell in row] for row in head.iter_rows()]
        self.spread = self._spread()
        self._headers: dict[tuple[int, FormName, bool], bool] = {}

    def is_header(self, row: int, form: FormName, *, fuzzy: bool) -> bool:
        """Whether at least two of the row's cells are words of a header."""
        key = (row, form, fuzzy)
        if key not in self._headers:
            texts = [text for text in self.rows[row] if any(letter.isalpha() for letter in text)]
            self._headers[key] = sum(meaning(text, form, fuzzy=fuzzy) is not None for text in texts) >= _WORDS_MIN
        return self._headers[key]

    def headers(self, start: int, height: int) -> list[list[str]]:
        """The header texts of each column, top to bottom, each text once, numbers left out."""
        parents = [
            self.spread[row] if row < start + height - 1 else self.rows[row] for row in range(start, start + height)
        ]
        own = [self.rows[row] for row in range(start, start + height)]
        texts: list[list[str]] = []
        for place in range(len(self.letters)):
            if not any(row[place] for row in own):
                texts.append([])
                continue
            stacked = [row[place] for row in parents if any(letter.isalpha() for letter in row[place])]
            texts.append(list(dict.fromkeys(stacked)))
        return texts

    def samples(self, place: int, below: int) -> tuple[str, ...]:
        return tuple(row[place] for row in self.rows[below : below + 20] if row[place])[:_SAMPLES]

    def is_arabic(self, place: int, below: int) -> bool:
        return any(
            "؀" <= letter <= "ۿ" and letter.isalpha() for sample in self.samples(place, below) for letter in sample
        )

    def _spread(self) -> list[list[str]]:
        spread = [list(row) for row in self.rows]
        merged_rows = set()
        for top, left, bottom, right in self.sheet.merged:
            if top > len(spread):
                continue
            merged_rows.add(top)
            text = self._cell(top, left)
            for row in range(top, min(bottom, len(spread)) + 1):
                for place in range(column_number(left) - 1, min(column_number(right), len(self.letters))):
                    spread[row - 1][place] = text
        for number, texts in enumerate(spread, start=1):
            if number not in merged_rows:
                _fill_right(texts)
        return spread

    def _cell(self, row: int, letter: str) -> str:
        place = column_number(letter) - 1
        return self.rows[row - 1][place] if place < len(self.letters) else ""


def _fill_right(row: list[str]) -> None:
    last = ""
    for place, text in enumerate(row):
        last = text or last
        row[place] = last
