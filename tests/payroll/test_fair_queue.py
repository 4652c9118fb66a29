"""No employer fills a queue: so many files may wait, and of the long ones a single one is read at a time."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from world import MovableClock

from payroll.payroll_desk import WORKBOOKS, Desk, add_employer, employer_ids
from schemas.actors import job
from teledeclaration.database import Pool, transaction
from teledeclaration.payroll.queries import uploads
from teledeclaration.queue import LONG, SHORT
from teledeclaration.settings import Settings


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, uploads_waiting_max=2)


async def test_a_file_too_many_is_refused_for_the_moment(pool: Pool, clients: Any) -> None:
    desk, other = [
        Desk(clients.fresh(headers={"Cookie": f"td_session={await add_employer(pool, number)}"}))
        for number in ("0924584219", "0924584220")
    ]
    for number in range(2):
        await send_csv(desk, number)
    refused = await desk.client.post(
        "/v1/uploads", files=[("file", ("3.csv", b"nss;nom;x\n3;C;d\n"))], data={"year": 2025}
    )
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (429, "too-many-waiting")
    assert refused.headers["retry-after"]
    await send_csv(other, 1)

    waiting = await desk.get("/v1/uploads", status="waiting")
    assert len(waiting) == 2
    assert (await desk.client.delete(f"/v1/uploads/{waiting[0]['upload_id']}")).status_code == 200
    await send_csv(desk, 4)


async def send_csv(desk: Desk, number: int) -> None:
    answer = await desk.client.post(
        "/v1/uploads", files=[("file", (f"{number}.csv", f"nss;nom;x\n{number};A;b\n".encode()))], data={"year": 2025}
    )
    assert answer.status_code == 202, answer.text


async def test_of_an_employers_long_files_one_is_read_at_a_time(pool: Pool, clients: Any, clock: MovableClock) -> None:
    employers = {number: await waiting_readings(pool, clients, number) for number in ("0924584221", "0924584222")}
    (mine, (first, second)), (theirs, (third, _)) = employers.values()

    assert await claim(pool, clock, mine, first)
    assert not await claim(pool, clock, mine, second)
    assert await claim(pool, clock, theirs, third)
    async with transaction(pool, job("test", mine)) as connection:
        await connection.execute("UPDATE readings SET queue = $2 WHERE reading_id = $1", second, SHORT)
    assert await claim(pool, clock, mine, second)


async def test_a_dead_workers_long_file_holds_nobody_up(pool: Pool, clients: Any, clock: MovableClock) -> None:
    employer_id, (first, second) = await waiting_readings(pool, clients, "0924584223")
    assert await claim(pool, clock, employer_id, first)
    clock.advance(timedelta(minutes=2))
    assert await claim(pool, clock, employer_id, second)


async def waiting_readings(pool: Pool, clients: Any, number: str) -> tuple[int, tuple[UUID, UUID]]:
    """An employer with two long files that wait."""
    desk = Desk(clients.fresh(headers={"Cookie": f"td_session={await add_employer(pool, number)}"}))
    for name in ("annual-2025-kept-by-hand-clean.xlsx", "annual-2025-kept-by-hand.xlsx"):
        await desk.send(WORKBOOKS / name, year=2025)
    for employer_id in await employer_ids(pool):
        async with transaction(pool, job("test", employer_id)) as connection:
            found = await connection.fetch(
                "UPDATE readings r SET queue = $2 FROM employers e"
                " WHERE e.employer_id = r.employer_id AND e.number = $1 AND r.employer_id = $3 RETURNING r.reading_id",
                number,
                LONG,
                employer_id,
            )
        if found:
            return employer_id, (found[0][0], found[1][0])
    raise LookupError(number)


async def claim(pool: Pool, clock: MovableClock, employer_id: int, reading_id: UUID) -> bool:
    async with transaction(pool, job("test", employer_id)) as connection:
        claimed = await uploads.claim_reading(
            connection, employer_id=employer_id, reading_id=reading_id, lease=uuid4(), now=clock()
        )
    return claimed is not None
