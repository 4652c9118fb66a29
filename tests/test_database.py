"""One transaction of one actor: what PostgreSQL is told, for how long, and what it costs."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import world

from schemas.actors import Actor, job, stranger
from teledeclaration.database import Pool, one_changed, open_pool, transaction
from teledeclaration.errors import NotFound
from teledeclaration.settings import Settings

TOLD = "kind", "employer_id", "account_id", "person_id", "wilayas", "lookup"
WHO = """
SELECT current_setting('app.actor_kind', true), current_setting('app.employer_id', true),
       current_setting('app.account_id', true), current_setting('app.person_id', true),
       current_setting('app.wilayas', true), current_setting('app.lookup', true)
"""
ALICE = Actor(
    kind="member", label="alice", employer_id=world.A.employer_id, account_id=world.PEOPLE["alice"].account_id
)


def officer_of(*wilayas: int, employer_id: int | None = None) -> Actor:
    account_id = world.PEOPLE["dalila"].account_id
    return Actor(kind="officer", label="dalila", account_id=account_id, wilayas=wilayas, employer_id=employer_id)


@pytest.fixture
async def one(settings: Settings) -> AsyncIterator[Pool]:
    """A pool of one connection, so that each transaction comes after another's."""
    pool = await open_pool(settings.database_url, size=1)
    yield pool
    await pool.close()


async def told(pool: Pool, actor: Actor) -> dict[str, Any]:
    async with transaction(pool, actor) as connection:
        [row] = await connection.fetch(WHO)
    return dict(zip(TOLD, row, strict=True))


async def test_the_database_is_told_who_acts(one: Pool) -> None:
    assert await told(one, ALICE) == {
        "kind": "member",
        "employer_id": "1001",
        "account_id": str(ALICE.account_id),
        "person_id": "",
        "wilayas": "all",
        "lookup": "",
    }
    assert (await told(one, officer_of(16, 31)))["wilayas"] == "{16,31}"


@pytest.mark.parametrize(
    "held", ["a code'); --", "';SET LOCAL app.actor_kind = 'job", "\\'; SELECT 1; --", "''", "$1 {0} %s", "رمز", "a\nb"]
)
async def test_what_a_stranger_holds_is_a_value_whatever_it_reads(one: Pool, held: str) -> None:
    now_told = await told(one, stranger(held))
    assert (now_told["kind"], now_told["lookup"]) == ("stranger", held)


async def test_what_no_text_can_hold_is_nowhere_to_be_found(one: Pool) -> None:
    with pytest.raises(NotFound):
        await told(one, stranger("a\0b"))


async def test_nothing_of_one_actor_is_left_for_the_next(one: Pool) -> None:
    async with transaction(one, ALICE) as connection:
        assert await connection.fetchval("SELECT count(*) FROM employers") == 1
    [row] = await one.fetch(WHO)
    assert not any(row)
    assert await one.fetchval("SELECT count(*) FROM employers") == 0
    after = await told(one, stranger("someone"))
    assert after == {**dict.fromkeys(TOLD, ""), "kind": "stranger", "wilayas": "all", "lookup": "someone"}


async def test_nothing_is_left_either_by_one_who_failed(one: Pool) -> None:
    with pytest.raises(ZeroDivisionError):
        async with transaction(one, ALICE):
            raise ZeroDivisionError
    [row] = await one.fetch(WHO)
    assert not any(row)


async def test_an_exception_undoes_everything(one: Pool) -> None:
    wilaya = "SELECT wilaya FROM employers"
    with pytest.raises(ZeroDivisionError):
        async with transaction(one, job("test", world.A.employer_id)) as connection:
            await connection.execute("UPDATE employers SET wilaya = 1")
            assert await connection.fetchval(wilaya) == 1
            raise ZeroDivisionError
    async with transaction(one, ALICE) as connection:
        assert await connection.fetchval(wilaya) == world.A.wilaya


async def test_a_failure_inside_can_be_caught_and_undoes_the_inside_alone(one: Pool) -> None:
    async with transaction(one, job("test", world.A.employer_id)) as connection:
        await connection.execute("UPDATE employers SET address = 'outside'")
        with pytest.raises(ZeroDivisionError):
            async with connection.transaction():
                await connection.execute("UPDATE employers SET address = 'inside', wilaya = 1")
                raise ZeroDivisionError
        assert await connection.fetchval("SELECT current_setting('app.actor_kind')") == "job"
    async with transaction(one, ALICE) as connection:
        [row] = await connection.fetch("SELECT address, wilaya FROM employers")
    assert tuple(row) == ("outside", world.A.wilaya)


async def test_an_officer_enters_only_what_their_scope_holds(one: Pool) -> None:
    assert (await told(one, officer_of(16, employer_id=world.A.employer_id)))["employer_id"] == "1001"
    for outside in (world.B.employer_id, 999_999):
        with pytest.raises(NotFound):
            await told(one, officer_of(16, employer_id=outside))
    with pytest.raises(NotFound):
        await told(one, officer_of(employer_id=world.A.employer_id))


async def test_json_comes_back_as_it_went_in(one: Pool) -> None:
    value = {"amounts": [0, 10**15], "name": "ش.ذ.م.م «Atlas»\\u0001", "none": None, "nested": {"yes": True}}
    assert await one.fetchval("SELECT $1::jsonb", value) == value


def test_a_command_tag_says_whether_one_row_was_touched() -> None:
    assert one_changed("UPDATE 1")
    assert one_changed("INSERT 0 1")
    assert [tag for tag in ("UPDATE 0", "UPDATE 11", "INSERT 0 0", "SELECT 21") if one_changed(tag)] == []


async def asked(pool: Pool, actor: Actor) -> list[str]:
    """What goes over the wire for a transaction with one statement, the first word of each message."""
    seen: list[str] = []

    def note(query: Any) -> None:
        seen.append(query.query.split()[0].rstrip(";"))

    async with pool.acquire() as connection:
        connection.add_query_logger(note)  # type: ignore[attr-defined]  # asyncpg's own, for this test alone
    async with transaction(pool, actor) as connection:
        await connection.fetchval("SELECT 1")
    return seen


async def test_a_transaction_costs_three_messages_more_than_its_statements(one: Pool) -> None:
    await told(one, ALICE)
    reset, *messages = await asked(one, ALICE)
    assert messages == ["BEGIN", "SET", "SELECT", "COMMIT", reset]


async def test_an_officer_who_enters_an_employer_costs_two_more(one: Pool) -> None:
    reset, *messages = await asked(one, officer_of(16, employer_id=world.A.employer_id))
    assert messages == ["BEGIN", "SET", "SELECT", "SET", "SELECT", "COMMIT", reset]
