"""The embedded Valkey: a password, one loopback port, what is queued kept, gone with its parent."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError

from teledeclaration.local.processes import ServiceUser, StartError, is_alive
from teledeclaration.local.valkey import EmbeddedValkey

PARENT = """
import sys, time
from pathlib import Path
from teledeclaration.local.valkey import EmbeddedValkey
server = EmbeddedValkey(Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
time.sleep(60)
"""


async def test_what_is_queued_is_kept(servers_folder: Path) -> None:
    server = EmbeddedValkey(servers_folder / "kept-valkey")
    for expected in (None, b"here"):
        with server:
            async with Redis.from_url(server.url) as client:
                assert await client.get("queued") == expected
                await client.set("queued", "here")


async def test_a_wrong_password_is_refused(valkey: EmbeddedValkey) -> None:
    async with Redis(port=valkey.port, password="wrong") as client:
        with pytest.raises(AuthenticationError):
            await client.ping()


def test_the_password_is_not_on_the_command_line(valkey: EmbeddedValkey) -> None:
    secret = (valkey.data / "valkey.password").read_text()
    assert secret not in Path(f"/proc/{valkey.pid}/cmdline").read_text()
    assert (valkey.folder / "valkey.conf").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a process another user")
def test_root_starts_it_as_nobody(valkey: EmbeddedValkey) -> None:
    assert Path(f"/proc/{valkey.pid}").stat().st_uid == valkey.folder.stat().st_uid != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes user")
def test_a_program_that_the_servers_user_cannot_reach_is_copied(
    servers_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ServiceUser, "may_enter", lambda *_: False)  # as with a project in root's home
    with EmbeddedValkey(servers_folder / "copied-valkey", durable=False) as server:
        assert Path(f"/proc/{server.pid}/exe").readlink().is_relative_to(server.data)


def test_a_used_port_is_told_with_its_setting(servers_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(StartError, match=rf"port {port}.*VALKEY_PORT"):
            EmbeddedValkey(servers_folder / "refused-valkey", port, durable=False).start()


def test_it_stops_when_its_parent_is_killed(servers_folder: Path) -> None:
    folder = servers_folder / "orphan-valkey"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(folder)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    pid = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(pid)
