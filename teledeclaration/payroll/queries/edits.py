"""Lines changed in place, many at once, and what they were before: the way back to a former revision.

As with all bulk rows, values come through an `incoming_…` table that is emptied in the same transaction.
"""

import io
from collections.abc import Sequence
from uuid import UUID

import polars as pl

from teledeclaration.database import Connection
from teledeclaration.payroll.queries.lines import LINE_FIELDS

_FLAGS = ("left_out", "number_requested")
"""What is said about a line, and mends nothing in it."""

CHANGEABLE = (*LINE_FIELDS, "typed", *_FLAGS, "mended")
"""What of a stored line can be changed, and put back."""


async def change_lines(
    connection: Connection,
    *,
    employer_id: int,
    reading_id: UUID,
    revision: int,
    fields: Sequence[str],
    changes: pl.DataFrame,
) -> int:
    """Put these values in place in the stored lines of a reading; how many of the lines named there are.

    `changes` has `line_number` (once each) and `fields`, of CHANGEABLE, typed as LINE_SCHEMA says (`typed` is JSON
    as text). Each line's former values are kept under `revision`, the one that `revisions.record` gave; several calls
    for one revision keep the first. What was typed in the cell of a field put in place is forgotten, unless `typed`
    is among the fields; a line counts as mended since, unless only flags changed or `mended` is among the fields.
    The caller holds the draft. ValueError for another field.
    """
    if unknown := set(fields) - set(CHANGEABLE):
        raise ValueError(f"not a field of a line: {', '.join(sorted(unknown))}")
    if changes.is_empty() or not fields:
        return 0
    await _copy(connection, employer_id, reading_id, fields, changes)
    await _keep_former(connection, employer_id, reading_id, revision, fields)
    status = await connection.execute(
        f"UPDATE lines l SET {_settings(fields)} FROM incoming_lines i"
        " WHERE l.employer_id = $1 AND l.reading_id = $2"
        " AND i.employer_id = $1 AND i.reading_id = $2 AND i.line_number = l.line_number",
        employer_id,
        reading_id,
    )
    await connection.execute(
        "DELETE FROM incoming_lines WHERE employer_id = $1 AND reading_id = $2", employer_id, reading_id
    )
    return int(status.rpartition(" ")[2])


async def _copy(
    connection: Connection, employer_id: int, reading_id: UUID, fields: Sequence[str], changes: pl.DataFrame
) -> None:
    keyed = changes.select(
        pl.lit(employer_id).alias("employer_id"),
        pl.lit(str(reading_id)).alias("reading_id"),
        "line_number",
        pl.col(fields),
    )
    await connection.copy_to_table(
        "incoming_lines",
        source=io.BytesIO(keyed.write_csv().encode()),
        columns=keyed.columns,
        format="csv",
        header=True,
    )


async def _keep_former(
    connection: Connection, employer_id: int, reading_id: UUID, revision: int, fields: Sequence[str]
) -> None:
    """The lines as they are now, as far as they are about to change."""
    former = ", ".join(f"'{name}', l.{name}" for name in _touched(fields))
    await connection.execute(
        f"""
        INSERT INTO line_edits AS kept (employer_id, reading_id, revision, line_number, before)
        SELECT $1, $2, $3, l.line_number, jsonb_build_object({former})
          FROM incoming_lines i
          JOIN lines l
            ON l.employer_id = i.employer_id AND l.reading_id = i.reading_id AND l.line_number = i.line_number
         WHERE i.employer_id = $1 AND i.reading_id = $2 AND l.employer_id = $1 AND l.reading_id = $2
        ON CONFLICT (employer_id, reading_id, revision, line_number)
        DO UPDATE SET before = excluded.before || kept.before
        """,
        employer_id,
        reading_id,
        revision,
    )


def _touched(fields: Sequence[str]) -> list[str]:
    """The fields and what moves along with them."""
    along = () if set(fields) <= set(_FLAGS) else ("typed", "mended")
    return list(dict.fromkeys((*fields, *along)))


def _settings(fields: Sequence[str]) -> str:
    settings = [f"{name} = i.{name}" for name in fields]
    put_in_place = [name for name in fields if name in LINE_FIELDS]
    if put_in_place and "typed" not in fields:
        names = ", ".join(f"'{name}'" for name in put_in_place)
        settings.append(f"typed = nullif(l.typed - ARRAY[{names}], '{{}}'::jsonb)")
    if "mended" not in fields and not set(fields) <= set(_FLAGS):
        settings.append("mended = true")
    return ", ".join(settings)
