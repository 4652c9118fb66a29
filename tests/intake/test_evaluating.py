"""Few rows and many: evaluated in another way, with the same answer."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teledeclaration.intake import evaluating
from teledeclaration.intake.evaluating import FEW_ROWS, kept, mapped, of, select, with_columns

ROWS = st.lists(st.tuples(st.none() | st.text("ab1 ", max_size=3), st.none() | st.integers(-3, 3)), max_size=8)
SCHEMA = {"text": pl.String, "number": pl.Int32}


def frames(rows: list[tuple[str | None, int | None]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows, and the same so often that they are many."""
    few = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    return few, pl.concat([few] * (FEW_ROWS // max(few.height, 1) + 1))


@given(ROWS)
def test_few_rows_say_what_many_do(rows: list[tuple[str | None, int | None]]) -> None:
    few, many = frames(rows)
    wordy, negative = pl.col("text").str.contains("[ab]"), pl.col("number") < 0
    for expressions in (
        [wordy.alias("w")],
        [wordy.alias("w"), negative.alias("n"), pl.all().is_null().name.prefix("?")],
    ):
        assert select(few, expressions).equals(many.select(expressions).head(few.height))
        assert with_columns(few, expressions).equals(many.with_columns(expressions).head(few.height))
    assert of(few["text"], pl.col("").str.strip_chars()).equals(few["text"].str.strip_chars())
    assert kept(few, negative).equals(few.filter(negative))
    assert kept(few, few["number"] < 0).equals(few.filter(negative))
    assert many.height <= FEW_ROWS or kept(many, negative).equals(many.filter(negative))


@pytest.mark.parametrize("times", [1, FEW_ROWS + 1])
def test_what_texts_mean(times: int) -> None:
    texts = pl.Series("unit", ["j", None, "?"] * times)
    assert mapped(texts, {"j": "J"}).head(3).to_list() == ["J", None, None]


def test_one_expression_is_never_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the number of threads, as many expressions are asked, and only the wanted ones come back."""
    monkeypatch.setattr(pl, "thread_pool_size", lambda: 16)
    evaluating._beside.cache_clear()
    few = pl.DataFrame({"a": [1, 2]})
    assert select(few, pl.col("a") + 1).to_dict(as_series=False) == {"a": [2, 3]}
    assert with_columns(few, b=pl.col("a") * 2).to_dict(as_series=False) == {"a": [1, 2], "b": [2, 4]}
    evaluating._beside.cache_clear()
