"""The employment register as it is asked: the fund's employments and the employer's movements, folded together.

Read as a job of the platform, since members themselves read nobody's record: only people are looked at whom the
employer names, or who are employees of theirs. What the register of people says of someone is shown of the fund's own
employments alone; of those an employer only told, it is their own words (`told`).
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import polars as pl

from teledeclaration.database import Connection
from teledeclaration.payroll.law.duplicates import the_person
from teledeclaration.payroll.law.employment import EMPLOYMENT_SCHEMA, MOVEMENT_SCHEMA, in_force, register
from teledeclaration.payroll.law.movement_checks import Declared, who_moves
from teledeclaration.payroll.queries import movements as told_before
from teledeclaration.payroll.queries import presence
from teledeclaration.registry import facts as registers

_NO_MOVEMENTS = pl.DataFrame(schema=MOVEMENT_SCHEMA)
_NAMES_AR = {"last_name_ar": "last_name", "first_name_ar": "first_name"}


@dataclass(frozen=True)
class Known:
    """What is known of some people, or of everyone: spells, the movements in force, and all that were ever told."""

    spells: pl.DataFrame
    told: pl.DataFrame
    ever: pl.DataFrame


async def register_for(
    connection: Connection, employer_id: int, nss: Sequence[str] | None = None, *, known_on: date | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The spells and the movements in force (see `law.employment`) of everyone, or of those whom these numbers lead to.

    With numbers, both stand under the numbers as asked; with them comes whoever was told without a number.
    `known_on`: as the movements told by the end of that day give it.
    """
    known = await known_of(connection, employer_id, nss, known_on=known_on)
    return known.spells, known.told


async def known_of(
    connection: Connection,
    employer_id: int,
    nss: Sequence[str] | None = None,
    *,
    known_on: date | None = None,
    without: Collection[UUID] = (),
    as_asked: bool = True,
) -> Known:
    """The same with all that was ever told; as if the movements `without` were not in force.

    Unless `as_asked`, everyone stands under their present number only.
    """
    registered = await _registered(connection, employer_id, nss, as_asked=as_asked)
    if not await told_before.any_movement(connection, employer_id=employer_id):
        spells = registered.as_asked(register(registered.employments, _NO_MOVEMENTS))
        return Known(spells, _NO_MOVEMENTS, _NO_MOVEMENTS)
    said = await told_before.select_movement_frame(connection, employer_id=employer_id, numbers=registered.numbers)
    ever = await _of_people(connection, said, registered)
    movements = in_force(ever, known_on).filter(~pl.col("movement_id").is_in([str(one) for one in without]))
    spells = await asyncio.to_thread(register, registered.employments, movements)
    return Known(*(registered.as_asked(frame) for frame in (spells, movements, ever)))


