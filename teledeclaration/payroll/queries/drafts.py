"""Drafts and the confirmations that go with them."""

from datetime import datetime
from uuid import UUID

import msgspec

from schemas.payroll import DraftSummary
from schemas.periodic import PeriodHeader
from teledeclaration.database import Connection


class DraftRow(DraftSummary, frozen=True, kw_only=True):
    """A draft with the reading its lines are of, the revision that last changed one, and the reading that a later
    file offers."""

    reading_id: UUID | None
    lines_revision: int
    proposed_reading_id: UUID | None


class Confirmation(msgspec.Struct, frozen=True):
    """Who answered for the doubts of one code, and for how many of them."""

    code: str
    confirmed_by: str
    confirmed_at: datetime
    findings: int


_NO_HEADER = PeriodHeader()
_DRAFT = """draft_id, form, centre, year, period, header, type, status, revision, reading_id, lines_revision,
       proposed_reading_id, replaces, completes, created_by, created_at, updated_at"""


async def insert_draft(
    connection: Connection,
    *,
    employer_id: int,
    draft_id: UUID,
    form: str,
    centre: str,
    year: int,
    period: str,
    header: PeriodHeader = _NO_HEADER,
    type: str,  # noqa: A002 - the declaration's type is its name in the law and on the wire
    replaces: UUID | None,
    completes: UUID | None,
    created_by: str,
    now: datetime,
) -> DraftRow:
    row = await connection.fetchrow(
        f"""
        INSERT INTO drafts (employer_id, draft_id, form, centre, year, period, type, replaces, completes,
                            created_by, created_at, updated_at, header)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12)
        RETURNING {_DRAFT}
        """,
        employer_id,
        draft_id,
        form,
        centre,
        year,
        period,
        type,
        replaces,
        completes,
        created_by,
        now,
        msgspec.to_builtins(header),
    )
    return msgspec.convert(row, DraftRow)


async def update_header(connection: Connection, *, employer_id: int, draft_id: UUID, header: PeriodHeader) -> None:
    """What a periodic declaration says beside its lines."""
    await connection.execute(
        "UPDATE drafts SET header = $3 WHERE employer_id = $1 AND draft_id = $2",
        employer_id,
        draft_id,
        msgspec.to_builtins(header),
    )


async def select_draft(connection: Connection, *, employer_id: int, draft_id: UUID) -> DraftRow | None:
    row = await connection.fetchrow(
        f"SELECT {_DRAFT} FROM drafts WHERE employer_id = $1 AND draft_id = $2", employer_id, draft_id
    )
    return None if row is None else msgspec.convert(row, DraftRow)


async def lock_draft(connection: Connection, *, employer_id: int, draft_id: UUID) -> DraftRow | None:
    """The draft, held until the transaction ends: changes of one draft follow one another."""
    row = await connection.fetchrow(
        f"SELECT {_DRAFT} FROM drafts WHERE employer_id = $1 AND draft_id = $2 FOR UPDATE", employer_id, draft_id
    )
    return None if row is None else msgspec.convert(row, DraftRow)


async def select_open_draft(
    connection: Connection,
    *,
    employer_id: int,
    form: str,
    centre: str,
    period: str,
    type: str,  # noqa: A002 - as above
    replaces: UUID | None,
    completes: UUID | None,
) -> DraftRow | None:
    """The open draft of the same declaration, so that a second file mends the first instead of standing beside it."""
    row = await connection.fetchrow(
        f"""
        SELECT {_DRAFT}
          FROM drafts
         WHERE employer_id = $1 AND form = $2 AND centre = $3 AND period = $4 AND type = $5 AND status = 'open'
           AND replaces IS NOT DISTINCT FROM $6 AND completes IS NOT DISTINCT FROM $7
         ORDER BY created_at DESC
         LIMIT 1
           FOR UPDATE
        """,
        employer_id,
        form,
        centre,
        period,
        type,
        replaces,
        completes,
    )
    return None if row is None else msgspec.convert(row, DraftRow)


async def select_drafts(
    connection: Connection, *, employer_id: int, status: str | None, year: int | None, limit: int
) -> list[DraftRow]:
    """The last changed first."""
    rows = await connection.fetch(
        f"""
        SELECT {_DRAFT}
          FROM drafts
         WHERE employer_id = $1 AND ($2::text IS NULL OR status = $2) AND ($3::int IS NULL OR year = $3)
         ORDER BY updated_at DESC, draft_id
         LIMIT $4
        """,
        employer_id,
        status,
        year,
        limit,
    )
    return [msgspec.convert(row, DraftRow) for row in rows]


async def touch_draft(connection: Connection, *, employer_id: int, draft_id: UUID, now: datetime) -> int:
    """Move the draft on by a revision; the new one."""
    revision: int = await connection.fetchval(
        "UPDATE drafts SET revision = revision + 1, updated_at = $3 WHERE employer_id = $1 AND draft_id = $2"
        " RETURNING revision",
        employer_id,
        draft_id,
        now,
    )
    return revision


async def end_draft(connection: Connection, *, employer_id: int, draft_id: UUID, status: str, now: datetime) -> None:
    """The draft is filed or dropped."""
    await connection.execute(
        "UPDATE drafts SET status = $3, updated_at = $4 WHERE employer_id = $1 AND draft_id = $2",
        employer_id,
        draft_id,
        status,
        now,
    )


async def upsert_confirmation(
    connection: Connection,
    *,
    employer_id: int,
    draft_id: UUID,
    code: str,
    confirmed_by: str,
    account_id: UUID | None,
    findings: int,
    now: datetime,
) -> None:
    await connection.execute(
        """
        INSERT INTO confirmations (employer_id, draft_id, code, confirmed_by, account_id, confirmed_at, findings)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (employer_id, draft_id, code)
        DO UPDATE SET confirmed_by = $4, account_id = $5, confirmed_at = $6, findings = $7
        """,
        employer_id,
        draft_id,
        code,
        confirmed_by,
        account_id,
        now,
        findings,
    )


async def delete_confirmation(connection: Connection, *, employer_id: int, draft_id: UUID, code: str) -> None:
    await connection.execute(
        "DELETE FROM confirmations WHERE employer_id = $1 AND draft_id = $2 AND code = $3",
        employer_id,
        draft_id,
        code,
    )


async def delete_outgrown_confirmations(
    connection: Connection, *, employer_id: int, draft_id: UUID, reading_id: UUID
) -> None:
    """Withdraw an answer that was given for fewer doubts than there are now: nobody answered for the new ones."""
    await connection.execute(
        """
        DELETE FROM confirmations c
         WHERE c.employer_id = $1 AND c.draft_id = $2
           AND c.findings < (SELECT count(*) FROM findings f
                              WHERE f.employer_id = $1 AND f.reading_id = $3 AND f.code = c.code)
        """,
        employer_id,
        draft_id,
        reading_id,
    )


async def select_confirmations(connection: Connection, *, employer_id: int, draft_id: UUID) -> dict[str, Confirmation]:
    """By code."""
    rows = await connection.fetch(
        "SELECT code, confirmed_by, confirmed_at, findings FROM confirmations WHERE employer_id = $1 AND draft_id = $2",
        employer_id,
        draft_id,
    )
    return {row["code"]: msgspec.convert(row, Confirmation) for row in rows}
