"""Periodic declarations: the bases of a month or quarter as they are filed, what is counted of them, their annexes."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from schemas.legislation import RateCategory
from schemas.periodic import AnnexMovement, PeriodicLine
from teledeclaration.database import Connection
from teledeclaration.money import Centimes
from teledeclaration.payroll.law.totals import Total

PERIODIC_CSV_HEADER = (
    "line_number;nss;last_name;first_name;birth_date;rate_category;workers;duration;unit;base;"
    "contract_start;contract_months;justification\n"
)
_COLUMNS = PERIODIC_CSV_HEADER.strip().split(";")
_NAMES = ", ".join(_COLUMNS)
_TEXT = "replace(replace(coalesce({0}, ''), ';', ','), E'\\n', ' ')"
PERIODIC_LINE_AS_CSV = " || ';' || ".join(
    _TEXT.format(name) if name in ("last_name", "first_name", "justification") else f"coalesce({name}::text, '')"
    for name in _COLUMNS
)
"""One line of a periodic declaration's `/lines.csv`: what the receipt's hash is taken over, bases in centimes."""

_AS_PERIODIC = """
SELECT row_number() OVER (ORDER BY line_number)::int AS line_number, nss, last_name, first_name, birth_date,
       rate_category, 1 AS workers, duration, unit, coalesce(amount, 0) AS base, contract_start, contract_months,
       justification
  FROM lines
 WHERE employer_id = $1 AND reading_id = $2 AND NOT left_out
