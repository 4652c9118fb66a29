"""Following an upload, calling it off, and the list of one's uploads."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from payroll.payroll_desk import WORKBOOKS, Desk, employer_ids
from schemas.actors import job
from teledeclaration.database import Pool, transaction
from teledeclaration.intake.raw import ReadingLimits
from teledeclaration.intake.reader import ReaderServer, read_raw
from workers.read_upload import read_upload

DeskOf = Callable[[str], Awaitable[Desk]]
CLEAN = WORKBOOKS / "annual-2025-kept-by-hand-clean.xlsx"
LINES = 150_000
PHASES = ["received", "reading", "checking", "storing", "done"]


@pytest.fixture(scope="module")
def long_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV that takes a worker some seconds."""
    quarters = ";".join(f"Durée T{number};Unité T{number};Montant T{number}" for number in (1, 2, 3, 4))
    header = f"N° SS;Nom;Prénom;Date de naissance;{quarters};Total annuel;Date d'entrée;Date de sortie\n"
    worked = "90;J;90000,00;" * 4
    path = tmp_path_factory.mktemp("long") / "long.csv"
    path.write_text(
        header
        + "".join(
            f"80{number:010d};FAMILLE;PRENOM;15/01/1980;{worked}360000,00;01/03/2019;\n" for number in range(LINES)
        )
    )
    return path


async def is_there(client: Any, path: str, wanted: Callable[[Any], bool]) -> Any:
    async with asyncio.timeout(60):
        while not wanted(found := (await client.get(path)).json()):
            await asyncio.sleep(0.05)
    return found


async def test_progress_tells_phases_rows_and_the_time_left(desk_of: DeskOf, long_file: Path) -> None:
    desk = await desk_of("0924584219")
    sent = await desk.send(long_file, year=2025)
    path = f"/v1/uploads/{sent['upload_id']}"
    told = [sent["progress"]]
    async with asyncio.timeout(90):
        while told[-1]["status"] == "waiting":
            await asyncio.sleep(0.1)
            progress = (await desk.get(path))["progress"]
            if progress != told[-1]:
                told.append(progress)
    phases = [progress["phase"] for progress in told]
    assert phases == sorted(phases, key=PHASES.index)
    assert (phases[0], phases[-1]) == ("received", "done")
    on_the_way = [progress for progress in told if progress["rows_total"] and progress["status"] == "waiting"]
    assert on_the_way
    assert any(progress["time_left_s"] is not None for progress in on_the_way)
    assert all(0 <= progress["rows_done"] <= progress["rows_total"] for progress in on_the_way)
    assert told[-1] | {"started_at": None} == {
        "status": "checked", "phase": "done", "rows_done": LINES, "rows_total": LINES, "started_at": None,
        "time_left_s": None, "unreadable": None,
    }  # fmt: skip


async def test_the_events_tell_the_same(desk_of: DeskOf) -> None:
    desk = await desk_of("0924584219")
    sent = await desk.send(CLEAN, year=2025)
    stream = await desk.client.get(f"/v1/uploads/{sent['upload_id']}/events")
    last = [line for line in stream.text.splitlines() if line.startswith("data: ")][-1]
    assert last.removeprefix("data: ") == (await desk.client.get(f"/v1/uploads/{sent['upload_id']}")).text


async def test_cancelled_while_it_is_read(desk_of: DeskOf, long_file: Path, worker: dict[str, Any], pool: Pool) -> None:
    desk = await desk_of("0924584219")
    standing = await desk.upload(CLEAN, year=2025)
    draft_id = standing["summary"]["draft_id"]
    sent = await desk.send(long_file, draft_id=draft_id)
    path = f"/v1/uploads/{sent['upload_id']}"
    await is_there(desk.client, path, lambda found: found["progress"]["phase"] != "received")

    answer = await desk.client.delete(path)
    assert (answer.status_code, answer.json()["progress"]["status"]) == (200, "cancelled")
    async with asyncio.timeout(5):
        while children_of(worker["reader"]):
            await asyncio.sleep(0.05)
    again = await desk.client.delete(path)
    assert (again.status_code, again.json()["progress"]["status"]) == (200, "cancelled")
    await asyncio.sleep(1.5)
    assert await desk.draft(draft_id) == standing
    async with transaction(pool, job("test", await employer_of(pool, sent["upload_id"]))) as connection:
        stored = await connection.fetchval(
            "SELECT count(*) FROM lines l JOIN readings r USING (employer_id, reading_id) WHERE r.upload_id = $1",
            sent["upload_id"],
        )
    assert stored == 0
    assert (await desk.file(await desk.confirm_all(standing))).status_code == 201


