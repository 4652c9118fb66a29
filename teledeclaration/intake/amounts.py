"""Amounts as people write them, to whole centimes, in integer arithmetic throughout."""

from decimal import Decimal
from typing import Literal

import polars as pl

from schemas.findings import Severity
from teledeclaration.intake.casts import Cast, problem_frame
from teledeclaration.intake.evaluating import of, select
from teledeclaration.intake.normalising import western_digits

Habit = Literal["comma", "dot", "none"]
"""The decimal mark a file is seen to use in its texts."""

_DIGITS_MAX = 13
_HABIT_SAMPLE = 5_000
_PLAIN = rf"^-?[0-9]{{1,{_DIGITS_MAX}}}(\.[0-9]{{1,2}})?$"
_NOISE = r"[\s\x{00A0}\x{202F}\x{2009}\x{200E}\x{200F}'’`٬]"
_CURRENCY = r"(?i)(da|dzd|dinars?|دج|د\.ج\.?|دينار)\.?$|^(da|dzd|دج)"
_COMMA_DECIMAL = r"^\d{1,3}(\.\d{3})*,\d{1,2}$|^\d+,\d{1,2}$"
_DOT_DECIMAL = r"^\d{1,3}(,\d{3})*\.\d{1,2}$|^\d+\.\d{1,2}$"
_THOUSANDS = r"^[1-9]\d{0,2}(\.\d{3})+$|^[1-9]\d{0,2}(,\d{3})+$"
_LONG_DECIMALS = r"^\d{1,13}\.\d{3,}$"
_FINE = 18
_FLOAT_NOISE = Decimal("0.000001")  # of a dinar: what a sum of binary fractions may be off


def habit_of(columns: list[tuple[pl.Series, pl.Series | None]]) -> Habit:
    """The decimal mark a file's amounts use where they are text and can be read in one way only.

    A column is its texts and where they were stored as numbers: those say nothing of the writer's habit.
    """
    samples = []
    for texts, numeric in columns:
        written = texts if numeric is None else texts.filter(~numeric)
        if written.null_count() < written.len():
            samples.append(written.filter(of(written, _MARKED)).head(_HABIT_SAMPLE))
    odd = pl.concat(samples) if samples else pl.Series(dtype=pl.String)
    if not odd.len():
        return "none"
    comma, dot = select(_cleaned(odd).to_frame(""), _HABITS).row(0)
    if comma == dot:
        return "none"
    return "comma" if comma > dot else "dot"


_MARKED = pl.col("").str.contains("[.,٫]")
_HABITS = [
    pl.col("").str.contains(pattern).sum().alias(name)
    for name, pattern in (("comma", _COMMA_DECIMAL), ("dot", _DOT_DECIMAL))
]


def cast_amounts(texts: pl.Series, numeric: pl.Series | None, habit: Habit, *, centimes: bool = False) -> Cast:
    """Dinars as text, or `centimes` where that is what the file counts in, to centimes (Int64); blank is null.

    Read: 45000, 45000.5, "45 000,00", "45.000,00", "45,000.00", "45 000,00 DA", "(5 000)", "5000-",
    Arabic digits. "1.234" is a thousand unless the cell is a number or the file's habit says the mark is
    decimal. More than two decimals: the noise of a binary fraction is rounded off silently, real ones
    are rounded half up with a doubt.
    """
    texts = western_digits(texts)
    odd = of(texts, _ODD)
    if not odd.any():
        return _counted(Cast(_centimes(texts)), centimes=centimes)
    places = odd.arg_true()
    stored = pl.Series([False]).new_from_index(0, places.len()) if numeric is None else numeric.filter(odd)
    values, doubtful = _read_odd(texts.filter(odd), stored.fill_null(value=False), habit)
    column = _centimes(texts.set(odd, None)).scatter(places, values)
    failed = places.filter(values.is_null())
    rounded = places.filter(doubtful)
    proposed = _as_dinars(values.filter(doubtful))
    cast = Cast(
        column,
        problem_frame(failed, "amount_text", Severity.ERROR),
        problem_frame(rounded, "amount_rounded", Severity.CONFIRM, proposed=proposed),
    )
    return _counted(cast, centimes=centimes)


_ODD = (~pl.col("").str.contains(_PLAIN)).fill_null(value=False)


