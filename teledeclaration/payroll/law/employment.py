"""The employment register: who works for an employer, since when and as what, on any day.

It is a fold of two sources, by person and in the order of days: the employments of the fund's register, and the
movements the employer told, as far as they are in force. The order in which movements arrived plays no part.

- A movement is in force unless another replaces it (a correction), or withdraws it. A withdrawal takes away the
  movement with all its corrections, as if it had never been told.
- An entry opens a spell, an exit closes it. An entry while a spell is open, an exit where none is, and a change for
  someone who is not there contradict what is known: they are clashes, and move nothing. Two exceptions: who leaves
  and was never known to come was there before, since an unknown day; and an exit told after the one the fund knows
  takes its place, since the employer knows better who worked for them.
- A change, or an entry, says rate category and hours a week from its day on.

Who has a number is known by it, who has none by names and birth (`who`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import groupby
from operator import attrgetter

import polars as pl

EMPLOYMENT_SCHEMA: dict[str, type[pl.DataType]] = {
    "who": pl.String,
    "nss": pl.String,
    "entry_date": pl.Date,
    "exit_date": pl.Date,
    "centre": pl.String,
    "rate_category": pl.String,
}
"""An employment of the fund's register."""

MOVEMENT_SCHEMA: dict[str, type[pl.DataType] | pl.DataType] = {
    "movement_id": pl.String,
    "who": pl.String,
    "kind": pl.String,
    "date": pl.Date,
    "centre": pl.String,
    "nss": pl.String,
    "last_name": pl.String,
    "first_name": pl.String,
    "birth_date": pl.Date,
    "reason": pl.String,
    "rate_category": pl.String,
    "hours_a_week": pl.Decimal(4, 1),
    "replaces": pl.String,
    "withdrawn": pl.Boolean,
    "tell_by": pl.Date,
    "told_on": pl.Date,
    "replaced_on": pl.Date,
}
"""A movement as told: `told_on` is the legal day it was told, `replaced_on` the one on which another corrected or
withdrew it; `replaces` names the one this row corrects, or withdraws where it is `withdrawn`."""

CONDITION = pl.Struct({"since": pl.Date, "rate_category": pl.String, "hours_a_week": pl.Decimal(4, 1)})

SPELL_SCHEMA: dict[str, type[pl.DataType] | pl.DataType] = {
    "who": pl.String,
    "nss": pl.String,
    "last_name": pl.String,
    "first_name": pl.String,
    "birth_date": pl.Date,
    "entry_date": pl.Date,
    "exit_date": pl.Date,
    "centre": pl.String,
    "rate_category": pl.String,
    "hours_a_week": pl.Decimal(4, 1),
    "conditions": pl.List(CONDITION),
    "source": pl.String,
    "exit_source": pl.String,
    "entry_movement": pl.String,
    "exit_movement": pl.String,
    "exit_reason": pl.String,
    "tell_by": pl.Date,
    "told_on": pl.Date,
    "told_late": pl.Boolean,
}
"""A spell. `entry_date` is null where only the exit is known. Names and birth are the employer's own words, null where
only the fund's register knows the person. `source` says who knows the entry, `exit_source` the exit: fund or told.
`rate_category` and `hours_a_week` are the last ones; `conditions` those that were said from a day on, null where
nothing was. `tell_by`, `told_on` and `told_late` are of a told entry."""


class Source(StrEnum):
    """Who knows it: the fund's register, the employer who told it, or a line that is only about to tell it."""

    FUND = "fund"
    TOLD = "told"
    LINE = "line"


@dataclass(frozen=True, slots=True)
class Event:
    """Someone comes, leaves or changes on a day. `key` is a movement's id, or a line's number."""

    day: date
    kind: str
    source: Source
    key: str | int | None = None
    centre: str | None = None
    rate_category: str | None = None
    hours_a_week: Decimal | None = None
    reason: str | None = None


@dataclass(slots=True)
class Spell:
    """One employment while it is folded; `entry` is None where only the exit is known."""

    entry: Event | None
    exit: Event | None = None
    changes: list[Event] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Clash:
    """`event` contradicts `other`: what opened or closed the spell before. None: there is no spell at all."""

    event: Event
    other: Event | None


