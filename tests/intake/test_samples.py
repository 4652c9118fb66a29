"""Every planted mistake is found at its row and field, and there is no error anywhere else."""

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from intake import declaration_samples as samples
from intake.declaration_samples import Layout
from teledeclaration.check import standard_context
from teledeclaration.intake.checking import CheckedFile, check_raw
from teledeclaration.intake.raw import ReadingLimits
from teledeclaration.intake.reading import read_any
from teledeclaration.intake.report import file_findings
from teledeclaration.intake.text_pair import zip_together
from teledeclaration.languages import LANGUAGES

FOLDER = Path(__file__).parents[1] / "files" / "workbooks"
ANSWERS = sorted(FOLDER.glob("*.answers.json"))
TODAY = date(2026, 11, 22)


def checked(content: bytes, name: str) -> CheckedFile:
    return check_raw(read_any(content, name, ReadingLimits()), context=standard_context(TODAY))


def sample(stem: str) -> tuple[bytes, str]:
    if stem.startswith("D25"):
        pair = {path.name: path.read_bytes() for path in FOLDER.glob("D25*.TXT")}
        return zip_together(pair), f"{stem}.zip"
    path = next(path for path in FOLDER.glob(f"{stem}.*") if not path.name.endswith(".json"))
    return path.read_bytes(), path.name


def told(file: CheckedFile) -> dict[tuple[int | None, str | None], set[tuple[str, str]]]:
    """Codes with their severity, by row and field."""
    found: dict[tuple[int | None, str | None], set[tuple[str, str]]] = {}
    for row, field, code, severity in file.findings.select("row", "field", "code", "severity").iter_rows():
        found.setdefault((row, field), set()).add((code, severity))
    return found


@pytest.mark.parametrize("answers", ANSWERS, ids=lambda path: path.name.removesuffix(".answers.json"))
def test_every_answer_of_the_samples_is_found_and_no_other_error(answers: Path) -> None:
    expected = json.loads(answers.read_text())
    file = checked(*sample(answers.name.removesuffix(".answers.json")))
    found = told(file)
    for answer in expected["findings"]:
        severities = ("error",) if answer["severity"] == "error" else ("confirm", "info")
        here = found.get((answer["row"], answer["column"]), set())
        assert any(code == answer["kind"] and severity in severities for code, severity in here), answer
    duplicates = {row for (row, _), codes in found.items() if ("nss_duplicate", "error") in codes}
    errors = {place for place, codes in found.items() if any(severity == "error" for _, severity in codes)}
    planted = {(answer["row"], answer["column"]) for answer in expected["findings"]}
    assert errors - planted <= {(row, "nss") for row in duplicates}


@pytest.mark.parametrize("answers", ANSWERS, ids=lambda path: path.name.removesuffix(".answers.json"))
def test_the_samples_are_read_whole(answers: Path) -> None:
    expected = json.loads(answers.read_text())
    file = checked(*sample(answers.name.removesuffix(".answers.json")))
    assert file.lines.height == expected.get("employees", expected.get("movements"))
    assert file.form.name == ("movements" if expected["kind"] == "movements" else "annual")
    assert file.year == expected["year"]
    if file.facts.employer_number is not None:
        assert file.facts.employer_number == expected["employer_number"]
    if expected.get("first_data_row"):
        assert file.lines["row"].min() == expected["first_data_row"]
    if expected.get("quarter_totals_centimes"):
        assert file.totals is not None
        assert list(file.totals.quarters) == expected["quarter_totals_centimes"]
        assert file.totals.annual == expected["annual_total_centimes"]


def test_a_clean_file_leaves_no_doubt_that_is_not_true() -> None:
    for stem in ("D253137704614", "annual-2025-exported-clean", "annual-2025-kept-by-hand-clean"):
        file = checked(*sample(stem))
        assert file.findings.filter(pl.col("severity") != "info").is_empty(), stem


