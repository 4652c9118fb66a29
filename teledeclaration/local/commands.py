"""What a host of an installation runs, on one machine as in containers: `serve`, `migrate` and `health`.

(`worker` is `workers.main`.) All take their settings from the environment. Each imports what it needs itself: a
health check runs every few seconds.
"""

import argparse
import asyncio
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import TYPE_CHECKING

from teledeclaration.local.children import tell
from teledeclaration.local.processes import stop_with_parent
from teledeclaration.settings import MissingSetting, Settings, WrongSetting, read_settings

if TYPE_CHECKING:
    from litestar import Litestar

HEALTH_PATH = "/readyz"


def serve(arguments: Sequence[str] = ()) -> int:
    """The API server, until it is told to stop. 2 where a setting is missing or wrong, or the law is not whole."""
    argparse.ArgumentParser(prog="teledeclaration serve", description=serve.__doc__).parse_args(arguments)
    if (settings := settings_or_words()) is None or not law_is_whole(settings):
        return 2
    from granian.constants import Interfaces, Loops
    from granian.log import LogLevels
    from granian.server import Server

    Server(
        "teledeclaration.local.commands:application",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        factory=True,
        loop=Loops.uvloop,
        workers=settings.api_processes,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        log_level=LogLevels.warning,
        log_access=False,  # addresses may name people's documents; the application logs what may be logged
    ).serve()
    return 0


def application() -> "Litestar":
    """The application in one of the server's processes, which ends when the server is killed."""
    from teledeclaration.app import create_app

    if os.getppid() != 1:  # the first process of a container takes all others with it anyway
        stop_with_parent(signal.SIGKILL, parent=os.getppid())()
    return create_app()


def migrate(arguments: Sequence[str] = ()) -> int:
    """Bring the schema up to date, as the owner; safe to run twice and from several hosts at once."""
    argparse.ArgumentParser(prog="teledeclaration migrate", description=migrate.__doc__).parse_args(arguments)
    if (settings := settings_or_words()) is None:
        return 2
    if not settings.migration_database_url:
        tell("the setting MIGRATION_DATABASE_URL is missing: the migration runs as the schema's owner")
        return 2
    from teledeclaration.database import migrate as migrate_database

    applied = asyncio.run(migrate_database(settings.migration_database_url, settings.database_url))
    tell(f"applied {', '.join(applied)}" if applied else "the schema is up to date")
    return 0


def health(arguments: Sequence[str] = ()) -> int:
    """0 where the API server of this host answers, or where a worker has lately signed in at both queues; else 1."""
    parser = argparse.ArgumentParser(prog="teledeclaration health", description=health.__doc__)
    parser.add_argument("what", choices=("api", "worker"))
    what = parser.parse_args(arguments).what
    if (settings := settings_or_words()) is None:
        return 2
    healthy = api_answers(settings.port) if what == "api" else workers_signed_in(settings.redis_url)
    tell(f"{what}: {'healthy' if healthy else 'not healthy'}")
    return 0 if healthy else 1


def api_answers(port: int) -> bool:
    """Whether the API server on this machine says that it is well."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{HEALTH_PATH}", timeout=3) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def workers_signed_in(redis_url: str) -> bool:
    """arq writes its health key at each queue and lets it expire; the key is shared by a queue's workers."""
    from redis import Redis
    from redis.exceptions import RedisError

    from teledeclaration.queue import LONG, SHORT

    try:
        with Redis.from_url(redis_url, socket_timeout=3) as client:
            return all(client.exists(f"{queue}:health-check") for queue in (SHORT, LONG))
    except RedisError:
        return False


def law_is_whole(settings: Settings) -> bool:
    """Whether the fund's law stands with what administrators added to it; told where it does not.

    A database that is away says nothing yet: the server waits for it.
    """
    import asyncpg

    from teledeclaration.database import open_pool
    from teledeclaration.law_in_force import law_in_force
    from teledeclaration.legislation import InvalidLegislation

    async def ask() -> None:
        pool = await open_pool(settings.database_url, size=1)
        try:
            await law_in_force(pool, settings)
        finally:
            await pool.close()

    try:
        asyncio.run(ask())
    except InvalidLegislation as error:
        tell(f"law: {error}")
        return False
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        tell(f"the law could not be asked of the database yet: {type(error).__name__}")
    return True


def settings_or_words() -> Settings | None:
    """The settings of this process; None, told, where one is missing or wrong."""
    try:
        return read_settings()
    except MissingSetting as missing:
        tell(f"the setting {missing} is missing: docs/operations.md says what it is")
    except WrongSetting as wrong:
        tell(f"a setting is wrong: {wrong}")
    return None
