"""Dates as people write them: cells, day first, month first, months by name, serial numbers, two-digit years."""

import re
from enum import Enum
from functools import cache, lru_cache

import polars as pl

from schemas.findings import Severity
from teledeclaration.intake.casts import Cast, places_of, problem_frame
from teledeclaration.intake.evaluating import FEW_ROWS, of, select
from teledeclaration.intake.normalising import normalised, western_digits

_ISO = r"^\d{4}-\d{2}-\d{2}(?:[ T]|$)"
_SEPARATORS = r"\s*[-./\\،]\s*|\s+"
_TIME = r"(?:\s+|T)\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?$"
_DAY_FIRST = r"^(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})$"
_YEAR_FIRST = r"^(\d{4})/(\d{1,2})/(\d{1,2})$"
_JOINED = r"^\d{8}$"
_SERIAL = r"^\d{4,5}$"
_FRACTION = r"^(\d{4,5})\.\d+$"
_SERIALS = (3_000, 73_415)  # from 1908 to the end of 2100, as a spreadsheet counts days
_YEAR_ONLY = r"^(?:00?/00?/)?((?:19|20)\d\d)$"
_ZERO_DAY = "1900-01-01"  # a blank cell shown as a date is a day of 1899 or 1900
_MAYBE_MONTH_FIRST = r"^\s*[\d٠-٩]{1,2}\s*[-./\\،]\s*[\d٠-٩]{1,2}\s*[-./\\،]\s*[\d٠-٩]{2,4}"
_MONTH_FIRST_MIN_SHARE = 0.2
_MONTH_FIRST_MIN_TIMES = 4
_HABIT_SAMPLE = 5_000
_YOUNGEST = 10


class DateKind(Enum):
    """What a date is for: it decides the century of a short year, and what a mistake is called."""

    BIRTH = "birth"
    EVENT = "event"

    @classmethod
    def of(cls, field: str) -> "DateKind":
        return cls.BIRTH if field == "birth_date" else cls.EVENT


def cast_dates(
    texts: pl.Series, numeric: pl.Series | None, kind: DateKind, year: int, *, month_first: bool = False
) -> Cast:
    """Dates of a column, day first unless the file is known to write the month first; blank and 00/00/0000 are null.

    A date that does not exist is `birth_impossible` or `date_impossible`, a text that is none `date_text`;
    a birth known by its year only is its first of January, with a doubt.
    """
    texts = western_digits(texts)
    looks = select(texts.to_frame(""), _LOOKS)
    odd = looks["odd"]
    if not odd.any():
        values, known = _iso(texts), texts
    else:
        stored = None if numeric is None else numeric.filter(odd)
        written, read = _read_once(texts.filter(odd), stored, kind, year, month_first=month_first)
        values = _put(_iso(texts.set(odd, None)), odd, read)
        known = _put(texts, odd, written.set(of(written, _IS_ZERO), None))
    known = known.set(looks["zero"], None)
    values = values.set(known.is_null(), None) if known.null_count() else values
    return Cast(values, *_problems(known, values, kind))


_IS_ISO = pl.col("").str.contains(_ISO)
_LOOKS = (
    (~_IS_ISO).fill_null(value=False).alias("odd"),
    (_IS_ISO & (pl.col("").str.slice(0, 10) <= _ZERO_DAY)).fill_null(value=False).alias("zero"),
)
_IS_ZERO = ((pl.col("") != "") & (pl.col("").str.strip_chars("0/") == "")).fill_null(value=True)


def _put(column: pl.Series, places: pl.Series, values: pl.Series) -> pl.Series:
    """The column with these values where `places` is true."""
    return values if values.len() == column.len() else column.scatter(places.arg_true(), values)


def _problems(known: pl.Series, values: pl.Series, kind: DateKind) -> list[pl.DataFrame]:
    told = []
    if known.null_count() < values.null_count():
        failed = known.is_not_null() & values.is_null()
        dated = failed & of(known, _DATED)
        impossible = "birth_impossible" if kind is DateKind.BIRTH else "date_impossible"
        told.append(problem_frame(places_of(dated), impossible, Severity.ERROR))
        told.append(problem_frame(places_of(failed & ~dated), "date_text", Severity.ERROR))
    if kind is DateKind.BIRTH:
        presumed = places_of(of(known, _PRESUMED_BIRTH) & values.is_not_null())
        told.append(problem_frame(presumed, "birth_presumed", Severity.CONFIRM, proposed=values.gather(presumed)))
    return told