def fold(events: list[Event]) -> tuple[list[Spell], list[Clash]]:
    """One person's spells in order, and what contradicts them. The order of `events` plays no part."""
    spells: list[Spell] = []
    clashes: list[Clash] = []
    ordered = sorted(events, key=lambda event: (event.day, event.source, str(event.key)))
    for _, same_day in groupby(ordered, key=attrgetter("day")):
        for event in _in_turn(list(same_day), is_open=_is_open(spells)):
            clashes += _applied(spells, event)
    return spells, clashes


def _in_turn(events: list[Event], *, is_open: bool) -> list[Event]:
    """The events of one day: who is there leaves first and may come back, who is not comes first and may leave."""
    turns = ("change", "exit", "entry") if is_open else ("entry", "change", "exit")
    return sorted(events, key=lambda event: turns.index(event.kind))


def _is_open(spells: list[Spell]) -> bool:
    return bool(spells) and spells[-1].exit is None


def _applied(spells: list[Spell], event: Event) -> Iterator[Clash]:
    last = spells[-1] if spells else None
    match event.kind:
        case "entry":
            yield from _entered(spells, last, event)
        case "exit":
            yield from _left(spells, last, event)
        case _:
            if last is not None and last.exit is None:
                last.changes.append(event)
            else:
                yield Clash(event, None if last is None else last.exit)


def _entered(spells: list[Spell], last: Spell | None, event: Event) -> Iterator[Clash]:
    if last is None or last.exit is not None:
        spells.append(Spell(event))
    elif last.entry is None or last.entry.day != event.day:
        yield Clash(event, last.entry)
    else:
        last.changes.append(event)


def _left(spells: list[Spell], last: Spell | None, event: Event) -> Iterator[Clash]:
    if last is None:
        spells.append(Spell(None, event))
        yield Clash(event, None)
    elif last.exit is None:
        last.exit = event
    elif last.exit.day == event.day:
        if last.exit.source is Source.FUND:
            last.exit = event
    else:
        yield Clash(event, last.exit)
        if last.exit.source is Source.FUND and event.source is not Source.FUND:
            last.exit = event


def in_force(movements: pl.DataFrame, known_on: date | None = None) -> pl.DataFrame:
    """The movements that nothing has corrected or withdrawn, or had by the end of a day, of what was told by then."""
    if known_on is None:
        return movements.filter(pl.col("replaced_on").is_null() & ~pl.col("withdrawn"))
    standing = pl.col("replaced_on").is_null() | (pl.col("replaced_on") > known_on)
    return movements.filter((pl.col("told_on") <= known_on) & standing & ~pl.col("withdrawn"))


def register(employments: pl.DataFrame, movements: pl.DataFrame) -> pl.DataFrame:
    """The spells, as SPELL_SCHEMA says, by `who` and day; `movements` are those in force.

    `employments` is as EMPLOYMENT_SCHEMA says. Where nothing was told of a person, their employments stand as they are.
    """
    if movements.is_empty():
        return _as_registered(employments).sort("who", "entry_date")
    told = movements["who"].unique()
    moved = pl.col("who").is_in(told.implode())
    folded = _folded(employments.filter(moved), movements)
    return pl.concat([_as_registered(employments.filter(~moved)), folded]).sort("who", "entry_date")


def on_day(spells: pl.DataFrame, day: date) -> pl.DataFrame:
    """Who works there on a day, the day of entry and of exit included, with the conditions of that day."""
    come = pl.col("entry_date").is_null() | (pl.col("entry_date") <= day)
    stayed = pl.col("exit_date").is_null() | (pl.col("exit_date") >= day)
    there = spells.filter(come & stayed)
    if there["conditions"].null_count() == there.height:
        return there
    said = _conditions_on(there["conditions"].to_list(), day)
    unsaid = pl.col("conditions").is_null()
    return there.with_columns(
        pl.when(unsaid)
        .then(name)
        .otherwise(pl.Series([one[place] for one in said], dtype=SPELL_SCHEMA[name]))
        .alias(name)
        for place, name in enumerate(("rate_category", "hours_a_week"))
    )


def _conditions_on(conditions: list[list[dict[str, object]] | None], day: date) -> list[tuple[object, object]]:
    found = []
    for said in conditions:
        category = hours = None
        for one in said or ():
            since = one["since"]
            if since is None or (isinstance(since, date) and since <= day):
                category, hours = one["rate_category"], one["hours_a_week"]
        found.append((category, hours))
    return found


