"""What runs the jobs: one process with two arq workers, one for short and one for long work, and the cron.

The only module that runs arq. Two queues, each with its own slots, so that long files never delay short ones.
"""

import argparse
import asyncio
import contextlib
import functools
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from arq import Worker, cron
from arq.worker import Function, func
from prometheus_client import Counter, start_http_server
from redis.exceptions import RedisError

from teledeclaration import database
from teledeclaration.clock import Clock, system_clock
from teledeclaration.documents.seal import FileSealer
from teledeclaration.errors import place_of
from teledeclaration.intake.reader import ReaderServer
from teledeclaration.law_in_force import law_in_force
from teledeclaration.legislation import InvalidLegislation
from teledeclaration.observed import configure_logs
from teledeclaration.queue import LONG, SHORT, JobQueue, Queue, decode_job, encode_job, redis_settings
from teledeclaration.settings import MissingSetting, Settings, WrongSetting, read_settings
from teledeclaration.storage import Storage
from workers.assess_declaration import assess_declaration
from workers.book_opening_balance import book_opening_balance
from workers.book_provisional import book_provisional
from workers.check_journals import check_journals
from workers.load_register import load_register
from workers.prove_ledgers import prove_ledgers
from workers.read_upload import read_upload
from workers.reconcile_all import reconcile_all
from workers.reconcile_year import reconcile_year
from workers.review_changes import review_changes
from workers.seal_document import seal_document
from workers.seal_journals import seal_journals
from workers.sweep import sweep
from workers.tidy import tidy

JOB_TIMEOUT_S = 3600
LONG_JOBS_AT_ONCE = 2
_EVERY_FEW_SECONDS = set(range(0, 60, 5))
_NIGHTLY: dict[str, Any] = {"keep_result": 0, "timeout": JOB_TIMEOUT_S}

log = structlog.get_logger(__name__)

JOBS = Counter("teledeclaration_jobs", "Jobs ended", ["job", "outcome"])


@asynccontextmanager
async def tools(settings: Settings, clock: Clock = system_clock) -> AsyncIterator[dict[str, Any]]:
    """What every job finds in its `ctx`: pool, queue, storage, reader, sealer, legislation, settings, clock."""
    pool = await database.open_pool(settings.database_url, size=settings.database_pool_size)
    queue = JobQueue(settings.redis_url)
    reader = ReaderServer(at_once=settings.worker_jobs)
    try:
        yield {
            "pool": pool,
            "queue": queue,
            "storage": Storage.of(settings),
            "reader": reader,
            "sealer": FileSealer(settings.seal_key.encode(), settings.seal_certificate.encode()),
            "legislation": await law_in_force(pool, settings),
            "settings": settings,
            "clock": clock,
        }
    finally:
        await reader.stop()
        await queue.close()
        await pool.close()


def workers_of(settings: Settings, ctx: dict[str, Any]) -> list[Worker]:
    """A worker for short work, which also keeps the cron, and one for long work."""
    work = (
        read_upload,
        review_changes,
        reconcile_year,
        assess_declaration,
        seal_document,
        book_opening_balance,
        book_provisional,
        load_register,
    )
    jobs = [_job(one) for one in work]
    clockwork = [
        cron(_observed(sweep), name="cron:sweep", second=_EVERY_FEW_SECONDS, run_at_startup=True, keep_result=0),
        cron(_observed(seal_journals), name="cron:seal_journals", minute=7, keep_result=0),
        cron(_observed(prove_ledgers), name="cron:prove_ledgers", hour=2, minute=23, **_NIGHTLY),
        cron(_observed(reconcile_all), name="cron:reconcile_all", hour=0, minute=41, **_NIGHTLY),
        cron(_observed(check_journals), name="cron:check_journals", hour=3, minute=11, **_NIGHTLY),
        cron(_observed(tidy), name="cron:tidy", hour=3, minute=41, **_NIGHTLY),
    ]
    return [
        _worker(settings, ctx, SHORT, jobs, settings.worker_jobs, clockwork),
        _worker(settings, ctx, LONG, jobs, LONG_JOBS_AT_ONCE, []),
    ]


