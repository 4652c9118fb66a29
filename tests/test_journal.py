"""The journal: written with what it tells, never changed, and a change by whoever owns the database is seen."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
import world
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from schemas.actors import Actor, job
from teledeclaration import journal
from teledeclaration.database import Pool, transaction
from teledeclaration.local.postgres import SUPERUSER, EmbeddedPostgres
from workers.check_journals import check_journals
from workers.seal_journals import seal_journals

SOON = timedelta(minutes=1)
Rewrite = Callable[..., Awaitable[str]]


@pytest.fixture
async def rewrite(postgres: EmbeddedPostgres, database_name: str) -> AsyncIterator[Rewrite]:
    """Run SQL as someone to whom nothing is forbidden."""
    connection = await asyncpg.connect(postgres.url(SUPERUSER, database_name))
    yield connection.execute
    await connection.close()


class Book:
    """An employer's journal of its own for each test, with a clock."""

    def __init__(self, pool: Pool, clock: world.MovableClock, employer_id: int) -> None:
        self.pool, self.clock, self.employer_id = pool, clock, employer_id
        self.actor: Actor = job("tester", employer_id)

    async def write(self, *subjects: str) -> None:
        for subject in subjects:
            self.clock.advance(SOON)
            async with transaction(self.pool, self.actor) as connection:
                await journal.record(connection, self.actor, "test.done", subject, now=self.clock(), details={"n": 1})

    async def seal(self, *, wait: timedelta = journal.SETTLED_AFTER) -> int:
        self.clock.advance(wait)
        async with transaction(self.pool, self.actor) as connection:
            return await journal.seal_entries(connection, employer_id=self.employer_id, now=self.clock())

    async def first_broken_seal(self) -> int | None:
        async with transaction(self.pool, self.actor) as connection:
            return await journal.check_seals(connection, employer_id=self.employer_id)


@pytest.fixture
def book(pool: Pool, clock: world.MovableClock, request: pytest.FixtureRequest) -> Book:
    return Book(pool, clock, 700_000 + request.session.items.index(request.node))


@pytest.fixture
async def sealed(book: Book) -> Book:
    """Three seals over two entries each."""
    for part in ("a", "b", "c"):
        await book.write(f"{part}1", f"{part}2")
        assert await book.seal() == 2
    return book


async def test_an_entry_says_who_did_what(pool: Pool, clock: world.MovableClock) -> None:
    alice = world.PEOPLE["alice"]
    actor = Actor(kind="member", label="Alice", employer_id=world.A.employer_id, account_id=alice.account_id)
    async with transaction(pool, actor) as connection:
        await journal.record(connection, actor, "draft.opened", 42, now=clock(), details={"year": 2025})
        [entry] = await connection.fetch("SELECT * FROM journal WHERE action = 'draft.opened'")
    assert (entry["at"], entry["actor_kind"], entry["actor_label"]) == (clock(), "member", "Alice")
    assert (entry["account_id"], entry["subject"], entry["details"]) == (alice.account_id, "42", {"year": 2025})


async def test_what_is_rolled_back_is_not_journaled(book: Book) -> None:
    with pytest.raises(ZeroDivisionError):
        async with transaction(book.pool, book.actor) as connection:
            await journal.record(connection, book.actor, "test.done", "never", now=book.clock())
            raise ZeroDivisionError
    assert await book.seal() == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET action = 'another'",
        "DELETE FROM journal",
        "TRUNCATE journal",
        "UPDATE journal_seals SET seal = ''",
        "DELETE FROM journal_seals",
    ],
)
async def test_the_application_can_only_add(book: Book, statement: str) -> None:
    await book.write("kept")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(book.pool, book.actor) as connection:
            await connection.execute(statement)


async def test_an_untouched_journal_matches_its_seals(sealed: Book) -> None:
    assert await sealed.first_broken_seal() is None
    assert await sealed.seal() == 0


async def test_an_entry_is_sealed_once_it_is_settled(book: Book) -> None:
    await book.write("old")
    book.clock.advance(journal.SETTLED_AFTER - SOON)
    await book.write("young")
    assert await book.seal(wait=timedelta(0)) == 1
    await book.write("younger")
    assert await book.first_broken_seal() is None
    assert await book.seal() == 2
    assert await book.first_broken_seal() is None


