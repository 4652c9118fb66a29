"""A file, lines by REST and a correction are told the same; registers tell only what may be known."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake import declaration_samples as samples
from intake.declaration_samples import ONE_ROW, Layout
from teledeclaration.check import standard_context
from teledeclaration.intake.checking import CheckContext, CheckedFile, check_lines, check_raw
from teledeclaration.intake.forms import ANNUAL
from teledeclaration.intake.lines import line_schema
from teledeclaration.intake.raw import RawFile, RawSheet, ReadingLimits, column_letter
from teledeclaration.intake.reading import read_any
from teledeclaration.intake.report import findings_in_words
from teledeclaration.intake.text_pair import zip_together

FOLDER = Path(__file__).parents[1] / "files" / "workbooks"
CONTEXT = standard_context(date(2027, 1, 10))
LAYOUT = Layout(titles=["Employeur 16 123 456 78", "Exercice 2026"])


def raw_file(lines: list[samples.Line], layout: Layout = LAYOUT) -> RawFile:
    file = samples.write(lines, layout)
    return read_any(file.content, file.name, ReadingLimits())


def checked(lines: list[samples.Line], layout: Layout = LAYOUT, context: CheckContext = CONTEXT) -> CheckedFile:
    return check_raw(raw_file(lines, layout), context=context)


def people(count: int = 30) -> list[samples.Line]:
    return samples.people(count, year=2026, minimum=24_000, seed=7)


def codes(findings: pl.DataFrame) -> set[tuple[int | None, str | None, str]]:
    return set(findings.select("line_number", "field", "code").iter_rows())


def test_lines_taken_from_a_file_are_told_the_same_again() -> None:
    lines = samples.people(90, year=2026, minimum=24_000, seed=2)
    samples.plant(lines, year=2026, seed=2)
    file = checked(lines)
    again, findings = check_lines(ANNUAL, file.lines, replace(CONTEXT, year=2026))
    assert codes(findings) == codes(file.findings)
    assert again.equals(file.lines)
    texts = dict(file.findings.filter(pl.col("code") == "amount_text").select("line_number", "seen").iter_rows())
    assert dict(findings.filter(pl.col("code") == "amount_text").select("line_number", "seen").iter_rows()) == texts


def test_a_correction_as_text_is_read_and_its_error_is_gone() -> None:
    lines = people()
    lines[4]["q1_amount"] = "à vérifier"
    file = checked(lines)
    assert file.lines["raw"][4] == '{"q1_amount":"à vérifier"}'
    mended = file.lines.with_columns(
        raw=pl.when(pl.col("line_number") == 5).then(pl.lit('{"q1_amount":"72 000,50"}')).otherwise("raw")
    )
    corrected, findings = check_lines(ANNUAL, mended, replace(CONTEXT, year=2026))
    assert corrected["q1_amount"][4] == 7_200_050
    assert corrected["raw"][4] is None
    assert "amount_text" not in findings["code"].to_list()


def test_lines_without_a_file_are_checked_from_nothing_but_their_fields() -> None:
    frame = pl.DataFrame({"line_number": [1], "nss": ["874050470340"]}, schema_overrides={"line_number": pl.Int32})
    schema = line_schema(ANNUAL)
    lines = pl.concat([pl.DataFrame(schema=schema), frame], how="diagonal_relaxed").cast(dict(schema))  # type: ignore[arg-type]  # polars' stubs want classes and instances apart
    _, findings = check_lines(ANNUAL, lines, replace(CONTEXT, year=2026))
    assert {"name_missing", "birth_missing", "entry_missing"} <= set(findings["code"])


def test_another_employer_and_another_year_are_told_of_the_file() -> None:
    file = checked(people(), context=replace(CONTEXT, employer_number="0924584219", year=2025))
    told = {code: (seen, expected) for code, seen, expected in file.findings.select("code", "seen", "expected").rows()}
    assert told["other_employer"] == ("1612345678", "0924584219")
    assert told["other_year"] == ("2026", "2025")
    assert file.findings.filter(pl.col("severity") == "error").height == 2


def test_a_year_nobody_says_is_told() -> None:
    file = checked(people(), Layout(sheet="Feuil1"))
    assert file.year == 2026
    assert file.findings["code"].to_list() == ["year_assumed"]


def test_hidden_rows_and_an_amount_without_value_are_told() -> None:
    raw = raw_file(people())
    sheet = raw.sheets[0]
    letter = "Q"
    blank = sheet.cells.with_columns(
        pl.when(pl.int_range(pl.len()) == 9).then(None).otherwise(pl.col(letter)).alias(letter)
    )
    hidden = replace(sheet, cells=blank, uncomputed=frozenset({(10, letter)}), hidden_rows=frozenset({12, 13}))
    file = check_raw(replace(raw, sheets=(hidden,)), context=CONTEXT)
    told = file.findings.filter(pl.col("row") == 10).select("field", "code", "severity", "column")
    assert told.rows() == [("annual_amount", "formula_without_value", "error", "Q")]
    assert file.findings.filter(pl.col("code") == "formula_without_value")["proposed"][0] is not None
    assert file.findings.filter(pl.col("code") == "hidden_rows")["seen"].to_list() == ["2"]


def test_a_rehire_is_no_duplicate_and_an_overlap_is() -> None:
    lines = people()
    first, second = dict(lines[2]), dict(lines[2])
    for line, entry, exit_ in ((first, date(2020, 1, 1), date(2026, 3, 31)), (second, date(2026, 7, 1), None)):
        line["entry_date"], line["exit_date"] = entry, exit_
        for quarter in samples.QUARTERS:
            days = samples.worked_days(2026, quarter, entry, exit_)
            line[f"q{quarter}_duration"] = days
            line[f"q{quarter}_amount"] = Decimal(1000) * days
        line["annual_amount"] = sum(line[f"q{quarter}_amount"] for quarter in samples.QUARTERS)
    apart = checked([*lines[:2], first, *lines[3:], second])
    assert set(apart.findings["code"]) == {"second_spell"}
    second["entry_date"] = date(2026, 3, 1)
    overlapping = checked([*lines[:2], first, *lines[3:], second]).findings
    told = overlapping.filter(pl.col("code") == "nss_duplicate")
    assert told["line_number"].to_list() == [3, 31]
    assert set(told["expected"]) == {"7, 35"}


def test_columns_for_full_names_and_without_units() -> None:
    header = [
        "N°",
        "NSS",
        "Nom et prénom",
        "Né le",
        *(f"{what} T{n}" for n in range(1, 5) for what in ("Jours", "Brut")),
    ]
    rows = [header] + [
        [str(n), line["nss"], f"{line['last_name']} {line['first_name'].title()}", f"{line['birth_date']:%d/%m/%Y}"]
        + [str(line[f"q{q}_{what}"]) for q in samples.QUARTERS for what in ("duration", "amount")]
        for n, line in enumerate(people(), start=1)
    ]
    text = "\n".join(";".join(row) for row in rows).encode()
    file = check_raw(read_any(text, "paie.csv", ReadingLimits()), context=replace(CONTEXT, year=2026))
    assert file.lines["last_name"].to_list() == [line["last_name"] for line in people()]
    assert set(file.lines["q1_unit"]) == {"J"}
    assert file.lines["annual_amount"].sum() == sum(int(line["annual_amount"] * 100) for line in people())
    assert file.findings.select("code", "field").rows() == [("column_missing", "entry_date")]


def pair(change: tuple[bytes, bytes] | None = None, *, in_header: bool = False) -> CheckedFile:
    files = {path.name: path.read_bytes() for path in FOLDER.glob("D25*.TXT")}
    if change:
        name = next(name for name in files if name[3] == ("E" if in_header else "S"))
        assert change[0] in files[name]
        files[name] = files[name].replace(*change, 1)
    return check_raw(read_any(zip_together(files), "paire.zip", ReadingLimits()), context=CONTEXT)


@pytest.mark.parametrize(
    ("change", "in_header", "code", "field"),
    [
        ((b"      1649029319", b"      1649029318"), True, "header_total_differs", "q1_total"),
        ((b"6723282618   120", b"6723282618   119"), True, "header_count_differs", "workers"),
        ((b"3137704614N", b"3137704614Z"), True, "type_unknown", "type"),
        ((b"AYAD ", "AYÀD".encode()), False, "non_ascii", "last_name"),
        ((b"31377046142025", b"31377046152025"), False, "other_employer", "employer_number"),
        ((b"31377046142025", b"31377046142024"), False, "other_year", "year"),
        ((b" 90J8400000 ", b" 90X8400000 "), False, "unit_unknown", "q1_unit"),
        ((b"18111980", b"31021980"), False, "birth_impossible", "birth_date"),
        ((b"800102889632", b"80010288963 "), False, "nss_length", "nss"),
    ],
)
def test_a_mistake_in_a_text_pair_is_found(change: tuple[bytes, bytes], in_header: bool, code: str, field: str) -> None:
    findings = pair(change, in_header=in_header).findings.filter(pl.col("severity") == "error")
    assert (code, field) in findings.select("code", "field").rows()


def test_amounts_of_a_text_pair_are_proposed_in_centimes() -> None:
    file = pair((b"33600000 ", b"33600001 "))
    finding = next(f for f in findings_in_words(file.findings, "fr", centimes=True) if f.code == "annual_not_sum")
    assert (finding.seen, finding.proposed, finding.row, finding.column) == ("33600001", "33600000", 1, "147-158")


def register(lines: list[samples.Line]) -> pl.DataFrame:
    fields = ("nss", "last_name", "first_name", "birth_date")
    frame = pl.DataFrame([{name: line[name] for name in fields} for line in lines])
    return frame.with_columns(last_name_ar=pl.lit("بن علي"), first_name_ar=pl.lit("كريم"))


def test_the_register_tells_own_employees_what_differs_and_of_others_no_value() -> None:
    lines = people()
    known = register(lines)
    own = pl.DataFrame({"nss": [lines[0]["nss"]], "entry_date": [lines[0]["entry_date"]], "exit_date": [None]})
    lines[0]["first_name"], lines[1]["first_name"] = "SELMA", "SELMA"
    lines[2]["first_name"], lines[2]["last_name"] = "SELMA", "OTHER"
    lines[3]["last_name"] = "ben-ali" if lines[3]["last_name"] == "BENALI" else lines[3]["last_name"].lower()
    lines[4]["last_name"], lines[4]["first_name"] = "بن عَلي", "كريم"
    known = known.filter(pl.col("nss") != lines[5]["nss"])
    context = replace(CONTEXT, known_people=known, employments=own)
    findings = checked(lines, context=context).findings
    told = {
        line: (code, proposed) for line, code, proposed in findings.select("line_number", "code", "proposed").rows()
    }
    assert told[1] == ("name_differs", known.filter(pl.col("nss") == lines[0]["nss"])["first_name"][0])
    assert told[2] == ("name_differs", None)
    assert told[3] == ("nss_unknown", None)
    assert told[6] == ("nss_unknown", None)
    assert set(told) == {1, 2, 3, 6}


def test_names_that_agree_when_exchanged_are_told_as_such_without_completing_anything() -> None:
    lines = people()
    known = register(lines)
    for line in lines[:2]:
        line["last_name"], line["first_name"] = line["first_name"], line["last_name"]
    own = pl.DataFrame({"nss": [lines[0]["nss"]], "entry_date": [lines[0]["entry_date"]], "exit_date": [None]})
    findings = checked(lines, context=replace(CONTEXT, known_people=known, employments=own)).findings
    told = findings.select("line_number", "code", "field", "proposed").rows()
    assert told == [(1, "names_swapped", "last_name", None), (2, "names_swapped", "last_name", None)]


def test_an_employees_number_is_proposed_by_name_and_birth_and_a_strangers_never() -> None:
    lines = people()
    known = register(lines).with_columns(last_name_ar=pl.lit(""), first_name_ar=pl.lit(""))
    numbers = [line["nss"] for line in lines]
    own = pl.DataFrame(
        {"nss": numbers[:2], "entry_date": [line["entry_date"] for line in lines[:2]], "exit_date": None}
    )
    unknown = "990101999999"
    for line in lines[1:3]:
        line["nss"] = unknown[:-1] + str(lines.index(line))
    lines[0]["nss"] = None
    findings = checked(lines, context=replace(CONTEXT, known_people=known, employments=own)).findings
    told = findings.filter(pl.col("code").is_in(["nss_differs", "nss_unknown"]))
    assert told.select("line_number", "code", "severity", "proposed").rows() == [
        (1, "nss_differs", "info", numbers[0]),
        (2, "nss_differs", "confirm", numbers[1]),
        (3, "nss_unknown", "confirm", None),
    ]


def test_entries_and_absent_employees_are_told() -> None:
    lines = people()
    entries = [line["entry_date"] for line in lines]
    entries[1] = date(2019, 2, 3)
    own = pl.DataFrame(
        {"nss": [*(line["nss"] for line in lines), "800102889632"], "entry_date": [*entries, date(2020, 1, 1)]}
    ).with_columns(exit_date=pl.lit(None, pl.Date))
    findings = checked(lines, context=replace(CONTEXT, employments=own)).findings
    assert findings.select("code", "line_number", "seen", "proposed").rows() == [
        ("employed_but_absent", None, "800102889632", None),
        ("entry_differs", 2, str(lines[1]["entry_date"]), "2019-02-03"),
    ]


CELLS = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.sampled_from(
        ["-", "0", "1e5", "31/02/1985", "#N/A", "=", "9" * 30, "٩٩", "12,5", "2025-13-45", "J", "\u202f", "{}"]
    ),
    st.integers(min_value=-(10**20), max_value=10**20).map(str),
    st.floats().map(repr),
)


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(st.lists(CELLS, min_size=19, max_size=19), min_size=1, max_size=8),
    stored=st.booleans(),
    form=st.sampled_from(["annual", "movements"]),
)
def test_no_cell_however_strange_stops_a_check(rows: list[list[str | None]], stored: bool, form: str) -> None:
    if form == "annual":
        header = list(ONE_ROW["export"].values())[:4]
        header += [f"{what}_T{n}" for n in range(1, 5) for what in ("DUREE", "UNITE", "MONTANT")]
        header += ["MONTANT_ANNUEL", "DATE_ENTREE", "DATE_SORTIE"]
    else:
        header = ["NSS", "Nom", "Prénom", "Né le", "Mouvement", "Date", "Motif", *(f"X{n}" for n in range(12))]
    grid: list[Sequence[str | None]] = [
        header,
        *rows,
        [f"8740504703{n:02d}" if n == 40 else "1985-01-01" for n in range(40, 59)],
    ]
    columns = {column_letter(place + 1): [row[place] for row in grid] for place in range(19)}
    cells = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    numeric = pl.DataFrame({name: [True] * cells.height for name in cells.columns}) if stored else None
    sheet = RawSheet("Feuil1", visible=True, cells=cells, numeric=numeric)
    file = check_raw(RawFile("workbook", "xlsx", (sheet,)), context=CONTEXT)
    assert file.lines.height >= 1
    for finding in findings_in_words(file.findings, "fr", sheet=file.sheet):
        assert finding.row is None or 2 <= finding.row <= cells.height
    again, findings = check_lines(file.form, file.lines, replace(CONTEXT, year=file.year))
    assert again.height == file.lines.height
    assert findings.columns == file.findings.columns
