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
_WHO = ("declaration_id", "employer_number", "line_number", "nss", "last_name", "first_name", "birth_date")


class LineTable(msgspec.Struct, frozen=True):
    """Where the lines of declarations of one form are, and what is told of each."""

    table: str
    columns: tuple[str, ...]


ANNUAL_LINES = LineTable(
    "declared_lines",
    (
        *_WHO,
        *(f"q{quarter}_{part}" for quarter in (1, 2, 3, 4) for part in ("duration", "unit", "amount")),
        "annual_amount",
        "entry_date",
        "exit_date",
        "observation",
        "rate_category",
    ),
)
PERIODIC_LINES = LineTable(
    "periodic_lines",
    (
        *_WHO,
        "rate_category",
        "workers",
        "duration",
        "unit",
        "base",
        "contract_start",
        "contract_months",
        "justification",
    ),
)
LINES = {"annual": ANNUAL_LINES, "periodic": PERIODIC_LINES}


class Declarer(msgspec.Struct, frozen=True):
    """Whose declaration it is, and of which form."""

    employer_id: int
    form: str


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
    SELECT p.position, d.declaration_id, d.number, e.number AS employer_number, d.centre, d.form, d.year, d.period,
           d.type, d.replaces, d.completes, d.line_count, d.left_out_count, d.q1_amount, d.q2_amount, d.q3_amount,
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


async def select_declarer(connection: Connection, *, declaration_id: UUID) -> Declarer | None:
    """The employer and form of a declaration that the feed has told of."""
    row = await connection.fetchrow(
        """
        SELECT p.employer_id, d.form
          FROM declared_positions p
          JOIN declarations d ON d.employer_id = p.employer_id AND d.declaration_id = p.declaration_id
         WHERE p.declaration_id = $1
        """,
        declaration_id,
    )
    return None if row is None else msgspec.convert(row, Declarer)


_LINES = """
    SELECT p.position, e.number AS employer_number, l.*
      FROM declared_positions p
      JOIN employers e ON e.employer_id = p.employer_id
      JOIN {table} l ON l.employer_id = p.employer_id AND l.declaration_id = p.declaration_id
"""


async def select_lines(
    connection: Connection, lines: LineTable, *, employer_id: int, declaration_id: UUID, after: int, limit: int
) -> list[Record]:
    """A declaration's lines after a line number."""
    rows: list[Record] = await connection.fetch(
        _LINES.format(table=lines.table)
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
    connection: Connection, lines: LineTable, *, day: date, position: int, line_number: int, limit: int
) -> list[Record]:
    """The lines of one form filed on a legal day, after a line of a position."""
    rows: list[Record] = await connection.fetch(
        _LINES.format(table=lines.table)
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
