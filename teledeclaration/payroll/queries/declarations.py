"""Filed declarations and their lines: written once, read ever after."""

from collections.abc import AsyncIterator
from datetime import date, datetime
from uuid import UUID

import msgspec
import polars as pl

from schemas.annual import DeclarationType
from schemas.payroll import DeclaredLine, Registration
from schemas.periodic import PeriodHeader
from teledeclaration.database import Connection
from teledeclaration.frames import fetch_frame
from teledeclaration.intake.forms import ANNUAL
from teledeclaration.payroll.queries.lines import LINE_SCHEMA
from teledeclaration.payroll.queries.periodic import PERIODIC_CSV_HEADER, PERIODIC_LINE_AS_CSV

LINES_CSV_HEADER = (
    "line_number;nss;last_name;first_name;birth_date;"
    "q1_duration;q1_unit;q1_amount;q2_duration;q2_unit;q2_amount;"
    "q3_duration;q3_unit;q3_amount;q4_duration;q4_unit;q4_amount;"
    "annual_amount;entry_date;exit_date;observation;rate_category\n"
)
_TEXT = "replace(replace(coalesce({0}, ''), ';', ','), E'\\n', ' ')"
LINE_AS_CSV = " || ';' || ".join(
    _TEXT.format(name) if name in ("last_name", "first_name", "observation") else f"coalesce({name}::text, '')"
    for name in LINES_CSV_HEADER.strip().split(";")
)
"""One line of `/lines.csv`: what the receipt's hash is taken over, amounts in centimes, dates ISO."""


class DeclarationRow(msgspec.Struct, frozen=True, kw_only=True):
    """A declaration as stored, with its receipt's state and whether another has replaced it."""

    declaration_id: UUID
    number: str
    form: str
    centre: str
    year: int
    period: str
    header: PeriodHeader
    type: DeclarationType
    mode: str
    draft_id: UUID
    replaces: UUID | None
    completes: UUID | None
    line_count: int
    left_out_count: int
    q1_amount: int
    q2_amount: int
    q3_amount: int
    q4_amount: int
    annual_amount: int
    content_hash: str
    filed_by: str
    filed_at: datetime
    legal_day: date
    in_force: bool
    receipt_code: str | None
    receipt_ready: bool


_DECLARATION = """
SELECT d.declaration_id, d.number, d.form, d.centre, d.year, d.period, d.header, d.type, d.mode, d.draft_id,
       d.replaces, d.completes, d.line_count, d.left_out_count, d.q1_amount, d.q2_amount, d.q3_amount, d.q4_amount,
       d.annual_amount, d.content_hash, d.filed_by, d.filed_at, d.legal_day, later.declaration_id IS NULL AS in_force,
       r.code AS receipt_code, coalesce(r.status = 'sealed', false) AS receipt_ready
  FROM declarations d
  LEFT JOIN declarations later ON later.employer_id = d.employer_id AND later.replaces = d.declaration_id
  LEFT JOIN documents r
    ON r.employer_id = d.employer_id AND r.kind = 'filing_receipt' AND r.subject = d.declaration_id::text
"""

_LINE = """line_number, nss, last_name, first_name, birth_date, q1_duration, q1_unit, q1_amount,
       q2_duration, q2_unit, q2_amount, q3_duration, q3_unit, q3_amount, q4_duration, q4_unit, q4_amount,
       annual_amount, entry_date, exit_date, coalesce(observation, '') AS observation, rate_category"""


