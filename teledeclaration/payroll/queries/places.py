"""The reading a draft stands on, and the one that a later file offers it."""

from datetime import datetime
from uuid import UUID

import msgspec
import polars as pl

from teledeclaration.database import Connection
from teledeclaration.frames import fetch_frame
from teledeclaration.intake.forms import FORMS, FormName


class ReadingPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A reading that was just checked, beside what its draft stands on and is offered."""

    form: FormName
    status: str
    stands_on: UUID | None
    lines_revision: int
    replaces: UUID | None
    mapped: bool
    same_upload: bool
    overtaken: bool


async def select_place(
    connection: Connection, *, employer_id: int, draft_id: UUID, reading_id: UUID
) -> ReadingPlace | None:
    """Where a reading of a draft stands; `overtaken`: a later file counts or is offered by now."""
    row = await connection.fetchrow(
        """
        SELECT d.form, d.status, d.reading_id AS stands_on, d.lines_revision, d.replaces,
               this.mapping IS NOT NULL AS mapped,
               coalesce(standing.upload_id = this.upload_id, false) AS same_upload,
               coalesce(standing.created_at > this.created_at, false)
                   OR coalesce(offered.created_at > this.created_at, false) AS overtaken
          FROM drafts d
          JOIN readings this ON this.employer_id = d.employer_id AND this.reading_id = $3
          LEFT JOIN readings standing ON standing.employer_id = d.employer_id AND standing.reading_id = d.reading_id
          LEFT JOIN readings offered
            ON offered.employer_id = d.employer_id AND offered.reading_id = d.proposed_reading_id
         WHERE d.employer_id = $1 AND d.draft_id = $2
        """,
        employer_id,
        draft_id,
        reading_id,
    )
    return None if row is None else msgspec.convert(row, ReadingPlace)


async def was_mended(connection: Connection, *, employer_id: int, reading_id: UUID) -> bool:
    """Whether a line of the reading was mended or left out by hand."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM lines WHERE employer_id = $1 AND reading_id = $2 AND (mended OR left_out))",
        employer_id,
        reading_id,
    )
    return found


async def hash_fields(connection: Connection, *, employer_id: int, reading_id: UUID, form: FormName) -> str:
    """One text for what a form's lines say, those left out apart; no other lines have it."""
    said = ", ".join(FORMS[form].stored)
    digest: str = await connection.fetchval(
        f"""
        SELECT encode(sha256(convert_to(
                   coalesce(string_agg(row({said})::text, E'\n' ORDER BY line_number), ''), 'UTF8')), 'hex')
          FROM lines
         WHERE employer_id = $1 AND reading_id = $2 AND NOT left_out
        """,
        employer_id,
        reading_id,
    )
    return digest


async def count_numbers_asked(connection: Connection, *, employer_id: int, reading_id: UUID) -> int:
    """For how many lines of the reading a number is asked for."""
    count: int = await connection.fetchval(
        """
        SELECT count(*) FROM lines
         WHERE employer_id = $1 AND reading_id = $2 AND number_requested AND nss IS NULL
        """,
        employer_id,
        reading_id,
    )
    return count


_PERSON: dict[str, type[pl.DataType]] = {"last_name": pl.String, "first_name": pl.String, "birth_date": pl.Date}


async def select_numbers_asked(connection: Connection, *, employer_id: int, reading_id: UUID) -> pl.DataFrame:
    """Names and birth on the reading's lines for which a number is asked for."""
    return await fetch_frame(
        connection,
        f"SELECT {', '.join(_PERSON)} FROM lines"
        " WHERE employer_id = $1 AND reading_id = $2 AND number_requested AND nss IS NULL",
        employer_id,
        reading_id,
        schema=_PERSON,
    )


async def select_filed_without_number(
    connection: Connection, *, employer_id: int, declaration_id: UUID, form: FormName
) -> pl.DataFrame:
    """Names and birth on a declaration's lines without a number: a registration asks for it."""
    table = "declared_lines" if form == "annual" else "periodic_lines"
    return await fetch_frame(
        connection,
        f"SELECT {', '.join(_PERSON)} FROM {table}"
        " WHERE employer_id = $1 AND declaration_id = $2 AND nss IS NULL AND last_name IS NOT NULL",
        employer_id,
        declaration_id,
        schema=_PERSON,
    )


async def stand_on(connection: Connection, *, employer_id: int, draft_id: UUID, reading_id: UUID) -> None:
    """Let the draft stand on the lines of this reading; nothing else is offered any more."""
    await connection.execute(
        "UPDATE drafts SET reading_id = $3, proposed_reading_id = NULL WHERE employer_id = $1 AND draft_id = $2",
        employer_id,
        draft_id,
        reading_id,
    )


async def offer_reading(
    connection: Connection, *, employer_id: int, draft_id: UUID, reading_id: UUID | None, now: datetime
) -> None:
    """Note what a later file offers to a draft; None forgets it. Either is a revision, and moves no line."""
    await connection.execute(
        """
        UPDATE drafts SET proposed_reading_id = $3, revision = revision + 1, updated_at = $4
         WHERE employer_id = $1 AND draft_id = $2
        """,
        employer_id,
        draft_id,
        reading_id,
        now,
    )
