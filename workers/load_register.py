"""A register's file into its register: `waiting` to `done` or `refused`, resumed from the last committed batch."""

from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl

from teledeclaration.intake.raw import ReadingLimits
from teledeclaration.intake.reader import ReaderServer, read_raw
from teledeclaration.registry.loading import Loader, ReadSheets
from teledeclaration.settings import Settings

NAME = "load_register"


def sheet_reader(reader: ReaderServer, settings: Settings) -> ReadSheets:
    """Reads workbooks in the sandbox of this process, within the settings' limits."""
    limits = ReadingLimits(max_lines_workbook=settings.workbook_lines_max, memory_bytes=settings.reader_memory_bytes)

    async def read(path: Path, filename: str) -> list[pl.DataFrame]:
        file = await read_raw(path, filename=filename, limits=limits, reader=reader)
        return [sheet.cells for sheet in file.sheets if sheet.visible]

    return read


async def load_register(ctx: dict[str, Any], employer_id: int, load_id: str) -> None:  # noqa: ARG001 — a job's message: registers are the fund's
    """Take up one load. Safe to run twice: a lease keeps two workers apart, a committed batch is never done again."""
    loader = Loader(
        pool=ctx["pool"],
        storage=ctx["storage"],
        settings=ctx["settings"],
        clock=ctx["clock"],
        read_sheets=sheet_reader(ctx["reader"], ctx["settings"]),
    )
    await loader.run(UUID(str(load_id)))
