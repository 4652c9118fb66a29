"""A test twin lives at its own date, and leaves the fund's journal in order."""

from datetime import timedelta
from typing import Any

from payroll.payroll_desk import WORKBOOKS, Desk
from schemas.actors import job
from teledeclaration import journal
from teledeclaration.database import Pool, transaction
from workers.seal_journals import seal_journals


async def test_a_twin_files_a_year_to_come_and_its_receipt_has_no_value(
    clients: Any, worker: dict[str, Any], pool: Pool, clock: Any
) -> None:
    made = await clients["alice"].post("/v1/test-twin")
    assert made.status_code == 201, made.text
    headers = dict(clients["alice"].headers) | {"Employer": "1600012345", "Employer-Mode": "test"}
    twin = Desk(clients.fresh(headers=headers))
    too_early = await twin.client.post("/v1/drafts", json={"year": 2027})
    assert too_early.status_code == 422

    await move(twin, "2028-01-10T08:00:00Z")
    draft = await twin.upload(WORKBOOKS / "annual-2025-kept-by-hand-clean.xlsx", year=2025)
    assert draft["summary"]["created_at"].startswith("2028-01-10")
    await move(twin, "2024-05-01T08:00:00Z")
    await twin.client.delete(f"/v1/drafts/{draft['summary']['draft_id']}")

    clock.advance(timedelta(minutes=20))
    assert await seal_journals(worker) > 0
    await move(twin, "2023-05-01T08:00:00Z")
    await twin.client.post("/v1/drafts", json={"year": 2022})
    clock.advance(timedelta(minutes=20))
    await seal_journals(worker)
    async with pool.acquire() as connection:
        await connection.execute("SET app.actor_kind = 'job'")
        await connection.execute("SET app.employer_id = '0'")
        twin_id = await connection.fetchval("SELECT employer_id FROM employers WHERE mode = 'test'")
        await connection.execute("RESET ALL")
    async with transaction(pool, job("test", twin_id)) as connection:
        assert await journal.check_seals(connection, employer_id=twin_id) is None


async def move(twin: Desk, moment: str) -> None:
    moved = await twin.client.patch("/v1/test-twin", json={"clock": moment})
    assert moved.status_code == 200, moved.text
