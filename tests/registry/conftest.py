"""Loading registers the way a worker does, on a real database, storage and sandboxed reader."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from world import MovableClock

from schemas.actors import job
from schemas.registry import LoadMode, Register, RegisterLoad
from teledeclaration.database import Pool, transaction
from teledeclaration.intake.reader import ReaderServer
from teledeclaration.registry import queries
from teledeclaration.registry.loading import Loader
from teledeclaration.settings import Settings
from teledeclaration.storage import Storage
from workers.load_register import sheet_reader

FUND = job("tests", 0)
Load = Callable[..., Awaitable[RegisterLoad]]


@pytest.fixture(scope="module")
async def reader() -> AsyncIterator[ReaderServer]:
    async with ReaderServer() as server:
        yield server


@pytest.fixture(scope="module")
def make_loader(pool: Pool, settings: Settings, clock: MovableClock, reader: ReaderServer) -> Callable[..., Loader]:
    """A worker's loader; other arguments than the usual by keyword."""

    def make(**other: Any) -> Loader:
        usual = {
            "pool": pool,
            "storage": Storage(settings.storage_url),
            "settings": settings,
            "clock": clock,
            "read_sheets": sheet_reader(reader, settings),
        }
        return Loader(**{**usual, **other})

    return make


@pytest.fixture(scope="module")
def enter(pool: Pool, settings: Settings, clock: MovableClock) -> Callable[..., Awaitable[Any]]:
    """Put a file where it waits to be loaded; the load's id."""

    async def put(register: Register, content: bytes | str, mode: LoadMode = "changes", name: str = "f.csv") -> Any:
        data = content.encode() if isinstance(content, str) else content
        stored = await Storage(settings.storage_url).put_bytes(data)
        async with transaction(pool, FUND) as connection:
            return await queries.insert_load(
                connection,
                register=register,
                mode=mode,
                content_hash=stored.content_hash,
                filename=name,
                created_by="tests",
                now=clock(),
            )

    return put


@pytest.fixture(scope="module")
def load(pool: Pool, make_loader: Callable[..., Loader], enter: Callable[..., Awaitable[Any]]) -> Load:
    """Load a file to its end; the load as it then stands."""

    async def run(register: Register, content: bytes | str, mode: LoadMode = "changes", name: str = "f.csv") -> Any:
        load_id = await enter(register, content, mode, name)
        await make_loader().run(load_id)
        async with transaction(pool, FUND) as connection:
            return await queries.select_load(connection, load_id=load_id)

    return run


@pytest.fixture(scope="module")
def findings(pool: Pool) -> Callable[..., Awaitable[list[tuple[int | None, str | None, str]]]]:
    """Row, field and code of each finding of a load."""

    async def read(loaded: RegisterLoad) -> list[tuple[int | None, str | None, str]]:
        async with transaction(pool, FUND) as connection:
            stored = await queries.select_findings(connection, load_id=loaded.load_id, after=0, limit=1000, code=None)
        return [(found.row, found.field, found.code) for found in stored]

    return read


@pytest.fixture(scope="module")
def fetch(pool: Pool) -> Callable[..., Awaitable[list[tuple[Any, ...]]]]:
    """Rows as the fund's systems see them."""

    async def read(sql: str, *values: Any) -> list[tuple[Any, ...]]:
        async with transaction(pool, FUND) as connection:
            return [tuple(row) for row in await connection.fetch(sql, *values)]

    return read
