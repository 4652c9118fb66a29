"""Who the lines are about: names exchanged, numbers that lost their zeros, people who have no number yet."""

import polars as pl

from teledeclaration.intake.casting import padded_nss
from teledeclaration.intake.normalising import western_digits
from teledeclaration.intake.repairs.cells import Edit, edited, text, told_lines, with_texts
from teledeclaration.intake.repairs.repair import ALL, TOLD, Choice, WholeFile, Wish

NAMES = ("last_name", "first_name")


def swapped_names(lines: pl.DataFrame, told: pl.DataFrame, wish: Wish) -> pl.DataFrame:
    """Last and first name exchanged, on the lines told or on all; a name that could not be read stays where it is."""
    asked = with_texts(lines if wish.choice == ALL else told_lines(lines, told), NAMES)
    both = pl.all_horizontal(text(name).is_null() for name in NAMES)
    differ = pl.col("last_name").ne_missing(pl.col("first_name"))
    last, first = (pl.col(name) for name in NAMES)
    return edited(asked, {"last_name": Edit(both & differ, first), "first_name": Edit(both & differ, last)})


def swapped_names_offered(lines: pl.DataFrame, told: pl.DataFrame, whole: WholeFile, wish: Wish) -> tuple[Choice, ...]:
    """The lines that the register's names tell so; and every line, as the choice of who knows their file."""
    few = swapped_names(lines, told, wish).height if told.height else 0
    ways = [Choice(name=TOLD, lines=few)] if few else []
    return (*ways, Choice(name=ALL, lines=whole.named)) if whole.named else tuple(ways)


def lost_zeros(lines: pl.DataFrame, told: pl.DataFrame, _wish: Wish) -> pl.DataFrame:
    """Numbers of 8 to 11 digits with their zeros back, where the key or the year of birth then agrees."""
    asked = with_texts(told_lines(lines, told), ["nss"])
    typed = asked.select(text("nss")).to_series()
    digits = western_digits(typed).str.replace(r"\.0+$", "").str.replace_all(r"[\s.\-_/']", "")
    only_digits = digits.set((~digits.str.contains(r"^\d+$")).fill_null(value=True), None)
    padded = padded_nss(asked.with_columns(only_digits.alias("digits")), both=False)
    return edited(padded, {"nss": Edit(pl.col("nss").is_null() & pl.col("padded").is_not_null(), pl.col("padded"))})


def request_numbers(lines: pl.DataFrame, told: pl.DataFrame, _wish: Wish) -> pl.DataFrame:
    """A number asked for at filing, for who has none and whose names and birth are there.

    Words without a digit in the number's cell ("en cours") are forgotten; a number that cannot be read stays.
    """
    asked = with_texts(told_lines(lines, told), ["nss"])
    known = pl.all_horizontal(pl.col(name).is_not_null() for name in (*NAMES, "birth_date"))
    missing = known & pl.col("nss").is_null() & says_no_number(text("nss")) & ~pl.col("number_requested")
    return edited(
        asked, {"number_requested": Edit(missing, pl.lit(value=True)), "nss": Edit(missing, pl.lit(None, pl.String))}
    )


def says_no_number(typed: pl.Expr) -> pl.Expr:
    """Whether nothing stands in the number's cell, or words without a digit: neither a number nor an error."""
    return typed.is_null() | ~typed.str.contains(r"\p{Nd}|^[#=]")
