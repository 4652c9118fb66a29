"""A sheet read as someone says: by letters, whatever its headers; the same again for the next file; never too large."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intake import declaration_samples as samples
from intake.declaration_samples import Layout
from schemas.mapping import IGNORED, FileOutline, LearntWord, Mapping, OutlineSheet, RememberedLayout
from teledeclaration.check import standard_context
from teledeclaration.errors import Malformed
from teledeclaration.intake.checking import CheckContext, CheckedFile, check_raw
from teledeclaration.intake.headers import find_table
from teledeclaration.intake.mapping import Known, beginning, check_mapping, learnings_of, table_words
from teledeclaration.intake.outline import OUTLINE_BYTES_MAX, mapping_in_force, outline_of
from teledeclaration.intake.raw import RawFile, RawSheet, ReadingLimits, column_letter
from teledeclaration.intake.reading import read_any
from teledeclaration.intake.tables import Unrecognised

TODAY = date(2026, 11, 22)
LEARNT_AT = datetime(2026, 1, 5, tzinfo=UTC)
FIELDS = (
    *("nss", "last_name", "first_name", "birth_date"),
    *(f"q{quarter}_{measure}" for quarter in (1, 2, 3, 4) for measure in ("duration", "unit", "amount")),
    *("annual_amount", "entry_date", "exit_date"),
)

Rows = Sequence[Sequence[str | None]]


def sheet_of(rows: Rows, name: str = "Feuil1", *, visible: bool = True) -> RawSheet:
    width = max(len(row) for row in rows)
    columns = {
        column_letter(place + 1): pl.Series([row[place] if place < len(row) else None for row in rows], dtype=pl.String)
        for place in range(width)
    }
    return RawSheet(name, visible, pl.DataFrame(columns))


def workbook(*sheets: RawSheet) -> RawFile:
    return RawFile("workbook", "xlsx", sheets)


def context(known: Known, **others: Any) -> CheckContext:
    return replace(standard_context(TODAY, year=2025), known=known, **others)


def by_hand(raw: RawFile, mapping: Mapping) -> CheckedFile:
    return check_raw(raw, context=context(Known(mapping=mapping)))


def lines_of_samples(count: int = 12) -> list[samples.Line]:
    return samples.people(count, year=2025, minimum=20_000, seed=7)


def texts_of(lines: list[samples.Line], fields: Sequence[str]) -> list[list[str | None]]:
    return [[None if line.get(name) is None else str(line[name]) for name in fields] for line in lines]


def mapping_of(fields: Sequence[str | None], header_row: int = 1, **others: Any) -> Mapping:
    columns = {column_letter(place): field for place, field in enumerate(fields, start=1) if field}
    return Mapping(**{"sheet": "Feuil1", "header_row": header_row, "columns": columns, **others})


CANONICAL: list[Sequence[str | None]] = [list(FIELDS), *texts_of(lines_of_samples(), FIELDS)]
"""A table whose headers are the fields' own names, which nobody's workbook has."""


def canonical_lines() -> pl.DataFrame:
    return by_hand(workbook(sheet_of(CANONICAL)), mapping_of(FIELDS)).lines.drop("row")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    order=st.permutations(range(len(FIELDS))),
    headers=st.lists(st.text(max_size=30), min_size=len(FIELDS), max_size=len(FIELDS)),
    above=st.lists(st.sampled_from(["", "SARL EL AMEL", "2025", "Etat des salaires"]), max_size=4),
    headed=st.booleans(),
)
def test_any_order_and_any_headers_give_the_same_lines(
    order: list[int], headers: list[str], above: list[str], headed: bool
) -> None:
    fields = [FIELDS[place] for place in order]
    rows = texts_of(lines_of_samples(), fields)
    header_row = len(above) + 1 if headed else 0
    grid: list[Sequence[str | None]] = [*([text] for text in above), headers] if headed else []
    checked = by_hand(workbook(sheet_of([*grid, *rows])), mapping_of(fields, header_row))
    assert checked.lines.drop("row").equals(canonical_lines())
    assert checked.errors == 0


@pytest.mark.parametrize(
    "layout",
    [Layout(two_rows="french"), Layout(one_row="arabic", titles=["a", "b"]), Layout(one_row="english", shuffled=3)],
)
def test_the_mapping_in_force_put_back_by_hand_reads_the_same(layout: Layout) -> None:
    written = samples.write(lines_of_samples(), layout)
    raw = read_any(written.content, written.name, ReadingLimits())
    by_words = check_raw(raw, context=context(Known()))
    assert by_words.outline is not None
    mapping = mapping_in_force(by_words.outline)
    assert mapping is not None
    again = by_hand(raw, mapping)
    assert again.lines.equals(by_words.lines)
    assert again.findings.equals(by_words.findings)
    assert again.outline is not None
    assert (by_words.outline.how, again.outline.how) == ("words", "hand")


# ── what is said beside the columns ─────────────────────────────────────────────────────────────


def one_line(**texts: str | None) -> tuple[RawFile, list[str]]:
    line = {
        "nss": "874050470340", "last_name": "BENALI", "first_name": "KARIM", "birth_date": "11/02/1987",
        "q1_duration": "90", "q1_amount": "60000", **texts,
    }  # fmt: skip
    return workbook(sheet_of([[f"c{place}" for place in range(len(line))], list(line.values())])), list(line)


def test_a_unit_of_all_quarters_or_of_one() -> None:
    raw, fields = one_line(q1_duration="3", q2_duration="520", q2_amount="60000")
    checked = by_hand(raw, mapping_of(fields, units={"all": "M", "q2": "H"}))
    assert checked.lines.select("q1_unit", "q2_unit").row(0) == ("M", "H")
    assert "unit_assumed" not in checked.findings["code"].to_list()


def test_a_unit_said_fills_blank_cells_of_a_unit_column() -> None:
    raw, fields = one_line(q1_unit=None, q2_duration="500", q2_unit="H", q2_amount="60000")
    checked = by_hand(raw, mapping_of(fields, units={"all": "J"}))
    assert checked.lines.select("q1_unit", "q2_unit").row(0) == ("J", "H")


@pytest.mark.parametrize(
    ("order", "day"), [("month", date(1987, 11, 2)), ("day", date(1987, 2, 11)), ("auto", date(1987, 2, 11))]
)
def test_the_month_or_the_day_first(order: str, day: date) -> None:
    raw, fields = one_line()
    assert by_hand(raw, mapping_of(fields, date_order=order)).lines["birth_date"][0] == day


def test_a_file_of_months_first_is_read_days_first_where_someone_says_so() -> None:
    raw, fields = one_line(birth_date="02/25/1987")
    checked = by_hand(raw, mapping_of(fields, date_order="day"))
    assert "birth_impossible" in checked.findings["code"].to_list()
    assert by_hand(raw, mapping_of(fields)).lines["birth_date"][0] == date(1987, 2, 25)


@pytest.mark.parametrize(
    ("text", "centimes"), [("6000000", 6_000_000), ("6 000 050", 6_000_050), ("6000000.00", 6_000_000), ("-150", -150)]
)
def test_amounts_that_count_centimes(text: str, centimes: int) -> None:
    raw, fields = one_line(q1_amount=text)
    assert by_hand(raw, mapping_of(fields, amounts_in="centimes")).lines["q1_amount"][0] == centimes


def test_a_part_of_a_centime_is_a_doubt() -> None:
    raw, fields = one_line(q1_amount="6000000,5")
    checked = by_hand(raw, mapping_of(fields, amounts_in="centimes"))
    told = checked.findings.filter(pl.col("code") == "amount_rounded")
    assert checked.lines["q1_amount"][0] == 6_000_001
    assert told.select("field", "proposed").rows() == [("q1_amount", "60000.01")]


@pytest.mark.parametrize(("field", "text"), [("full_name", "BENALI KARIM"), ("full_name_first", "KARIM BENALI")])
def test_a_column_of_both_names(field: str, text: str) -> None:
    raw = workbook(sheet_of([["x", "y", "z"], ["874050470340", text, "60000"]]))
    lines = by_hand(raw, mapping_of(["nss", field, "annual_amount"])).lines
    assert lines.select("last_name", "first_name").row(0) == ("BENALI", "KARIM")


def test_a_header_repeated_on_every_page_is_no_line() -> None:
    header: list[str | None] = [f"rubrique {letter}" for letter in "ABCDEF"]
    lines = texts_of(
        lines_of_samples(4), fields := ["nss", "last_name", "first_name", "birth_date", "q1_duration", "q1_amount"]
    )
    raw = workbook(sheet_of([header, *lines[:2], header, *lines[2:]]))
    assert by_hand(raw, mapping_of(fields)).lines.height == 4


def test_another_sheet_by_hand_even_a_hidden_one() -> None:
    shown = sheet_of([["NSS", "Nom", "Prénom", "Montant T1"], ["874050470340", "A", "B", "1"]], "2024")
    hidden = sheet_of(CANONICAL, "Feuil1", visible=False)
    assert by_hand(workbook(shown, hidden), mapping_of(FIELDS)).lines.drop("row").equals(canonical_lines())


# ── what is wrong with a mapping ────────────────────────────────────────────────────────────────

SHEETS = [OutlineSheet(name="Feuil1", visible=True, rows=50, columns=10)]
GOOD = {"A": "nss", "B": "last_name", "C": "first_name", "D": "q1_amount"}


@pytest.mark.parametrize(
    ("changes", "kind", "pointer"),
    [
        ({"sheet": "Feuil9"}, "mapping-sheet-unknown", "/sheet"),
        ({"header_row": 51}, "mapping-header-beyond", "/header_row"),
        ({"header_row": 50, "header_height": 2}, "mapping-header-beyond", "/header_row"),
        ({"columns": GOOD | {"E": "salary"}}, "mapping-field-unknown", "/columns/E"),
        ({"columns": GOOD | {"E": "nss"}}, "mapping-field-twice", "/columns/E"),
        ({"columns": GOOD | {"K": "exit_date"}}, "mapping-column-outside", "/columns/K"),
        ({"columns": GOOD | {"K": IGNORED}}, "mapping-column-outside", "/columns/K"),
        ({"columns": {"A": "nss", "B": "last_name", "C": "first_name"}}, "mapping-fields-missing", "/columns"),
        ({"columns": {"B": "full_name", "D": "q1_amount"}}, "mapping-fields-missing", "/columns"),
    ],
)
def test_what_is_wrong_is_named_at_its_place(changes: dict[str, Any], kind: str, pointer: str) -> None:
    mapping = Mapping(**{"sheet": "Feuil1", "header_row": 1, "columns": GOOD, **changes})
    with pytest.raises(Malformed) as refused:
        check_mapping(mapping, SHEETS)
    assert (refused.value.type, refused.value.pointer) == (kind, pointer)


def test_a_good_mapping_passes() -> None:
    check_mapping(Mapping(sheet="Feuil1", header_row=50, columns=GOOD | {"J": IGNORED}), SHEETS)
    check_mapping(
        Mapping(sheet="Feuil1", header_row=0, columns={"A": "nss", "B": "full_name", "J": "annual_amount"}), SHEETS
    )


def test_a_mapping_for_another_file_is_a_reason_not_a_crash() -> None:
    raw = workbook(sheet_of([["a", "b"], ["1", "2"]]))
    with pytest.raises(Unrecognised) as refused:
        by_hand(raw, mapping_of(FIELDS))
    assert refused.value.code == "mapping-does-not-fit"
    assert refused.value.outline is not None
    assert refused.value.outline.sheets[0].head == [["a", "b"], ["1", "2"]]


# ── remembered ──────────────────────────────────────────────────────────────────────────────────

OWN_WORDS = ["Ident.", "Patronyme usuel", "Petit nom", "Naissance le", "Présence A", "Gains A 2025"]
OWN_FIELDS = ["nss", "last_name", "first_name", "birth_date", "q1_duration", "q1_amount"]


def own_file(words: Sequence[str | None] = OWN_WORDS, above: int = 0, name: str = "Feuil1") -> RawFile:
    lines = texts_of(lines_of_samples(3), OWN_FIELDS)
    return workbook(sheet_of([*[["SARL EL AMEL"]] * above, list(words), *lines], name))


def remembered(raw: RawFile, mapping: Mapping) -> RememberedLayout:
    words = table_words(find_table(raw, Known(mapping=mapping)))
    return RememberedLayout(
        layout_id=uuid4(), form="annual", words=words, mapping=mapping, made_by="Alice", made_at=LEARNT_AT
    )


def test_the_next_file_with_the_same_headers_is_read_the_same_way() -> None:
    layout = remembered(own_file(), mapping_of(OWN_FIELDS, units={"all": "J"}))
    with pytest.raises(Unrecognised):
        find_table(own_file())
    raw = own_file([word.upper().replace("2025", "2026") for word in OWN_WORDS], above=7, name="Janvier")
    checked = check_raw(raw, context=context(Known(layouts=(layout,))))
    assert checked.table.how == "remembered"
    assert checked.table.layout_id == layout.layout_id
    assert checked.table.header_row == 8
    assert checked.lines.height == 3
    assert checked.lines["q1_unit"].to_list() == ["J", "J", "J"]
    told = checked.findings.filter(pl.col("code") == "layout_remembered")
    assert told.select("severity", "seen", "row").rows() == [("info", "2026-01-05", 8)]


def test_a_blank_column_more_moves_the_columns() -> None:
    layout = remembered(own_file(), mapping_of(OWN_FIELDS))
    lines = [[None, *line[:2], None, *line[2:]] for line in texts_of(lines_of_samples(3), OWN_FIELDS)]
    raw = workbook(sheet_of([[None, *OWN_WORDS[:2], None, *OWN_WORDS[2:]], *lines]))
    table = find_table(raw, Known(layouts=(layout,)))
    assert [table.letters[field] for field in OWN_FIELDS] == ["B", "C", "E", "F", "G", "H"]


@pytest.mark.parametrize(
    "words",
    [OWN_WORDS[::-1], OWN_WORDS[:-1], [*OWN_WORDS, "Autre"], ["Autre", *OWN_WORDS[1:]]],
)
def test_other_headers_are_another_layout(words: list[str]) -> None:
    layout = remembered(own_file(), mapping_of(OWN_FIELDS))
    raw = own_file(words)
    with pytest.raises(Unrecognised) as refused:
        find_table(raw, Known(layouts=(layout,)))
    assert refused.value.code == "no-columns"


def test_a_mapping_by_hand_goes_before_what_is_remembered() -> None:
    layout = remembered(own_file(), mapping_of(OWN_FIELDS))
    other = mapping_of(["nss", "first_name", "last_name", "birth_date", "q1_duration", "q1_amount"])
    table = find_table(own_file(), Known(mapping=other, layouts=(layout,)))
    assert (table.how, table.letters["first_name"]) == ("hand", "B")


def test_what_is_remembered_goes_before_words() -> None:
    """Someone who says that the column "Total" is the fourth quarter is believed next time too."""
    words = ["NSS", "Nom", "Prénom", "Né le", "Durée T1", "Total"]
    mapping = mapping_of([*OWN_FIELDS[:5], "q4_amount"])
    layout = remembered(own_file(words), mapping)
    assert find_table(own_file(words)).letters["annual_amount"] == "F"
    table = find_table(own_file(words), Known(layouts=(layout,)))
    assert (table.how, table.letters["q4_amount"]) == ("remembered", "F")


def test_a_table_without_headers_is_not_remembered() -> None:
    lines = texts_of(lines_of_samples(3), OWN_FIELDS)
    table = find_table(workbook(sheet_of(lines)), Known(mapping=mapping_of(OWN_FIELDS, header_row=0)))
    assert learnings_of(table).words == []


# ── learnt ──────────────────────────────────────────────────────────────────────────────────────


def test_words_that_did_not_say_their_field_are_learnt_and_others_are_not() -> None:
    words = ["NSS", "Patronyme usuel", "Prénom", "Né le", "Montant", "Montant"]
    mapping = mapping_of(["nss", "last_name", "first_name", "birth_date", "q1_amount", "q2_amount"])
    assert learnings_of(find_table(own_file(words), Known(mapping=mapping))).fields == [
        ("patronyme usuel", "last_name")
    ]


LEARNT = LearntWord(word="patronyme usuel", field="last_name", times=2, learnt_at=LEARNT_AT)
STRANGE = ["NSS", "PATRONYME USUEL", "Prénom", "Né le", "Durée T1", "Montant T1"]


def test_a_learnt_word_is_proposed_and_never_applied() -> None:
    checked = check_raw(own_file(STRANGE), context=context(Known(words=(LEARNT,))))
    assert "last_name" not in checked.table.letters
    told = checked.findings.filter(pl.col("code") == "column_proposed")
    assert told.select("severity", "column", "field", "seen").rows() == [
        ("confirm", "B", "last_name", "PATRONYME USUEL")
    ]


def test_a_learnt_word_for_a_field_that_is_there_is_only_told() -> None:
    words = ["NSS", "Nom", "Prénom", "PATRONYME USUEL", "Durée T1", "Montant T1"]
    checked = check_raw(own_file(words), context=context(Known(words=(LEARNT,))))
    told = checked.findings.filter(pl.col("code") == "column_proposed")
    assert told["severity"].to_list() == ["info"]


# ── the outline that is kept ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([["Produit", "Prix"], ["Table", "5"]], "no-columns"),
        ([["NSS", "Nom", "Prénom", "Montant T1"]], "header-only"),
    ],
)
def test_a_file_that_is_no_form_keeps_its_layout(rows: Rows, code: str) -> None:
    with pytest.raises(Unrecognised) as refused:
        check_raw(workbook(sheet_of(rows)), context=context(Known()))
    outline = refused.value.outline
    assert refused.value.code == code
    assert outline is not None
    assert outline.sheets[0].head[0] == list(rows[0])
    assert (outline.sheet is None) == (code == "no-columns")


def test_the_outline_of_a_wide_file_of_many_sheets_is_bounded() -> None:
    row = [f"عمود طويل جدا رقم {place} " * 8 for place in range(300)]
    raw = workbook(*(sheet_of([row] * 40, f"Feuille {number} {'x' * 300}") for number in range(100)))
    outline = outline_of(raw, None)
    assert len(msgspec.json.encode(outline)) <= OUTLINE_BYTES_MAX
    assert len(outline.sheets) == 100


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.text(max_size=200), min_size=1, max_size=12), min_size=1, max_size=8))
def test_no_text_of_a_cell_breaks_the_layout(rows: list[list[str]]) -> None:
    outline = outline_of(workbook(sheet_of(rows)), None)
    encoded = msgspec.json.encode(outline)
    assert len(encoded) <= OUTLINE_BYTES_MAX
    assert "\\u0000" not in encoded.decode()
    assert msgspec.json.decode(encoded, type=FileOutline) == outline


def test_the_first_rows_are_read_as_among_all() -> None:
    """Only the last line says that months come first; the preview of the first lines knows."""
    lines = texts_of(lines_of_samples(3), OWN_FIELDS)
    for place, line in enumerate(lines):
        line[3] = f"02/{3 + 10 * place}/1987"
    raw = workbook(sheet_of([OWN_WORDS, *lines]))
    mapping = mapping_of(OWN_FIELDS)
    first = check_raw(beginning(raw, mapping), context=context(Known(mapping=mapping), lines_most=1))
    assert first.lines["birth_date"].to_list() == [date(1987, 2, 3)]


# ── words people use ────────────────────────────────────────────────────────────────────────────

FOLDER = Path(__file__).parents[1] / "files" / "workbooks"


@pytest.mark.parametrize("answers", sorted(FOLDER.glob("annual*.answers.json")), ids=lambda path: path.stem)
def test_the_samples_ask_for_no_mapping(answers: Path) -> None:
    path = next(
        path for path in FOLDER.glob(f"{answers.name.removesuffix('.answers.json')}.*") if path.suffix != ".json"
    )
    checked = check_raw(read_any(path.read_bytes(), path.name, ReadingLimits()), context=context(Known()))
    assert checked.table.how == "words"
    assert checked.lines.height == json.loads(answers.read_text())["employees"]
    assert set(FIELDS) <= set(checked.table.letters)