TAMPERING = {
    "changed": ("UPDATE journal SET action = 'test.undone' WHERE employer_id = $1 AND subject = 'b1'", 2),
    "signed by another": ("UPDATE journal SET actor_label = 'someone' WHERE employer_id = $1 AND subject = 'a1'", 1),
    "told otherwise": ("UPDATE journal SET details = '{}' WHERE employer_id = $1 AND subject = 'c2'", 3),
    "taken away": ("DELETE FROM journal WHERE employer_id = $1 AND subject = 'b2'", 2),
    "moved in time": ("UPDATE journal SET at = at + '1 s' WHERE employer_id = $1 AND subject = 'a2'", 1),
    "slipped in": (
        "INSERT INTO journal (employer_id, entry_id, at, actor_kind, actor_label, action, subject)"
        " SELECT $1, gen_random_uuid(), at, 'job', 'x', 'y', 'z'"
        " FROM journal WHERE employer_id = $1 AND subject = 'b1'",
        2,
    ),
    "with its seal": (
        "WITH gone AS (DELETE FROM journal WHERE employer_id = $1 AND subject IN ('b1', 'b2'))"
        " DELETE FROM journal_seals WHERE employer_id = $1 AND seal_number = 2",
        3,
    ),
}


@pytest.mark.parametrize("how", TAMPERING)
async def test_tampering_is_seen_at_its_seal(sealed: Book, rewrite: Rewrite, how: str) -> None:
    statement, seal_number = TAMPERING[how]
    await rewrite(statement, sealed.employer_id)
    assert await sealed.first_broken_seal() == seal_number


async def test_of_two_sealers_at_once_one_seals(book: Book) -> None:
    await book.write("one", "two")
    book.clock.advance(journal.SETTLED_AFTER)
    ended = await asyncio.gather(*(book.seal(wait=timedelta(0)) for _ in range(2)), return_exceptions=True)
    assert sorted(str(type(end)) if isinstance(end, Exception) else str(end) for end in ended) in (
        ["2", str(asyncpg.UniqueViolationError)],
        ["0", "2"],
    )
    assert await book.first_broken_seal() is None


async def test_the_worker_seals_every_employer_and_a_second_finds_nothing(
    book: Book, pool: Pool, clock: world.MovableClock
) -> None:
    others = [Book(pool, clock, book.employer_id + 100_000 * n) for n in (1, 2)]
    for one in (book, *others):
        await one.write("x")
    clock.advance(journal.SETTLED_AFTER)
    ctx = {"pool": pool, "clock": clock}
    assert sum(await asyncio.gather(seal_journals(ctx), seal_journals(ctx))) >= 3
    assert await seal_journals(ctx) == 0
    for one in (book, *others):
        assert await one.first_broken_seal() is None
        assert await one.seal(wait=timedelta(0)) == 0


async def test_the_nightly_check_names_the_journal_that_was_changed(
    sealed: Book, rewrite: Rewrite, pool: Pool, clock: world.MovableClock
) -> None:
    untouched = Book(pool, clock, sealed.employer_id + 100_000)
    await untouched.write("x")
    await untouched.seal()
    ctx = {"pool": pool, "clock": clock}
    before = await told_by_check(ctx)
    assert not {sealed.employer_id, untouched.employer_id} & before.keys()
    await rewrite(
        "UPDATE journal SET subject = 'another' WHERE employer_id = $1 AND subject = 'b1'", sealed.employer_id
    )
    assert await told_by_check(ctx) == before | {sealed.employer_id: 2}
    assert REGISTRY.get_sample_value("teledeclaration_journals_differing") == len(before) + 1


async def told_by_check(ctx: dict[str, Any]) -> dict[int, int]:
    """The employers that the nightly check logs, each with its seal; no more is said of them."""
    with capture_logs() as logs:
        assert await check_journals(ctx) == len(logs)
    assert {tuple(sorted(line)) for line in logs} <= {("employer_id", "event", "log_level", "seal_number")}
    return {line["employer_id"]: line["seal_number"] for line in logs if line["event"] == "journal_differs"}


def test_the_seals_do_not_move_with_the_machine(book: Book) -> None:
    entry = {"at": datetime.fromisoformat("2026-01-15T09:00:00+00:00"), "details": {"b": 1, "a": 2}, "action": "x"}
    swapped = {"action": "x", "details": {"a": 2, "b": 1}, "at": entry["at"]}
    assert journal._seal("", [entry]) == journal._seal("", [swapped])
