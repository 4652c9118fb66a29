"""create_app(): the only wiring of the API server."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

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
from teledeclaration.legislation import load
from teledeclaration.payments import routes as payments
from teledeclaration.payroll.routes import (
    annotated,
    declarations,
    drafts,
    law,
    mapping,
    repairs,
    reviews,
    revisions,
    templates,
    uploads,
)
from teledeclaration.problems import EXCEPTION_HANDLERS
from teledeclaration.queue import JobQueue
from teledeclaration.registry import routes as registry
from teledeclaration.settings import Settings, read_settings
from teledeclaration.storage import Storage
from teledeclaration.web import pages

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
    *templates.ROUTES,
    *law.ROUTES,
    *payments.ROUTES,
    *documents.ROUTES,
    *pages.ROUTES,
]


def create_app(settings: Settings | None = None, clock: Clock = system_clock) -> Litestar:
    """The API server of one installation, with the settings of the environment unless given."""
    settings = settings or read_settings()
    observed.configure_logs(settings.log_level)
    legislation = load(settings.fund)
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
        yield
        await app.state.reader.stop()
        await app.state.queue.close()
        await app.state.pool.close()

    return opened
