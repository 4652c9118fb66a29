"""The findings of a reading by their causes, and the lines and findings that a repair asks for."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
import polars as pl

from schemas.findings import Severity
from teledeclaration.database import Connection
from teledeclaration.frames import fetch_frame
from teledeclaration.intake.repairs.amounts import EVERY_AMOUNT
from teledeclaration.intake.repairs.dates import DATE_FIELDS
from teledeclaration.intake.repairs.repair import WholeFile
from teledeclaration.payroll.queries.lines import FINDING_SCHEMA, LINE_SCHEMA, FindingRow

SHAPED_CODES = (
    "amount_text", "birth_impossible", "date_impossible", "date_text", "duration_text", "error_cell", "name_odd",
    "nss_length", "nss_not_a_number", "unit_unknown",
)  # fmt: skip
"""Codes whose findings are told apart by how their cells are written."""

TOLD_FIELDS = ("finding", "line_number", "field", "code", "severity", "proposed")
"""What a repair needs of a finding."""

_GROUP = "regexp_replace(f.field, '^q[1-4]_', 'quarter_')"
_TO_BE_FILED = """
  FROM findings f
 WHERE f.employer_id = $1 AND f.reading_id = $2 AND (f.line_number IS NULL OR f.line_number NOT IN (
       SELECT line_number FROM lines WHERE employer_id = $1 AND reading_id = $2 AND left_out))
"""


class CauseCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many findings of a code stand in a field or a group of fields, and on how many lines."""

    code: str
    severity: Severity
    field: str | None
    count: int
    lines: int


class ShapeCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many cells of a cause are written alike: digits as 9, words as `a`."""

    code: str
    field: str | None
    shape: str
    example: str
    count: int


class SampleRow(FindingRow, frozen=True, kw_only=True):
    """A finding with the group its field belongs to."""

    field_group: str | None


async def count_causes(connection: Connection, *, employer_id: int, reading_id: UUID) -> list[CauseCount]:
    """Of the file and of the lines that would be filed: errors first, the most frequent first."""
    rows = await connection.fetch(
        f"""
        SELECT code, severity, field, count(*) AS count, count(DISTINCT line_number) AS lines
          FROM (SELECT f.code, f.severity, {_GROUP} AS field, f.line_number {_TO_BE_FILED}) told
         GROUP BY code, severity, field
         ORDER BY array_position(ARRAY['error', 'confirm', 'info'], severity), count DESC, code, field
        """,
        employer_id,
        reading_id,
    )
    return [msgspec.convert(row, CauseCount) for row in rows]


async def select_shapes(
    connection: Connection, *, employer_id: int, reading_id: UUID, per_cause: int
) -> list[ShapeCount]:
    """The most frequent ways in which the cells of SHAPED_CODES are written, by code and field."""
    rows = await connection.fetch(
        f"""
        SELECT code, field, shape, example, count
          FROM (SELECT code, field, shape, min(seen) AS example, count(*) AS count,
                       row_number() OVER (PARTITION BY code, field ORDER BY count(*) DESC, shape) AS place
                  FROM (SELECT f.code, {_GROUP} AS field, f.seen,
                               regexp_replace(regexp_replace(left(f.seen, 60), '[[:alpha:]]+', 'a', 'g'),
                                              '[0-9]', '9', 'g') AS shape
                          {_TO_BE_FILED} AND f.seen IS NOT NULL AND f.code = ANY ($3::text[])) seen
                 GROUP BY code, field, shape) shapes
         WHERE place <= $4
         ORDER BY code, field, place
        """,
        employer_id,
        reading_id,
        list(SHAPED_CODES),
        per_cause,
    )
    return [msgspec.convert(row, ShapeCount) for row in rows]


async def select_samples(
    connection: Connection, *, employer_id: int, reading_id: UUID, per_cause: int
) -> list[SampleRow]:
    """The first findings of each cause, in the order of the file."""
    rows = await connection.fetch(
        f"""
        SELECT finding, line_number, sheet, row, column_name, field, code, severity, seen, expected, proposed,
               field_group
          FROM (SELECT f.*, {_GROUP} AS field_group,
                       row_number() OVER (PARTITION BY f.code, f.severity, {_GROUP} ORDER BY f.finding) AS place
                  {_TO_BE_FILED}) told
         WHERE place <= $3
         ORDER BY finding
        """,
        employer_id,
        reading_id,
        per_cause,
    )
    return [msgspec.convert(row, SampleRow) for row in rows]


async def select_whole_file(connection: Connection, *, employer_id: int, reading_id: UUID) -> WholeFile:
    """What `intake.repairs.evidence.whole_file` counts, counted by the database."""
    row = await connection.fetchrow(
        f"""
        SELECT count(*) AS lines, count(*) FILTER (WHERE left_out) AS left_out,
               count(*) FILTER (WHERE last_name IS DISTINCT FROM first_name) AS named,
               count(*) FILTER (WHERE ({_WHOLE}) AND ({_ANY})) AS whole_amounts,
               count(*) FILTER (WHERE NOT ({_WHOLE})) AS broken_amounts,
               {", ".join(_days(name) for name in DATE_FIELDS)}
          FROM lines
         WHERE employer_id = $1 AND reading_id = $2
        """,
        employer_id,
        reading_id,
    )
    if row is None:
        return WholeFile()
    return WholeFile(
        **{name: row[name] for name in ("lines", "left_out", "named", "whole_amounts", "broken_amounts")},
        late_days={name: row[f"late_{name}"] for name in DATE_FIELDS},
        early_days={name: row[f"early_{name}"] for name in DATE_FIELDS},
    )


_WHOLE = " AND ".join(f"coalesce({name}, 0) % 100 = 0" for name in EVERY_AMOUNT)
_ANY = " OR ".join(f"coalesce({name}, 0) <> 0" for name in EVERY_AMOUNT)


def _days(name: str) -> str:
    day, month = f"date_part('day', {name})", f"date_part('month', {name})"
    return (
        f"count(*) FILTER (WHERE {day} > 12) AS late_{name},"
        f" count(*) FILTER (WHERE {day} <= 12 AND {day} <> {month}) AS early_{name}"
    )


async def select_told(
    connection: Connection,
    *,
    employer_id: int,
    reading_id: UUID,
    codes: Sequence[str] | None,
    errors_only: bool = False,
) -> pl.DataFrame:
    """The findings of these codes (None: all) about lines, with TOLD_FIELDS, in order."""
    return await fetch_frame(
        connection,
        f"SELECT {', '.join(TOLD_FIELDS)} FROM findings f"
        f" WHERE f.employer_id = $1 AND f.reading_id = $2 AND f.line_number IS NOT NULL AND {_ASKED}"
        " ORDER BY f.finding",
        employer_id,
        reading_id,
        None if codes is None else list(codes),
        errors_only,
        schema={name: FINDING_SCHEMA[name] for name in TOLD_FIELDS},
    )


async def select_told_lines(
    connection: Connection,
    *,
    employer_id: int,
    reading_id: UUID,
    codes: Sequence[str] | None,
    errors_only: bool = False,
    fields: Sequence[str],
) -> pl.DataFrame:
    """The lines with a finding of these codes (None: any): `line_number`, `typed`, `left_out`, `fields`.

    The numbers are gathered first: just after a file was stored no statistics know of it, and a joined plan may walk
    through all findings for each line.
    """
    schema = _schema(fields)
    return await fetch_frame(
        connection,
        f"SELECT {', '.join(f'l.{name}' for name in schema)} FROM lines l"
        " WHERE l.employer_id = $1 AND l.reading_id = $2 AND l.line_number = ANY (ARRAY("
        "SELECT DISTINCT f.line_number FROM findings f WHERE f.employer_id = $1 AND f.reading_id = $2"
        f" AND {_ASKED})) ORDER BY l.line_number",
        employer_id,
        reading_id,
        None if codes is None else list(codes),
        errors_only,
        schema=schema,
    )


_ASKED = "(f.code = ANY ($3::text[]) OR $3::text[] IS NULL) AND (f.severity = 'error' OR NOT $4::bool)"


async def select_columns(
    connection: Connection, *, employer_id: int, reading_id: UUID, fields: Sequence[str]
) -> pl.DataFrame:
    """All lines: `line_number`, `typed`, `left_out` and these fields."""
    schema = _schema(fields)
    return await fetch_frame(
        connection,
        f"SELECT {', '.join(schema)} FROM lines WHERE employer_id = $1 AND reading_id = $2 ORDER BY line_number",
        employer_id,
        reading_id,
        schema=schema,
    )


def _schema(fields: Sequence[str]) -> dict[str, type[pl.DataType]]:
    return {name: LINE_SCHEMA[name] for name in dict.fromkeys(("line_number", "typed", "left_out", *fields))}