class NewDeclaration(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `declarations` about to be written; `reading_id` is None where there was nothing to declare."""

    declaration_id: UUID
    number: str
    form: str
    centre: str
    year: int
    period: str
    header: PeriodHeader
    type: DeclarationType
    mode: str
    draft_id: UUID
    reading_id: UUID | None
    replaces: UUID | None
    completes: UUID | None
    line_count: int
    left_out_count: int
    q1_amount: int
    q2_amount: int
    q3_amount: int
    q4_amount: int
    annual_amount: int
    content_hash: str
    filed_by: str
    filed_at: datetime
    legal_day: date


async def insert_declaration(connection: Connection, *, employer_id: int, declaration: NewDeclaration) -> None:
    fields = msgspec.structs.asdict(declaration) | {"header": msgspec.to_builtins(declaration.header)}
    places = ", ".join(f"${place}" for place in range(2, len(fields) + 2))
    await connection.execute(
        f"INSERT INTO declarations (employer_id, {', '.join(fields)}) VALUES ($1, {places})",
        employer_id,
        *fields.values(),
    )


_AS_DECLARED = """
SELECT row_number() OVER (ORDER BY line_number) AS line_number, nss, last_name, first_name, birth_date,
       q1_duration, q1_unit, coalesce(q1_amount, 0) AS q1_amount,
       q2_duration, q2_unit, coalesce(q2_amount, 0) AS q2_amount,
       q3_duration, q3_unit, coalesce(q3_amount, 0) AS q3_amount,
       q4_duration, q4_unit, coalesce(q4_amount, 0) AS q4_amount,
       coalesce(q1_amount, 0) + coalesce(q2_amount, 0) + coalesce(q3_amount, 0) + coalesce(q4_amount, 0)
           AS annual_amount,
       entry_date, exit_date, observation, rate_category
  FROM lines
 WHERE employer_id = $1 AND reading_id = $2 AND NOT left_out
"""
"""A reading's lines as they will be declared: those left out are gone, the others numbered again from 1."""


async def insert_declared_lines(
    connection: Connection, *, employer_id: int, declaration_id: UUID, reading_id: UUID
) -> None:
    names = LINES_CSV_HEADER.strip().replace(";", ", ")
    await connection.execute(
        f"INSERT INTO declared_lines (employer_id, declaration_id, {names})"
        f" SELECT $1, $3, {names} FROM ({_AS_DECLARED}) AS declared",
        employer_id,
        reading_id,
        declaration_id,
    )


_SAME_PERSON = """g.employer_id = d.employer_id AND g.last_name = d.last_name AND g.first_name = d.first_name
           AND g.birth_date IS NOT DISTINCT FROM d.birth_date"""
"""Whether a registration `g` asks for the number of the person of a declared line `d`."""


async def insert_registrations(
    connection: Connection, *, employer_id: int, declaration_id: UUID, requested_by: str, now: datetime
) -> int:
    """Ask for a number for everyone declared without one, but for whom one is asked for already; how many."""
    status = await connection.execute(
        f"""
        INSERT INTO registrations (employer_id, registration_id, declaration_id, line_number, last_name, first_name,
                                   birth_date, entry_date, requested_by, created_at)
        SELECT d.employer_id, gen_random_uuid(), d.declaration_id, d.line_number, d.last_name, d.first_name,
               d.birth_date, d.entry_date, $3, $4
          FROM declared_lines d
         WHERE d.employer_id = $1 AND d.declaration_id = $2 AND d.nss IS NULL
           AND NOT EXISTS (SELECT 1 FROM registrations g WHERE g.employer_id = $1 AND {_SAME_PERSON})
        """,
        employer_id,
        declaration_id,
        requested_by,
        now,
    )
    return int(status.rpartition(" ")[2])


async def select_registrations(connection: Connection, *, employer_id: int, declaration_id: UUID) -> list[Registration]:
    """The numbers asked for the people a declaration names without one, whatever asked first."""
    rows = await connection.fetch(
        f"""
        SELECT g.registration_id, g.declaration_id, g.line_number, g.movement_id, g.status, g.last_name, g.first_name,
               g.birth_date, g.entry_date, g.requested_by, g.created_at
          FROM registrations g
         WHERE g.employer_id = $1
           AND (EXISTS (SELECT 1 FROM declared_lines d
                         WHERE d.employer_id = $1 AND d.declaration_id = $2 AND d.nss IS NULL AND {_SAME_PERSON})
                OR EXISTS (SELECT 1 FROM periodic_lines d
                            WHERE d.employer_id = $1 AND d.declaration_id = $2 AND d.nss IS NULL AND {_SAME_PERSON}))
         ORDER BY g.created_at, g.line_number
        """,
        employer_id,
        declaration_id,
    )
    return [msgspec.convert(row, Registration) for row in rows]


async def hash_lines(connection: Connection, *, employer_id: int, reading_id: UUID) -> str:
    """The SHA-256 that `/lines.csv` will have once these lines are filed."""
    digest: str = await connection.fetchval(
        f"""
        SELECT encode(sha256(convert_to(
                   $3 || coalesce(string_agg({LINE_AS_CSV} || E'\\n', '' ORDER BY line_number), ''), 'UTF8'
               )), 'hex')
          FROM ({_AS_DECLARED}) AS declared
        """,
        employer_id,
        reading_id,
        LINES_CSV_HEADER,
    )
    return digest


_CSV = {
    "annual": (LINES_CSV_HEADER, LINE_AS_CSV, "declared_lines"),
    "periodic": (PERIODIC_CSV_HEADER, PERIODIC_LINE_AS_CSV, "periodic_lines"),
}


async def stream_lines_csv(
    connection: Connection, *, employer_id: int, form: str, declaration_id: UUID
) -> AsyncIterator[bytes]:
    """`/lines.csv` of a declaration of this form, in pieces of a thousand lines."""
    header, line, table = _CSV[form]
    yield header.encode()
    piece: list[str] = []
    async for row in connection.cursor(
        f"SELECT {line} AS csv FROM {table} WHERE employer_id = $1 AND declaration_id = $2 ORDER BY line_number",
        employer_id,
        declaration_id,
        prefetch=1000,
    ):
        piece.append(row["csv"])
        if len(piece) == 1000:
            yield ("\n".join(piece) + "\n").encode()
            piece.clear()
    if piece:
        yield ("\n".join(piece) + "\n").encode()


async def select_declaration(
    connection: Connection, *, employer_id: int, declaration_id: UUID
) -> DeclarationRow | None:
    row = await connection.fetchrow(
        f"{_DECLARATION} WHERE d.employer_id = $1 AND d.declaration_id = $2", employer_id, declaration_id
    )
    return None if row is None else msgspec.convert(row, DeclarationRow)


async def select_declarations(
    connection: Connection,
    *,
    employer_id: int,
    form: str | None = None,
    period: str | None = None,
    year: int | None,
    centre: str | None,
    before: datetime | None,
    limit: int,
) -> list[DeclarationRow]:
    """The last filed first; of one form, period, year or centre where these are named."""
    rows = await connection.fetch(
        f"""{_DECLARATION}
         WHERE d.employer_id = $1 AND ($2::int IS NULL OR d.year = $2) AND ($3::text IS NULL OR d.centre = $3)
           AND ($4::timestamptz IS NULL OR d.filed_at < $4)
           AND ($6::text IS NULL OR d.form = $6) AND ($7::text IS NULL OR d.period = $7)
         ORDER BY d.filed_at DESC, d.declaration_id
         LIMIT $5""",
        employer_id,
        year,
        centre,
        before,
        limit,
        form,
        period,
    )
    return [msgspec.convert(row, DeclarationRow) for row in rows]


async def count_declarations(connection: Connection, *, employer_id: int, form: str, period: str) -> int:
    """How many were ever filed for a period: the next one's number follows."""
    count: int = await connection.fetchval(
        "SELECT count(*) FROM declarations WHERE employer_id = $1 AND form = $2 AND period = $3",
        employer_id,
        form,
        period,
    )
    return count


async def select_standing_declaration(
    connection: Connection, *, employer_id: int, form: str, centre: str, period: str
) -> UUID | None:
    """The declaration that stands for a centre's period: the normal one, or what replaced it last."""
    standing: UUID | None = await connection.fetchval(
        """
        SELECT d.declaration_id
          FROM declarations d
         WHERE d.employer_id = $1 AND d.form = $2 AND d.centre = $3 AND d.period = $4 AND d.completes IS NULL
           AND NOT EXISTS (SELECT 1 FROM declarations later
                            WHERE later.employer_id = $1 AND later.replaces = d.declaration_id)
         ORDER BY d.filed_at DESC
         LIMIT 1
        """,
        employer_id,
        form,
        centre,
        period,
    )
    return standing


async def select_declared_lines(
    connection: Connection, *, employer_id: int, declaration_id: UUID, after: int, limit: int
) -> list[DeclaredLine]:
    rows = await connection.fetch(
        f"""
        SELECT {_LINE}
          FROM declared_lines
         WHERE employer_id = $1 AND declaration_id = $2 AND line_number > $3
         ORDER BY line_number
         LIMIT $4
        """,
        employer_id,
        declaration_id,
        after,
        limit,
    )
    return [msgspec.convert(row, DeclaredLine) for row in rows]


DECLARED_SCHEMA = {name: LINE_SCHEMA[name] for name in ANNUAL.fields if name != "observation"}
"""A declared line as columns; amounts in centimes."""


async def select_declared_frame(
    connection: Connection, *, employer_id: int, form: str, centre: str, year: int
) -> pl.DataFrame:
    """Every line declared for a centre's year by the declarations in force, those that complete others too."""
    columns = ", ".join(f"l.{name}" for name in DECLARED_SCHEMA)
    return await fetch_frame(
        connection,
        f"""
        SELECT {columns}
          FROM declarations d
          JOIN declared_lines l ON l.employer_id = d.employer_id AND l.declaration_id = d.declaration_id
         WHERE d.employer_id = $1 AND d.form = $2 AND d.centre = $3 AND d.year = $4
           AND NOT EXISTS (SELECT 1 FROM declarations later
                            WHERE later.employer_id = $1 AND later.replaces = d.declaration_id)
         ORDER BY d.filed_at, l.line_number
        """,
        employer_id,
        form,
        centre,
        year,
        schema=DECLARED_SCHEMA,
    )
