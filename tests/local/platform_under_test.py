"""`make run` with stand-ins for the API server, the worker and the sample fund: `python platform_under_test.py`.

The servers, the migration, the supervision and the signals are the real ones.
"""

import os
import sys
from pathlib import Path

import asyncpg

from teledeclaration.local.run import run_platform
from teledeclaration.settings import Settings

API = """
import http.server, os
class Door(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *words): pass
print("api pid", os.getpid())
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Door).serve_forever()
"""
WORKER = "import os, time; print('worker pid', os.getpid()); time.sleep(600)"


class Sample:
    """Seeds once: a marker beside the files tells."""

    def __init__(self) -> None:
        self._is_new = False

    async def seed(self, settings: Settings) -> bool:
        connection = await asyncpg.connect(settings.database_url)
        tables = await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        await connection.close()
        assert tables > 1, "the migration comes before the sample fund"
        self._note(Path(settings.storage_url.removeprefix("file://")) / "seeded")
        return True

    def _note(self, marker: Path) -> None:
        self._is_new = not marker.exists()
        marker.touch()

    async def file_declaration(self, settings: Settings, address: str) -> str:
        assert f":{settings.port}" in address
        return f"filed through {address}" if self._is_new else "filed before"

    def sign_ins(self) -> list[str]:
        return ["owner of the sample employer: alice / her password"]

    def example(self, address: str) -> str:
        return f"upload to {address}"


if __name__ == "__main__":
    sys.exit(
        run_platform(
            os.environ,
            sample=Sample(),
            commands={"api": [sys.executable, "-c", API], "worker": [sys.executable, "-c", WORKER]},
        )
    )
