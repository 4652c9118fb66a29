"""`make run`: the whole platform on one machine, nothing installed by hand.

    data folder (TELEDECLARATION_DATA, .data unless told)
    ├── postgres/   cluster, log, passwords          ├── files/       what was uploaded and made
    ├── valkey/     what is queued, log, password    ├── seal/        a development seal
    └── running.lock

Servers first, then the migration, then the API server and the worker while the sample fund is seeded; stopped in
the opposite order. Every process dies with this one, however it dies.
"""

import argparse
import asyncio
import fcntl
import hashlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from teledeclaration.documents.development import make_development_seal
from teledeclaration.local.children import Child, tell
from teledeclaration.local.commands import api_answers
from teledeclaration.local.ports import port_is_used
from teledeclaration.local.postgres import EmbeddedPostgres
from teledeclaration.local.processes import StartError, make_passable, service_user
from teledeclaration.local.valkey import EmbeddedValkey
from teledeclaration.settings import Settings, WrongSetting, read_settings

READY_SECONDS_MAX = 60.0
RESTART_SECONDS_MAX = 15.0
API_PAGES = "/v1/schema"  # teledeclaration.openapi.PATH, which takes a second to import
COMMANDS = {
    "api": [sys.executable, "-m", "teledeclaration", "serve"],
    "worker": [sys.executable, "-m", "teledeclaration", "worker"],
}


class SampleFund(Protocol):
    """What a first start puts in, so that there is something to see."""

    async def seed(self, settings: Settings) -> bool:
        """Whether the sample fund is in the database: put in where it was empty; False for another fund's."""

    async def file_declaration(self, settings: Settings, address: str) -> str:
        """See to it that one declaration is filed through the HTTP door at `address`; a line that says which."""

    def sign_ins(self) -> list[str]:
        """The accounts of the sample fund, a line each: role, login, employer; and the password."""

    def example(self, address: str) -> str:
        """A command that uploads a file, to be pasted; empty where there is none."""


def run(arguments: Sequence[str] = ()) -> int:
    """Start the whole platform on this machine and look after it until Ctrl-C."""
    argparse.ArgumentParser(prog="teledeclaration run", description=run.__doc__).parse_args(arguments)
    from teledeclaration.local import sample

    return run_platform(os.environ, sample=sample)


def run_platform(
    environment: Mapping[str, str], *, sample: SampleFund, commands: Mapping[str, Sequence[str]] = COMMANDS
) -> int:
    """0 after an ordered stop, 1 where it could not start (told)."""
    began = time.monotonic()
    for stop_signal in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop_signal, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)
    with ExitStack() as running:
        try:
            platform = Platform(data_folder(environment), environment, commands)
            running.enter_context(platform.only_one())
            running.callback(platform.stop)
            platform.start(sample)
            tell(platform.welcome(sample, seconds=time.monotonic() - began))
            platform.look_after(until=lambda: False)
        except KeyboardInterrupt:
            tell("\nstopping …")
        except (StartError, WrongSetting) as refusal:
            tell(f"\nThe platform cannot start: {refusal}")
            return 1
        finally:
            _ignore_signals()
    tell("stopped; the data is kept")
    return 0


def data_folder(environment: Mapping[str, str]) -> Path:
    """TELEDECLARATION_DATA, else `.data` here.

    Root's servers run as nobody, who may not enter a project in root's home: then it is a folder of this project's
    under /var/lib.
    """
    if told := environment.get("TELEDECLARATION_DATA"):
        return Path(told).absolute()
    here = Path(".data").absolute()
    user = service_user()
    if user is None or user.may_enter(here):
        return here
    return Path("/var/lib/teledeclaration") / hashlib.sha256(bytes(here)).hexdigest()[:12]


