"""Cells as people write them become exact values, and what cannot be read is told."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teledeclaration.intake.amounts import Habit, cast_amounts, habit_of
from teledeclaration.intake.casting import CastContext, cast_column, nss_key, padded_nss
from teledeclaration.intake.casts import Cast
from teledeclaration.intake.dates import DateKind, cast_dates, is_month_first

CONTEXT = CastContext(year=2025, today=date(2026, 1, 15))


def amount(text: str, habit: Habit = "none", *, stored: bool = False) -> Cast:
    return cast_amounts(pl.Series([text]), pl.Series([stored]), habit)


@pytest.mark.parametrize(
    ("text", "centimes"),
    [
        ("45000", 4_500_000),
        ("45000.1", 4_500_010),
        ("45 000,00", 4_500_000),
        ("45\u00a0000,50", 4_500_050),
        ("45\u202f000,50 DA", 4_500_050),
        ("45.000,00", 4_500_000),
        ("45,000.00", 4_500_000),
        ("1.234.567", 123_456_700),
        ("1.234", 123_400),
        ("12,5", 1_250),
        ("45 000 دج", 4_500_000),
        ("٤٥٠٠٠٫٥٠", 4_500_050),
        ("۴۵۰۰۰", 4_500_000),
        ("(5 000,00)", -500_000),
        ("5000-", -500_000),
        ("−5000", -500_000),
        ("0", 0),
    ],
)
def test_an_amount_is_read_to_the_centime(text: str, centimes: int) -> None:
    read = amount(text)
    assert read.values.to_list() == [centimes]
    assert read.problems.is_empty()


@pytest.mark.parametrize("text", ["à vérifier", "1.234,5678.9", "12/05", "4 5 a", "1,2,3"])
def test_what_is_no_amount_is_an_error(text: str) -> None:
    read = amount(text)
    assert read.values.to_list() == [None]
    assert read.problems["code"].to_list() == ["amount_text"]


def test_the_noise_of_a_fraction_is_dropped_and_real_decimals_are_told() -> None:
    assert amount("45000.100000000006", stored=True).values.to_list() == [4_500_010]
    assert amount("45000.100000000006", stored=True).problems.is_empty()
    real = amount("45000.125", stored=True)
    assert real.values.to_list() == [4_500_013]
    assert real.problems.select("code", "severity", "proposed").rows() == [("amount_rounded", "confirm", "45000.13")]


def test_a_lone_mark_before_three_digits_follows_the_habit_of_the_file() -> None:
    comma = pl.Series(["45 000,50", "12,5"])
    assert habit_of([(comma, None)]) == "comma"
    assert habit_of([(pl.Series(["45,000.50"]), None)]) == "dot"
    assert amount("1.234", "comma").values.to_list() == [123_400]
    assert amount("1.234", "dot").values.to_list() == [123]
    assert amount("1,234", "dot").values.to_list() == [123_400]


@given(st.integers(min_value=-(10**14), max_value=10**14))
def test_every_amount_comes_back_from_how_it_is_written(centimes: int) -> None:
    dinars = Decimal(centimes).scaleb(-2)
    english = f"{dinars:,.2f}"
    french = english.replace(",", "\u202f").replace(".", ",")
    for text in (f"{dinars:.2f}", english, french, english.translate(str.maketrans(",.", ".,"))):
        assert amount(text).values.to_list() == [centimes]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1985-03-15", date(1985, 3, 15)),
        ("1985-03-15 00:00:00", date(1985, 3, 15)),
        ("15/03/1985", date(1985, 3, 15)),
        ("5/3/1985", date(1985, 3, 5)),
        ("15-03-85", date(1985, 3, 15)),
        ("15.03.1985", date(1985, 3, 15)),
        ("15 03 1985", date(1985, 3, 15)),
        ("15031985", date(1985, 3, 15)),
        ("19850315", date(1985, 3, 15)),
        ("15 mars 1985", date(1985, 3, 15)),
        ("1er avril 1990", date(1990, 4, 1)),
        ("15-Mar-85", date(1985, 3, 15)),
        ("March 15, 1985", date(1985, 3, 15)),
        ("15 جانفي 1970", date(1970, 1, 15)),
        ("١٥/٠٣/١٩٨٥", date(1985, 3, 15)),
        ("05/06/02", date(2002, 6, 5)),
        ("05/06/24", date(1924, 6, 5)),
    ],
)
def test_a_date_is_read_day_first(text: str, day: date) -> None:
    read = cast_dates(pl.Series([text]), None, DateKind.BIRTH, 2025)
    assert read.values.to_list() == [day]
    assert read.problems.is_empty()


def test_a_serial_number_in_a_number_cell_is_a_day() -> None:
    read = cast_dates(pl.Series(["31121", "1031985"]), pl.Series([True, True]), DateKind.BIRTH, 2025)
    assert read.values.to_list() == [date(1985, 3, 15), date(1985, 3, 1)]


def test_a_date_that_cannot_be_is_told_from_a_text_that_is_none() -> None:
    texts = pl.Series(["31/02/1985", "1985-02-30", "inconnue", "00/00/0000", "1899-12-30", None])
    birth = cast_dates(texts, None, DateKind.BIRTH, 2025)
    assert birth.values.null_count() == 6
    assert dict(birth.problems.select("place", "code").rows()) == {
        0: "birth_impossible",
        1: "birth_impossible",
        2: "date_text",
    }
    event = cast_dates(texts, None, DateKind.EVENT, 2025)
    assert event.problems["code"].to_list()[0] == "date_impossible"


def test_a_presumed_birth_is_its_year_with_a_doubt() -> None:
    read = cast_dates(pl.Series(["1948", "00/00/1950", "présumé en 1951"]), None, DateKind.BIRTH, 2025)
    assert read.values.to_list() == [date(1948, 1, 1), date(1950, 1, 1), date(1951, 1, 1)]
    assert set(read.problems["code"]) == {"birth_presumed"}


def test_month_first_is_believed_only_where_nothing_else_fits() -> None:
    assert is_month_first([pl.Series(["03/15/1985", "03/02/1986", "12/31/1990"])])
    assert not is_month_first([pl.Series(["15/03/1985", "03/02/1986", "02/31/1990", "28/01/1990"])])
    assert not is_month_first([pl.Series(["03/02/1986", "1985-03-15"])])


def test_units_by_any_of_their_names() -> None:
    read = cast_column(
        "q1_unit", "unit", pl.Series(["J", "jours", "Heures", "شهر", "أيام", "X", "j ?", None]), None, CONTEXT
    )
    assert read.values.to_list() == ["J", "J", "H", "M", "J", None, None, None]
    assert read.problems.select("place", "code").rows() == [(5, "unit_unknown"), (6, "unit_unknown")]


def test_durations_are_whole_numbers() -> None:
    read = cast_column("q1_duration", "duration", pl.Series(["90", "90 J", "٩٠", "12,5", "-3", "plein"]), None, CONTEXT)
    assert read.values.to_list() == [90, 90, 90, 13, -3, None]
    assert dict(read.problems.select("place", "code").rows()) == {5: "duration_text", 3: "duration_rounded"}


def test_a_number_is_twelve_digits_however_it_is_spaced() -> None:
    texts = pl.Series(["79 64 08 55 05 32", "7964.0855.0532", "7964085505", "en cours", "٧٩٦٤٠٨٥٥٠٥٣٢", "-"])
    read = cast_column("nss", "nss", texts, None, CONTEXT)
    assert read.values.to_list() == ["796408550532", "796408550532", None, None, "796408550532", None]
    assert dict(read.problems.select("place", "code").rows()) == {2: "nss_length", 3: "nss_not_a_number"}


def test_lost_zeros_come_back_only_where_key_or_birth_says_so() -> None:
    frame = pl.DataFrame(
        {
            "digits": ["15246486737", "15246486737", "67633247203", "1"],
            "birth_date": [date(2001, 9, 5), date(1980, 9, 5), date(1967, 12, 17), date(2000, 1, 1)],
        }
    )
    assert padded_nss(frame, both=False)["padded"].to_list() == ["015246486737", "015246486737", None, None]
    assert padded_nss(frame, both=True)["padded"].to_list() == ["015246486737", None, None, None]


def test_the_key_is_known_up_to_ninety_nine() -> None:
    keys = pl.DataFrame({"nss": ["874050470340", "999999999900"]}).select(nss_key(pl.col("nss"))).to_series()
    assert keys.to_list() == [40, None]
