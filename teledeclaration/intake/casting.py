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
from teledeclaration.intake.casts import Cast, places_of, problem_frame
from teledeclaration.intake.dates import DateKind, cast_dates
from teledeclaration.intake.evaluating import of, select
from teledeclaration.intake.few_casts import cast_categories, cast_codes, cast_counts, cast_hours
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
    return cast_cleaned(field, kind, cleaned(texts), numeric, context)


def cast_cleaned(field: str, kind: Kind, texts: pl.Series, numeric: pl.Series | None, context: CastContext) -> Cast:
    """The same for texts that are cleaned already."""
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
            cast = Cast(of(texts, _ONE_SPACE))
        case "count":
            cast = cast_counts(texts)
        case "hours":
            cast = cast_hours(texts)
        case "category":
            cast = cast_categories(texts)
        case "code":
            cast = cast_codes(texts)
    return cast


@cache
def _blank_words() -> list[str]:
    return synonyms().blanks["words"]


@cache
def _blank_bytes() -> int:
    """How long the longest of them is; a capital letter may take a byte more or less."""
    return max(len(word.encode()) + len(word) for word in _blank_words())


def cleaned(texts: pl.Series) -> pl.Series:
    """Texts without outer spaces and marks; blank ones, and "-", "néant" and their like, are null."""
    trimmed = of(texts, _TRIMMED)
    looks = select(trimmed.to_frame(""), _looks())
    if looks["marked"].any():
        trimmed = of(trimmed, _UNMARKED)
        looks = select(trimmed.to_frame(""), _looks())
    blank = looks["blank"]
    words = set(_blank_words())
    if said := [word for word in trimmed.filter(looks["wordy"]).unique().to_list() if word.lower() in words]:
        blank = blank | of(trimmed, pl.col("").is_in(said).fill_null(value=False))
    return trimmed.set(blank, None) if blank.any() else trimmed


_MARKS = "\u200e\u200f\ufeff"
_TRIMMED = pl.col("").str.strip_chars()
_UNMARKED = pl.col("").str.strip_chars(_MARKS)
_ONE_SPACE = pl.col("").str.replace_all(r"\s+", " ")


@cache
def _looks() -> tuple[pl.Expr, ...]:
    """Whether a trimmed text has outer marks, is blank, or may be a word for nothing."""
    text, length = pl.col(""), pl.col("").str.len_bytes()
    wordy = (length <= _blank_bytes()) & ~text.str.head(1).is_between(pl.lit("0"), pl.lit("9"))
    return (
        text.str.contains(f"[{_MARKS}]").fill_null(value=False).alias("marked"),
        (length == 0).fill_null(value=False).alias("blank"),
        wordy.fill_null(value=False).alias("wordy"),
    )


def cast_choices(texts: pl.Series, meanings: dict[str, str], code: str) -> Cast:
    """One of a few values by its synonyms; a text with a question mark is never sure enough."""
    distinct = texts.unique().to_list()
    said = {
        text: None if "?" in text or "؟" in text else meanings.get(normalised(text))
        for text in distinct
        if text is not None
    }
    if all(text == meaning for text, meaning in said.items()):
        return Cast(texts)
    values = of(texts, pl.col("").replace_strict(said, default=None, return_dtype=pl.String))
    places = places_of(texts.is_not_null() & values.is_null())
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
    texts = western_digits(texts)
    if of(texts, _WHOLE).all():
        return Cast(texts.cast(pl.Int32))
    exact = _read_durations(texts)
    values = exact.round(0, mode="half_away_from_zero").cast(pl.Int32)
    broken = (exact != values.cast(pl.Decimal(16, 6))).fill_null(value=False)
    rounded = places_of(broken)
    return Cast(
        values,
        problem_frame(places_of(texts.is_not_null() & values.is_null()), "duration_text", Severity.ERROR),
        problem_frame(rounded, "duration_rounded", Severity.CONFIRM, proposed=values.gather(rounded).cast(pl.String)),
    )


_WHOLE = pl.col("").str.contains(r"^-?[0-9]{1,6}$").fill_null(value=True)


def _read_durations(texts: pl.Series) -> pl.Series:
    plain = _hours(of(texts, pl.col("").str.replace_all(_SPACES, "").str.replace(",", ".", literal=True)))
    plain = of(plain, pl.col("").str.replace(r"(?i)\p{L}+\.?$", ""))
    good = of(plain, pl.col("").str.contains(r"^-?\d{1,6}(\.\d+)?$").fill_null(value=False))
    return plain.set(~good, None).cast(pl.Decimal(16, 6), strict=False)


def _hours(texts: pl.Series) -> pl.Series:
    """Hours and minutes as hours with decimals; other texts as they are."""
    clock = of(texts, pl.col("").str.contains(_CLOCK).fill_null(value=False))
    if not clock.any():
        return texts
    hours, minutes = (texts.str.extract(_CLOCK, part).cast(pl.Float64) for part in (1, 2))
    return (hours + minutes / 60).round(4).cast(pl.String).zip_with(clock, texts)


def cast_nss(texts: pl.Series) -> Cast:
    """Twelve digits, spaces and dots left out. Too short or too long, or no number at all, is an error."""
    digits = western_digits(texts)
    wrong = of(digits, _NO_NSS)
    if wrong.any():
        digits = of(digits, _DIGITS)
        wrong = of(digits, _NO_NSS)
    if not wrong.any():
        return Cast(digits)
    no_number = of(digits, _NO_NUMBER)
    return Cast(
        digits.set(wrong, None),
        problem_frame(places_of(no_number), "nss_not_a_number", Severity.ERROR, expected=str(_NSS_LENGTH)),
        problem_frame(places_of(wrong & ~no_number), "nss_length", Severity.ERROR, expected=str(_NSS_LENGTH)),
    )


_DIGITS = pl.col("").str.replace(r"^(\d+)\.0+$", "$1").str.replace_all(_SPACING, "")
_NO_NSS = (~pl.col("").str.contains(rf"^\d{{{_NSS_LENGTH}}}$")).fill_null(value=False)
_NO_NUMBER = (~pl.col("").str.contains(r"^\d+$")).fill_null(value=False)


def nss_key(nss: pl.Expr) -> pl.Expr:
    """The two-digit key the first ten digits of an NSS ask for; null where its rule is not known.

    99 − (2·(d1+d3+d5+d7+d9) + (d2+d4+d6+d8+d10)): right on the public samples, unknown above 99.
    """
    number = nss.str.slice(0, 10).cast(pl.Int64, strict=False)
    pairs = [number // 100**place % 100 for place in range(5)]
    tens = [number // 10 ** (2 * place + 1) % 10 for place in range(5)]
    total = sum(pairs[1:], pairs[0]) - 8 * sum(tens[1:], tens[0])  # a pair's first digit counts twice, not ten times
    return pl.when(total <= 99).then((99 - total).cast(pl.Int16))


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
