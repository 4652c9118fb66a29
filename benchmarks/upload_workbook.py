"""A 100,000-line workbook from accepted to checked, against reading it to strings and COPYing the same rows.

    python -m benchmarks.upload_workbook [lines]

The work is the worker's own `read_upload`, from the waiting row to lines and findings stored; the floor is
fastexcel to strings and COPY of those rows into a plain unlogged table. Both warm, the best of several runs.
"""

import asyncio
import io
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import fastexcel
import polars as pl
import rustpy_xlsxwriter

from benchmarks.report import Figure
from schemas.actors import job
from teledeclaration.clock import system_clock
from teledeclaration.database import Pool, migrate, open_pool, transaction
from teledeclaration.intake.reader import ReaderServer
from teledeclaration.legislation import load
from teledeclaration.local.postgres import EmbeddedPostgres
from teledeclaration.payroll.actions.checking import ReadingTools, read_upload
from teledeclaration.payroll.queries import drafts, uploads
from teledeclaration.settings import Settings
from teledeclaration.storage import Storage

LINES = 100_000
RUNS = 3
RATIO_MAX = 4.0
EMPLOYER_ID, NUMBER, CENTRE = 900_001, "1600099999", "16999"
JOB = job("benchmark", EMPLOYER_ID)
NOW = datetime(2026, 1, 15, tzinfo=UTC)


def export(lines: int) -> pl.DataFrame:
    """A payroll program's export: as many employments, one in a hundred with a mistake."""
    number = pl.int_range(lines, eager=True)
    year = 1960 + number % 45
    pay = 45_000 + number % 977
    quarters: dict[str, pl.Series] = {}
    for quarter in (1, 2, 3, 4):
        quarters |= {f"Durée T{quarter}": 90 + 0 * number, f"Unité T{quarter}": pl.repeat("J", lines, eager=True),
                     f"Montant T{quarter}": 3 * pay}  # fmt: skip
    return pl.DataFrame(
        {
            "N° SS": with_key((year % 100).cast(pl.String).str.zfill(2) + number.cast(pl.String).str.zfill(8)),
            "Nom": "FAMILLE" + (number % 9_973).cast(pl.String).str.replace_all(r"\d", "A"),
            "Prénom": "PRENOM" + (number % 997).cast(pl.String).str.replace_all(r"\d", "B"),
            "Date de naissance": "15/0" + (1 + number % 9).cast(pl.String) + "/" + year.cast(pl.String),
            **quarters,
            "Total annuel": 12 * pay + (number % 100 == 7).cast(pl.Int64),
            "Date d'entrée": pl.repeat("01/03/2019", lines, eager=True),
            "Date de sortie": pl.repeat("", lines, eager=True),
        }
    )


def workbook(frame: pl.DataFrame) -> bytes:
    """The export as an `.xlsx`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.xlsx"
        rustpy_xlsxwriter.write_worksheet(frame.to_dicts(), str(path), "DAS 2025")
        return path.read_bytes()


def with_key(ten_digits: pl.Series) -> pl.Series:
    """The numbers with their two-digit key."""
    weights = (2, 1, 2, 1, 2, 1, 2, 1, 2, 1)
    digits = pl.DataFrame(ten_digits.str.slice(place, 1).cast(pl.Int32).alias(str(place)) for place in range(10))
    total = digits.select(
        pl.sum_horizontal(weight * pl.col(str(place)) for place, weight in enumerate(weights))
    ).to_series()
    return ten_digits + ((99 - total) % 100).cast(pl.String).str.zfill(2)


async def floor_seconds(owner_url: str, content: bytes) -> float:
    """fastexcel to strings, then COPY of the same rows."""
    connection = await asyncpg.connect(owner_url)
    try:
        started = time.perf_counter()
        sheet = fastexcel.read_excel(content).load_sheet(0, header_row=None, dtypes="string")
        frame = sheet.to_polars()
        columns = ", ".join(f"c{place} text" for place in range(frame.width))
        await connection.execute(f"CREATE UNLOGGED TABLE floor ({columns})")
        await connection.copy_to_table(
            "floor", source=io.BytesIO(frame.write_csv().encode()), format="csv", header=True
        )
        return time.perf_counter() - started
    finally:
        await connection.execute("DROP TABLE IF EXISTS floor")
        await connection.close()


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


async def know_people(owner_url: str, frame: pl.DataFrame) -> None:
    """The fund knows every one of them, as a fund does."""
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


async def accept(tools: ReadingTools, content: bytes) -> UUID:
    """The rows a door writes for a file; the reading that waits."""
    stored = await tools.storage.put_bytes(content)
    draft_id, upload_id, reading_id = uuid4(), uuid4(), uuid4()
    async with transaction(tools.pool, JOB) as connection:
        about: dict[str, Any] = {"employer_id": EMPLOYER_ID, "now": NOW}
        await uploads.insert_file(connection, content_hash=stored.content_hash, size_bytes=stored.size_bytes, **about)
        await drafts.insert_draft(
            connection, draft_id=draft_id, form="annual", centre=CENTRE, year=2025, type="N", replaces=None,
            completes=None, created_by="benchmark", **about,
        )  # fmt: skip
        await uploads.insert_upload(
            connection, upload_id=upload_id, draft_id=draft_id, content_hash=stored.content_hash,
            filename="export.xlsx", source="file", created_by="benchmark", **about,
        )  # fmt: skip
        await uploads.insert_reading(
            connection, reading_id=reading_id, draft_id=draft_id, upload_id=upload_id, queue="benchmark", **about
        )
    return reading_id


@dataclass(frozen=True)
class Run:
    """One reading's seconds, and where they went."""

    seconds: float
    phases: dict[str, float]


