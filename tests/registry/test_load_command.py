"""`teledeclaration load`, as an operator calls it."""

from pathlib import Path
from typing import Any

import pytest

from teledeclaration.__main__ import main
from teledeclaration.settings import Settings


@pytest.fixture
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    monkeypatch.setenv("STORAGE_URL", settings.storage_url)


@pytest.mark.parametrize(
    ("content", "outcome"),
    [
        ("nss,nom,prénom\n810101000001,Par,Commande\n", (0, "1 new")),
        ("nss,nom,prénom\n810101000002,Bon,Un\n12,Mauvais,Deux\n", (1, "12 digits")),
        ("nss,nom\n1,2\n", (2, "first_name")),
    ],
)
def test_exit_code_and_words(
    environment: None, tmp_path: Path, capsys: Any, content: str, outcome: tuple[int, str]
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(content)
    code, said = outcome
    assert main(["load", "people", str(file), "--lang", "en"]) == code
    assert said in " ".join(capsys.readouterr().err.split())


def test_missing_file_and_setting(environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["load", "people", str(tmp_path / "none.csv")]) == 2
    monkeypatch.delenv("DATABASE_URL")
    assert main(["load", "people", str(tmp_path / "none.csv")]) == 2
