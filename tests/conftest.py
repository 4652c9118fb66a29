"""The fixtures all rooms share. Servers are real and live for the session; each module has a database of its own,
copied from one that is migrated and holds the world (see `world`): `pool`, `clock`, `settings`, `app`, `clients`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import world
from litestar import Litestar

from teledeclaration import database
from teledeclaration.app import create_app
from teledeclaration.local.postgres import APPLICATION, EmbeddedPostgres
from teledeclaration.local.valkey import EmbeddedValkey
from teledeclaration.settings import Settings

pytest_plugins = ["conftest_servers"]

ADDRESS = "http://127.0.0.1:8000"


@pytest.fixture(scope="session")
def world_template(postgres: EmbeddedPostgres) -> str:
    """The database to copy: migrated, with the world in it."""

    async def prepare() -> None:
        await database.migrate(postgres.owner_url, postgres.app_url)
        postgres.run_sql("ALTER SEQUENCE employers_employer_id_seq RESTART 100000", database="teledeclaration")
        pool = await database.open_pool(postgres.app_url, size=1)
        await world.seed(pool)
        await pool.close()

    with asyncio.Runner() as runner:
        runner.run(prepare())
    return "teledeclaration"


@pytest.fixture(scope="module")
def database_name(world_template: str, create_database_from: Callable[[str], str]) -> str:
    """A fresh copy of the world for this module."""
    return create_database_from(world_template)


@pytest.fixture(scope="module")
async def pool(postgres: EmbeddedPostgres, database_name: str) -> AsyncIterator[database.Pool]:
    """Connections as the application's role."""
    opened = await database.open_pool(postgres.url(APPLICATION, database_name), size=5)
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
def clock() -> world.MovableClock:
    """The fund's clock: stands at `world.START` until a test moves it."""
    return world.MovableClock()


@pytest.fixture(scope="module")
def settings(
    postgres: EmbeddedPostgres, valkey: EmbeddedValkey, database_name: str, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    files: Path = tmp_path_factory.mktemp("files")
    return Settings(
        database_url=postgres.url(APPLICATION, database_name),
        redis_url=valkey.url,
        storage_url=f"file://{files}",
        public_url=ADDRESS,
        database_pool_size=5,
        log_level="error",
    )


@pytest.fixture(scope="module")
async def app(settings: Settings, clock: world.MovableClock) -> AsyncIterator[Litestar]:
    """The API server, in this process."""
    server = create_app(settings, clock)
    opened, close = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with server.lifespan():
            opened.set()
            await close.wait()

    # One task opens and closes: the framework's task group allows no other, and pytest uses two.
    life = asyncio.create_task(live())
    waiting = asyncio.create_task(opened.wait())
    await asyncio.wait({life, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if life.done():
        waiting.cancel()
        await life
    yield server
    close.set()
    await life


class Clients:
    """One HTTP client for each of the world's people (`clients["alice"]`), API keys (`clients["key:declare"]`)
    and for someone with no credentials (`clients["stranger"]`)."""

    def __init__(self, app: Litestar) -> None:
        self._app = app
        self._open: dict[str, httpx.AsyncClient] = {}

    def __getitem__(self, who: str) -> httpx.AsyncClient:
        if who not in self._open:
            self._open[who] = self.fresh(headers=self._credentials(who))
        return self._open[who]

    def fresh(
        self, headers: dict[str, str] | None = None, client: tuple[str, int] = ("127.0.0.1", 123)
    ) -> httpx.AsyncClient:
        """A client of its own, as a browser on our own pages would be, seen at the address `client`."""
        app: Any = self._app  # Litestar's scope type is narrower than ASGI's
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=client)
        always = {"Accept-Language": "en", "Origin": ADDRESS}
        return httpx.AsyncClient(transport=transport, base_url=ADDRESS, headers={**always, **(headers or {})})

    def _credentials(self, who: str) -> dict[str, str]:
        if who == "stranger":
            return {}
        if who.startswith("key:"):
            return {"Authorization": f"Bearer {world.API_KEYS[who.removeprefix('key:')][0]}"}
        return {"Cookie": f"td_session={world.PEOPLE[who].session_token}"}

    async def close(self) -> None:
        for client in self._open.values():
            await client.aclose()


@pytest.fixture(scope="module")
async def clients(app: Litestar) -> AsyncIterator[Clients]:
    opened = Clients(app)
    yield opened
    await opened.close()


@pytest.fixture
def client(clients: Clients) -> httpx.AsyncClient:
    """Someone with no credentials."""
    return clients["stranger"]
