"""Settings: every one documented, a missing or wrong one stops the start by its name, never by its value."""

import re
from pathlib import Path

import msgspec
import pytest

from teledeclaration.settings import (
    NEEDED_IN_PRODUCTION,
    SECRETS,
    MissingSetting,
    Settings,
    WrongSetting,
    read_settings,
)

OPERATIONS = Path(__file__).parents[1] / "docs" / "operations.md"

LEAST = {"DATABASE_URL": "postgresql://app@db/x", "REDIS_URL": "redis://cache"}
PRODUCTION = {
    **LEAST,
    "ENVIRONMENT": "production",
    "SEAL_KEY": "pem",
    "SEAL_CERTIFICATE": "pem",
    "PUBLIC_URL": "https://fund.example",
}


def documented() -> dict[str, str]:
    """Rows of the table under "## Settings": name to the rest of the row."""
    section = OPERATIONS.read_text("utf-8").partition("\n## Settings\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `([A-Z_]+)` \|(.*)\|$", section, flags=re.MULTILINE))


def test_every_setting_is_documented_and_nothing_else_is() -> None:
    assert set(documented()) == {field.name.upper() for field in msgspec.structs.fields(Settings)}


def test_the_documented_defaults_are_the_real_ones() -> None:
    for field in msgspec.structs.fields(Settings):
        row = documented()[field.name.upper()]
        shown = "required" if field.required else str(field.default) or "empty"
        assert shown in row, field.name


def test_secrets_are_documented_as_such() -> None:
    marked = {name.lower() for name, row in documented().items() if "secret" in row.split("|")[0]}
    assert marked == SECRETS


@pytest.mark.parametrize("name", LEAST)
def test_what_is_always_needed_stops_the_start_by_its_name(name: str) -> None:
    with pytest.raises(MissingSetting, match=f"^{name}$"):
        read_settings({key: value for key, value in LEAST.items() if key != name})


@pytest.mark.parametrize("name", NEEDED_IN_PRODUCTION)
def test_what_production_needs_stops_the_start_by_its_name(name: str) -> None:
    with pytest.raises(MissingSetting, match=f"^{name.upper()}$"):
        read_settings({key: value for key, value in PRODUCTION.items() if key != name.upper()})
    assert read_settings(LEAST).environment == "development", "which development does without"


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_secret_may_stand_in_a_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from a file, and long enough for a key\n")
    given = {key: value for key, value in PRODUCTION.items() if key != name.upper()}
    settings = read_settings({**given, f"{name.upper()}_FILE": str(file)})
    assert getattr(settings, name) == "from a file, and long enough for a key"


def test_a_secret_file_that_is_not_there_is_told_by_name() -> None:
    with pytest.raises(WrongSetting, match="SEAL_KEY_FILE"):
        read_settings({**LEAST, "SEAL_KEY_FILE": "/nowhere/secret"})


@pytest.mark.parametrize(("name", "value"), [("PORT", "eighty"), ("PORT", "70000"), ("ENVIRONMENT", "testing")])
def test_a_wrong_value_is_told_by_its_name_and_not_shown(name: str, value: str) -> None:
    with pytest.raises(WrongSetting, match=name) as told:
        read_settings({**LEAST, name: value})
    assert value not in str(told.value)
