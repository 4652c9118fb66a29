"""What changes around an employer: members, API keys, test twins, accounts. One transaction each, journaled."""

from datetime import datetime, timedelta
from typing import cast
from uuid import UUID, uuid4

import asyncpg
import msgspec

from schemas.actors import FUND_EMPLOYER_ID, Actor, job, stranger
from schemas.employers import (
    ActingFor,
    InvitationShownOnce,
    KeyLine,
    KeyScope,
    KeyShownOnce,
    MemberRole,
    Mode,
    NewAccount,
    NewKey,
    NewMember,
    Role,
    TakeUp,
    Twin,
)
from teledeclaration import journal
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.employers import account_queries, queries
from teledeclaration.employers.credentials import kept_hash, new_key, new_token
from teledeclaration.employers.errors import (
    EmployerNotFound,
    InvitationOver,
    KeyTooLong,
    LastOwner,
    MisplacedRole,
    NotATwin,
    ScopesBeyondYours,
    SignInRefused,
    TwinExists,
)
from teledeclaration.employers.passwords import hash_password, matches, refuse_weak
from teledeclaration.employers.queries import Invitation
from teledeclaration.employers.roles import grantable_scopes
from teledeclaration.errors import NotFound

KEY_LIFETIME_MAX = timedelta(days=366)
INVITATION_LIFETIME = timedelta(days=7)

# ── members ─────────────────────────────────────────────────────────────────────────────────────


async def invite_member(
    pool: Pool, actor: Actor, *, employer_id: int, new: NewMember, now: datetime
) -> InvitationShownOnce:
    """Offer a role to an address; the answer is the same whether or not it has an account."""
    return await _invite(pool, actor, employer_id=employer_id, email=new.email, name=new.name, role=new.role, now=now)


async def invite_account(pool: Pool, actor: Actor, *, new: NewAccount, now: datetime) -> InvitationShownOnce:
    """Offer a role at the fund, or an employer's ownership; MisplacedRole, EmployerNotFound."""
    if (new.role == "owner") != (new.employer is not None) or (new.role == "owner" and new.wilayas is not None):
        raise MisplacedRole(pointer="/employer")
    employer_id = FUND_EMPLOYER_ID
    if new.employer is not None:
        employer_id = await _employer_id(pool, number=new.employer, mode="live")
    return await _invite(
        pool,
        actor,
        employer_id=employer_id,
        email=new.email,
        name=new.name,
        role=new.role,
        wilayas=new.wilayas,
        now=now,
    )


async def _invite(
    pool: Pool,
    actor: Actor,
    *,
    employer_id: int,
    email: str,
    name: str,
    role: Role,
    now: datetime,
    wilayas: list[int] | None = None,
) -> InvitationShownOnce:
    token = new_token()
    invitation = Invitation(
        token_hash=kept_hash(token),
        invitation_id=uuid4(),
        employer_id=employer_id,
        email=email.strip().lower(),
        name=name.strip(),
        role=role,
        wilayas=wilayas,
        expires_at=now + INVITATION_LIFETIME,
    )
    async with transaction(pool, actor) as connection:
        await queries.insert_invitation(connection, invitation, invited_by=actor.account_id, now=now)
        await journal.record(
            connection, actor, "member.invited", invitation.invitation_id, now=now, details={"role": role}
        )
    return InvitationShownOnce(invitation.invitation_id, token, invitation.expires_at)


async def take_up_invitation(pool: Pool, *, take_up: TakeUp, now: datetime) -> None:
    """Make the account where the address has none, and give it the role, once.

    An address that has an account shows its password: whoever made the invitation cannot take it over.
    InvitationOver, WeakPassword, SignInRefused.
    """
    token_hash = kept_hash(take_up.token)
    async with transaction(pool, stranger(token_hash)) as connection:
        invitation = await queries.select_invitation(connection, token_hash=token_hash, now=now)
    if invitation is None:
        raise InvitationOver
    async with transaction(pool, stranger(invitation.email)) as connection:
        account = await account_queries.select_account_by_email(connection, email=invitation.email)
    if account is None:
        refuse_weak(take_up.password, email=invitation.email)
        account_id, password_hash = uuid4(), await hash_password(take_up.password)
    elif not await matches(take_up.password, account.password_hash):
        raise SignInRefused
    else:
        account_id, password_hash = account.account_id, None
    try:
        await _give_role(pool, invitation, account_id=account_id, password_hash=password_hash, now=now)
    except asyncpg.UniqueViolationError:  # another invitation of the same address was taken up this very moment
        raise InvitationOver from None


