"""The lines of a reading and what the checks found in them.

COPY is refused under row-level security: rows go through an `incoming_…` table without policies, which
is emptied in the same transaction, so that no other ever sees one of them.

Just after a file was stored no statistics know of its lines and findings, and a join of the two may be planned as a
walk through the one for each row of the other. So the few numbers asked about are gathered first, and looked up.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from uuid import UUID

import msgspec
import polars as pl

from schemas.findings import Severity
from schemas.payroll import DraftLine
from teledeclaration.database import Connection
from teledeclaration.frames import fetch_frame
from teledeclaration.intake.forms import FORMS, FormName
from teledeclaration.intake.lines import TYPES

LINE_FIELDS = tuple(dict.fromkeys(name for form in FORMS.values() for name in form.stored))
"""Every field that a line of some form has; what of them one form has is `FORMS[…].stored`."""
LINE_COLUMNS = ("line_number", "row", *LINE_FIELDS, "number_requested", "typed")
FINDING_COLUMNS = (
    "finding", "line_number", "sheet", "row", "column_name", "field", "code", "severity",
    "seen", "expected", "proposed", "mark", "back",
)  # fmt: skip

_FINDINGS = ", ".join(FINDING_COLUMNS)
_LINES_AT_ONCE = 20_000


class FindingRow(msgspec.Struct, frozen=True, kw_only=True):
    """A finding without its words."""

    finding: int
    line_number: int | None
    sheet: str | None
    row: int | None
    column_name: str | None
    field: str | None
    code: str
    severity: Severity
    seen: str | None
    expected: str | None
    proposed: str | None
    back: bool = False


class CodeCount(msgspec.Struct, frozen=True):
    """How many findings of a code stand, and how many of them had gone away before."""

    code: str
    severity: Severity
    count: int
    back: int = 0


class LineTotals(msgspec.Struct, frozen=True):
    """Sums of the lines that would be filed, in centimes, and how many they and the others are.

    `base` is that of a form of one period.
    """

    line_count: int
    left_out_count: int
    q1: int
    q2: int
    q3: int
    q4: int
    base: int = 0


async def insert_lines(
    connection: Connection, *, employer_id: int, reading_id: UUID, lines: pl.DataFrame
) -> AsyncIterator[int]:
    """Store a reading's lines: `lines` has LINE_COLUMNS, or those its form fills, in the order of `line_number`. Says
    how many are stored.

    A part at a time, each by two statements: progress can be told, and no text of all the lines is ever held.
    """
    columns = tuple(name for name in LINE_COLUMNS if name in lines.columns)
    copied = ", ".join(columns)
    for start in range(0, lines.height, _LINES_AT_ONCE):
        part = lines.slice(start, _LINES_AT_ONCE)
        await _copy_rows(connection, "lines", columns, employer_id, reading_id, part)
        await connection.execute(
            f"INSERT INTO lines (employer_id, reading_id, {copied}) SELECT $1, reading_id, {copied}"
            " FROM incoming_lines WHERE employer_id = $1 AND reading_id = $2 AND line_number >= $3",
            employer_id,
            reading_id,
            part["line_number"][0],
        )
        yield start + part.height
    await _empty_incoming(connection, "lines", employer_id, reading_id)


async def insert_findings(
    connection: Connection, *, employer_id: int, reading_id: UUID, findings: pl.DataFrame
) -> None:
    """Store a reading's findings: `findings` has FINDING_COLUMNS."""
    if findings.is_empty():
        return
    await _copy_rows(connection, "findings", FINDING_COLUMNS, employer_id, reading_id, findings)
    await connection.execute(
        f"INSERT INTO findings (employer_id, reading_id, {_FINDINGS}) SELECT $1, reading_id, {_FINDINGS}"
        " FROM incoming_findings WHERE employer_id = $1 AND reading_id = $2",
        employer_id,
        reading_id,
    )
    await _empty_incoming(connection, "findings", employer_id, reading_id)


async def _copy_rows(
    connection: Connection, table: str, columns: tuple[str, ...], employer_id: int, reading_id: UUID, rows: pl.DataFrame
) -> None:
    keyed = rows.select(
        pl.lit(employer_id).alias("employer_id"), pl.lit(str(reading_id)).alias("reading_id"), pl.col(columns)
    )
    text = io.BytesIO()
    await asyncio.to_thread(keyed.write_csv, text)
    text.seek(0)
    await connection.copy_to_table(f"incoming_{table}", source=text, columns=keyed.columns, format="csv", header=True)


async def _empty_incoming(connection: Connection, table: str, employer_id: int, reading_id: UUID) -> None:
    await connection.execute(
        f"DELETE FROM incoming_{table} WHERE employer_id = $1 AND reading_id = $2", employer_id, reading_id
    )