def _counted(cast: Cast, *, centimes: bool) -> Cast:
    """Whole numbers as the centimes they count; a part of a centime is rounded half away from zero, with a doubt."""
    if not centimes:
        return cast
    size = cast.values.abs()
    values = (size + 50) // 100 * cast.values.sign()
    broken = (size % 100 != 0).fill_null(value=False).arg_true()
    failed = cast.problems.filter(pl.col("severity") == Severity.ERROR.value)
    proposed = _as_dinars(values.gather(broken))
    return Cast(values, failed, problem_frame(broken, "amount_rounded", Severity.CONFIRM, proposed=proposed))


def _centimes(plain: pl.Series) -> pl.Series:
    return _to_centimes(plain.cast(pl.Decimal(18, 2), strict=False))


def _to_centimes(dinars: pl.Series) -> pl.Series:
    return dinars.cast(pl.Decimal(18, 2)).to_physical().cast(pl.Int64)


def _as_dinars(centimes: pl.Series) -> pl.Series:
    whole = centimes.abs()
    sign = pl.select(pl.when(centimes < 0).then(pl.lit("-")).otherwise(pl.lit(""))).to_series()
    return sign + (whole // 100).cast(pl.String) + "." + (whole % 100).cast(pl.String).str.zfill(2)


def _cleaned(texts: pl.Series) -> pl.Series:
    """Without spaces, currency, digit shapes and signs' dress; a minus, if any, stands first."""
    return of(western_digits(texts), _CLEANED)


_CLEANED = (
    pl.col("")
    .str.replace_all(_NOISE, "")
    .str.replace_all("٫", ",", literal=True)
    .str.replace_all(_CURRENCY, "")
    .str.replace_all("[−–—]", "-")
    .str.replace(r"^\((.+)\)$", "-$1")
    .str.replace(r"^([^-].*)-$", "-$1")
    .str.replace(r"^\+", "")
)


def _read_odd(texts: pl.Series, stored: pl.Series, habit: Habit) -> tuple[pl.Series, pl.Series]:
    """Centimes of the cells that are not plain numbers, and whether decimals were really rounded away."""
    whole = _cleaned(texts)
    negative = whole.str.starts_with("-")
    body = whole.str.strip_prefix("-")
    frame = pl.DataFrame({"body": body, "stored": stored})
    long = _long(habit)
    text = pl.col("body")
    read = frame.select(
        fine=pl.when(long).then(text.str.replace_all(",", ".", literal=True)),
        plain=pl.when(long)
        .then(pl.lit(None, pl.String))
        .when(text.str.contains(_COMMA_DECIMAL))
        .then(text.str.replace_all(".", "", literal=True).str.replace_all(",", ".", literal=True))
        .when(text.str.contains(_DOT_DECIMAL))
        .then(text.str.replace_all(",", "", literal=True))
        .when(text.str.contains(_THOUSANDS))
        .then(text.str.replace_all("[.,]", ""))
        .when(text.str.contains(r"^\d{1,13}[.,]?$"))
        .then(text.str.strip_chars(".,"))
        .otherwise(pl.lit(None, pl.String)),
    )
    fine = read["fine"].cast(pl.Decimal(36, _FINE), strict=False)
    rounded = fine.round(2, mode="half_away_from_zero")
    off = pl.select((pl.lit(fine) - rounded).abs() > _FLOAT_NOISE).to_series()
    centimes = pl.select(pl.coalesce(_centimes(read["plain"]), _to_centimes(rounded))).to_series()
    signed = pl.select(pl.when(negative).then(-centimes).otherwise(centimes)).to_series()
    return signed, off.fill_null(value=False)


def _long(habit: Habit) -> pl.Expr:
    """Whether a text is a number with three decimals or more, and not one with a mark of thousands."""
    text = pl.col("body")
    mark = {"comma": ",", "dot": r"\.", "none": None}[habit]
    said = text.str.contains(_LONG_DECIMALS)
    thousands = text.str.contains(_THOUSANDS)
    by_habit = text.str.contains(rf"^\d{{1,13}}{mark}\d{{3,}}$") if mark else pl.lit(value=False)
    other = text.str.contains(r"^\d{1,13}[.,]\d{3,}$") & ~thousands
    return (pl.col("stored") & said) | by_habit | other
