"""The pair of text files: read by trimmed slices, written to the byte."""

import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.annual import AnnualLine
from teledeclaration.intake.raw import RawFile, ReadingLimits, Unreadable
from teledeclaration.intake.reader import ReaderServer, read_raw
from teledeclaration.intake.reading import read_any
from teledeclaration.intake.text_pair import (
    DETAIL_FIELDS,
    NotWritable,
    PairHeader,
    read_text_pair,
    write_text_pair,
    zip_together,
)

SAMPLES = Path(__file__).parents[1] / "files" / "workbooks"
HEADER, DETAIL = "D25E3137704614.TXT", "D25S3137704614.TXT"
LIMITS = ReadingLimits()
EMPLOYER = PairHeader(employer_number="3137704614", year=2025, payment_centre="16000")
LINE = AnnualLine(nss="800102889632", last_name="AYAD", first_name="ROSE")


def sample() -> dict[str, bytes]:
    return {name: (SAMPLES / name).read_bytes() for name in (HEADER, DETAIL)}


def by_field(file: RawFile) -> list[dict[str, str | None]]:
    sheet = file.sheets[0]
    return list(sheet.cells.rename(sheet.fields).iter_rows(named=True))


def day(text: str | None) -> datetime.date | None:
    return None if text is None else datetime.date(int(text[4:]), int(text[2:4]), int(text[:2]))


def line_of(row: dict[str, str | None]) -> AnnualLine:
    quarters = {
        f"q{quarter}_{part}": row[f"q{quarter}_{part}"] if part == "unit" else int(row[f"q{quarter}_{part}"] or 0)
        for quarter in (1, 2, 3, 4)
        for part in ("duration", "unit", "amount")
    }
    return AnnualLine(
        nss=row["nss"] or "",
        last_name=row["last_name"] or "",
        first_name=row["first_name"] or "",
        birth_date=day(row["birth_date"]),
        entry_date=day(row["entry_date"]),
        exit_date=day(row["exit_date"]),
        observation=row["observation"] or "",
        annual_amount=int(row["annual_amount"] or 0),
        **quarters,  # type: ignore[arg-type]  # built by name
    )


async def test_the_real_pair_is_read_and_written_to_the_byte(reader: ReaderServer) -> None:
    content = zip_together(sample())
    file = await read_raw(content, filename="a.zip", limits=LIMITS, reader=reader)
    assert (file.kind, file.format) == ("text-pair", "text-pair")
    assert file.header is not None
    assert file.header.annual_total == "6723282618"
    assert file.header.workers == "120"
    header = PairHeader(
        employer_number=file.header.employer_number,
        year=int(file.header.year),
        payment_centre=file.header.payment_centre,
    )
    written = write_text_pair(header, map(line_of, by_field(file)))
    assert dict(written) == sample()


def test_two_files_sent_at_once_always_give_the_same_archive() -> None:
    files = sample()
    assert zip_together(files) == zip_together(dict(reversed(files.items())))


def test_names_in_any_case_and_in_a_folder() -> None:
    files = {f"DAS 2025/{name.lower()}": content for name, content in sample().items()}
    assert len(by_field(read_any(zip_together(files), "a.zip", LIMITS))) == 120


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ({HEADER: HEADER}, "text-pair-incomplete"),
        ({DETAIL: DETAIL}, "text-pair-incomplete"),
        ({HEADER: HEADER, "D24S3137704614.TXT": DETAIL}, "text-pair-mismatch"),
        ({HEADER: HEADER, DETAIL: DETAIL, "D25S0000000000.TXT": DETAIL}, "several-files"),
    ],
)
def test_a_pair_that_is_none(names: dict[str, str], code: str) -> None:
    files = {name: (SAMPLES / source).read_bytes() for name, source in names.items()}
    with pytest.raises(Unreadable) as refused:
        read_any(zip_together(files), "a.zip", LIMITS)
    assert refused.value.code == code


@pytest.mark.parametrize("name", [HEADER, DETAIL, "export.txt"])
def test_one_file_alone_is_incomplete(name: str) -> None:
    content = (SAMPLES / (HEADER if name == HEADER else DETAIL)).read_bytes()
    with pytest.raises(Unreadable) as refused:
        read_any(content, name, LIMITS)
    assert refused.value.code == "text-pair-incomplete"


