"""From the cells of a table to typed lines."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import polars as pl

from schemas.annual import Unit
from schemas.findings import Severity
from teledeclaration.intake.amounts import habit_of
from teledeclaration.intake.casting import (
    CastContext,
    Written,
    cast_choices,
    cast_cleaned,
    cleaned,
    padded_nss,
    unit_meanings,
)
from teledeclaration.intake.casts import Cast, problem_frame
from teledeclaration.intake.dates import DateKind, is_month_first
from teledeclaration.intake.evaluating import of, select, with_columns
from teledeclaration.intake.forms import Form
from teledeclaration.intake.lines import (
    ERROR_TEXT,
    UNCOMPUTED,
    cast_findings,
    line_schema,
    unread_cells,
    with_cell_errors,
)
from teledeclaration.intake.names import split_full_name
from teledeclaration.intake.normalising import western_digits
from teledeclaration.intake.problems import of_the_file, together
from teledeclaration.intake.raw import RawFile
from teledeclaration.intake.tables import Table

_MANY_ROWS = 20_000
_AT_ONCE = 2
_FULL_NAMES = ("full_name", "full_name_first")


@dataclass(frozen=True)
class ReadLines:
    """Typed lines, what casting told, each field's texts as they stood, and how the file writes amounts and dates."""

    lines: pl.DataFrame
    findings: pl.DataFrame
    texts: Mapping[str, pl.Series]
    written: Written


def typed_lines(
    raw: RawFile, table: Table, rows: pl.Series, context: CastContext, *, most: int | None = None
) -> ReadLines:
    """The lines of `rows` (spreadsheet rows) with every field of the form, absent columns null.

    With `most` only the first ones, read as they would be among all.
    """
    cells = _Cells(raw, table, rows)
    context = replace(context, written=_written(cells), all_text=raw.format == "csv")
    if most is not None:
        rows = rows.head(most)
        cells = _Cells(raw, table, rows)
    casts = _casts(cells, context)
    _split_names(cells, casts)
    if "nss" in casts and "birth_date" in casts:
        casts["nss"] = _with_padded(casts["nss"], cells, casts["birth_date"].values, both=context.all_text)
    told = _with_units(cells, casts, table)
    base = pl.DataFrame(
        {
            "line_number": pl.int_range(1, rows.len() + 1, dtype=pl.Int32, eager=True),
            "row": rows,
            "number_requested": pl.Series([False]).new_from_index(0, rows.len()),
        }
    )
    findings = together([cast_findings(name, cast, base, cells.shown(name)) for name, cast in casts.items()])
    kept = unread_cells(findings, base.height)
    lines = _lines(table.form, base, casts, kept)
    return ReadLines(lines, together([told, findings]), cells.texts, context.written)


def _casts(cells: "_Cells", context: CastContext) -> dict[str, Cast]:
    """Every column cast. In a short sheet those of one kind as one, since calls cost more there than the work;
    in a long one two at a time, since polars works outside Python's lock."""
    names = [name for name in cells.texts if name not in _FULL_NAMES]
    if cells.rows.len() >= _MANY_ROWS:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            done = list(pool.map(lambda name: cells.clean_and_cast(name, context), names))
    else:
        cells.clean(names)
        alike: dict[tuple[str, DateKind | None], list[str]] = {}
        for name in names:
            kind = cells.table.form.kind(name)
            alike.setdefault((kind, DateKind.of(name) if kind == "date" else None), []).append(name)
        done = [cells.cast(group, context) for group in alike.values()]
    found = {name: cast for casts in done for name, cast in casts.items()}
    return {name: found[name] for name in names}


def _written(cells: "_Cells") -> Written:
    """As a mapping says, else as the columns show."""
    order = cells.table.date_order
    return Written(
        habit=habit_of(cells.amounts()),
        month_first=is_month_first(cells.dates()) if order == "auto" else order == "month",
        centimes=cells.table.amounts_in == "centimes",
    )


