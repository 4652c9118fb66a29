"""What people write over a column is understood, in three languages and any spelling."""

from collections.abc import Sequence

import polars as pl
import pytest

from schemas.findings import Severity
from teledeclaration.intake.checks import Rules
from teledeclaration.intake.forms import FORMS, FormName, synonyms
from teledeclaration.intake.header_checks import table_findings
from teledeclaration.intake.headers import find_table
from teledeclaration.intake.matching import meaning
from teledeclaration.intake.names import split_full_name
from teledeclaration.intake.normalising import normalised
from teledeclaration.intake.raw import RawFile, RawSheet, column_letter
from teledeclaration.intake.rows import line_rows
from teledeclaration.intake.tables import Unrecognised
from teledeclaration.intake.titles import header_facts

PERSON = ["NSS", "Nom", "Prénom", "Date de naissance"]
AMOUNTS = ["Montant T1", "Montant T2", "Montant T3", "Montant T4"]
LINE = ["874050470340", "BENALI", "KARIM", "11/02/1987", "60000", "60000", "60000", "60000"]


Rows = Sequence[Sequence[str | None]]


def workbook(*sheets: Rows, merged: tuple[tuple[int, str, int, str], ...] = ()) -> RawFile:
    return RawFile("workbook", "xlsx", tuple(sheet(rows, f"Feuil{n}", merged) for n, rows in enumerate(sheets, 1)))


def sheet(
    rows: Rows, name: str, merged: tuple[tuple[int, str, int, str], ...] = (), *, visible: bool = True
) -> RawSheet:
    width = max(len(row) for row in rows)
    columns = {
        column_letter(place + 1): pl.Series([row[place] if place < len(row) else None for row in rows], dtype=pl.String)
        for place in range(width)
    }
    return RawSheet(name, visible, pl.DataFrame(columns), merged=merged)


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ("N° S.S.", "nss"),
        ("N°SS", "nss"),
        ("رقم الضمان الاجتماعي", "nss"),
        ("رقم الضّمان الإجتماعـي", "nss"),
        ("NOM DE FAMILLE", "last_name"),
        ("اللقب", "last_name"),
        ("Prenom", "first_name"),
        ("Né(e) le", "birth_date"),
        ("Date naisance", "birth_date"),
        ("DateNaissance", "birth_date"),
        ("Nom et prénom", "full_name"),
        ("الاسم واللقب", "full_name_first"),
        ("DUREE_T1", "q1_duration"),
        ("Nb jours 2ème trim.", "q2_duration"),
        ("T1 montant", "q1_amount"),
        ("Montant Q3 (DA)", "q3_amount"),
        ("المبلغ الثلاثي 1", "q1_amount"),
        ("الأجر للثلاثي الرابع", "q4_amount"),
        ("Salaire cotisable 1er Trimestre 2025", "q1_amount"),
        ("Third quarter pay", "q3_amount"),
        ("trimestre II - unité", "q2_unit"),
        ("Janv-Mars brut", "q1_amount"),
        ("Montant4", "q4_amount"),
        ("T2", "q2_amount"),
        ("Total annuel", "annual_amount"),
        ("المجموع السنوي", "annual_amount"),
        ("Date d’entrée", "entry_date"),
        ("تاريخ الخروج", "exit_date"),
        ("N°", "ignored"),
        ("Fonction", "ignored"),
        ("Salaire de base", "ignored"),
    ],
)
def test_a_header_of_the_annual_form(words: str, field: str) -> None:
    said = meaning(words, "annual")
    assert said is not None
    assert said.field == field


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ("N° Immat. SS", "nss"),
        ("N° SS du salarié", "nss"),
        ("S.S", "nss"),
        ("ر.ض.إ", "nss"),
        ("NOM_EMP", "last_name"),
        ("Patronyme", "last_name"),
        ("Nom et Prénom de l'agent", "full_name"),
        ("Nom complet du salarié", "full_name"),
        ("D.D.N", "birth_date"),
        ("Date d'entrée dans l'entreprise", "entry_date"),
        ("تاريخ الإلتحاق بالعمل", "entry_date"),
        ("Date fin de relation de travail", "exit_date"),
        ("SB Trim 1", "q1_amount"),
        ("SBT1", "q1_amount"),
        ("Base Cot. T1", "q1_amount"),
        ("Sal. Soumis à cotisation 1er trim", "q1_amount"),
        ("Assiette SS T1", "q1_amount"),
        ("أجر الثلاثي الأول", "q1_amount"),
        ("Nbr jours 2T", "q2_duration"),
        ("NBJT2", "q2_duration"),
        ("Nb j. trav. T2", "q2_duration"),
        ("Nombre jours travaillés T2", "q2_duration"),
        ("J/H T3", "q3_unit"),
        ("UNI3", "q3_unit"),
        ("CUMUL_AN", "annual_amount"),
        ("Total soumis à cotisation", "annual_amount"),
        ("Total des 4 trim.", "annual_amount"),
        ("Somme T1 à T4", "annual_amount"),
        ("Cumul annuel brut", "annual_amount"),
        ("المجموع السنوي للأجور", "annual_amount"),
    ],
)
def test_a_header_as_payroll_programs_write_it(words: str, field: str) -> None:
    said = meaning(words, "annual", fuzzy=False)
    assert said is not None
    assert said.field == field


