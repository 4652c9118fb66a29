"""The commands of a host: what they answer, and the words for a setting that is missing."""

import time
from collections.abc import Iterator

import pytest
from redis import Redis

from teledeclaration.local import commands
from teledeclaration.local.postgres import APPLICATION, EmbeddedPostgres
from teledeclaration.local.valkey import EmbeddedValkey
from teledeclaration.queue import LONG, SHORT


@pytest.fixture
def installation(
    postgres: EmbeddedPostgres, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pytest.MonkeyPatch]:
    """The environment of a host whose database is still empty."""
    name = f"commands_{time.monotonic_ns()}"
    monkeypatch.setenv("MIGRATION_DATABASE_URL", postgres.create_database(name, template="template0"))
    monkeypatch.setenv("DATABASE_URL", postgres.url(APPLICATION, name))
    monkeypatch.setenv("REDIS_URL", valkey.url)
    yield monkeypatch
    postgres.drop_database(name)


def test_migrate_brings_the_schema_up_to_date_once(
    installation: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.migrate() == 0
    assert "applied 0001_" in capsys.readouterr().out
    assert commands.migrate() == 0
    assert "up to date" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "setting"),
    [(commands.migrate, "MIGRATION_DATABASE_URL"), (commands.serve, "REDIS_URL"), (commands.migrate, "DATABASE_URL")],
)
def test_a_missing_setting_is_named(
    command: object, setting: str, installation: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installation.delenv(setting)
    assert callable(command)
    assert command() == 2
    assert f"setting {setting} is missing" in capsys.readouterr().out


def test_health_of_a_host_where_nothing_runs(installation: pytest.MonkeyPatch, unused_tcp_port: int) -> None:
    installation.setenv("PORT", str(unused_tcp_port))
    assert commands.health(["api"]) == 1
    assert commands.health(["worker"]) == 1


def test_workers_are_healthy_when_both_queues_have_one(
    installation: pytest.MonkeyPatch, valkey: EmbeddedValkey
) -> None:
    with Redis.from_url(valkey.url) as client:
        client.set(f"{SHORT}:health-check", "ok")
        assert commands.health(["worker"]) == 1
        client.set(f"{LONG}:health-check", "ok")
        assert commands.health(["worker"]) == 0
        client.delete(f"{SHORT}:health-check", f"{LONG}:health-check")
    installation.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    assert commands.health(["worker"]) == 1
