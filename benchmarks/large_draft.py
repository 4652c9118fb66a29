"""A draft of 300,000 lines with 30,000 findings: a page of them, one repair for all, the annotated workbook.

    python -m benchmarks.large_draft [lines]

Over the real routes; the repair is timed from the request until its lines are checked again.
"""

import sys
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import structlog

from benchmarks import payroll_export
from benchmarks.report import Figure
from benchmarks.worker_bench import EMPLOYER_ID, JOB, NOW, Bench, accept, aside, on_a_bench
from schemas.actors import Actor, job
from teledeclaration.app import create_app
from teledeclaration.database import Pool, transaction
from teledeclaration.employers import account_queries, queries
from teledeclaration.employers.credentials import kept_hash
from teledeclaration.payroll.actions.checking import read_upload

LINES = 300_000
MISTAKE_EVERY = 10
PAGES = 15
PAGE_MS_MOST = 200
REPAIR_S_MOST = 5
ADDRESS = "http://127.0.0.1:8000"
CODE = "annual_not_sum"


async def _session(pool: Pool) -> str:
    """The token of a session of the employer's owner."""
    account, token = uuid4(), uuid4().hex
    said: dict[str, Any] = {"account_id": account, "email": "owner@example.dz", "name": "Owner", "now": NOW}
    async with transaction(pool, job("benchmark", 0)) as connection:
        await account_queries.insert_account(connection, **said, password_hash="")
        await queries.upsert_membership(connection, **said, employer_id=EMPLOYER_ID, role="owner")
    owner = Actor(kind="member", label="owner", employer_id=EMPLOYER_ID, account_id=account)
    async with transaction(pool, owner) as connection:
        await account_queries.insert_session(
            connection,
            token_hash=kept_hash(token),
            session_id=uuid4(),
            account_id=account,
            user_agent="benchmark",
            now=NOW,
            expires_at=NOW + timedelta(days=3650),
        )
    return token


async def _asked(client: httpx.AsyncClient, method: str, path: str, **how: Any) -> tuple[float, httpx.Response]:
    started = time.perf_counter()
    answer = await client.request(method, path, **how)
    seconds = time.perf_counter() - started
    if answer.status_code != 200:
        raise RuntimeError(f"{method} {path}: {answer.text[:300]}")
    return seconds, answer


async def _figures(
    bench: Bench, client: httpx.AsyncClient, draft_id: str, reading_id: Any, read: float
) -> list[Figure]:
    path = f"/v1/drafts/{draft_id}"
    pages = [(await _asked(client, "GET", f"{path}/findings?limit=100"))[0] for _ in range(PAGES)]
    annotated, workbook = await _asked(client, "GET", f"{path}/annotated.xlsx")
    overview, answer = await _asked(client, "GET", f"{path}/causes")
    causes = answer.json()
    cause = next(one for one in causes["causes"] if one["code"] == CODE)
    offer = cause["repairs"][0]
    wish = {"repair": offer["repair"], "code": CODE, "field": cause["field"], "revision": causes["revision"]}
    wish["choice"] = offer["choices"][0]["choice"]
    preview, _ = await _asked(client, "POST", f"{path}/repairs/preview", json=wish)
    repair, _ = await _asked(client, "POST", f"{path}/repairs", json=wish)
    started = time.perf_counter()
    await read_upload(bench.tools, employer_id=EMPLOYER_ID, reading_id=reading_id)
    again = time.perf_counter() - started
    return [
        Figure("read and checked", read, "s"),
        Figure(f"first page of {cause['count']:,} findings, the slowest of {PAGES}", 1000 * max(pages), "ms",
               most=PAGE_MS_MOST),
        Figure("all causes with samples and repairs", overview, "s"),
        Figure("preview of one repair for all", preview, "s"),
        Figure("  the repair's request", repair, "s"),
        Figure("  checked again", again, "s"),
        Figure("one repair for all, checked again", repair + again, "s", most=REPAIR_S_MOST),
        Figure(f"annotated workbook of {len(workbook.content) / 2**20:.0f} MB", annotated, "s"),
    ]  # fmt: skip


async def measure(bench: Bench, lines: int) -> list[Figure]:
    """As its clerk sees it."""
    path = bench.folder / "export.xlsx"
    aside(payroll_export.write, path, lines, MISTAKE_EVERY)
    reading_id = await accept(bench.tools, path.read_bytes())
    started = time.perf_counter()
    await read_upload(bench.tools, employer_id=EMPLOYER_ID, reading_id=reading_id)
    read = time.perf_counter() - started
    async with transaction(bench.tools.pool, JOB) as connection:
        draft_id = await connection.fetchval("SELECT draft_id FROM drafts WHERE employer_id = $1", EMPLOYER_ID)
    headers = {"Cookie": f"td_session={await _session(bench.tools.pool)}", "Origin": ADDRESS}
    app: Any = create_app(bench.tools.settings)
    async with app.lifespan():
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=ADDRESS, headers=headers, timeout=None) as client:
            return await _figures(bench, client, str(draft_id), reading_id, read)


def main(arguments: list[str]) -> list[Figure]:
    """Measure on a database of its own."""
    lines = int(arguments[0]) if arguments else LINES
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    return on_a_bench(lambda bench: measure(bench, lines), public_url=ADDRESS)


if __name__ == "__main__":
    for figure in main(sys.argv[1:]):
        print(figure)
