"""Changing cells of stored lines, with the texts that were typed in them, whole columns at once."""

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import or_
from typing import NamedTuple

import polars as pl

from teledeclaration.intake.forms import FORMS

_TYPED_FIELDS = tuple(dict.fromkeys(name for form in FORMS.values() for name in form.stored))
_TEXT = "text:"
_AT = "at:"


class Edit(NamedTuple):
    """A field's new value, and on which lines; both of one line only, and by the texts of `with_texts` if need be."""

    when: pl.Expr
    value: pl.Expr


def text(field: str) -> pl.Expr:
    """What was typed in a field, where it could not be read or only with a doubt; see `with_texts`."""
    return pl.col(_TEXT + field)


def with_texts(lines: pl.DataFrame, fields: Iterable[str]) -> pl.DataFrame:
    """The lines with the typed text of each field beside, for `text`."""
    return lines.with_columns(opened(lines["typed"], fields).rename(lambda name: _TEXT + name))


def opened(typed: pl.Series, fields: Iterable[str] = _TYPED_FIELDS) -> pl.DataFrame:
    """JSON objects of texts as a column a field, null where the field is not in it."""
    schema = dict.fromkeys(fields, pl.String)
    if typed.null_count() == typed.len():
        return pl.DataFrame({name: pl.repeat(None, typed.len(), dtype=pl.String, eager=True) for name in schema})
    return typed.str.json_decode(pl.Struct(schema)).struct.unnest()


def closed(texts: pl.DataFrame) -> pl.Series:
    """The columns of `opened` as JSON objects again; null where there is nothing in one."""
    there = [name for name in texts.columns if texts[name].null_count() < texts.height]
    if not there:
        return pl.repeat(None, texts.height, dtype=pl.String, eager=True).alias("typed")
    # In a JSON text `"name":null` can only be a member: a quote inside a value is written `\"`.
    absent = [f'"{name}":null' for name in there]
    found = texts.select(pl.struct(there).struct.json_encode()).to_series()
    found = found.str.replace_many([f"{member}," for member in absent], [""] * len(there))
    found = found.str.replace_many([f",{member}" for member in absent], [""] * len(there))
    found = found.str.replace_many([f"{{{member}}}" for member in absent], ["{}"] * len(there))
    return found.replace({"{}": None}).alias("typed")


def edited(lines: pl.DataFrame, edits: Mapping[str, Edit]) -> pl.DataFrame:
    """What the edits change: `line_number`, the fields edited, `typed`; only lines in which something changes.

    A cell that is put in place loses the text that was typed there: it is settled.
    """
    if not edits:
        return lines.select("line_number", "typed").clear()
    marks = [edit.when.fill_null(value=False).alias(_AT + field) for field, edit in edits.items()]
    touched = lines.with_columns(marks).filter(pl.any_horizontal(_AT + field for field in edits))
    texts = opened(touched["typed"])
    settled = {field: touched[_AT + field] for field in edits}
    left = texts.with_columns(
        pl.when(settled[field]).then(None).otherwise(pl.col(field)).alias(field)
        for field in edits
        if field in texts.columns
    )
    after = touched.select(
        "line_number",
        *(
            pl.when(_AT + field).then(edit.value).otherwise(pl.col(field)).cast(lines.schema[field]).alias(field)
            for field, edit in edits.items()
        ),
        closed(left),
    )
    differs = [after[field].ne_missing(touched[field]) for field in edits]
    forgotten = [texts[field].is_not_null() & settled[field] for field in edits if field in texts.columns]
    return after.filter(reduce(or_, [*differs, *forgotten]))


def told_lines(lines: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """The lines that a finding tells and that are not left out."""
    return lines.filter(~pl.col("left_out")).join(told.select("line_number").unique(), on="line_number", how="semi")


def told_at(told: pl.DataFrame, field: str) -> pl.Expr:
    """Whether a finding tells this field of a line."""
    return pl.col("line_number").is_in(told.filter(pl.col("field") == field)["line_number"].implode())
