"""What the register says, for other rooms and workers. Actors: a job, an officer, or the fund's systems.

People are read through every number they have or had. An employment is that of its employer only.
"""

from collections.abc import Mapping, Sequence
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
    SELECT DISTINCT ON (coalesce(m.person_id, o.person_id), e.entry_date)
           coalesce(m.nss, o.nss) AS nss, e.entry_date, e.exit_date, e.rate_category, e.centre
      FROM bearers
      JOIN employments e ON e.person_id = bearers.person_id
      JOIN people o ON o.person_id = e.person_id
      LEFT JOIN people m ON m.person_id = o.merged_into
     WHERE e.employer_id = $1 AND coalesce(m.nss, o.nss) = ANY ($2::text[])
     ORDER BY coalesce(m.person_id, o.person_id), e.entry_date, e.updated_at DESC
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
    "centre": pl.String,
}

_EMPLOYMENTS_OF_MANY = {
    "employer_id": pl.Int64,
    "nss": pl.String,
    "last_name": pl.String,
    "first_name": pl.String,
    "birth_date": pl.Date,
    "entry_date": pl.Date,
    "exit_date": pl.Date,
    "centre": pl.String,
    "rate_category": pl.String,
}

_EVERY_EMPLOYMENT = {
    "nss": pl.String,
    "person_id": pl.Int64,
    "entry_date": pl.Date,
    "exit_date": pl.Date,
    "centre": pl.String,
    "rate_category": pl.String,
}
"""The columns of `_EMPLOYMENTS` in its order."""

_NUMBERS = """
    SELECT asked.nss, every.nss AS number, coalesce(m.nss, p.nss) AS current_nss
      FROM insured_numbers asked
      JOIN people p ON p.person_id = asked.person_id
      LEFT JOIN people m ON m.person_id = p.merged_into
      JOIN LATERAL (
               SELECT o.person_id FROM people o WHERE o.merged_into = coalesce(p.merged_into, p.person_id)
                UNION ALL
               SELECT coalesce(p.merged_into, p.person_id)
           ) bearer ON true
      JOIN insured_numbers every ON every.person_id = bearer.person_id
     WHERE asked.nss = ANY ($1::text[])
"""
_NUMBERS_FRAME = {"nss": pl.String, "number": pl.String, "current_nss": pl.String}

