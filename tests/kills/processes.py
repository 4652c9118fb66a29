"""The platform as separate processes, each of which can be killed and started again."""

import asyncio
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx

from schemas.actors import job
from teledeclaration.database import migrate, open_pool, transaction
from teledeclaration.documents.development import make_development_seal
from teledeclaration.employers.credentials import kept_hash
from teledeclaration.local.ports import reserved_port
from teledeclaration.local.postgres import EmbeddedPostgres
from teledeclaration.local.valkey import EmbeddedValkey

_numbers = itertools.count(1)


class Stack:
    """PostgreSQL, Valkey, an API server and a worker; `kill` is SIGKILL."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open = ExitStack()
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self.folder.mkdir(mode=0o711)
        self.postgres = EmbeddedPostgres(self.folder / "postgres")
        self.valkey = EmbeddedValkey(self.folder / "valkey")
        self.postgres.start()
        self._open.callback(self.postgres.stop)
        self.valkey.start()
        self._open.callback(self.valkey.stop)
        asyncio.run(self._migrate())
        self._port = self._open.enter_context(reserved_port())
        self.address = f"http://127.0.0.1:{self._port}"
        for name in ("api", "worker"):
            self.start(name)
            self._open.callback(self.kill, name)
        self._wait_for_api()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def start(self, name: str) -> None:
        command = [sys.executable, "-m", "teledeclaration", "serve" if name == "api" else name]
        log = (self.folder / f"{name}.log").open("ab")
        self._running[name] = subprocess.Popen(
            command, env=self._environment(), stdout=log, stderr=log, start_new_session=True
        )

    def kill(self, name: str) -> None:
        os.killpg(self._running[name].pid, signal.SIGKILL)
        self._running[name].wait()

    def lose_valkey(self) -> None:
        """Killed, and all it held with it."""
        if self.valkey.pid is not None:
            os.kill(self.valkey.pid, signal.SIGKILL)
        self.valkey.stop()
        for kept in (self.folder / "valkey").glob("appendonly*"):
            shutil.rmtree(kept) if kept.is_dir() else kept.unlink()
        self.valkey.start()

    def restart_postgres(self) -> None:
        self.postgres.stop()
        self.postgres.start()

    def stored_lines(self, employer_id: int) -> int:
        """Over all readings: a second reading of the same file would double them."""
        return int(
            self.postgres.run_sql(
                f"SELECT count(*) FROM lines WHERE employer_id = {employer_id}", database="teledeclaration"
            )
        )

    def new_employer(self) -> "EmployerDesk":
        """An employer with an owner who is signed in."""
        place = next(_numbers)
        token, employer_id, number = uuid4().hex, 7000 + place, f"16{place:08d}"
        asyncio.run(self._add_employer(employer_id, number, token))
        return EmployerDesk(self.address, employer_id, number, token)

    async def _migrate(self) -> None:
        await migrate(self.postgres.owner_url, self.postgres.app_url)

    async def _add_employer(self, employer_id: int, number: str, token: str) -> None:
        now, account_id = datetime.now(UTC), uuid4()
        pool = await open_pool(self.postgres.app_url, size=1)
        async with transaction(pool, job("test", 0)) as connection:
            await connection.execute(
                "INSERT INTO agencies VALUES ('16001', 16, 'Agence', 'وكالة') ON CONFLICT DO NOTHING"
            )
            await connection.execute(
                "INSERT INTO employers (employer_id, number, name, wilaya, agency, updated_at)"
                " VALUES ($1, $2, 'SARL', 16, '16001', $3)",
                employer_id,
                number,
                now,
            )
            await connection.execute(
                "INSERT INTO payment_centres (employer_id, centre, agency) VALUES ($1, '16001', '16001')", employer_id
            )
            await connection.execute(
                "INSERT INTO accounts (account_id, email, name, password_hash, created_at)"
                " VALUES ($1, $2, 'N', '', $3)",
                account_id,
                f"{employer_id}@example.dz",
                now,
            )
            await connection.execute(
                "INSERT INTO memberships (account_id, employer_id, role, email, name, created_at)"
                " VALUES ($1, $2, 'owner', $3, 'N', $4)",
                account_id,
                employer_id,
                f"{employer_id}@example.dz",
                now,
            )
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT set_config('app.account_id', $1, true)", str(account_id))
            await connection.execute(
                "INSERT INTO sessions (token_hash, session_id, account_id, created_at, expires_at)"
                " VALUES ($1, $2, $3, $4, $5)",
                kept_hash(token),
                uuid4(),
                account_id,
                now,
                now + timedelta(days=1),
            )
        await pool.close()

    def _environment(self) -> dict[str, str]:
        seal = make_development_seal(self.folder / "seal", now=datetime.now(UTC))
        return {
            "PATH": os.defpath,
            "DATABASE_URL": self.postgres.app_url,
            "REDIS_URL": self.valkey.url,
            "STORAGE_URL": f"file://{self.folder / 'files'}",
            "SEAL_KEY_FILE": str(seal.key),
            "SEAL_CERTIFICATE_FILE": str(seal.certificate),
            "PUBLIC_URL": self.address,
            "PORT": str(self._port),
        }

    def _wait_for_api(self) -> None:
        for _ in range(300):
            try:
                if httpx.get(f"{self.address}/healthz").status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise TimeoutError("the API server did not start")


class EmployerDesk:
    """What an employer's software does, patient with a server that is away for a moment."""

    def __init__(self, address: str, employer_id: int, number: str, token: str) -> None:
        self.employer_id, self.number = employer_id, number
        self._client = httpx.Client(
            base_url=address, headers={"Cookie": f"td_session={token}", "Origin": address}, timeout=30
        )

    def get(self, path: str) -> Any:
        while True:
            try:
                answer = self._client.get(path)
            except httpx.TransportError:
                time.sleep(0.1)
                continue
            if answer.status_code == 503:
                time.sleep(0.1)
                continue
            assert answer.status_code == 200, answer.text
            return answer.json()

    def send(self, content: bytes) -> Any:
        answer = self._client.post("/v1/uploads", files={"file": ("export.xlsx", content)}, data={"year": "2025"})
        assert answer.status_code == 202, answer.text
        return answer.json()

    def wait_for(self, upload: Any, phase: str) -> None:
        """Until the worker is in this phase of the file, or past it."""
        order = ["received", "reading", "checking", "storing", "done"]
        while order.index(self.progress(upload)["phase"]) < order.index(phase):
            time.sleep(0.01)

    def wait_for_end(self, upload: Any, *, seconds: float) -> Any:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = self.get(f"/v1/uploads/{upload['upload_id']}")
            if found["progress"]["status"] != "waiting":
                return found
            time.sleep(0.2)
        raise TimeoutError(f"the upload did not end: {found['progress']}")

    def progress(self, upload: Any) -> Any:
        return self.get(f"/v1/uploads/{upload['upload_id']}")["progress"]
