"""The embedded PostgreSQL as an operator meets it: it starts, keeps, refuses and never outlives its parent."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from teledeclaration.local.postgres import OWNER, EmbeddedPostgres
from teledeclaration.local.processes import ServiceUser, StartError, is_alive

PARENT = """
import sys, time
from pathlib import Path
from teledeclaration.local.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), durable=True)
server.start()
print(server.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def kept(servers_folder: Path) -> Iterator[EmbeddedPostgres]:
    """A durable cluster of this module's own, running when a test takes it."""
    server = EmbeddedPostgres(servers_folder / "kept")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def running(kept: EmbeddedPostgres) -> EmbeddedPostgres:
    if kept.pid is None:
        kept.start()
    return kept


async def fetch(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_a_second_start_keeps_the_data(running: EmbeddedPostgres) -> None:
    await fetch(running.owner_url, "CREATE TABLE kept AS SELECT 42 AS answer")
    running.stop()
    assert running.pid is None
    running.start()
    assert await fetch(running.owner_url, "SELECT answer FROM kept") == 42


async def test_the_owner_owns_the_database_and_is_no_superuser(running: EmbeddedPostgres) -> None:
    owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
    assert await fetch(running.owner_url, owner) == OWNER
    assert await fetch(running.owner_url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    assert await fetch(running.owner_url, "SELECT current_setting('server_encoding')") == "UTF8"


@pytest.mark.parametrize("password", ["wrong", ""])
async def test_a_wrong_password_is_refused(running: EmbeddedPostgres, password: str) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(
            host="127.0.0.1", port=running.port, user="postgres", password=password, database="postgres"
        )


def test_it_listens_on_the_loopback_only(running: EmbeddedPostgres) -> None:
    listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines() if line.split()[3] == "0A"]
    assert [address for address in listening if address.endswith(f":{running.port:04X}")] == [
        f"0100007F:{running.port:04X}"
    ]
    assert not list(Path("/tmp").glob(f".s.PGSQL.{running.port}*"))


def test_passwords_are_for_the_starter_only(running: EmbeddedPostgres) -> None:
    kept = list(running.data.glob("*.password"))
    assert kept
    assert {file.stat().st_mode & 0o777 for file in kept} == {0o600}
    assert {file.stat().st_uid for file in kept} == {os.geteuid()}
    command = Path(f"/proc/{running.pid}/cmdline").read_text()
    assert not any(file.read_text() in command for file in kept)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a process another user")
def test_root_starts_it_as_nobody(running: EmbeddedPostgres) -> None:
    assert Path(f"/proc/{running.pid}").stat().st_uid == running.cluster.stat().st_uid != 0
    assert running.data.stat().st_uid == 0


def test_a_used_port_is_told_with_its_setting(servers_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(StartError, match=rf"port {port}.*POSTGRES_PORT"):
            EmbeddedPostgres(servers_folder / "refused", port, durable=False).start()


def test_a_running_server_is_told_and_left_alone(running: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("teledeclaration.local.postgres.FORMER_SERVER_SECONDS_MAX", 0.1)
    with pytest.raises(StartError, match=rf"process {running.pid}.*already uses"):
        EmbeddedPostgres(running.data).start()
    assert running.run_sql("SELECT 1") == "1"


def test_a_stale_pid_file_does_not_stop_the_start(running: EmbeddedPostgres) -> None:
    running.stop()
    stranger = os.getpid()  # a living process that is not PostgreSQL, as after a crash and a reboot
    (running.cluster / "postmaster.pid").write_text(f"{stranger}\n{running.cluster}\n")
    running.start()
    assert running.run_sql("SELECT 1") == "1"


def test_another_major_version_is_told(running: EmbeddedPostgres) -> None:
    running.stop()
    file = running.cluster / "PG_VERSION"
    ours = file.read_text()
    file.write_text("15\n")
    try:
        with pytest.raises(StartError, match=r"made by PostgreSQL 15.*TELEDECLARATION_DATA"):
            running.start()
    finally:
        file.write_text(ours)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes user")
def test_a_closed_parent_folder_is_told(servers_folder: Path) -> None:
    closed = servers_folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(StartError, match=rf"nobody may not enter {closed}.*TELEDECLARATION_DATA"):
        EmbeddedPostgres(closed / "data", durable=False).start()


def test_it_stops_when_its_parent_is_killed_and_starts_again_on_the_same_data(servers_folder: Path) -> None:
    folder = servers_folder / "orphan"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(folder)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    pid = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    with EmbeddedPostgres(folder) as again:
        assert again.run_sql("SELECT 1") == "1"
        assert not is_alive(pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes user")
def test_programs_that_the_servers_user_cannot_reach_are_copied(
    servers_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ServiceUser, "may_enter", lambda *_: False)  # as with a project in root's home
    with EmbeddedPostgres(servers_folder / "copied-programs", durable=False) as server:
        assert Path(f"/proc/{server.pid}/exe").readlink().is_relative_to(server.data)
        assert server.run_sql("SELECT 1") == "1"


def test_a_template_is_copied_quickly(postgres: EmbeddedPostgres) -> None:
    template = postgres.create_database("template_test", template="template0")
    postgres.run_sql("CREATE TABLE seeded AS SELECT 7 AS n", database=_name(template))
    before = time.monotonic()
    copy = _name(postgres.create_database("copied", template="template_test"))
    assert time.monotonic() - before < 2
    assert postgres.run_sql("SELECT n FROM seeded", database=copy) == "7"
    postgres.drop_database("copied")


def _name(url: str) -> str:
    return url.rpartition("/")[2]
