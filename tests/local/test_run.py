"""`make run` as its user meets it: ready soon, told what is wrong, everything stopped, everything kept."""

import os
import re
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.platform_terminal import Terminal
from teledeclaration import openapi
from teledeclaration.local.ports import reserved_port
from teledeclaration.local.processes import ServiceUser, is_alive
from teledeclaration.local.run import API_PAGES, data_folder

SCRIPT = [sys.executable, str(Path(__file__).with_name("platform_under_test.py"))]


@pytest.fixture
def terminal(servers_folder: Path) -> Iterator[Callable[[str], Terminal]]:
    """Start the platform on a named data folder."""
    opened = []
    with reserved_port() as port:

        def open_terminal(name: str) -> Terminal:
            opened.append(Terminal(SCRIPT, servers_folder / name, port))
            return opened[-1]

        yield open_terminal
    for one in opened:
        one.process.kill()
        one.end()


def server_pids(data: Path) -> dict[str, int]:
    """The servers that live in this data folder, by program."""
    folders = {data / "postgres" / "cluster": "postgres", data / "valkey" / "store": "valkey-server"}
    found: dict[str, int] = {}
    for process in Path("/proc").iterdir():
        try:
            program = folders.get((process / "cwd").readlink())
        except OSError:
            continue
        if program:
            found[program] = min(int(process.name), found.get(program, 2**30))  # the first is the others' parent
    return found


def test_it_is_ready_soon_stops_wholly_and_keeps_its_data(
    terminal: Callable[[str], Terminal], servers_folder: Path
) -> None:
    first = terminal("whole")
    ready = first.wait_for(r"ready \((.*) s\)")
    assert float(ready[1]) < 10
    first.wait_for("Ctrl-C stops everything")
    assert "filed through http://127.0.0.1:" in first.text
    assert "alice / her password" in first.text
    assert f"{API_PAGES}\n" in first.text
    assert str(servers_folder / "whole") in first.text
    children = [int(first.wait_for(rf"{name} +\| {name} pid (\d+)")[1]) for name in ("api", "worker")]
    servers = server_pids(servers_folder / "whole")
    assert set(servers) == {"postgres", "valkey-server"}

    first.process.send_signal(signal.SIGINT)
    assert first.end() == 0, first.text
    assert "the data is kept" in first.text
    assert not [pid for pid in (*children, *servers.values()) if is_alive(pid)]

    second = terminal("whole")
    second.wait_for("Ctrl-C stops everything")
    assert "migrated" not in second.text
    assert "filed before" in second.text
    assert "filed through" not in second.text


def test_what_dies_is_told_and_started_again(terminal: Callable[[str], Terminal], servers_folder: Path) -> None:
    platform = terminal("dying")
    platform.wait_for("Ctrl-C stops everything")
    os.kill(int(platform.wait_for(r"worker pid (\d+)")[1]), signal.SIGKILL)
    platform.wait_for("worker was killed by SIGKILL; it starts again in 1 s")
    platform.wait_for(r"worker pid (\d+)", count=2)
    before = server_pids(servers_folder / "dying")
    for program, name in (("valkey-server", "Valkey"), ("postgres", "PostgreSQL")):
        os.kill(before[program], signal.SIGKILL)
        platform.wait_for(f"{name} has stopped; it starts again")
    deadline = time.monotonic() + 20
    while len(after := server_pids(servers_folder / "dying")) < 2 or set(after.values()) & set(before.values()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_everything_dies_with_it_however_it_dies(terminal: Callable[[str], Terminal], servers_folder: Path) -> None:
    platform = terminal("killed")
    platform.wait_for("Ctrl-C stops everything")
    pids = [int(platform.wait_for(rf"{name} pid (\d+)")[1]) for name in ("api", "worker")]
    pids += server_pids(servers_folder / "killed").values()
    platform.process.kill()
    deadline = time.monotonic() + 10
    while any(is_alive(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_used_port_is_told_with_its_setting(terminal: Callable[[str], Terminal], servers_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = Terminal(SCRIPT, servers_folder / "refused-run", port)
        assert refused.end() == 1
    assert re.search(rf"port {port}.*used.*PORT", refused.text)
    assert "Traceback" not in refused.text


def test_a_second_run_on_the_same_data_is_told(terminal: Callable[[str], Terminal]) -> None:
    first = terminal("shared")
    first.wait_for("Ctrl-C stops everything")
    second = terminal("shared")
    assert second.end() == 1
    assert "already running" in second.text
    assert first.process.poll() is None


def test_the_data_folder_is_the_projects_unless_told_or_out_of_the_servers_reach(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ServiceUser, "may_enter", lambda *_: True)
    assert data_folder({"TELEDECLARATION_DATA": str(tmp_path)}) == tmp_path
    assert data_folder({}) == Path.cwd() / ".data"
    monkeypatch.setattr("teledeclaration.local.run.service_user", ServiceUser)
    monkeypatch.setattr(ServiceUser, "may_enter", lambda *_: False)
    assert data_folder({}).parent == Path("/var/lib/teledeclaration")


def test_the_pages_it_points_at_are_where_the_api_has_them() -> None:
    assert API_PAGES == openapi.PATH
