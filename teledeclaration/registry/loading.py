"""A register's file, from storage into the register: checked, in batches that commit, taken up where it stopped.

    waiting ──▶ done      every good row is in; counts and findings tell of the others
            ├─▶ refused   the file cannot be read as a whole; `reason` says why
            └─▶ failed    three attempts at the same batch came to nothing: a human is asked

One batch is one transaction, which saves how far it came on condition that the lease is still its own.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import polars as pl
import structlog

from schemas.actors import FUND_EMPLOYER_ID, job
from schemas.registry import LoadCounts
from teledeclaration import journal
from teledeclaration.clock import Clock, legal_day
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.errors import Malformed
from teledeclaration.law_in_force import law_in_force
from teledeclaration.legislation import Legislation
from teledeclaration.registry import queries
from teledeclaration.registry.applying import added, apply_batch, find_absent, stage_keys, store_findings
from teledeclaration.registry.checking import Known, check_rows
from teledeclaration.registry.columns import RegisterForm, forms
from teledeclaration.registry.errors import FileRefused
from teledeclaration.registry.queries import Claimed
from teledeclaration.registry.sources import Source, csv_rows, is_workbook, open_rows, read_keys, sheet_rows
from teledeclaration.settings import Settings
from teledeclaration.storage import Storage

BATCH_ROWS = 50_000
ATTEMPTS_MAX = 3
LEASE = timedelta(minutes=2)
LONG_LEASE = timedelta(minutes=30)
ACTOR = job("registers.load", FUND_EMPLOYER_ID)

ReadSheets = Callable[[Path, str], Awaitable[Sequence[pl.DataFrame]]]
"""Reads a workbook in the sandbox: its visible sheets' cells as text. Raises Malformed with a `code`."""

log = structlog.get_logger(__name__)


class LeaseLostError(Exception):
    """Another worker has the load by now; nothing of the present batch is committed."""


