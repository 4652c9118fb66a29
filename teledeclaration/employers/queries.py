"""All SQL of members, invitations, keys, twins and the journal's reading; one statement a function."""

from datetime import datetime
from uuid import UUID

import msgspec

from schemas.employers import (
    EmployerLine,
    InvitationLine,
    JournalEntry,
    KeyLine,
    MemberLine,
    MemberRole,
    Mode,
    Role,
)
from teledeclaration.database import Connection, one_changed

# ── members and invitations ─────────────────────────────────────────────────────────────────────


async def select_members(connection: Connection, *, employer_id: int) -> list[MemberLine]:
    rows = await connection.fetch(
        "SELECT account_id, email, name, role, created_at FROM memberships"
        " WHERE employer_id = $1 AND ended_at IS NULL ORDER BY created_at, account_id",
        employer_id,
    )
    return [msgspec.convert(row, MemberLine) for row in rows]


async def select_owners_for_update(connection: Connection, *, employer_id: int) -> set[UUID]:
    """The owners, held until the transaction ends, so that two cannot remove each other at once."""
    rows = await connection.fetch(
        "SELECT account_id FROM memberships WHERE employer_id = $1 AND role = 'owner' AND ended_at IS NULL"
        " ORDER BY account_id FOR UPDATE",
        employer_id,
    )
    return {row["account_id"] for row in rows}


async def upsert_membership(
    connection: Connection,
    *,
    account_id: UUID,
    employer_id: int,
    role: MemberRole,
    email: str,
    name: str,
    now: datetime,
) -> None:
    """Make an account a member, again where it was one before."""
    await connection.execute(
        """
        INSERT INTO memberships (account_id, employer_id, role, email, name, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (account_id, employer_id) DO UPDATE
           SET role = excluded.role, email = excluded.email, name = excluded.name, ended_at = NULL
        """,
        account_id,
        employer_id,
        role,
        email,
        name,
        now,
    )


async def update_member_role(connection: Connection, *, employer_id: int, account_id: UUID, role: MemberRole) -> bool:
    """False where there is no such member."""
    return one_changed(
        await connection.execute(
            "UPDATE memberships SET role = $3 WHERE employer_id = $1 AND account_id = $2 AND ended_at IS NULL",
            employer_id,
            account_id,
            role,
        )
    )


async def update_member_ended(connection: Connection, *, employer_id: int, account_id: UUID, now: datetime) -> bool:
    """False where there is no such member."""
    return one_changed(
        await connection.execute(
            "UPDATE memberships SET ended_at = $3 WHERE employer_id = $1 AND account_id = $2 AND ended_at IS NULL",
            employer_id,
            account_id,
            now,
        )
    )


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """A role offered to an address; `employer_id` 0 for a role at the fund."""

    token_hash: str
    invitation_id: UUID
    employer_id: int
    email: str
    name: str
    role: Role
    wilayas: list[int] | None
    expires_at: datetime


async def insert_invitation(
    connection: Connection, invitation: Invitation, *, invited_by: UUID | None, now: datetime
) -> None:
    await connection.execute(
        """
        INSERT INTO invitations (token_hash, invitation_id, employer_id, email, name, role, wilayas, invited_by,
                                 created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        """,
        invitation.token_hash,
        invitation.invitation_id,
        invitation.employer_id,
        invitation.email,
        invitation.name,
        invitation.role,
        invitation.wilayas,
        invited_by,
        now,
        invitation.expires_at,
    )


async def select_invitation(connection: Connection, *, token_hash: str, now: datetime) -> Invitation | None:
    """The invitation whose token is held, while it stands."""
    row = await connection.fetchrow(
        "SELECT token_hash, invitation_id, employer_id, email, name, role, wilayas, expires_at FROM invitations"
        " WHERE token_hash = $1 AND accepted_at IS NULL AND expires_at > $2",
        token_hash,
        now,
    )
    return None if row is None else msgspec.convert(row, Invitation)


