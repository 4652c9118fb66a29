"""From the text cells of a register's file to typed rows: what cannot be read is refused with a finding.

A blank cell leaves the register's field as it is; a lone dash empties it (an empty text, or `-infinity` for
a date, which the queries turn into nothing). All values leave as text, the way COPY reads them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import polars as pl

from teledeclaration.registry.columns import Column, Kind, RegisterForm, plain_words

EMPTIED_DATE = "-infinity"
SEEN_LENGTH_MAX = 80
TEXT_LENGTH_MAX = 500
EARLIEST = date(1850, 1, 1)
LATEST = date(2200, 12, 31)
_FINDINGS_SCHEMA = {"row": pl.Int64, "field": pl.String, "code": pl.String, "seen": pl.String}
_DIGITS = {shape: str(value) for row in ("٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹") for value, shape in enumerate(row)}
_TRUE = ("oui", "yes", "true", "vrai", "1", "o", "y", "نعم")
_FALSE = ("non", "no", "false", "faux", "0", "n", "لا")


class Known(NamedTuple):
    """What the checks compare with: the wilayas there are, the rate categories in force, and the day."""

    wilayas: frozenset[int]
    categories: frozenset[str]
    today: date


Reader = Callable[[pl.Expr, Column, Known], pl.Expr]


@dataclass(frozen=True)
class Checked:
    """`rows`: `row` and the staged columns as text; `findings`: row, field, code, seen; all their rows are refused."""

    rows: pl.DataFrame
    findings: pl.DataFrame


def cleaned(cell: pl.Expr) -> pl.Expr:
    """The text of a cell without blanks around it; null where nothing is left."""
    text = cell.str.replace_all("[\u00a0\u202f\ufeff]", " ").str.strip_chars()
    return pl.when(text != "").then(text)


def read_cell(column: Column, known: Known) -> pl.Expr:
    """What a cleaned cell of this column says, as text for COPY; null where it cannot be read."""
    cell = pl.col(column.name)
    value = _READERS[column.kind](cell, column, known)
    if column.required or column.kind in ("boolean", "choice", "category", "wilaya", "agency", "centres"):
        return value
    emptied = EMPTIED_DATE if column.kind in ("date", "past_date") else ""
    return pl.when(cell == "-").then(pl.lit(emptied)).otherwise(value)


def check_rows(form: RegisterForm, cells: pl.DataFrame, known: Known, repeated: pl.DataFrame) -> Checked:
    """Check text cells (`row`, any fields of the form, `_beyond` for cells past the header).

    `repeated` names, by the hash of its key, the first row of each key that the file has twice.
    """
    given = [column for column in form.columns if column.name in cells.columns]
    texts = cells.with_columns(cleaned(pl.col(column.name)) for column in given)
    texts = texts.filter(pl.any_horizontal(pl.col(column.name).is_not_null() for column in given))
    read = texts.select("row", *(read_cell(column, known).alias(column.name) for column in given))
    findings = [
        *(_unreadable(column, texts, read) for column in given),
        *(_same_as(link, form, texts) for link in form.links if link in cells.columns),
        _beyond(texts),
    ]
    found = pl.concat([*findings, _repeated(form, texts, read, repeated)]).sort("row", maintain_order=True)
    good = read.join(found, on="row", how="anti").with_columns(
        pl.lit(None, pl.String).alias(field) for field in form.fields if field not in read.columns
    )
    return Checked(good.select("row", *form.fields), found)


def key_hash(form: RegisterForm, known: Known) -> pl.Expr:
    """One number for the key of a row of cleaned cells; null where a part of the key cannot be read."""
    parts = [read_cell(column, known) for column in form.columns if column.key]
    return pl.concat_str(parts, separator="\x1f", ignore_nulls=False).str.to_uppercase().hash()


def _findings(rows: pl.DataFrame, field: str | None, code: str, seen: pl.Expr) -> pl.DataFrame:
    return rows.select(
        pl.col("row").cast(pl.Int64),
        pl.lit(field, pl.String).alias("field"),
        pl.lit(code, pl.String).alias("code"),
        seen.cast(pl.String).str.slice(0, SEEN_LENGTH_MAX).alias("seen"),
    )


def _unreadable(column: Column, texts: pl.DataFrame, read: pl.DataFrame) -> pl.DataFrame:
    wrong = texts.filter(pl.col(column.name).is_not_null() & read[column.name].is_null())
    found = [_findings(wrong, column.name, _CODES[column.kind], pl.col(column.name))]
    if column.required:
        missing = texts.filter(pl.col(column.name).is_null())
        found.append(_findings(missing, column.name, "required", pl.lit(None)))
    return pl.concat(found)


def _same_as(link: str, form: RegisterForm, texts: pl.DataFrame) -> pl.DataFrame:
    itself = texts.filter(pl.col(link) == pl.col(form.key[0]))
    return _findings(itself, link, "links_to_itself", pl.col(link))


def _beyond(texts: pl.DataFrame) -> pl.DataFrame:
    if "_beyond" not in texts.columns:
        return pl.DataFrame(schema=_FINDINGS_SCHEMA)
    return _findings(texts.filter(cleaned(pl.col("_beyond")).is_not_null()), None, "too_many_cells", pl.lit(None))


def _repeated(form: RegisterForm, texts: pl.DataFrame, read: pl.DataFrame, repeated: pl.DataFrame) -> pl.DataFrame:
    if repeated.is_empty():
        return pl.DataFrame(schema=_FINDINGS_SCHEMA)
    keys = read.select("row", key=_hash_of_read(form))
    again = keys.join(repeated, on="key").filter(pl.col("row") != pl.col("first_row"))
    found = texts.join(again.select("row", "first_row"), on="row")
    return _findings(found, form.key[-1], "repeated", pl.col("first_row"))


def _hash_of_read(form: RegisterForm) -> pl.Expr:
    return pl.concat_str(list(form.key), separator="\x1f", ignore_nulls=False).str.to_uppercase().hash()


# ── what each kind of cell reads as ─────────────────────────────────────────────────────────────


def _matching(cell: pl.Expr, pattern: str) -> pl.Expr:
    return pl.when(cell.str.contains(pattern)).then(cell)


def _western(cell: pl.Expr) -> pl.Expr:
    return cell.str.replace_many(_DIGITS)


def _digits(count: str) -> Reader:
    def read(cell: pl.Expr, column: Column, known: Known) -> pl.Expr:  # noqa: ARG001 — a reader's shape
        return _matching(_western(cell).str.replace_all(r"[ .\-]", ""), rf"^\d{{{count}}}$")

    return read


def _text(cell: pl.Expr, column: Column, known: Known) -> pl.Expr:  # noqa: ARG001 — a reader's shape
    whole = ~cell.str.contains("\ufffd|[\\x00-\\x08\\x0e-\\x1f]") & (cell.str.len_chars() <= TEXT_LENGTH_MAX)
    return pl.when(whole).then(cell.str.replace_all(r"\s+", " "))


def _name(cell: pl.Expr, column: Column, known: Known) -> pl.Expr:
    return _text(cell, column, known).str.to_uppercase()


def _date_value(cell: pl.Expr) -> pl.Expr:
    text = _western(cell).str.replace(r"[ T]00:00(:00(\.0+)?)?$", "").str.replace_all(r"[/.]", "-")
    iso = _matching(text, r"^\d{4}-\d{1,2}-\d{1,2}$").str.to_date("%Y-%m-%d", strict=False)
    local = _matching(text, r"^\d{1,2}-\d{1,2}-\d{4}$").str.to_date("%d-%m-%Y", strict=False)
    value = pl.coalesce(iso, local)
    return pl.when(value.is_between(EARLIEST, LATEST)).then(value)


def _date(cell: pl.Expr, column: Column, known: Known) -> pl.Expr:  # noqa: ARG001 — a reader's shape
    return _date_value(cell).dt.to_string("%Y-%m-%d")


def _past_date(cell: pl.Expr, column: Column, known: Known) -> pl.Expr:  # noqa: ARG001 — a reader's shape
    value = _date_value(cell)
    return pl.when(value <= known.today).then(value.dt.to_string("%Y-%m-%d"))


def _wilaya(cell: pl.Expr, column: Column, known: Known) -> pl.Expr:  # noqa: ARG001 — a reader's shape
    number = _matching(_western(cell), r"^\d{1,3}$").cast(pl.Int16, strict=False)
    return pl.when(number.is_in(sorted(known.wilayas))).then(number.cast(pl.String))


def _agency(cell: pl.Expr, column: Column, known: Known) -> pl.Expr:  # noqa: ARG001 — a reader's shape
    return _matching(_western(cell).str.to_uppercase(), r"^[0-9A-Z]{1,10}$")


def _centres(cell: pl.Expr, column: Column, known: Known) -> pl.Expr:  # noqa: ARG001 — a reader's shape
    listed = _western(cell).str.to_uppercase().str.replace_all(r"[\s,;/|]+", " ").str.strip_chars()
    return _matching(listed, r"^\d{5}(@[0-9A-Z]{1,10})?( \d{5}(@[0-9A-Z]{1,10})?)*$")


def _choice(cell: pl.Expr, column: Column, known: Known) -> pl.Expr:  # noqa: ARG001 — a reader's shape
    return _meaning(cell, {word: value for value, words in column.choices.items() for word in words})


def _boolean(cell: pl.Expr, column: Column, known: Known) -> pl.Expr:  # noqa: ARG001 — a reader's shape
    return _meaning(cell, {**dict.fromkeys(_TRUE, "true"), **dict.fromkeys(_FALSE, "false")})


def _meaning(cell: pl.Expr, meanings: dict[str, str]) -> pl.Expr:
    by_word = {plain_words(word): value for word, value in meanings.items()}
    by_word |= {word.lower(): value for word, value in meanings.items()}
    return cell.str.to_lowercase().replace_strict(by_word, default=None, return_dtype=pl.String)


def _category(cell: pl.Expr, column: Column, known: Known) -> pl.Expr:  # noqa: ARG001 — a reader's shape
    return pl.when(cell.is_in(sorted(known.categories))).then(cell)


def _amount(cell: pl.Expr, column: Column, known: Known) -> pl.Expr:  # noqa: ARG001 — a reader's shape
    text = _western(cell).str.replace_all(" ", "").str.replace(",", ".", literal=True)
    parts = _matching(text, r"^-?\d{1,13}(\.\d{1,2})?$").str.extract_groups(r"^(-?)(\d+)(?:\.(\d+))?$").struct
    fraction = parts.field("3").fill_null("").str.pad_end(2, "0")
    centimes = (parts.field("2") + fraction).cast(pl.Int64, strict=False)
    return pl.when(centimes != 0).then(parts.field("1") + centimes.cast(pl.String))


def _period(cell: pl.Expr, column: Column, known: Known) -> pl.Expr:  # noqa: ARG001 — a reader's shape
    text = _western(cell).str.to_uppercase().str.replace("-T", "-Q", literal=True)
    return _matching(text, r"^(19|20)\d{2}(-(0[1-9]|1[0-2]|Q[1-4]))?$")


_READERS: dict[Kind, Reader] = {
    "nss": _digits("12"),
    "employer_number": _digits("10"),
    "name": _name,
    "text": _text,
    "date": _date,
    "past_date": _past_date,
    "wilaya": _wilaya,
    "agency": _agency,
    "centre": _digits("5"),
    "centres": _centres,
    "boolean": _boolean,
    "choice": _choice,
    "category": _category,
    "amount": _amount,
    "period": _period,
    "bank_account": _digits("20"),
    "tax_number": _digits("15,20"),
}
_CODES: dict[Kind, str] = {
    "nss": "nss_shape",
    "employer_number": "employer_number_shape",
    "name": "text_unreadable",
    "text": "text_unreadable",
    "date": "date_unreadable",
    "past_date": "date_not_past",
    "wilaya": "wilaya_unknown",
    "agency": "agency_shape",
    "centre": "centre_shape",
    "centres": "centre_shape",
    "boolean": "yes_or_no",
    "choice": "choice_unknown",
    "category": "category_unknown",
    "amount": "amount_unreadable",
    "period": "period_unreadable",
    "bank_account": "bank_account_shape",
    "tax_number": "tax_number_shape",
}