class Platform:
    """The servers and the processes of one data folder."""

    def __init__(self, data: Path, environment: Mapping[str, str], commands: Mapping[str, Sequence[str]]) -> None:
        self.data = data
        self.postgres = EmbeddedPostgres(data / "postgres", _port_of("POSTGRES_PORT", environment))
        self.valkey = EmbeddedValkey(data / "valkey", _port_of("VALKEY_PORT", environment))
        self.children: list[Child] = []
        self.has_sample = False
        self._environment = environment
        self._commands = commands
        self._settings: Settings | None = None

    @property
    def settings(self) -> Settings:
        """The settings of the platform's processes; known once the servers have started."""
        if self._settings is None:
            self._settings = read_settings(self._settings_environment())
        return self._settings

    @contextmanager
    def only_one(self) -> Iterator[None]:
        """Hold the data folder; StartError where another run of the platform holds it."""
        make_passable(self.data)
        with (self.data / "running.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StartError(
                    f"it is already running on {self.data}: stop it in its terminal with Ctrl-C, or set "
                    f"TELEDECLARATION_DATA to another folder"
                ) from None
            yield

    def start(self, sample: SampleFund) -> None:
        """Return when a declaration has gone through the door; StartError tells what stands in the way."""
        tell(f"starting on {self.data}")
        self._refuse_used_port()
        self.valkey.start()
        self.postgres.start()
        self._migrate()
        environment = self._settings_environment()
        self.children = [Child(name, command, environment) for name, command in self._commands.items()]
        for child in self.children:
            child.start()
        self.has_sample = asyncio.run(sample.seed(self.settings))
        self._wait_for_api()
        if self.has_sample:
            tell(asyncio.run(sample.file_declaration(self.settings, self.address)))

    def stop(self) -> None:
        """Processes first, then their servers."""
        for child in self.children:
            child.ask_to_stop()
        for child in self.children:
            child.stop()
        self.valkey.stop()
        self.postgres.stop()

    def look_after(self, *, until: Callable[[], bool]) -> None:
        """Start again what has died, until told; StartError where a server cannot come back."""
        while not until():
            for name, server in (("PostgreSQL", self.postgres), ("Valkey", self.valkey)):
                if server.pid is None:
                    tell(f"{name} has stopped; it starts again")
                    _start_again(server)
            for child in self.children:
                child.look_after()
            time.sleep(0.1)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    def welcome(self, sample: SampleFund, *, seconds: float) -> str:
        """Where to look, how to sign in, where the data is, how to stop."""
        lines = [
            f"Teledeclaration is ready ({seconds:.1f} s): {self.address}",
            "",
            f"  API           {self.address}{API_PAGES}",
            f"  Verification  {self.address}/v",
            *(self._sample_lines(sample) if self.has_sample else []),
            "",
            f"  Data          {self.data}",
            f"  PostgreSQL    127.0.0.1:{self.postgres.port} (passwords beside its data)",
            f"  Valkey        127.0.0.1:{self.valkey.port}",
            "",
            "  Ctrl-C stops everything and keeps the data.",
        ]
        rule = "─" * 78
        return "\n".join(line.rstrip() for line in ["", rule, *lines, rule, ""])

    def _sample_lines(self, sample: SampleFund) -> list[str]:
        lines = ["", "  A sample fund; nobody in it exists:", "", *(f"    {line}" for line in sample.sign_ins())]
        if example := sample.example(self.address):
            lines += [
                "",
                "  Upload a workbook with mistakes in it:",
                "",
                *(f"    {line}" for line in example.splitlines()),
            ]
        return lines

    def _refuse_used_port(self) -> None:
        port = _port_of("PORT", self._environment) or _default_port()
        if port_is_used(port, self._environment.get("HOST") or "127.0.0.1"):
            raise StartError(
                f"port {port}, wanted for the API server, is used by another program: stop that program or set PORT "
                f"to a free port, as in: PORT={port + 1} make run"
            )

    def _migrate(self) -> None:
        from teledeclaration.database import migrate

        for name in asyncio.run(migrate(self.postgres.owner_url, self.postgres.app_url)):
            tell(f"migrated {name}")

    def _wait_for_api(self) -> None:
        deadline = time.monotonic() + READY_SECONDS_MAX
        self.look_after(until=lambda: api_answers(self.settings.port) or time.monotonic() > deadline)
        if time.monotonic() > deadline:
            raise StartError(f"the API server gave no answer in {READY_SECONDS_MAX:.0f} s; its lines above say why")

    def _settings_environment(self) -> dict[str, str]:
        """Ours for what we started ourselves, the caller's for the rest (PORT, LOG_LEVEL, limits …)."""
        seal = make_development_seal(self.data / "seal", now=datetime.now(UTC))
        files = self.data / "files"
        files.mkdir(mode=0o700, exist_ok=True)
        ours = {
            "ENVIRONMENT": "development",
            "DATABASE_URL": self.postgres.app_url,
            "REDIS_URL": self.valkey.url,
            "STORAGE_URL": f"file://{files}",
            "SEAL_KEY_FILE": str(seal.key),
            "SEAL_CERTIFICATE_FILE": str(seal.certificate),
            "PYTHONUNBUFFERED": "1",
        }
        port = _port_of("PORT", self._environment) or _default_port()
        unless_told = {"PUBLIC_URL": f"http://127.0.0.1:{port}", "LOG_LEVEL": "warning"}
        return {**unless_told, **self._environment, **ours}


def _start_again(server: EmbeddedPostgres | EmbeddedValkey) -> None:
    """Tried for some seconds: what a killed server leaves behind (backends, a port) takes a moment to go."""
    deadline = time.monotonic() + RESTART_SECONDS_MAX
    while True:
        try:
            return server.start()
        except StartError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.5)


def _port_of(name: str, environment: Mapping[str, str]) -> int | None:
    text = environment.get(name)
    if not text:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise WrongSetting(f"{name}: not a port from 1 to 65535")
    return int(text)


def _default_port() -> int:
    return int(Settings(database_url="", redis_url="").port)


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _ignore_signals() -> None:
    """A second Ctrl-C does not cut the ordered stop short."""
    for stop_signal in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop_signal, signal.SIG_IGN)
