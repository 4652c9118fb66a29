"""create_app(): the only wiring of the API server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import asyncpg
import structlog
from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import ControllerRouterHandler

from teledeclaration import database, observed, openapi
from teledeclaration.clock import Clock, system_clock
from teledeclaration.documents import routes as documents
from teledeclaration.employers import routes as employers
from teledeclaration.employers.guard import Caller, guard, provide_caller, refuse_unguarded
from teledeclaration.employers.idempotency import answer_once, claim_key
from teledeclaration.intake.reader import ReaderServer
from teledeclaration.law_in_force import law_in_force
from teledeclaration.legislation import InvalidLegislation
from teledeclaration.legislation.funds import law_of_release
from teledeclaration.payments import routes as payments
from teledeclaration.payroll.routes import (
    annotated,
    calendar,
    declarations,
    drafts,
    law,
    legal_values,
    mapping,
    movements,
    periodic,
    provisional,
    reconciliation,
    repairs,
    reviews,
    revisions,
    suspensions,
    templates,
    uploads,
)
from teledeclaration.problems import EXCEPTION_HANDLERS
from teledeclaration.queue import JobQueue
from teledeclaration.registry import routes as registry
from teledeclaration.settings import Settings, read_settings
from teledeclaration.storage import Storage
from teledeclaration.web import pages

LAW_ASKED_EVERY_S = 2

log = structlog.get_logger(__name__)

ROUTES: list[ControllerRouterHandler] = [
    *observed.ROUTES,
    *employers.ROUTES,
    *registry.ROUTES,
    *uploads.ROUTES,
    *drafts.ROUTES,
    *annotated.ROUTES,
    *revisions.ROUTES,
    *repairs.ROUTES,
    *mapping.ROUTES,
    *reviews.ROUTES,
    *declarations.ROUTES,
    *periodic.ROUTES,
    *movements.ROUTES,
    *provisional.ROUTES,
    *reconciliation.ROUTES,
    *templates.ROUTES,
    *law.ROUTES,
    *legal_values.ROUTES,
    *calendar.ROUTES,
    *suspensions.ROUTES,
    *payments.ROUTES,
    *documents.ROUTES,
    *pages.ROUTES,
]


def create_app(settings: Settings | None = None, clock: Clock = system_clock) -> Litestar:
    """The API server of one installation, with the settings of the environment unless given."""
    settings = settings or read_settings()
    observed.configure_logs(settings.log_level)
    legislation = law_of_release(settings)
    app = Litestar(
        route_handlers=ROUTES,
        guards=[guard],
        dependencies={"caller": Provide(provide_caller, sync_to_thread=False)},
        lifespan=[_open(settings)],
        state=State({"settings": settings, "clock": clock, "legislation": legislation}),
        exception_handlers=EXCEPTION_HANDLERS,
        middleware=[observed.observe_requests, answer_once],
        before_request=claim_key,
        openapi_config=openapi.config(settings.public_url, legislation),
        signature_types=[Caller],
        logging_config=None,  # ours is set above; the framework's would log addresses
        debug=False,
    )
    refuse_unguarded(app)
    return app


def _open(settings: Settings) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def opened(app: Litestar) -> AsyncIterator[None]:
        app.state.pool = await database.open_pool(settings.database_url, size=settings.database_pool_size)
        app.state.queue = JobQueue(settings.redis_url)
        app.state.storage = Storage.of(settings)
        app.state.reader = ReaderServer()
        app.state.legislation = await law_in_force(app.state.pool, settings)
        following = asyncio.create_task(_follow_law(app, settings))
        yield
        following.cancel()
        await app.state.reader.stop()
        await app.state.queue.close()
        await app.state.pool.close()

    return opened


async def _follow_law(app: Litestar, settings: Settings) -> None:
    """Every few seconds, the law as administrators added to it; while it cannot be asked, the last known stands."""
    while True:
        await asyncio.sleep(LAW_ASKED_EVERY_S)
        try:
            app.state.legislation = await law_in_force(app.state.pool, settings)
        except InvalidLegislation as error:
            log.error("law_refused", law=str(error))  # noqa: TRY400 - its words say it all
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("law_not_asked", error=type(error).__name__)
