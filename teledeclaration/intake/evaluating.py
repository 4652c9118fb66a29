"""Expressions over frames of any height: few rows are not worth waking polars' threads, which costs more than the work.

Polars spreads even one expression over its threads where there are fewer expressions than threads, so some that cost
nothing are put beside them. See docs/decisions/0021-few-rows-in-one-thread.md.
"""

from collections.abc import Iterable, Mapping
from functools import cache

import polars as pl

FEW_ROWS = 2_000

Expressions = pl.Expr | str | Iterable[pl.Expr | str]


def select(frame: pl.DataFrame, *expressions: Expressions, **named: pl.Expr) -> pl.DataFrame:
    """`frame.select`, in this thread where the rows are few."""
    if frame.height > FEW_ROWS:
        return frame.select(*expressions, **named)
    listed = _listed(expressions, named)
    beside = _beside()[len(listed) :]
    if not beside:
        return frame.select_seq(listed)
    return pl.DataFrame(frame.select_seq(*listed, *beside).get_columns()[: -len(beside)])


def with_columns(frame: pl.DataFrame, *expressions: Expressions, **named: pl.Expr) -> pl.DataFrame:
    """`frame.with_columns`, in this thread where the rows are few."""
    if frame.height > FEW_ROWS:
        return frame.with_columns(*expressions, **named)
    listed = _listed(expressions, named)
    beside = _beside()[len(listed) :]
    if not beside:
        return frame.with_columns_seq(listed)
    return pl.DataFrame(frame.with_columns_seq(*listed, *beside).get_columns()[: -len(beside)])


def of(series: pl.Series, expression: pl.Expr) -> pl.Series:
    """One expression over a series, which is `pl.col("")` there; its name stays."""
    return select(series.to_frame(""), expression).to_series().alias(series.name)


def kept(frame: pl.DataFrame, told: pl.Series | pl.Expr) -> pl.DataFrame:
    """`frame.filter`: the rows for which `told` is true; null counts as false."""
    if isinstance(told, pl.Expr):
        told = select(frame, told.alias("")).to_series()
    count = told.sum()
    if count == frame.height:
        return frame
    if not count:
        return frame.clear()
    if frame.height > FEW_ROWS:
        return frame.filter(told)
    return pl.DataFrame([column.filter(told) for column in frame.get_columns()])


def _listed(expressions: tuple[Expressions, ...], named: dict[str, pl.Expr]) -> list[pl.Expr | str]:
    listed: list[pl.Expr | str] = []
    for expression in expressions:
        if isinstance(expression, pl.Expr | str):
            listed.append(expression)
        else:
            listed.extend(expression)
    return listed + [expression.alias(name) for name, expression in named.items()]


def mapped(series: pl.Series, meanings: Mapping[str, str | None]) -> pl.Series:
    """What each text means; null where nothing is said of it."""
    if series.len() > FEW_ROWS:
        return series.replace_strict(meanings, default=None, return_dtype=pl.String)
    return pl.Series(series.name, [meanings.get(text) for text in series.to_list()], dtype=pl.String)


@cache
def _beside() -> list[pl.Expr]:
    """Not at import: to ask how many threads there are starts them."""
    return [pl.lit(None).alias(f"\0{place}") for place in range(pl.thread_pool_size())]
