"""compose.yaml as far as it can be held without a container engine: whole, guarded, and without a secret in it."""

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
import yaml

from teledeclaration.local.deployment import write_secrets
from teledeclaration.settings import Settings, read_settings

PROJECT = Path(__file__).parents[1]
OURS = ("migrate", "api", "worker")
ONE_SHOT = ("migrate",)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((PROJECT / "compose.yaml").read_text())
    return loaded


def test_it_runs_everything(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {"postgres", "valkey", "storage", *OURS}
    assert all("replicas" in compose["services"][name]["deploy"] for name in ("api", "worker"))


def test_every_lasting_service_has_a_health_check_and_every_need_is_a_condition(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert ("healthcheck" in service) != (name in ONE_SHOT), name
        for needed, condition in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if needed in ONE_SHOT else "service_healthy"
            assert condition == {"condition": expected}


def test_every_secret_comes_from_a_file_and_is_given_to_who_reads_it(compose: dict[str, Any]) -> None:
    assert all(secret == {"file": f"secrets/{name}"} for name, secret in compose["secrets"].items())
    for name, service in compose["services"].items():
        read = set(re.findall(r"/run/secrets/(\w+)", yaml.safe_dump({**service, **_configs_of(service, compose)})))
        assert read == set(service["secrets"]), name


def _configs_of(service: dict[str, Any], compose: dict[str, Any]) -> dict[str, Any]:
    return {"configs": [compose["configs"][config["source"]] for config in service.get("configs", [])]}


def test_no_password_is_written_in_it(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|KEY|TOKEN|DATABASE_URL|REDIS_URL", variable):
                assert variable.endswith("_FILE"), f"{name}: {variable}"
                assert str(value).startswith("/run/secrets/")
    assert "@" not in (PROJECT / "compose.yaml").read_text()  # no address with a password in it


def test_every_setting_given_to_us_exists(compose: dict[str, Any]) -> None:
    known = {field.name.upper() for field in msgspec.structs.fields(Settings)}
    for name in OURS:
        given = {variable.removesuffix("_FILE") for variable in compose["services"][name]["environment"]}
        assert given <= known, f"{name}: {given - known}"


def test_nothing_of_ours_runs_as_root(compose: dict[str, Any]) -> None:
    lines = (PROJECT / "Dockerfile").read_text().splitlines()
    assert "USER teledeclaration" in lines[lines.index("WORKDIR /opt/teledeclaration") :]
    for name in OURS:
        assert compose["services"][name]["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("name", OURS)
def test_the_commands_of_the_images_exist(name: str, compose: dict[str, Any]) -> None:
    commands = [compose["services"][name]["command"]]
    check = compose["services"][name].get("healthcheck", {}).get("test")
    if check:
        commands.append(check[check.index("teledeclaration") + 1 :])
    for command in commands:
        line = [sys.executable, "-m", "teledeclaration", *command, "--help"]
        answer = subprocess.run(line, capture_output=True, text=True, cwd=PROJECT, check=False)
        assert answer.returncode == 0, answer.stderr
        assert command[0] in answer.stdout


def test_make_secrets_writes_what_compose_names_and_never_changes_it(compose: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    write_secrets(folder, now=datetime.now(UTC))
    first = {file.name: file.read_text() for file in folder.iterdir()}
    assert set(compose["secrets"]) <= set(first)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert write_secrets(folder, now=datetime.now(UTC)) == []
    assert {file.name: file.read_text() for file in folder.iterdir()} == first
    assert len({value for name, value in first.items() if name.endswith("password")}) == 4
    assert urlsplit(first["database_url"]).password == first["app_password"]
    assert urlsplit(first["migration_database_url"]).password == first["owner_password"]


@pytest.mark.parametrize("name", OURS)
def test_production_settings_can_be_read_from_them(name: str, compose: dict[str, Any], tmp_path: Path) -> None:
    write_secrets(tmp_path / "secrets", now=datetime.now(UTC))
    environment = {
        variable: str(value).replace("/run/secrets", str(tmp_path / "secrets"))
        for variable, value in compose["services"][name]["environment"].items()
    }
    settings = read_settings({**environment, "PUBLIC_URL": "https://declare.example"})
    assert settings.production
    assert bool(settings.migration_database_url) == (name == "migrate")
