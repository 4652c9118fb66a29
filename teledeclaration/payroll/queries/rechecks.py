"""What a check of the lines that changed asks, and the findings that went away."""

from typing import Any
from uuid import UUID

import polars as pl

from teledeclaration.database import Connection
from teledeclaration.frames import fetch_frame
from teledeclaration.intake.forms import Form
from teledeclaration.payroll.queries.lines import LINE_SCHEMA


def pay_schema(form: Form) -> dict[str, type[pl.DataType]]:
    """The amounts and times of a form's lines: what is said of a file as a whole is said from these."""
    told = dict.fromkeys([*(name for time in form.times for name in time), *form.amounts])
    return {name: LINE_SCHEMA[name] for name in ("line_number", *told, "left_out")}


MARK_SCHEMA: dict[str, type[pl.DataType]] = {
    "finding": pl.Int64,
    "line_number": pl.Int32,
    "code": pl.String,
    "field": pl.String,
    "mark": pl.String,
}
"""What tells a finding from another."""


async def last_edit(connection: Connection, *, employer_id: int, reading_id: UUID) -> int:
    """The revision that last changed a line of the reading; 0 where none did."""
    revision: int = await connection.fetchval(
        "SELECT coalesce(max(revision), 0) FROM line_edits WHERE employer_id = $1 AND reading_id = $2",
        employer_id,
        reading_id,
    )
    return revision


async def select_changes(
    connection: Connection, *, employer_id: int, reading_id: UUID, since: int, limit: int
) -> list[tuple[int, dict[str, Any]]]:
    """The changes of lines after a revision: (line number, what changed as it was before), at most `limit`."""
    rows = await connection.fetch(
        "SELECT line_number, before FROM line_edits"
        " WHERE employer_id = $1 AND reading_id = $2 AND revision > $3 LIMIT $4",
        employer_id,
        reading_id,
        since,
        limit,
    )
    return [(row["line_number"], row["before"]) for row in rows]


async def select_changed_lines(connection: Connection, *, employer_id: int, reading_id: UUID, since: int) -> list[int]:
    """The lines that changed after a revision."""
    changed = await fetch_frame(
        connection,
        "SELECT DISTINCT line_number FROM line_edits WHERE employer_id = $1 AND reading_id = $2 AND revision > $3",
        *(employer_id, reading_id, since),
        schema={"line_number": pl.Int32},
    )
    return changed["line_number"].to_list()


async def select_bearers(
    connection: Connection, *, employer_id: int, reading_id: UUID, numbers: list[str], unnumbered: bool
) -> list[tuple[int, str | None, bool]]:
    """The lines with one of these numbers, and those with none where asked: (line number, NSS, left out)."""
    rows = await connection.fetch(
        """
        SELECT line_number, nss, left_out
          FROM lines
         WHERE employer_id = $1 AND reading_id = $2 AND (nss = ANY ($3::text[]) OR ($4 AND nss IS NULL))
        """,
        employer_id,
        reading_id,
        numbers,
        unnumbered,
    )
    return [(row["line_number"], row["nss"], row["left_out"]) for row in rows]


async def select_numbers_on(
    connection: Connection, *, employer_id: int, reading_id: UUID, numbers: list[int]
) -> set[str | None]:
    """The NSS on the lines of these line numbers, None where one has none."""
    rows = await connection.fetch(
        "SELECT DISTINCT nss FROM lines WHERE employer_id = $1 AND reading_id = $2 AND line_number = ANY ($3::int[])",
        employer_id,
        reading_id,
        numbers,
    )
    return {row["nss"] for row in rows}


async def select_told_lines(
    connection: Connection, *, employer_id: int, reading_id: UUID, codes: list[str]
) -> list[int]:
    """The lines of which a finding of these codes stands."""
    rows = await connection.fetch(
        "SELECT DISTINCT line_number FROM findings WHERE employer_id = $1 AND reading_id = $2"
        " AND code = ANY ($3::text[]) AND line_number IS NOT NULL",
        employer_id,
        reading_id,
        codes,
    )
    return [row["line_number"] for row in rows]