_DATED = pl.col("").str.contains(rf"{_DAY_FIRST}|{_YEAR_FIRST}|{_ISO}|{_JOINED}").fill_null(value=False)
_PRESUMED_BIRTH = pl.col("").str.contains(_YEAR_ONLY).fill_null(value=False)


def _iso(texts: pl.Series) -> pl.Series:
    if texts.null_count() == texts.len():
        return pl.Series(texts.name, dtype=pl.Date).extend_constant(None, texts.len())
    return of(texts, pl.col("").str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False))


def _unified(texts: pl.Series) -> pl.Series:
    """Western digits, slashes between the parts, months by number, no time of day and no "présumé"."""
    plain = western_digits(texts)
    if not of(plain, _MORE_THAN_PARTS).any():
        return of(plain, _SEPARATED)
    plain = of(plain, pl.col("").str.replace(_TIME, "").str.replace(_FRACTION, "$1"))
    if of(plain, pl.col("").str.contains(r"\p{L}")).any():
        said = {text: _without_words(text) for text in plain.drop_nulls().unique() if any(map(str.isalpha, text))}
        plain = plain.replace(said)
    return of(plain, _SEPARATED)


_MORE_THAN_PARTS = pl.col("").str.contains(r"[:.\p{L}]")
"""Perhaps a time of day, a fraction of a day, or words."""
_SEPARATED = pl.col("").str.replace_all(_SEPARATORS, "/").str.strip_chars("/")


def _read_once(
    texts: pl.Series, stored: pl.Series | None, kind: DateKind, year: int, *, month_first: bool
) -> tuple[pl.Series, pl.Series]:
    """The unified texts and their dates; of many rows, a date that stands in several is read once."""
    if texts.len() <= FEW_ROWS:
        written = _unified(texts)
        return written, _read_odd(written, stored, kind, year, month_first=month_first)
    asked = pl.DataFrame({"text": texts, "stored": stored if stored is not None else False})
    once = asked.unique()
    written = _unified(once["text"])
    read = _read_odd(written, once["stored"], kind, year, month_first=month_first)
    answers = once.with_columns(written=written, read=read)
    found = asked.join(answers, on=["text", "stored"], how="left", maintain_order="left", nulls_equal=True)
    return found["written"], found["read"]


def _read_odd(
    written: pl.Series, stored: pl.Series | None, kind: DateKind, year: int, *, month_first: bool
) -> pl.Series:
    frame = pl.DataFrame({"text": written, "stored": stored if stored is not None else False})
    return select(frame, _odd_date(kind, year, month_first)).to_series()


@lru_cache(maxsize=64)
def _odd_date(kind: DateKind, year: int, month_first: bool) -> pl.Expr:
    """The date of `text`, whose cell was `stored` as a number or not."""
    text = pl.col("text")
    first, second = (text.str.extract(_DAY_FIRST, group) for group in (1, 2))
    short = text.str.extract(_DAY_FIRST, 3)
    day, month = (second, first) if month_first else (first, second)
    long_year = pl.when(short.str.len_chars() == 4).then(short).otherwise(_century(short, kind, year) + short)
    padded = pl.when(pl.col("stored")).then(text.str.zfill(8)).otherwise(text)
    joined = padded.str.contains(_JOINED)
    year_first = (
        joined & padded.str.slice(0, 4).is_between(pl.lit("1900"), pl.lit("2100")) & (padded.str.slice(4, 2) <= "12")
    )
    return pl.coalesce(
        _day(long_year, month, day),
        _day(*(text.str.extract(_YEAR_FIRST, group) for group in (1, 2, 3))),
        pl.when(joined).then(padded.str.to_date("%d%m%Y", strict=False)),
        pl.when(year_first).then(padded.str.to_date("%Y%m%d", strict=False)),
        _serial(text, pl.col("stored") if kind is DateKind.BIRTH else pl.lit(value=True)),
        _day(text.str.extract(_YEAR_ONLY, 1), pl.lit("01"), pl.lit("01")) if kind is DateKind.BIRTH else None,
    )


