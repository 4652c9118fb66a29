"""Amounts in centimes that were read as dinars, and amounts that were rounded on reading."""

from functools import reduce

import polars as pl

from teledeclaration.intake.forms import QUARTERS
from teledeclaration.intake.repairs.cells import Edit, edited, told_at, told_lines
from teledeclaration.intake.repairs.repair import ALL, TOLD, Choice, WholeFile, Wish

QUARTER_AMOUNTS = tuple(f"q{quarter}_amount" for quarter in QUARTERS)
BASE = "amount"
"""The base of a form of one period, which has no others beside it."""
AMOUNTS = (*QUARTER_AMOUNTS, "annual_amount")
EVERY_AMOUNT = (*AMOUNTS, BASE)
LOOK_LIKE_CENTIMES = "amounts_look_like_centimes"
_DINAR = 100
_SAME_SIZE = 10
"""Pay of one person, quarter to quarter, is of one size within this factor; centimes for dinars is a hundred."""
_ROUNDING_MAX = 5
"""Centimes that four quarters and a year may be off by, when each was rounded to the centime."""


def quarters_sum() -> pl.Expr:
    """What the four quarters make, in centimes; null where one is not known."""
    return reduce(lambda left, right: left + right, (pl.col(name) for name in QUARTER_AMOUNTS))


def whole_dinars(names: tuple[str, ...] = EVERY_AMOUNT) -> pl.Expr:
    """Whether no amount of the line has centimes."""
    return pl.all_horizontal((pl.col(name) % _DINAR == 0).fill_null(value=True) for name in names)


def any_amount() -> pl.Expr:
    """Whether the line has an amount that is not nothing."""
    return pl.any_horizontal((pl.col(name) != 0).fill_null(value=False) for name in EVERY_AMOUNT)


def centimes(lines: pl.DataFrame, told: pl.DataFrame, wish: Wish) -> pl.DataFrame:
    """Amounts divided by a hundred, exactly: a line with centimes of its own is left alone.

    By `all`, every amount of every line. By `told`, the cells told and those of their line that are of their size,
    and the year's amount where it was the sum of its quarters, or is not so without.
    """
    if wish.choice == ALL:
        every = whole_dinars() & any_amount()
        return edited(lines, {name: Edit(every & pl.col(name).is_not_null(), _divided(name)) for name in EVERY_AMOUNT})
    asked = told_lines(lines, told)
    smallest = pl.min_horizontal(pl.when(told_at(told, name)).then(pl.col(name)) for name in (*QUARTER_AMOUNTS, BASE))
    asked = asked.with_columns(smallest=smallest).filter(whole_dinars() & pl.col("smallest").is_not_null())
    divided = {name: _of_size(name) for name in QUARTER_AMOUNTS}
    after = reduce(
        lambda left, right: left + right,
        (pl.when(divided[name]).then(_divided(name)).otherwise(pl.col(name)) for name in QUARTER_AMOUNTS),
    )
    annual = pl.col("annual_amount")
    edits = {name: Edit(divided[name], _divided(name)) for name in QUARTER_AMOUNTS}
    edits[BASE] = Edit(_of_size(BASE), _divided(BASE))
    edits["annual_amount"] = Edit(
        (annual == quarters_sum()) | (_of_size("annual_amount") & (annual != after)),
        pl.when(annual == quarters_sum()).then(after).otherwise(_divided("annual_amount")),
    )
    return edited(asked, edits)


def _divided(name: str) -> pl.Expr:
    return pl.col(name) // _DINAR


def _of_size(name: str) -> pl.Expr:
    """Whether an amount is as large as the smallest one told, within a person's usual range."""
    return (pl.col(name) * _SAME_SIZE >= pl.col("smallest")).fill_null(value=False)


def centimes_offered(lines: pl.DataFrame, told: pl.DataFrame, whole: WholeFile, wish: Wish) -> tuple[Choice, ...]:
    """The cells told; or, for a file that looks so as a whole, every line but those with centimes of their own, which
    speak against it."""
    if wish.code == LOOK_LIKE_CENTIMES:
        way = Choice(name=ALL, lines=whole.whole_amounts, against=whole.broken_amounts)
        return (way,) if whole.whole_amounts else ()
    few = centimes(lines, told, wish).height
    return (Choice(name=TOLD, lines=few),) if few else ()


def accept_rounding(lines: pl.DataFrame, told: pl.DataFrame, _wish: Wish) -> pl.DataFrame:
    """Rounded amounts as they were rounded, and the year's as the sum of its quarters where it is off by no more."""
    asked = told_lines(lines, told)
    total, annual = quarters_sum(), pl.col("annual_amount")
    near = ((annual - total).abs() <= _ROUNDING_MAX).fill_null(value=False)
    edits = {name: Edit(pl.col(name).is_not_null(), pl.col(name)) for name in (*QUARTER_AMOUNTS, BASE)}
    return edited(asked, {**edits, "annual_amount": Edit(near, total)})
