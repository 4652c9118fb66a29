"""What the register says, for other rooms and workers. Actors: a job, an officer, or the fund's systems.

People are read through every number they have or had. An employment is that of its employer only.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec
import polars as pl
from asyncpg import Record

from schemas.registry import EmploymentFact, KnownPerson
from teledeclaration.database import Connection

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
    SELECT DISTINCT ON (p.person_id, e.entry_date)
           p.nss, p.person_id, e.entry_date, e.exit_date, e.centre, e.rate_category
      FROM employments e
      JOIN people o ON o.person_id = e.person_id
      JOIN people p ON p.person_id = coalesce(o.merged_into, o.person_id)
     WHERE e.employer_id = $1
     ORDER BY p.person_id, e.entry_date, e.updated_at DESC
"""

_PEOPLE_FRAME = {
    "nss": pl.String,
    "current_nss": pl.String,
    "last_name": pl.String,
    "first_name": pl.String,
    "last_name_ar": pl.String,
    "first_name_ar": pl.String,
    "birth_date": pl.Date,
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
    return _frame(await connection.fetch(_KNOWN, sorted(set(nss))), _PEOPLE_FRAME)


async def anyone_known(connection: Connection) -> bool:
    """Whether the register of people was ever loaded: an empty one knows nothing, and doubts nobody."""
    known: bool = await connection.fetchval("SELECT EXISTS (SELECT 1 FROM people)")
    return known


async def employments_of(connection: Connection, employer_id: int) -> list[EmploymentFact]:
    """Every spell at this employer, by the person's current number."""
    return [msgspec.convert(row, EmploymentFact) for row in await connection.fetch(_EMPLOYMENTS, employer_id)]


async def employments_frame(connection: Connection, employer_id: int) -> pl.DataFrame:
    """The same as columns: nss, entry_date, exit_date, rate_category."""
    return _frame(await connection.fetch(_EMPLOYMENTS, employer_id), _EMPLOYMENTS_FRAME)


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
