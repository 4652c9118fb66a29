"""Who of one list may be who of another, among the people no number brought together.

Comparing everyone with everyone would take hours: only those are compared who share a trait, such as a date of birth,
both names in either script and order, a name and a year of birth, or half of a number.
"""

from collections.abc import Iterator

import polars as pl

from teledeclaration.intake.closeness import (
    CLOSE_FROM,
    Closeness,
    Person,
    closeness,
    forget_names,
    names_likeness,
    score_at_most,
)
from teledeclaration.intake.spelling import spelling

PAIRS_MAX = 300_000
"""Pairs compared at most: beyond, what too many people share no longer brings them together."""

_NUMBER_DIGITS = 12
_HALF = 6


def pair_up(base: pl.DataFrame, new: pl.DataFrame) -> list[tuple[int, int, Closeness]]:
    """The close matches (line in `base`, line in `new`, how close), the closest first, each line once.

    Both have `line_number`, `nss`, `last_name`, `first_name` and `birth_date`.
    """
    if base.is_empty() or new.is_empty():
        return []
    try:
        scored = sorted(_scored(base, new), key=lambda pair: (-pair[2].score, pair[0], pair[1]))
    finally:
        forget_names()
    pairs: list[tuple[int, int, Closeness]] = []
    lines, others = set[int](), set[int]()
    for line, other, found in scored:
        if line not in lines and other not in others:
            lines.add(line)
            others.add(other)
            pairs.append((line, other, found))
    return pairs


def _scored(base: pl.DataFrame, new: pl.DataFrame) -> Iterator[tuple[int, int, Closeness]]:
    mine, theirs = _people(base), _people(new)
    hopeful: dict[tuple[str | None, ...], bool] = {}
    for line, other in _candidates(base, new).iter_rows():
        one, two = mine[line], theirs[other]
        names = (one.last_name, one.first_name, two.last_name, two.first_name)
        hope = hopeful.get(names)
        if hope is None:
            hope = hopeful[names] = score_at_most(names_likeness(one, two)) >= CLOSE_FROM
        if hope and (found := closeness(one, two)).score >= CLOSE_FROM:
            yield line, other, found


def _people(frame: pl.DataFrame) -> dict[int, Person]:
    columns = ("line_number", "nss", "last_name", "first_name", "birth_date")
    return {line: Person(*values) for line, *values in frame.select(columns).iter_rows()}


def _candidates(base: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Pairs of line numbers that share a trait; the rarest traits first, as far as PAIRS_MAX goes."""
    mine, theirs = _traits(base), _traits(new)
    counted = mine.group_by("trait").len().join(theirs.group_by("trait").len(), on="trait", suffix="_new")
    pairs = (pl.col("len").cast(pl.Int64) * pl.col("len_new")).alias("pairs")
    usable = counted.select("trait", pairs).sort("pairs", "trait").filter(pl.col("pairs").cum_sum() <= PAIRS_MAX)
    shared = mine.join(usable, on="trait", how="semi").join(theirs, on="trait", suffix="_new")
    return shared.select("line_number", "line_number_new").unique(maintain_order=True)


def _traits(frame: pl.DataFrame) -> pl.DataFrame:
    """What each line can be found by: (line_number, trait), several a line."""
    last, first = _consonants(frame["last_name"]), _consonants(frame["first_name"])
    birth, year = pl.col("birth_date"), pl.col("birth_date").dt.year().cast(pl.String)
    number = pl.col("nss").str.zfill(_NUMBER_DIGITS)
    day, month = birth.dt.day(), birth.dt.month()
    traits = frame.select("line_number", "nss", "birth_date", last=last, first=first).select(
        "line_number",
        born=pl.format("b{}-{}-{}", year, pl.min_horizontal(day, month), pl.max_horizontal(day, month)),
        names=pl.format("n{}-{}", pl.min_horizontal("last", "first"), pl.max_horizontal("last", "first")),
        last=pl.format("y{}-{}", "last", year),
        first=pl.format("y{}-{}", "first", year),
        head=pl.format("h{}", number.str.head(_HALF)),
        tail=pl.format("t{}", number.str.tail(-_HALF)),
    )
    long = traits.unpivot(index="line_number", value_name="trait").select("line_number", "trait")
    return long.drop_nulls().unique()


def _consonants(names: pl.Series) -> pl.Series:
    """The consonants of each name, null where there are none."""
    heard = [spelling(name).consonants if name else "" for name in names]
    return pl.Series(names.name, [letters or None for letters in heard], dtype=pl.String)
