"""How an employer's workbooks are read: layouts remembered, words learnt, readings by a mapping of hand."""

from datetime import datetime
from uuid import UUID

import msgspec

from schemas.mapping import FileOutline, HandMapping, LearntWord, Mapping, RememberedLayout
from teledeclaration.database import Connection, one_changed

_LAYOUTS_MAX = 500
_WORDS_MAX = 5_000


class OutlineSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What an upload looked like when it was last read, and when a reading of it was last asked for."""

    reading_id: UUID
    outline: FileOutline | None
    status: str
    created_at: datetime


async def select_outline_seen(connection: Connection, *, employer_id: int, upload_id: UUID) -> OutlineSeen | None:
    """The newest reading of an upload, with the newest outline that any of its readings kept; None where none is."""
    row = await connection.fetchrow(
        """
        SELECT r.reading_id, r.status, r.created_at, seen.outline
          FROM readings r
          LEFT JOIN LATERAL (
                SELECT o.outline
                  FROM readings former
                  JOIN outlines o ON o.employer_id = former.employer_id AND o.reading_id = former.reading_id
                 WHERE former.employer_id = r.employer_id AND former.upload_id = r.upload_id
                 ORDER BY former.created_at DESC
                 LIMIT 1) seen ON true
         WHERE r.employer_id = $1 AND r.upload_id = $2
         ORDER BY r.created_at DESC
         LIMIT 1
        """,
        employer_id,
        upload_id,
    )
    return None if row is None else msgspec.convert(row, OutlineSeen)


async def upsert_outline(connection: Connection, *, employer_id: int, reading_id: UUID, outline: FileOutline) -> None:
    """Keep what the file of a reading looked like."""
    await connection.execute(
        "INSERT INTO outlines (employer_id, reading_id, outline) VALUES ($1, $2, $3)"
        " ON CONFLICT (employer_id, reading_id) DO UPDATE SET outline = $3",
        employer_id,
        reading_id,
        outline,
    )


async def select_samples(connection: Connection, *, employer_id: int, reading_id: UUID) -> dict[str, list[str]]:
    """Some cells of each column of the file, by its letter."""
    rows = await connection.fetch(
        "SELECT seen ->> 'letter' AS letter, seen -> 'samples' AS samples"
        " FROM outlines, jsonb_array_elements(outline -> 'columns') seen WHERE employer_id = $1 AND reading_id = $2",
        employer_id,
        reading_id,
    )
    return {row["letter"]: row["samples"] for row in rows}


async def insert_mapped_reading(
    connection: Connection,
    *,
    employer_id: int,
    reading_id: UUID,
    draft_id: UUID,
    upload_id: UUID,
    queue: str,
    mapping: HandMapping,
    now: datetime,
) -> None:
    """A further reading of an upload, by a mapping of hand."""
    await connection.execute(
        "INSERT INTO readings (employer_id, reading_id, draft_id, upload_id, queue, mapping, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        employer_id,
        reading_id,
        draft_id,
        upload_id,
        queue,
        mapping,
        now,
    )


async def select_layouts(
    connection: Connection, *, employer_id: int, form: str | None = None
) -> list[RememberedLayout]:
    """The last used or made first."""
    rows = await connection.fetch(
        """
        SELECT layout_id, form, words, mapping, made_by, made_at, used_at
          FROM layouts
         WHERE employer_id = $1 AND ($2::text IS NULL OR form = $2)
         ORDER BY greatest(made_at, used_at) DESC, layout_id
         LIMIT $3
        """,
        employer_id,
        form,
        _LAYOUTS_MAX,
    )
    return [msgspec.convert(row, RememberedLayout) for row in rows]


async def upsert_layout(
    connection: Connection,
    *,
    employer_id: int,
    layout_id: UUID,
    form: str,
    words_hash: str,
    words: list[tuple[str, str]],
    mapping: Mapping,
    made_by: str,
    now: datetime,
) -> None:
    """Remember how these headers are read; the latest correction counts."""
    await connection.execute(
        """
        INSERT INTO layouts (employer_id, layout_id, form, words_hash, words, mapping, made_by, made_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (employer_id, form, words_hash)
        DO UPDATE SET words = $5, mapping = $6, made_by = $7, made_at = $8
        """,
        employer_id,
        layout_id,
        form,
        words_hash,
        words,
        mapping,
        made_by,
        now,
    )


async def touch_layout(connection: Connection, *, employer_id: int, layout_id: UUID, now: datetime) -> None:
    """Note that a file was read by it."""
    await connection.execute(
        "UPDATE layouts SET used_at = $3 WHERE employer_id = $1 AND layout_id = $2", employer_id, layout_id, now
    )


async def delete_layout(connection: Connection, *, employer_id: int, layout_id: UUID) -> bool:
    """Forget one; False where there is none."""
    return one_changed(
        await connection.execute(
            "DELETE FROM layouts WHERE employer_id = $1 AND layout_id = $2", employer_id, layout_id
        )
    )


async def select_learnt_words(connection: Connection, *, employer_id: int, form: str) -> list[LearntWord]:
    """The last learnt first."""
    rows = await connection.fetch(
        """
        SELECT word, field, times, learnt_at
          FROM learnt_words
         WHERE employer_id = $1 AND form = $2
         ORDER BY learnt_at DESC, word, field
         LIMIT $3
        """,
        employer_id,
        form,
        _WORDS_MAX,
    )
    return [msgspec.convert(row, LearntWord) for row in rows]


async def upsert_learnt_word(
    connection: Connection, *, employer_id: int, form: str, word: str, field: str, sent_at: datetime, now: datetime
) -> None:
    """Learn what a header meant; counted once for each file, `sent_at` being when that one was sent."""
    await connection.execute(
        """
        INSERT INTO learnt_words (employer_id, form, word, field, learnt_at)
        VALUES ($1, $2, $3, $4, $6)
        ON CONFLICT (employer_id, form, word, field)
        DO UPDATE SET times = learnt_words.times + 1, learnt_at = $6 WHERE learnt_words.learnt_at < $5
        """,
        employer_id,
        form,
        word,
        field,
        sent_at,
        now,
    )
