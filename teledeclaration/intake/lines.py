"""The lines of a form as a typed frame: what was read, and in `raw` the text of every cell that was not."""

from collections import defaultdict
from collections.abc import Mapping

import msgspec
import polars as pl

from schemas.findings import Severity
from teledeclaration.intake.casting import CastContext, cast_column
from teledeclaration.intake.casts import Cast, problem_frame
from teledeclaration.intake.forms import Form, Kind
from teledeclaration.intake.problems import no_findings, shaped, together

UNCOMPUTED = "="
"""Stands in `raw` for a formula saved without its value."""

ERROR_TEXT = r"^#[\p{Lu}\d/?!#]+$"
"""What a spreadsheet shows where a formula has no value: #N/A, #DIV/0!, #NOM? …"""

TYPES: dict[Kind, type[pl.DataType]] = {
    "nss": pl.String,
    "name": pl.String,
    "date": pl.Date,
    "amount": pl.Int64,
    "duration": pl.Int32,
    "unit": pl.String,
    "text": pl.String,
    "movement": pl.String,
    "count": pl.Int32,
    "hours": pl.Float64,
    "category": pl.String,
    "code": pl.String,
}
_KEPT = ("error", "confirm")


def line_schema(form: Form) -> dict[str, type[pl.DataType]]:
    """`line_number` (from 1), `row` (the file's, else null), the fields of the form, `number_requested`, `raw`.

    Amounts are centimes, dates days; `raw` is null or a JSON object: field to the text that could not
    be read there, or only with a doubt. A field with an unreadable text is null.
    """
    fields = {column.name: TYPES[column.kind] for column in form.columns}
    return {"line_number": pl.Int32, "row": pl.Int32, **fields, "number_requested": pl.Boolean, "raw": pl.String}


def cast_findings(field: str, cast: Cast, lines: pl.DataFrame, texts: pl.Series) -> pl.DataFrame:
    """A column's cast problems as findings at their lines, with the texts seen."""
    problems = cast.problems
    if not problems.height:
        return no_findings()
    places = problems["place"]
    return shaped(
        problems.with_columns(
            line_number=lines["line_number"][places],
            row=lines["row"][places],
            field=pl.lit(field),
            seen=texts[places],
        )
    )


def unread_cells(findings: pl.DataFrame, height: int) -> pl.Series:
    """`raw` for lines numbered from 1 to `height`: what was seen where a cast left an error or a doubt."""
    kept: dict[int, dict[str, str]] = defaultdict(dict)
    if findings.height:
        wanted = findings.filter(pl.col("severity").is_in(_KEPT))
        for line, field, seen in wanted.select("line_number", "field", "seen").iter_rows():
            kept[line - 1][field] = seen or ""
    raw = pl.Series("raw", [None], dtype=pl.String).new_from_index(0, height)
    if not kept:
        return raw
    texts = pl.Series([msgspec.json.encode(cells).decode() for cells in kept.values()])
    return raw.scatter(list(kept), texts).alias("raw")


def recast(form: Form, lines: pl.DataFrame, context: CastContext) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Try the texts in `raw` again: the lines with what could be read now, and the findings of what could not.

    A text that is read without a doubt leaves `raw`.
    """
    raw = lines["raw"]
    places = raw.is_not_null().arg_true()
    if not places.len():
        return lines, no_findings()
    cells = _by_field(raw.gather(places), places, form)
    frames: list[pl.DataFrame] = []
    for field, found in cells.items():
        cast, texts, at = _cast_again(field, form, found, context)
        lines = lines.with_columns(lines[field].scatter(at, cast.values.cast(TYPES[form.kind(field)])))
        frames.append(cast_findings(field, cast, lines[at], texts))
    findings = together(frames)
    return lines.with_columns(_left_over(findings, lines)), findings


def _by_field(raw: pl.Series, places: pl.Series, form: Form) -> Mapping[str, dict[int, str]]:
    cells: dict[str, dict[int, str]] = defaultdict(dict)
    for place, text in zip(places.to_list(), raw.to_list(), strict=True):
        for field, value in msgspec.json.decode(text, type=dict[str, str]).items():
            if field in form.fields:
                cells[field][place] = value
    return cells


def _cast_again(
    field: str, form: Form, found: dict[int, str], context: CastContext
) -> tuple[Cast, pl.Series, pl.Series]:
    at = pl.Series(list(found), dtype=pl.UInt32)
    texts = pl.Series(list(found.values()), dtype=pl.String)
    uncomputed = texts == UNCOMPUTED
    error = texts.str.contains(ERROR_TEXT)
    cast = cast_column(field, form.kind(field), texts.set(uncomputed | error, None), None, context)
    return with_cell_errors(cast, error.arg_true(), uncomputed.arg_true()), texts, at


def with_cell_errors(cast: Cast, errors: pl.Series, uncomputed: pl.Series) -> Cast:
    """The cast with its cells that hold an error of the spreadsheet, or a formula without its value."""
    return Cast(
        cast.values,
        cast.problems,
        problem_frame(errors, "error_cell", Severity.ERROR),
        problem_frame(uncomputed, "formula_without_value", Severity.ERROR),
    )


def _left_over(findings: pl.DataFrame, lines: pl.DataFrame) -> pl.Series:
    place_of = {number: place for place, number in enumerate(lines["line_number"].to_list(), start=1)}
    placed = findings.with_columns(pl.col("line_number").replace_strict(place_of, return_dtype=pl.Int32))
    return unread_cells(placed, lines.height)
