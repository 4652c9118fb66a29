"""The images' commands as processes, against the oldest servers we support: Debian's PostgreSQL 15 and its Redis.

As compose.yaml runs them: production settings, every secret from a file, the owner made as docs/operations.md says.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import yaml

from teledeclaration.local.deployment import write_secrets
from teledeclaration.local.ports import LOOPBACK, reserved_port
from teledeclaration.local.processes import ServiceUser, service_user, start_process, stop_process

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[2]
DEBIAN_POSTGRES = Path("/usr/lib/postgresql/15/bin")
DEBIAN_REDIS = Path("/usr/bin/redis-server")
SECONDS_MAX = 60


@pytest.fixture(scope="module")
def debian_programs() -> None:
    """Install what is missing where we may; a machine that is not Debian 12, or not ours, skips."""
    wanted = {"postgresql-15": DEBIAN_POSTGRES / "initdb", "redis-server": DEBIAN_REDIS}
    missing = [package for package, program in wanted.items() if not program.exists()]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        subprocess.run(["apt-get", "update", "-qq"], env=quiet, check=False)
        install = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *missing]
        subprocess.run(install, env=quiet, check=False, capture_output=True)
    missing = [package for package, program in wanted.items() if not program.exists()]
    if missing:
        pytest.skip(f"not on this machine: {', '.join(missing)}")


@pytest.fixture(scope="module")
def production(debian_programs: None, servers_folder: Path) -> Iterator[dict[str, str]]:
    """compose.yaml's settings of `migrate`, its secrets and its servers, at this machine's addresses."""
    folder = servers_folder / "debian"
    folder.mkdir(mode=0o711)
    write_secrets(folder / "secrets", now=datetime.now(UTC))
    secrets = {file.name: file.read_text() for file in (folder / "secrets").iterdir()}
    (folder / "postgres").mkdir(mode=0o711)
    (folder / "redis").mkdir(mode=0o711)
    with (
        debian_postgres(folder / "postgres", secrets) as postgres_port,
        debian_redis(folder / "redis", secrets) as redis_port,
        reserved_port() as port,
    ):
        addresses = {"@postgres/": f"@{LOOPBACK}:{postgres_port}/", "@valkey:6379": f"@{LOOPBACK}:{redis_port}"}
        for name in ("database_url", "migration_database_url", "redis_url"):
            for there, here in addresses.items():
                secrets[name] = secrets[name].replace(there, here)
            (folder / "secrets" / name).chmod(0o600)
            (folder / "secrets" / name).write_text(secrets[name])
        settings = yaml.safe_load((PROJECT / "compose.yaml").read_text())["services"]["migrate"]["environment"]
        told = {name: str(value).replace("/run/secrets", str(folder / "secrets")) for name, value in settings.items()}
        files = {"STORAGE_URL": f"file://{folder / 'files'}", "PUBLIC_URL": "https://declare.example"}
        yield {"PATH": os.defpath, "PYTHONPATH": str(PROJECT), **told, **files, "PORT": str(port)}


@contextmanager
def debian_postgres(folder: Path, secrets: dict[str, str]) -> Iterator[int]:
    """A cluster of Debian's PostgreSQL 15 with the owner and the database, as docs/operations.md makes them."""
    user = service_user()
    password_file = _file_for(user, folder / "password", secrets["postgres_password"])
    cluster = folder / "cluster"
    cluster.mkdir(mode=0o700)
    _give(user, cluster)
    initdb: list[str | Path] = [
        *(DEBIAN_POSTGRES / "initdb", "-D", cluster, "-U", "postgres", f"--pwfile={password_file}"),
        *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"),
    ]
    made = start_process(initdb, user=user, cwd=folder, log=folder / "log")
    assert made.wait(60) == 0, (folder / "log").read_text()
    with reserved_port() as port:
        command: list[str | Path] = [
            DEBIAN_POSTGRES / "postgres",
            "-D",
            cluster,
            "-h",
            LOOPBACK,
            "-k",
            "",
            "-p",
            str(port),
        ]
        server = start_process(command, user=user, cwd=folder, log=folder / "log", stop_signal=signal.SIGQUIT)
        try:
            password = secrets["owner_password"]
            _run_sql(port, secrets, f"CREATE ROLE teledeclaration_owner LOGIN CREATEROLE PASSWORD '{password}'")
            _run_sql(port, secrets, "CREATE DATABASE teledeclaration OWNER teledeclaration_owner TEMPLATE template0")
            yield port
        finally:
            stop_process(server, signal.SIGINT, 20)


@contextmanager
def debian_redis(folder: Path, secrets: dict[str, str]) -> Iterator[int]:
    user = service_user()
    with reserved_port() as port:
        words = f'bind {LOOPBACK}\nport {port}\nrequirepass {secrets["valkey_password"]}\nsave ""\ndir {folder}\n'
        server = start_process(
            [DEBIAN_REDIS, _file_for(user, folder / "redis.conf", words)], user=user, cwd=folder, log=folder / "log"
        )
        try:
            yield port
        finally:
            stop_process(server, signal.SIGTERM, 20)


def _give(user: ServiceUser | None, path: Path) -> None:
    if user:
        os.chown(path, user.uid, user.gid)


def _file_for(user: ServiceUser | None, file: Path, words: str) -> Path:
    file.write_text(words)
    file.chmod(0o600)
    _give(user, file)
    return file


