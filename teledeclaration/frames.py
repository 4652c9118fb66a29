"""The rows of a query as columns."""

import asyncio
import io
from collections.abc import Mapping

import polars as pl

from teledeclaration.database import Connection


async def fetch_frame(
    connection: Connection, query: str, *arguments: object, schema: Mapping[str, type[pl.DataType] | pl.DataType]
) -> pl.DataFrame:
    """What a query answers, by COPY: a third of the time of rows one by one, and a tenth of the memory.

    The query's columns are those of `schema`, in order, whatever they are called in it.
    """
    text = io.BytesIO()
    await connection.copy_from_query(query, *arguments, output=text, format="csv")
    if not text.tell():
        return pl.DataFrame(schema=schema)
    text.seek(0)
    return await asyncio.to_thread(_read, text, schema)


def _read(text: io.BytesIO, schema: Mapping[str, type[pl.DataType] | pl.DataType]) -> pl.DataFrame:
    """PostgreSQL writes `t` and `f`, which polars does not take for booleans."""
    booleans = [name for name, kind in schema.items() if kind == pl.Boolean]
    frame = pl.read_csv(text, has_header=False, schema={**schema, **dict.fromkeys(booleans, pl.String)})
    return frame.with_columns(pl.col(booleans) == "t") if booleans else frame
