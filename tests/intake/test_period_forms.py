"""The forms of a month or quarter, by employee and by rate line: our templates, and people's own workbooks."""

import io
from datetime import date
from typing import Any

import openpyxl
import polars as pl
import pytest

from intake.template_filling import (
    CENTRE,
    EMPLOYER,
    NUMBERS,
    PEOPLE,
    TODAY,
    checked,
    codes,
    filled,
    places_of,
    raw_of,
    stamp_of,
    written,
)
from teledeclaration.check import standard_context
from teledeclaration.intake.checking import CheckedFile, check_raw
from teledeclaration.intake.few_casts import cast_categories, cast_codes, cast_counts, cast_hours
from teledeclaration.intake.forms import FORMS, by_word, synonyms
from teledeclaration.intake.headers import find_table
from teledeclaration.intake.mapping import Known
from teledeclaration.intake.normalising import normalised
from teledeclaration.intake.period_words import period_in_words
from teledeclaration.intake.templates.design import FIRST_ROW, HEADER_ROW, Template
from teledeclaration.intake.templates.stamp import STAMP_SHEET
from teledeclaration.languages import LANGUAGES, Language
from teledeclaration.legislation import load
from teledeclaration.payroll.templates import blank_template, offered, stamp_for, with_called_categories
from teledeclaration.periods import Month, Quarter, Year

LAW = load("cnas")
JANUARY = Month(2026, 1)
languages = pytest.mark.parametrize("language", LANGUAGES)
PAID = {"duration": 30, "unit": "J", "amount": 45000.5}


def periodic_template(language: Language = "fr", **parts: Any) -> Template:
    stamp = stamp_of("periodic", language, year=2026, period="2026-01")
    words = offered("periodic", JANUARY, LAW, language)
    return Template(form=FORMS["periodic"], stamp=stamp, rows=PEOPLE, **{"offered": words, **parts})


def own_workbook(*rows: tuple[object, ...]) -> bytes:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read(content: bytes, **asked: Any) -> CheckedFile:
    context = standard_context(TODAY, **asked)
    return check_raw(raw_of(content, "paie.xlsx"), context=context)


# ── templates


@languages
def test_a_months_template_is_read_with_nothing_to_ask(language: Language) -> None:
    category = offered("periodic", JANUARY, LAW, language)["rate_category"][0]
    rebate = with_called_categories(pl.DataFrame({"rate_category": ["rebate_north_first_job"]}), language).item()
    contract = {"contract_start": date(2025, 6, 1), "contract_months": 12, "justification": "ANEM 12/2025"}
    file = checked(
        filled(
            written(periodic_template(language)),
            {0: {**PAID, "rate_category": category}, 1: {**PAID, "rate_category": rebate, **contract}, 2: PAID},
        )
    )
    assert (file.form.name, file.table.how, file.period) == ("periodic", "template", JANUARY)
    assert (file.facts.employer_number, file.facts.payment_centre) == (EMPLOYER, CENTRE)
    assert file.lines.select("nss", "duration", "unit", "amount", "rate_category").rows() == [
        (NUMBERS[0], 30, "J", 4_500_050, "building"),
        (NUMBERS[1], 30, "J", 4_500_050, "rebate_north_first_job"),
        (NUMBERS[2], 30, "J", 4_500_050, None),
    ]
    assert file.lines.select("contract_start", "contract_months", "justification").rows()[1] == (
        date(2025, 6, 1), 12, "ANEM 12/2025",
    )  # fmt: skip
    assert codes(file) == {}


@languages
def test_a_template_by_rate_line_has_the_codes_in_force_and_what_they_are(language: Language) -> None:
    period = Quarter(2026, 1)
    content = written(
        blank_template(FORMS["totals"], stamp_for(FORMS["totals"], period, language, today=TODAY), period, LAW)
    )
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    places = places_of(sheet)
    said = [sheet.cell(FIRST_ROW + place, places["code"]).value for place in range(6)]
    assert said == ["R22", "R06", "R07", "R08", "R38", "R98"]
    assert all(sheet.cell(FIRST_ROW + place, places["shown.label"]).value for place in range(6))
    file = checked(filled(content, {0: {"amount": 1_000_000, "workers": 20}, 5: {"amount": 1_000_000, "workers": 20}}))
    assert (file.form.name, file.table.how, file.period) == ("totals", "template", period)
    assert file.lines.select("code", "amount", "workers").rows() == [
        ("R22", 100_000_000, 20), ("R98", 100_000_000, 20),
    ]  # fmt: skip
    assert codes(file) == {"left_blank": "info"}


def test_a_long_list_of_words_stands_on_the_stamps_sheet() -> None:
    book = openpyxl.load_workbook(io.BytesIO(written(periodic_template())))
    rules = {rule.formula1 for rule in book.worksheets[0].data_validations.dataValidation if rule.type == "list"}
    words = offered("periodic", JANUARY, LAW, "fr")["rate_category"]
    assert f"{STAMP_SHEET}!$D$1:$D${len(words)}" in rules
    assert tuple(cell.value for cell in book[STAMP_SHEET]["D"][: len(words)]) == words


