"""The findings of a draft by their causes, and the repairs each can be offered."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import msgspec
import polars as pl

from schemas.findings import Severity
from teledeclaration.database import Connection
from teledeclaration.intake.casting import Written
from teledeclaration.intake.repairs.dates import DATE_CODES, DATE_FIELDS
from teledeclaration.intake.repairs.repair import ALL, TOLD, Choice, Repair, WholeFile, Wish, fields_of
from teledeclaration.intake.repairs.table import REPAIRS, repairs_for
from teledeclaration.payroll.queries import causes, lines
from teledeclaration.payroll.queries.causes import CauseCount, SampleRow, ShapeCount
from teledeclaration.payroll.queries.drafts import DraftRow

SAMPLES_MAX = 5
CELLS_MAX = 60
SHAPES_MAX = 5

Key = tuple[str, str | None]
"""A cause: the code and the field, or group of fields, of its findings."""

Offers = Mapping[str, tuple[Choice, ...]]
"""Repairs by name, with the ways in which they would change a line."""


@dataclass(frozen=True)
class Overview:
    """The causes of a reading's findings with their first findings and ways of writing, and what repairs them."""

    counts: list[CauseCount]
    samples: Mapping[Key, list[SampleRow]] = field(default_factory=dict)
    shapes: Mapping[Key, list[ShapeCount]] = field(default_factory=dict)
    offers: Mapping[Key, Offers] = field(default_factory=dict)
    general: Offers = field(default_factory=dict)


def wish_of(draft: DraftRow, facts: Mapping[str, Any]) -> Wish:
    """What every repair of a draft is asked: its year, and how its file was read (`facts` of its reading)."""
    return Wish(year=draft.year, written=msgspec.convert(facts.get("written", {}), Written))


async def overview(connection: Connection, *, employer_id: int, reading_id: UUID, wish: Wish) -> Overview:
    """Everything there is to say about a draft's causes, without loading more lines than have findings. `wish` has the
    draft's year and how its file was read."""
    where: dict[str, Any] = {"employer_id": employer_id, "reading_id": reading_id}
    counts = await causes.count_causes(connection, **where)
    samples: dict[Key, list[SampleRow]] = {}
    for sample in await causes.select_samples(connection, **where, per_cause=CELLS_MAX):
        samples.setdefault((sample.code, sample.field_group), []).append(sample)
    shapes: dict[Key, list[ShapeCount]] = {}
    for shape in await causes.select_shapes(connection, **where, per_cause=SHAPES_MAX):
        shapes.setdefault((shape.code, shape.field), []).append(shape)
    whole = await causes.select_whole_file(connection, **where)
    offers = await _offers(connection, where, counts, whole, wish)
    general = await _general(connection, where, offers, whole, wish)
    return Overview(counts, samples, shapes, offers, general)


async def _offers(
    connection: Connection, where: Mapping[str, Any], counts: Sequence[CauseCount], whole: WholeFile, wish: Wish
) -> dict[Key, Offers]:
    asked = {count.code: repairs_for(count.code) for count in counts}
    codes = sorted(code for code, repairs in asked.items() if repairs)
    if not codes:
        return {(count.code, count.field): _left_out(count) for count in counts}
    reads = sorted({name for repairs in asked.values() for repair in repairs for name in repair.reads})
    told = await causes.select_told(connection, **where, codes=codes)
    stored = await causes.select_told_lines(connection, **where, codes=codes, fields=reads)
    return await asyncio.to_thread(_tried, counts, asked, stored, told, whole, wish)


def _tried(
    counts: Sequence[CauseCount],
    asked: Mapping[str, tuple[Repair, ...]],
    stored: pl.DataFrame,
    told: pl.DataFrame,
    whole: WholeFile,
    wish: Wish,
) -> dict[Key, Offers]:
    """Each repair tried on the lines of the causes it answers."""
    offers: dict[Key, Offers] = {}
    for count in counts:
        findings = of_cause(told, count.code, count.field) if asked[count.code] else told
        of_this = replace(wish, code=count.code, field=count.field)
        ways = {repair.name: repair.offered(stored, findings, whole, of_this) for repair in asked[count.code]}
        offers[count.code, count.field] = {name: found for name, found in ways.items() if found} | _left_out(count)
    return offers


def of_cause(told: pl.DataFrame, code: str | None, field_group: str | None) -> pl.DataFrame:
    """The findings of one code and field, or group of fields; all codes or fields where none is named."""
    if code is not None:
        told = told.filter(pl.col("code") == code)
    return told if field_group is None else told.filter(pl.col("field").is_in(fields_of(field_group)))


def _left_out(count: CauseCount) -> dict[str, tuple[Choice, ...]]:
    if count.severity is not Severity.ERROR or not count.lines:
        return {}
    return {"leave_out_errors": (Choice(name=None, lines=count.lines),)}


async def _general(
    connection: Connection, where: Mapping[str, Any], offers: Mapping[Key, Offers], whole: WholeFile, wish: Wish
) -> Offers:
    """What answers no cause in particular."""
    nothing = pl.DataFrame()
    found: dict[str, tuple[Choice, ...]] = {}
    months = [code_and_field for code_and_field, offer in offers.items() if "month_first" in offer]
    if len({name for _, name in months}) > 1:
        found["month_first"] = await _all_dates(connection, where, wish)
    if wrong := await lines.count_wrong_lines(connection, **where):
        found["leave_out_errors"] = (Choice(name=None, lines=wrong),)
    for name in ("swapped_names", "take_back"):
        found[name] = REPAIRS[name].offered(nothing, nothing, whole, wish)
    return {name: ways for name, ways in found.items() if ways}


async def _all_dates(connection: Connection, where: Mapping[str, Any], wish: Wish) -> tuple[Choice, ...]:
    """Month first for all date fields together: which lines change is seen on the columns themselves."""
    stored = await causes.select_columns(connection, **where, fields=DATE_FIELDS)
    told = await causes.select_told(connection, **where, codes=DATE_CODES)
    apply = REPAIRS["month_first"].apply
    wishes = [replace(wish, choice=choice) for choice in (TOLD, ALL)]
    changes = [await asyncio.to_thread(apply, stored, told, wish) for wish in wishes]
    ways = [Choice(name=one.choice, lines=frame.height) for one, frame in zip(wishes, changes, strict=True)]
    return tuple(way for way in ways if way.lines)
