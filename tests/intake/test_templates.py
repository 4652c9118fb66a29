"""Templates: what they hold, and that they come back with no question asked."""

import io
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import openpyxl
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.template_filling import (
    A_YEAR,
    CENTRE,
    EMPLOYER,
    NUMBERS,
    PEOPLE,
    YEAR,
    checked,
    codes,
    filled,
    places_of,
    raw_of,
    stamp_of,
    template_of,
    written,
)
from teledeclaration.__main__ import main
from teledeclaration.intake.casting import CastContext, cast_column
from teledeclaration.intake.forms import FORMS, FormName
from teledeclaration.intake.matching import meaning
from teledeclaration.intake.tables import Unrecognised
from teledeclaration.intake.templates.design import (
    FIRST_ROW,
    HEADER_ROW,
    ID_ROW,
    LawFigure,
    choices_of,
    header_of,
    sheet_columns,
)
from teledeclaration.intake.templates.stamp import STAMP_SHEET, TemplateStamp, read_stamp
from teledeclaration.languages import LANGUAGES, Language
from teledeclaration.legislation import load
from teledeclaration.payroll.templates import offered
from teledeclaration.periods import Year

LAST = pl.DataFrame(
    {
        **{f"q{q}_duration": pl.Series([90, 90, None], dtype=pl.Int32) for q in (1, 2, 3, 4)},
        **{f"q{q}_unit": ["J", "J", None] for q in (1, 2, 3, 4)},
        **{f"q{q}_amount": [12_000_000, 9_000_050, None] for q in (1, 2, 3, 4)},
        "annual_amount": [48_000_000, 36_000_200, None],
    }
)
MOVED = {"movement": "Entrée", "date": date(2026, 9, 1), "reason": "Recrutement"}
forms = pytest.mark.parametrize("form", FORMS)
languages = pytest.mark.parametrize("language", LANGUAGES)


def opened(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content))


def with_last_year(language: Language = "fr") -> bytes:
    return written(template_of(language=language, last=LAST, last_year=YEAR - 1))


# ── what stands in it


@forms
@languages
def test_each_header_is_known_by_its_words_alone(form: FormName, language: Language) -> None:
    for column in FORMS[form].columns:
        said = meaning(header_of(column, language), form, fuzzy=False)
        assert said is not None and (said.field, said.score) == (column.name, 100), column.name


@languages
def test_no_header_of_last_year_is_taken_for_this_years(language: Language) -> None:
    shown = sheet_columns(template_of(language=language, last=LAST, last_year=2025))[17:]
    assert len(shown) >= 13
    assert [each.header for each in shown if each.look == "shown" and meaning(each.header, "annual")] == []


@forms
@languages
def test_each_choice_is_read_back(form: FormName, language: Language) -> None:
    context = CastContext(year=YEAR, today=date(2026, 6, 1))
    for column in FORMS[form].columns:
        words = choices_of(column, language)
        assert len(",".join(words)) <= 253, "a drop-down holds no more"
        if words:
            cast = cast_column(column.name, column.kind, pl.Series(words, dtype=pl.String), None, context)
            assert cast.values.to_list() == [choice.rpartition(".")[2] for choice in column.choices]


@forms
@languages
def test_the_sheet_is_laid_out_for_its_reader(form: FormName, language: Language) -> None:
    book = opened(written(template_of(form, language, law=(LawFigure("SNMG", "24000.00 DA", "sûr"),))))
    data, explained, stamp = book.worksheets
    assert [data.sheet_state, explained.sheet_state, stamp.sheet_state] == ["visible", "visible", "veryHidden"]
    assert stamp.title == STAMP_SHEET
    assert data.sheet_view.rightToLeft == explained.sheet_view.rightToLeft == (language == "ar")
    assert data.row_dimensions[ID_ROW].hidden
    assert data.freeze_panes == f"D{FIRST_ROW}"
    assert [cell.value for cell in data["B"][1:5]] == [EMPLOYER, "SARL Essai", CENTRE, str(YEAR)]
    assert all(cell.comment for cell in data[HEADER_ROW])
    assert "SNMG" in [cell.value for cell in explained["A"]]
    listed = {rule.formula1 for rule in data.data_validations.dataValidation if rule.type == "list"}
    assert listed == {f'"{",".join(choices_of(column, language))}"' for column in FORMS[form].columns if column.choices}