LAYOUTS: dict[str, Layout] = {
    "export": Layout(sheet="DAS 2026"),
    "french, two merged rows, titles": Layout(
        titles=["SARL DU SUD", "Employeur : 16 123 456 78", "Exercice 2026"], one_row="french", two_rows="french",
        amounts="french", dates="slash", totals=True, notes=True, extras=True, other_sheet=True,
    ),
    "two rows not merged": Layout(
        titles=["Déclaration des salaires 2026"], one_row="payroll", two_rows="short", merged=False, amounts="german",
        dates="dots", totals=True, blank_every=7,
    ),
    "arabic": Layout(
        titles=["التصريح السنوي بالأجور لسنة 2026"], one_row="arabic", two_rows="arabic", amounts="arabic",
        dates="slash",
    ),
    "arabic in one row": Layout(titles=["سنة 2026"], one_row="arabic", amounts="number", dates="cell", totals=True),
    "english, shuffled": Layout(
        titles=["Year 2026"], one_row="english", amounts="english", dates="iso", shuffled=5, extras=True
    ),
    "french, shuffled, numbers as stored": Layout(
        titles=["Année 2026"], one_row="french", nss_numbers=True, dates="long", shuffled=11, numbering=True
    ),
    "month first": Layout(titles=["Annual 2026"], one_row="english", two_rows="english", dates="month-first"),
    "short years, repeated header": Layout(
        titles=["Exercice 2026"], one_row="payroll", dates="short", amounts="narrow", repeated_header=True, notes=True
    ),
    "csv": Layout(titles=["Exercice 2026"], one_row="french", format="csv", amounts="french", totals=True),
    "csv export": Layout(titles=["DAS 2026"], one_row="export", format="csv", amounts="number", dates="iso"),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_right_file_of_any_layout_has_no_error_and_no_doubt(name: str) -> None:
    layout = LAYOUTS[name]
    lines = samples.people(60, year=2026, minimum=24_000, seed=3, arabic="arabic" in name)
    file = samples.write(lines, layout)
    found = checked(file.content, file.name)
    assert found.lines["row"].to_list() == file.rows
    assert found.year == 2026
    assert found.findings.filter(pl.col("severity") != "info").is_empty(), found.findings
    assert found.totals is not None
    assert found.totals.annual == sum(int(line["annual_amount"] * 100) for line in lines)
    assert found.lines["birth_date"].to_list() == [line["birth_date"] for line in lines]
    assert found.lines["nss"].to_list() == [line["nss"] for line in lines]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", LAYOUTS)
def test_every_planted_mistake_is_found_in_any_layout(name: str, seed: int) -> None:
    layout = LAYOUTS[name]
    lines = samples.people(90, year=2026, minimum=24_000, seed=seed, arabic="arabic" in name)
    planted = samples.plant(lines, year=2026, seed=seed)
    file = samples.write(lines, layout)
    found = told(checked(file.content, file.name))
    for mistake in planted:
        assert (mistake.code, mistake.severity) in found.get((file.rows[mistake.place], mistake.field), set()), mistake
    expected = {(file.rows[mistake.place], mistake.field) for mistake in planted}
    twins = {place for place, codes in found.items() if ("nss_duplicate", "error") in codes}
    errors = {place for place, codes in found.items() if any(severity == "error" for _, severity in codes)}
    assert errors <= expected | twins, {place: found[place] for place in errors - expected - twins}


def test_findings_are_said_in_every_language_without_a_blank_to_fill() -> None:
    lines = samples.people(90, year=2026, minimum=24_000, seed=1)
    samples.plant(lines, year=2026, seed=1)
    file = samples.write(lines, LAYOUTS["french, two merged rows, titles"])
    found = checked(file.content, file.name)
    for language in LANGUAGES:
        for finding in file_findings(found, language):
            assert finding.message
            assert "{" not in finding.message
            assert "None" not in finding.message
