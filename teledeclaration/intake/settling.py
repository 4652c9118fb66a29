"""The reader's texts brought to their agreed form: dates, times, booleans, and nothing a database refuses."""

import polars as pl

from teledeclaration.intake.evaluating import select

_BOOLEANS = ("true", "false")
_BLANK = {"": None}
_LESS_THAN_NOTHING = "-0"  # a number only: as a text it is what the user wrote
_MIDNIGHT = " 00:00:00"
_ISO_MOMENT = r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d(?:\.\d+)?)$"
_MOMENT_LENGTH = len("2025-01-31 00:00:00")
_EARLY = r"^(?:1899-12-3|190[0-8]-)"
_EARLY_TIME = r"^(?:1899-12-3|190[0-8]-).{5,7}[1-9]"


def settled(texts: pl.DataFrame, answered: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Texts in their agreed form, and which of them were numbers; `answered` are the numbers and booleans.

    A first look tells which columns need anything at all; all work is done in one select a step, as for
    a short sheet the calls cost more than the work. Neither is ever null in `answered`.
    """
    if texts.is_empty():
        return texts, answered
    looks = _looks(texts)
    if not looks:
        return texts, answered
    found = [key.split(" ") for key, needed in select(texts, looks).row(0, named=True).items() if needed]
    needs = {letter: {name for name, of in found if of == letter} for letter in dict.fromkeys(of for _, of in found)}
    if not needs:
        return texts, answered
    truths = [letter for letter in needs if "boolean" in needs[letter]]
    judged = [letter for letter in needs if needs[letter] & {"boolean", "minus"}]
    both = texts.select(needs.keys()).hstack([answered[letter].alias(f"{letter}?") for letter in judged])
    cells = select(both, (_text(letter, needs[letter]).alias(letter) for letter in needs))
    numbers = select(both, ((pl.col(f"{letter}?") & ~_truth(letter)).alias(letter) for letter in truths))
    return texts.with_columns(cells), answered.with_columns(numbers)


def _looks(texts: pl.DataFrame) -> list[pl.Expr]:
    """What to ask of each column; most are asked little, as the lengths of their texts say enough."""
    lengths = pl.all().str.len_bytes()
    facts = select(
        texts,
        lengths.min().name.prefix("least "),
        lengths.max().name.prefix("most "),
        pl.all().str.contains("\0", literal=True).any().name.prefix("null "),
    ).row(0, named=True)
    timed = [letter for letter in texts.columns if (facts[f"most {letter}"] or 0) >= _MOMENT_LENGTH]
    brief = [letter for letter in texts.columns if (facts[f"least {letter}"] or 0) <= len("false")]
    nulls = [letter for letter in texts.columns if facts[f"null {letter}"]]
    looks = {
        "midnight": pl.col(timed).str.ends_with(_MIDNIGHT),
        "moment": pl.col(timed).str.contains(_ISO_MOMENT),
        "early": pl.col(timed).str.contains(_EARLY),
        "boolean": pl.col(brief).is_in(_BOOLEANS),
        "minus": pl.col(brief) == _LESS_THAN_NOTHING,
        "blank": pl.col(brief) == "",
        "null": pl.col(nulls).is_not_null(),
    }
    asked = {"midnight": timed, "moment": timed, "early": timed, "null": nulls}
    return [look.any().name.prefix(f"{name} ") for name, look in looks.items() if asked.get(name, brief)]


def _truth(letter: str) -> pl.Expr:
    return pl.col(f"{letter}?") & pl.col(letter).is_in(_BOOLEANS).fill_null(value=False)


def _text(letter: str, needs: set[str]) -> pl.Expr:
    text = pl.col(letter)
    if "moment" in needs:
        text = text.str.replace(_ISO_MOMENT, "$1 $2")
    if needs & {"midnight", "moment"}:
        text = text.str.strip_suffix(_MIDNIGHT)
    if "boolean" in needs:
        text = pl.when(_truth(letter)).then(text.str.to_uppercase()).otherwise(text)
    if "minus" in needs:
        text = pl.when(pl.col(f"{letter}?") & (pl.col(letter) == _LESS_THAN_NOTHING)).then(pl.lit("0")).otherwise(text)
    if "early" in needs:
        text = _clock_times(text)
    if "null" in needs:
        text = text.str.replace_all("\0", "", literal=True)
    return text.replace(_BLANK) if needs & {"blank", "null"} else text


def _clock_times(text: pl.Expr) -> pl.Expr:
    """Hours and minutes instead of a day of the calendar's first years, in a column where some have a time.

    That is how times and durations ([h]:mm) are stored: days since the calendar's beginning, of which a workbook
    has two: 1900 (whose 29 February never was) and 1904.
    """
    early = text.str.contains(_EARLY) & text.str.contains(_EARLY_TIME).any()
    moment = pl.coalesce(
        text.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="ms"),
        text.str.to_datetime("%Y-%m-%d", strict=False, time_unit="ms"),
    )
    begin = (
        pl.when(moment >= pl.datetime(1904, 1, 1))
        .then(pl.datetime(1904, 1, 1))
        .when(moment >= pl.datetime(1900, 3, 1))
        .then(pl.datetime(1899, 12, 30))
        .otherwise(pl.datetime(1899, 12, 31))
    )
    minutes = ((moment - begin).dt.total_seconds() + 30) // 60
    hours = pl.format(
        "{}:{}",
        (minutes // 60).cast(pl.String).str.zfill(2),
        (minutes % 60).cast(pl.String).str.zfill(2),
    )
    return pl.when(early & (minutes >= 0)).then(hours).otherwise(text)
