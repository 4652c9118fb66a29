"""Mutations of real files through the real reader and the checks: read or refused with words, and nothing else.

`FUZZ_SECONDS` (600) is how long the slow run goes on, `FUZZ_SEED` repeats one; both are printed. A case that fails
is named by its seed and number.
"""

import os
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import FrameType

import polars as pl
import pytest
from structlog.testing import capture_logs

from fuzz.mutations import mutated
from teledeclaration.check import standard_context
from teledeclaration.intake.checking import CheckedFile, check_raw
from teledeclaration.intake.raw import RawFile, ReadingLimits, Unreadable
from teledeclaration.intake.reader import ReaderServer, read_raw
from teledeclaration.languages import LANGUAGES, catalogue, say

FILES = Path(__file__).parents[1] / "files"
LIMITS = ReadingLimits(memory_bytes=2**30, max_cells=3_000_000)
CONTEXT = standard_context(date(2026, 11, 22))
CHECK_SECONDS = 20
QUICK_CASES = 150
MEMORY_GROWTH_MAX = 40 * 2**20
SAID = {"filename", "cell", "limit", "limit_mib", "program", "sheet", "row", "wanted", "year", "code", "line", "name"}


@pytest.fixture
async def reader() -> AsyncIterator[ReaderServer]:
    async with ReaderServer() as server:
        yield server


def originals() -> list[Path]:
    """The files to start from: small ones, as a mutation of a small file is tried sooner."""
    kept = (path for path in FILES.rglob("*") if path.is_file() and path.suffix not in (".toml", ".json", ".md"))
    return sorted(path for path in kept if path.stat().st_size < 120_000)


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """A check that hangs is told as such, with its place."""

    def too_long(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"a check took more than {seconds} seconds")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def must_be_explained(refusal: Unreadable) -> None:
    assert set(refusal.values) <= SAID
    assert all(len(str(value)) <= 300 for value in refusal.values.values())
    for language in LANGUAGES:
        assert "{" not in say(refusal.words, language, **refusal.values).replace("{", "", 0)


def must_be_sound(raw: RawFile, checked: CheckedFile) -> None:
    codes = checked.findings["code"].unique().to_list()
    assert all(f"finding.{code}" in catalogue() for code in codes)
    sheet = next(sheet for sheet in raw.sheets if sheet.name == checked.sheet)
    rows = checked.findings["row"].drop_nulls()
    assert rows.is_between(0, max(sheet.cells.height, 1)).all()
    for frame in (checked.lines, checked.findings):
        texts = frame.select(pl.col(pl.String).str.contains("\0", literal=True).any())
        assert not any(texts.row(0)) if texts.width else True


async def try_one(content: bytes, filename: str, reader: ReaderServer) -> str:
    """`read`, or the code it was refused with."""
    with capture_logs() as log:
        try:
            raw = await read_raw(content, filename=filename, limits=LIMITS, reader=reader)
            with at_most(CHECK_SECONDS):
                checked = check_raw(raw, context=CONTEXT)
        except Unreadable as refusal:
            must_be_explained(refusal)
            outcome = refusal.code
        else:
            must_be_sound(raw, checked)
            outcome = "read"
    assert not log
    assert reader.last_cpu_seconds < LIMITS.cpu_seconds(len(content)) + 2
    return outcome


def resident_bytes(process: int) -> int:
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def descriptors(process: int | str) -> int:
    return len(list(Path(f"/proc/{process}/fd").iterdir()))


async def fuzz(reader: ReaderServer, *, seed: int, seconds: float, cases: int) -> dict[str, int]:
    """Outcomes and how often; the server ends with the memory and the descriptors it had."""
    files = {path: path.read_bytes() for path in originals()}
    outcomes: dict[str, int] = {}
    process, before = reader.process_id, (0, 0, 0)
    until = time.monotonic() + seconds
    number = 0
    while number < cases and time.monotonic() < until:
        chance = random.Random(f"{seed}/{number}")
        path = chance.choice(list(files))
        content = mutated(files[path], chance)
        try:
            outcome = await try_one(content, path.name, reader)
        except BaseException as error:
            raise AssertionError(f"FUZZ_SEED={seed}, case {number}, from {path.name}: {error!r}") from error
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
        number += 1
        if number == min(cases, 100) // 2 and process is not None:
            before = (resident_bytes(process), descriptors(process), descriptors("self"))
    assert reader.process_id == process
    if process is not None and before[0]:
        assert resident_bytes(process) - before[0] < MEMORY_GROWTH_MAX
        assert (descriptors(process), descriptors("self")) == before[1:]
    return outcomes


async def test_some_mutations_are_read_or_refused_with_words(reader: ReaderServer) -> None:
    outcomes = await fuzz(reader, seed=20261122, seconds=60, cases=QUICK_CASES)
    assert sum(outcomes.values()) > 20
    assert outcomes["read"] > 0
    assert outcomes["damaged"] > 0


@pytest.mark.slow
@pytest.mark.timeout(0)
async def test_mutations_without_end(reader: ReaderServer) -> None:
    seconds = float(os.environ.get("FUZZ_SECONDS", "600"))
    seed = int(os.environ.get("FUZZ_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
    print(f"fuzzing for {seconds:.0f} s, FUZZ_SEED={seed}", flush=True)
    outcomes = await fuzz(reader, seed=seed, seconds=seconds, cases=10**9)
    print(f"{sum(outcomes.values())} files: {outcomes}", flush=True)
