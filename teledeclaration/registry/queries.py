"""The loads, their findings, and the look-ups: one function a statement."""

from datetime import date, datetime
from uuid import UUID, uuid4

import msgspec

from schemas.registry import LoadCounts, LoadMode, Register, RegisteredPerson, RegisterLoad
from teledeclaration.database import Connection, one_changed


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """A load in our hands until the lease runs out."""

    load_id: UUID
    register: Register
    mode: LoadMode
    content_hash: str
    filename: str
    attempt: int
    lease: UUID
    rows_total: int | None
    rows_done: int
    counts: LoadCounts


class StoredFinding(msgspec.Struct, frozen=True, kw_only=True):
    finding: int
    row: int | None
    field: str | None
    code: str
    severity: str
    seen: str | None


async def insert_load(
    connection: Connection,
    *,
    register: Register,
    mode: LoadMode,
    content_hash: str,
    filename: str,
    created_by: str,
    now: datetime,
) -> UUID:
    """A file that waits to be read into a register; its id."""
    load_id = uuid4()
    await connection.execute(
        """
        INSERT INTO registry_loads (load_id, register, mode, content_hash, filename, created_by, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        load_id,
        register,
        mode,
        content_hash,
        filename,
        created_by,
        now,
    )
    return load_id


async def select_load(connection: Connection, *, load_id: UUID) -> RegisterLoad | None:
    row = await connection.fetchrow(
        """
        SELECT load_id, register, mode, filename, status, rows_total, rows_done, counts, reason, reason_values,
               created_by, created_at, finished_at
          FROM registry_loads WHERE load_id = $1
        """,
        load_id,
    )
    return None if row is None else msgspec.convert(row, RegisterLoad)


async def claim_load(connection: Connection, *, load_id: UUID, now: datetime, until: datetime) -> Claimed | None:
    """Take the load under a lease of our own; None when it is done or in other hands."""
    row = await connection.fetchrow(
        """
        UPDATE registry_loads
           SET attempt = attempt + 1, lease = $2, leased_until = $3
         WHERE load_id = $1 AND status = 'waiting' AND (leased_until IS NULL OR leased_until < $4)
        RETURNING load_id, register, mode, content_hash, filename, attempt, lease, rows_total, rows_done, counts
        """,
        load_id,
        uuid4(),
        until,
        now,
    )
    return None if row is None else msgspec.convert(row, Claimed)


async def update_rows_total(
    connection: Connection, *, load_id: UUID, lease: UUID, rows_total: int, until: datetime
) -> bool:
    """Say how many rows there are; False where the lease is another's by now."""
    status = await connection.execute(
        "UPDATE registry_loads SET rows_total = $3, leased_until = $4"
        " WHERE load_id = $1 AND lease = $2 AND status = 'waiting'",
        load_id,
        lease,
        rows_total,
        until,
    )
    return one_changed(status)


async def update_progress(
    connection: Connection,
    *,
    load_id: UUID,
    lease: UUID,
    rows_before: int,
    rows_done: int,
    counts: LoadCounts,
    until: datetime,
) -> bool:
    """Save a batch with what it did; False where the lease is another's by now, and nothing may be committed.

    A batch that ran to its end gives the load its attempts back: only one that never moves is given up.
    """
    status = await connection.execute(
        """
        UPDATE registry_loads
           SET rows_done = $4, counts = $5, leased_until = $6, attempt = 1
         WHERE load_id = $1 AND lease = $2 AND rows_done = $3 AND status = 'waiting'
        """,
        load_id,
        lease,
        rows_before,
        rows_done,
        msgspec.to_builtins(counts),
        until,
    )
    return one_changed(status)


async def update_finished(
    connection: Connection, *, load_id: UUID, lease: UUID, counts: LoadCounts, now: datetime
) -> bool:
    """Every good row is in; False where the lease is another's by now."""
    status = await connection.execute(
        """
        UPDATE registry_loads
           SET status = 'done', counts = $3, finished_at = $4, lease = NULL, leased_until = NULL
         WHERE load_id = $1 AND lease = $2 AND status = 'waiting'
        """,
        load_id,
        lease,
        msgspec.to_builtins(counts),
        now,
    )
    return one_changed(status)


async def update_done_at_once(
    connection: Connection, *, load_id: UUID, rows: int, counts: LoadCounts, now: datetime
) -> None:
    """Rows that came over REST: loaded in the transaction that received them."""
    await connection.execute(
        """
        UPDATE registry_loads
           SET status = 'done', rows_total = $2, rows_done = $2, counts = $3, finished_at = $4
         WHERE load_id = $1
        """,
        load_id,
        rows,
        msgspec.to_builtins(counts),
        now,
    )


async def update_ended(
    connection: Connection,
    *,
    load_id: UUID,
    lease: UUID,
    status: str,
    reason: str,
    values: dict[str, object],
    now: datetime,
) -> bool:
    """The file cannot be read (`refused`) or a human is asked (`failed`), with the reason."""
    changed = await connection.execute(
        """
        UPDATE registry_loads
           SET status = $3, reason = $4, reason_values = $5, finished_at = $6, lease = NULL, leased_until = NULL
         WHERE load_id = $1 AND lease = $2 AND status = 'waiting'
        """,
        load_id,
        lease,
        status,
        reason,
        values,
        now,
    )
    return one_changed(changed)


async def select_waiting_loads(connection: Connection, *, now: datetime, limit: int) -> list[UUID]:
    """Loads that wait and are in nobody's hands, the oldest first: what a sweeper sends again."""
    rows = await connection.fetch(
        """
        SELECT load_id FROM registry_loads
         WHERE status = 'waiting' AND (leased_until IS NULL OR leased_until < $1)
         ORDER BY created_at LIMIT $2
        """,
        now,
        limit,
    )
    return [row["load_id"] for row in rows]


async def select_findings(
    connection: Connection, *, load_id: UUID, after: int, limit: int, code: str | None
) -> list[StoredFinding]:
    rows = await connection.fetch(
        """
        SELECT finding, row, field, code, severity, seen
          FROM registry_load_findings
         WHERE load_id = $1 AND finding > $2 AND ($4::text IS NULL OR code = $4)
         ORDER BY finding LIMIT $3
        """,
        load_id,
        after,
        limit,
        code,
    )
    return [msgspec.convert(row, StoredFinding) for row in rows]


async def count_findings(connection: Connection, *, load_id: UUID) -> dict[str, int]:
    """How many findings of each code."""
    rows = await connection.fetch(
        "SELECT code, count(*) AS findings FROM registry_load_findings WHERE load_id = $1 GROUP BY code ORDER BY code",
        load_id,
    )
    return {row["code"]: row["findings"] for row in rows}


async def select_wilayas(connection: Connection) -> frozenset[int]:
    return frozenset(row["wilaya"] for row in await connection.fetch("SELECT wilaya FROM wilayas"))


_PERSON = """
    SELECT p.person_id, p.nss, p.last_name, p.first_name, p.last_name_ar, p.first_name_ar, p.birth_date,
           p.birth_place,
           ARRAY(SELECT n.nss FROM insured_numbers n WHERE n.person_id = p.person_id ORDER BY n.nss) AS numbers
      FROM people p
"""


async def select_person_by_number(connection: Connection, *, nss: str) -> RegisteredPerson | None:
    """Whom a number leads to, be it theirs today or a former one."""
    row = await connection.fetchrow(
        f"{_PERSON} WHERE p.person_id = (SELECT coalesce(o.merged_into, o.person_id)"
        " FROM insured_numbers k JOIN people o ON o.person_id = k.person_id WHERE k.nss = $1)",
        nss,
    )
    return None if row is None else msgspec.convert(row, RegisteredPerson)


async def select_people_by_name(
    connection: Connection, *, last_name: str, first_name: str, birth_date: date | None, limit: int
) -> list[RegisteredPerson]:
    """People of this last name whose first name begins so; names as the register writes them, in capitals."""
    rows = await connection.fetch(
        _PERSON
        + r"""
         WHERE p.last_name = $1 AND starts_with(p.first_name, $2) AND ($3::date IS NULL OR p.birth_date = $3)
           AND p.merged_into IS NULL
         ORDER BY p.first_name, p.birth_date, p.person_id LIMIT $4
        """,
        last_name,
        first_name,
        birth_date,
        limit,
    )
    return [msgspec.convert(row, RegisteredPerson) for row in rows]


async def count_looks(connection: Connection, *, account_id: UUID, since: datetime) -> int:
    """How many looks at people an officer took since a moment, by the journal."""
    looks: int = await connection.fetchval(
        """
        SELECT count(*) FROM journal
         WHERE employer_id = 0 AND at > $2 AND account_id = $1 AND action = 'people.searched'
        """,
        account_id,
        since,
    )
    return looks
