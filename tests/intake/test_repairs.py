"""Each repair as a table of what stands and what would stand; and what holds of all of them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teledeclaration.intake.repairs.amounts import AMOUNTS, QUARTER_AMOUNTS
from teledeclaration.intake.repairs.cells import closed, opened
from teledeclaration.intake.repairs.evidence import whole_file
from teledeclaration.intake.repairs.repair import ALL, Repair, Wish
from teledeclaration.intake.repairs.table import REPAIRS, repairs_for
from teledeclaration.intake.repairs.values import SAFE_TO_ACCEPT
from teledeclaration.languages import catalogue
from teledeclaration.payroll.queries.lines import FINDING_SCHEMA, LINE_SCHEMA

Row = Mapping[str, Any]
STANDING = {"left_out": False, "mended": False, "number_requested": False}


def lines_of(*rows: Row) -> pl.DataFrame:
    """Lines numbered from 1; `typed` may be a dict."""
    empty = dict.fromkeys(LINE_SCHEMA)
    made = [
        {**empty, **STANDING, "line_number": number, "row": number + 1, **row, "typed": as_json(row.get("typed"))}
        for number, row in enumerate(rows, start=1)
    ]
    return pl.DataFrame(made, schema=LINE_SCHEMA)


def as_json(typed: Mapping[str, str] | None) -> str | None:
    return None if typed is None else msgspec.json.format(msgspec.json.encode(typed), indent=0).decode()


def told_of(*findings: tuple[int, str, str] | tuple[int, str, str, str]) -> pl.DataFrame:
    """(line, field, code, proposed): an error each."""
    rows = [
        {**dict.fromkeys(FINDING_SCHEMA), "line_number": found[0], "field": found[1], "code": found[2],
         "severity": "error", "proposed": found[3] if len(found) > 3 else None}
        for found in findings
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=FINDING_SCHEMA)


def changed(name: str, lines: pl.DataFrame, told: pl.DataFrame, **wish: Any) -> dict[int, dict[str, Any]]:
    """What changes, by line: only the cells that differ, and `typed` where a text is gone from it."""
    changes = REPAIRS[name].apply(lines, told, Wish(year=2025, **wish))
    before = {row["line_number"]: row for row in lines.iter_rows(named=True)}
    found: dict[int, dict[str, Any]] = {}
    for row in changes.iter_rows(named=True):
        was = before[row["line_number"]]
        found[row["line_number"]] = {
            field: value
            for field, value in row.items()
            if field not in ("line_number", "typed") and value != was[field]
        }
        if "typed" in row and texts(row["typed"]) != texts(was["typed"]):
            found[row["line_number"]]["typed"] = texts(row["typed"])
    return found


def texts(typed: str | None) -> dict[str, str]:
    return {} if typed is None else msgspec.json.decode(typed, type=dict[str, str])


UNREAD = {"typed": {"birth_date": "05/13/1985"}}
BIRTH = "birth_date"
READ = {BIRTH: date(1985, 5, 13), "typed": {}}


@pytest.mark.parametrize(
    ("choice", "rows", "expected"),
    [
        pytest.param("told", [UNREAD, {BIRTH: date(1986, 4, 3)}], {1: READ}, id="told"),
        pytest.param(
            "all",
            [UNREAD, {BIRTH: date(1986, 4, 3)}, {BIRTH: date(1986, 4, 4)}],
            {1: {BIRTH: date(1985, 5, 13), "typed": {}}, 2: {BIRTH: date(1986, 3, 4)}},
            id="all: day and month exchanged, equal ones stay",
        ),
        pytest.param("all", [UNREAD, {BIRTH: date(1986, 4, 13)}], {}, id="a day above 12 speaks against the column"),
        pytest.param(
            "told",
            [{"typed": {BIRTH: "13/13/1985", "nss": "x"}}, {"typed": {BIRTH: "inconnu"}}, {"typed": {BIRTH: "1985"}}],
            {},
            id="no reading month first either",
        ),
        pytest.param(
            "told",
            [{"typed": {BIRTH: "5.31.85", "nss": 'a "quoted" x'}}],
            {1: {BIRTH: date(1985, 5, 31), "typed": {"nss": 'a "quoted" x'}}},
            id="short year, other texts stay",
        ),
        pytest.param("told", [{**UNREAD, "left_out": True}], {}, id="a line left out waits"),
        pytest.param(
            "all", [{**UNREAD, "left_out": True}, {BIRTH: date(1986, 4, 3), "left_out": True}],
            {1: READ, 2: {BIRTH: date(1986, 3, 4)}}, id="unless the column is exchanged",
        ),
    ],
)  # fmt: skip
def test_month_first(choice: str, rows: Sequence[Row], expected: Any) -> None:
    told = told_of(*((number, BIRTH, "birth_impossible") for number in range(1, len(rows) + 1)))
    assert changed("month_first", lines_of(*rows), told, field=BIRTH, choice=choice) == expected


def amounts(*values: int | None) -> dict[str, int | None]:
    return dict(zip(AMOUNTS, values, strict=True))


@pytest.mark.parametrize(
    ("choice", "line", "expected"),
    [
        ("told", amounts(900_00, 900_00, 0, 0, 1800_00), amounts(9_00, 9_00, 0, 0, 18_00)),
        ("told", amounts(90_000_00, 900_00, 900_00, 0, 91_800_00), amounts(900_00, 900_00, 900_00, 0, 2_700_00)),
        ("told", amounts(90_000_00, 900_00, 900_00, 0, 2_700_00), amounts(900_00, 900_00, 900_00, 0, 2_700_00)),
        ("told", amounts(900_00, 900_50, 0, 0, 1800_50), None),
        ("told", amounts(900_00, None, 0, 0, None), amounts(9_00, None, 0, 0, None)),
        ("all", amounts(900_00, 5_00, 0, 0, 905_00), amounts(9_00, 5, 0, 0, 9_05)),
        ("all", amounts(900_00, 5_01, 0, 0, 905_01), None),
        ("all", amounts(0, 0, 0, 0, 0), None),
        ("all", amounts(-900_00, 0, 0, 0, -900_00), amounts(-9_00, 0, 0, 0, -9_00)),
    ],
)  # fmt: skip
def test_centimes(choice: str, line: Row, expected: Row | None) -> None:
    lines = lines_of(line)
    told = told_of((1, "q1_amount", "amount_implausible"))
    found = changed("centimes", lines, told, choice=choice)
    assert {**line, **found.get(1, {})} == (expected or line)
    assert bool(found) == (expected is not None)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({**amounts(1_00, 1_00, 0, 0, 2_01), "typed": {"q1_amount": "1.004"}}, {"annual_amount": 2_00, "typed": {}}),
        ({**amounts(1_00, 1_00, 0, 0, 9_00), "typed": {"q1_amount": "1.004"}}, {"typed": {}}),
        ({**amounts(1, None, 0, 0, 9), "typed": {"q1_amount": "0.014", "nss": "?"}}, {"typed": {"nss": "?"}}),
    ],
)  # fmt: skip
def test_accept_rounding(line: Row, expected: Row) -> None:
    told = told_of((1, "q1_amount", "amount_rounded"))
    assert changed("accept_rounding", lines_of(line), told) == {1: expected}


NAMES = {"last_name": "SAMIRA", "first_name": "BENALI"}


@pytest.mark.parametrize(
    ("choice", "rows", "expected"),
    [
        ("told", [NAMES, NAMES], {1: {"last_name": "BENALI", "first_name": "SAMIRA"}}),
        ("all", [NAMES, {"last_name": "A", "first_name": "A"}], {1: {"last_name": "BENALI", "first_name": "SAMIRA"}}),
        ("all", [{"last_name": "SAMIRA"}], {1: {"last_name": None, "first_name": "SAMIRA"}}),
        ("all", [{"last_name": "SAMIRA", "typed": {"first_name": "#N/A"}}], {}),
    ],
)
def test_swapped_names(choice: str, rows: Sequence[Row], expected: Any) -> None:
    told = told_of((1, "last_name", "names_swapped"))
    assert changed("swapped_names", lines_of(*rows), told, choice=choice) == expected


@pytest.mark.parametrize(
    ("typed", "birth", "expected"),
    [
        ("12345678", date(2000, 5, 1), "000012345678"),
        ("51234567890", date(2005, 5, 1), "051234567890"),
        ("5 1234 567 890", date(2005, 5, 1), "051234567890"),
        ("51234567890", date(1985, 5, 1), None),
        ("1234567", date(2000, 5, 1), None),
        ("1234567890123", date(1985, 5, 1), None),
        ("A1234567890", date(2005, 5, 1), None),
    ],
)
def test_lost_zeros(typed: str, birth: date, expected: str | None) -> None:
    lines = lines_of({"typed": {"nss": typed}, "birth_date": birth})
    found = changed("lost_zeros", lines, told_of((1, "nss", "nss_length")))
    assert found == ({1: {"nss": expected, "typed": {}}} if expected else {})


def test_request_numbers_for_who_is_known_but_for_a_number() -> None:
    known = {"last_name": "BENALI", "first_name": "SAMIRA", "birth_date": date(1985, 5, 1)}
    lines = lines_of(known, {**known, "birth_date": None}, {**known, "nss": "850512345678"}, known)
    told = told_of(*((number, "nss", "nss_missing") for number in (1, 2, 3)))
    assert changed("request_numbers", lines, told) == {1: {"number_requested": True}}


def test_one_unit_where_it_is_told_only() -> None:
    lines = lines_of({"q1_unit": "H", "typed": {"q2_unit": "jrs?"}}, {"q3_unit": "H"})
    told = told_of((1, "q2_unit", "unit_unknown"), (2, "q4_unit", "unit_missing"))
    found = changed("one_unit", lines, told, choice="J")
    assert found == {1: {"q2_unit": "J", "typed": {}}, 2: {"q4_unit": "J"}}


@pytest.mark.parametrize(
    ("code", "field", "proposed", "line", "expected"),
    [
        ("annual_not_sum", "annual_amount", "18.00", {"annual_amount": 1}, {"annual_amount": 18_00}),
        ("annual_missing", "annual_amount", "-18.05", {}, {"annual_amount": -18_05}),
        ("error_cell", "q2_amount", "7.00", {"typed": {"q2_amount": "#N/A"}}, {"q2_amount": 7_00, "typed": {}}),
        ("duration_rounded", "q1_duration", "90", {"q1_duration": 90, "typed": {"q1_duration": "89.6"}}, {"typed": {}}),
        ("birth_presumed", BIRTH, "1985-01-01", {BIRTH: date(1985, 1, 1), "typed": {BIRTH: "1985"}}, {"typed": {}}),
        ("birth_differs", BIRTH, "1985-05-13", {BIRTH: date(1985, 5, 12)}, {BIRTH: date(1985, 5, 13)}),
        ("name_differs", "last_name", "BENALI", {"last_name": "BENALLI"}, {"last_name": "BENALI"}),
        ("rate_category_closed", "rate_category", "general", {"rate_category": "x"}, {"rate_category": "general"}),
    ],
)  # fmt: skip
def test_accept_proposed(code: str, field: str, proposed: str, line: Row, expected: Row) -> None:
    lines = lines_of(line, line)
    told = told_of((1, field, code, proposed), (2, field, code))
    assert changed("accept_proposed", lines, told, code=code) == {1: expected}


def test_leave_out_errors_and_take_back() -> None:
    lines = lines_of({}, {"left_out": True}, {})
    told = told_of((1, "nss", "nss_missing"), (1, "birth_date", "birth_missing"), (2, "nss", "nss_missing"))
    assert changed("leave_out_errors", lines, told) == {1: {"left_out": True}}
    assert changed("take_back", lines, told) == {2: {"left_out": False}}


# ── what holds of every repair ──────────────────────────────────────────────────────────────────

some_amount = st.none() | st.integers(-(10**9), 10**12)
some_date = st.none() | st.dates(date(1920, 1, 1), date(2030, 12, 31))
some_text = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
some_typed = st.none() | st.dictionaries(
    st.sampled_from([*AMOUNTS, "nss", "birth_date", "entry_date", "q1_unit", "q2_duration", "last_name"]),
    some_text | st.sampled_from(["05/13/1985", "12345678", "13/05/85", "1,005", "#N/A"]),
    min_size=1,
    max_size=4,
)
some_line = st.fixed_dictionaries(
    {
        **dict.fromkeys(AMOUNTS, some_amount),
        **dict.fromkeys(("birth_date", "entry_date", "exit_date"), some_date),
        "nss": st.none() | st.from_regex(r"\A[0-9]{12}\Z"),
        "last_name": st.none() | some_text,
        "first_name": st.none() | some_text,
        "rate_category": st.just("general"),
        "typed": some_typed,
        "left_out": st.booleans(),
        "number_requested": st.booleans(),
    }
)
some_lines = st.lists(some_line, min_size=1, max_size=4)
some_finding = st.tuples(
    st.integers(1, 4),
    st.sampled_from([*AMOUNTS, "nss", "birth_date", "entry_date", "q1_unit", "last_name", "rate_category"]),
    st.sampled_from(sorted({code for repair in REPAIRS.values() for code in repair.codes})),
    st.sampled_from(["12.00", "1985-05-13", "90", "BENALI", "850512345678"]),
)
some_findings = st.lists(some_finding, max_size=8)


def wishes(repair: Repair) -> list[Wish]:
    fields = [None, *(("birth_date",) if repair.name == "month_first" else ())]
    return [Wish(year=2025, choice=choice, field=field) for choice in repair.choices for field in fields]


WISHES = [
    pytest.param(repair, wish, id=f"{repair.name} {wish.choice}")
    for repair in REPAIRS.values()
    for wish in wishes(repair)
]


@pytest.mark.parametrize(("repair", "wish"), WISHES)
@settings(max_examples=15, deadline=None)
@given(rows=some_lines, found=some_findings)
def test_only_the_fields_it_names_change_and_only_on_lines_that_differ(
    repair: Repair, wish: Wish, rows: list[Row], found: list[Any]
) -> None:
    lines, told = lines_of(*rows), told_of(*found)
    changes = repair.apply(lines, told, wish)
    assert set(changes.columns) <= {"line_number", "typed", *repair.changes}
    assert changes["line_number"].is_unique().all()
    assert {name: lines.schema[name] for name in changes.columns} == dict(changes.schema)
    assert all(changed(repair.name, lines, told, choice=wish.choice, field=wish.field).values())


@pytest.mark.parametrize(("repair", "wish"), WISHES)
@settings(max_examples=15, deadline=None)
@given(rows=some_lines, found=some_findings)
def test_the_former_values_put_back_are_the_lines_as_they_were(
    repair: Repair, wish: Wish, rows: list[Row], found: list[Any]
) -> None:
    lines, told = lines_of(*rows), told_of(*found)
    changes = repair.apply(lines, told, wish)
    after = lines.update(changes, on="line_number", include_nulls=True)
    former = lines.select(changes.columns).join(changes, on="line_number", how="semi")
    assert after.update(former, on="line_number", include_nulls=True).equals(lines)
    if wish.choice != ALL and repair.name not in ("swapped_names", "centimes"):
        assert repair.apply(after, told, wish).is_empty()


@settings(max_examples=25, deadline=None)
@given(some_lines)
def test_divided_amounts_are_exact(rows: list[Row]) -> None:
    lines = lines_of(*rows)
    told = told_of(*((number, name, "amount_implausible") for number in range(1, 5) for name in QUARTER_AMOUNTS))
    for choice in REPAIRS["centimes"].choices:
        changes = REPAIRS["centimes"].apply(lines, told, Wish(year=2025, choice=choice))
        both = changes.join(lines, on="line_number", suffix="_before")
        for name in QUARTER_AMOUNTS:
            divided = both.filter(pl.col(name) != pl.col(f"{name}_before"))
            assert (divided[name] * 100 == divided[f"{name}_before"]).all()


@given(st.lists(some_typed, min_size=1, max_size=6))
def test_texts_opened_and_closed_are_the_same_texts(typed: list[dict[str, str] | None]) -> None:
    series = pl.Series("typed", [as_json(one) for one in typed], dtype=pl.String)
    assert [texts(one) for one in closed(opened(series))] == [one or {} for one in typed]


@settings(max_examples=25, deadline=None)
@given(some_lines)
def test_what_is_offered_for_all_lines_is_what_would_change(rows: list[Row]) -> None:
    lines, nothing = lines_of(*rows), told_of()
    whole = whole_file(lines)
    for name, code in (("centimes", "amounts_look_like_centimes"), ("take_back", None)):
        ways = REPAIRS[name].offered(lines, nothing, whole, Wish(year=2025, code=code))
        for way in ways:
            assert REPAIRS[name].apply(lines, nothing, Wish(year=2025, choice=way.name)).height == way.lines


# ── the table ───────────────────────────────────────────────────────────────────────────────────


def test_every_repair_and_choice_has_words() -> None:
    words = catalogue().keys()
    for repair in REPAIRS.values():
        assert {f"repair.{repair.name}", f"repair-explanation.{repair.name}"} <= words
        assert {f"repair-choice.{repair.name}.{choice}" for choice in repair.choices if choice} <= words


def test_every_code_answered_is_a_finding_and_every_field_is_a_lines() -> None:
    for repair in REPAIRS.values():
        assert {f"finding.{code}" for code in repair.codes} <= catalogue().keys()
        assert {*repair.reads, *repair.changes} <= LINE_SCHEMA.keys()
        assert repair.why_safe


def test_an_inferred_key_is_never_accepted_for_all() -> None:
    assert repairs_for("nss_key") == ()
    assert "nss_key" not in SAFE_TO_ACCEPT
