"""Who is in what was declared: the periods with a declaration in force, and whose bases they hold."""

from collections.abc import Sequence

import polars as pl

from teledeclaration.database import Connection

PRESENCE_SCHEMA = {"who": pl.String, "period": pl.String}
"""A number with a base in a period; an annual declaration's by quarter."""

_IN_FORCE = """NOT EXISTS (SELECT 1 FROM declarations later
                            WHERE later.employer_id = $1 AND later.replaces = d.declaration_id)"""


async def select_declared_periods(connection: Connection, *, employer_id: int, years: Sequence[int]) -> list[str]:
    """The periods of these years whose employees were declared by name: 2025, 2025-Q1, 2025-01."""
    rows = await connection.fetch(
        f"""
        SELECT DISTINCT d.period
          FROM declarations d
         WHERE d.employer_id = $1 AND d.year = ANY ($2::int[]) AND {_IN_FORCE}
           AND (d.form = 'annual'
                OR EXISTS (SELECT 1 FROM periodic_lines l
                            WHERE l.employer_id = $1 AND l.declaration_id = d.declaration_id AND l.nss IS NOT NULL))
         ORDER BY d.period
        """,
        employer_id,
        list(years),
    )
    return [row["period"] for row in rows]


async def select_presence(
    connection: Connection, *, employer_id: int, years: Sequence[int], numbers: Sequence[str]
) -> pl.DataFrame:
    """PRESENCE_SCHEMA of these numbers in the declarations of these years."""
    rows = await connection.fetch(
        f"""
        SELECT l.nss, d.period || '-Q' || quarter.number AS period
          FROM declarations d
          JOIN declared_lines l ON l.employer_id = d.employer_id AND l.declaration_id = d.declaration_id
         CROSS JOIN LATERAL (VALUES (1, l.q1_amount), (2, l.q2_amount), (3, l.q3_amount), (4, l.q4_amount))
                            AS quarter (number, base)
         WHERE d.employer_id = $1 AND d.year = ANY ($2::int[]) AND d.form = 'annual' AND {_IN_FORCE}
           AND l.nss = ANY ($3::text[]) AND quarter.base > 0
         UNION
        SELECT l.nss, d.period
          FROM declarations d
          JOIN periodic_lines l ON l.employer_id = d.employer_id AND l.declaration_id = d.declaration_id
         WHERE d.employer_id = $1 AND d.year = ANY ($2::int[]) AND d.form = 'periodic' AND {_IN_FORCE}
           AND l.nss = ANY ($3::text[]) AND l.base > 0
         ORDER BY 1, 2
        """,
        employer_id,
        list(years),
        list(numbers),
    )
    return pl.DataFrame([tuple(row.values()) for row in rows], schema=PRESENCE_SCHEMA, orient="row")
