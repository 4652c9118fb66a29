"""What was declared, told back to the fund's systems: a feed that skips nothing, lines, and a file a day.

Filings commit in another order than their times: one that was dated first may be seen last, and a reader that
goes on from a time would never see it. So a live declaration gets a position when it is first told of. One
reader at a time gives them, to every declaration it sees that has none; positions only grow, in the order in
which they become visible. A reader that goes on from a position misses nothing and meets nothing twice. Within
one numbering the order is that of filing. This needs no clock, survives a restore, and holds when the tables
are spread over several servers.
"""

from datetime import date
from uuid import UUID

import msgspec
from asyncpg import Record

from schemas.registry import DeclaredEntry
from teledeclaration.database import Connection

_LOOK_BACK = "7 days"  # longer than any filing takes to commit, and than clocks of several hosts can differ

DECLARATION_COLUMNS = DeclaredEntry.__struct_fields__
LINE_COLUMNS = (
    "declaration_id",
    "employer_number",
    "line_number",
    "nss",
    "last_name",
    "first_name",
    "birth_date",
    *(f"q{quarter}_{part}" for quarter in (1, 2, 3, 4) for part in ("duration", "unit", "amount")),
    "annual_amount",
    "entry_date",
    "exit_date",
    "observation",
    "rate_category",
)


async def number_filings(connection: Connection) -> None:
    """Give a position to every live declaration in sight that has none."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtext('declared_positions'))")
    await connection.execute(
        f"""
        INSERT INTO declared_positions (position, employer_id, declaration_id, filed_at, legal_day)
        SELECT (SELECT coalesce(max(position), 0) FROM declared_positions)
               + row_number() OVER (ORDER BY d.filed_at, d.declaration_id),
               d.employer_id, d.declaration_id, d.filed_at, d.legal_day
          FROM declarations d
         WHERE d.mode = 'live'
           AND d.filed_at > coalesce((SELECT max(filed_at) FROM declared_positions) - interval '{_LOOK_BACK}',
                                     '-infinity')
           AND NOT EXISTS (SELECT FROM declared_positions p WHERE p.declaration_id = d.declaration_id)
        """  # noqa: S608 — a constant of ours
    )


_ENTRIES = """
    SELECT p.position, d.declaration_id, d.number, e.number AS employer_number, d.centre, d.form, d.year, d.type,
           d.replaces, d.completes, d.line_count, d.left_out_count, d.q1_amount, d.q2_amount, d.q3_amount,
           d.q4_amount, d.annual_amount, d.content_hash, d.filed_at, d.legal_day
      FROM declared_positions p
      JOIN declarations d ON d.employer_id = p.employer_id AND d.declaration_id = p.declaration_id
      JOIN employers e ON e.employer_id = p.employer_id
"""


async def select_declared(connection: Connection, *, after: int, limit: int) -> list[tuple[int, DeclaredEntry]]:
    """The numbered declarations after a position, with theirs."""
    rows = await connection.fetch(_ENTRIES + " WHERE p.position > $1 ORDER BY p.position LIMIT $2", after, limit)
    return [(row["position"], msgspec.convert(row, DeclaredEntry)) for row in rows]


async def select_declared_of_day(connection: Connection, *, day: date, after: int, limit: int) -> list[Record]:
    """Those filed on a legal day, after a position."""
    rows: list[Record] = await connection.fetch(
        _ENTRIES + " WHERE p.legal_day = $1 AND p.position > $2 ORDER BY p.position LIMIT $3", day, after, limit
    )
    return rows


async def select_declarer(connection: Connection, *, declaration_id: UUID) -> int | None:
    """The employer of a declaration that the feed has told of."""
    employer_id: int | None = await connection.fetchval(
        "SELECT employer_id FROM declared_positions WHERE declaration_id = $1", declaration_id
    )
    return employer_id


_LINES = """
    SELECT p.position, e.number AS employer_number, l.*
      FROM declared_positions p
      JOIN employers e ON e.employer_id = p.employer_id
      JOIN declared_lines l ON l.employer_id = p.employer_id AND l.declaration_id = p.declaration_id
"""


async def select_lines(
    connection: Connection, *, employer_id: int, declaration_id: UUID, after: int, limit: int
) -> list[Record]:
    """A declaration's lines after a line number."""
    rows: list[Record] = await connection.fetch(
        _LINES
        + """
         WHERE l.employer_id = $1 AND l.declaration_id = $2 AND l.line_number > $3
         ORDER BY l.line_number LIMIT $4
        """,
        employer_id,
        declaration_id,
        after,
        limit,
    )
    return rows


async def select_lines_of_day(
    connection: Connection, *, day: date, position: int, line_number: int, limit: int
) -> list[Record]:
    """The lines filed on a legal day, after a line of a position."""
    rows: list[Record] = await connection.fetch(
        _LINES
        + """
         WHERE p.legal_day = $1 AND (p.position, l.line_number) > ($2, $3)
         ORDER BY p.position, l.line_number LIMIT $4
        """,
        day,
        position,
        line_number,
        limit,
    )
    return rows