def test_what_the_fund_knows_is_locked_and_the_rest_is_not() -> None:
    sheet = opened(with_last_year()).worksheets[0]
    assert sheet.protection.sheet and sheet.protection.password is None
    assert not (sheet.protection.sort or sheet.protection.autoFilter or sheet.protection.insertRows)
    places = places_of(sheet)
    locked = {name for name, place in places.items() if sheet.cell(FIRST_ROW, place).protection.locked}
    assert {name for name in locked if not name.startswith("shown.")} == {
        "nss", "last_name", "first_name", "birth_date",
    }  # fmt: skip
    assert len(locked) == 4 + 1 + 13
    blank = FIRST_ROW + PEOPLE.height
    assert not any(sheet.cell(blank, place).protection.locked for name, place in places.items() if "." not in name)
    assert sheet.cell(blank, places["nss"]).number_format == "@"
    assert sheet.cell(blank, places["entry_date"]).number_format == "dd/mm/yyyy"
    assert sheet.cell(blank, places["q1_amount"]).number_format == "#,##0.00"
    assert sheet.cell(blank + 199, places["nss"]).border.left.style == "thin"


def test_last_years_figures_stand_beside_and_are_not_read() -> None:
    content = with_last_year()
    sheet = opened(content).worksheets[0]
    places = places_of(sheet)
    assert sheet.cell(FIRST_ROW + 1, places["shown.last_year.q1_amount"]).value == 90000.5
    assert "2025" in sheet.cell(HEADER_ROW, places["shown.last_year.q1_amount"]).value
    file = checked(filled(content, {0: A_YEAR}))
    assert file.lines["q1_amount"].to_list() == [15_000_050]
    assert file.table.letters["q1_amount"] == "G"


# ── coming back


@languages
def test_a_filled_template_is_read_with_nothing_to_ask(language: Language) -> None:
    new = {"nss": "880101000172", "last_name": "SAADI", "first_name": "NASSIM", "birth_date": date(1988, 1, 1)}
    hired = {"entry_date": date(2026, 1, 1), **A_YEAR}
    file = checked(filled(with_last_year(language), {0: A_YEAR, 1: A_YEAR, 2: A_YEAR, 3: {**new, **hired}}))
    assert file.table.how == "template"
    assert (file.year, file.facts.employer_number, file.facts.payment_centre) == (YEAR, EMPLOYER, CENTRE)
    assert file.lines["nss"].to_list() == [*NUMBERS, "880101000172"]
    assert file.lines["annual_amount"].to_list() == [60_000_200] * 4
    assert codes(file) == {}


@languages
def test_movements_too(language: Language) -> None:
    [entry, *_] = choices_of(FORMS["movements"].column("movement"), language)
    words = offered("movements", Year(YEAR), load("cnas"), language)
    recruited = words["reason"][0]
    content = written(template_of("movements", language, offered=words))
    file = checked(filled(content, {1: {"movement": entry, "date": date(2026, 9, 1), "reason": recruited}}))
    assert file.lines.select("nss", "movement", "date").rows() == [(NUMBERS[1], "entry", date(2026, 9, 1))]
    assert codes(file) == {"left_blank": "info"}


def test_rows_left_blank_are_told_once_and_are_no_lines() -> None:
    file = checked(filled(with_last_year(), {1: A_YEAR}))
    assert file.lines["nss"].to_list() == [NUMBERS[1]]
    told = file.findings.filter(pl.col("code") == "left_blank")
    assert told.select("severity", "seen", "expected").rows() == [
        ("info", "2", f"{FIRST_ROW}, {FIRST_ROW + 2}"),
    ]


