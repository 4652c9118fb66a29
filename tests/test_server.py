"""The API server as it runs in earnest: its own process, over a real socket."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest
import world

from teledeclaration.settings import Settings


@pytest.fixture(scope="module")
def address(settings: Settings) -> Iterator[str]:
    """Where one server process answers, on this module's database."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "STORAGE_URL": settings.storage_url,
        "PUBLIC_URL": address,
        "LOG_LEVEL": "error",
    }
    command = ["granian", "--interface", "asgi", "--factory", "--host", "127.0.0.1", "--port", str(port), "--no-ws"]
    process = subprocess.Popen([sys.executable, "-m", *command, "teledeclaration.app:create_app"], env=environment)
    try:
        wait_until_ready(process, address)
        yield address
    finally:
        process.terminate()
        assert process.wait(timeout=20) == 0


def wait_until_ready(process: "subprocess.Popen[bytes]", address: str) -> None:
    for _ in range(300):
        assert process.poll() is None, "the server stopped at its start"
        try:
            if httpx.get(f"{address}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail("the server did not get ready within 30 s")


def test_one_signs_in_over_a_real_socket(address: str) -> None:
    with httpx.Client(base_url=address, headers={"Origin": address}) as browser:
        answer = browser.post("/v1/session", json={"email": "alice@example.dz", "password": world.PASSWORD})
        assert answer.status_code == 200, answer.text
        assert browser.get("/v1/employer").json()["particulars"]["number"] == world.A.number
        assert browser.delete("/v1/session").status_code == 204
        assert browser.get("/v1/employer").status_code == 401


def test_a_write_repeated_over_a_real_socket_is_done_once(address: str) -> None:
    headers = {
        "Cookie": f"td_session={world.PEOPLE['alice'].session_token}",
        "Origin": address,
        "Idempotency-Key": "one twin",
    }
    first, again = [httpx.post(f"{address}/v1/test-twin", headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"


def test_a_key_asks_without_a_browser(address: str) -> None:
    headers = {"Authorization": f"Bearer {world.API_KEYS['read'][0]}"}
    assert httpx.get(f"{address}/v1/members", headers=headers).status_code == 403
    assert httpx.get(f"{address}/v1/employer", headers=headers).status_code == 200
