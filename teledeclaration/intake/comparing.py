"""What a new list of lines changes in another: who is new, changed, close to someone, or no longer there.

Lines are brought together by number, the spells of one number by their entry dates; then who has no number by names
and date of birth; then, among the rest, by closeness. A line left out is not declared: it counts as not there.
"""

from typing import Any, Literal

import msgspec
import polars as pl

from teledeclaration.intake.closeness import Closeness
from teledeclaration.intake.forms import ANNUAL, Form
from teledeclaration.intake.pairing import pair_up

ChangeKind = Literal["changed", "new", "close", "absent"]
KINDS: tuple[ChangeKind, ...] = ("absent", "close", "new", "changed")
"""In the order in which they want to be looked at."""


def compared_fields(form: Form) -> tuple[str, ...]:
    """The fields of a form's line that are compared."""
    return (*form.stored, "number_requested") if form.of_people else form.stored


CHANGES: dict[str, type[pl.DataType]] = {
    "change": pl.Int32,
    "kind": pl.String,
    "line_number": pl.Int32,
    "base_line": pl.Int32,
    "nss": pl.String,
    "last_name": pl.String,
    "first_name": pl.String,
    "birth_date": pl.Date,
    "fields": pl.String,
    "score": pl.Int32,
    "difference": pl.Int64,
}
"""A change: `line_number` in the new lines, `base_line` in those before; who it is (as in the new lines, else as
before; of a rate line its code stands for the last name); `fields` is JSON, {field: [before, after]} with how they
differ as a third for a close match; `difference` is in centimes of the base."""

_WHO = ("nss", "last_name", "first_name", "birth_date")
_NAMES = ("last_name", "first_name", "birth_date")
_APART = {"annual": (("entry_date",),), "movements": (("movement", "date"), ("movement",))}
"""By form, what tells the lines of one person from one another: what says most first."""


class Comparison(msgspec.Struct, frozen=True):
    """The changes (columns as CHANGES says), and how many lines there are of each kind, `unchanged` among them."""

    changes: pl.DataFrame
    counts: dict[str, int]


def compare(base: pl.DataFrame, new: pl.DataFrame, form: Form = ANNUAL) -> Comparison:
    """What `new` changes in `base`. Both have `line_number`, what `compared_fields` says, and `left_out` where lines
    can be."""
    before, after = _comparable(base, form), _comparable(new, form)
    pairs = _paired(before, after, form) if form.of_people else _one_by_one(before, after, ("code",))
    told = _told(_side_by_side(before, after, pairs), compared_fields(form))
    counted = dict(told["kind"].value_counts().iter_rows())
    return Comparison(_changes(told, form), {kind: counted.get(kind, 0) for kind in (*KINDS, "unchanged")})


def _comparable(lines: pl.DataFrame, form: Form) -> pl.DataFrame:
    """Empty texts as nothing, periods without an amount as zero, and the year's sum, as they would be declared."""
    if "left_out" not in lines.columns:
        lines = lines.with_columns(left_out=pl.lit(False))
    fields, amounts = compared_fields(form), _counted(form)
    texts = [name for name in fields if lines.schema[name] == pl.String]
    lines = lines.with_columns(pl.col(texts).replace("", None), pl.col(amounts).fill_null(0))
    base = pl.sum_horizontal(amounts) if amounts else pl.lit(0, pl.Int64)
    lines = lines.select(pl.col("line_number").cast(pl.Int32), *fields, "left_out", base=base)
    if form.by_quarter:
        lines = lines.with_columns(annual_amount=pl.coalesce("annual_amount", "base"))
    if not form.of_people:
        return lines
    return lines.with_columns(
        number_requested=pl.col("number_requested").fill_null(value=False) & pl.col("nss").is_null()
    )


def _counted(form: Form) -> list[str]:
    """The amounts that make a line's base: a year's are its quarters."""
    return [amount for _, _, amount in form.times] or list(form.amounts)


# ── who is who ──────────────────────────────────────────────────────────────────────────────────


def _paired(before: pl.DataFrame, after: pl.DataFrame, form: Form) -> pl.DataFrame:
    """The lines that belong together: `base_line`, `line_number`, and for close matches `score` and `how_…`."""
    found, rest, others = [], before, after
    apart = (*_APART.get(form.name, ()), ())
    for key in (*(("nss", *more) for more in apart), *((*_NAMES, *more) for more in apart)):
        who = pl.col("nss").is_not_null() if key[0] == "nss" else pl.col("nss").is_null()
        pairs = _one_by_one(rest.filter(who), others.filter(who), key)
        rest = rest.join(pairs, left_on="line_number", right_on="base_line", how="anti")
        others = others.join(pairs, on="line_number", how="anti")
        found.append(pairs)
    return pl.concat([*found, _close(pair_up(rest, others))], how="diagonal")


