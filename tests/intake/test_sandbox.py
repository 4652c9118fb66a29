"""The sandbox: what a child may not do, and a server that outlives its children and comes back after its own death."""

import asyncio
import contextlib
import os
import signal
import tempfile
from pathlib import Path

import pytest

from teledeclaration.intake.protocol import Allowance
from teledeclaration.intake.raw import ReadingLimits, Unreadable
from teledeclaration.intake.reader import ReaderError, ReaderServer, read_raw
from teledeclaration.intake.reading import read_any
from teledeclaration.intake.trial import trial_workbook

SAMPLES = Path(__file__).parents[1] / "files" / "workbooks"
HAND_KEPT = SAMPLES / "annual-2025-kept-by-hand.xlsx"
EXPORTED = SAMPLES / "annual-2025-exported.xlsx"
LIMITS = ReadingLimits()


def children_of(process: int) -> list[int]:
    try:
        listed = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(child) for child in listed]


async def first_children_of(process: int) -> list[int]:
    while not (children := children_of(process)):
        await asyncio.sleep(0.001)
    return children


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def scratches() -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(f"teledeclaration-reader-{os.getpid()}-*/*"))


def is_running(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rsplit(")", 1)[1].split()[0] != "Z"


async def test_a_child_reaches_neither_network_nor_programs(reader: ReaderServer) -> None:
    found = await reader.probe()
    assert not found.reaches_network
    assert not found.starts_programs
    assert found.memory_limit_bytes < 4 * 2**30


@pytest.mark.skipif(
    os.geteuid() != 0, reason="without root, the file system and the user stay where namespaces are off"
)
async def test_under_root_a_child_is_nobody_and_sees_no_file(reader: ReaderServer) -> None:
    found = await reader.probe()
    assert found.user_id == 65534
    assert not found.reads_files


async def test_several_files_are_read_at_once(reader: ReaderServer) -> None:
    names = ["annual-2025-exported.xlsx", "movements-2025.xls", "annual-2025-exported-clean.ods"] * 6
    reads = [read_raw(SAMPLES / name, filename=name, limits=LIMITS, reader=reader) for name in names]
    files = await asyncio.gather(*reads)
    assert [file.sheets[0].cells.height for file in files] == [2401, 25, 351] * 6


async def test_a_killed_server_comes_back_and_the_reads_in_its_hands_end_well() -> None:
    async with ReaderServer(at_once=4) as server:
        first = server.process_id
        assert first is not None
        reads = [
            asyncio.create_task(read_raw(EXPORTED, filename=EXPORTED.name, limits=LIMITS, reader=server))
            for _ in range(4)
        ]
        orphans = await first_children_of(first)
        os.kill(first, signal.SIGKILL)
        files = await asyncio.gather(*reads)
        assert {file.sheets[0].cells.height for file in files} == {2401}
        assert server.process_id != first
        await asyncio.sleep(0.1)
        assert not [orphan for orphan in orphans if is_running(orphan)]


async def test_a_server_killed_while_idle_comes_back() -> None:
    async with ReaderServer() as server:
        first = server.process_id
        assert first is not None
        os.kill(first, signal.SIGKILL)
        file = await read_raw(HAND_KEPT, filename="a.xlsx", limits=LIMITS, reader=server)
        assert file.sheets[0].cells.height == 56


async def test_a_server_that_dies_under_every_file_is_told() -> None:
    async with ReaderServer() as server:

        async def killer() -> None:
            while True:
                process = server.process_id
                if process is not None and children_of(process):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process, signal.SIGKILL)
                await asyncio.sleep(0.001)

        murder = asyncio.create_task(killer())
        with pytest.raises(ReaderError):
            await read_raw(EXPORTED, filename="a.xlsx", limits=LIMITS, reader=server)
        murder.cancel()


async def test_stopping_ends_the_server_and_its_children() -> None:
    server = ReaderServer()
    await server.start()
    process = server.process_id
    assert process is not None
    read = asyncio.create_task(read_raw(EXPORTED, filename="a.xlsx", limits=LIMITS, reader=server))
    children = await first_children_of(process)
    read.cancel()
    await server.stop()
    assert not [one for one in (process, *children) if is_running(one)]


async def test_a_cancelled_read_leaves_the_next_ones_alone(reader: ReaderServer) -> None:
    read = asyncio.create_task(read_raw(EXPORTED, filename="a.xlsx", limits=LIMITS, reader=reader))
    await asyncio.sleep(0.02)
    read.cancel()
    file = await read_raw(HAND_KEPT, filename="a.xlsx", limits=LIMITS, reader=reader)
    assert file.sheets[0].cells.height == 56


async def test_nothing_is_left_behind(reader: ReaderServer) -> None:
    await read_raw(HAND_KEPT, filename="a.xlsx", limits=LIMITS, reader=reader)
    descriptors = open_descriptors()
    for _ in range(10):
        await read_raw(HAND_KEPT, filename="a.xlsx", limits=LIMITS, reader=reader)
    assert open_descriptors() <= descriptors + 1
    assert not scratches()


async def test_an_unknown_function_is_refused_without_harm(reader: ReaderServer) -> None:
    before = reader.process_id
    allowance = Allowance(memory_bytes=2**30, cpu_seconds=5, output_bytes=2**20, wall_seconds=5)
    with HAND_KEPT.open("rb") as file, pytest.raises(ReaderError):
        await reader.answer("remove", file.fileno(), b"", allowance)
    assert reader.process_id == before


async def test_output_past_its_limit_ends_the_child(reader: ReaderServer) -> None:
    narrow = ReadingLimits(output_bytes=10_000)
    with pytest.raises(Unreadable) as refused:
        await read_raw(EXPORTED, filename="a.xlsx", limits=narrow, reader=reader)
    assert refused.value.code == "took-too-much-memory"


async def test_a_small_file_costs_little(reader: ReaderServer) -> None:
    used = []
    for _ in range(5):
        await read_raw(HAND_KEPT, filename="a.xlsx", limits=LIMITS, reader=reader)
        used.append(reader.last_cpu_seconds)
    assert min(used) < 0.2


def threads_of(process: int) -> list[str]:
    return sorted(task.joinpath("comm").read_text().strip() for task in Path(f"/proc/{process}/task").iterdir())


async def test_the_server_has_no_thread_that_a_child_would_miss(reader: ReaderServer) -> None:
    process = reader.process_id
    assert process is not None
    started = threads_of(process)
    await read_raw(HAND_KEPT, filename="a.xlsx", limits=LIMITS, reader=reader)
    assert threads_of(process) == started
    assert not [name for name in started if name.startswith(("polars-0", "tokio", "arrow"))]


def test_the_servers_own_workbook_is_one() -> None:
    file = read_any(trial_workbook(), "essai.xlsx", LIMITS)
    [sheet] = file.sheets
    assert sheet.cells.rows() == [("NSS", "45000", None)]
    assert sheet.error_cells == {(1, "C"): "#N/A"}
    assert sheet.uncomputed == {(1, "D")}
