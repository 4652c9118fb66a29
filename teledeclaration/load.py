"""`teledeclaration load REGISTER FILE`: a register's file into the database of this installation, here and now.

The same checks, batches and findings as through the door; a load that was cut off is taken up by a worker.
Exit code 0: every row went in. 1: some were refused. 2: the file cannot be read, or a setting is missing.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args
from uuid import UUID

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from schemas.actors import FUND_EMPLOYER_ID, job
from schemas.registry import LoadMode, Register, RegisterLoad
from teledeclaration.clock import system_clock
from teledeclaration.database import Pool, open_pool, transaction
from teledeclaration.intake.reader import ReaderServer
from teledeclaration.languages import DEFAULT_LANGUAGE, LANGUAGES, Language, say
from teledeclaration.registry import actions, queries
from teledeclaration.registry.loading import Loader
from teledeclaration.settings import MissingSetting, Settings, WrongSetting, read_settings
from teledeclaration.storage import Storage
from workers.load_register import sheet_reader

EXIT_LOADED, EXIT_REFUSED, EXIT_UNREADABLE = 0, 1, 2
ACTOR = job("teledeclaration load", FUND_EMPLOYER_ID)
FINDINGS_SHOWN = 50
_PIECE_BYTES = 1_000_000
_POLL_SECONDS = 0.3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("register", choices=get_args(Register))
    parser.add_argument("file", type=Path, help="CSV (UTF-8) or workbook; docs/registers.md lists the columns")
    parser.add_argument("--mode", choices=get_args(LoadMode), default="changes", help="full: also tell what it lacks")
    parser.add_argument("--lang", choices=LANGUAGES, default=DEFAULT_LANGUAGE)


def run(arguments: argparse.Namespace) -> int:
    """Load the file and show what became of its rows; the exit code."""
    console = Console(stderr=True)
    try:
        settings = read_settings()
    except (MissingSetting, WrongSetting) as error:
        console.print(f"setting missing or wrong: {error}")
        return EXIT_UNREADABLE
    if not arguments.file.is_file():
        console.print(f"no such file: {arguments.file}")
        return EXIT_UNREADABLE
    load = asyncio.run(
        load_file(
            settings,
            register=arguments.register,
            path=arguments.file,
            mode=arguments.mode,
            language=arguments.lang,
            console=console,
        )
    )
    if load.status != "done":
        return EXIT_UNREADABLE
    return EXIT_REFUSED if load.counts.refused else EXIT_LOADED


async def load_file(
    settings: Settings, *, register: Register, path: Path, mode: LoadMode, language: Language, console: Console
) -> RegisterLoad:
    """Keep the file, load it with a progress bar, and print counts and the first findings."""
    pool, storage = await open_pool(settings.database_url, size=2), Storage.of(settings)
    try:
        load_id = await actions.keep_file(
            pool,
            storage,
            ACTOR,
            register=register,
            mode=mode,
            filename=path.name,
            content=_pieces(path),
            clock=system_clock,
        )
        async with ReaderServer() as reader:
            loader = Loader(
                pool=pool,
                storage=storage,
                settings=settings,
                clock=system_clock,
                read_sheets=sheet_reader(reader, settings),
            )
            load = await _with_progress(pool, loader, load_id, console)
        await _show(pool, load, language, console)
    finally:
        await pool.close()
    return load


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
            yield piece


async def _with_progress(pool: Pool, loader: Loader, load_id: UUID, console: Console) -> RegisterLoad:
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("rows", total=None)
        running = asyncio.create_task(loader.run(load_id))
        while not running.done():
            await asyncio.wait({running}, timeout=_POLL_SECONDS)
            load = await _read(pool, load_id)
            progress.update(bar, completed=load.rows_done, total=load.rows_total)
        await running
    return await _read(pool, load_id)


async def _read(pool: Pool, load_id: UUID) -> RegisterLoad:
    async with transaction(pool, ACTOR) as connection:
        load = await queries.select_load(connection, load_id=load_id)
    if load is None:
        raise LookupError(load_id)
    return load


async def _show(pool: Pool, load: RegisterLoad, language: Language, console: Console) -> None:
    if load.reason is not None:
        console.print(say(load.reason, language, **load.reason_values))
        return
    counts = load.counts
    console.print(
        f"{load.rows_done} rows: {counts.new} new, {counts.changed} changed, {counts.unchanged} unchanged,"
        f" {counts.refused} refused, {counts.absent} absent"
    )
    async with transaction(pool, ACTOR) as connection:
        found = await queries.select_findings(
            connection, load_id=load.load_id, after=0, limit=FINDINGS_SHOWN, code=None
        )
    if found:
        table = Table("row", "field", "what")
        for one in found:
            words = actions.finding_words(one.code, one.seen, language)
            table.add_row(str(one.row or ""), one.field or "", words)
        console.print(table)