@pytest.mark.parametrize(
    "words",
    [
        *("Cotisations T1", "Total cotisations", "Salaire base T1", "Net T1", "Net annuel", "IRG T1", "Retenue SS T1"),
        *("J", "90 jours", "3 mois", "Base", "Emp", "Agent"),
    ],
)
def test_words_that_are_not_what_is_declared(words: str) -> None:
    said = meaning(words, "annual", fuzzy=False)
    assert said is None or said.field in ("ignored", "amount")


@pytest.mark.parametrize(
    ("header", "units"),
    [
        (["MATR", "NOM", "PRENOM", "NUM_SS", "SB_TRIM1", "NBJ_TRIM1", "TOT_AN"], {"q1_duration": "J"}),
        (["Nom", "Prénom", "N° Immat", "Heures T1", "Brut T1", "Net T1", "Brut annuel"], {"q1_duration": "H"}),
        (["NUMSS", "NOM", "PRENOM", "DNAIS", "DUR1", "UNI1", "MNT1", "MNTAN"], {}),
        (["N°SS", "Nom et Prénoms", "Nbr J 1T", "Assiette T1", "Cumul annuel"], {"q1_duration": "J"}),
    ],
)
def test_an_export_is_read_with_no_mapping(header: list[str], units: dict[str, str]) -> None:
    table = find_table(workbook([header, ["874050470340"] * len(header)]))
    assert {"nss", "q1_duration", "q1_amount", "annual_amount"} <= set(table.letters)
    assert table.unit_said == units


@pytest.mark.parametrize("words", ["", "Déclaration annuelle", "SARL EL AMEL", "2025", "Visa du directeur général"])
def test_words_that_are_no_column(words: str) -> None:
    assert meaning(words, "annual") is None


def test_a_header_that_says_its_unit() -> None:
    said = meaning("Heures T2", "annual")
    assert said is not None
    assert (said.field, said.unit) == ("q2_duration", "H")


def test_words_are_compared_without_their_dress() -> None:
    assert normalised("  N° S.S. ") == "no ss"
    assert normalised("المبلـغُ") == normalised("المبلغ")
    assert normalised("إسم") == normalised("اسم")
    assert normalised("٢٠٢٥") == "2025"


def test_the_header_is_found_under_titles_with_employer_and_year() -> None:
    raw = workbook(
        [["SARL DU SUD"], ["N° employeur : 16 470 917 06"], ["Exercice 2025"], [], [*PERSON, *AMOUNTS], [*LINE]]
    )
    table = find_table(raw)
    facts = header_facts(raw, table, None)
    assert (table.header_row, table.first_row, table.form.name) == (5, 6, "annual")
    assert (facts.employer_number, facts.year, facts.year_sure) == ("1647091706", 2025, True)


def test_an_employer_number_in_the_cell_beside_its_label() -> None:
    raw = workbook([["Code employeur", "0924584219"], ["Année", "2024"], [*PERSON, *AMOUNTS], [*LINE]])
    facts = header_facts(raw, find_table(raw), None)
    assert (facts.employer_number, facts.year) == ("0924584219", 2024)


def test_two_rows_of_header_without_merged_cells() -> None:
    upper: list[str | None] = [*PERSON, "1er trimestre", None, None, "2ème trimestre", None, None, "Total"]
    lower: list[str | None] = [*([None] * 4), "Durée", "U", "Montant", "Durée", "U", "Montant", None]
    line = [*LINE[:4], "90", "J", "60000", "90", "J", "60000", "120000"]
    table = find_table(workbook([upper, lower, line]))
    assert table.first_row == 3
    assert table.letters["q1_amount"] == "G"
    assert table.letters["q2_unit"] == "I"
    assert table.letters["annual_amount"] == "K"


