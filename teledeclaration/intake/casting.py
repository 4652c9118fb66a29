"""From a column of texts to a column of values, whole columns at once; what cannot be read is told, never lost.

Every cast gives the values and its problems: a frame of `place` (the row of the column), `code`,
`severity`, `expected`, `proposed`. A null value with an `error` problem is a cell that could not be read; a
value with a problem was read, with a doubt.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache

import msgspec
import polars as pl

from schemas.findings import Severity
from teledeclaration.intake.amounts import Habit, cast_amounts
from teledeclaration.intake.casts import Cast, problem_frame
from teledeclaration.intake.dates import DateKind, cast_dates
from teledeclaration.intake.forms import Kind, by_word, synonyms
from teledeclaration.intake.normalising import normalised, western_digits

_NSS_LENGTH = 12
_CLOCK = r"^(\d{1,5}):([0-5]\d)(?::[0-5]\d)?$"
_SPACES = r"[\s'’`\x{00A0}\x{202F}\x{200E}\x{200F}]"
_SPACING = r"[\s.\-_/'’`\x{00A0}\x{202F}\x{200E}\x{200F}]"


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """How a file writes what could be read in two ways: its decimal mark, month or day first, centimes or dinars."""

    habit: Habit = "none"
    month_first: bool = False
    centimes: bool = False


AS_USUAL = Written()


@dataclass(frozen=True)
class CastContext:
    """What a cast may lean on beside the cell: the year declared, whose century a short year falls in, habits."""

    year: int
    today: date
    written: Written = AS_USUAL
    all_text: bool = False


def cast_column(field: str, kind: Kind, texts: pl.Series, numeric: pl.Series | None, context: CastContext) -> Cast:
    """Cast a column by what its field holds. `numeric` is True where a cell was stored as a number."""
    texts = _blanks_as_null(texts)
    match kind:
        case "amount":
            cast = cast_amounts(texts, numeric, context.written.habit, centimes=context.written.centimes)
        case "date":
            month_first = context.written.month_first
            cast = cast_dates(texts, numeric, DateKind.of(field), context.year, month_first=month_first)
        case "duration":
            cast = cast_durations(texts)
        case "unit":
            cast = cast_choices(texts, unit_meanings(), "unit_unknown")
        case "movement":
            cast = cast_choices(texts, movement_meanings(), "movement_unknown")
        case "nss":
            cast = cast_nss(texts)
        case "name" | "text":
            cast = Cast(texts.str.replace_all(r"\s+", " "))
    return cast


@cache
def _blank_words() -> list[str]:
    return synonyms().blanks["words"]


@cache
def _blank_bytes() -> int:
    """How long the longest of them is; a capital letter may take a byte more or less."""
    return max(len(word.encode()) + len(word) for word in _blank_words())


def _blanks_as_null(texts: pl.Series) -> pl.Series:
    """Texts without outer spaces and marks; blank ones, and "-", "néant" and their like, are null."""
    trimmed = texts.str.strip_chars()
    if trimmed.str.contains("[\u200e\u200f\ufeff]").any():
        trimmed = trimmed.str.strip_chars("\u200e\u200f\ufeff")
    blank = trimmed.str.len_bytes() == 0
    wordy = ((trimmed.str.len_bytes() <= _blank_bytes()) & ~trimmed.str.contains("^[0-9]")).fill_null(value=False)
    if wordy.any():
        said = trimmed.filter(wordy).unique()
        blank = blank | trimmed.is_in(said.filter(said.str.to_lowercase().is_in(_blank_words())).implode())
    return trimmed.set(blank.fill_null(value=False), None)


def cast_choices(texts: pl.Series, meanings: dict[str, str], code: str) -> Cast:
    """One of a few values by its synonyms; a text with a question mark is never sure enough."""
    said = {
        text: None if "?" in text or "؟" in text else meanings.get(normalised(text))
        for text in texts.drop_nulls().unique()
    }
    values = texts.replace_strict(said, default=None, return_dtype=pl.String) if said else texts
    places = (texts.is_not_null() & values.is_null()).arg_true()
    return Cast(
        values, problem_frame(places, code, Severity.ERROR, expected=", ".join(dict.fromkeys(meanings.values())))
    )


@cache
def unit_meanings() -> dict[str, str]:
    """Each word for a unit of time, normalised, with its letter: J, H or M."""
    return by_word(synonyms().units)


@cache
def movement_meanings() -> dict[str, str]:
    """Each word for a movement, normalised: entry, exit or change."""
    return by_word(synonyms().movements)


def cast_durations(texts: pl.Series) -> Cast:
    """Whole numbers; "90 J" counts as 90, a fraction is rounded to the nearest whole with a doubt.

    Hours and minutes, as spreadsheets show durations ("173:20"), are hours.
    """
    plain = _hours(western_digits(texts).str.replace_all(_SPACES, "").str.replace(",", ".", literal=True))
    plain = plain.str.replace(r"(?i)\p{L}+\.?$", "")
    good = plain.str.contains(r"^-?\d{1,6}(\.\d+)?$").fill_null(value=False)
    exact = plain.set(~good, None).cast(pl.Decimal(16, 6), strict=False)
    values = exact.round(0, mode="half_away_from_zero").cast(pl.Int32)
    broken = (exact != values.cast(pl.Decimal(16, 6))).fill_null(value=False)
    text = (texts.is_not_null() & values.is_null()).arg_true()
    rounded = broken.arg_true()
    return Cast(
        values,
        problem_frame(text, "duration_text", Severity.ERROR),
        problem_frame(rounded, "duration_rounded", Severity.CONFIRM, proposed=values.gather(rounded).cast(pl.String)),
    )


def _hours(texts: pl.Series) -> pl.Series:
    """Hours and minutes as hours with decimals; other texts as they are."""
    clock = texts.str.contains(_CLOCK).fill_null(value=False)
    if not clock.any():
        return texts
    hours, minutes = (texts.str.extract(_CLOCK, part).cast(pl.Float64) for part in (1, 2))
    return (hours + minutes / 60).round(4).cast(pl.String).zip_with(clock, texts)


def cast_nss(texts: pl.Series) -> Cast:
    """Twelve digits, spaces and dots left out. Too short or too long, or no number at all, is an error."""
    digits = western_digits(texts).str.replace(r"^(\d+)\.0+$", "$1").str.replace_all(_SPACING, "")
    is_number = digits.str.contains(r"^\d+$")
    right = is_number & (digits.str.len_chars() == _NSS_LENGTH)
    no_number = (~is_number).fill_null(value=False).arg_true()
    length = (is_number & ~right).fill_null(value=False).arg_true()
    return Cast(
        digits.set(~right.fill_null(value=False), None),
        problem_frame(no_number, "nss_not_a_number", Severity.ERROR, expected=str(_NSS_LENGTH)),
        problem_frame(length, "nss_length", Severity.ERROR, expected=str(_NSS_LENGTH)),
    )


def nss_key(nss: pl.Expr) -> pl.Expr:
    """The two-digit key the first ten digits of an NSS ask for; null where its rule is not known.

    99 − (2·(d1+d3+d5+d7+d9) + (d2+d4+d6+d8+d10)): right on the public samples, unknown above 99.
    """
    digits = [nss.str.slice(place, 1).cast(pl.Int16, strict=False) for place in range(10)]
    total = 2 * sum(digits[0::2], pl.lit(0)) + sum(digits[1::2], pl.lit(0))
    return pl.when(total <= 99).then(99 - total)


def padded_nss(frame: pl.DataFrame, *, both: bool) -> pl.DataFrame:
    """Short numbers that are an NSS without its leading zeros.

    `frame` has `digits` (8 to 11 of them) and `birth_date`; the answer has `padded` beside them, null
    where the padded number's key and its year of birth do not agree (`both`), or neither does.
    """
    full = pl.col("digits").str.zfill(_NSS_LENGTH)
    key_agrees = (nss_key(full) == full.str.slice(10, 2).cast(pl.Int16, strict=False)).fill_null(value=False)
    born = pl.col("birth_date").dt.year() % 100
    year_agrees = (born == full.str.slice(0, 2).cast(pl.Int32, strict=False)).fill_null(value=False)
    agrees = key_agrees & year_agrees if both else key_agrees | year_agrees
    enough = pl.col("digits").str.len_chars().is_between(8, _NSS_LENGTH - 1)
    return frame.with_columns(padded=pl.when(agrees & enough).then(full))
