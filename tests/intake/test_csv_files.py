"""Text tables in every encoding, separator and line end that spreadsheet programs write."""

import csv
import io
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teledeclaration.intake.raw import RawFile, ReadingLimits, Unreadable
from teledeclaration.intake.reader import ReaderServer, read_raw
from teledeclaration.intake.reading import read_any

LIMITS = ReadingLimits()
FRENCH = [("N° S.S.", "Prénom", "Né(e) le", "Montant"), ("796408550532", "Hélène", "10/07/1979", "45 000,00")]
ARABIC = [("رقم الضمان", "اللقب", "الاسم", "المبلغ"), ("796408550532", "بن عامر", "أمينة", "45000")]


def read(content: bytes) -> RawFile:
    return read_any(content, "a.csv", LIMITS)


def table(rows: Sequence[tuple[str, ...]], separator: str = ";", end: str = "\r\n") -> str:
    return "".join(separator.join(row) + end for row in rows)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "windows-1252"])
def test_french_in_every_encoding(encoding: str) -> None:
    assert read(table(FRENCH).encode(encoding)).sheets[0].cells.rows() == FRENCH


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1256"])
def test_arabic_in_every_encoding(encoding: str) -> None:
    assert read(table(ARABIC).encode(encoding)).sheets[0].cells.rows() == ARABIC


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separators_and_line_ends(separator: str, end: str) -> None:
    rows = [("nss", "nom", "montant"), ("1", "A", "45000.50"), ("2", "B", "1")]
    assert read(table(rows, separator, end).encode()).sheets[0].cells.rows() == rows


def test_a_comma_in_amounts_does_not_pass_for_the_separator() -> None:
    text = "nss;nom;t1;t2\n1;A;45000,00;1,50\n2;B;3,00;4,00\n"
    assert read(text.encode()).sheets[0].cells.width == 4


def test_rows_keep_their_numbers_around_titles_and_blank_lines() -> None:
    content = b'SARL X\r\n\r\nnss;nom;obs\r\n1;A;"deux\r\nlignes"\r\n\r\n2;B;"dit ""oui"""\r\n'
    assert read(content).sheets[0].cells.rows() == [
        ("SARL X", None, None),
        (None, None, None),
        ("nss", "nom", "obs"),
        ("1", "A", "deux\nlignes"),
        (None, None, None),
        ("2", "B", 'dit "oui"'),
    ]


def test_a_longer_line_loses_nothing() -> None:
    content = b"nss;nom\n1;A\n2;B;c;d;e\n"
    assert read(content).sheets[0].cells.rows()[2] == ("2", "B", "c", "d", "e")


def test_a_stray_quote_does_not_stop_the_reading() -> None:
    content = b'nss;nom;x\n1;"A"B;c\n2;C;d\n'
    rows = read(content).sheets[0].cells.rows()
    assert len(rows) == 3
    assert rows[2] == ("2", "C", "d")


async def test_a_million_lines_are_read(reader: ReaderServer) -> None:
    content = b"nss;nom;montant\n" + b"796408550532;BENCHEIKH;45000,00\n" * 999_999
    told: list[tuple[int, int | None]] = []
    file = await read_raw(
        content, filename="a.csv", limits=LIMITS, reader=reader, progress=lambda *count: told.append(count)
    )
    assert file.sheets[0].cells.shape == (1_000_000, 3)
    assert file.sheets[0].cells.row(999_999) == ("796408550532", "BENCHEIKH", "45000,00")
    assert told[-1] == (1_000_000, 1_000_000)


def test_only_separators_is_empty() -> None:
    with pytest.raises(Unreadable) as refused:
        read(b";;;\r\n;;;\r\n")
    assert refused.value.code == "empty"


_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co", "Zl", "Zp")), max_size=8)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_TEXT, _TEXT, _TEXT), min_size=2, max_size=12))
def test_what_a_program_writes_reads_back(rows: list[tuple[str, str, str]]) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL).writerows([("nss", "nom", "montant"), *rows])
    read_back = read(text.getvalue().encode("utf-8-sig")).sheets[0].cells.rows()
    expected = [tuple(value or None for value in row) for row in rows]
    assert read_back[1:] == expected
