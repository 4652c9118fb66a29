"""Who works for an employer on a day: page by page, one person whole, or everyone as a workbook.

People are walked through in two parts, so that a page costs the same however many there are: those of the fund's
register by their id there, then those only the employer told, by the id of their first movement in force. The key of
a person (`p…` or `m…`) says which; it means something to this employer only.
"""

import asyncio
import tempfile
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO
from uuid import UUID

import polars as pl

from schemas.actors import job
from schemas.movements import EmployeeHistory, Employment, EmploymentsPage
from teledeclaration import journal
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.employers.guard import Caller
from teledeclaration.errors import NotFound
from teledeclaration.languages import Language
from teledeclaration.payroll.actions.employment import known_of
from teledeclaration.payroll.employees_workbook import write_employees
from teledeclaration.payroll.law.employment import SPELL_SCHEMA, on_day
from teledeclaration.payroll.queries import movements as queries
from teledeclaration.payroll.shown_movements import show_employments, show_movement
from teledeclaration.registry import facts as registers

_CHUNK = 500
_CHUNKS_MAX = 10
"""So many people at most are looked at for one page: it may then be short, and another follows."""

_NAMES = ("last_name", "first_name")
_IN_MEMORY_BYTES = 8 << 20


@dataclass(frozen=True)
class Asked:
    """Which employments are asked for: on a day, as known on a day (None: now), at a payment centre (None: any)."""

    on: date
    known_on: date | None = None
    centre: str | None = None

    def of(self, spells: pl.DataFrame) -> pl.DataFrame:
        there = on_day(spells, self.on)
        return there if self.centre is None else there.filter(pl.col("centre") == self.centre)


async def list_employees(pool: Pool, caller: Caller, asked: Asked, *, after: str | None, limit: int) -> EmploymentsPage:
    """A page of who works here; NotFound for an `after` that is no key."""
    place = _parsed(after) if after is not None else 0
    async with transaction(pool, job("employees", caller.employer_id)) as connection:
        walk = _Walk(connection, caller.employer_id, asked, limit)
        if isinstance(place, int):
            follows = await walk.registered(place) or await walk.told(None)
        else:
            follows = await walk.told(place)
    return EmploymentsPage(walk.found, follows)


def _parsed(key: str) -> int | UUID:
    """What a person's key names: an id in the fund's register, or a movement; NotFound where it is no key."""
    part, rest = key[:1], key[1:]
    try:
        if part == "p" and rest.isascii() and rest.isdigit() and len(rest) < 19:
            return int(rest)
        if part == "m":
            return UUID(rest)
    except ValueError:
        raise NotFound from None
    raise NotFound


