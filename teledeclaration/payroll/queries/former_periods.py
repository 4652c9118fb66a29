"""What was declared of a centre's period before another, to begin the next one with."""

from collections.abc import Sequence

import polars as pl

from teledeclaration.database import Connection
from teledeclaration.frames import fetch_frame

PERIOD_SCHEMA: dict[str, type[pl.DataType]] = {
    **dict.fromkeys(("nss", "last_name", "first_name"), pl.String),
    "birth_date": pl.Date,
    "duration": pl.Int32,
    "unit": pl.String,
    "amount": pl.Int64,
    "workers": pl.Int32,
    "rate_category": pl.String,
    "contract_start": pl.Date,
    "contract_months": pl.Int32,
    "justification": pl.String,
}
"""A line declared for a period; its base is called as in a draft. A rate category's total names nobody."""

_STANDS = """NOT EXISTS (SELECT 1 FROM declarations later
                          WHERE later.employer_id = d.employer_id AND later.replaces = d.declaration_id)"""


async def select_last_period(
    connection: Connection, *, employer_id: int, centre: str, among: Sequence[str]
) -> str | None:
    """The latest of these periods that was declared; None where none was."""
    period: str | None = await connection.fetchval(
        f"""
        SELECT max(d.period)
          FROM declarations d
         WHERE d.employer_id = $1 AND d.form = 'periodic' AND d.centre = $2 AND d.period = ANY ($3::text[])
           AND {_STANDS}
        """,
        employer_id,
        centre,
        list(among),
    )
    return period


async def select_period_frame(connection: Connection, *, employer_id: int, centre: str, period: str) -> pl.DataFrame:
    """Every line declared for a period by the declarations in force: PERIOD_SCHEMA."""
    columns = ", ".join("l.base" if name == "amount" else f"l.{name}" for name in PERIOD_SCHEMA)
    return await fetch_frame(
        connection,
        f"""
        SELECT {columns}
          FROM declarations d
          JOIN periodic_lines l ON l.employer_id = d.employer_id AND l.declaration_id = d.declaration_id
         WHERE d.employer_id = $1 AND d.form = 'periodic' AND d.centre = $2 AND d.period = $3 AND {_STANDS}
         ORDER BY d.filed_at, l.line_number
        """,
        employer_id,
        centre,
        period,
        schema=PERIOD_SCHEMA,
    )
