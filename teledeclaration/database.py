"""The pool, the transaction that says who acts, and the migrations.

The application connects as a role that owns nothing and bypasses no row-level security. Every
transaction first tells PostgreSQL its actor; the policies of each table class read it there.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import resources
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import asyncpg
import msgspec

from schemas.actors import Actor
from teledeclaration.errors import NotFound


class Row(Protocol):
    """A record, as asyncpg gives it: a column by its name or its place; walking through it gives the values."""

    def __getitem__(self, column: str | int, /) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __len__(self) -> int: ...
    def keys(self) -> Iterator[str]: ...
    def values(self) -> Iterator[Any]: ...
    def items(self) -> Iterator[tuple[str, Any]]: ...


class Connection(Protocol):
    """A connection inside a transaction: what we ask of asyncpg's, which tells no types of its own."""

    async def execute(self, query: str, *arguments: object) -> str: ...
    async def executemany(self, command: str, args: Iterable[Sequence[object]]) -> None: ...
    async def fetch(self, query: str, *arguments: object) -> list[Row]: ...
    async def fetchmany(self, query: str, args: Iterable[Sequence[object]]) -> list[Row]: ...
    async def fetchrow(self, query: str, *arguments: object) -> Row | None: ...
    async def fetchval(self, query: str, *arguments: object) -> Any: ...
    def cursor(self, query: str, *arguments: object, prefetch: int | None = None) -> AsyncIterator[Row]: ...
    def transaction(
        self, *, isolation: str | None = None, readonly: bool = False
    ) -> Any: ...  # a context manager, or start and end it by hand
    async def copy_records_to_table(
        self, table_name: str, *, records: Iterable[Sequence[object]], columns: Sequence[str]
    ) -> str: ...
    async def copy_to_table(self, table_name: str, *, source: Any, **how: Any) -> str: ...
    async def copy_from_query(self, query: str, *arguments: object, output: Any, **how: Any) -> str: ...


class Pool(Protocol):
    """Connections as the application's role, lent one at a time."""

    async def execute(self, query: str, *arguments: object) -> str: ...
    async def fetch(self, query: str, *arguments: object) -> list[Row]: ...
    async def fetchrow(self, query: str, *arguments: object) -> Row | None: ...
    async def fetchval(self, query: str, *arguments: object) -> Any: ...
    def acquire(self) -> AbstractAsyncContextManager[Connection]: ...
    async def close(self) -> None: ...


async def open_pool(url: str, *, size: int) -> Pool:
    """Connections as the application's role; JSON columns speak msgspec."""
    pool: Pool = await asyncpg.create_pool(url, min_size=1, max_size=size, init=_prepare, command_timeout=300)
    return pool


async def _prepare(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + msgspec.json.encode(value),
        decoder=lambda data: msgspec.json.decode(data[1:]),
    )


@asynccontextmanager
async def transaction(pool: Pool, actor: Actor, *, one_moment: bool = False) -> AsyncIterator[Connection]:
    """One transaction of one actor; committed at the end, rolled back by any exception.

    `one_moment`: a read whose statements all see the same state, whatever is committed between them.
    An officer enters an employer only through its row, as their scope lets them see it; NotFound
    where it does not.
    """
    isolation = "repeatable_read" if one_moment else None
    async with pool.acquire() as connection, connection.transaction(isolation=isolation, readonly=one_moment):
        await connection.execute(_say_who(actor))
        if actor.kind == "officer" and actor.employer_id is not None:
            await _enter_employer(connection, actor.employer_id)
        yield connection


async def _enter_employer(connection: Connection, employer_id: int) -> None:
    seen = await connection.fetchval("SELECT employer_id FROM employers WHERE employer_id = $1", employer_id)
    if seen is None:
        raise NotFound
    await connection.execute(_setting("employer_id", str(seen)))


