"""The changes of a review, and the lines they are found in."""

import io
from typing import Any
from uuid import UUID

import msgspec
import polars as pl

from teledeclaration.database import Connection, one_changed
from teledeclaration.frames import fetch_frame
from teledeclaration.intake.comparing import compared_fields
from teledeclaration.intake.forms import FORMS, FormName
from teledeclaration.payroll.queries.lines import LINE_SCHEMA


class ChangeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One change as stored; `fields` holds [before, after] or [before, after, how]."""

    change: int
    kind: str
    line_number: int | None
    base_line: int | None
    nss: str | None
    last_name: str | None
    first_name: str | None
    birth_date: Any
    fields: dict[str, list[Any]]
    score: int | None
    difference: int
    same_person: bool | None


_CHANGE = (
    "change", "kind", "line_number", "base_line", "nss", "last_name", "first_name", "birth_date", "fields", "score",
    "difference",
)  # fmt: skip


async def replace_changes(connection: Connection, *, employer_id: int, review_id: UUID, changes: pl.DataFrame) -> None:
    """Store a review's changes (columns as `comparing.CHANGES`), in the place of any there were."""
    where = (employer_id, review_id)
    await connection.execute("DELETE FROM review_changes WHERE employer_id = $1 AND review_id = $2", *where)
    if changes.is_empty():
        return
    keyed = changes.select(
        pl.lit(employer_id).alias("employer_id"), pl.lit(str(review_id)).alias("review_id"), pl.col(_CHANGE)
    )
    await connection.copy_to_table(
        "incoming_review_changes",
        source=io.BytesIO(keyed.write_csv().encode()),
        columns=keyed.columns,
        format="csv",
        header=True,
    )
    names = ", ".join(_CHANGE)
    await connection.execute(
        f"INSERT INTO review_changes (employer_id, review_id, {names})"
        f" SELECT $1, review_id, {names} FROM incoming_review_changes WHERE employer_id = $1 AND review_id = $2",
        *where,
    )
    await connection.execute("DELETE FROM incoming_review_changes WHERE employer_id = $1 AND review_id = $2", *where)


async def select_changes(
    connection: Connection, *, employer_id: int, review_id: UUID, kind: str | None, after: int, limit: int
) -> list[ChangeRow]:
    """A page of changes by number."""
    rows = await connection.fetch(
        f"""
        SELECT {", ".join(_CHANGE)}, same_person
          FROM review_changes
         WHERE employer_id = $1 AND review_id = $2 AND change > $4 AND ($3::text IS NULL OR kind = $3)
         ORDER BY change
         LIMIT $5
        """,
        employer_id,
        review_id,
        kind,
        after,
        limit,
    )
    return [msgspec.convert(row, ChangeRow) for row in rows]


async def answer_change(
    connection: Connection, *, employer_id: int, review_id: UUID, change: int, same_person: bool | None
) -> bool:
    """Keep the answer to a close match; False where there is none of this number."""
    return one_changed(
        await connection.execute(
            "UPDATE review_changes SET same_person = $4"
            " WHERE employer_id = $1 AND review_id = $2 AND change = $3 AND kind = 'close'",
            employer_id,
            review_id,
            change,
            same_person,
        )
    )


# ── what is compared ────────────────────────────────────────────────────────────────────────────


def _compared(form: FormName) -> dict[str, type[pl.DataType]]:
    return {name: LINE_SCHEMA[name] for name in ("line_number", *compared_fields(FORMS[form]))}


async def select_draft_lines(
    connection: Connection, *, employer_id: int, reading_id: UUID, form: FormName
) -> pl.DataFrame:
    """Every line of a reading, as far as its form's lines are compared, with `left_out`."""
    schema = {**_compared(form), "left_out": LINE_SCHEMA["left_out"]}
    return await fetch_frame(
        connection,
        f"SELECT {', '.join(schema)} FROM lines WHERE employer_id = $1 AND reading_id = $2 ORDER BY line_number",
        employer_id,
        reading_id,
        schema=schema,
    )


async def select_filed_lines(connection: Connection, *, employer_id: int, declaration_id: UUID) -> pl.DataFrame:
    """Every line of an annual declaration, as far as lines are compared."""
    schema = _compared("annual")
    named = ["nss IS NULL AS number_requested" if name == "number_requested" else name for name in schema]
    return await fetch_frame(
        connection,
        f"SELECT {', '.join(named)} FROM declared_lines WHERE employer_id = $1 AND declaration_id = $2"
        " ORDER BY line_number",
        employer_id,
        declaration_id,
        schema=schema,
    )


async def select_filed_period(connection: Connection, *, employer_id: int, declaration_id: UUID) -> pl.DataFrame:
    """Every line of a month's or quarter's declaration, as far as lines by employee are compared."""
    schema = _compared("periodic")
    said = {"amount": "base AS amount", "number_requested": "nss IS NULL AND last_name IS NOT NULL AS number_requested"}
    named = [said.get(name, name) for name in schema]
    return await fetch_frame(
        connection,
        f"SELECT {', '.join(named)} FROM periodic_lines WHERE employer_id = $1 AND declaration_id = $2"
        " ORDER BY line_number",
        employer_id,
        declaration_id,
        schema=schema,
    )