async def checked(tools: ReadingTools, content: bytes) -> Run:
    """Seconds from accepted to checked, with the time of each phase."""
    reading_id = await accept(tools, content)
    phases: dict[str, float] = {}
    started = time.perf_counter()
    watching = asyncio.create_task(_watch(tools, reading_id, phases, started))
    done = await read_upload(tools, employer_id=EMPLOYER_ID, reading_id=reading_id)
    seconds = time.perf_counter() - started
    watching.cancel()
    async with transaction(tools.pool, JOB) as connection:
        reading = await uploads.select_reading(connection, employer_id=EMPLOYER_ID, reading_id=reading_id)
    if not done or reading is None or reading.status != "checked":
        raise RuntimeError("the workbook was not checked")
    return Run(seconds, phases)


async def _watch(tools: ReadingTools, reading_id: UUID, phases: dict[str, float], started: float) -> None:
    """When each phase was first seen, every 20 ms."""
    while True:
        async with transaction(tools.pool, JOB) as connection:
            reading = await uploads.select_reading(connection, employer_id=EMPLOYER_ID, reading_id=reading_id)
        if reading is not None:
            phases.setdefault(reading.phase, time.perf_counter() - started)
        await asyncio.sleep(0.02)


async def measure(server: EmbeddedPostgres, folder: Path, lines: int) -> list[Figure]:
    """The ratio, the seconds of both sides, and the phases of the best run."""
    await migrate(server.owner_url, server.app_url)
    pool = await open_pool(server.app_url, size=4)
    await seed(pool)
    settings = Settings(
        database_url=server.app_url, redis_url="redis://127.0.0.1", storage_url=f"file://{folder}/files"
    )
    frame = export(lines)
    content = workbook(frame)
    await know_people(server.owner_url, frame)
    async with ReaderServer() as reader:
        tools = ReadingTools(pool, Storage(settings.storage_url), reader, load(settings.fund), settings, system_clock)
        floors = [await floor_seconds(server.owner_url, content) for _ in range(RUNS)]
        runs = [await checked(tools, content) for _ in range(RUNS)]
    await pool.close()
    best = min(runs, key=lambda run: run.seconds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return [
        Figure(f"{lines:,} lines, floor", min(floors), "s"),
        Figure(f"{lines:,} lines, accepted to checked", best.seconds, "s"),
        *(Figure(f"  {phase} from", at, "s") for phase, at in best.phases.items()),
        Figure("worker's peak memory", peak, "MB"),
        Figure("checked / floor", best.seconds / min(floors), "×", most=RATIO_MAX),
    ]


def main(arguments: list[str]) -> list[Figure]:
    """Measure on a database of its own."""
    lines = int(arguments[0]) if arguments else LINES
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        with EmbeddedPostgres(folder / "postgres", durable=False) as server:
            return asyncio.run(measure(server, folder, lines))


if __name__ == "__main__":
    for figure in main(sys.argv[1:]):
        print(figure)
