"""What the register says, for other rooms and workers. Actors: a job, an officer, or the fund's systems.

People are read through every number they have or had. An employment is that of its employer only.
"""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec
import polars as pl
from asyncpg import Record

from schemas.registry import EmploymentFact, KnownPerson
from teledeclaration.database import Connection
from teledeclaration.frames import fetch_frame

_KNOWN = """
    SELECT asked.nss, coalesce(m.nss, p.nss) AS current_nss, coalesce(m.person_id, p.person_id) AS person_id,
           coalesce(m.last_name, p.last_name) AS last_name, coalesce(m.first_name, p.first_name) AS first_name,
           coalesce(m.last_name_ar, p.last_name_ar) AS last_name_ar,
           coalesce(m.first_name_ar, p.first_name_ar) AS first_name_ar,
           CASE WHEN m.person_id IS NULL THEN p.birth_date ELSE m.birth_date END AS birth_date
      FROM insured_numbers asked
      JOIN people p ON p.person_id = asked.person_id
      LEFT JOIN people m ON m.person_id = p.merged_into
     WHERE asked.nss = ANY ($1::text[])
"""

_EMPLOYMENTS = """
    SELECT DISTINCT ON (coalesce(m.person_id, p.person_id), e.entry_date)
           coalesce(m.nss, p.nss) AS nss, coalesce(m.person_id, p.person_id) AS person_id,
           e.entry_date, e.exit_date, e.centre, e.rate_category
      FROM employments e
      JOIN people p ON p.person_id = e.person_id
      LEFT JOIN people m ON m.person_id = p.merged_into
     WHERE e.employer_id = $1
     ORDER BY coalesce(m.person_id, p.person_id), e.entry_date, e.updated_at DESC
"""
"""A person's merger is looked up by its key, not by an expression: the register may be too new for statistics."""

_EMPLOYMENTS_OF = """
    WITH named AS (
        SELECT coalesce(p.merged_into, p.person_id) AS person_id
          FROM insured_numbers asked
          JOIN people p ON p.person_id = asked.person_id
         WHERE asked.nss = ANY ($2::text[])
    ), bearers AS (
        SELECT person_id FROM named
         UNION
        SELECT o.person_id FROM people o JOIN named ON o.merged_into = named.person_id
    )
    SELECT DISTINCT ON (p.person_id, e.entry_date)
           p.nss, e.entry_date, e.exit_date, e.rate_category
      FROM bearers
      JOIN employments e ON e.person_id = bearers.person_id
      JOIN people o ON o.person_id = e.person_id
      JOIN people p ON p.person_id = coalesce(o.merged_into, o.person_id)
     WHERE e.employer_id = $1 AND p.nss = ANY ($2::text[])
     ORDER BY p.person_id, e.entry_date, e.updated_at DESC
"""

_FEW = 1_000
"""Up to so many are fetched row by row: COPY pays for its two round trips from some thousands on."""
_PEOPLE_FRAME = {
    "nss": pl.String,
    "current_nss": pl.String,
    "last_name": pl.String,
    "first_name": pl.String,
    "last_name_ar": pl.String,
    "first_name_ar": pl.String,
    "birth_date": pl.Date,
}
_KNOWN_FRAME = {
    **{name: _PEOPLE_FRAME[name] for name in ("nss", "current_nss")},
    "person_id": pl.Int64,
    **{name: kind for name, kind in _PEOPLE_FRAME.items() if name not in ("nss", "current_nss")},
}
"""The columns of `_KNOWN` in its order."""

_EMPLOYEES_FRAME = {
    "nss": pl.String,
    "last_name": pl.String,
    "first_name": pl.String,
    "last_name_ar": pl.String,
    "first_name_ar": pl.String,
    "birth_date": pl.Date,
    "entry_date": pl.Date,
    "exit_date": pl.Date,
}
_EMPLOYMENTS_FRAME = {
    "nss": pl.String,
    "entry_date": pl.Date,
    "exit_date": pl.Date,
    "rate_category": pl.String,
}