"""
"""The lines of a reading by employee as they will be declared: those left out are gone, numbered again from 1."""

_STANDS = """NOT EXISTS (SELECT 1 FROM declarations later
                          WHERE later.employer_id = d.employer_id AND later.replaces = d.declaration_id)"""


_FIRST_DAY = """make_date(d.year, CASE WHEN d.period LIKE '%-Q%' THEN 3 * right(d.period, 1)::int - 2
                                        ELSE right(d.period, 2)::int END, 1)"""


class ReadingCounts(msgspec.Struct, frozen=True):
    """What a reading's lines come to: those to be filed, the people on them, and the sum of their bases in centimes.

    Of employees, one number is one person, and who has none is counted by the line; of rate lines, `people` are the
    workers they name.
    """

    line_count: int = 0
    left_out_count: int = 0
    people: int = 0
    base: Centimes = 0


async def count_employees(connection: Connection, *, employer_id: int, reading_id: UUID) -> ReadingCounts:
    """The counts of a reading by employee."""
    row = await connection.fetchrow(
        """
        SELECT count(*) FILTER (WHERE NOT left_out) AS line_count, count(*) FILTER (WHERE left_out) AS left_out_count,
               count(DISTINCT nss) FILTER (WHERE NOT left_out)
                   + count(*) FILTER (WHERE NOT left_out AND nss IS NULL) AS people,
               coalesce(sum(amount) FILTER (WHERE NOT left_out), 0)::bigint AS base
          FROM lines
         WHERE employer_id = $1 AND reading_id = $2
        """,
        employer_id,
        reading_id,
    )
    return msgspec.convert(row, ReadingCounts)


async def count_left_out(connection: Connection, *, employer_id: int, reading_id: UUID) -> int:
    """How many lines of a reading are left out."""
    count: int = await connection.fetchval(
        "SELECT count(*) FROM lines WHERE employer_id = $1 AND reading_id = $2 AND left_out", employer_id, reading_id
    )
    return count


async def select_code_totals(connection: Connection, *, employer_id: int, reading_id: UUID) -> list[tuple[str, Total]]:
    """The lines of a reading by rate line that are not left out: each code with its base and workers."""
    rows = await connection.fetch(
        """
        SELECT coalesce(code, '') AS code, coalesce(amount, 0) AS base, coalesce(workers, 0) AS workers
          FROM lines
         WHERE employer_id = $1 AND reading_id = $2 AND NOT left_out
         ORDER BY line_number
        """,
        employer_id,
        reading_id,
    )
    return [(row["code"], Total(row["base"], row["workers"])) for row in rows]


async def select_categories(connection: Connection, *, employer_id: int, reading_id: UUID) -> list[RateCategory]:
    """The rate categories of the lines of a reading by employee that are not left out."""
    rows = await connection.fetch(
        "SELECT DISTINCT rate_category FROM lines WHERE employer_id = $1 AND reading_id = $2 AND NOT left_out"
        " ORDER BY rate_category",
        employer_id,
        reading_id,
    )
    return [row["rate_category"] for row in rows]


async def insert_periodic_lines(
    connection: Connection, *, employer_id: int, declaration_id: UUID, reading_id: UUID
) -> None:
    """Declare the lines of a reading by employee."""
    await connection.execute(
        f"INSERT INTO periodic_lines (employer_id, declaration_id, {_NAMES})"
        f" SELECT $1, $3, {_NAMES} FROM ({_AS_PERIODIC}) AS declared",
        employer_id,
        reading_id,
        declaration_id,
    )


async def insert_periodic_totals(
    connection: Connection, *, employer_id: int, declaration_id: UUID, totals: Mapping[RateCategory, Total]
) -> None:
    """Declare bases by rate category, in the order given."""
    await connection.executemany(
        "INSERT INTO periodic_lines (employer_id, declaration_id, line_number, rate_category, workers, base)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        [
            (employer_id, declaration_id, number, category, total.workers, total.base)
            for number, (category, total) in enumerate(totals.items(), 1)
        ],
    )


async def hash_periodic_lines(connection: Connection, *, employer_id: int, reading_id: UUID) -> str:
    """The SHA-256 that `/lines.csv` will have once the lines of a reading by employee are filed."""
    digest: str = await connection.fetchval(
        f"""
        SELECT encode(sha256(convert_to(
                   $3 || coalesce(string_agg({PERIODIC_LINE_AS_CSV} || E'\\n', '' ORDER BY line_number), ''), 'UTF8'
               )), 'hex')
          FROM ({_AS_PERIODIC}) AS declared
        """,
        employer_id,
        reading_id,
        PERIODIC_CSV_HEADER,
    )
    return digest


def totals_as_csv(totals: Mapping[RateCategory, Total]) -> str:
    """What `/lines.csv` will be once these totals are filed."""
    lines = [
        f"{number};;;;;{category};{total.workers};;;{total.base};;;\n"
        for number, (category, total) in enumerate(totals.items(), 1)
    ]
    return PERIODIC_CSV_HEADER + "".join(lines)


async def insert_registrations(
    connection: Connection, *, employer_id: int, declaration_id: UUID, requested_by: str, now: datetime
) -> int:
    """Ask for a number for everyone declared without one, but for whom one is asked for already; how many."""
    status = await connection.execute(
        """
        INSERT INTO registrations (employer_id, registration_id, declaration_id, line_number, last_name, first_name,
                                   birth_date, requested_by, created_at)
        SELECT d.employer_id, gen_random_uuid(), d.declaration_id, d.line_number, d.last_name, d.first_name,
               d.birth_date, $3, $4
          FROM periodic_lines d
         WHERE d.employer_id = $1 AND d.declaration_id = $2 AND d.nss IS NULL AND d.last_name IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM registrations g
                            WHERE g.employer_id = $1 AND g.last_name = d.last_name AND g.first_name = d.first_name
                              AND g.birth_date IS NOT DISTINCT FROM d.birth_date)
        """,
        employer_id,
        declaration_id,
        requested_by,
        now,
    )
    return int(status.rpartition(" ")[2])


# ── what was filed ──────────────────────────────────────────────────────────────────────────────


async def select_periodic_lines(
    connection: Connection, *, employer_id: int, declaration_id: UUID, after: int, limit: int
) -> list[PeriodicLine]:
    """A page of a declaration's lines by number."""
    rows = await connection.fetch(
        f"""
        SELECT {_NAMES}
          FROM periodic_lines
         WHERE employer_id = $1 AND declaration_id = $2 AND line_number > $3
         ORDER BY line_number
         LIMIT $4
        """,
        employer_id,
        declaration_id,
        after,
        limit,
    )
    return [msgspec.convert(row, PeriodicLine) for row in rows]


