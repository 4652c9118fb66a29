"""Documents and the codes that lead to them."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from teledeclaration.database import Connection, one_changed

LEASE = timedelta(minutes=2)
ATTEMPTS_MAX = 3


class DocumentRow(msgspec.Struct, frozen=True, kw_only=True):
    """A document as stored."""

    document_id: UUID
    kind: str
    subject: str
    code: str
    facts: dict[str, Any]
    status: str
    content_hash: str | None
    created_at: datetime
    sealed_at: datetime | None
    revoked_at: datetime | None


_DOCUMENT = "document_id, kind, subject, code, facts, status, content_hash, created_at, sealed_at, revoked_at"


async def insert_document(
    connection: Connection,
    *,
    employer_id: int,
    document_id: UUID,
    kind: str,
    subject: str,
    code: str,
    facts: dict[str, Any],
    now: datetime,
) -> None:
    await connection.execute(
        "INSERT INTO documents (employer_id, document_id, kind, subject, code, facts, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        employer_id,
        document_id,
        kind,
        subject,
        code,
        facts,
        now,
    )


async def insert_code(connection: Connection, *, employer_id: int, document_id: UUID, code: str) -> None:
    await connection.execute(
        "INSERT INTO document_codes (code, employer_id, document_id) VALUES ($1, $2, $3)",
        code,
        employer_id,
        document_id,
    )


async def claim_document(
    connection: Connection, *, employer_id: int, document_id: UUID, lease: UUID, now: datetime
) -> DocumentRow | None:
    """Take the document to seal it; None where it is done, in other hands, or was tried too often."""
    row = await connection.fetchrow(
        f"""
        UPDATE documents SET attempt = attempt + 1, lease = $3, leased_until = $4
         WHERE employer_id = $1 AND document_id = $2 AND status = 'waiting' AND attempt < $6
           AND (leased_until IS NULL OR leased_until < $5)
        RETURNING {_DOCUMENT}
        """,
        employer_id,
        document_id,
        lease,
        now + LEASE,
        now,
        ATTEMPTS_MAX,
    )
    return None if row is None else msgspec.convert(row, DocumentRow)


async def finish_document(
    connection: Connection, *, employer_id: int, document_id: UUID, lease: UUID, content_hash: str, now: datetime
) -> bool:
    """The sealed PDF is in storage; False where the lease was lost, so that no document has two PDFs."""
    return one_changed(
        await connection.execute(
            """
            UPDATE documents SET status = 'sealed', content_hash = $4, sealed_at = $5, lease = NULL, leased_until = NULL
             WHERE employer_id = $1 AND document_id = $2 AND lease = $3 AND status = 'waiting'
            """,
            employer_id,
            document_id,
            lease,
            content_hash,
            now,
        )
    )


async def give_up_document(connection: Connection, *, employer_id: int, document_id: UUID, now: datetime) -> bool:
    """After too many attempts a human is asked."""
    return one_changed(
        await connection.execute(
            """
            UPDATE documents SET status = 'failed'
             WHERE employer_id = $1 AND document_id = $2 AND status = 'waiting' AND attempt >= $4
               AND (leased_until IS NULL OR leased_until < $3)
            """,
            employer_id,
            document_id,
            now,
            ATTEMPTS_MAX,
        )
    )


async def select_document_of(
    connection: Connection, *, employer_id: int, kind: str, subject: str
) -> DocumentRow | None:
    row = await connection.fetchrow(
        f"SELECT {_DOCUMENT} FROM documents WHERE employer_id = $1 AND kind = $2 AND subject = $3",
        employer_id,
        kind,
        subject,
    )
    return None if row is None else msgspec.convert(row, DocumentRow)


async def select_document(connection: Connection, *, employer_id: int, document_id: UUID) -> DocumentRow | None:
    row = await connection.fetchrow(
        f"SELECT {_DOCUMENT} FROM documents WHERE employer_id = $1 AND document_id = $2", employer_id, document_id
    )
    return None if row is None else msgspec.convert(row, DocumentRow)


async def select_code(connection: Connection, *, code: str) -> tuple[int, UUID] | None:
    """The employer and document a code leads to; the connection is a stranger's who holds that code."""
    row = await connection.fetchrow("SELECT employer_id, document_id FROM document_codes WHERE code = $1", code)
    return None if row is None else (row["employer_id"], row["document_id"])


async def select_waiting_documents(connection: Connection, *, now: datetime, limit: int) -> list[tuple[int, UUID, int]]:
    """Over all employers, what waits in nobody's hands: (employer, document, attempts), the oldest first."""
    rows = await connection.fetch(
        """
        SELECT employer_id, document_id, attempt
          FROM documents
         WHERE status = 'waiting' AND (leased_until IS NULL OR leased_until < $1)
         ORDER BY created_at
         LIMIT $2
        """,
        now,
        limit,
    )
    return [(row["employer_id"], row["document_id"], row["attempt"]) for row in rows]
