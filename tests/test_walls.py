"""The walls by SQL: under the application's role, whoever is not of Alice's employer sees and writes nothing of hers.

The module's own copy of the database loses its checks and foreign keys, so that every table of the schema,
later ones too, gets a row of Alice's by its column types alone.
"""

import re
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec
import pytest
import world

from schemas.actors import SWEEPER, Actor, job, stranger
from teledeclaration.database import Pool, transaction
from teledeclaration.errors import NotFound
from teledeclaration.local.postgres import SUPERUSER, EmbeddedPostgres

EMPLOYERS_OWN = frozenset({"tenant", "work", "declared", "register"})
CLASSES = EMPLOYERS_OWN | {"person", "fund", "office", "identity", "routing", "incoming"}
PERSON_ID = 555

MEMBER_OF_B = Actor(
    kind="member", label="charlie", employer_id=world.B.employer_id, account_id=world.PEOPLE["charlie"].account_id
)
OFFICER_OF_31 = Actor(kind="officer", label="omar", account_id=world.PEOPLE["omar"].account_id, wilayas=(31,))
OUTSIDERS = {
    "a member of another employer": MEMBER_OF_B,
    "an officer of another wilaya": OFFICER_OF_31,
    "that officer inside an employer of theirs": msgspec.structs.replace(
        OFFICER_OF_31, employer_id=world.B.employer_id
    ),
    "a job of another employer": job("job", world.B.employer_id),
    "a stranger who holds nothing": stranger(""),
    "a stranger who holds something else": stranger("something else"),
    "an insured person": Actor(kind="insured", label="insured", person_id=777),
}


class Table(msgspec.Struct, frozen=True):
    name: str
    kind: str
    columns: dict[str, str]

    @property
    def alices(self) -> str:
        """The condition that a row is Alice's."""
        if "employer_id" in self.columns:
            return f"employer_id = {world.A.employer_id}"
        if "account_id" in self.columns:
            return f"account_id = '{world.PEOPLE['alice'].account_id}'"
        return "true"


@pytest.fixture(scope="module")
async def superuser(postgres: EmbeddedPostgres, database_name: str, pool: Pool) -> Any:
    connection = await asyncpg.connect(postgres.url(SUPERUSER, database_name))
    yield connection
    await connection.close()


@pytest.fixture(scope="module")
async def tables(superuser: asyncpg.Connection) -> list[Table]:
    """Every table, each with a row of Alice's."""
    found = await _tables(superuser)
    await superuser.execute("SET session_replication_role = 'replica'")
    for row in await superuser.fetch(
        "SELECT conrelid::regclass::text AS name, conname FROM pg_constraint"
        " WHERE contype = 'c' AND connamespace = 'public'::regnamespace"
    ):
        await superuser.execute(f"ALTER TABLE {row['name']} DROP CONSTRAINT {row['conname']}")
    for table in found:
        sql, values = insertion(table, employer_id=world.A.employer_id)
        await superuser.execute(f"{sql} ON CONFLICT DO NOTHING", *values)
    return found


async def _tables(connection: asyncpg.Connection) -> list[Table]:
    rows = await connection.fetch(
        """
        SELECT c.relname AS name, obj_description(c.oid) AS comment,
               (SELECT json_object_agg(attname, atttypid::regtype::text)::text FROM pg_attribute
                 WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns
          FROM pg_class c
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'applied_migrations'
         ORDER BY c.relname
        """
    )
    return [Table(row["name"], _class_of(row["comment"] or ""), msgspec.json.decode(row["columns"])) for row in rows]


def _class_of(comment: str) -> str:
    found = re.match(r"class ([a-z]+)", comment)
    return found[1] if found else "none"


SAMPLES: dict[str, Any] = {
    "text": "x",
    "boolean": False,
    "date": date(2025, 1, 1),
    "timestamp with time zone": datetime(2025, 1, 1, tzinfo=UTC),
    "jsonb": "{}",
    "bytea": b"x",
    "numeric": 1,
    "smallint": 16,
    "integer": 1,
    "bigint": 1,
    "text[]": ["x"],
    "smallint[]": [16],
}


def insertion(table: Table, *, employer_id: int) -> tuple[str, list[Any]]:
    """INSERT of one row by the types of its columns."""
    names = list(table.columns)
    values: list[Any] = []
    for name, kind in table.columns.items():
        if name == "employer_id":
            values.append(employer_id)
        elif name == "person_id":
            values.append(PERSON_ID)
        elif name == "account_id":
            values.append(world.PEOPLE["alice"].account_id)
        elif kind == "uuid":
            values.append(uuid4())
        else:
            values.append(SAMPLES[kind])
    marks = ", ".join(f"${place}" for place in range(1, len(names) + 1))
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})", values


async def rows_of_alice(pool: Pool, actor: Actor, table: Table) -> int:
    async with transaction(pool, actor) as connection:
        count: int = await connection.fetchval(f"SELECT count(*) FROM {table.name} WHERE {table.alices}")
    return count