def test_four_bare_measures_are_the_four_quarters_in_order() -> None:
    header = [*PERSON, *(["Durée", "Unité", "Montant"] * 4)]
    line = [*LINE[:4], *(["90", "J", "60000"] * 4)]
    table = find_table(workbook([header, line]))
    assert table.letters["q1_duration"] == "E"
    assert table.letters["q4_amount"] == "P"


def test_the_sheet_with_the_table_is_taken_and_a_hidden_one_is_not() -> None:
    hidden = sheet([[*PERSON, *AMOUNTS], [*LINE], [*LINE]], "Archive", visible=False)
    notes = sheet([["Ne pas diffuser"]], "Notes")
    real = sheet([[*PERSON, *AMOUNTS], [*LINE]], "DAS")
    assert find_table(RawFile("workbook", "xlsx", (hidden, notes, real))).sheet.name == "DAS"


def test_movements_and_annual_are_told_apart() -> None:
    header = [*PERSON, "Mouvement", "Date", "Motif"]
    table = find_table(workbook([header, [*LINE[:4], "Entrée", "01/02/2025", "Recrutement"]]))
    assert table.form.name == "movements"
    assert table.letters["date"] == "F"


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([["Produit", "Prix"], ["Table", "5"]], "no-columns"),
        ([["Bonjour"]], "no-columns"),
        ([[*PERSON, *AMOUNTS]], "header-only"),
        ([["Exercice 2025"], [*PERSON, *AMOUNTS], [" "]], "header-only"),
    ],
)
def test_a_file_without_a_table_says_why(rows: Rows, code: str) -> None:
    with pytest.raises(Unrecognised) as refused:
        find_table(workbook(rows))
    assert refused.value.code == code


def test_rows_that_are_no_line_are_passed_over() -> None:
    rows: list[list[str | None]] = [
        [*PERSON, *AMOUNTS],
        [str(place) for place in range(1, 9)],
        [*LINE],
        [],
        [*PERSON, *AMOUNTS],
        [None, *LINE[1:]],
        [None, "BENALI"],
        [*LINE],
        [None, "TOTAL", None, None, "180000", "180000", "180000", "180000"],
        [None, None, None, None, "180000", "180000", "180000", "180000"],
        ["Arrêté le présent état"],
        [None, None, "Le gérant", None, None, None, "Cachet"],
    ]
    rows_found = line_rows(find_table(workbook(rows)))
    assert rows_found.lines.to_list() == [3, 6, 8]
    assert rows_found.doubtful == (7,)


def test_a_missing_column_is_told_once() -> None:
    table = find_table(workbook([["Nom", "Prénom", "Montant T1"], ["BENALI", "KARIM", "60000"]]))
    told = table_findings(table, pl.DataFrame({"row": [2]}), Rules(required={"nss": Severity.ERROR}))
    assert told.select("code", "field", "severity").rows() == [("column_missing", "nss", "error")]


@pytest.mark.parametrize(
    ("name", "first_name_first", "last", "first"),
    [
        ("BENALI Mohamed Amine", False, "BENALI", "Mohamed Amine"),
        ("AIT AHMED Karim", False, "AIT AHMED", "Karim"),
        ("BEN SALEM KARIM", False, "BEN SALEM", "KARIM"),
        ("Karim BENALI", False, "BENALI", "Karim"),
        ("Benali, Karim", False, "Benali", "Karim"),
        ("كريم بن علي", True, "بن علي", "كريم"),
        ("بن علي كريم", False, "بن علي", "كريم"),
        ("BENALI", False, "BENALI", None),
    ],
)
def test_one_column_for_two_names(name: str, first_name_first: bool, last: str, first: str | None) -> None:
    lasts, firsts = split_full_name(pl.Series([name]), first_name_first=first_name_first)
    assert (lasts[0], firsts[0]) == (last, first)


@pytest.mark.parametrize("form", ["annual", "movements"])
def test_no_word_has_two_meanings_in_a_form(form: FormName) -> None:
    wanted = {*FORMS[form].fields, "full_name", "full_name_first"}
    meanings: dict[str, set[str]] = {}
    for field, words in synonyms().fields.items():
        for word in words if field in wanted else ():
            meanings.setdefault(normalised(word), set()).add(field)
    assert {word: fields for word, fields in meanings.items() if len(fields) > 1} == {}