async def select_invitations(connection: Connection, *, employer_id: int, now: datetime) -> list[InvitationLine]:
    """What an employer offered and nobody took up yet."""
    rows = await connection.fetch(
        "SELECT invitation_id, email, name, role, expires_at FROM invitations"
        " WHERE employer_id = $1 AND accepted_at IS NULL AND expires_at > $2 ORDER BY created_at, invitation_id",
        employer_id,
        now,
    )
    return [msgspec.convert(row, InvitationLine) for row in rows]


async def update_invitation_accepted(connection: Connection, *, token_hash: str, now: datetime) -> bool:
    """Compare and set: False where it was taken up before, or withdrawn."""
    return one_changed(
        await connection.execute(
            "UPDATE invitations SET accepted_at = $2 WHERE token_hash = $1 AND accepted_at IS NULL AND expires_at > $2",
            token_hash,
            now,
        )
    )


async def update_invitations_withdrawn(
    connection: Connection, *, employer_id: int, invitation_id: UUID, now: datetime
) -> bool:
    """An invitation withdrawn is one whose day has come; False where none stands."""
    return one_changed(
        await connection.execute(
            "UPDATE invitations SET expires_at = $3"
            " WHERE employer_id = $1 AND invitation_id = $2 AND accepted_at IS NULL AND expires_at > $3",
            employer_id,
            invitation_id,
            now,
        )
    )


async def upsert_fund_role(connection: Connection, *, account_id: UUID, role: Role, wilayas: list[int] | None) -> None:
    await connection.execute(
        """
        INSERT INTO fund_roles (account_id, role, wilayas) VALUES ($1, $2, $3)
            ON CONFLICT (account_id) DO UPDATE SET role = excluded.role, wilayas = excluded.wilayas, ended_at = NULL
        """,
        account_id,
        role,
        wilayas,
    )


# ── API keys ────────────────────────────────────────────────────────────────────────────────────