class Loader:
    """What one process loads registers with; `run` takes up one load."""

    def __init__(
        self,
        *,
        pool: Pool,
        storage: Storage,
        settings: Settings,
        clock: Clock,
        read_sheets: ReadSheets,
        batch_rows: int = BATCH_ROWS,
    ) -> None:
        self._pool, self._storage, self._settings, self._clock = pool, storage, settings, clock
        self._read_sheets, self._batch_rows = read_sheets, batch_rows

    async def run(self, load_id: UUID) -> None:
        """Take a waiting load as far as it goes; nothing where it is done or in other hands."""
        claimed = await self._claim(load_id)
        if claimed is None:
            return
        try:
            await self._load(claimed)
        except FileRefused as error:
            await self._end(claimed, "refused", error.reason, error.values)
        except LeaseLostError:
            log.info("register_lease_lost", load_id=str(load_id))

    async def _claim(self, load_id: UUID) -> Claimed | None:
        now = self._clock()
        async with transaction(self._pool, ACTOR) as connection:
            claimed = await queries.claim_load(connection, load_id=load_id, now=now, until=now + LEASE)
        if claimed is not None and claimed.attempt > ATTEMPTS_MAX:
            await self._end(claimed, "failed", "registers.refused.given_up", {})
            return None
        return claimed

    async def _end(self, claimed: Claimed, status: str, reason: str, values: dict[str, object]) -> None:
        now = self._clock()
        async with transaction(self._pool, ACTOR) as connection:
            ended = await queries.update_ended(
                connection,
                load_id=claimed.load_id,
                lease=claimed.lease,
                status=status,
                reason=reason,
                values=values,
                now=now,
            )
            if ended:
                details = {"register": claimed.register, "reason": reason}
                await journal.record(
                    connection, ACTOR, f"registers.{status}", claimed.load_id, now=now, details=details
                )

    async def _load(self, claimed: Claimed) -> None:
        form = forms()[claimed.register]
        known = await self.known()
        with tempfile.TemporaryDirectory(prefix="register-") as folder:
            path = Path(folder) / "content"
            await self._fetch(claimed.content_hash, path)
            rows = await self._rows(form, path, claimed.filename)
            source = await asyncio.to_thread(open_rows, form, rows, known)
            await self._say_height(claimed, source.height)
            done, counts = claimed.rows_done, claimed.counts
            while done < source.height:
                done, counts = await self._batch(claimed, source, known, done=done, counts=counts)
            await self._finish(claimed, source, known, counts)

    async def known(self) -> Known:
        """What rows are checked against, today."""
        async with transaction(self._pool, ACTOR) as connection:
            wilayas = await queries.select_wilayas(connection)
            law = await law_in_force(connection, self._settings)
        return known_on(law, self._settings, self._clock, wilayas)

    async def _fetch(self, content_hash: str, path: Path) -> None:
        with path.open("wb") as file:
            async for chunk in self._storage.stream(content_hash):
                await asyncio.to_thread(file.write, chunk)

    async def _rows(self, form: RegisterForm, path: Path, filename: str) -> pl.LazyFrame:
        if not is_workbook(path):
            return csv_rows(form, path)
        try:
            sheets = await self._read_sheets(path, filename)
        except Malformed as error:
            code = str(error.values.pop("code", "damaged"))
            raise FileRefused(f"unreadable.{code}", **error.values) from None
        return sheet_rows(form, sheets)

    async def _say_height(self, claimed: Claimed, height: int, lease: timedelta = LEASE) -> None:
        async with transaction(self._pool, ACTOR) as connection:
            ours = await queries.update_rows_total(
                connection,
                load_id=claimed.load_id,
                lease=claimed.lease,
                rows_total=height,
                until=self._clock() + lease,
            )
        if not ours:
            raise LeaseLostError

    async def _batch(
        self, claimed: Claimed, source: Source, known: Known, *, done: int, counts: LoadCounts
    ) -> tuple[int, LoadCounts]:
        """One stretch of rows, in one transaction with the progress it makes."""
        cells = await asyncio.to_thread(source.stretch, done, self._batch_rows)
        checked = await asyncio.to_thread(check_rows, source.form, cells, known, source.repeated)
        now, after = self._clock(), done + cells.height
        async with transaction(self._pool, ACTOR) as connection:
            more, findings = await apply_batch(
                connection, source.form, checked, load_id=claimed.load_id, batch=done // self._batch_rows, now=now
            )
            stored = await store_findings(connection, findings, load_id=claimed.load_id, stored=counts.findings)
            counts = msgspec.structs.replace(added(counts, more), findings=stored)
            ours = await queries.update_progress(
                connection,
                load_id=claimed.load_id,
                lease=claimed.lease,
                rows_before=done,
                rows_done=after,
                counts=counts,
                until=now + LEASE,
            )
            if not ours:
                raise LeaseLostError
        return after, counts

    async def _finish(self, claimed: Claimed, source: Source, known: Known, counts: LoadCounts) -> None:
        """Tell what a full file does not name, and close the load."""
        await self._say_height(claimed, source.height, LONG_LEASE)
        async with transaction(self._pool, ACTOR) as connection:
            if claimed.mode == "full":
                await self._stage_all_keys(connection, claimed, source, known)
                absent, findings = await find_absent(connection, source.form, load_id=claimed.load_id)
                stored = await store_findings(connection, findings, load_id=claimed.load_id, stored=counts.findings)
                counts = msgspec.structs.replace(counts, absent=absent, findings=stored)
            now = self._clock()
            ours = await queries.update_finished(
                connection, load_id=claimed.load_id, lease=claimed.lease, counts=counts, now=now
            )
            if not ours:
                raise LeaseLostError
            details = {"register": claimed.register, "mode": claimed.mode, **msgspec.to_builtins(counts)}
            await journal.record(connection, ACTOR, "registers.loaded", claimed.load_id, now=now, details=details)

    async def _stage_all_keys(self, connection: Connection, claimed: Claimed, source: Source, known: Known) -> None:
        done = 0
        while done < source.height:
            cells = await asyncio.to_thread(source.stretch, done, self._batch_rows)
            keys = await asyncio.to_thread(read_keys, source.form, cells, known)
            await stage_keys(connection, source.form, keys, load_id=claimed.load_id)
            done += cells.height


def known_on(law: Legislation, settings: Settings, clock: Clock, wilayas: frozenset[int]) -> Known:
    """What rows are checked against on the fund's day."""
    today = legal_day(clock(), settings.fund_time_zone)
    categories = law.on(today).enabled_categories()
    return Known(wilayas, frozenset(categories), today)
