"""The rows of a query as columns."""

from datetime import date

import polars as pl
from world import A

from schemas.actors import job
from teledeclaration.database import Pool, transaction
from teledeclaration.frames import fetch_frame

SCHEMA: dict[str, type[pl.DataType]] = {"yes": pl.Boolean, "number": pl.Int64, "text": pl.String, "day": pl.Date}


async def test_every_type_comes_back_as_it_was_and_nothing_as_nothing(pool: Pool) -> None:
    async with transaction(pool, job("check", A.employer_id)) as connection:
        frame = await fetch_frame(
            connection,
            "SELECT * FROM (VALUES (true, $1::bigint, $2, DATE '2025-12-31'), (false, -1, '007', NULL),"
            " (NULL, NULL, NULL, NULL)) rows",
            9_007_199_254_740_993,
            'a "";,\n b',
            schema=SCHEMA,
        )
        none = await fetch_frame(connection, "SELECT true, 1, 'a', NULL WHERE false", schema=SCHEMA)
    assert frame.rows() == [
        (True, 9_007_199_254_740_993, 'a "";,\n b', date(2025, 12, 31)),
        (False, -1, "007", None),
        (None, None, None, None),
    ]
    assert none.is_empty()
    assert dict(none.schema) == dict(frame.schema) == {name: kind() for name, kind in SCHEMA.items()}