class _Walk:
    """One page on its way: people in order, until it is full."""

    def __init__(self, connection: Connection, employer_id: int, asked: Asked, limit: int) -> None:
        self.connection = connection
        self.employer_id = employer_id
        self.asked = asked
        self.limit = limit
        self.found: list[Employment] = []

    async def registered(self, after: int) -> str | None:
        """Those of the fund's register; the key to go on from, None behind the last."""
        for _ in range(_CHUNKS_MAX):
            ids = await registers.employee_ids(self.connection, self.employer_id, after=after, limit=_CHUNK)
            if not ids:
                return None
            people = await registers.employees_of(self.connection, self.employer_id, ids)
            people = people.filter(pl.col("employee") > after).unique("employee").sort("employee")
            if full := self._taken(await self._spells_of(people), [f"p{one}" for one in people["employee"]]):
                return full
            after = ids[-1]
        return f"p{after}"

    async def told(self, after: UUID | None) -> str | None:
        """Those the employer told, and whom the fund's register does not have here; likewise."""
        for _ in range(_CHUNKS_MAX):
            ids = await queries.select_ids_in_force(
                self.connection,
                employer_id=self.employer_id,
                known_on=self.asked.known_on,
                after=after,
                limit=_CHUNK,
            )
            if not ids:
                return None
            spells, keys = await self._told_spells(ids)
            if full := self._taken(spells, keys):
                return full
            after = ids[-1]
        return f"m{after}"

    def _taken(self, spells: pl.DataFrame, keys: list[str]) -> str | None:
        """Take people in the order of their keys until the page is full: then the last one's key."""
        shown = show_employments(self.asked.of(spells))
        theirs: dict[str, list[Employment]] = {}
        for one in shown:
            theirs.setdefault(one.employee, []).append(one)
        for key in keys:
            self.found += theirs.get(key, [])
            if len(self.found) >= self.limit:
                return key
        return None

    async def _spells_of(self, people: pl.DataFrame) -> pl.DataFrame:
        known = await known_of(
            self.connection, self.employer_id, people["nss"].to_list(), known_on=self.asked.known_on, as_asked=False
        )
        return _named(known.spells, people)

    async def _told_spells(self, ids: list[UUID]) -> tuple[pl.DataFrame, list[str]]:
        rows = await queries.select_named_movements(self.connection, employer_id=self.employer_id, movement_ids=ids)
        births = [row.birth_date for row in rows if row.nss is None and row.birth_date is not None]
        numbers = {row.nss for row in rows if row.nss is not None}
        numbers |= await _numbers_born_on(self.connection, self.employer_id, births)
        known = await known_of(
            self.connection, self.employer_id, sorted(numbers), known_on=self.asked.known_on, as_asked=False
        )
        present = known.spells["nss"].drop_nulls().unique().to_list()
        own = await registers.employments_frame(self.connection, self.employer_id, present)
        first = known.told.group_by("who").agg(employee="m" + pl.col("movement_id").min())
        first = first.filter(~pl.col("who").is_in(own["nss"].implode()))
        first = first.filter(pl.col("employee").is_in([f"m{one}" for one in ids])).sort("employee")
        return known.spells.join(first, on="who"), first["employee"].to_list()


async def _numbers_born_on(connection: Connection, employer_id: int, births: list[date]) -> set[str]:
    """The numbers here of people born on these days: who was told without one may be one of them."""
    if not births:
        return set()
    told = await queries.select_numbers_born_on(connection, employer_id=employer_id, days=births)
    return {*told, *await registers.employees_born_on(connection, employer_id, births)}


