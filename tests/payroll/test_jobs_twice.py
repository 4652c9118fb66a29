"""Every job run twice leaves the same state."""

from collections.abc import Awaitable, Callable
from typing import Any

from payroll.payroll_desk import WORKBOOKS, Desk
from schemas.actors import job
from teledeclaration.database import Pool, transaction
from workers.assess_declaration import assess_declaration
from workers.read_upload import read_upload
from workers.seal_document import seal_document
from workers.seal_journals import seal_journals
from workers.sweep import sweep

DeskOf = Callable[[str], Awaitable[Desk]]
TABLES = ("readings", "lines", "findings", "declarations", "declared_lines", "assessments", "assessment_parts",
          "assessed_periods", "dues", "credits", "transfers", "documents", "drafts", "outbox")  # fmt: skip


async def state_of(pool: Pool, employer_id: int) -> dict[str, Any]:
    """Every row of an employer, but for what a message in flight may still touch."""
    async with transaction(pool, job("test", employer_id)) as connection:
        return {
            table: await connection.fetch(f"SELECT * FROM {table} WHERE employer_id = {employer_id} ORDER BY 2, 3")
            for table in TABLES
        }


async def test_reading_assessing_and_sealing_again_changes_nothing(
    desk_of: DeskOf, worker: dict[str, Any], pool: Pool
) -> None:
    desk = await desk_of("0924584219")
    draft = await desk.confirm_all(await desk.upload(WORKBOOKS / "annual-2025-kept-by-hand-clean.xlsx", year=2025))
    declaration = (await desk.file(draft)).json()
    await desk.assessment(declaration)
    await desk.receipt(declaration)
    employer_id = await employer_of(pool, declaration["declaration_id"])
    async with transaction(pool, job("test", employer_id)) as connection:
        reading = await connection.fetchval(f"SELECT reading_id FROM readings WHERE employer_id = {employer_id}")
        document = await connection.fetchval(f"SELECT document_id FROM documents WHERE employer_id = {employer_id}")
    before = await state_of(pool, employer_id)

    for _ in range(2):
        assert await read_upload(worker, employer_id, str(reading)) is False
        assert await assess_declaration(worker, employer_id, declaration["declaration_id"]) == 0
        assert await seal_document(worker, employer_id, str(document)) is False
        await sweep(worker)
    assert await state_of(pool, employer_id) == before


async def test_a_second_seal_of_the_journal_finds_nothing_new(
    desk_of: DeskOf, worker: dict[str, Any], clock: Any, pool: Pool
) -> None:
    from datetime import timedelta

    desk = await desk_of("0924584219")
    await desk.upload(WORKBOOKS / "annual-2025-kept-by-hand-clean.xlsx", year=2025)
    clock.advance(timedelta(minutes=20))
    assert await seal_journals(worker) > 0
    assert await seal_journals(worker) == 0


async def employer_of(pool: Pool, declaration_id: str) -> int:
    async with transaction(pool, job("test", 0)) as connection:
        found: int = await connection.fetchval(
            "SELECT employer_id FROM declarations WHERE declaration_id = $1", declaration_id
        )
    return found
