"""A real worker beside the API server: the same process, the real queue, the real reader."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest
from world import MovableClock

from payroll.payroll_desk import Desk, add_employer
from teledeclaration.database import Pool
from teledeclaration.documents.development import make_development_seal
from teledeclaration.settings import Settings
from workers.main import run_jobs, tools


@pytest.fixture(scope="module")
def sealing_settings(settings: Settings, clock: MovableClock, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    seal = make_development_seal(tmp_path_factory.mktemp("seal"), now=clock())
    return msgspec.structs.replace(
        settings, seal_key=seal.key.read_text(), seal_certificate=seal.certificate.read_text()
    )


@pytest.fixture(scope="module")
async def worker(sealing_settings: Settings, clock: MovableClock) -> AsyncIterator[dict[str, Any]]:
    """Takes jobs from the queue until the module ends; what its jobs find in their `ctx`."""
    opened: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    close = asyncio.Event()

    async def live() -> None:
        async with tools(sealing_settings, clock) as ctx:
            running = asyncio.create_task(run_jobs(sealing_settings, ctx))
            opened.set_result(ctx)
            await close.wait()
            running.cancel()
            await asyncio.wait([running])

    life = asyncio.create_task(live())
    yield await opened
    close.set()
    await life


@pytest.fixture
def alice(clients: Any, worker: dict[str, Any]) -> Desk:
    """Alice owns employer A, and a worker is there."""
    return Desk(clients["alice"])


@pytest.fixture
def charlie(clients: Any, worker: dict[str, Any]) -> Desk:
    return Desk(clients["charlie"])


@pytest.fixture
async def desk_of(pool: Pool, clients: Any, worker: dict[str, Any]) -> Callable[[str], Awaitable[Desk]]:
    """`await desk_of(number)`: a new employer of that number with one payment centre, at its owner's desk."""

    async def opened(number: str) -> Desk:
        token = await add_employer(pool, number)
        return Desk(clients.fresh(headers={"Cookie": f"td_session={token}"}))

    return opened
