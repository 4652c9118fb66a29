"""The columns: found by what people call them, documented, and every code has its words."""

import re
from pathlib import Path

import pytest

from schemas.registry import Register
from teledeclaration.languages import catalogue
from teledeclaration.registry import checking
from teledeclaration.registry.columns import forms, match_header, template_csv
from teledeclaration.registry.sql import STATEMENTS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("register", sorted(forms()))
def test_template_has_every_column(register: Register) -> None:
    header = template_csv(register).decode("utf-8-sig").strip().split(";")
    assert tuple(match_header(register, list(header)).values()) == forms()[register].fields


@pytest.mark.parametrize(
    ("header", "field"),
    [("N° SÉCURITÉ SOCIALE", "nss"), ("Prenom", "first_name"), ("اللقب", "last_name_ar"), ("BIRTH_DATE", "birth_date")],
)
def test_columns_are_found_by_what_people_call_them(header: str, field: str) -> None:
    assert match_header("people", [None, header]) == {1: field}


def test_every_column_is_documented() -> None:
    text = (ROOT / "docs" / "registers.md").read_text()
    for register, form in forms().items():
        section = text.split(f"\n## {register}\n")[1].split("\n## ")[0]
        assert [field for field in form.fields if f"`{field}`" not in section] == []


def test_every_code_has_its_words() -> None:
    in_sql = {
        code
        for statements in STATEMENTS.values()
        for code in re.findall(r"'\w+'(?: AS field)?, '(\w+)'", statements.refusals)
    }
    in_cells = set(checking._CODES.values()) | {"required", "repeated", "links_to_itself", "too_many_cells", "absent"}
    assert {code for code in in_sql | in_cells if f"registers.finding.{code}" not in catalogue()} == set()
    assert "person_unknown" in in_sql
