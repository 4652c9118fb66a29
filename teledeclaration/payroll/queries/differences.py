"""The differences of a centre's year, and those the employer stands by."""

import asyncio
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from teledeclaration.database import Connection, one_changed

_FEW = 200
"""Up to so many differences are written row by row: COPY pays for its round trips from there on."""

_DIFFERENCE = (
    "difference", "mark", "kind", "period", "nss", "last_name", "first_name", "birth_date", "declared", "expected",
    "contributions", "cause", "action", "facts",
)  # fmt: skip


class DifferenceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One difference as stored; `reason`, `accepted_by` and `accepted_at` where the employer stands by it."""

    difference: int
    mark: str
    kind: str
    period: str | None
    nss: str | None
    last_name: str | None
    first_name: str | None
    birth_date: Any
    declared: int | None
    expected: int | None
    contributions: int
    cause: str | None
    action: str
    facts: dict[str, Any]
    reason: str | None
    accepted_by: str | None
    accepted_at: datetime | None


async def replace_differences(
    connection: Connection, *, employer_id: int, centre: str, year: int, differences: pl.DataFrame
) -> None:
    """Store a year's differences (columns as `comparing.Comparison` says), in the place of any there were."""
    where = (employer_id, centre, year)
    await connection.execute(
        "DELETE FROM year_differences WHERE employer_id = $1 AND centre = $2 AND year = $3", *where
    )
    if differences.is_empty():
        return
    rows = differences.select(_DIFFERENCE)
    if rows.height <= _FEW:
        await _insert_rows(connection, where, rows)
    else:
        await _copy_rows(connection, where, rows)


async def _insert_rows(connection: Connection, where: tuple[int, str, int], rows: pl.DataFrame) -> None:
    places = ", ".join(f"${place}" for place in range(4, 4 + len(_DIFFERENCE)))
    await connection.executemany(
        f"INSERT INTO year_differences (employer_id, centre, year, {', '.join(_DIFFERENCE)})"
        f" VALUES ($1, $2, $3, {places})",
        [(*where, *values, msgspec.json.decode(facts)) for *values, facts in rows.iter_rows()],
    )


async def _copy_rows(connection: Connection, where: tuple[int, str, int], rows: pl.DataFrame) -> None:
    employer_id, centre, year = where
    keyed = rows.select(
        pl.lit(employer_id).alias("employer_id"), pl.lit(centre).alias("centre"), pl.lit(year).alias("year"), pl.all()
    )
    text = io.BytesIO()
    await asyncio.to_thread(keyed.write_csv, text)
    text.seek(0)
    await connection.copy_to_table(
        "incoming_year_differences", source=text, columns=keyed.columns, format="csv", header=True
    )
    names = ", ".join(_DIFFERENCE)
    await connection.execute(
        f"INSERT INTO year_differences (employer_id, centre, year, {names}) SELECT $1, $2, $3, {names}"
        " FROM incoming_year_differences WHERE employer_id = $1 AND centre = $2 AND year = $3",
        *where,
    )
    await connection.execute(
        "DELETE FROM incoming_year_differences WHERE employer_id = $1 AND centre = $2 AND year = $3", *where
    )


async def select_accepted(connection: Connection, *, employer_id: int, centre: str, year: int) -> frozenset[str]:
    """The marks of what the employer stands by."""
    rows = await connection.fetch(
        "SELECT mark FROM accepted_differences WHERE employer_id = $1 AND centre = $2 AND year = $3",
        employer_id,
        centre,
        year,
    )
    return frozenset(row["mark"] for row in rows)


async def select_differences(
    connection: Connection,
    *,
    employer_id: int,
    centre: str,
    year: int,
    after: int,
    limit: int,
    kind: str | None = None,
    difference: int | None = None,
) -> list[DifferenceRow]:
    """A page of differences by number, the dearest first; or the one of this number."""
    rows = await connection.fetch(
        f"""
        SELECT {", ".join(f"d.{name}" for name in _DIFFERENCE)}, a.reason, a.accepted_by, a.accepted_at
          FROM year_differences d
          LEFT JOIN accepted_differences a
            ON a.employer_id = d.employer_id AND a.centre = d.centre AND a.year = d.year AND a.mark = d.mark
         WHERE d.employer_id = $1 AND d.centre = $2 AND d.year = $3 AND d.difference > $4
           AND ($6::text IS NULL OR d.kind = $6) AND ($7::int IS NULL OR d.difference = $7)
         ORDER BY d.difference
         LIMIT $5
        """,
        employer_id,
        centre,
        year,
        after,
        limit,
        kind,
        difference,
    )
    return [msgspec.convert(row, DifferenceRow) for row in rows]


class KindCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many differences of a kind stand, how many of them are accepted, and what the others are worth."""

    kind: str
    count: int
    accepted: int
    contributions: int


async def count_kinds(connection: Connection, *, employer_id: int, centre: str, year: int) -> list[KindCount]:
    """By kind, the dearest first; amounts without their signs."""
    rows = await connection.fetch(
        """
        SELECT d.kind, count(*) AS count, count(a.mark) AS accepted,
               coalesce(sum(abs(d.contributions)) FILTER (WHERE a.mark IS NULL), 0)::bigint AS contributions
          FROM year_differences d
          LEFT JOIN accepted_differences a
            ON a.employer_id = d.employer_id AND a.centre = d.centre AND a.year = d.year AND a.mark = d.mark
         WHERE d.employer_id = $1 AND d.centre = $2 AND d.year = $3
         GROUP BY d.kind
         ORDER BY contributions DESC, d.kind
        """,
        employer_id,
        centre,
        year,
    )
    return [msgspec.convert(row, KindCount) for row in rows]


# ── standing by a difference ────────────────────────────────────────────────────────────────────


async def insert_acceptance(
    connection: Connection,
    *,
    employer_id: int,
    centre: str,
    year: int,
    mark: str,
    reason: str,
    accepted_by: str,
    now: datetime,
) -> None:
    """Keep the reason given; UniqueViolationError where there is one already."""
    await connection.execute(
        "INSERT INTO accepted_differences (employer_id, centre, year, mark, reason, accepted_by, accepted_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        employer_id,
        centre,
        year,
        mark,
        reason,
        accepted_by,
        now,
    )


async def delete_acceptance(connection: Connection, *, employer_id: int, centre: str, year: int, mark: str) -> bool:
    """Take it back; False where there is none."""
    return one_changed(
        await connection.execute(
            "DELETE FROM accepted_differences WHERE employer_id = $1 AND centre = $2 AND year = $3 AND mark = $4",
            employer_id,
            centre,
            year,
            mark,
        )
    )


async def update_stake(
    connection: Connection, *, employer_id: int, centre: str, year: int, doubts: Sequence[str]
) -> None:
    """Reckon again what is at stake: the sum of all that is neither a doubt nor accepted."""
    await connection.execute(
        """
        UPDATE reconciliations SET at_stake = (
               SELECT coalesce(sum(abs(d.contributions)), 0)
                 FROM year_differences d
                WHERE d.employer_id = $1 AND d.centre = $2 AND d.year = $3 AND d.kind <> ALL ($4::text[])
                  AND NOT EXISTS (SELECT 1 FROM accepted_differences a
                                   WHERE a.employer_id = $1 AND a.centre = $2 AND a.year = $3 AND a.mark = d.mark))
         WHERE employer_id = $1 AND centre = $2 AND year = $3
        """,
        employer_id,
        centre,
        year,
        list(doubts),
    )