async def select_all_numbers(connection: Connection, *, employer_id: int, reading_id: UUID) -> pl.DataFrame:
    """The numbers on all lines: nss, left_out."""
    return await fetch_frame(
        connection,
        "SELECT nss, left_out FROM lines WHERE employer_id = $1 AND reading_id = $2 AND nss IS NOT NULL",
        *(employer_id, reading_id),
        schema={"nss": pl.String, "left_out": pl.Boolean},
    )


async def select_pay(connection: Connection, *, employer_id: int, reading_id: UUID, form: Form) -> pl.DataFrame:
    """The amounts and times of every line, as `pay_schema` says."""
    schema = pay_schema(form)
    return await fetch_frame(
        connection,
        f"SELECT {', '.join(schema)} FROM lines WHERE employer_id = $1 AND reading_id = $2 ORDER BY line_number",
        *(employer_id, reading_id),
        schema=schema,
    )


async def select_highest(
    connection: Connection, *, employer_id: int, reading_id: UUID, bounds: tuple[int, int, int, int]
) -> tuple[int | None, int | None, int | None, int | None]:
    """The highest number of a finding below each of the first three bounds and above the one before, and above the
    fourth; None where there is none."""
    row = await connection.fetchrow(
        """
        SELECT max(finding) FILTER (WHERE finding < $3) AS first,
               max(finding) FILTER (WHERE finding >= $3 AND finding < $4) AS second,
               max(finding) FILTER (WHERE finding >= $4 AND finding < $5) AS third,
               max(finding) FILTER (WHERE finding >= $6) AS last
          FROM findings
         WHERE employer_id = $1 AND reading_id = $2 AND (finding < $5 OR finding >= $6)
        """,
        employer_id,
        reading_id,
        *bounds,
    )
    return (None,) * 4 if row is None else (row["first"], row["second"], row["third"], row["last"])


# ── findings that went away ───────────────────────────────────────────────────────────────────


async def select_marks(connection: Connection, *, employer_id: int, reading_id: UUID) -> pl.DataFrame:
    """What tells the findings of a reading from one another: MARK_SCHEMA."""
    return await fetch_frame(
        connection,
        f"SELECT {', '.join(MARK_SCHEMA)} FROM findings WHERE employer_id = $1 AND reading_id = $2",
        *(employer_id, reading_id),
        schema=MARK_SCHEMA,
    )


async def select_past_marks(
    connection: Connection, *, employer_id: int, draft_id: UUID, marks: list[str]
) -> frozenset[str]:
    """Which of these findings the draft had before, and had no more."""
    rows = await connection.fetch(
        "SELECT mark FROM past_findings WHERE employer_id = $1 AND draft_id = $2 AND mark = ANY ($3::text[])",
        employer_id,
        draft_id,
        marks,
    )
    return frozenset(row["mark"] for row in rows)


async def insert_past_marks(connection: Connection, *, employer_id: int, draft_id: UUID, marks: list[str]) -> None:
    await connection.execute(
        "INSERT INTO past_findings (employer_id, draft_id, mark) SELECT $1, $2, mark FROM unnest($3::text[]) mark"
        " ON CONFLICT (employer_id, draft_id, mark) DO NOTHING",
        employer_id,
        draft_id,
        marks,
    )


async def mark_back(connection: Connection, *, employer_id: int, reading_id: UUID, findings: list[int]) -> None:
    """These findings had gone away before."""
    await connection.execute(
        "UPDATE findings SET back = true WHERE employer_id = $1 AND reading_id = $2 AND finding = ANY ($3::bigint[])",
        employer_id,
        reading_id,
        findings,
    )


async def tell_revision(
    connection: Connection, *, employer_id: int, draft_id: UUID, revision: int, findings: dict[str, int]
) -> None:
    """What the first check after this revision found otherwise."""
    await connection.execute(
        "UPDATE draft_revisions SET findings = $4"
        " WHERE employer_id = $1 AND draft_id = $2 AND revision = $3 AND findings = '{}'::jsonb",
        employer_id,
        draft_id,
        revision,
        findings,
    )