@asynccontextmanager
async def joined_without_statistics(connection: Connection) -> AsyncIterator[None]:
    """Within it, joins are by hash or merge: what was stored a moment ago is in no statistics, and for a handful of
    rows one would walk through the other table for each. An error rolls the setting back with the transaction."""
    await connection.execute("SET LOCAL enable_nestloop = off")
    yield
    await connection.execute("SET LOCAL enable_nestloop = on")


async def select_lines(
    connection: Connection,
    *,
    employer_id: int,
    reading_id: UUID,
    form: FormName,
    after: int,
    limit: int,
    only: str | None,
) -> list[DraftLine]:
    """A page of a form's lines by number; `only` may be `wrong` (an error stands in them) or `left_out`."""
    rows = await connection.fetch(
        f"""
        SELECT {", ".join(line_schema(form))}
          FROM lines l
         WHERE employer_id = $1 AND reading_id = $2 AND line_number > $3
           AND ($5::text IS DISTINCT FROM 'left_out' OR left_out)
           AND ($5::text IS DISTINCT FROM 'wrong' OR line_number IN (
                SELECT f.line_number FROM findings f
                 WHERE f.employer_id = $1 AND f.reading_id = $2 AND f.severity = 'error'))
         ORDER BY line_number
         LIMIT $4
        """,
        employer_id,
        reading_id,
        after,
        limit,
        only,
    )
    return [msgspec.convert(row, DraftLine) for row in rows]


async def select_line_frame(
    connection: Connection, *, employer_id: int, reading_id: UUID, form: FormName, numbers: list[int] | None = None
) -> pl.DataFrame:
    """Every line of a reading, or those of these numbers, as `line_schema` of its form says, in order."""
    some = "" if numbers is None else " AND line_number = ANY ($3::int[])"
    schema = line_schema(form)
    return await fetch_frame(
        connection,
        f"SELECT {', '.join(schema)} FROM lines WHERE employer_id = $1 AND reading_id = $2{some} ORDER BY line_number",
        *(employer_id, reading_id, *([] if numbers is None else [numbers])),
        schema=schema,
    )


def line_schema(form: FormName) -> dict[str, type[pl.DataType]]:
    """LINE_SCHEMA as far as a form's lines go."""
    wanted = {"line_number", "row", *FORMS[form].stored, "number_requested", "typed", "left_out", "mended"}
    return {name: kind for name, kind in LINE_SCHEMA.items() if name in wanted}


LINE_SCHEMA: dict[str, type[pl.DataType]] = {
    "line_number": pl.Int32,
    "row": pl.Int32,
    **dict.fromkeys(LINE_FIELDS, pl.String),
    **{column.name: TYPES[column.kind] for form in FORMS.values() for column in form.columns},
    "number_requested": pl.Boolean,
    "typed": pl.String,
    "left_out": pl.Boolean,
    "mended": pl.Boolean,
}


async def select_present(
    connection: Connection, *, employer_id: int, reading_id: UUID, numbers: list[int]
) -> frozenset[int]:
    """Which of these lines there are."""
    rows = await connection.fetch(
        "SELECT line_number FROM lines WHERE employer_id = $1 AND reading_id = $2 AND line_number = ANY ($3::int[])",
        employer_id,
        reading_id,
        numbers,
    )
    return frozenset(row["line_number"] for row in rows)


async def leave_out_wrong_lines(connection: Connection, *, employer_id: int, reading_id: UUID) -> int:
    """Leave out every line in which an error stands; how many."""
    status = await connection.execute(
        """
        UPDATE lines l SET left_out = true
         WHERE l.employer_id = $1 AND l.reading_id = $2 AND NOT l.left_out
           AND l.line_number = ANY (ARRAY(SELECT DISTINCT f.line_number FROM findings f
                                          WHERE f.employer_id = $1 AND f.reading_id = $2 AND f.severity = 'error'))
        """,
        employer_id,
        reading_id,
    )
    return int(status.rpartition(" ")[2])


async def count_wrong_lines(connection: Connection, *, employer_id: int, reading_id: UUID) -> int:
    """How many of the lines to be filed an error stands in."""
    count: int = await connection.fetchval(
        """
        SELECT count(DISTINCT line_number)
          FROM findings
         WHERE employer_id = $1 AND reading_id = $2 AND severity = 'error' AND line_number NOT IN (
               SELECT line_number FROM lines WHERE employer_id = $1 AND reading_id = $2 AND left_out)
        """,
        employer_id,
        reading_id,
    )
    return count


async def delete_findings(
    connection: Connection, *, employer_id: int, reading_id: UUID, findings: list[int] | None = None
) -> None:
    """Forget what was found, to be found anew: all of it, or these findings."""
    some = "" if findings is None else " AND finding = ANY ($3::bigint[])"
    await connection.execute(
        f"DELETE FROM findings WHERE employer_id = $1 AND reading_id = $2{some}",
        *(employer_id, reading_id, *([] if findings is None else [findings])),
    )


