"""Who holds a secret: the questions the guard asks on every request, one round trip each.

Nobody is known yet, so each statement tells PostgreSQL its actor itself and then enters step by step:
first a stranger who holds one secret, then whoever that secret proves. A step reads only what the step
before has opened: `LATERAL … OFFSET 0` keeps PostgreSQL from reading ahead, and were it to do so all the
same, the policies would show it nothing and the caller would be refused. The settings end with the
statement, which is a transaction of its own.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from schemas.employers import ActingFor, FundRole, KeyScope, MemberRole, Mode
from teledeclaration.database import Pool
from teledeclaration.employers.errors import EmployerNotFound


class KeyHolder(msgspec.Struct, frozen=True, kw_only=True):
    """An API key in force, and the employer it is bound to."""

    key_id: UUID
    name: str
    scopes: list[KeyScope]
    employer_id: int
    number: str
    mode: Mode
    clock_offset_s: int


class SessionHolder(msgspec.Struct, frozen=True, kw_only=True):
    """The account of a session in force, with its role at the fund if it has one."""

    account_id: UUID
    name: str
    language: str
    fund_role: FundRole | None
    wilayas: list[int] | None


async def select_key(pool: Pool, *, key_hash: str, now: datetime) -> KeyHolder | None:
    """Who holds this API key; None where it is unknown, revoked or past its day."""
    row = await pool.fetchrow(
        """
        WITH asked AS MATERIALIZED (
            SELECT set_config('app.lookup', $1, true) AS key_hash, set_config('app.actor_kind', 'stranger', true)
        ), held AS MATERIALIZED (
            SELECT found.* FROM asked CROSS JOIN LATERAL (
                SELECT key_id, employer_id, name, scopes FROM api_keys
                 WHERE key_hash = asked.key_hash AND revoked_at IS NULL AND expires_at > $2 OFFSET 0) AS found
        ), entered AS MATERIALIZED (
            SELECT key_id, name, scopes, set_config('app.employer_id', employer_id::text, true)::bigint AS employer_id,
                   set_config('app.actor_kind', 'member', true)
              FROM held
        )
        SELECT key_id, entered.name, scopes, entered.employer_id, number, mode, clock_offset_s
          FROM entered CROSS JOIN LATERAL (
            SELECT number, mode, clock_offset_s FROM employers WHERE employer_id = entered.employer_id OFFSET 0
          ) AS employer
        """,
        key_hash,
        now,
    )
    return None if row is None else msgspec.convert(row, KeyHolder)


async def select_session(pool: Pool, *, token_hash: str, now: datetime) -> SessionHolder | None:
    """Who is signed in with this token; None where it is unknown, ended or past its hour."""
    row = await pool.fetchrow(
        """
        WITH asked AS MATERIALIZED (
            SELECT set_config('app.lookup', $1, true) AS token_hash, set_config('app.actor_kind', 'stranger', true)
        ), held AS MATERIALIZED (
            SELECT found.* FROM asked CROSS JOIN LATERAL (
                SELECT account_id FROM sessions
                 WHERE token_hash = asked.token_hash AND ended_at IS NULL AND expires_at > $2 OFFSET 0) AS found
        ), entered AS MATERIALIZED (
            SELECT set_config('app.account_id', account_id::text, true)::uuid AS account_id FROM held
        )
        SELECT entered.account_id, account.name, account.language, fund.role AS fund_role, fund.wilayas
          FROM entered
         CROSS JOIN LATERAL (
            SELECT name, language FROM accounts
             WHERE account_id = entered.account_id AND closed_at IS NULL OFFSET 0) AS account
          LEFT JOIN LATERAL (
            SELECT role, wilayas FROM fund_roles
             WHERE account_id = entered.account_id AND ended_at IS NULL OFFSET 0) AS fund ON true
        """,
        token_hash,
        now,
    )
    return None if row is None else msgspec.convert(row, SessionHolder)


async def select_membership(
    pool: Pool, *, account_id: UUID, number: str | None, mode: Mode
) -> tuple[MemberRole, ActingFor] | None:
    """The role at the employer named, or at the only one of that mode; None where none is named and several could be.

    EmployerNotFound where the account does not act for the one named.
    """
    rows = await pool.fetch(
        """
        WITH asked AS MATERIALIZED (
            SELECT set_config('app.account_id', $1::uuid::text, true)::uuid AS account_id,
                   set_config('app.lookup', coalesce($2, ''), true) AS number,
                   set_config('app.actor_kind', 'member', true)
        ), held AS MATERIALIZED (
            SELECT found.* FROM asked CROSS JOIN LATERAL (
                SELECT employer_id, role FROM memberships
                 WHERE account_id = asked.account_id AND ended_at IS NULL
                   AND ($2::text IS NULL OR employer_id =
                        (SELECT employer_id FROM employer_numbers WHERE number = asked.number AND mode = $3))
                OFFSET 0) AS found
        )
        SELECT employer.*, each.role
          FROM (SELECT set_config('app.employer_id', employer_id::text, true)::bigint AS employer_id, role
                  FROM held OFFSET 0) AS each
         CROSS JOIN LATERAL (
            SELECT employer_id, number, mode, clock_offset_s FROM employers
             WHERE employer_id = each.employer_id OFFSET 0) AS employer
         WHERE mode = $3 LIMIT 2
        """,
        account_id,
        number,
        mode,
    )
    if number is not None and not rows:
        raise EmployerNotFound
    if len(rows) != 1:
        return None
    role: MemberRole = rows[0]["role"]
    return role, msgspec.convert(rows[0], ActingFor)


async def select_employer_in_scope(
    pool: Pool, *, number: str, mode: Mode, wilayas: tuple[int, ...] | None
) -> ActingFor:
    """The employer an officer names; EmployerNotFound where there is none in their wilayas."""
    row = await pool.fetchrow(
        """
        WITH asked AS MATERIALIZED (
            SELECT set_config('app.lookup', $1, true) AS number, set_config('app.actor_kind', 'officer', true),
                   set_config('app.wilayas', $3, true)
        ), named AS MATERIALIZED (
            SELECT found.* FROM asked CROSS JOIN LATERAL (
                SELECT employer_id FROM employer_numbers
                 WHERE number = asked.number AND mode = $2 OFFSET 0) AS found
        )
        SELECT employer.* FROM named CROSS JOIN LATERAL (
            SELECT employer_id, number, mode, clock_offset_s FROM employers
             WHERE employer_id = named.employer_id OFFSET 0) AS employer
        """,
        number,
        mode,
        "all" if wilayas is None else "{" + ",".join(map(str, wilayas)) + "}",
    )
    if row is None:
        raise EmployerNotFound
    return msgspec.convert(row, ActingFor)
