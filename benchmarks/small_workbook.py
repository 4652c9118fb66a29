"""A 20-line workbook's whole job: what it costs the worker's and the child's processor.

python -m benchmarks.small_workbook
"""

import os
import sys
import time
from pathlib import Path

from benchmarks import payroll_export
from benchmarks.report import Figure
from benchmarks.worker_bench import Bench, aside, checked, know_people, on_a_bench

LINES = 20
RUNS = 40
PROCESSOR_MS_MOST = 60


def _used_ms(process: int) -> float:
    """What a process and its ended children have used, by the system's own ticks."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) * 1000 / os.sysconf("SC_CLK_TCK")


async def measure(bench: Bench) -> list[Figure]:
    """Milliseconds a job, over many of them: worker, reader server with its children, and by the clock."""
    path = bench.folder / "small.xlsx"
    aside(payroll_export.write, path, LINES)
    aside(know_people, bench.server.owner_url, LINES)
    content, tools = path.read_bytes(), bench.tools
    for _ in range(3):
        await checked(tools, content)
    server = tools.reader.process_id or 0
    started, worker, readers = time.perf_counter(), time.process_time(), _used_ms(server)
    steps = [await checked(tools, content) for _ in range(RUNS)]
    both = 1000 * (time.process_time() - worker), _used_ms(server) - readers
    elapsed = 1000 * (time.perf_counter() - started)
    worker_ms, reader_ms = (used / RUNS for used in both)
    means = {
        step: 1000 * sum(run[step] for run in steps) / RUNS for step in ("reading", "matching", "checking", "storing")
    }
    return [
        Figure(f"{LINES} lines, by the clock", elapsed / RUNS, "ms"),
        *(Figure(f"  {step}", mean, "ms") for step, mean in means.items()),
        Figure("worker's processor time", worker_ms, "ms"),
        Figure("reader's and child's processor time", reader_ms, "ms"),
        Figure("processor time of the whole job", worker_ms + reader_ms, "ms", most=PROCESSOR_MS_MOST),
    ]


def main(_arguments: list[str]) -> list[Figure]:
    """Measure on a database of its own."""
    return on_a_bench(measure)


if __name__ == "__main__":
    for figure in main(sys.argv[1:]):
        print(figure)
