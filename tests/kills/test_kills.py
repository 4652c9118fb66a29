"""Whatever is killed in the middle of a file, the upload ends checked, once.

Real processes: the API server, a worker, PostgreSQL and Valkey, each killed with no warning while the worker
is at the file; what died is started again, as a supervisor would.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kills.payroll_files import workbook
from kills.processes import Stack

pytestmark = pytest.mark.slow

LINES = 25_000


@pytest.fixture(scope="module")
def stack(servers_folder: Path) -> Iterator[Stack]:
    with Stack(servers_folder / "kills") as running:
        yield running


def kill_worker(stack: Stack) -> None:
    stack.kill("worker")
    stack.start("worker")


def kill_api(stack: Stack) -> None:
    stack.kill("api")
    stack.start("api")


def kill_valkey_and_lose_its_data(stack: Stack) -> None:
    stack.lose_valkey()


def restart_postgres(stack: Stack) -> None:
    stack.restart_postgres()


KILLS = [
    *((kill_worker, phase) for phase in ("reading", "checking", "storing")),
    (kill_api, "reading"),
    (kill_valkey_and_lose_its_data, "received"),
    (kill_valkey_and_lose_its_data, "checking"),
    (restart_postgres, "checking"),
    (restart_postgres, "storing"),
]


@pytest.mark.parametrize(("kill", "phase"), KILLS)
def test_the_upload_ends_checked_once(stack: Stack, kill: Callable[[Stack], None], phase: str) -> None:
    employer = stack.new_employer()
    upload = employer.send(workbook(LINES, number=employer.number))
    employer.wait_for(upload, phase)
    kill(stack)
    ended = employer.wait_for_end(upload, seconds=150)

    assert ended["progress"]["status"] == "checked"
    assert ended["progress"]["rows_done"] == LINES
    draft = employer.get(f"/v1/drafts/{upload['draft_id']}")
    assert draft["line_count"] == LINES
    assert draft["summary"]["revision"] == 1
    assert len(employer.get("/v1/uploads")) == 1
    assert stack.stored_lines(employer.employer_id) == LINES
