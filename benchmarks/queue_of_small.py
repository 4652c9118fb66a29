"""A thousand small files sent behind one of 300,000 lines: how long they wait, with and without it.

    python -m benchmarks.queue_of_small [files] [lines of the long one]

The rows and messages are all there before the worker starts; the worker is the real one, with its two queues. The
long file shares the machine with the small ones, so that they cannot be quite as fast; they never wait for it.
"""

import asyncio
import statistics
import sys
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog

from benchmarks import payroll_export
from benchmarks.report import Figure
from benchmarks.worker_bench import EMPLOYER_ID, JOB, Bench, a_folder, accept, aside, on_a_bench
from teledeclaration.database import transaction
from teledeclaration.documents.development import make_development_seal
from teledeclaration.local.valkey import EmbeddedValkey
from teledeclaration.queue import LONG, SHORT, JobQueue
from workers.main import run_jobs, tools

FILES = 1_000
LONG_LINES = 300_000
SMALL_LINES = 20
LONGER_MOST = 1.5


async def _drain(bench: Bench, small: bytes, files: int, long: bytes | None) -> tuple[list[float], float | None]:
    """Seconds until each small file was checked, and until the long one was."""
    settings = bench.tools.settings
    queue = JobQueue(settings.redis_url)
    waiting: list[UUID] = []
    long_id = None if long is None else await accept(bench.tools, long)
    if long_id is not None:
        await queue.enqueue("read_upload", employer_id=EMPLOYER_ID, subject=long_id, queue=LONG)
    for _ in range(files):
        waiting.append(await accept(bench.tools, small, queue=SHORT))
        await queue.enqueue("read_upload", employer_id=EMPLOYER_ID, subject=waiting[-1], queue=SHORT)
    await queue.close()
    started = datetime.now(UTC)
    async with tools(settings) as ctx:
        running = asyncio.create_task(run_jobs(settings, ctx))
        while await _unfinished(bench):  # noqa: ASYNC110 - it is rows that are waited for
            await asyncio.sleep(0.5)
        running.cancel()
        await asyncio.wait([running])
    ended = await _ended(bench)
    seconds = {reading: (at - started).total_seconds() for reading, at in ended.items()}
    return [seconds[reading] for reading in waiting], None if long_id is None else seconds[long_id]


async def _unfinished(bench: Bench) -> int:
    async with transaction(bench.tools.pool, JOB) as connection:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM readings WHERE employer_id = $1 AND status = 'waiting'", EMPLOYER_ID
        )
    return count


async def _ended(bench: Bench) -> dict[UUID, Any]:
    async with transaction(bench.tools.pool, JOB) as connection:
        rows = await connection.fetch(
            "SELECT reading_id, finished_at FROM readings WHERE employer_id = $1 AND status = 'checked'", EMPLOYER_ID
        )
    return {row["reading_id"]: row["finished_at"] for row in rows}


async def measure(bench: Bench, files: int, lines: int) -> list[Figure]:
    """The median and the last wait of the small files, alone and behind the long one."""
    small, long = bench.folder / "small.xlsx", bench.folder / "long.xlsx"
    aside(payroll_export.write, small, SMALL_LINES)
    aside(payroll_export.write, long, lines)
    await _drain(bench, small.read_bytes(), 10, None)
    alone, _ = await _drain(bench, small.read_bytes(), files, None)
    behind, long_one = await _drain(bench, small.read_bytes(), files, long.read_bytes())
    return [
        Figure(f"{files:,} small files alone, median", statistics.median(alone), "s"),
        Figure(f"{files:,} small files alone, the last", max(alone), "s"),
        Figure(f"behind {lines:,} lines, median", statistics.median(behind), "s"),
        Figure(f"behind {lines:,} lines, the last", max(behind), "s"),
        Figure("the long one itself", long_one or 0.0, "s"),
        Figure("median behind / alone", statistics.median(behind) / statistics.median(alone), "×", most=LONGER_MOST),
        Figure("last behind / alone", max(behind) / max(alone), "×", most=LONGER_MOST),
    ]


def main(arguments: list[str]) -> list[Figure]:
    """Measure on a database and a queue of its own."""
    files = int(arguments[0]) if arguments else FILES
    lines = int(arguments[1]) if len(arguments) > 1 else LONG_LINES
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    with a_folder() as folder, EmbeddedValkey(folder / "valkey", durable=False) as valkey:
        seal = make_development_seal(folder, now=datetime.now(UTC))
        return on_a_bench(
            lambda bench: measure(bench, files, lines),
            redis_url=valkey.url,
            seal_key=seal.key.read_text(),
            seal_certificate=seal.certificate.read_text(),
        )


if __name__ == "__main__":
    for figure in main(sys.argv[1:]):
        print(figure)
