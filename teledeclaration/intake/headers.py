"""Where the table is: the sheet, the form, the header row under its titles, and which column is which field."""

from collections.abc import Iterator
from dataclasses import replace

from schemas.mapping import FULL_NAMES
from teledeclaration.intake.forms import FORMS, QUARTERS, FormName
from teledeclaration.intake.mapping import NOTHING_KNOWN, Known, mapped_table, remembered_table
from teledeclaration.intake.matching import Meaning, meaning
from teledeclaration.intake.normalising import normalised
from teledeclaration.intake.raw import RawFile, RawSheet
from teledeclaration.intake.tables import ColumnMatch, Grid, Table, Unrecognised, with_rows
from teledeclaration.intake.templates.stamp import TemplateColumns, template_columns

_HEADER_HEIGHT_MAX = 3
_FIELDS_MIN = 3
_FIELDS_MIN_OF_NOBODY = 2
_WORDS_MIN = 2
_SAMPLES = 3
_MEASURES = ("duration", "unit", "amount")


def find_table(raw: RawFile, known: Known = NOTHING_KNOWN) -> Table:
    """The table of a file: as mapped by hand, else a template's, else as remembered, else the best by its words.

    Unrecognised where no sheet has one, or only its header.
    """
    if raw.kind == "text-pair":
        return _text_table(raw.sheets[0])
    if known.mapping is not None:
        return mapped_table(raw, known.mapping)
    if (ours := template_columns(raw)) is not None:
        return _template_table(ours)
    return remembered_table(raw, known.layouts) or _table_by_words(raw, known.form)


def _table_by_words(raw: RawFile, wanted: FormName | None) -> Table:
    visible = [sheet for sheet in raw.sheets if sheet.visible] or list(raw.sheets)
    for forms in _forms_in_turn(wanted):
        tables = [table for sheet in visible if (table := _table_of(sheet, forms)) is not None]
        if tables:
            break
    else:
        raise Unrecognised("no-columns", wanted=_wanted())
    best = max(tables, key=lambda table: (table.has_rows, table.score, table.sheet.cells.height))
    others = tuple(table.sheet.name for table in tables if table is not best and table.has_rows)
    return with_rows(replace(best, others=others))


def _forms_in_turn(wanted: FormName | None) -> tuple[tuple[FormName, ...], ...]:
    """The forms whose words are looked for together, the wanted one first: of two that fit alike it is the one.

    A year's file has the words of a period's too; the other way round the rest is asked only where nothing is found.
    """
    if wanted == "annual":
        return ("annual", "movements"), ("periodic", "totals")
    return (tuple(sorted(FORMS, key=lambda name: name != wanted)),)


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
    return Table(sheet, form, 0, 1, columns, float(len(columns)), positions=True)


def _template_table(found: TemplateColumns) -> Table:
    below = found.sheet.cells.slice(found.header_row)
    columns = tuple(
        ColumnMatch(
            column.letter,
            column.header,
            column.field,
            100.0 if column.field else 0.0,
            tuple(below[column.letter].drop_nulls().head(_SAMPLES)),
            how="template" if column.field else None,
        )
        for column in found.columns
    )
    first = found.header_row + 1
    score = 100.0 * len(columns)
    return with_rows(Table(found.sheet, found.form, found.header_row, first, columns, score, how="template"))


def _table_of(sheet: RawSheet, forms: tuple[FormName, ...]) -> Table | None:
    grid = _Grid(sheet)
    best: Table | None = None
    for fuzzy in (False, True):
        for table in _candidates(grid, forms, fuzzy=fuzzy):
            if best is None or table.score > best.score:
                best = table
        if best is not None and not fuzzy:
            return _refined(grid, best)
    return best


def _refined(grid: "_Grid", table: Table) -> Table:
    """The same header with close words allowed too, now that the place is known."""
    height = table.first_row - table.header_row
    return _candidate(grid, table.header_row - 1, height, table.form.name, fuzzy=True) or table


def _candidates(grid: "_Grid", forms: tuple[FormName, ...], *, fuzzy: bool) -> Iterator[Table]:
    for start in range(len(grid.rows)):
        for height in range(1, _HEADER_HEIGHT_MAX + 1):
            for name in forms:
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
    columns = _assigned(grid, start + height, found, name)
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
    last_resorts = ("ignored",) if not FORMS[form].by_quarter else (*_MEASURES, "ignored")
    meant.sort(key=lambda said: (said.field not in last_resorts, said.score), reverse=True)
    return joined, meant[0] if meant else None


def _is_sum(said: Meaning) -> bool:
    """A bare "Total" under a quarter is the quarter's amount."""
    return said.field == "annual_amount"


def _is_form(fields: set[str], name: FormName) -> bool:
    form = FORMS[name]
    least = _FIELDS_MIN if form.of_people else _FIELDS_MIN_OF_NOBODY
    return len(fields) >= least and all(fields.intersection(group) for group in form.needs)


def _assigned(
    grid: "_Grid", below: int, found: list[tuple[int, str, Meaning | None]], name: FormName
) -> tuple[ColumnMatch, ...]:
    """One column a field: the surest, then the one in Latin script, then the fuller words, then the leftmost."""
    said = [(place, header, what) for place, header, what in found if what]
    said = _in_order(said) if FORMS[name].by_quarter else said
    own = {*FORMS[name].fields, *FULL_NAMES}
    ranked = sorted(
        said, key=lambda each: (-each[2].score, grid.is_arabic(each[0], below), -len(normalised(each[1])), each[0])
    )
    taken: dict[str, int] = {}
    for place, _, what in ranked:
        if what.field in own:
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
    return ColumnMatch(grid.letters[place], header, what.field, what.score, samples, what.unit, how="words")


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


class _Grid(Grid):
    """A grid that knows which of its rows have the words of a header."""

    def __init__(self, sheet: RawSheet) -> None:
        super().__init__(sheet)
        self._headers: dict[tuple[int, FormName, bool], bool] = {}

    def is_header(self, row: int, form: FormName, *, fuzzy: bool) -> bool:
        """Whether at least two of the row's cells are words of a header."""
        key = (row, form, fuzzy)
        if key not in self._headers:
            texts = [text for text in self.rows[row] if any(letter.isalpha() for letter in text)]
            self._headers[key] = sum(meaning(text, form, fuzzy=fuzzy) is not None for text in texts) >= _WORDS_MIN
        return self._headers[key]