_EMPLOYEES = """
    WITH canonical AS (
        SELECT DISTINCT coalesce(p.merged_into, p.person_id) AS person_id
          FROM people p
         WHERE p.person_id = ANY ($2::bigint[])
    ), bearers AS (
        SELECT person_id, person_id AS bearer FROM canonical
         UNION
        SELECT o.merged_into, o.person_id FROM people o JOIN canonical ON o.merged_into = canonical.person_id
    )
    SELECT DISTINCT ON (b.person_id, e.entry_date)
           min(e.person_id) OVER (PARTITION BY b.person_id) AS employee, p.nss, p.last_name, p.first_name,
           p.last_name_ar, p.first_name_ar, p.birth_date, e.entry_date, e.exit_date, e.centre, e.rate_category
      FROM bearers b
      JOIN employments e ON e.employer_id = $1 AND e.person_id = b.bearer
      JOIN people p ON p.person_id = b.person_id
     ORDER BY b.person_id, e.entry_date, e.updated_at DESC
"""
_EMPLOYEE_FRAME = {
    "employee": pl.Int64,
    "nss": pl.String,
    "last_name": pl.String,
    "first_name": pl.String,
    "last_name_ar": pl.String,
    "first_name_ar": pl.String,
    "birth_date": pl.Date,
    "entry_date": pl.Date,
    "exit_date": pl.Date,
    "centre": pl.String,
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
    rate_category, centre."""
    if nss is None:
        every = await fetch_frame(connection, _EMPLOYMENTS, employer_id, schema=_EVERY_EMPLOYMENT)
        return every.select(*_EMPLOYMENTS_FRAME)
    return _frame(await connection.fetch(_EMPLOYMENTS_OF, employer_id, sorted(set(nss))), _EMPLOYMENTS_FRAME)


async def employments_of_many(connection: Connection, employer_ids: Sequence[int]) -> pl.DataFrame:
    """Every spell at these employers by the person's current number: employer_id, nss, names, birth_date, entry_date,
    exit_date, centre, rate_category. Of one employer, or of many for the fund's systems."""
    return await fetch_frame(
        connection,
        """
        SELECT DISTINCT ON (e.employer_id, coalesce(m.person_id, p.person_id), e.entry_date)
               e.employer_id, coalesce(m.nss, p.nss), coalesce(m.last_name, p.last_name),
               coalesce(m.first_name, p.first_name),
               CASE WHEN m.person_id IS NULL THEN p.birth_date ELSE m.birth_date END,
               e.entry_date, e.exit_date, e.centre, e.rate_category
          FROM employments e
          JOIN people p ON p.person_id = e.person_id
          LEFT JOIN people m ON m.person_id = p.merged_into
         WHERE e.employer_id = ANY ($1::bigint[])
         ORDER BY e.employer_id, coalesce(m.person_id, p.person_id), e.entry_date, e.updated_at DESC
        """,
        list(employer_ids),
        schema=_EMPLOYMENTS_OF_MANY,
    )


async def numbers_frame(connection: Connection, nss: Sequence[str]) -> pl.DataFrame:
    """Every number of the people these numbers lead to: nss as asked, number, current_nss. None for who is unknown."""
    asked = sorted(set(nss))
    if len(asked) <= _FEW:
        return _frame(await connection.fetch(_NUMBERS, asked), _NUMBERS_FRAME)
    return await fetch_frame(connection, _NUMBERS, asked, schema=_NUMBERS_FRAME)


async def employees_named(connection: Connection, employer_id: int, nss: Sequence[str]) -> pl.DataFrame:
    """The employees that these numbers lead to, as `employees_of` gives them."""
    rows = await connection.fetch(
        "SELECT person_id FROM insured_numbers WHERE nss = ANY ($1::text[])", sorted(set(nss))
    )
    return await employees_of(connection, employer_id, [row["person_id"] for row in rows])


async def employees_of(connection: Connection, employer_id: int, people: Sequence[int]) -> pl.DataFrame:
    """Every employment here of these people and of who they were merged with, a row each.

    `employee` names the person among this employer's: the first id they ever had here. Then the current number, names
    in both scripts, birth_date, entry_date, exit_date, centre, rate_category.
    """
    return _frame(await connection.fetch(_EMPLOYEES, employer_id, list(people)), _EMPLOYEE_FRAME)


async def employees_born_on(connection: Connection, employer_id: int, days: Sequence[date]) -> list[str]:
    """The present numbers of who is or was employed here and was born on one of these days."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT coalesce(m.nss, p.nss) AS nss
          FROM employments e
          JOIN people p ON p.person_id = e.person_id
          LEFT JOIN people m ON m.person_id = p.merged_into
         WHERE e.employer_id = $1
           AND CASE WHEN m.person_id IS NULL THEN p.birth_date ELSE m.birth_date END = ANY ($2::date[])
        """,
        employer_id,
        sorted(set(days)),
    )
    return [row["nss"] for row in rows]


async def employee_ids(connection: Connection, employer_id: int, *, after: int, limit: int) -> list[int]:
    """The next ids, above `after`, of who is or was employed here."""
    rows = await connection.fetch(
        "SELECT DISTINCT person_id FROM employments WHERE employer_id = $1 AND person_id > $2"
        " ORDER BY person_id LIMIT $3",
        employer_id,
        after,
        limit,
    )
    return [row["person_id"] for row in rows]


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


def _frame(rows: Sequence[Record], schema: Mapping[str, type[pl.DataType]]) -> pl.DataFrame:
    return pl.DataFrame({name: [row[name] for row in rows] for name in schema}, schema=schema)
