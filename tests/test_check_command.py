"""`teledeclaration check` as someone at a desk uses it: a process, its words, its exit code."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from teledeclaration.__main__ import COMMANDS, main

FOLDER = Path(__file__).parent / "files" / "workbooks"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    for path in FOLDER.iterdir():
        shutil.copy(path, tmp_path)
    return tmp_path


def command(desk: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "teledeclaration", "check", *words],
        cwd=desk,
        env={
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "COLUMNS": "200",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def as_json(desk: Path, *words: str) -> tuple[int, dict[str, Any]]:
    done = command(desk, *words, "--json")
    return done.returncode, json.loads(done.stdout)


def test_json_is_one_object_with_lines_totals_and_findings(desk: Path) -> None:
    code, said = as_json(desk, "annual-2025-kept-by-hand.xlsx")
    assert code == 1
    assert said["lines"] == 48
    assert sorted(said["totals"]) == ["annual", "quarters"]
    finding = next(finding for finding in said["findings"] if finding["code"] == "annual_not_sum")
    assert (finding["sheet"], finding["row"], finding["column"]) == ("DAS 2025", 11, "S")
    assert (finding["field"], finding["severity"], finding["proposed"]) == ("annual_amount", "error", "272550.00")
    assert "272\u202f550,00" in finding["message"]
    assert not list(desk.glob("*-annotated.xlsx"))


def test_a_clean_file_ends_well_and_gives_its_totals(desk: Path) -> None:
    code, said = as_json(desk, "annual-2025-exported-clean.ods")
    answers = json.loads((FOLDER / "annual-2025-exported-clean.answers.json").read_text())
    assert code == 0
    assert said["totals"] == {
        "quarters": answers["quarter_totals_centimes"],
        "annual": answers["annual_total_centimes"],
    }
    assert said["findings"] == []


def test_both_files_of_a_pair_in_any_order_are_one_declaration(desk: Path) -> None:
    code, said = as_json(desk, "D25S3137704614.TXT", "D25E3137704614.TXT")
    assert (code, said["lines"], said["employer_number"]) == (0, 120, "3137704614")
    alone, also = as_json(desk, "D25S3137704614.TXT")
    assert (alone, also["lines"]) == (0, 120)


def test_the_employer_and_year_given_are_held_against_the_file(desk: Path) -> None:
    code, said = as_json(desk, "annual-2025-kept-by-hand-clean.xlsx", "--employer", "1647091706", "--year", "2024")
    assert code == 1
    errors = {finding["code"] for finding in said["findings"] if finding["severity"] == "error"}
    assert errors == {"other_employer", "other_year"}


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("not.xlsx", b"PK\x03\x04nothing", "damaged"),
        ("list.csv", b"Produit;Prix\nTable;5\n", "no-columns"),
        ("header.csv", b"NSS;Nom;Prenom;Montant T1\n", "header-only"),
        ("empty.xlsx", b"", "empty"),
    ],
)
def test_what_cannot_be_read_says_why_and_ends_with_two(desk: Path, name: str, content: bytes, code: str) -> None:
    (desk / name).write_bytes(content)
    exit_code, said = as_json(desk, name, "--lang", "en")
    assert exit_code == 2
    assert said["unreadable"]["code"] == code
    assert said["unreadable"]["message"]


def test_a_missing_file_is_said_not_thrown(desk: Path) -> None:
    code, said = as_json(desk, "nothing-here.xlsx")
    assert (code, said["unreadable"]["code"]) == (2, "no-file")
    plain = command(desk, "nothing-here.xlsx")
    assert plain.returncode == 2
    assert "nothing-here.xlsx" in plain.stderr
    assert "Traceback" not in plain.stderr


def test_the_table_is_in_the_language_asked_for_and_the_workbook_is_annotated(desk: Path) -> None:
    done = command(desk, "movements-2025.xls", "--lang", "en")
    assert done.returncode == 1
    assert "Departure" not in done.stdout
    assert "“Départ ?” is not a known movement" in done.stdout
    assert "3 errors" in done.stdout
    annotated = openpyxl.load_workbook(desk / "movements-2025-annotated.xlsx")
    assert len(annotated.sheetnames) == 2


def test_the_annotated_workbook_goes_where_it_is_told_and_marks_the_cell(desk: Path) -> None:
    done = command(desk, "annual-2025-kept-by-hand.xlsx", "--annotated", "out.xlsx", "--lang", "fr")
    assert done.returncode == 1
    cell = openpyxl.load_workbook(desk / "out.xlsx")["DAS 2025"]["S11"]
    assert cell.comment is not None
    assert "272\u202f550,00" in cell.comment.text


def test_words_nobody_knows_end_with_two(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["fly"])
    assert ended.value.code == 2
    assert "check" in COMMANDS
    assert "invalid choice" in capsys.readouterr().err


def test_the_mapping_that_is_shown_reads_the_file_again_the_same(desk: Path) -> None:
    _, said = as_json(desk, "annual-2025-exported-clean.ods", "--year", "2025")
    assert said["columns"][0]["how"] == "words"
    (desk / "mapping.json").write_text(json.dumps(said["mapping"]))
    _, again = as_json(desk, "annual-2025-exported-clean.ods", "--year", "2025", "--mapping", "mapping.json")
    assert {column["how"] for column in again["columns"]} == {"hand"}
    assert (again["lines"], again["totals"]) == (said["lines"], said["totals"])


def test_columns_are_shown_with_samples(desk: Path) -> None:
    done = command(desk, "annual-2025-kept-by-hand-clean.xlsx", "--show-columns", "--lang", "en")
    assert "Header in the file" in done.stdout
    assert '"header_row": 5' in done.stdout


def test_a_mapping_that_is_none_is_said_at_once(desk: Path) -> None:
    (desk / "mapping.json").write_text('{"sheet": "A", "header_row": -1, "columns": {}}')
    done = command(desk, "annual-2025-exported-clean.ods", "--mapping", "mapping.json")
    assert done.returncode == 2
    assert "header_row" in done.stderr