def test_last_periods_figures_stand_beside_and_are_not_read() -> None:
    last = pl.DataFrame(
        {"duration": [30, 15, None], "unit": ["J", "J", None], "amount": [4_000_000, 2_000_000, None]},
        schema_overrides={"duration": pl.Int32},
    )
    content = written(periodic_template(last=last, last_year="2025-12"))
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    place = places_of(sheet)["shown.last_year.amount"]
    assert sheet.cell(FIRST_ROW, place).value == 40000
    assert "2025-12" in str(sheet.cell(HEADER_ROW, place).value)
    assert checked(filled(content, {0: PAID})).lines["amount"].to_list() == [4_500_050]


def test_the_reasons_offered_are_the_laws_and_are_understood() -> None:
    known = by_word(synonyms().reasons)
    for language in LANGUAGES:
        reasons = offered("movements", Year(2026), LAW, language)["reason"]
        assert len(reasons) == 9
        assert [reason for reason in reasons if normalised(reason) not in known] == []


def test_another_months_template_is_told() -> None:
    content = filled(written(periodic_template()), {0: PAID})
    context = standard_context(TODAY, employer_number=EMPLOYER, period=Month(2026, 2))
    file = check_raw(raw_of(content), context=type(context)(**{**vars(context), "signed": lambda stamp: True}))
    assert codes(file)["other_period"] == "error"


# ── people's own workbooks

HEADER = ("N° SS", "Nom", "Prénom", "Date de naissance", "Nb jours", "Salaire soumis")
LINE = (NUMBERS[0], "BENALI", "SAMIRA", date(1985, 5, 12), 30, 45000.5)


def test_a_months_own_workbook_is_known_by_its_words() -> None:
    file = read(own_workbook(("Déclaration de janvier 2026",), (), HEADER, LINE))
    assert (file.form.name, file.period) == ("periodic", JANUARY)
    assert file.lines.select("nss", "duration", "unit", "amount").rows() == [(NUMBERS[0], 30, "J", 4_500_050)]
    assert codes(file) == {}


def test_a_file_that_says_no_period_is_checked_for_the_month_before_and_says_so() -> None:
    file = read(own_workbook(HEADER, LINE))
    assert file.period == Month(2026, 12)
    assert codes(file)["period_assumed"] == "info"
    assert read(own_workbook(HEADER, LINE), period=Quarter(2026, 1)).period == Quarter(2026, 1)


def test_totals_are_known_by_their_codes() -> None:
    rows = (("Code", "Assiette", "Effectif"), ("R 22", "1 000 000,00", 20), ("r98", 1_000_000, 20))
    file = read(own_workbook(("DAC 1er trimestre 2026",), *rows))
    assert (file.form.name, file.period) == ("totals", Quarter(2026, 1))
    assert file.lines["code"].to_list() == ["R22", "R98"]
    assert codes(file) == {}


def test_a_years_file_is_none_of_a_period_whatever_is_asked_for() -> None:
    header = ("N° SS", "Nom", "Prénom", "Salaire T1", "Salaire T2", "Salaire T3", "Salaire T4", "Total")
    raw = raw_of(own_workbook(header, (NUMBERS[0], "BENALI", "SAMIRA", 1, 2, 3, 4, 10)))
    assert find_table(raw, Known(form="periodic")).form.name == "annual"
    once = raw_of(own_workbook(("N° SS", "Nom", "Prénom", "Total"), (NUMBERS[0], "BENALI", "SAMIRA", 10)))
    assert find_table(once, Known(form="periodic")).form.name == "periodic"
    assert find_table(once, Known(form="annual")).form.name == "annual"
    assert find_table(once).form.name == "annual"


@pytest.mark.parametrize(
    ("texts", "period"),
    [
        (["Déclaration du mois de janvier 2026"], "2026-01"),
        (["Salaires 03/2026", "Édité le 05/04/2026"], "2026-03"),
        (["تصريح شهر جانفي 2026"], "2026-01"),
        (["DAC 2e trimestre 2026"], "2026-Q2"),
        (["2026-Q3"], "2026-Q3"),
        (["2026-11"], "2026-11"),
        (["Exercice 2026"], None),
        (["janvier 2026", "février 2026"], None),
        (["01/02/2026"], None),
    ],
)
def test_a_title_says_its_period(texts: list[str], period: str | None) -> None:
    assert period_in_words(texts) == period


# ── cells


def cast(function: Any, *texts: str | None) -> tuple[list[Any], list[int]]:
    found = function(pl.Series(texts, dtype=pl.String))
    return found.values.to_list(), found.problems["place"].to_list()


def test_counts_hours_categories_and_codes() -> None:
    assert cast(cast_counts, "12", "12 mois", "12,0", "١٢", "1,5", "un an", "-3", None) == (
        [12, 12, 12, 12, None, None, -3, None],
        [4, 5],
    )
    assert cast(cast_hours, "20", "37,5", "20 h", "-1", "plein") == ([20.0, 37.5, 20.0, None, None], [3, 4])
    assert cast(cast_codes, "R22", "r 22", "R.98", "general", "Régime général", "R99") == (
        ["R22", "R22", "R98", "general", "R22", "R99"],
        [],
    )
    assert cast(cast_categories, "Building", "rebate_north_first_job", "X") == (
        ["building", "rebate_north_first_job", "X"],
        [],
    )
