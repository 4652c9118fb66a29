"""What the benchmarks of reading share: a database with an employer, a fund that knows its people, a worker's tools."""

import asyncio
import io
import multiprocessing
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import polars as pl
import structlog
from structlog.testing import capture_logs

from benchmarks import payroll_export
from benchmarks.report import Figure
from schemas.actors import job
from schemas.periodic import PeriodHeader
from teledeclaration.clock import system_clock
from teledeclaration.database import Pool, migrate, open_pool, transaction
from teledeclaration.intake.reader import ReaderServer
from teledeclaration.legislation import load
from teledeclaration.local.postgres import EmbeddedPostgres
from teledeclaration.payroll.actions.checking import read_upload
from teledeclaration.payroll.actions.claiming import ReadingTools
from teledeclaration.payroll.queries import drafts, uploads
from teledeclaration.periods import Year
from teledeclaration.queue import LONG, Queue
from teledeclaration.settings import Settings
from teledeclaration.storage import Storage

EMPLOYER_ID, NUMBER, CENTRE = 900_001, "1600099999", "16999"
JOB = job("benchmark", EMPLOYER_ID)
NOW = datetime(2026, 1, 15, tzinfo=UTC)


@dataclass(frozen=True)
class Bench:
    """A migrated database with one employer, and what its worker reads with."""

    server: EmbeddedPostgres
    folder: Path
    tools: ReadingTools


def aside(function: Callable[..., Any], *arguments: Any) -> Any:
    """A function's answer, from a fresh process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


@contextmanager
def a_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's own user may enter."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


def on_a_bench(measure: Callable[[Bench], Awaitable[list[Figure]]], **settings: Any) -> list[Figure]:
    """The figures that `measure` says of a fresh bench; `settings` other than the usual ones."""
    with a_folder() as folder, EmbeddedPostgres(folder / "postgres", durable=False) as server:

        async def on_it() -> list[Figure]:
            async with _bench(server, folder, settings) as bench:
                return await measure(bench)

        return asyncio.run(on_it())


@asynccontextmanager
async def _bench(server: EmbeddedPostgres, folder: Path, changed: dict[str, Any]) -> AsyncIterator[Bench]:
    await migrate(server.owner_url, server.app_url)
    plain = {"database_url": server.app_url, "redis_url": "redis://127.0.0.1", "storage_url": f"file://{folder}/files"}
    settings = Settings(**{**plain, **changed})
    pool = await open_pool(server.app_url, size=settings.database_pool_size)
    await seed(pool)
    async with ReaderServer() as reader:
        law = load(settings.fund)
        yield Bench(
            server, folder, ReadingTools(pool, Storage(settings.storage_url), reader, law, settings, system_clock)
        )
    await pool.close()


async def seed(pool: Pool) -> None:
    """One employer with one payment centre."""
    async with transaction(pool, job("benchmark", 0)) as connection:
        await connection.execute("INSERT INTO agencies VALUES ($1, 16, 'Agence', 'وكالة')", CENTRE)
        await connection.execute(
            "INSERT INTO employers (employer_id, number, name, wilaya, agency, updated_at)"
            " VALUES ($1, $2, 'Grande entreprise', 16, $3, $4)",
            EMPLOYER_ID,
            NUMBER,
            CENTRE,
            NOW,
        )
        await connection.execute(
            "INSERT INTO payment_centres (employer_id, centre, agency) VALUES ($1, $2, $2)", EMPLOYER_ID, CENTRE
        )


def know_people(owner_url: str, lines: int) -> None:
    """The fund knows every one of the export's people, as a fund does."""
    asyncio.run(_know(owner_url, payroll_export.export(lines)))


async def _know(owner_url: str, frame: pl.DataFrame) -> None:
    people = frame.select(
        pl.int_range(1, frame.height + 1).alias("person_id"),
        pl.col("N° SS").alias("nss"),
        pl.col("Nom").alias("last_name"),
        pl.col("Prénom").alias("first_name"),
        pl.col("Date de naissance").str.to_date("%d/%m/%Y").alias("birth_date"),
        pl.lit(NOW.isoformat()).alias("updated_at"),
    )
    connection = await asyncpg.connect(owner_url)
    for table, columns in (("people", people.columns), ("insured_numbers", ["nss", "person_id"])):
        await connection.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        rows = io.BytesIO(people.select(columns).write_csv().encode())
        await connection.copy_to_table(table, source=rows, columns=columns, format="csv", header=True)
        await connection.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    await connection.execute("ANALYZE people, insured_numbers")
    await connection.close()


async def accept(tools: ReadingTools, content: bytes, *, queue: Queue = LONG, filename: str = "export.xlsx") -> UUID:
    """The rows a door writes for a file; the reading that waits."""
    stored = await tools.storage.put_bytes(content)
    draft_id, upload_id, reading_id = uuid4(), uuid4(), uuid4()
    async with transaction(tools.pool, JOB) as connection:
        about: dict[str, Any] = {"employer_id": EMPLOYER_ID, "now": NOW}
        await uploads.insert_file(connection, content_hash=stored.content_hash, size_bytes=stored.size_bytes, **about)
        await drafts.insert_draft(
            connection, draft_id=draft_id, form="annual", centre=CENTRE, year=2025, period=Year(2025).code,
            header=PeriodHeader(), type="N", replaces=None, completes=None, created_by="benchmark", **about,
        )  # fmt: skip
        await uploads.insert_upload(
            connection, upload_id=upload_id, draft_id=draft_id, content_hash=stored.content_hash,
            filename=filename, source="file", created_by="benchmark", **about,
        )  # fmt: skip
        await uploads.insert_reading(
            connection, reading_id=reading_id, draft_id=draft_id, upload_id=upload_id, queue=queue, **about
        )
    return reading_id


async def checked(tools: ReadingTools, content: bytes) -> dict[str, float]:
    """Seconds from accepted to checked (`all`), and of each step."""
    reading_id = await accept(tools, content)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(20))  # the steps are told in the log
    started = time.perf_counter()
    with capture_logs() as logs:
        done = await read_upload(tools, employer_id=EMPLOYER_ID, reading_id=reading_id)
    seconds = time.perf_counter() - started
    async with transaction(tools.pool, JOB) as connection:
        reading = await uploads.select_reading(connection, employer_id=EMPLOYER_ID, reading_id=reading_id)
    if not done or reading is None or reading.status != "checked":
        raise RuntimeError(f"the workbook was not checked: {reading}")
    [told] = [entry["milliseconds"] for entry in logs if entry["event"] == "read"]
    return {"all": seconds, **{step: milliseconds / 1000 for step, milliseconds in told.items()}}