async def test_cancelled_before_anyone_took_it(desk_of: DeskOf, worker: dict[str, Any], pool: Pool) -> None:
    desk = await desk_of("0924584219")
    standing = await desk.upload(CLEAN, year=2025)
    upload = (await desk.get("/v1/uploads"))[0]
    employer_id = await employer_of(pool, upload["upload_id"])
    async with transaction(pool, job("test", employer_id)) as connection:  # as if its message were on its way
        reading_id = await connection.fetchval(
            "UPDATE readings SET status = 'waiting', phase = 'received' WHERE upload_id = $1 AND employer_id = $2"
            " RETURNING reading_id",
            upload["upload_id"],
            employer_id,
        )
    assert (await desk.client.delete(f"/v1/uploads/{upload['upload_id']}")).status_code == 200
    assert await read_upload(worker, employer_id, str(reading_id)) is False
    sent = await desk.send(CLEAN, draft_id=standing["summary"]["draft_id"])
    assert sent["upload_id"] != upload["upload_id"]


async def test_what_is_checked_cannot_be_cancelled(desk_of: DeskOf) -> None:
    desk = await desk_of("0924584219")
    await desk.upload(CLEAN, year=2025)
    [upload] = await desk.get("/v1/uploads")
    refused = await desk.client.delete(f"/v1/uploads/{upload['upload_id']}")
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "upload-done")


async def test_an_unreadable_file_is_set_aside_and_the_draft_goes_on(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of("0924584219")
    standing = await desk.confirm_all(await desk.upload(CLEAN, year=2025))
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(CLEAN.read_bytes()[:4000])
    sent = await desk.read(await desk.send(broken, draft_id=standing["summary"]["draft_id"]))
    assert sent["progress"]["status"] == "unreadable"
    assert (await desk.file(standing)).status_code == 409
    assert (await desk.client.delete(f"/v1/uploads/{sent['upload_id']}")).status_code == 200
    assert (await desk.file(standing)).status_code == 201


async def test_a_stranger_cancels_nothing(desk_of: DeskOf) -> None:
    desk, other = await desk_of("0924584219"), await desk_of("0924584220")
    sent = await desk.send(CLEAN, year=2025)
    assert (await other.client.delete(f"/v1/uploads/{sent['upload_id']}")).status_code == 404


async def test_the_list_says_what_each_is_for_and_pages_to_its_end(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of("0924584219")
    for number in range(5):
        page = tmp_path / f"{number}.csv"
        page.write_text(f"no table, {number}\n")
        await desk.read(await desk.send(page, year=2025))
    await desk.upload(CLEAN, year=2025)
    everything = await desk.get("/v1/uploads")
    assert [upload["filename"] for upload in everything] == [CLEAN.name, "4.csv", "3.csv", "2.csv", "1.csv", "0.csv"]
    assert {(upload["form"], upload["year"], upload["centre"]) for upload in everything} == {("annual", 2025, "16001")}
    assert {upload["created_by"] for upload in everything} == {"Nadia"}
    paged: list[Any] = []
    while page := await desk.get("/v1/uploads", limit=2, **({"after": paged[-1]["upload_id"]} if paged else {})):
        paged += page
    assert paged == everything
    assert [upload["filename"] for upload in await desk.get("/v1/uploads", status="checked")] == [CLEAN.name]
    assert len(await desk.get("/v1/uploads", status="unreadable")) == 5


async def test_a_reading_that_nobody_waits_for_ends_its_child(long_file: Path) -> None:
    told: list[tuple[int, int | None]] = []
    async with ReaderServer(at_once=1) as reader:
        asking = asyncio.create_task(
            read_raw(
                long_file,
                filename="long.csv",
                limits=ReadingLimits(),
                reader=reader,
                progress=lambda *count: told.append(count),
            )
        )
        async with asyncio.timeout(10):
            while not children_of(reader):
                await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.wait([asking])
        assert asking.cancelled()
        async with asyncio.timeout(3):
            while children_of(reader):
                await asyncio.sleep(0.02)
        file = await read_raw(b"a;b\n1;2\n", filename="a.csv", limits=ReadingLimits(), reader=reader)
    assert file.sheets[0].cells.height == 2


def children_of(reader: ReaderServer) -> list[str]:
    """The processes that read a file just now."""
    path = Path(f"/proc/{reader.process_id}/task/{reader.process_id}/children")
    return path.read_text().split() if path.exists() else []


async def employer_of(pool: Pool, upload_id: str) -> int:
    for employer_id in await employer_ids(pool):
        async with transaction(pool, job("test", employer_id)) as connection:
            if await connection.fetchval("SELECT 1 FROM uploads WHERE upload_id = $1", upload_id):
                return employer_id
    raise LookupError(upload_id)