async def select_finding_frame(
    connection: Connection, *, employer_id: int, reading_id: UUID, numbers: list[int] | None = None
) -> pl.DataFrame:
    """Every finding of a reading, or those of the lines of these numbers, in order: FINDING_SCHEMA."""
    some = "" if numbers is None else " AND line_number = ANY ($3::int[])"
    return await fetch_frame(
        connection,
        f"SELECT {_FINDINGS} FROM findings WHERE employer_id = $1 AND reading_id = $2{some} ORDER BY finding",
        *(employer_id, reading_id, *([] if numbers is None else [numbers])),
        schema=FINDING_SCHEMA,
    )


async def select_file_findings(
    connection: Connection, *, employer_id: int, reading_id: UUID, codes: list[str]
) -> pl.DataFrame:
    """The findings of these codes about the file as a whole, in order: FINDING_SCHEMA."""
    return await fetch_frame(
        connection,
        f"SELECT {_FINDINGS} FROM findings WHERE employer_id = $1 AND reading_id = $2"
        " AND line_number IS NULL AND code = ANY ($3::text[]) ORDER BY finding",
        *(employer_id, reading_id, codes),
        schema=FINDING_SCHEMA,
    )


FINDING_SCHEMA: dict[str, type[pl.DataType]] = {
    **dict.fromkeys(FINDING_COLUMNS, pl.String),
    **dict.fromkeys(("line_number", "row"), pl.Int32),
    "finding": pl.Int64,
    "back": pl.Boolean,
}


async def select_findings(
    connection: Connection,
    *,
    employer_id: int,
    reading_id: UUID,
    code: str | None,
    severity: str | None,
    line_number: int | None,
    after: int,
    limit: int,
    back: bool | None = None,
) -> list[FindingRow]:
    """A page of findings in the order of the file."""
    rows = await connection.fetch(
        f"""
        SELECT {_FINDINGS}
          FROM findings
         WHERE employer_id = $1 AND reading_id = $2 AND finding > $6
           AND ($3::text IS NULL OR code = $3) AND ($4::text IS NULL OR severity = $4)
           AND ($5::int IS NULL OR line_number = $5) AND ($8::bool IS NULL OR back = $8)
         ORDER BY finding
         LIMIT $7
        """,
        employer_id,
        reading_id,
        code,
        severity,
        line_number,
        after,
        limit,
        back,
    )
    return [msgspec.convert(row, FindingRow) for row in rows]


async def count_findings(connection: Connection, *, employer_id: int, reading_id: UUID) -> list[CodeCount]:
    """By code, of the file and of the lines that would be filed: errors first, the most frequent first."""
    rows = await connection.fetch(
        """
        SELECT f.code, f.severity, count(*) AS count, count(*) FILTER (WHERE f.back) AS back
          FROM findings f
         WHERE f.employer_id = $1 AND f.reading_id = $2 AND (f.line_number IS NULL OR f.line_number NOT IN (
               SELECT line_number FROM lines WHERE employer_id = $1 AND reading_id = $2 AND left_out))
         GROUP BY f.code, f.severity
         ORDER BY array_position(ARRAY['error', 'confirm', 'info'], f.severity), count DESC, f.code
        """,
        employer_id,
        reading_id,
    )
    return [msgspec.convert(row, CodeCount) for row in rows]


async def count_file_errors(connection: Connection, *, employer_id: int, reading_id: UUID) -> list[CodeCount]:
    """Errors about the file as a whole: leaving lines out does not mend them."""
    rows = await connection.fetch(
        """
        SELECT code, severity, count(*) AS count
          FROM findings
         WHERE employer_id = $1 AND reading_id = $2 AND line_number IS NULL AND severity = 'error'
         GROUP BY code, severity
         ORDER BY code
        """,
        employer_id,
        reading_id,
    )
    return [msgspec.convert(row, CodeCount) for row in rows]


async def sum_lines(
    connection: Connection, *, employer_id: int, reading_id: UUID, beside: Collection[str] = ()
) -> LineTotals:
    """What would be filed, and how many lines would not. The base is without rate lines `beside` the others: what
    they say is said by those already."""
    row = await connection.fetchrow(
        """
        SELECT count(*) FILTER (WHERE NOT left_out) AS line_count, count(*) FILTER (WHERE left_out) AS left_out_count,
               coalesce(sum(q1_amount) FILTER (WHERE NOT left_out), 0)::bigint AS q1,
               coalesce(sum(q2_amount) FILTER (WHERE NOT left_out), 0)::bigint AS q2,
               coalesce(sum(q3_amount) FILTER (WHERE NOT left_out), 0)::bigint AS q3,
               coalesce(sum(q4_amount) FILTER (WHERE NOT left_out), 0)::bigint AS q4,
               coalesce(sum(amount) FILTER (WHERE NOT left_out AND (code IS NULL OR code <> ALL ($3::text[]))),
                        0)::bigint AS base
          FROM lines
         WHERE employer_id = $1 AND reading_id = $2
        """,
        employer_id,
        reading_id,
        list(beside),
    )
    return msgspec.convert(row, LineTotals)