async def test_every_table_has_a_class_and_its_walls_are_up_for_its_owner_too(
    superuser: asyncpg.Connection, tables: list[Table]
) -> None:
    assert [table.name for table in tables if table.kind not in CLASSES] == []
    open_tables = await superuser.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        " AND NOT (relrowsecurity AND relforcerowsecurity)"
    )
    incoming = {table.name for table in tables if table.kind == "incoming"}
    assert {row["relname"] for row in open_tables} == incoming | {"applied_migrations"}


async def test_alices_rows_are_there(superuser: asyncpg.Connection, tables: list[Table], pool: Pool) -> None:
    """Else the tests below would prove nothing."""
    empty = [t.name for t in tables if not await superuser.fetchval(f"SELECT count(*) FROM {t.name} WHERE {t.alices}")]
    assert empty == []
    alice = Actor(
        kind="member", label="alice", employer_id=world.A.employer_id, account_id=world.PEOPLE["alice"].account_id
    )
    for table in tables:
        if table.kind in EMPLOYERS_OWN:
            assert await rows_of_alice(pool, alice, table), f"the wall hides {table.name} from Alice herself"


@pytest.mark.parametrize("outsider", OUTSIDERS)
async def test_an_outsider_reads_no_row_of_alices(pool: Pool, tables: list[Table], outsider: str) -> None:
    actor = OUTSIDERS[outsider]
    sees_people = actor.kind in ("officer", "job")
    hidden = EMPLOYERS_OWN | {"identity", "routing", "office"} | (set() if sees_people else {"person"})
    seen = [t.name for t in tables if t.kind in hidden and await rows_of_alice(pool, actor, t)]
    assert seen == []


async def test_without_any_actor_there_is_nothing(pool: Pool, tables: list[Table]) -> None:
    for table in tables:
        if table.kind not in ("fund", "incoming"):
            assert await pool.fetchval(f"SELECT count(*) FROM {table.name}") == 0, table.name


async def test_the_sweeper_sees_only_what_waits_and_changes_nothing(pool: Pool, tables: list[Table]) -> None:
    for table in tables:
        if table.kind in ("tenant", "declared", "identity", "person", "routing"):
            assert await rows_of_alice(pool, SWEEPER, table) == 0, table.name
        if table.kind == "work":
            assert not await changed(pool, SWEEPER, table), table.name


async def test_an_administrator_sees_no_employers_work(pool: Pool, tables: list[Table]) -> None:
    amel = Actor(kind="administrator", label="amel", employer_id=0, account_id=world.PEOPLE["amel"].account_id)
    for table in tables:
        if table.kind in ("tenant", "work"):
            assert await rows_of_alice(pool, amel, table) == 0, table.name


async def test_an_officer_cannot_enter_an_employer_of_another_wilaya(pool: Pool) -> None:
    actor = msgspec.structs.replace(OFFICER_OF_31, employer_id=world.A.employer_id)
    with pytest.raises(NotFound):
        async with transaction(pool, actor):
            pytest.fail("entered")


@pytest.mark.parametrize("outsider", OUTSIDERS)
async def test_an_outsider_changes_no_row_of_alices(pool: Pool, tables: list[Table], outsider: str) -> None:
    written = [
        table.name for table in tables if table.kind != "incoming" and await changed(pool, OUTSIDERS[outsider], table)
    ]
    assert written == []


@pytest.mark.parametrize("outsider", OUTSIDERS)
async def test_an_outsider_inserts_no_row_of_alices(pool: Pool, tables: list[Table], outsider: str) -> None:
    actor, written = OUTSIDERS[outsider], []
    for table in tables:
        if table.kind == "incoming":
            continue
        sql, values = insertion(table, employer_id=world.A.employer_id)
        if "jsonb" in table.columns.values():
            values = [{} if value == "{}" else value for value in values]
        try:
            async with transaction(pool, actor) as connection:
                await connection.execute(sql, *values)
        except asyncpg.InsufficientPrivilegeError:
            continue
        written.append(table.name)
    assert written == []


async def changed(pool: Pool, actor: Actor, table: Table) -> bool:
    """Whether the actor can update or delete a row of Alice's."""
    column = next(iter(table.columns))
    for sql in (
        f"UPDATE {table.name} SET {column} = {column} WHERE {table.alices}",
        f"DELETE FROM {table.name} WHERE {table.alices}",
    ):
        try:
            async with transaction(pool, actor) as connection:
                status: str = await connection.execute(sql)
        except asyncpg.InsufficientPrivilegeError:
            continue
        if not status.endswith(" 0"):
            return True
    return False


async def test_an_address_held_shows_its_account_and_changes_nothing(pool: Pool, tables: list[Table]) -> None:
    """Signing in reads one row by its address; whoever holds an address cannot give it a new password."""
    async with transaction(pool, stranger(world.PEOPLE["alice"].email)) as connection:
        assert await connection.fetchval("SELECT count(*) FROM accounts") == 1
        status = await connection.execute("UPDATE accounts SET password_hash = 'mine'")
        assert status == "UPDATE 0"


async def test_a_document_code_or_an_employers_number_is_never_listed(pool: Pool, tables: list[Table]) -> None:
    async with transaction(pool, stranger(world.A.number)) as connection:
        assert await connection.fetchval("SELECT employer_id FROM employer_numbers") == world.A.employer_id
        assert await connection.fetchval("SELECT count(*) FROM employer_numbers") == 1