async def known_people(connection: Connection, nss: Sequence[str]) -> list[KnownPerson]:
    """The people these numbers lead to, one entry for each number that is known, in no order."""
    rows = await connection.fetch(_KNOWN, sorted(set(nss)))
    return [msgspec.convert(row, KnownPerson) for row in rows]


async def known_people_frame(connection: Connection, nss: Sequence[str]) -> pl.DataFrame:
    """The same as columns: nss as asked, current_nss, names in both scripts, birth_date."""
    asked = sorted(set(nss))
    if len(asked) <= _FEW:
        return _frame(await connection.fetch(_KNOWN, asked), _PEOPLE_FRAME)
    known = await fetch_frame(connection, _KNOWN, asked, schema=_KNOWN_FRAME)
    return known.select(*_PEOPLE_FRAME)


async def anyone_known(connection: Connection) -> bool:
    """Whether the register of people was ever loaded: an empty one knows nothing, and doubts nobody."""
    known: bool = await connection.fetchval("SELECT EXISTS (SELECT 1 FROM people)")
    return known


async def employments_of(connection: Connection, employer_id: int) -> list[EmploymentFact]:
    """Every spell at this employer, by the person's current number."""
    return [msgspec.convert(row, EmploymentFact) for row in await connection.fetch(_EMPLOYMENTS, employer_id)]


async def employments_frame(connection: Connection, employer_id: int, nss: Sequence[str] | None = None) -> pl.DataFrame:
    """The same as columns, of everyone or of who has one of these numbers today: nss, entry_date, exit_date,
    rate_category."""
    if nss is None:
        return _frame(await connection.fetch(_EMPLOYMENTS, employer_id), _EMPLOYMENTS_FRAME)
    return _frame(await connection.fetch(_EMPLOYMENTS_OF, employer_id, sorted(set(nss))), _EMPLOYMENTS_FRAME)


async def employees_frame(
    connection: Connection, employer_id: int, *, first_day: date, last_day: date, centres: Sequence[str | None]
) -> pl.DataFrame:
    """Who worked for this employer between two days at one of these centres (None: at none that is known).

    A row a spell: the person's current number, names in both scripts, birth, entry and exit.
    """
    return await fetch_frame(
        connection,
        """
        SELECT DISTINCT ON (coalesce(m.person_id, p.person_id), e.entry_date)
               coalesce(m.nss, p.nss), coalesce(m.last_name, p.last_name), coalesce(m.first_name, p.first_name),
               coalesce(m.last_name_ar, p.last_name_ar), coalesce(m.first_name_ar, p.first_name_ar),
               CASE WHEN m.person_id IS NULL THEN p.birth_date ELSE m.birth_date END, e.entry_date, e.exit_date
          FROM employments e
          JOIN people p ON p.person_id = e.person_id
          LEFT JOIN people m ON m.person_id = p.merged_into
         WHERE e.employer_id = $1 AND e.entry_date <= $3 AND coalesce(e.exit_date, $3) >= $2
           AND coalesce(e.centre, '') = ANY ($4::text[])
         ORDER BY coalesce(m.person_id, p.person_id), e.entry_date, e.updated_at DESC
        """,
        employer_id,
        first_day,
        last_day,
        [centre or "" for centre in centres],
        schema=_EMPLOYEES_FRAME,
    )


async def register_version(connection: Connection, employer_id: int) -> str:
    """What a reading notes of the registers it was checked against: the last load done, the employer's last change.

    Any load of people or of employments that ends afterwards gives another text.
    """
    [row] = await connection.fetch(
        """
        SELECT (SELECT max(finished_at) FROM registry_loads
                 WHERE register IN ('people', 'employments') AND status = 'done') AS loaded,
               (SELECT max(updated_at) FROM employments WHERE employer_id = $1) AS changed
        """,
        employer_id,
    )
    return "/".join(_moment(moment) for moment in (row["loaded"], row["changed"]))


def _moment(moment: datetime | None) -> str:
    return "none" if moment is None else moment.isoformat(timespec="milliseconds")


def _frame(rows: Sequence[Record], schema: dict[str, type[pl.DataType]]) -> pl.DataFrame:
    return pl.DataFrame({name: [row[name] for row in rows] for name in schema}, schema=schema)
