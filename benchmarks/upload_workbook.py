"""A 100,000-line workbook from accepted to checked, against a floor and against doing it row by row.

    python -m benchmarks.upload_workbook [lines]

The work is the worker's own `read_upload`, from the waiting row to lines and findings stored. The floor is fastexcel
to strings and COPY of those rows into a plain unlogged table; both warm, the best of several runs. Row by row is
openpyxl's read-only mode, plain Python checks of each row, and `executemany`.
"""

import io
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import fastexcel

from benchmarks import payroll_export
from benchmarks.report import Figure
from benchmarks.row_by_row import row_by_row
from benchmarks.worker_bench import Bench, aside, checked, know_people, on_a_bench

LINES = 100_000
RUNS = 3
OVER_FLOOR_MOST = 2.5
FASTER_LEAST = 6.0
MEMORY_MB_MOST = 700
_SAMPLE_S = 0.02


async def floor_seconds(owner_url: str, content: bytes) -> float:
    """fastexcel to strings, then COPY of the same rows."""
    connection = await asyncpg.connect(owner_url)
    try:
        started = time.perf_counter()
        sheet = fastexcel.read_excel(content).load_sheet(0, header_row=None, dtypes="string")
        frame = sheet.to_polars()
        columns = ", ".join(f"c{place} text" for place in range(frame.width))
        await connection.execute(f"CREATE UNLOGGED TABLE floor ({columns})")
        await connection.copy_to_table(
            "floor", source=io.BytesIO(frame.write_csv().encode()), format="csv", header=True
        )
        return time.perf_counter() - started
    finally:
        await connection.execute("DROP TABLE IF EXISTS floor")
        await connection.close()


class _Peak:
    """The most memory that the worker and its reader's children held at one time, in bytes."""

    def __init__(self, server: int) -> None:
        self.server = server
        self.bytes = 0
        self.ended = threading.Event()

    def watch(self) -> None:
        """Look every few milliseconds until `ended`."""
        while not self.ended.wait(_SAMPLE_S):
            processes = [os.getpid(), *_children(self.server)]
            self.bytes = max(self.bytes, sum(map(_resident, processes)))


@contextmanager
def watched(server: int) -> Iterator[_Peak]:
    """The peak while the body runs; `server` is the reader server's process."""
    peak = _Peak(server)
    watching = threading.Thread(target=peak.watch)
    watching.start()
    try:
        yield peak
    finally:
        peak.ended.set()
        watching.join()


def _children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _resident(process: int) -> int:
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


async def measure(bench: Bench, lines: int = LINES) -> list[Figure]:
    """The ratios, the seconds of each side, the steps of the best run, and the peak of memory."""
    path = bench.folder / "export.xlsx"
    aside(payroll_export.write, path, lines)
    aside(know_people, bench.server.owner_url, lines)
    content = path.read_bytes()
    await bench.tools.reader.start()
    with watched(bench.tools.reader.process_id or 0) as peak:
        runs = [await checked(bench.tools, content) for _ in range(RUNS)]
    floor = min([await floor_seconds(bench.server.owner_url, content) for _ in range(RUNS)])
    started = time.perf_counter()
    await row_by_row(bench.server.owner_url, path)
    naive = time.perf_counter() - started
    best = min(runs, key=lambda run: run["all"])
    return [
        Figure(f"{lines:,} lines, floor", floor, "s"),
        Figure(f"{lines:,} lines, row by row", naive, "s"),
        Figure(f"{lines:,} lines, accepted to checked", best["all"], "s"),
        *(Figure(f"  {step}", best[step], "s") for step in ("reading", "matching", "checking", "storing")),
        Figure("worker and child, most memory at once", peak.bytes / 2**20, "MB", most=MEMORY_MB_MOST),
        Figure("checked / floor", best["all"] / floor, "×", most=OVER_FLOOR_MOST),
        Figure("row by row / checked", naive / best["all"], "×", least=FASTER_LEAST),
    ]


def main(arguments: list[str]) -> list[Figure]:
    """Measure on a database of its own."""
    lines = int(arguments[0]) if arguments else LINES
    return on_a_bench(lambda bench: measure(bench, lines))


if __name__ == "__main__":
    for figure in main(sys.argv[1:]):
        print(figure)