async def insert_key(
    connection: Connection, line: KeyLine, *, employer_id: int, key_hash: str, created_by: UUID | None
) -> None:
    await connection.execute(
        """
        INSERT INTO api_keys (key_id, employer_id, key_hash, hint, name, scopes, created_by, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        line.key_id,
        employer_id,
        key_hash,
        line.hint,
        line.name,
        line.scopes,
        created_by,
        line.created_at,
        line.expires_at,
    )


async def select_keys(connection: Connection, *, employer_id: int) -> list[KeyLine]:
    """An employer's keys, revoked ones too, the newest first."""
    rows = await connection.fetch(
        "SELECT key_id, name, hint, scopes, created_at, expires_at, revoked_at FROM api_keys"
        " WHERE employer_id = $1 ORDER BY created_at DESC, key_id",
        employer_id,
    )
    return [msgspec.convert(row, KeyLine) for row in rows]


async def update_key_revoked(connection: Connection, *, employer_id: int, key_id: UUID, now: datetime) -> bool:
    """False where there is no such key in force."""
    return one_changed(
        await connection.execute(
            "UPDATE api_keys SET revoked_at = $3 WHERE employer_id = $1 AND key_id = $2 AND revoked_at IS NULL",
            employer_id,
            key_id,
            now,
        )
    )


# ── employers ───────────────────────────────────────────────────────────────────────────────────


async def select_employers_by_number(
    connection: Connection, *, beginning: str, after: str, wilayas: tuple[int, ...] | None, limit: int
) -> list[EmployerLine]:
    """Live employers that the actor's scope shows, by the first digits of the number; `wilayas` narrows the search."""
    rows = await connection.fetch(
        """
        SELECT number, mode, name, name_ar, wilaya, agency FROM employers
         WHERE mode = 'live' AND employer_id <> 0 AND ($3::smallint[] IS NULL OR wilaya = ANY ($3))
           AND number BETWEEN rpad($1, 10, '0') AND rpad($1, 10, '9') AND number > $2
         ORDER BY number LIMIT $4
        """,
        beginning,
        after,
        wilayas,
        limit,
    )
    return [msgspec.convert(row, EmployerLine) for row in rows]


async def select_employers_by_name(
    connection: Connection, *, part: str, after: str, wilayas: tuple[int, ...] | None, limit: int
) -> list[EmployerLine]:
    """The same, by part of a name in either script.

    No index finds a part of a name under row-level security. So the search is narrowed to the wilayas, and what
    is found is sorted afterwards: walking the numbers in order until enough were found costs more.
    """
    rows = await connection.fetch(
        """
        WITH found AS MATERIALIZED (
            SELECT number, mode, name, name_ar, wilaya, agency FROM employers
             WHERE mode = 'live' AND employer_id <> 0 AND ($3::smallint[] IS NULL OR wilaya = ANY ($3))
               AND number > $2 AND (strpos(lower(name), lower($1)) > 0 OR strpos(name_ar, $1) > 0))
        SELECT * FROM found ORDER BY number LIMIT $4
        """,
        part,
        after,
        wilayas,
        limit,
    )
    return [msgspec.convert(row, EmployerLine) for row in rows]


async def select_employer_number(connection: Connection, *, number: str, mode: Mode) -> int | None:
    """The employer's id, for the fund's systems."""
    found: int | None = await connection.fetchval(
        "SELECT employer_id FROM employer_numbers WHERE number = $1 AND mode = $2", number, mode
    )
    return found


async def insert_twin(connection: Connection, *, employer_id: int, now: datetime) -> int:
    """A test employer with the particulars of a live one; its id."""
    twin_id: int = await connection.fetchval(
        """
        INSERT INTO employers (number, mode, twin_of, name, name_ar, legal_form, sector, building_sector, wilaya,
                               agency, address, periodicity, public_administration, opened_on, updated_at)
        SELECT number, 'test', employer_id, name, name_ar, legal_form, sector, building_sector, wilaya, agency,
               address, periodicity, public_administration, opened_on, $2
          FROM employers WHERE employer_id = $1
        RETURNING employer_id
        """,
        employer_id,
        now,
    )
    return twin_id


async def insert_employer_number(connection: Connection, *, employer_id: int, number: str, mode: Mode) -> None:
    await connection.execute(
        "INSERT INTO employer_numbers (number, mode, employer_id) VALUES ($1, $2, $3)", number, mode, employer_id
    )


async def insert_twin_centres(connection: Connection, *, employer_id: int, twin_id: int) -> None:
    await connection.execute(
        "INSERT INTO payment_centres (employer_id, centre, name, agency, opened_on, closed_on)"
        " SELECT $2, centre, name, agency, opened_on, closed_on FROM payment_centres WHERE employer_id = $1",
        employer_id,
        twin_id,
    )


async def insert_twin_members(connection: Connection, *, employer_id: int, twin_id: int, now: datetime) -> None:
    await connection.execute(
        "INSERT INTO memberships (account_id, employer_id, role, email, name, created_at)"
        " SELECT account_id, $2, role, email, name, $3 FROM memberships WHERE employer_id = $1 AND ended_at IS NULL",
        employer_id,
        twin_id,
        now,
    )


async def update_twin_clock(connection: Connection, *, employer_id: int, offset_s: int) -> None:
    await connection.execute(
        "UPDATE employers SET clock_offset_s = $2 WHERE employer_id = $1 AND mode = 'test'", employer_id, offset_s
    )


async def enter_employer(connection: Connection, *, employer_id: int) -> None:
    """From here on the transaction's job acts on this employer: for what the fund's systems do to one of them."""
    await connection.execute("SELECT set_config('app.employer_id', $1::bigint::text, true)", employer_id)


# ── the journal ─────────────────────────────────────────────────────────────────────────────────


async def select_journal(
    connection: Connection, *, employer_id: int, before: tuple[datetime, UUID] | None, limit: int
) -> list[JournalEntry]:
    """An employer's entries, the newest first, before one of them."""
    at, entry_id = before or (None, None)
    rows = await connection.fetch(
        """
        SELECT entry_id, at, actor_kind, actor_label, action, subject FROM journal
         WHERE employer_id = $1 AND ($2::timestamptz IS NULL OR (at, entry_id) < ($2, $3::uuid))
         ORDER BY at DESC, entry_id DESC LIMIT $4
        """,
        employer_id,
        at,
        entry_id,
        limit,
    )
    return [msgspec.convert(row, JournalEntry) for row in rows]
