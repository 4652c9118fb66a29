"""Which rows under a header are lines, and which are totals, repeated headers, notes or blank."""

import re
from dataclasses import dataclass
from functools import cache

import polars as pl

from teledeclaration.intake.evaluating import kept, of, select
from teledeclaration.intake.forms import by_word, synonyms
from teledeclaration.intake.matching import meaning
from teledeclaration.intake.normalising import normalised, western_digits
from teledeclaration.intake.tables import Table

_NSS_DIGITS_MIN = 5
_CELLS_MIN = 3
_CELLS_MIN_OF_NOBODY = 2
_TYPICAL_SHARE = 0.4
_HEADER_WORDS_MIN = 3
_WHO = ("nss", "last_name", "first_name", "full_name", "full_name_first", "birth_date", "movement", "date", "code")


@dataclass(frozen=True)
class LineRows:
    """Spreadsheet rows, 1-based: those that are lines, and those passed over that someone may have meant as one."""

    lines: pl.Series
    doubtful: tuple[int, ...]


def line_rows(table: Table) -> LineRows:
    """The rows of the table that hold a line of the form."""
    if table.positions:
        return LineRows(pl.int_range(1, table.sheet.cells.height + 1, dtype=pl.Int32, eager=True), ())
    facts = _facts(table)
    typical = facts["filled"].filter(facts["numbered"]).median()
    fewest = _CELLS_MIN if table.form.of_people else _CELLS_MIN_OF_NOBODY - table.of_template
    least = max(fewest, _TYPICAL_SHARE * float(typical)) if isinstance(typical, (int, float)) else fewest
    plain = facts["numbered"] & (facts["filled"] >= least)
    odd = kept(facts, ~plain & (facts["filled_any"] > 0))
    lines = facts["row"].filter(plain)
    last = int(lines.max()) if lines.len() else 0  # type: ignore[arg-type]  # the maximum of a column of integers
    more, doubtful = _judged(table, odd, last=last, least=least)
    rows = pl.concat([lines, pl.Series("row", more, dtype=pl.Int32)]).sort() if more else lines
    return LineRows(rows, tuple(doubtful))


def _facts(table: Table) -> pl.DataFrame:
    """For each row below the header: how many cells are filled, and whether its number is like an NSS."""
    below = table.sheet.cells.slice(table.first_row - 1)
    filled = select(below, (pl.all().str.strip_chars().str.len_bytes() > 0).fill_null(value=False))
    letters = list(table.letters.values())
    counts = select(
        filled,
        filled=pl.sum_horizontal(letters).cast(pl.Int32),
        filled_any=pl.sum_horizontal(pl.all()).cast(pl.Int32),
    )
    rows = pl.int_range(table.first_row, table.first_row + below.height, dtype=pl.Int32, eager=True)
    facts = pl.DataFrame(
        [rows.alias("row"), counts["filled"], counts["filled_any"], _numbered(table, below).alias("numbered")]
    )
    blind = [(row, letter) for row, letter in (*table.sheet.error_cells, *table.sheet.uncomputed) if letter in letters]
    if not blind:
        return facts
    hidden = (
        pl.DataFrame(blind, schema={"row": pl.Int32, "letter": pl.String}, orient="row").group_by("row").len("more")
    )
    return facts.join(hidden, on="row", how="left").with_columns(
        (pl.col(name) + pl.col("more").fill_null(0)).cast(pl.Int32) for name in ("filled", "filled_any")
    )


def _numbered(table: Table, below: pl.DataFrame) -> pl.Series:
    letter = table.letters.get("nss")
    if letter is None:
        return pl.Series("numbered", [False], dtype=pl.Boolean).new_from_index(0, below.height)
    return of(western_digits(below[letter]), _LIKE_A_NUMBER)


_LIKE_A_NUMBER = (
    (pl.col("").str.count_matches(r"\d") >= _NSS_DIGITS_MIN) & ~pl.col("").str.contains(r"\p{L}{3}")
).fill_null(value=False)


def _judged(table: Table, odd: pl.DataFrame, *, last: int, least: float) -> tuple[list[int], list[int]]:
    """Rows without a number: the lines among them, and those in the middle that are passed over."""
    lines: list[int] = []
    doubtful: list[int] = []
    rows = odd["row"].to_list()
    texts = table.sheet.cells[[row - 1 for row in rows]] if rows else table.sheet.cells.clear()
    for row, filled, numbered, cells in zip(
        rows, odd["filled"].to_list(), odd["numbered"].to_list(), texts.iter_rows(named=True), strict=True
    ):
        if _is_passed_over(table, row, cells, after_last=row > last > 0):
            continue
        if filled >= least or (numbered and filled >= _CELLS_MIN - 1):
            lines.append(row)
        elif (row < last or not last) and filled:
            doubtful.append(row)
    return lines, doubtful


def _is_passed_over(table: Table, row: int, cells: dict[str, str | None], *, after_last: bool) -> bool:
    texts = [text.strip() for text in cells.values() if text and text.strip()]
    if row == table.first_row and _counts_columns(texts):
        return True
    if not _has(table, cells, "birth_date") and any(_is_total(text) for text in texts):
        return True
    words = [text for text in texts if any(letter.isalpha() for letter in text)]
    if len(words) > len(texts) / 2 and _is_header_again(table, cells, words):
        return True
    nobody = not any(_has(table, cells, field) for field in _WHO)
    worked = (field for duration, unit, _ in table.form.times for field in (duration, unit))
    return nobody and (after_last or not any(_has(table, cells, field) for field in worked))


def _is_header_again(table: Table, cells: dict[str, str | None], words: list[str]) -> bool:
    known = sum(meaning(text, table.form.name, fuzzy=False) is not None for text in words)
    return known >= _HEADER_WORDS_MIN or _repeats_header(table, cells)


def _repeats_header(table: Table, cells: dict[str, str | None]) -> bool:
    """The table's own header again, whatever its words, as on every page of a print."""
    said = [(cells[column.letter] or "").strip() for column in table.columns if column.header]
    headers = [column.header for column in table.columns if column.header]
    same = sum(bool(text) and header.endswith(text) for text, header in zip(said, headers, strict=True))
    return same >= _HEADER_WORDS_MIN and same == sum(map(bool, said))


def _has(table: Table, cells: dict[str, str | None], field: str) -> bool:
    letter = table.letters.get(field)
    return bool(letter and (cells[letter] or "").strip())


def _counts_columns(texts: list[str]) -> bool:
    """A row "1 2 3 …" or "(1) (2) (3) …" that numbers the columns."""
    numbers = [re.sub(r"[()\s]", "", text) for text in texts]
    return len(numbers) >= _CELLS_MIN and numbers == [
        str(place) for place in range(int_or(numbers[0]), int_or(numbers[0]) + len(numbers))
    ]


def int_or(text: str, otherwise: int = -1) -> int:
    """The whole number a text is, else `otherwise`."""
    return int(text) if text.isascii() and text.isdigit() else otherwise


@cache
def _total_words() -> tuple[str, ...]:
    return tuple(by_word(synonyms().totals))


def _is_total(text: str) -> bool:
    words = normalised(text)
    return any(words == total or words.startswith(f"{total} ") for total in _total_words())
