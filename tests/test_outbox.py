"""What is to be told is written with what happened, and read in order by who may see it."""

from datetime import timedelta

import pytest
import world

from schemas.actors import Actor, job
from teledeclaration.database import Pool, transaction
from teledeclaration.outbox import Event, insert_event, select_events

A, B = world.A.employer_id, world.B.employer_id


async def happens(
    pool: Pool, clock: world.MovableClock, kind: str, *, employer_id: int = A, wait: timedelta = timedelta(seconds=1)
) -> None:
    clock.advance(wait)
    async with transaction(pool, job("test", employer_id)) as connection:
        await insert_event(
            connection, employer_id=employer_id, kind=kind, subject=7, now=clock(), payload={"number": "D-7"}
        )


async def kinds(pool: Pool, actor: Actor, *, employer_id: int = A) -> list[str]:
    async with transaction(pool, actor) as connection:
        return [e.kind for e in await select_events(connection, employer_id=employer_id, after=None, limit=100)]


async def test_events_come_back_in_order_page_by_page(pool: Pool, clock: world.MovableClock) -> None:
    for number in range(5):
        await happens(pool, clock, f"paged.{number}", wait=timedelta(seconds=number % 2))  # two at one moment
    seen: list[Event] = []
    after = None
    async with transaction(pool, job("test", A)) as connection:
        while page := await select_events(connection, employer_id=A, after=after, limit=2):
            seen += page
            after = (page[-1].created_at, page[-1].event_id)
    paged = [event for event in seen if event.kind.startswith("paged.")]
    assert sorted(event.kind for event in paged) == [f"paged.{number}" for number in range(5)]
    assert [event.created_at for event in paged] == sorted(event.created_at for event in paged)
    assert (paged[0].subject, paged[0].payload, paged[0].told_at) == ("7", {"number": "D-7"}, None)


async def test_what_did_not_happen_is_not_told(pool: Pool, clock: world.MovableClock) -> None:
    with pytest.raises(ZeroDivisionError):
        async with transaction(pool, job("test", A)) as connection:
            await insert_event(connection, employer_id=A, kind="never", subject=1, now=clock())
            raise ZeroDivisionError
    assert "never" not in await kinds(pool, job("test", A))


async def test_another_employer_is_told_nothing(pool: Pool, clock: world.MovableClock) -> None:
    await happens(pool, clock, "of.b", employer_id=B)
    assert await kinds(pool, job("test", B), employer_id=B) == ["of.b"]
    assert await kinds(pool, job("test", A), employer_id=B) == []
