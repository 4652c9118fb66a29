"""Movements as they were told: written once, read ever after. A correction or a withdrawal is a row of its own."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import msgspec
import polars as pl

from teledeclaration.database import Connection
from teledeclaration.frames import fetch_frame
from teledeclaration.payroll.law.employment import MOVEMENT_SCHEMA

Day = date
"""A type beside the fields called `date`."""

_FEW = 1_000
"""Up to so many people are asked for row by row."""


class NewMovement(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `movements` about to be written; `again` says how often the same was told and then taken back."""

    movement_id: UUID
    draft_id: UUID | None
    line_number: int | None
    kind: str
    date: Day
    centre: str | None
    nss: str | None
    last_name: str
    first_name: str
    birth_date: Day | None
    reason: str | None
    rate_category: str | None
    hours_a_week: Decimal | None
    replaces: UUID | None
    withdrawn: bool
    again: int
    tell_by: Day | None
    told_by: str
    told_at: datetime
    legal_day: Day


class MovementRow(msgspec.Struct, frozen=True, kw_only=True):
    """A movement as told, and what became of it: `replaced_by` is the one that corrects or withdraws it."""

    movement_id: UUID
    draft_id: UUID | None
    line_number: int | None
    kind: str
    date: Day
    centre: str | None
    nss: str | None
    last_name: str
    first_name: str
    birth_date: Day | None
    reason: str | None
    rate_category: str | None
    hours_a_week: Decimal | None
    replaces: UUID | None
    withdrawn: bool
    tell_by: Day | None
    told_by: str
    told_at: datetime
    legal_day: Day
    replaced_by: UUID | None
    taken_back: bool


_COLUMNS = tuple(field.name for field in msgspec.structs.fields(NewMovement))
_NAMES = ", ".join(_COLUMNS)
_LATER = "LEFT JOIN movements later ON later.employer_id = m.employer_id AND later.replaces = m.movement_id"
_MOVEMENT = f"""
SELECT m.movement_id, m.draft_id, m.line_number, m.kind, m.date, m.centre, m.nss, m.last_name, m.first_name,
       m.birth_date, m.reason, m.rate_category, m.hours_a_week, m.replaces, m.withdrawn, m.tell_by, m.told_by,
       m.told_at, m.legal_day, later.movement_id AS replaced_by, coalesce(later.withdrawn, false) AS taken_back
  FROM movements m
  {_LATER}
"""

_FRAME = {name: kind for name, kind in MOVEMENT_SCHEMA.items() if name != "who"}
_AS_FRAME = f"""
SELECT m.movement_id::text, m.kind, m.date, m.centre, m.nss, m.last_name, m.first_name, m.birth_date, m.reason,
       m.rate_category, m.hours_a_week, m.replaces::text, m.withdrawn, m.tell_by, m.legal_day, later.legal_day
  FROM movements m
  {_LATER}
 WHERE m.employer_id = $1
"""


async def any_movement(connection: Connection, *, employer_id: int) -> bool:
    """Whether the employer ever told one."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM movements WHERE employer_id = $1)", employer_id
    )
    return found


async def last_told(connection: Connection, *, employer_id: int) -> datetime | None:
    """When the employer told something last."""
    moment: datetime | None = await connection.fetchval(
        "SELECT max(told_at) FROM movements WHERE employer_id = $1", employer_id
    )
    return moment


async def select_movement_frame(
    connection: Connection, *, employer_id: int, numbers: Sequence[str] | None = None
) -> pl.DataFrame:
    """Movements as MOVEMENT_SCHEMA says, without `who`: all, or those under these numbers and those without one."""
    if numbers is None:
        return await fetch_frame(connection, _AS_FRAME, employer_id, schema=_FRAME)
    asked = f"{_AS_FRAME} AND (m.nss = ANY ($2::text[]) OR m.nss IS NULL)"
    if len(numbers) > _FEW:
        return await fetch_frame(connection, asked, employer_id, list(numbers), schema=_FRAME)
    rows = await connection.fetch(asked, employer_id, list(numbers))
    return pl.DataFrame([tuple(row.values()) for row in rows], schema=_FRAME, orient="row")


_LINE_FRAME: dict[str, type[pl.DataType] | pl.DataType] = {
    "line_number": pl.Int32,
    "kind": pl.String,
    **{
        name: MOVEMENT_SCHEMA[name]
        for name in (
            "date", "nss", "last_name", "first_name", "birth_date", "reason", "rate_category", "hours_a_week",
        )
    },
}  # fmt: skip


async def select_lines_to_tell(connection: Connection, *, employer_id: int, reading_id: UUID) -> pl.DataFrame:
    """A reading's lines that are not left out, in order."""
    return await fetch_frame(
        connection,
        """
        SELECT line_number, movement, date, nss, last_name, first_name, birth_date, reason, rate_category, hours_a_week
          FROM lines
         WHERE employer_id = $1 AND reading_id = $2 AND NOT left_out
         ORDER BY line_number
        """,
        employer_id,
        reading_id,
        schema=_LINE_FRAME,
    )


