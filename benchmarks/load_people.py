"""A million people into the register, against bare COPY of the same rows into a table without keys or policies.

    python -m benchmarks.load_people [rows]

Prints seconds and the ratio to the floor, for a first load, the same file again, and a full file with its absent.
"""

import asyncio
import io
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import polars as pl

from benchmarks.report import Figure
from schemas.actors import job
from teledeclaration.clock import system_clock
from teledeclaration.database import Pool, migrate, open_pool, transaction
from teledeclaration.local.postgres import EmbeddedPostgres
from teledeclaration.registry import queries
from teledeclaration.registry.loading import Loader
from teledeclaration.settings import Settings
from teledeclaration.storage import Storage

ROWS = 1_000_000
FUND = job("benchmark", 0)


def people_csv(rows: int) -> bytes:
    """Invented people: two scripts, birth dates and places."""
    number = pl.int_range(rows, eager=True)
    year = 1950 + number % 55
    frame = pl.DataFrame(
        {
            "nss": (year % 100).cast(pl.String).str.zfill(2) + number.cast(pl.String).str.zfill(10),
            "nom": "FAMILLE" + (number % 9_973).cast(pl.String),
            "prenom": "PRENOM" + (number % 997).cast(pl.String),
            "nom arabe": "عائلة" + (number % 9_973).cast(pl.String),
            "prenom arabe": "اسم" + (number % 997).cast(pl.String),
            "date de naissance": year.cast(pl.String) + "-0" + (1 + number % 9).cast(pl.String) + "-15",
            "lieu de naissance": "Commune " + (number % 1_541).cast(pl.String),
        }
    )
    return frame.write_csv().encode()


async def copy_floor(owner_url: str, content: bytes) -> float:
    """Seconds of COPY alone into an unlogged table of the same columns."""
    connection = await asyncpg.connect(owner_url)
    await connection.execute("CREATE UNLOGGED TABLE floor (a text, b text, c text, d text, e text, f date, g text)")
    started = time.perf_counter()
    await connection.copy_to_table("floor", source=io.BytesIO(content), format="csv", header=True)
    seconds = time.perf_counter() - started
    await connection.execute("DROP TABLE floor")
    await connection.close()
    return seconds


async def load(pool: Pool, settings: Settings, content: bytes, mode: str) -> tuple[float, dict[str, int]]:
    """Seconds from the waiting row to `done`, with the counts."""
    storage = Storage(settings.storage_url)
    stored = await storage.put_bytes(content)
    async with transaction(pool, FUND) as connection:
        load_id = await queries.insert_load(
            connection,
            register="people",
            mode="full" if mode == "full" else "changes",
            content_hash=stored.content_hash,
            filename="people.csv",
            created_by="benchmark",
            now=datetime.now(UTC),
        )

    async def no_workbook(path: Path, filename: str) -> list[pl.DataFrame]:
        raise NotImplementedError(path, filename)

    loader = Loader(pool=pool, storage=storage, settings=settings, clock=system_clock, read_sheets=no_workbook)
    started = time.perf_counter()
    await loader.run(load_id)
    seconds = time.perf_counter() - started
    async with transaction(pool, FUND) as connection:
        return seconds, await connection.fetchval("SELECT counts FROM registry_loads WHERE load_id = $1", load_id)


async def measure(server: EmbeddedPostgres, settings: Settings, rows: int) -> list[Figure]:
    """The floor and the three loads, on a fresh database."""
    content = people_csv(rows)
    await migrate(server.owner_url, server.app_url)
    pool = await open_pool(server.app_url, size=4)
    floor = await copy_floor(server.owner_url, content)
    figures = [Figure(f"{rows:,} people, floor", floor, "s")]
    for what, mode in (("first load", "changes"), ("the same file again", "changes"), ("full, with absent", "full")):
        seconds, _ = await load(pool, settings, content, mode)
        figures.append(Figure(f"{rows:,} people, {what}", seconds, "s"))
        figures.append(Figure(f"{what} / floor", seconds / floor, "×"))
    await pool.close()
    return figures


def main(arguments: list[str]) -> list[Figure]:
    """Measure on a durable database of its own."""
    rows = int(arguments[0]) if arguments else ROWS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        with EmbeddedPostgres(folder / "postgres", durable=True) as server:
            settings = Settings(
                database_url=server.app_url, redis_url="redis://127.0.0.1:1", storage_url=f"file://{folder}/files"
            )
            return asyncio.run(measure(server, settings, rows))


if __name__ == "__main__":
    for figure in main(sys.argv[1:]):
        print(figure)