def _as_registered(employments: pl.DataFrame) -> pl.DataFrame:
    present = employments.with_columns(
        source=pl.lit(Source.FUND.value),
        exit_source=pl.when(pl.col("exit_date").is_not_null()).then(pl.lit(Source.FUND.value)),
        told_late=pl.lit(value=False),
    )
    return present.select(
        (pl.col(name) if name in present.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in SPELL_SCHEMA.items()
    )


def _folded(employments: pl.DataFrame, movements: pl.DataFrame) -> pl.DataFrame:
    """The spells of those of whom something was told."""
    events: dict[str, list[Event]] = {}
    for who, event in (*_registered_events(employments), *_told_events(movements)):
        events.setdefault(who, []).append(event)
    rows = [(who, *_spell_row(spell)) for who, theirs in events.items() for spell in fold(theirs)[0]]
    names = ("who", *_ROW)
    columns = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())
    spells = pl.DataFrame({name: pl.Series(list(values), dtype=SPELL_SCHEMA[name]) for name, values in columns.items()})
    return _with_words(spells, employments, movements)


def _registered_events(employments: pl.DataFrame) -> Iterator[tuple[str, Event]]:
    asked = employments.select("who", "entry_date", "exit_date", "centre", "rate_category")
    for who, entry, leaving, centre, category in asked.iter_rows():
        yield who, Event(entry, "entry", Source.FUND, None, centre, category)
        if leaving is not None:
            yield who, Event(leaving, "exit", Source.FUND)


def _told_events(movements: pl.DataFrame) -> Iterator[tuple[str, Event]]:
    asked = movements.select("who", "date", "kind", "movement_id", "centre", "rate_category", "hours_a_week", "reason")
    for who, day, kind, movement_id, centre, category, hours, reason in asked.iter_rows():
        yield who, Event(day, kind, Source.TOLD, movement_id, centre, category, hours, reason)


_ROW = (
    "entry_date", "exit_date", "centre", "rate_category", "hours_a_week", "conditions", "source", "exit_source",
    "entry_movement", "exit_movement", "exit_reason",
)  # fmt: skip


def _spell_row(spell: Spell) -> tuple[object, ...]:
    """A spell's own columns, as _ROW names them."""
    saying = [event for event in (spell.entry, *spell.changes) if event is not None]
    conditions = _conditions(saying)
    last = conditions[-1] if conditions else None
    telling = [event.key for event in saying if event.kind == "entry" and event.source is Source.TOLD]
    ends = spell.exit
    return (
        None if spell.entry is None else spell.entry.day,
        None if ends is None else ends.day,
        next((event.centre for event in (*saying, *([ends] if ends else [])) if event.centre is not None), None),
        None if last is None else last["rate_category"],
        None if last is None else last["hours_a_week"],
        conditions if _is_said(saying) else None,
        Source.TOLD.value if spell.entry is None else spell.entry.source.value,
        None if ends is None else ends.source.value,
        telling[0] if telling else None,
        None if ends is None or ends.source is Source.FUND else ends.key,
        None if ends is None else ends.reason,
    )


def _is_said(saying: list[Event]) -> bool:
    """Whether anything but the entry itself says conditions."""
    return any(event.source is Source.TOLD and (event.rate_category or event.hours_a_week) for event in saying)


def _conditions(saying: list[Event]) -> list[dict[str, object]]:
    """Rate category and hours from each day on that something was said of them; what is not said stays."""
    found: list[dict[str, object]] = []
    category, hours = None, None
    for event in saying:
        category, hours = event.rate_category or category, event.hours_a_week or hours
        if found and found[-1]["since"] == event.day:
            found.pop()
        found.append({"since": event.day, "rate_category": category, "hours_a_week": hours})
    return found


def _with_words(spells: pl.DataFrame, employments: pl.DataFrame, movements: pl.DataFrame) -> pl.DataFrame:
    """With number, names and birth as their last movement says them, and when the entry was told."""
    words = ("nss", "last_name", "first_name", "birth_date")
    said = movements.sort("date", "kind", "movement_id").group_by("who").agg(pl.col(words).last())
    registered = employments.select("who", registered="nss").unique("who")
    told = movements.select("tell_by", "told_on", entry_movement="movement_id")
    late = (pl.col("told_on") > pl.col("tell_by")).fill_null(value=False)
    whole = spells.join(said, on="who", how="left").join(registered, on="who", how="left")
    whole = whole.join(told, on="entry_movement", how="left")
    return whole.with_columns(nss=pl.coalesce("registered", "nss"), told_late=late).select(
        pl.col(name).cast(kind) for name, kind in SPELL_SCHEMA.items()
    )