async def select_found_lines(connection: Connection, *, employer_id: int, reading_id: UUID, code: str) -> set[int]:
    """The lines of a reading in which this was found."""
    rows = await connection.fetch(
        "SELECT DISTINCT line_number FROM findings"
        " WHERE employer_id = $1 AND reading_id = $2 AND code = $3 AND line_number IS NOT NULL",
        employer_id,
        reading_id,
        code,
    )
    return {row["line_number"] for row in rows}


async def insert_movements(
    connection: Connection, *, employer_id: int, batch: UUID, rows: Sequence[NewMovement]
) -> int:
    """Write movements of one telling; those told already stay as they were. How many are new.

    In an order that is the same for all, so that two tellings of the same people wait for one another, never both.
    """
    await connection.copy_records_to_table(
        "incoming_movements",
        records=[(batch, employer_id, *msgspec.structs.astuple(row)) for row in rows],
        columns=["batch", "employer_id", *_COLUMNS],
    )
    status = await connection.execute(
        f"INSERT INTO movements (employer_id, {_NAMES}) SELECT $1, {_NAMES} FROM incoming_movements"
        " WHERE employer_id = $1 AND batch = $2"
        " ORDER BY nss, last_name, first_name, birth_date, kind, date, movement_id ON CONFLICT DO NOTHING",
        employer_id,
        batch,
    )
    await connection.execute("DELETE FROM incoming_movements WHERE employer_id = $1 AND batch = $2", employer_id, batch)
    return int(status.rpartition(" ")[2])


async def insert_correction(connection: Connection, *, employer_id: int, row: NewMovement) -> None:
    """Write a movement that corrects or withdraws another; UniqueViolationError where that was replaced already."""
    places = ", ".join(f"${place}" for place in range(2, len(_COLUMNS) + 2))
    await connection.execute(
        f"INSERT INTO movements (employer_id, {_NAMES}) VALUES ($1, {places})",
        employer_id,
        *msgspec.structs.astuple(row),
    )


async def select_movement(connection: Connection, *, employer_id: int, movement_id: UUID) -> MovementRow | None:
    row = await connection.fetchrow(
        f"{_MOVEMENT} WHERE m.employer_id = $1 AND m.movement_id = $2", employer_id, movement_id
    )
    return None if row is None else msgspec.convert(row, MovementRow)


