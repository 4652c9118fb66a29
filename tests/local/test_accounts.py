"""The first accounts and keys, made by who runs the installation, and used at the door."""

import asyncio
import io

import httpx
import pytest

from teledeclaration.local import accounts
from teledeclaration.settings import Settings

PASSWORD = "a long sentence of mine"
AMINA = ("amina@fund.example", "--name", "Amina", "--role")


@pytest.fixture
def host(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment of a host of this installation, and a password in a pipe."""
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    return monkeypatch


async def test_the_first_administrator_signs_in(host: pytest.MonkeyPatch, client: httpx.AsyncClient) -> None:
    assert await asyncio.to_thread(accounts.account, [*AMINA, "administrator"]) == 0
    answer = await client.post("/v1/session", json={"email": AMINA[0], "password": PASSWORD})
    assert answer.json()["fund_role"] == "administrator"


async def test_a_weak_password_or_an_unknown_employer_is_told(
    host: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await asyncio.to_thread(accounts.account, [*AMINA, "owner", "--employer", "9900000000"]) == 1
    assert "employer" in capsys.readouterr().out.lower()
    host.setattr("sys.stdin", io.StringIO("short\n"))
    assert await asyncio.to_thread(accounts.account, ["b@fund.example", "--name", "B", "--role", "agent"]) == 1
    assert "12" in capsys.readouterr().out


async def test_a_funds_system_uses_its_key(
    host: pytest.MonkeyPatch, client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await asyncio.to_thread(accounts.fund_key, ["register office"]) == 0
    key = capsys.readouterr().out.strip()
    answer = await client.get("/v1/declared", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200, answer.text


def test_a_missing_setting_is_named(host: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    host.delenv("DATABASE_URL")
    assert accounts.fund_key(["register office"]) == 2
    assert "DATABASE_URL" in capsys.readouterr().out