async def select_lines_of_categories(
    connection: Connection, *, employer_id: int, declaration_id: UUID, categories: Sequence[RateCategory]
) -> list[PeriodicLine]:
    """A declaration's lines under some rate categories, by number."""
    rows = await connection.fetch(
        f"""
        SELECT {_NAMES}
          FROM periodic_lines
         WHERE employer_id = $1 AND declaration_id = $2 AND rate_category = ANY ($3::text[])
         ORDER BY line_number
        """,
        employer_id,
        declaration_id,
        list(categories),
    )
    return [msgspec.convert(row, PeriodicLine) for row in rows]


async def sum_by_category(
    connection: Connection, *, employer_id: int, declaration_ids: Sequence[UUID]
) -> dict[RateCategory, Total]:
    """Bases and workers of several declarations together, by rate category in order of name."""
    rows = await connection.fetch(
        """
        SELECT rate_category, sum(base)::bigint AS base, sum(workers)::int AS workers
          FROM periodic_lines
         WHERE employer_id = $1 AND declaration_id = ANY ($2::uuid[])
         GROUP BY rate_category
         ORDER BY rate_category
        """,
        employer_id,
        list(declaration_ids),
    )
    return {row["rate_category"]: Total(row["base"], row["workers"]) for row in rows}


async def select_overlapping(
    connection: Connection, *, employer_id: int, centre: str, periods: Sequence[str]
) -> str | None:
    """The number of a periodic declaration that stands for one of these periods; None where there is none."""
    number: str | None = await connection.fetchval(
        f"""
        SELECT d.number
          FROM declarations d
         WHERE d.employer_id = $1 AND d.form = 'periodic' AND d.centre = $2 AND d.period = ANY ($3::text[])
           AND {_STANDS}
         ORDER BY d.period, d.filed_at
         LIMIT 1
        """,
        employer_id,
        centre,
        list(periods),
    )
    return number


async def hold_periods(connection: Connection, *, employer_id: int, centre: str) -> None:
    """Let the filings of a centre's periods follow one another until the transaction ends: no two may overlap."""
    await connection.execute("SELECT pg_advisory_xact_lock($1::int, hashtext($2))", employer_id % 2**31, centre)


async def select_last_declared(
    connection: Connection, *, employer_id: int, centre: str, before: date
) -> tuple[str, list[UUID]] | None:
    """The last period before a day of which bases stand declared, and the declarations that say them."""
    rows = await connection.fetch(
        f"""
        SELECT d.period, d.declaration_id
          FROM declarations d
         WHERE d.employer_id = $1 AND d.form = 'periodic' AND d.centre = $2 AND {_FIRST_DAY} < $3 AND d.line_count > 0
           AND {_STANDS}
         ORDER BY {_FIRST_DAY} DESC, d.filed_at, d.declaration_id
        """,
        employer_id,
        centre,
        before,
    )
    last = rows[0]["period"] if rows else None
    return last and (last, [row["declaration_id"] for row in rows if row["period"] == last])


async def select_lines_of(
    connection: Connection, *, employer_id: int, declaration_ids: Sequence[UUID]
) -> list[PeriodicLine]:
    """The lines by employee of several declarations, each in its order, the first declaration's first."""
    rows = await connection.fetch(
        f"""
        SELECT {_NAMES}
          FROM periodic_lines
         WHERE employer_id = $1 AND declaration_id = ANY ($2::uuid[]) AND last_name IS NOT NULL
         ORDER BY array_position($2::uuid[], declaration_id), line_number
        """,
        employer_id,
        list(declaration_ids),
    )
    return [msgspec.convert(row, PeriodicLine) for row in rows]