def _day(year: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Expr:
    text = year + "-" + month.str.zfill(2) + "-" + day.str.zfill(2)
    return text.str.to_date("%Y-%m-%d", strict=False)


def _serial(text: pl.Expr, allowed: pl.Expr) -> pl.Expr:
    """A spreadsheet's count of days; a number of four digits that could be a year is none."""
    number = pl.when(allowed & text.str.contains(_SERIAL)).then(text).cast(pl.Int32, strict=False)
    likely = number.is_between(*_SERIALS) & ~number.is_between(1900, 2100)
    return pl.when(likely).then(pl.lit("1899-12-30").str.to_date() + pl.duration(days=number))


def _century(short: pl.Expr, kind: DateKind, year: int) -> pl.Expr:
    """The century of a two-digit year: nobody works before ten, nothing happens long after the year declared."""
    latest = year - _YOUNGEST if kind is DateKind.BIRTH else year + 2
    number = short.cast(pl.Int32, strict=False)
    century = latest // 100
    return pl.when(number <= latest % 100).then(pl.lit(str(century))).otherwise(pl.lit(str(century - 1)))


def _some(texts: pl.Series) -> pl.Series:
    return texts.filter(of(texts, _MAYBE)).head(_HABIT_SAMPLE)


_MAYBE = pl.col("").str.contains(_MAYBE_MONTH_FIRST)


def is_month_first(columns: list[pl.Series]) -> bool:
    """Whether a file writes the month first: many of its dates can be read so only, and hardly any the other way."""
    columns = [texts for texts in columns if texts.null_count() < texts.len()]
    if sum(map(len, columns)) <= FEW_ROWS:
        columns = [pl.concat(columns)] if columns else []
    written = [_unified(some) for texts in columns if (some := _some(texts)).len()]
    if not written:
        return False
    texts = pl.concat(written)
    only_day, only_month = select(texts.to_frame(""), _only_so()).row(0)
    enough = max(1, _MONTH_FIRST_MIN_SHARE * texts.len(), _MONTH_FIRST_MIN_TIMES * only_day)
    return bool(only_month >= enough)


@cache
def _only_so() -> tuple[pl.Expr, pl.Expr]:
    """How many texts are a date with the day first only, and with the month first only."""
    first, second = (pl.col("").str.extract(_DAY_FIRST, group).cast(pl.Int32).cast(pl.String) for group in (1, 2))
    short = pl.col("").str.extract(_DAY_FIRST, 3)
    year = pl.when(short.str.len_chars() == 4).then(short).otherwise(pl.lit("20") + short)
    day_first = _day(year, second, first).is_not_null()
    month_first = _day(year, first, second).is_not_null()
    return (day_first & ~month_first).sum().alias("day"), (month_first & ~day_first).sum().alias("month")


_MONTHS = {
    1: "janvier janv jan january جانفي يناير",
    2: "fevrier fevr fev feb february فيفري فبراير",
    3: "mars mar march مارس",
    4: "avril avr apr april افريل ابريل",
    5: "mai may ماي مايو",
    6: "juin jun june جوان يونيو",
    7: "juillet juil jul july جويليه يوليو",
    8: "aout aou aug august اوت اغسطس",
    9: "septembre sept sep september سبتمبر",
    10: "octobre oct october اكتوبر",
    11: "novembre nov november نوفمبر",
    12: "decembre dec december ديسمبر",
}
_PRESUMED = re.compile(r"\b(?:presumee?s?|presume en|pres|vers|en|le|ne|nee|مفترض|حوالي|خلال|سنه)\b")


@cache
def months_by_name() -> dict[str, str]:
    """The number of each month's names, normalised, as two digits."""
    return {normalised(name): f"{number:02d}" for number, names in _MONTHS.items() for name in names.split()}


def _without_words(text: str) -> str:
    """The same date with its month as a number; the text as it is where it has other words."""
    months = months_by_name()
    words = _PRESUMED.sub(" ", re.sub(r"(?<=\d)(?:er)?(?=[^\W\d])|(?<=[^\W\d])(?=\d)", " ", normalised(text))).split()
    words = [word for word in words if word not in ("er", "de")]
    said = [months.get(word, word) for word in words]
    if all(part.isdigit() for part in said) and said:
        month_first = words[0] in months and len(said) == 3
        return "/".join([said[1], said[0], said[2]] if month_first else said)
    return text