async def _give_role(
    pool: Pool, invitation: Invitation, *, account_id: UUID, password_hash: str | None, now: datetime
) -> None:
    """`password_hash` None: the account is there already."""
    actor = Actor(
        kind="job" if invitation.employer_id == FUND_EMPLOYER_ID else "member",
        label=invitation.name,
        employer_id=invitation.employer_id,
        account_id=account_id,
    )
    async with transaction(pool, actor) as connection:
        if not await queries.update_invitation_accepted(connection, token_hash=invitation.token_hash, now=now):
            raise InvitationOver
        if password_hash is not None:
            await account_queries.insert_account(
                connection,
                account_id=account_id,
                email=invitation.email,
                name=invitation.name,
                password_hash=password_hash,
                now=now,
            )
        await _write_role(connection, invitation, account_id=account_id, now=now)
        await journal.record(connection, actor, "member.joined", account_id, now=now, details={"role": invitation.role})


async def _write_role(connection: Connection, given: Invitation, *, account_id: UUID, now: datetime) -> None:
    if given.employer_id == FUND_EMPLOYER_ID:
        await queries.upsert_fund_role(connection, account_id=account_id, role=given.role, wilayas=given.wilayas)
        return
    await queries.upsert_membership(
        connection,
        account_id=account_id,
        employer_id=given.employer_id,
        role=cast(MemberRole, given.role),
        email=given.email,
        name=given.name,
        now=now,
    )


async def change_member(
    pool: Pool, actor: Actor, *, employer_id: int, account_id: UUID, role: MemberRole, now: datetime
) -> None:
    """Give a member another role; NotFound, LastOwner."""
    async with transaction(pool, actor) as connection:
        await _keep_an_owner(connection, employer_id=employer_id, without=account_id if role != "owner" else None)
        if not await queries.update_member_role(connection, employer_id=employer_id, account_id=account_id, role=role):
            raise NotFound
        await journal.record(connection, actor, "member.changed", account_id, now=now, details={"role": role})


async def end_member(pool: Pool, actor: Actor, *, employer_id: int, account_id: UUID, now: datetime) -> None:
    """A member no longer acts for the employer, from their next request on; NotFound, LastOwner."""
    async with transaction(pool, actor) as connection:
        await _keep_an_owner(connection, employer_id=employer_id, without=account_id)
        if not await queries.update_member_ended(connection, employer_id=employer_id, account_id=account_id, now=now):
            raise NotFound
        await journal.record(connection, actor, "member.ended", account_id, now=now)


async def _keep_an_owner(connection: Connection, *, employer_id: int, without: UUID | None) -> None:
    if await queries.select_owners_for_update(connection, employer_id=employer_id) == {without}:
        raise LastOwner


async def withdraw_invitation(
    pool: Pool, actor: Actor, *, employer_id: int, invitation_id: UUID, now: datetime
) -> None:
    """NotFound where none stands."""
    async with transaction(pool, actor) as connection:
        if not await queries.update_invitations_withdrawn(
            connection, employer_id=employer_id, invitation_id=invitation_id, now=now
        ):
            raise NotFound
        await journal.record(connection, actor, "member.invitation_withdrawn", invitation_id, now=now)


# ── API keys ────────────────────────────────────────────────────────────────────────────────────


async def create_key(
    pool: Pool, actor: Actor, *, role: Role, acting_for: ActingFor, new: NewKey, now: datetime
) -> KeyShownOnce:
    """Make a key with at most its maker's rights, for a year at most; ScopesBeyondYours, KeyTooLong."""
    if not set(new.scopes) <= grantable_scopes(role):
        raise ScopesBeyondYours(pointer="/scopes")
    expires_at = new.expires_at or now + KEY_LIFETIME_MAX
    if expires_at.tzinfo is None or not now < expires_at <= now + KEY_LIFETIME_MAX:
        raise KeyTooLong(pointer="/expires_at")
    key = new_key(acting_for.mode)
    line = KeyLine(
        key_id=uuid4(),
        name=new.name.strip(),
        hint=key[-4:],
        scopes=sorted(set(new.scopes)),
        created_at=now,
        expires_at=expires_at,
        revoked_at=None,
    )
    async with transaction(pool, actor) as connection:
        await queries.insert_key(
            connection,
            line,
            employer_id=acting_for.employer_id,
            key_hash=kept_hash(key),
            created_by=actor.account_id,
        )
        details = {"scopes": line.scopes, "hint": line.hint}
        await journal.record(connection, actor, "key.created", line.key_id, now=now, details=details)
    return KeyShownOnce(key=key, line=line)


async def revoke_key(pool: Pool, actor: Actor, *, employer_id: int, key_id: UUID, now: datetime) -> None:
    """The key is refused from its next request on; NotFound."""
    async with transaction(pool, actor) as connection:
        if not await queries.update_key_revoked(connection, employer_id=employer_id, key_id=key_id, now=now):
            raise NotFound
        await journal.record(connection, actor, "key.revoked", key_id, now=now)


# ── test twins ──────────────────────────────────────────────────────────────────────────────────