# ── rebates ─────────────────────────────────────────────────────────────────────────────────────


async def select_rebates_declared_before(
    connection: Connection, *, employer_id: int, reading_id: UUID, categories: Sequence[RateCategory], over_from: date
) -> list[tuple[int, str]]:
    """The lines of a reading by employee whose person was declared here under a rebate for a period that began on
    `over_from` or before, though the contract they name, if any, is younger; each with the first such period."""
    rows = await connection.fetch(
        f"""
        SELECT l.line_number, min(d.period) AS period
          FROM lines l
          JOIN periodic_lines p
            ON p.employer_id = l.employer_id AND p.nss = l.nss AND p.rate_category = ANY ($3::text[])
          JOIN declarations d ON d.employer_id = p.employer_id AND d.declaration_id = p.declaration_id
         WHERE l.employer_id = $1 AND l.reading_id = $2 AND NOT l.left_out AND l.rate_category = ANY ($3::text[])
           AND (l.contract_start IS NULL OR l.contract_start > $4)
           AND {_FIRST_DAY} <= $4 AND {_STANDS}
         GROUP BY l.line_number
         ORDER BY l.line_number
        """,
        employer_id,
        reading_id,
        list(categories),
        over_from,
    )
    return [(row["line_number"], row["period"]) for row in rows]


async def select_lines_under(
    connection: Connection, *, employer_id: int, reading_id: UUID, categories: Sequence[RateCategory]
) -> list[int]:
    """The lines of a reading by employee under some rate categories, those left out apart."""
    rows = await connection.fetch(
        "SELECT line_number FROM lines WHERE employer_id = $1 AND reading_id = $2 AND NOT left_out"
        " AND rate_category = ANY ($3::text[]) ORDER BY line_number",
        employer_id,
        reading_id,
        list(categories),
    )
    return [row["line_number"] for row in rows]


async def leave_out(connection: Connection, *, employer_id: int, reading_id: UUID, numbers: Sequence[int]) -> None:
    """Take lines out of what is filed."""
    await connection.execute(
        "UPDATE lines SET left_out = true WHERE employer_id = $1 AND reading_id = $2 AND line_number = ANY ($3::int[])",
        employer_id,
        reading_id,
        list(numbers),
    )


# ── movements of a period ───────────────────────────────────────────────────────────────────────

_TOLD = """
  FROM movements m
 WHERE m.employer_id = $1 AND m.date BETWEEN $3 AND $4 AND (m.centre IS NULL OR m.centre = $2)
   AND m.kind IN ('entry', 'exit') AND NOT m.withdrawn
   AND NOT EXISTS (SELECT 1 FROM movements later
                    WHERE later.employer_id = m.employer_id AND later.replaces = m.movement_id)
"""
"""The entries and exits of some days that stand, neither withdrawn nor corrected: of a centre, or of none named."""


async def count_movements(
    connection: Connection, *, employer_id: int, centre: str, first_day: date, last_day: date
) -> tuple[int, int]:
    """How many entries and exits were told of some days."""
    row = await connection.fetchrow(
        "SELECT count(*) FILTER (WHERE m.kind = 'entry') AS entries, count(*) FILTER (WHERE m.kind = 'exit') AS exits"
        + _TOLD,
        employer_id,
        centre,
        first_day,
        last_day,
    )
    return (0, 0) if row is None else (row["entries"], row["exits"])


async def select_movements(
    connection: Connection, *, employer_id: int, centre: str, first_day: date, last_day: date
) -> list[AnnexMovement]:
    """The entries and exits told of some days, in their order."""
    rows = await connection.fetch(
        "SELECT m.kind, m.date, m.nss, m.last_name, m.first_name, m.birth_date, m.reason"
        + _TOLD
        + " ORDER BY m.date, m.last_name, m.first_name, m.movement_id",
        employer_id,
        centre,
        first_day,
        last_day,
    )
    return [msgspec.convert(row, AnnexMovement) for row in rows]