def _one_by_one(before: pl.DataFrame, after: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    """Lines of the same key, the first with the first, the second with the second."""
    order = pl.int_range(pl.len()).over(key).alias("order")
    mine = before.select(*key, order, base_line="line_number")
    theirs = after.select(*key, order, "line_number")
    joined = mine.join(theirs, on=[*key, "order"], nulls_equal=True)
    return joined.select("base_line", "line_number")


def _close(pairs: list[tuple[int, int, Closeness]]) -> pl.DataFrame:
    hows = {f"how_{field}": [found.differs.get(field) for _, _, found in pairs] for field in _WHO}
    columns: dict[str, Any] = {
        "base_line": [line for line, _, _ in pairs],
        "line_number": [line for _, line, _ in pairs],
        "score": [found.score for _, _, found in pairs],
    }
    schema = dict.fromkeys(columns, pl.Int32) | dict.fromkeys(hows, pl.String)
    return pl.DataFrame(columns | hows, schema=schema)


# ── what differs ────────────────────────────────────────────────────────────────────────────────


def _side_by_side(before: pl.DataFrame, after: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Every line once, with what it is paired with: `new_…` fields after, the others before."""
    mine = before.rename({"line_number": "base_line"}).join(pairs, on="base_line", how="left")
    theirs = after.rename({name: f"new_{name}" for name in after.columns if name != "line_number"})
    return mine.join(theirs, on="line_number", how="full", coalesce=True)


def _told(lines: pl.DataFrame, fields: tuple[str, ...]) -> pl.DataFrame:
    """With `kind` (null where neither side declares the line), `fields` and `difference`."""
    if "score" not in lines.columns:
        lines = lines.with_columns(score=pl.lit(None, pl.Int32))
    was, stays = (pl.col(name).eq_missing(False) for name in ("left_out", "new_left_out"))
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"new_{name}")) for name in fields)
    kind = (
        pl.when(was & stays & pl.col("score").is_not_null())
        .then(pl.lit("close"))
        .when(was & stays)
        .then(pl.when(differs).then(pl.lit("changed")).otherwise(pl.lit("unchanged")))
        .when(was)
        .then(pl.lit("absent"))
        .when(stays)
        .then(pl.lit("new"))
    )
    difference = pl.when(stays).then("new_base").otherwise(0) - pl.when(was).then("base").otherwise(0)
    return lines.with_columns(kind=kind, difference=difference).drop_nulls("kind")


def _changes(told: pl.DataFrame, form: Form) -> pl.DataFrame:
    """The lines that are not as before, those that want to be looked at first in front, numbered from 1."""
    rank = pl.col("kind").replace_strict({kind: place for place, kind in enumerate(KINDS)}, return_dtype=pl.Int8)
    changed = told.filter(pl.col("kind") != "unchanged").sort(rank, pl.coalesce("line_number", "base_line"))
    stays = pl.col("kind") != "absent"
    shown_as = {name: name for name in _WHO} if form.of_people else {"last_name": "code"}
    who = [pl.when(stays).then(f"new_{of}").otherwise(of).alias(name) for name, of in shown_as.items()]
    who += [pl.lit(None, CHANGES[name]).alias(name) for name in _WHO if name not in shown_as]
    both = pl.col("kind").is_in(["changed", "close"])
    said = pl.when(both).then(_fields_as_json(changed.schema, compared_fields(form))).otherwise(_left_out_as_json())
    return (
        changed.with_columns(fields=said)
        .with_columns(*who, change=pl.int_range(1, pl.len() + 1, dtype=pl.Int32))
        .select(*CHANGES)
    )


def _fields_as_json(schema: pl.Schema, fields: tuple[str, ...]) -> pl.Expr:
    """{field: [before, after, how]} of the fields that differ, as text; without `how` where nothing is said of it."""
    parts = []
    for name in fields:
        values = [_as_json(name, schema[name]), _as_json(f"new_{name}", schema[name])]
        if name in _WHO and f"how_{name}" in schema:
            values.append(pl.format('"{}"', f"how_{name}"))
        listed = pl.concat_str(values, separator=",", ignore_nulls=True)
        differs = pl.col(name).ne_missing(pl.col(f"new_{name}"))
        parts.append(pl.when(differs).then(pl.format(f'"{name}":[{{}}]', listed)))
    return pl.concat_str(pl.lit("{"), pl.concat_str(parts, separator=",", ignore_nulls=True), pl.lit("}"))


def _left_out_as_json() -> pl.Expr:
    """What is said of a line that is on both sides, and left out on one."""
    return (
        pl.when(pl.col("left_out").eq_missing(True))
        .then(pl.lit('{"left_out":[true,false]}'))
        .when(pl.col("new_left_out").eq_missing(True))
        .then(pl.lit('{"left_out":[false,true]}'))
        .otherwise(pl.lit("{}"))
    )


def _as_json(name: str, kind: pl.DataType) -> pl.Expr:
    """A column's values as JSON texts."""
    if kind == pl.String:
        encoded = pl.struct(pl.col(name).alias("v")).struct.json_encode()  # {"v":…}
        return encoded.str.slice(len('{"v":'), encoded.str.len_chars() - len('{"v":}'))
    text = pl.col(name).cast(pl.String)
    return (pl.format('"{}"', text) if kind == pl.Date else text).fill_null("null")