def _named(spells: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """The spells of these employees of the fund's register, with their key, and names and birth as it has them."""
    latin = [pl.when(pl.col(name) == "").then(f"{name}_ar").otherwise(name).alias(f"{name}_known") for name in _NAMES]
    known = people.select(
        *latin, who="nss", employee=pl.format("p{}", "employee"), nss_known="nss", birth_known="birth_date"
    )
    return (
        spells.drop("nss", *_NAMES, "birth_date")
        .join(known.unique("who"), on="who")
        .rename({"nss_known": "nss", "birth_known": "birth_date", **{f"{name}_known": name for name in _NAMES}})
    )


# ── one person ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Person:
    """One person's spells with their key, and the ids of all movements ever told of them."""

    spells: pl.DataFrame
    movement_ids: list[UUID]


async def find_employee(pool: Pool, caller: Caller, *, nss: str, now: datetime) -> list[Employment]:
    """The employments here of the person of a number, none where there are none; the look is journaled."""
    async with transaction(pool, job("employees", caller.employer_id)) as connection:
        person = await _by_number(connection, caller.employer_id, nss)
    found = show_employments(person.spells)
    await _journal_look(pool, caller, found[0].employee if found else "-", now)
    return found


async def employee_history(pool: Pool, caller: Caller, *, key: str, now: datetime) -> EmployeeHistory:
    """All that is known of a person here; NotFound where they are none of this employer's. The look is journaled."""
    async with transaction(pool, job("employees", caller.employer_id)) as connection:
        person = await _by_key(connection, caller.employer_id, key)
        rows = await queries.select_named_movements(
            connection, employer_id=caller.employer_id, movement_ids=person.movement_ids
        )
    await _journal_look(pool, caller, key, now)
    return EmployeeHistory(employments=show_employments(person.spells), movements=[show_movement(row) for row in rows])


async def movement_ids_of(pool: Pool, caller: Caller, *, key: str, now: datetime) -> list[UUID]:
    """All movements ever told of a person; NotFound as above. The look is journaled."""
    async with transaction(pool, job("employees", caller.employer_id)) as connection:
        person = await _by_key(connection, caller.employer_id, key)
    await _journal_look(pool, caller, key, now)
    return person.movement_ids


async def _journal_look(pool: Pool, caller: Caller, subject: str, now: datetime) -> None:
    async with transaction(pool, caller.actor) as connection:
        await journal.record(connection, caller.actor, "employee.seen", subject, now=caller.fund_time(now))


async def _by_key(connection: Connection, employer_id: int, key: str) -> _Person:
    place = _parsed(key)
    if isinstance(place, int):
        people = await registers.employees_of(connection, employer_id, [place])
        if people.is_empty():
            raise NotFound
        return await _person(connection, employer_id, [people["nss"][0]], people["nss"][0])
    row = await queries.select_movement(connection, employer_id=employer_id, movement_id=place)
    if row is None:
        raise NotFound
    if row.nss is not None:
        return await _by_number(connection, employer_id, row.nss)
    births = [] if row.birth_date is None else [row.birth_date]
    numbers = await _numbers_born_on(connection, employer_id, births)
    known = await known_of(connection, employer_id, sorted(numbers), as_asked=False)
    who = known.ever.filter(pl.col("movement_id") == str(place))["who"][0]
    return await _person(connection, employer_id, sorted(numbers), who)


async def _by_number(connection: Connection, employer_id: int, nss: str) -> _Person:
    numbers = await registers.numbers_frame(connection, [nss])
    return await _person(connection, employer_id, [nss], numbers["current_nss"][0] if numbers.height else nss)


async def _person(connection: Connection, employer_id: int, numbers: list[str], who: str) -> _Person:
    known = await known_of(connection, employer_id, numbers, as_asked=False)
    ever = known.ever.filter(pl.col("who") == who)
    spells = known.spells.filter(pl.col("who") == who)
    people = await registers.employees_named(connection, employer_id, [who])
    if people.height:
        spells = _named(spells, people.unique("employee"))
    else:
        standing = known.told.filter(pl.col("who") == who)
        first = (standing if standing.height else ever)["movement_id"].sort().to_list()
        spells = spells.with_columns(employee=pl.lit("".join(["m", *first[:1]])))
    return _Person(spells.sort("entry_date"), [UUID(one) for one in ever["movement_id"].to_list()])


# ── everyone ────────────────────────────────────────────────────────────────────────────────────


async def employees_workbook(pool: Pool, caller: Caller, asked: Asked, *, language: Language) -> IO[bytes]:
    """Who works here, as a workbook by name, in a file at its beginning."""
    async with transaction(pool, job("employees", caller.employer_id)) as connection:
        known = await known_of(connection, caller.employer_id, known_on=asked.known_on)
        employments = await registers.employments_frame(connection, caller.employer_id)
        people = await registers.known_people_frame(connection, employments["nss"].unique().to_list())
    return await asyncio.to_thread(_workbook, known.spells, people, asked, language)


def _workbook(spells: pl.DataFrame, people: pl.DataFrame, asked: Asked, language: Language) -> IO[bytes]:
    there = asked.of(spells)
    registered = _named(there, people.with_columns(employee=pl.lit(0)).drop("current_nss")).select(list(SPELL_SCHEMA))
    told = there.join(people.select(who="nss"), on="who", how="anti")
    everyone = pl.concat([registered, told]).sort(*_NAMES, "entry_date", nulls_last=True)
    file = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115  # whoever sends it closes it
    write_employees(everyone, file, language)
    file.seek(0)
    return file