def test_lines_of_another_length_are_told() -> None:
    files = sample()
    lines = files[DETAIL].split(b"\r\n")
    lines[2] = lines[2][:150]
    lines[4] += b" "
    files[DETAIL] = b"\r\n".join(lines) + b"\r\n"
    sheet = read_text_pair(files, LIMITS).sheets[0]
    assert sheet.cells.height == 120
    assert sheet.short_lines == {3: 150, 5: 196}


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1252"])
def test_accents_are_found_at_their_cell_and_move_nothing(encoding: str) -> None:
    files = sample()
    text = files[DETAIL].decode().replace("BOUZID ", "BÔUZÏD ", 1)
    files[DETAIL] = text.encode(encoding)
    sheet = read_text_pair(files, LIMITS).sheets[0]
    assert sheet.non_ascii == {(2, "33-57")}
    assert sheet.short_lines == {}
    assert sheet.cells.rename(sheet.fields)["first_name"][1] == "NAWAL"


async def test_a_million_lines(reader: ReaderServer) -> None:
    files = sample()
    once = files[DETAIL] + b"\r\n"
    files[DETAIL] = once * 8_333
    file = await read_raw(zip_together(files), filename="a.zip", limits=LIMITS, reader=reader)
    assert file.sheets[0].cells.height == 999_960


def test_the_layout_of_one_line() -> None:
    line = AnnualLine(
        nss="012345678901",
        last_name="Bénàïssa",
        first_name="œuvre",
        birth_date=datetime.date(2001, 2, 3),
        q1_duration=90,
        q1_unit="J",
        q1_amount=8_400_000,
        q2_duration=520,
        q2_unit="H",
        q2_amount=1,
        annual_amount=8_400_001,
        entry_date=datetime.date(2020, 1, 2),
    )
    (_, header), (_, detail) = write_text_pair(EMPLOYER, [line])
    assert len(detail) == 195
    assert detail[20:57] == b"012345678901" + b"BENAISSA".ljust(25)
    assert detail[57:82] == b"OEUVRE".ljust(25)
    assert detail[82:104] == b"03022001" + b" 90J8400000   "
    assert detail[104:118] == b"520H1         "
    assert detail[118:132] == b"  0J      0   "
    assert detail[146:158] == b"8400001     "
    assert header[130:146] == b"        8400000 "
    assert header[194:216] == b"         8400001     1"
    assert header[216:] == b"     \r\n"


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (AnnualLine(nss="800102889632", last_name="عامر", first_name="ROSE"), "last_name"),
        (AnnualLine(nss="80010288963", last_name="A", first_name="B"), "nss"),
        (AnnualLine(nss="800102889632", last_name="A", first_name="B", q3_amount=10**10), "q3_amount"),
        (AnnualLine(nss="800102889632", last_name="A", first_name="B", q1_amount=-1), "q1_amount"),
        (AnnualLine(nss="800102889632", last_name="A", first_name="B", q1_duration=1000), "q1_duration"),
    ],
)
def test_what_the_layout_cannot_hold_names_its_line(line: AnnualLine, field: str) -> None:
    with pytest.raises(NotWritable) as refused:
        write_text_pair(EMPLOYER, [LINE, line])
    assert (refused.value.values["line"], refused.value.values["field"]) == (2, field)


_LATIN = st.text(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ -'"), min_size=1, max_size=25).map(str.strip)
_AMOUNT = st.integers(0, 10**10 - 1)


@settings(deadline=None)
@given(
    st.builds(
        AnnualLine,
        nss=st.text(st.sampled_from("0123456789"), min_size=12, max_size=12),
        last_name=_LATIN.map(lambda name: " ".join(name.split())),
        first_name=_LATIN.map(lambda name: " ".join(name.split())),
        birth_date=st.none() | st.dates(datetime.date(1900, 1, 1)),
        q1_duration=st.integers(0, 999),
        q1_unit=st.sampled_from("JHM"),
        q1_amount=_AMOUNT,
        q4_amount=_AMOUNT,
        annual_amount=_AMOUNT,
        exit_date=st.none() | st.dates(datetime.date(1900, 1, 1)),
        **{
            f"q{quarter}_{part}": st.just(value)
            for quarter, part, value in (
                *((quarter, "duration", 0) for quarter in (2, 3, 4)),
                *((quarter, "unit", "J") for quarter in (2, 3, 4)),
            )
        },
    )
)
def test_what_is_written_reads_back(line: AnnualLine) -> None:
    file = read_text_pair(dict(write_text_pair(EMPLOYER, [line])), LIMITS)
    row = by_field(file)[0]
    assert line_of(row) == line
    assert set(row) == set(DETAIL_FIELDS)