def _say_who(actor: Actor) -> str:
    """The settings the policies read, in one message. `SET LOCAL` rather than set_config(): Citus passes it on."""
    enters_later = actor.kind == "officer"
    wilayas = "all" if actor.wilayas is None else "{" + ",".join(map(str, actor.wilayas)) + "}"
    told = {
        "actor_kind": actor.kind,
        "employer_id": "" if actor.employer_id is None or enters_later else str(actor.employer_id),
        "account_id": str(actor.account_id or ""),
        "person_id": "" if actor.person_id is None else str(actor.person_id),
        "wilayas": wilayas,
        "lookup": actor.lookup or "",
    }
    return ";".join(_setting(name, value) for name, value in told.items())


def _setting(name: str, value: str) -> str:
    """SET takes no parameters: the value is quoted here, which in UTF-8 with standard strings only doubles quotes."""
    if "\0" in value:
        raise NotFound
    quoted = value.replace("'", "''")
    return f"SET LOCAL app.{name} = '{quoted}'"


def one_changed(status: str) -> bool:
    """Whether a command tag (`UPDATE 1`) says that exactly one row was touched."""
    return status.rpartition(" ")[2] == "1"


class Migration(msgspec.Struct, frozen=True):
    """One numbered step of the schema, forward only."""

    number: int
    name: str
    sql: str

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


class ChangedMigration(Exception):
    """A migration that was already applied no longer reads as it did; its name is the message."""


def migrations() -> list[Migration]:
    """All of `migrations/NNNN_name.sql`, in order."""
    found = [
        Migration(int(match[1]), match[2], file.read_text("utf-8"))
        for file in resources.files("teledeclaration.migrations").iterdir()
        if (match := re.fullmatch(r"(\d{4})_(\w+)\.sql", file.name))
    ]
    return sorted(found, key=lambda migration: migration.number)


async def migrate(owner_url: str, app_url: str, *, until: int | None = None) -> list[str]:
    """Bring the schema up to date and the application's role into being; the names of what was applied.

    Run as the owner. Each migration is one transaction; two migrating processes wait for each other.
    """
    connection = await asyncpg.connect(owner_url)
    try:
        await connection.execute("SELECT pg_advisory_lock(8317260)")
        await _ensure_role(connection, app_url)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS applied_migrations (number int PRIMARY KEY, name text NOT NULL,"
            " fingerprint text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        return [
            await _apply(connection, migration)
            for migration in await _pending(connection)
            if until is None or migration.number <= until
        ]
    finally:
        await connection.close()


async def _pending(connection: asyncpg.Connection) -> list[Migration]:
    applied = {row["number"]: row for row in await connection.fetch("SELECT * FROM applied_migrations")}
    for migration in migrations():
        row = applied.get(migration.number)
        if row is not None and row["fingerprint"] != migration.fingerprint:
            raise ChangedMigration(f"{migration.number:04d}_{migration.name}")
    return [migration for migration in migrations() if migration.number not in applied]


async def _apply(connection: asyncpg.Connection, migration: Migration) -> str:
    async with connection.transaction():
        await connection.execute("SET LOCAL lock_timeout = '5s'")
        await connection.execute(migration.sql)
        await connection.execute(
            "INSERT INTO applied_migrations (number, name, fingerprint) VALUES ($1, $2, $3)",
            migration.number,
            migration.name,
            migration.fingerprint,
        )
    return f"{migration.number:04d}_{migration.name}"


APP_ROLE = "teledeclaration_app"


async def _ensure_role(connection: asyncpg.Connection, app_url: str) -> None:
    """Make the application's login role as its URL names it, a member of the group the grants go to."""
    target = urlsplit(app_url)
    user, password = unquote(target.username or ""), unquote(target.password or "")
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", user):
        raise ValueError("the application's role in DATABASE_URL is not a plain lower-case name")
    known = {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
    if APP_ROLE not in known:
        await connection.execute(f"CREATE ROLE {APP_ROLE} NOLOGIN")
    if user not in known and user != APP_ROLE:
        await connection.execute(f"CREATE ROLE {user} LOGIN IN ROLE {APP_ROLE}")
    if password:
        quoted = await connection.fetchval("SELECT quote_literal($1::text)", password)
        await connection.execute(f"ALTER ROLE {user} LOGIN PASSWORD {quoted}")