def test_a_zero_declares_someone_without_pay() -> None:
    file = checked(filled(with_last_year(), {0: A_YEAR, 1: {"q1_amount": 0}}))
    assert file.lines["nss"].to_list() == list(NUMBERS[:2])


def test_a_template_as_it_was_given_is_refused_in_words_of_its_own() -> None:
    with pytest.raises(Unrecognised) as refused:
        checked(with_last_year())
    assert refused.value.code == "template-not-filled"


def test_a_template_with_nobody_in_it_is_told_as_not_filled_too() -> None:
    with pytest.raises(Unrecognised) as refused:
        checked(written(template_of(rows=PEOPLE.clear())))
    assert refused.value.code == "template-not-filled"


def test_columns_may_be_inserted_moved_and_renamed() -> None:
    book = opened(filled(with_last_year(), {0: A_YEAR}))
    sheet = book.worksheets[0]
    sheet.insert_cols(1)
    sheet.cell(HEADER_ROW, 1).value = "Montant du 1er trimestre"
    sheet.cell(FIRST_ROW, 1).value = 7
    places = places_of(sheet)
    sheet.cell(HEADER_ROW, places["last_name"]).value = "Zzz"
    sheet.cell(ID_ROW, places["q1_amount"]).value, sheet.cell(ID_ROW, places["q2_amount"]).value = (
        sheet.cell(ID_ROW, places["q2_amount"]).value,
        sheet.cell(ID_ROW, places["q1_amount"]).value,
    )
    sheet.cell(FIRST_ROW, places["q2_amount"]).value = 99
    out = io.BytesIO()
    book.save(out)
    file = checked(out.getvalue())
    assert file.lines.select("last_name", "q1_amount", "q2_amount").rows() == [("BENALI", 9_900, 15_000_050)]


def test_without_its_ids_it_is_read_by_its_words() -> None:
    book = opened(filled(with_last_year(), {0: A_YEAR}))
    book.worksheets[0].delete_rows(ID_ROW)
    del book[STAMP_SHEET]
    out = io.BytesIO()
    book.save(out)
    file = checked(out.getvalue())
    assert file.table.how == "words"
    assert file.lines["q1_amount"].to_list()[0] == 15_000_050


def test_a_csv_of_the_sheet_is_known_by_its_ids() -> None:
    sheet = opened(filled(with_last_year(), {0: A_YEAR})).worksheets[0]
    rows = [";".join("" if value is None else str(value) for value in row) for row in sheet.values]
    file = checked("\n".join(rows).encode(), "template.csv")
    assert file.table.how == "template"
    assert file.lines["nss"].to_list() == [NUMBERS[0]]


# ── the stamp


def signed_by(key: str) -> Any:
    return lambda stamp: stamp.signature == f"{key} {len(stamp.message)}"


def as_signed(**said: Any) -> bytes:
    stamp = stamp_of(**said)
    stamp = msgspec.structs.replace(stamp, signature=f"ours {len(stamp.message)}")
    return filled(written(template_of(stamp=stamp)), {0: A_YEAR})


def test_a_mark_is_read_back_as_it_was_written() -> None:
    stamp = stamp_of(signature="abc")
    assert read_stamp(raw_of(written(template_of(stamp=stamp)))) == stamp


def test_a_signed_mark_says_whose_the_file_is() -> None:
    with pytest.raises(Unrecognised) as refused:
        checked(as_signed(employer_number="1600099999"), centre=CENTRE, signed=signed_by("ours"))
    assert (refused.value.code, refused.value.values["number"]) == ("template-of-another-employer", "1600099999")
    file = checked(as_signed(centre="16999", year=2025), centre=CENTRE, signed=signed_by("ours"))
    assert file.facts.payment_centre == "16999"
    assert codes(file).items() >= {"other_centre": "error"}.items()
    assert codes(checked(as_signed(), centre=CENTRE, signed=signed_by("ours"))) == {"left_blank": "info"}