def no_values(name: str, kind: type[pl.DataType], height: int) -> pl.Series:
    """A column of nulls."""
    return pl.Series(name, [None], dtype=kind).new_from_index(0, height)


def rows_of(cells: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    """The spreadsheet's rows of these numbers, which rise."""
    if not rows.len():
        return cells.clear()
    first, last = rows[0], rows[-1]
    return cells.slice(first - 1, rows.len()) if last - first + 1 == rows.len() else cells[rows - 1]


def _lines(form: Form, base: pl.DataFrame, casts: Mapping[str, Cast], raw: pl.Series) -> pl.DataFrame:
    """Every column of the form; a blank amount is nothing, an absent annual column is the sum of its quarters."""
    schema = line_schema(form)
    columns = [
        casts[name].values.cast(kind).alias(name) if name in casts else no_values(name, kind, base.height)
        for name, kind in schema.items()
        if name not in (*base.columns, "raw")
    ]
    lines = base.hstack([*columns, raw])
    if not form.by_quarter:
        return lines
    amounts = [amount for _, _, amount in form.times]
    if any(lines[name].null_count() for name in amounts):
        lines = with_columns(
            lines,
            (
                pl.when(~pl.col("raw").str.contains(f'"{name}"', literal=True).fill_null(value=False))
                .then(pl.col(name).fill_null(0))
                .otherwise(pl.col(name))
                .alias(name)
                for name in amounts
            ),
        )
    if "annual_amount" not in casts:
        return with_columns(lines, annual_amount=pl.sum_horizontal(amounts, ignore_nulls=False))
    if not lines["annual_amount"].null_count():
        return lines
    nothing = pl.all_horizontal(pl.col(name) == 0 for name in amounts)
    filled = pl.when(nothing).then(pl.col("annual_amount").fill_null(0)).otherwise("annual_amount")
    return with_columns(lines, annual_amount=filled)


_MAYBE_ERROR = pl.col("").str.starts_with("#").fill_null(value=False)
_AS_ERROR = pl.col("").str.contains(ERROR_TEXT).fill_null(value=False)


class _Cells:
    """The texts of the lines by field, and which of them were numbers, errors or formulas without a value."""

    def __init__(self, raw: RawFile, table: Table, rows: pl.Series) -> None:
        self.table = table
        self.rows = rows
        self.text_pair = raw.kind == "text-pair"
        cells = rows_of(table.sheet.cells, rows)
        numeric = None if table.sheet.numeric is None else rows_of(table.sheet.numeric, rows)
        self.texts = {name: cells[letter] for name, letter in table.letters.items()}
        self.numeric = {name: None if numeric is None else numeric[letter] for name, letter in table.letters.items()}
        self.ready: dict[str, pl.Series] = {}
        self.error_texts: dict[str, pl.Series] = {}
        self.errors, self.uncomputed = self._special()

    def _special(self) -> tuple[dict[str, dict[int, str]], dict[str, list[int]]]:
        """By field, the places (in lines) of error cells and of formulas without a value."""
        sheet = self.table.sheet
        errors: dict[str, dict[int, str]] = {}
        uncomputed: dict[str, list[int]] = {}
        if not sheet.error_cells and not sheet.uncomputed:
            return errors, uncomputed
        place_of = {row: place for place, row in enumerate(self.rows.to_list())}
        field_of = {letter: name for name, letter in self.table.letters.items()}
        for (row, letter), text in sheet.error_cells.items():
            if row in place_of and letter in field_of:
                errors.setdefault(field_of[letter], {})[place_of[row]] = text
        for row, letter in sheet.uncomputed:
            if row in place_of and letter in field_of:
                uncomputed.setdefault(field_of[letter], []).append(place_of[row])
        return errors, uncomputed

    def amounts(self) -> list[tuple[pl.Series, pl.Series | None]]:
        """The amount columns, to see by what mark they write decimals; a text pair has none."""
        if self.text_pair:
            return []
        return [(self.texts[name], self.numeric[name]) for name in self.table.form.amounts if name in self.texts]

    def dates(self) -> list[pl.Series]:
        """The date columns, to see in which order they write a day."""
        form = self.table.form
        return [
            self.texts[column.name] for column in form.columns if column.kind == "date" and column.name in self.texts
        ]

    def clean(self, names: Sequence[str]) -> None:
        """Make the columns' texts ready to be cast, as one long column; errors that stand as text are taken out."""
        if not names:
            return
        texts = pl.concat([self.texts[name] for name in names])
        as_text = of(texts, _MAYBE_ERROR)
        if as_text.any():
            as_text = of(texts, _AS_ERROR)
        ready = cleaned(texts.set(as_text, None) if as_text.any() else texts)
        height = self.rows.len()
        for place, name in enumerate(names):
            self.ready[name] = ready.slice(place * height, height)
            if (errors := as_text.slice(place * height, height)).any():
                self.error_texts[name] = errors

    def clean_and_cast(self, name: str, context: CastContext) -> dict[str, Cast]:
        """One long column by itself."""
        self.clean([name])
        return self.cast([name], context)

    def cast(self, names: Sequence[str], context: CastContext) -> dict[str, Cast]:
        """Clean columns of one kind, cast as one long column."""
        kind, height = self.table.form.kind(names[0]), self.rows.len()
        texts = pl.concat([self.ready.pop(name) for name in names])
        known = [numeric for name in names if (numeric := self.numeric[name]) is not None]
        if self.text_pair and kind == "amount":
            texts = _centimes_as_dinars(texts)
        cast = cast_cleaned(names[0], kind, texts, pl.concat(known) if known else None, context)
        return {
            name: self._with_errors(name, cast.part(place * height, height), self.error_texts.get(name))
            for place, name in enumerate(names)
        }

    def _with_errors(self, name: str, cast: Cast, as_text: pl.Series | None) -> Cast:
        shown = {*self.errors.get(name, {}), *([] if as_text is None else as_text.arg_true())}
        uncomputed = sorted(self.uncomputed.get(name, []))
        if not shown and not uncomputed:
            return cast
        return with_cell_errors(cast, pl.Series(sorted(shown), dtype=pl.UInt32), pl.Series(uncomputed, dtype=pl.UInt32))

    def shown(self, name: str) -> pl.Series:
        """The texts with error cells as the spreadsheet shows them, and "=" for a formula without its value."""
        texts = self.texts[name]
        special = {**self.errors.get(name, {}), **dict.fromkeys(self.uncomputed.get(name, []), UNCOMPUTED)}
        return texts.scatter(list(special), list(special.values())) if special else texts

    @property
    def full_name(self) -> pl.Series:
        return next(self.texts[name] for name in _FULL_NAMES if name in self.texts)


def _centimes_as_dinars(texts: pl.Series) -> pl.Series:
    """Whole centimes as the dinars every other file writes; anything else stays, and is told."""
    padded = texts.str.zfill(3)
    whole = texts.str.contains(r"^-?\d+$").fill_null(value=False)
    return pl.select(
        pl.when(whole)
        .then(padded.str.slice(0, padded.str.len_chars() - 2) + "." + padded.str.slice(-2))
        .otherwise(texts)
    ).to_series()


def _split_names(cells: _Cells, casts: dict[str, Cast]) -> None:
    if "last_name" in casts or not any(name in cells.texts for name in _FULL_NAMES):
        return
    last, first = split_full_name(cells.full_name, first_name_first="full_name_first" in cells.texts)
    casts["last_name"] = Cast(last)
    casts.setdefault("first_name", Cast(first))
    cells.texts["last_name"] = cells.texts["first_name"] = cells.full_name


def _with_padded(cast: Cast, cells: _Cells, births: pl.Series, *, both: bool) -> Cast:
    """Numbers that lost their leading zeros, read with them; the rest stays too short."""
    short = cast.problems.filter(pl.col("code") == "nss_length")
    stored = cells.numeric["nss"]
    if not short.height or (stored is None and not both):
        return cast
    places = short["place"]
    if stored is not None and not both:
        places = places.filter(stored.gather(places).fill_null(value=False))
    digits = western_digits(cells.texts["nss"].gather(places)).str.replace(r"\.0+$", "").str.replace_all(r"\D", "")
    frame = pl.DataFrame({"place": places, "digits": digits, "birth_date": births.gather(places)})
    padded = padded_nss(frame, both=both).filter(pl.col("padded").is_not_null())
    left = cast.problems.filter(~((pl.col("code") == "nss_length") & pl.col("place").is_in(padded["place"].implode())))
    told = problem_frame(padded["place"], "nss_padded", Severity.INFO, proposed=padded["padded"])
    return Cast(cast.values.scatter(padded["place"], padded["padded"]), left, told)


def _with_units(cells: _Cells, casts: dict[str, Cast], table: Table) -> pl.DataFrame:
    """Units where no column says them: from the header, from the duration's own text, or the likely one, told."""
    told = []
    units = {duration: unit for duration, unit, _ in table.form.times if duration in casts}
    written = _units_written({name: cells.texts[name] for name in units})
    for duration, unit in units.items():
        beside, values, said = written.get(duration), casts[duration].values, table.unit_said.get(duration)
        if unit in casts:
            by_hand = _where(values, said) if table.units else None
            casts[unit] = Cast(_filled(casts[unit], cells.texts[unit], beside, by_hand), casts[unit].problems)
            continue
        if said is None and beside is None and (values > 0).any():
            said = _likely_unit(values)
            told.append(of_the_file("unit_assumed", Severity.CONFIRM, field=unit, seen=said))
        usual = _where(values, said or "J")
        casts[unit] = Cast(
            usual if beside is None else beside.zip_with(beside.is_not_null(), usual).set(values.is_null(), None)
        )
        cells.texts[unit] = cells.texts[duration]
    return together(told)


def _units_written(durations: Mapping[str, pl.Series]) -> dict[str, pl.Series]:
    """The unit that each duration's own text says, for the columns where any does."""
    if not durations:
        return {}
    texts = pl.concat(list(durations.values()))
    if not of(texts, _NOT_DIGITS_ONLY).any():
        return {}
    words = of(texts, _UNIT_WORD)
    if words.null_count() == words.len():
        return {}
    units = cast_choices(words, unit_meanings(), "unit_unknown").values
    height = words.len() // len(durations)
    parts = {name: units.slice(place * height, height) for place, name in enumerate(durations)}
    return {name: part for name, part in parts.items() if part.null_count() < height}


_NOT_DIGITS_ONLY = pl.col("").str.strip_chars("0123456789") != ""
_UNIT_WORD = pl.col("").str.extract(r"(\p{L}+)\.?\s*$")


def _where(values: pl.Series, unit: Unit | None) -> pl.Series:
    """The unit beside each value there is."""
    return pl.Series([unit], dtype=pl.String).new_from_index(0, values.len()).set(values.is_null(), None)


def _filled(units: Cast, texts: pl.Series, *likely: pl.Series | None) -> pl.Series:
    """The units with the first likely one where nothing at all was written."""
    if not units.values.null_count():
        return units.values
    blank = units.values.is_null() & texts.is_null()
    if not blank.any():
        return units.values
    known = [column for column in likely if column is not None]
    candidates = pl.DataFrame({"": units.values, "blank": blank}).hstack(
        [column.alias(str(place)) for place, column in enumerate(known)]
    )
    filled = pl.coalesce("", *(str(place) for place in range(len(known))))
    return select(candidates, pl.when("blank").then(filled).otherwise("")).to_series()


def _likely_unit(durations: pl.Series) -> Unit:
    longest = durations.max()
    longest = longest if isinstance(longest, int) else 0
    if longest <= 3:
        return "M"
    return "J" if longest <= 92 else "H"
