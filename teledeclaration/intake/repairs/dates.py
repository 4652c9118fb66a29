"""Dates that were written month first and read day first."""

from dataclasses import replace

import polars as pl

from teledeclaration.intake.dates import DateKind, cast_dates
from teledeclaration.intake.repairs.cells import Edit, edited, text, with_texts
from teledeclaration.intake.repairs.repair import ALL, TOLD, Choice, WholeFile, Wish

DATE_FIELDS = ("birth_date", "entry_date", "exit_date", "contract_start", "date")
DATE_CODES = ("birth_impossible", "date_impossible", "date_text")
_DAY_MONTH_YEAR = r"^\D*\d{1,2}\s*[-./\\،\s]\s*\d{1,2}\s*[-./\\،\s]\s*\d{2,4}"
_MONTHS = 12


def month_first(lines: pl.DataFrame, _told: pl.DataFrame, wish: Wish) -> pl.DataFrame:
    """Dates that cannot be read day first, read month first; by `all`, the others of the column exchanged too.

    Without a field of its wish: every date field. A column with a date whose day is above 12 is not exchanged, and
    nothing is where the file was read month first.
    """
    if wish.written.month_first:
        return edited(lines, {})
    fields = DATE_FIELDS if wish.field is None else (wish.field,)
    read = _reread(lines, fields, wish.year)
    if wish.choice != ALL:
        return edited(read, {name: Edit(_unread(name) & ~pl.col("left_out"), _again(name)) for name in fields})
    return edited(read, {name: _whole_column(name) for name in fields if not _late(read, name)})


def _whole_column(field: str) -> Edit:
    value, unread = pl.col(field), _unread(field)
    early = (value.dt.day() <= _MONTHS) & (value.dt.day() != value.dt.month())
    return Edit(
        unread | early.fill_null(value=False),
        pl.when(unread).then(_again(field)).otherwise(day_and_month_exchanged(value)),
    )


def _again(field: str) -> pl.Expr:
    return pl.col(f"again:{field}")


def _unread(field: str) -> pl.Expr:
    """Whether the date could not be read, and can be with its month first."""
    return pl.col(field).is_null() & _again(field).is_not_null()


def day_and_month_exchanged(value: pl.Expr) -> pl.Expr:
    """The same date with its day as the month; null where there is no such date."""
    parts = [value.dt.year(), value.dt.day(), value.dt.month()]
    year, month, day = (part.cast(pl.String).str.zfill(2) for part in parts)
    return (year + "-" + month + "-" + day).str.to_date("%Y-%m-%d", strict=False)


def _reread(lines: pl.DataFrame, fields: tuple[str, ...], year: int) -> pl.DataFrame:
    """The lines with each field's typed text read month first beside it, where it is three numbers."""
    lines = with_texts(lines, fields)
    for name in fields:
        typed = lines.select(text(name)).to_series()
        numbers = typed.set((~typed.str.contains(_DAY_MONTH_YEAR)).fill_null(value=False), None)
        values = cast_dates(numbers, None, DateKind.of(name), year, month_first=True).values
        lines = lines.with_columns(values.alias(f"again:{name}"))
    return lines


def _late(lines: pl.DataFrame, field: str) -> bool:
    return bool((lines[field].dt.day() > _MONTHS).any())


def month_first_offered(lines: pl.DataFrame, told: pl.DataFrame, whole: WholeFile, wish: Wish) -> tuple[Choice, ...]:
    """By `told`, the dates that have no other reading; by `all`, the whole column, unless a date of it was read with
    a day above 12: those speak against it, and are counted."""
    field = wish.field
    if field not in DATE_FIELDS:
        return ()
    only_unread = month_first(lines, told, replace(wish, choice=TOLD)).height
    if not only_unread:
        return ()
    unread = _reread(lines, (field,), wish.year).select(_unread(field).sum()).item()
    early, late = whole.early_days.get(field, 0), whole.late_days.get(field, 0)
    ways = [Choice(name=TOLD, lines=only_unread)]
    if early:
        ways.append(Choice(name=ALL, lines=unread + early, against=late, possible=not late))
    return tuple(ways)