def _job(coroutine: Callable[..., Awaitable[Any]]) -> Function:
    """A job is tried once by arq: what fails is sent again by the sweeper, from its row."""
    name = coroutine.__name__
    return func(_observed(coroutine), name=name, keep_result=0, timeout=JOB_TIMEOUT_S, max_tries=1)


def _observed(coroutine: Callable[..., Awaitable[Any]]) -> Any:
    """The job under the law of the moment, with a line of log and a metric for each end; a failure is logged without
    its text."""

    @functools.wraps(coroutine)
    async def observed(ctx: dict[str, Any], *arguments: Any) -> Any:
        started = time.perf_counter()
        try:
            ctx["legislation"] = await law_in_force(ctx["pool"], ctx["settings"])
            result = await coroutine(ctx, *arguments)
        except Exception as error:
            JOBS.labels(coroutine.__name__, "failed").inc()
            log.error("job_failed", job=coroutine.__name__, subject=arguments[-1:], **place_of(error))  # noqa: TRY400 - no text
            return None
        JOBS.labels(coroutine.__name__, "done").inc()
        log.info("job", job=coroutine.__name__, milliseconds=round(1000 * (time.perf_counter() - started)))
        return result

    return observed


def _worker(
    settings: Settings, ctx: dict[str, Any], queue: Queue, jobs: list[Function], at_once: int, clockwork: list[Any]
) -> Worker:
    return Worker(
        functions=jobs,
        cron_jobs=clockwork,
        queue_name=queue,
        redis_settings=redis_settings(settings.redis_url),
        job_serializer=encode_job,
        job_deserializer=decode_job,
        max_jobs=at_once,
        handle_signals=False,
        health_check_interval=15,
        poll_delay=0.1,
        retry_jobs=False,
        log_results=False,
        ctx=ctx,
    )


async def run_workers(settings: Settings, clock: Clock = system_clock) -> None:
    """Until told to stop."""
    if settings.worker_metrics_port:
        start_http_server(settings.worker_metrics_port, addr=settings.host)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with tools(settings, clock) as ctx:
        running = asyncio.create_task(run_jobs(settings, ctx))
        await asyncio.wait([running, asyncio.create_task(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
        running.cancel()
        await asyncio.wait([running])


async def run_jobs(settings: Settings, ctx: dict[str, Any]) -> None:
    """Both workers until cancelled; a queue that is away is waited for, since the rows wait too."""
    async with asyncio.TaskGroup() as group:
        for place in (0, 1):
            group.create_task(_keep_running(settings, ctx, place))


async def _keep_running(settings: Settings, ctx: dict[str, Any], place: int) -> None:
    while True:
        worker = workers_of(settings, ctx)[place]
        try:
            await worker.async_run()
        except (OSError, RedisError) as error:
            log.warning("queue_away", queue=worker.queue_name, error=type(error).__name__)
            await asyncio.sleep(1)
        finally:
            await _close(worker)


async def _close(worker: Worker) -> None:
    """Cancel what it runs; the queue it signs off from may be away, and its jobs' rows wait."""
    with contextlib.suppress(OSError, RedisError, asyncio.CancelledError):
        await worker.close()


def run(arguments: Sequence[str] = ()) -> int:
    """A worker, until it is told to stop. 2 where a setting is missing or wrong, or the law is not whole."""
    argparse.ArgumentParser(prog="teledeclaration worker", description=run.__doc__).parse_args(arguments)
    try:
        settings = read_settings()
    except (MissingSetting, WrongSetting) as error:
        print(f"setting: {error}")  # noqa: T201 - the operator's own terminal
        return 2
    configure_logs(settings.log_level)
    try:
        asyncio.run(run_workers(settings))
    except InvalidLegislation as error:
        print(f"law: {error}")  # noqa: T201 - the operator's own terminal
        return 2
    return 0