def test_a_changed_mark_is_told_and_not_believed() -> None:
    content = as_signed(centre="16999")
    file = checked(content, centre=CENTRE, signed=signed_by("theirs"))
    assert codes(file)["template_changed"] == "info"
    assert "other_centre" not in codes(file)


def test_a_blank_template_is_nobodys_and_needs_no_signature() -> None:
    blank = template_of(stamp=stamp_of(employer_number=None, centre=None), employer_name=None, rows=PEOPLE.clear())
    person = dict(zip(("nss", "last_name", "first_name"), ("850512345643", "BENALI", "SAMIRA"), strict=True))
    dates = {"birth_date": date(1985, 5, 12), "entry_date": date(2020, 3, 1)}
    file = checked(filled(written(blank), {0: {**person, **dates, **A_YEAR}}), signed=signed_by("ours"))
    assert file.findings.height == 0, file.findings
    assert file.facts.employer_number is None


@pytest.mark.parametrize("cells", [{"A1": "else"}, {"B3": "eleven"}, {"B5": "2026-13"}, {"B8": None}])
def test_a_broken_mark_is_a_changed_one(cells: dict[str, str | None]) -> None:
    book = opened(as_signed())
    for cell, value in cells.items():
        book[STAMP_SHEET][cell] = value
    out = io.BytesIO()
    book.save(out)
    file = checked(out.getvalue(), signed=signed_by("ours"))
    assert codes(file)["template_changed"] == "info"
    assert "hidden_sheet" not in codes(file)


# ── safety


NAMES = st.one_of(
    st.sampled_from(
        ["=1+1", "-ALI", "@x", "+33", "\tA", '=HYPERLINK("x")', "_x0041_", "محمد عبد الرحمن" * 20, "A&<B>\"'"]
    ),
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"]), min_size=1, max_size=40)
    .map(str.strip)
    .filter(bool),
)


@settings(max_examples=40, deadline=None)
@given(last_name=NAMES, first_name=NAMES)
def test_any_name_is_written_safely_and_comes_back_unharmed(last_name: str, first_name: str) -> None:
    rows = PEOPLE.head(1).with_columns(last_name=pl.lit(last_name), first_name=pl.lit(first_name))
    content = written(template_of("movements", rows=rows, blank_rows=1))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
    sheet = raw_of(content).sheets[0].cells
    assert sheet["B"][FIRST_ROW - 1].strip() == last_name.strip()
    assert sheet["C"][FIRST_ROW - 1].strip() == first_name.strip()
    again = opened(content).worksheets[0]
    assert again.cell(FIRST_ROW, 2).data_type in ("s", "inlineStr")


def test_a_company_named_like_a_formula_is_text() -> None:
    book = opened(written(template_of(employer_name="=cmd|'/c calc'!A1")))
    cell = book.worksheets[0]["B3"]
    assert (cell.data_type, cell.quotePrefix) == ("s", True)


# ── without a server


@forms
@languages
def test_the_command_writes_a_blank_template(
    form: FormName, language: Language, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "blank.xlsx"
    assert main(["template", form, "--year", "2026", "--lang", language, "--out", str(place)]) == 0
    assert str(place) in capsys.readouterr().out
    raw = raw_of(place.read_bytes())
    stamp = read_stamp(raw)
    assert stamp == TemplateStamp(
        form=form, version=1, language=language, year=2026, issued_on=stamp.issued_on if stamp else date.min
    )
    said = "\n".join(text for row in raw.sheets[1].cells.iter_rows() for text in row if text)
    figure = "24,000.00 DA" if language == "en" else "24\u202f000,00 DA"
    assert (figure in said) == (form == "annual")


def test_the_command_says_where_it_cannot_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["template", "annual", "--out", str(tmp_path / "none" / "x.xlsx")]) == 1
    assert "x.xlsx" in capsys.readouterr().err
