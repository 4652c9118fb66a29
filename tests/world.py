"""The test world: two employers, people with fixed rights. Alice owns, Bob is on her team, Charlie must see nothing."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import msgspec
from argon2 import PasswordHasher

from schemas.actors import job
from schemas.employers import KeyScope, Role
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.employers.credentials import kept_hash

START = datetime(2026, 1, 15, 9, tzinfo=UTC)
"""Thursday 15 January 2026, 10 o'clock in Algiers: the annual declaration of 2025 may be filed until the 31st."""

PASSWORD = "correct horse battery"
_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
_NAMESPACE = UUID("7a1c7a30-0000-4000-8000-000000000000")


class MovableClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = START

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, by: timedelta) -> None:
        self.moment += by


class Employer(msgspec.Struct, frozen=True):
    """One employer of the world, with its only payment centre."""

    employer_id: int
    number: str
    wilaya: int
    centre: str
    name: str
    name_ar: str


A = Employer(1001, "1600012345", 16, "16001", "SARL Atlas Textile", "ش.ذ.م.م أطلس للنسيج")
B = Employer(1002, "3100054321", 31, "31001", "EURL Oran Conserves", "وهران للمصبرات")
EMPLOYERS = (A, B)


class Person(msgspec.Struct, frozen=True):
    """Someone who signs in; `employer` for members, `wilayas` for officers."""

    name: str
    role: Role
    employer: Employer | None = None
    wilayas: tuple[int, ...] | None = None

    @property
    def account_id(self) -> UUID:
        return uuid5(_NAMESPACE, self.name)

    @property
    def email(self) -> str:
        return f"{self.name}@example.dz"

    @property
    def session_token(self) -> str:
        """They are signed in already: the value of their cookie."""
        return f"session-of-{self.name}"


PEOPLE = {
    person.name: person
    for person in (
        Person("alice", "owner", employer=A),
        Person("bob", "hr", employer=A),
        Person("lina", "accountant", employer=A),
        Person("rym", "reader", employer=A),
        Person("charlie", "owner", employer=B),
        Person("dalila", "agent", wilayas=(16,)),
        Person("samir", "supervisor", wilayas=(16,)),
        Person("omar", "supervisor", wilayas=(31,)),
        Person("amel", "administrator"),
    )
}

API_KEYS: dict[str, tuple[str, int, list[KeyScope]]] = {
    "declare": ("td_live_" + "a" * 43, A.employer_id, ["declare"]),
    "read": ("td_live_" + "b" * 43, A.employer_id, ["read"]),
    "fund": ("td_live_" + "f" * 43, 0, ["fund.registers"]),
}
"""By name: the key, its employer, its scopes."""


async def seed(pool: Pool) -> None:
    """Write the world into a migrated database."""
    async with transaction(pool, job("seed", 0)) as connection:
        for employer in EMPLOYERS:
            await _seed_employer(connection, employer)
        for person in PEOPLE.values():
            await _seed_person(connection, person)
    for person in PEOPLE.values():
        await _seed_session(pool, person)
    for name in API_KEYS:
        await _seed_key(pool, name)


async def _seed_employer(connection: Connection, employer: Employer) -> None:
    await connection.execute(
        "INSERT INTO agencies (agency, wilaya, name, name_ar) VALUES ($1, $2, $3, $3)",
        employer.centre,
        employer.wilaya,
        f"Agence {employer.centre}",
    )
    await connection.execute(
        "INSERT INTO employers (employer_id, number, name, name_ar, wilaya, agency, opened_on, updated_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, '2010-01-01', $7)",
        employer.employer_id,
        employer.number,
        employer.name,
        employer.name_ar,
        employer.wilaya,
        employer.centre,
        START,
    )
    await connection.execute(
        "INSERT INTO employer_numbers (number, mode, employer_id) VALUES ($1, 'live', $2)",
        employer.number,
        employer.employer_id,
    )
    await connection.execute(
        "INSERT INTO payment_centres (employer_id, centre, name, agency) VALUES ($1, $2, 'Siège', $2)",
        employer.employer_id,
        employer.centre,
    )
    await connection.execute(
        "INSERT INTO employer_contacts (employer_id, contact, kind) VALUES ($1, $2, 'email')",
        employer.employer_id,
        f"hr@{employer.number}.dz",
    )


async def _seed_person(connection: Connection, person: Person) -> None:
    await connection.execute(
        "INSERT INTO accounts (account_id, email, name, password_hash, created_at) VALUES ($1, $2, $3, $4, $5)",
        person.account_id,
        person.email,
        person.name.title(),
        _HASH,
        START,
    )
    if person.employer:
        await connection.execute(
            "INSERT INTO memberships (account_id, employer_id, role, email, name, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            person.account_id,
            person.employer.employer_id,
            person.role,
            person.email,
            person.name.title(),
            START,
        )
    else:
        await connection.execute(
            "INSERT INTO fund_roles (account_id, role, wilayas) VALUES ($1, $2, $3)",
            person.account_id,
            person.role,
            person.wilayas,
        )


async def _seed_session(pool: Pool, person: Person) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('app.account_id', $1, true)", str(person.account_id))
        await connection.execute(
            "INSERT INTO sessions (token_hash, session_id, account_id, created_at, expires_at)"
            " VALUES ($1, $2, $3, $4, $5)",
            kept_hash(person.session_token),
            uuid5(_NAMESPACE, person.session_token),
            person.account_id,
            START,
            START + timedelta(days=3650),
        )


async def _seed_key(pool: Pool, name: str) -> None:
    key, employer_id, scopes = API_KEYS[name]
    async with transaction(pool, job("seed", employer_id)) as connection:
        await connection.execute(
            "INSERT INTO api_keys (key_id, employer_id, key_hash, hint, name, scopes, created_at, expires_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            uuid5(_NAMESPACE, key),
            employer_id,
            kept_hash(key),
            key[-4:],
            f"{name} key",
            scopes,
            START,
            START + timedelta(days=3650),
        )