async def create_twin(pool: Pool, actor: Actor, *, acting_for: ActingFor, now: datetime) -> Twin:
    """A test employer of the same number, particulars, centres and members, with a clock of its own; TwinExists."""
    if acting_for.mode == "test":
        raise TwinExists
    employer_id, number = acting_for.employer_id, acting_for.number
    try:
        async with transaction(pool, job("test twin", FUND_EMPLOYER_ID)) as connection:
            twin_id = await queries.insert_twin(connection, employer_id=employer_id, now=now)
            await queries.insert_employer_number(connection, employer_id=twin_id, number=number, mode="test")
            await queries.insert_twin_centres(connection, employer_id=employer_id, twin_id=twin_id)
            await queries.insert_twin_members(connection, employer_id=employer_id, twin_id=twin_id, now=now)
            await queries.enter_employer(connection, employer_id=employer_id)
            await journal.record(connection, actor, "twin.created", twin_id, now=now)
    except asyncpg.UniqueViolationError:
        raise TwinExists from None
    return Twin(number=number, mode="test", clock=now)


async def move_twin_clock(pool: Pool, actor: Actor, *, acting_for: ActingFor, clock: datetime, now: datetime) -> Twin:
    """From now on the twin's clock shows `clock`, and runs on; NotATwin for a live employer."""
    if acting_for.mode != "test":
        raise NotATwin
    offset_s = round((clock - now).total_seconds())
    async with transaction(pool, job("test twin", acting_for.employer_id)) as connection:
        await queries.update_twin_clock(connection, employer_id=acting_for.employer_id, offset_s=offset_s)
        details = {"offset_s": offset_s}
        await journal.record(connection, actor, "twin.clock_moved", acting_for.employer_id, now=now, details=details)
    return Twin(number=acting_for.number, mode="test", clock=now + timedelta(seconds=offset_s))


# ── from the command line ───────────────────────────────────────────────────────────────────────

_COMMAND_LINE = job("command line", FUND_EMPLOYER_ID)


async def create_account(
    pool: Pool,
    *,
    email: str,
    name: str,
    password: str,
    role: Role,
    now: datetime,
    employer: str | None = None,
    mode: Mode = "live",
    wilayas: list[int] | None = None,
    password_hash: str | None = None,
) -> UUID:
    """Give an address a role, making its account where it has none (else its password stays); the account's id.

    For members `employer` is the number; for officers `wilayas` is their scope, None for the whole country.
    `password_hash` saves the work of hashing where many accounts share a password, as a sample fund's do.
    WeakPassword, MisplacedRole, EmployerNotFound.
    """
    email = email.strip().lower()
    if (role in ("agent", "supervisor", "administrator")) != (employer is None):
        raise MisplacedRole
    employer_id = FUND_EMPLOYER_ID if employer is None else await _employer_id(pool, number=employer, mode=mode)
    async with transaction(pool, stranger(email)) as connection:
        known = await account_queries.select_account_by_email(connection, email=email)
    given = Invitation(
        token_hash="",
        invitation_id=uuid4(),
        employer_id=employer_id,
        email=email,
        name=name,
        role=role,
        wilayas=wilayas,
        expires_at=now,
    )
    account_id = known.account_id if known else uuid4()
    refuse_weak(password, email=email)
    password_hash = None if known else password_hash or await hash_password(password)
    async with transaction(pool, _COMMAND_LINE) as connection:
        if password_hash is not None:
            await account_queries.insert_account(
                connection, account_id=account_id, email=email, name=name, password_hash=password_hash, now=now
            )
        await _write_role(connection, given, account_id=account_id, now=now)
        await queries.enter_employer(connection, employer_id=employer_id)
        actor = msgspec.structs.replace(_COMMAND_LINE, employer_id=employer_id)
        await journal.record(connection, actor, "member.joined", account_id, now=now, details={"role": role})
    return account_id


async def create_fund_key(pool: Pool, *, name: str, now: datetime, expires_at: datetime | None = None) -> str:
    """A key for one of the fund's systems, to load registers and follow declarations; the key, never shown again."""
    scopes: list[KeyScope] = ["fund.registers"]
    made = await create_key(
        pool,
        _COMMAND_LINE,
        role="administrator",
        acting_for=ActingFor(employer_id=FUND_EMPLOYER_ID, number="0000000000", mode="live", clock_offset_s=0),
        new=NewKey(name=name, scopes=scopes, expires_at=expires_at),
        now=now,
    )
    return made.key


async def _employer_id(pool: Pool, *, number: str, mode: Mode) -> int:
    async with transaction(pool, _COMMAND_LINE) as connection:
        employer_id = await queries.select_employer_number(connection, number=number, mode=mode)
    if employer_id is None:
        raise EmployerNotFound
    return employer_id
