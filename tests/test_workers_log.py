"""What a worker says of a job that fails by an error nobody foresaw: its class and place, never its text."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from teledeclaration.database import Pool
from teledeclaration.observed import configure_logs
from teledeclaration.queue import JobQueue
from teledeclaration.settings import Settings
from workers import main

SECRET = "BENALI Amine 860512345642"


@pytest.fixture
def logs() -> Iterator[Callable[[], None]]:
    """Called in a test, sets the logs up as a process does, the libraries' too: pytest's own handlers stand aside."""
    root = logging.getLogger()
    handlers = root.handlers

    def as_in_a_process() -> None:
        root.handlers = []
        configure_logs("info")

    yield as_in_a_process
    root.handlers = handlers
    configure_logs("error")


async def read_upload(ctx: dict[str, Any], employer_id: int, subject: str) -> None:
    raise asyncpg.UniqueViolationError(f"Key (nss)=({SECRET}) already exists.")


async def test_a_failing_jobs_log_holds_no_text_of_its_error(
    settings: Settings,
    pool: Pool,
    monkeypatch: pytest.MonkeyPatch,
    logs: Callable[[], None],
    capfd: pytest.CaptureFixture[str],
) -> None:
    logs()
    monkeypatch.setattr(main, "read_upload", read_upload)
    worker = main.workers_of(settings, {"pool": pool, "settings": settings})[0]
    worker.cron_jobs = []
    running = asyncio.create_task(worker.async_run())
    queue, subject, told = JobQueue(settings.redis_url), uuid4(), ""
    try:
        await queue.enqueue("read_upload", employer_id=1001, subject=subject)
        async with asyncio.timeout(20):
            while str(subject) not in told:
                await asyncio.sleep(0.05)
                told += capfd.readouterr().err
        await asyncio.sleep(0.3)  # what the queue's own library might add
    finally:
        running.cancel()
        await asyncio.wait([running])
        await main._close(worker)
        await queue.close()
    told += capfd.readouterr().err
    failures = [line for line in map(json.loads, told.splitlines()) if line["event"] == "job_failed"]
    [failure] = [line for line in failures if line["subject"] == [str(subject)]]
    assert (failure["job"], failure["error"]) == ("read_upload", "UniqueViolationError")
    assert failure["at"][-1].startswith("test_workers_log.py:")
    assert "Traceback" not in told
    assert not [word for word in SECRET.split() if word in told]


def test_what_a_library_says_of_an_error_holds_no_text_of_it(
    logs: Callable[[], None], capfd: pytest.CaptureFixture[str]
) -> None:
    logs()
    error = asyncpg.UniqueViolationError(SECRET)
    logging.getLogger("asyncio").error("never retrieved: %r", error, exc_info=error)
    assert json.loads(capfd.readouterr().err) == {
        "event": "asyncio",
        "level": "error",
        "error": "UniqueViolationError",
    }