def _run_sql(port: int, secrets: dict[str, str], statement: str) -> None:
    """Run it as the superuser, as soon as the server accepts connections."""
    line: list[str | Path] = [
        DEBIAN_POSTGRES / "psql",
        "-h",
        LOOPBACK,
        "-p",
        str(port),
        "-U",
        "postgres",
        "-qc",
        statement,
    ]
    environment = {"PATH": os.defpath, "PGPASSWORD": secrets["postgres_password"]}
    deadline = time.monotonic() + SECONDS_MAX
    while True:
        answer = subprocess.run(line, env=environment, check=False, capture_output=True, text=True)
        if answer.returncode != 2 or time.monotonic() > deadline:  # 2: no connection yet
            assert answer.returncode == 0, answer.stderr
            return
        time.sleep(0.2)


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "teledeclaration", *words]


def run(production: dict[str, str], *words: str, entered: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words), env=production, input=entered, capture_output=True, text=True, check=False, cwd=PROJECT
    )


@contextmanager
def running(production: dict[str, str], *words: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = {name: value for name, value in production.items() if "MIGRATION" not in name}
    process = start_process(command(*words), env=environment, cwd=PROJECT, log=log)
    try:
        yield process
    finally:
        stop_process(process, signal.SIGTERM, 20)
    assert process.returncode == 0, log.read_text()


def until_healthy(production: dict[str, str], what: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while run(production, "health", what).returncode != 0:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.5)


@pytest.fixture
def database_url(production: dict[str, str]) -> str:
    return Path(production["DATABASE_URL_FILE"]).read_text()


async def test_the_migration_runs_once_and_again(production: dict[str, str], database_url: str) -> None:
    first = run(production, "migrate")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "applied 0001_" in first.stdout
    assert "up to date" in run(production, "migrate").stdout
    connection = await asyncpg.connect(database_url)
    assert str(await connection.fetchval("SHOW server_version")).startswith("15.")
    await connection.close()


def test_the_api_server_and_a_worker_become_healthy_and_stop_in_order(
    production: dict[str, str], servers_folder: Path
) -> None:
    assert run(production, "migrate").returncode == 0
    assert run(production, "health", "api").returncode == 1
    api_log, worker_log = servers_folder / "api.log", servers_folder / "worker.log"
    with running(production, "serve", log=api_log) as api, running(production, "worker", log=worker_log) as worker:
        until_healthy(production, "api", api, api_log)
        until_healthy(production, "worker", worker, worker_log)


def test_an_upload_is_checked_to_the_end(production: dict[str, str], servers_folder: Path, tmp_path: Path) -> None:
    """As an operator starts: migrate, load the employers, make an account; then as an HR office: sign in, upload."""
    assert run(production, "migrate").returncode == 0
    employers = tmp_path / "employers.csv"
    header = "Numéro employeur;Raison sociale;Wilaya;Agence;Centres payeurs"
    employers.write_text(f"{header}\n1647091706;SARL El Amel Plastiques;16;16002;16002\n")
    loaded = run(production, "load", "employers", str(employers))
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr
    about = ("sofia@el-amel.example", "--name", "Sofia Amrani", "--role", "owner", "--employer", "1647091706")
    made = run(production, "account", *about, entered="correct horse battery\n")
    assert made.returncode == 0, made.stdout + made.stderr
    api_log, worker_log = servers_folder / "upload-api.log", servers_folder / "upload-worker.log"
    with running(production, "serve", log=api_log) as api, running(production, "worker", log=worker_log):
        until_healthy(production, "api", api, api_log)
        client = signed_in(production)
        content = (PROJECT / "tests/files/workbooks/annual-2025-kept-by-hand.xlsx").read_bytes()
        sent = client.post("/v1/uploads", params={"filename": "annual.xlsx", "year": 2025}, content=content)
        assert sent.status_code == 202, sent.text
        draft = until_checked(client, sent.json()["draft_id"], worker_log)
    assert draft["line_count"] == 48
    assert {"annual_not_sum", "nss_length"} <= {count["code"] for count in draft["findings"]}


def signed_in(production: dict[str, str]) -> httpx.Client:
    """The cookie is for TLS alone: here it is carried by hand, as a front door on this machine would."""
    client = httpx.Client(base_url=f"http://{LOOPBACK}:{production['PORT']}", timeout=SECONDS_MAX)
    client.headers["Origin"] = production["PUBLIC_URL"]
    credentials = {"email": "sofia@el-amel.example", "password": "correct horse battery"}
    answer = client.post("/v1/session", json=credentials).raise_for_status()
    client.headers["Cookie"] = answer.headers["set-cookie"].partition(";")[0]
    return client


def until_checked(client: httpx.Client, draft_id: str, log: Path) -> Any:
    deadline = time.monotonic() + SECONDS_MAX
    while (draft := client.get(f"/v1/drafts/{draft_id}").raise_for_status().json())["progress"]["status"] == "waiting":
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)
    return draft


def test_a_missing_secret_stops_the_start_with_its_name(production: dict[str, str]) -> None:
    without = {name: value for name, value in production.items() if name != "SEAL_KEY_FILE"}
    refused = run(without, "serve")
    assert refused.returncode == 2
    assert "SEAL_KEY" in refused.stdout