async def select_named_movements(
    connection: Connection, *, employer_id: int, movement_ids: Sequence[UUID]
) -> list[MovementRow]:
    """These movements, as far as they are the employer's, in the order they were told."""
    rows = await connection.fetch(
        f"{_MOVEMENT} WHERE m.employer_id = $1 AND m.movement_id = ANY ($2) ORDER BY m.told_at, m.movement_id",
        employer_id,
        list(movement_ids),
    )
    return [msgspec.convert(row, MovementRow) for row in rows]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which movements are asked for: of these kinds, days and tellings; every one where nothing is said."""

    movement_ids: list[UUID] | None = None
    kind: str | None = None
    first_day: date | None = None
    last_day: date | None = None
    told_since: datetime | None = None


async def select_movements(
    connection: Connection, *, employer_id: int, wanted: Wanted, after: UUID | None, limit: int
) -> list[MovementRow]:
    """As they were told, the last first; from behind the one `after` on."""
    rows = await connection.fetch(
        f"""{_MOVEMENT}
         WHERE m.employer_id = $1
           AND ($2::uuid[] IS NULL OR m.movement_id = ANY ($2))
           AND ($3::text IS NULL OR m.kind = $3)
           AND ($4::date IS NULL OR m.date >= $4) AND ($5::date IS NULL OR m.date <= $5)
           AND ($6::timestamptz IS NULL OR m.told_at >= $6)
           AND ($7::uuid IS NULL OR (m.told_at, m.movement_id) < (
                   SELECT last.told_at, last.movement_id FROM movements last
                    WHERE last.employer_id = $1 AND last.movement_id = $7))
         ORDER BY m.told_at DESC, m.movement_id DESC
         LIMIT $8""",
        employer_id,
        wanted.movement_ids,
        wanted.kind,
        wanted.first_day,
        wanted.last_day,
        wanted.told_since,
        after,
        limit,
    )
    return [msgspec.convert(row, MovementRow) for row in rows]


async def select_ids_in_force(
    connection: Connection, *, employer_id: int, known_on: date | None, after: UUID | None, limit: int
) -> list[UUID]:
    """The next movements in force by id, from behind `after` on; with `known_on`, those in force at its end."""
    rows = await connection.fetch(
        """
        SELECT m.movement_id
          FROM movements m
         WHERE m.employer_id = $1 AND ($3::uuid IS NULL OR m.movement_id > $3) AND NOT m.withdrawn
           AND ($2::date IS NULL OR m.legal_day <= $2)
           AND NOT EXISTS (SELECT 1 FROM movements later
                            WHERE later.employer_id = m.employer_id AND later.replaces = m.movement_id
                              AND ($2::date IS NULL OR later.legal_day <= $2))
         ORDER BY m.movement_id
         LIMIT $4
        """,
        employer_id,
        known_on,
        after,
        limit,
    )
    return [row["movement_id"] for row in rows]


async def select_numbers_born_on(connection: Connection, *, employer_id: int, days: Sequence[date]) -> list[str]:
    """The numbers under which people born on one of these days were told."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT nss FROM movements
         WHERE employer_id = $1 AND nss IS NOT NULL AND birth_date = ANY ($2::date[])
        """,
        employer_id,
        list(days),
    )
    return [row["nss"] for row in rows]


async def insert_registrations(
    connection: Connection,
    *,
    employer_id: int,
    movement_ids: Sequence[UUID],
    requested_by: str,
    now: datetime,
) -> int:
    """Ask for a number for everyone these movements are about, but for whom one is asked for already; how many.

    The same person, by names and birth, is asked for once, whatever asked first: a declaration or a movement.
    """
    status = await connection.execute(
        """
        INSERT INTO registrations (employer_id, registration_id, movement_id, last_name, first_name, birth_date,
                                   entry_date, requested_by, created_at)
        SELECT $1, gen_random_uuid(), told.movement_id, told.last_name, told.first_name, told.birth_date,
               CASE told.kind WHEN 'entry' THEN told.date END, $3, $4
          FROM (SELECT DISTINCT ON (m.last_name, m.first_name, m.birth_date) m.*
                  FROM movements m
                 WHERE m.employer_id = $1 AND m.movement_id = ANY ($2)
                 ORDER BY m.last_name, m.first_name, m.birth_date, m.date, m.movement_id) told
         WHERE NOT EXISTS (SELECT 1 FROM registrations g
                            WHERE g.employer_id = $1 AND g.last_name = told.last_name
                              AND g.first_name = told.first_name
                              AND g.birth_date IS NOT DISTINCT FROM told.birth_date)
        """,
        employer_id,
        list(movement_ids),
        requested_by,
        now,
    )
    return int(status.rpartition(" ")[2])
