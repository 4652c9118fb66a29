"""Lines changed in place, many at once, and what they were before: the way back to a former revision.

As with all bulk rows, values come through an `incoming_…` table that is emptied in the same transaction.
"""

import io
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import polars as pl

from teledeclaration.database import Connection
from teledeclaration.frames import fetch_frame
from teledeclaration.intake.forms import FORMS, FormName
from teledeclaration.payroll.queries.lines import LINE_FIELDS, LINE_SCHEMA, joined_without_statistics

_FLAGS = ("left_out", "number_requested")
"""What is said about a line, and mends nothing in it."""

_NAMED_MAX = 2_000
"""Up to so many lines are named one by one in a statement."""

CHANGEABLE = (*LINE_FIELDS, "typed", *_FLAGS, "mended")
"""What of a stored line can be changed, and put back."""


def changeable(form: FormName) -> frozenset[str]:
    """The same of a form's lines."""
    return frozenset((*FORMS[form].stored, "typed", *_FLAGS, "mended"))


class LineEdit(msgspec.Struct, frozen=True):
    """A line that a revision changed: what it was before, and how the line stands today."""

    line_number: int
    row: int | None
    before: dict[str, Any]
    line: dict[str, Any]


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
    named = changes["line_number"].to_list() if changes.height <= _NAMED_MAX else None
    async with joined_without_statistics(connection):
        await _keep_former(connection, employer_id, reading_id, revision, fields, named)
        status = await connection.execute(
            f"UPDATE lines l SET {_settings(fields)} FROM incoming_lines i"
            " WHERE l.employer_id = $1 AND l.reading_id = $2"
            f" AND i.employer_id = $1 AND i.reading_id = $2 AND i.line_number = l.line_number {_named(named, 3)}",
            employer_id,
            reading_id,
            *([] if named is None else [named]),
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


_KEPT_STAYS = """ON CONFLICT (employer_id, reading_id, revision, line_number)
        DO UPDATE SET before = excluded.before || kept.before"""


async def _keep_former(
    connection: Connection,
    employer_id: int,
    reading_id: UUID,
    revision: int,
    fields: Sequence[str],
    named: list[int] | None,
) -> None:
    """The lines as they are now, as far as they are about to change.

    To look for what an earlier call kept costs as much as the rows themselves: it is done where there was one.
    """
    kept_before = await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM line_edits WHERE employer_id = $1 AND reading_id = $2 AND revision = $3)",
        employer_id,
        reading_id,
        revision,
    )
    former = ", ".join(f"'{name}', l.{name}" for name in _touched(fields))
    await connection.execute(
        f"""
        INSERT INTO line_edits AS kept (employer_id, reading_id, revision, line_number, before)
        SELECT $1, $2, $3, l.line_number, jsonb_build_object({former})
          FROM incoming_lines i
          JOIN lines l
            ON l.employer_id = i.employer_id AND l.reading_id = i.reading_id AND l.line_number = i.line_number
         WHERE i.employer_id = $1 AND i.reading_id = $2 AND l.employer_id = $1 AND l.reading_id = $2
               {_named(named, 4)}
        {_KEPT_STAYS if kept_before else ""}
        """,
        employer_id,
        reading_id,
        revision,
        *([] if named is None else [named]),
    )


def _named(numbers: list[int] | None, place: int) -> str:
    """Few lines are looked up by number: without it a plan may walk through all of the reading's."""
    return "" if numbers is None else f"AND l.line_number = ANY (${place}::int[])"


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


async def select_former_lines(
    connection: Connection, *, employer_id: int, reading_id: UUID, revision: int
) -> tuple[list[str], pl.DataFrame]:
    """How the lines that changed since a revision stood at it: the fields, and a frame for `change_lines`.

    A field is as the first change after the revision found it; lines that are again as they were are left out.
    """
    fields = await _fields_changed(connection, employer_id, reading_id, revision)
    if not fields:
        return [], pl.DataFrame(schema={"line_number": pl.Int32})
    then, today = (", ".join(f"{table}.{name}" for name in fields) for table in ("n", "l"))
    async with joined_without_statistics(connection):
        frame = await fetch_frame(
            connection,
            f"""
            WITH former AS (
                SELECT line_number, jsonb_object_agg(key, value) AS image
                  FROM (SELECT DISTINCT ON (e.line_number, field.key) e.line_number, field.key, field.value
                          FROM line_edits e, jsonb_each(e.before) field
                         WHERE e.employer_id = $1 AND e.reading_id = $2 AND e.revision > $3
                         ORDER BY e.line_number, field.key, e.revision) earliest
                 GROUP BY line_number)
            SELECT l.line_number, {then}
              FROM former
              JOIN lines l ON l.employer_id = $1 AND l.reading_id = $2 AND l.line_number = former.line_number,
                   jsonb_populate_record(l, former.image) n
             WHERE ({then}) IS DISTINCT FROM ({today})
             ORDER BY l.line_number
            """,
            *(employer_id, reading_id, revision),
            schema={name: LINE_SCHEMA[name] for name in ("line_number", *fields)},
        )
    return fields, frame


async def _fields_changed(connection: Connection, employer_id: int, reading_id: UUID, revision: int) -> list[str]:
    rows = await connection.fetch(
        "SELECT DISTINCT jsonb_object_keys(before) AS field FROM line_edits"
        " WHERE employer_id = $1 AND reading_id = $2 AND revision > $3",
        employer_id,
        reading_id,
        revision,
    )
    return sorted(row["field"] for row in rows)


async def select_edits(
    connection: Connection, *, employer_id: int, reading_id: UUID, revision: int, after: int, limit: int
) -> list[LineEdit]:
    """A page of the lines that a revision changed, by number."""
    rows = await connection.fetch(
        """
        SELECT e.line_number, l.row, e.before, to_jsonb(l) AS line
          FROM line_edits e
          JOIN lines l
            ON l.employer_id = e.employer_id AND l.reading_id = e.reading_id AND l.line_number = e.line_number
         WHERE e.employer_id = $1 AND e.reading_id = $2 AND e.revision = $3 AND e.line_number > $4
         ORDER BY e.line_number
         LIMIT $5
        """,
        employer_id,
        reading_id,
        revision,
        after,
        limit,
    )
    return [msgspec.convert(row, LineEdit) for row in rows]


async def select_line_images(
    connection: Connection, *, employer_id: int, reading_id: UUID, after: int, limit: int
) -> list[dict[str, Any]]:
    """A page of the lines as they stand today, by number, in the form of former values."""
    rows = await connection.fetch(
        "SELECT to_jsonb(l) AS line FROM lines l"
        " WHERE employer_id = $1 AND reading_id = $2 AND line_number > $3 ORDER BY line_number LIMIT $4",
        employer_id,
        reading_id,
        after,
        limit,
    )
    return [row["line"] for row in rows]


async def select_later_edits(
    connection: Connection, *, employer_id: int, reading_id: UUID, revision: int, numbers: list[int]
) -> list[tuple[int, dict[str, Any]]]:
    """What the later revisions changed in these lines, the latest first: (line number, what it was before)."""
    rows = await connection.fetch(
        """
        SELECT line_number, before
          FROM line_edits
         WHERE employer_id = $1 AND reading_id = $2 AND revision > $3 AND line_number = ANY ($4::int[])
         ORDER BY revision DESC
        """,
        employer_id,
        reading_id,
        revision,
        numbers,
    )
    return [(row["line_number"], row["before"]) for row in rows]