class _Registered:
    """What the fund's registers know: employments, and of the numbers asked about every one that leads to the same."""

    def __init__(self, employments: pl.DataFrame, asked: pl.DataFrame | None, *, by_asked: bool) -> None:
        self.employments = employments.with_columns(who="nss").select(
            pl.col(name).cast(kind) for name, kind in EMPLOYMENT_SCHEMA.items()
        )
        self.asked = asked
        self.by_asked = by_asked

    @property
    def numbers(self) -> list[str] | None:
        """Every number that someone asked about has or had; None where all are asked about."""
        return None if self.asked is None else self.asked["number"].unique().to_list()

    def as_asked(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Rows by `who` under each number they were asked by, where that is wished."""
        if self.asked is None or not self.by_asked:
            return frame
        names = self.asked.select(who="current_nss", asked="nss").unique()
        found = frame.join(names, on="who", how="left", maintain_order="left")
        return found.with_columns(who=pl.coalesce("asked", "who")).drop("asked")


async def _registered(
    connection: Connection, employer_id: int, nss: Sequence[str] | None, *, as_asked: bool
) -> _Registered:
    if nss is None:
        return _Registered(await registers.employments_frame(connection, employer_id), None, by_asked=False)
    asked = pl.DataFrame({"nss": sorted(set(nss))}, schema={"nss": pl.String})
    numbers = await registers.numbers_frame(connection, asked["nss"].to_list())
    unknown = asked.join(numbers, on="nss", how="anti").select("nss", number="nss", current_nss="nss")
    whole = pl.concat([numbers, unknown])
    present = whole["current_nss"].unique().to_list()
    employments = await registers.employments_frame(connection, employer_id, present)
    return _Registered(employments, whole, by_asked=as_asked)


async def _of_people(connection: Connection, said: pl.DataFrame, registered: _Registered) -> pl.DataFrame:
    """Movements with `who`: the present number, else names and birth.

    Whoever was told without a number, and has one since in another movement or among the fund's employments here, is
    the person of that number.
    """
    if registered.asked is None:
        known = await registers.known_people_frame(connection, said["nss"].drop_nulls().unique().to_list())
        present = known.select("nss", present="current_nss").unique("nss")
    else:
        present = registered.asked.select(nss="number", present="current_nss").unique("nss")
    whole = said.join(present, on="nss", how="left", maintain_order="left")
    whole = whole.with_columns(who=pl.coalesce("present", who_moves()))
    nameless = whole.filter(pl.col("nss").is_null())
    if nameless.height:
        numbered = await _numbered_since(connection, whole, registered)
        named = whole.with_columns(person=the_person()).join(numbered, on="person", how="left", maintain_order="left")
        unnumbered = pl.col("nss").is_null()
        whole = named.with_columns(who=pl.when(unnumbered).then(pl.coalesce("since", "who")).otherwise("who"))
    return whole.select(pl.col(name).cast(kind) for name, kind in MOVEMENT_SCHEMA.items())


async def _numbered_since(connection: Connection, whole: pl.DataFrame, registered: _Registered) -> pl.DataFrame:
    """`person` (names and birth) with `since`, the only number that bears them here."""
    numbers = registered.employments["nss"].unique().to_list()
    people = await registers.known_people_frame(connection, numbers)
    arabic = people.filter(pl.col("last_name_ar") != "").drop("last_name", "first_name").rename(_NAMES_AR)
    frames = [
        whole.filter(pl.col("nss").is_not_null()).select(person=the_person(), since="who"),
        people.select(person=the_person(), since="current_nss"),
        arabic.select(person=the_person(), since="current_nss"),
    ]
    return pl.concat(frames).unique().filter(~pl.col("person").is_duplicated())


EMPLOYMENTS_KNOWN = ("nss", "entry_date", "exit_date", "rate_category", "centre", "told")


async def employments_known(connection: Connection, employer_id: int, nss: Sequence[str] | None = None) -> pl.DataFrame:
    """As `registry.facts.employments_frame` gives the fund's employments, with what the employer told since.

    EMPLOYMENTS_KNOWN; `told`: the fund does not know the employment, so nothing of the register of people may be told
    of them for it. Who has no number is not among them, nor a spell whose entry nobody knows.
    """
    if not await told_before.any_movement(connection, employer_id=employer_id):
        registered = await registers.employments_frame(connection, employer_id, nss)
        return registered.with_columns(told=pl.lit(value=False)).select(EMPLOYMENTS_KNOWN)
    spells, _ = await register_for(connection, employer_id, nss)
    by_fund = (pl.col("source") == "fund").any().over("who")
    return (
        spells.filter(pl.col("nss").is_not_null() & pl.col("entry_date").is_not_null())
        .with_columns(told=~by_fund, rate_category=pl.col("rate_category"))
        .filter(pl.lit(nss is None) | pl.col("nss").is_in(list(nss or ())))
        .select(EMPLOYMENTS_KNOWN)
        .unique(maintain_order=True)
    )


_PEOPLE = ("last_name", "first_name", "last_name_ar", "first_name_ar", "birth_date")


async def employees_known(
    connection: Connection, employer_id: int, *, first_day: date, last_day: date, centres: Sequence[str | None]
) -> pl.DataFrame:
    """As `registry.facts.employees_frame` gives the fund's employees, with what the employer told since.

    Names and birth are the register's for the fund's own employments, else the employer's words. Who has no number is
    not among them.
    """
    if not await told_before.any_movement(connection, employer_id=employer_id):
        return await registers.employees_frame(
            connection, employer_id, first_day=first_day, last_day=last_day, centres=centres
        )
    spells, _ = await register_for(connection, employer_id)
    come = pl.col("entry_date").is_null() | (pl.col("entry_date") <= last_day)
    stayed = pl.col("exit_date").is_null() | (pl.col("exit_date") >= first_day)
    here = pl.col("centre").fill_null("").is_in([centre or "" for centre in centres])
    there = spells.filter(pl.col("nss").is_not_null() & come & stayed & here)
    employments = await registers.employments_frame(connection, employer_id)
    own = there.join(employments.select("nss"), on="nss", how="semi")
    people = await registers.known_people_frame(connection, own["nss"].unique().to_list())
    named = own.select("nss", "entry_date", "exit_date").join(people.unique("nss"), on="nss")
    told = there.join(employments.select("nss"), on="nss", how="anti")
    told = told.with_columns(last_name_ar=pl.lit(""), first_name_ar=pl.lit(""))
    columns = ["nss", *_PEOPLE, "entry_date", "exit_date"]
    return pl.concat([named.select(columns), told.select(columns)])


async def declared_of(connection: Connection, employer_id: int, nss: Sequence[str], days: Sequence[date]) -> Declared:
    """What stands declared of the years of these days, and in which of their periods these people have a base."""
    years = sorted({day.year for day in days})
    periods = await presence.select_declared_periods(connection, employer_id=employer_id, years=years)
    if not periods:
        return Declared(periods=(), presence=pl.DataFrame(schema=presence.PRESENCE_SCHEMA))
    found = await presence.select_presence(connection, employer_id=employer_id, years=years, numbers=nss)
    return Declared(periods=tuple(periods), presence=found)
