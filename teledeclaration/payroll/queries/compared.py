"""What is compared of a year, read for one centre or for many at once.

What is asked of many is one read over all of them, by the fund's systems; `item` (0, 1 …) says whose a row is.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec
import polars as pl

from teledeclaration.database import Connection
from teledeclaration.frames import fetch_frame
from teledeclaration.payroll.law.reconciliation.frames import ANNUAL, LAST_YEAR, PERIODIC_LINES, PERIODS

Asked = Sequence[tuple[int, str]]
"""The employers and payment centres that are compared, in the order of their items."""

_ASKED = """unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS asked(employer_id, centre, place)"""
_STANDING = f"""
    SELECT (asked.place - 1)::int AS item, d.employer_id, d.declaration_id, d.type, d.period, d.header,
           CASE WHEN d.period LIKE '____-Q_' THEN right(d.period, 1)::int
                WHEN d.period LIKE '____-__' THEN (right(d.period, 2)::int + 2) / 3 END AS quarter,
           CASE WHEN d.period LIKE '____-__' THEN (right(d.period, 2)::int + 2) % 3 + 1 END AS month
      FROM {_ASKED}
      JOIN declarations d ON d.employer_id = asked.employer_id AND d.centre = asked.centre
     WHERE d.employer_id = ANY ($1::bigint[]) AND d.form = $3 AND d.year = $4
       AND NOT EXISTS (SELECT 1 FROM declarations later
                        WHERE later.employer_id = d.employer_id AND later.replaces = d.declaration_id)
"""
"""The declarations of a form that stand for the year, whatever completes them included."""
_PERSON = """min(p.nss), min(p.last_name), min(p.first_name), min(p.birth_date)"""
_WHO = "coalesce(p.nss, p.last_name || '|' || p.first_name || '|' || coalesce(p.birth_date::text, ''))"


def _arguments(asked: Asked, form: str, year: int) -> tuple[list[int], list[str], str, int]:
    return [employer_id for employer_id, _ in asked], [centre for _, centre in asked], form, year


async def select_periodic(connection: Connection, asked: Asked, *, year: int, quarter: int) -> pl.DataFrame:
    """The lines of a quarter's periodic declarations: PERIODIC_LINES.

    They are summed as columns (`law.reconciliation.bases`): the database, which guesses far too few lines of one
    employer, would sort them all.
    """
    return await fetch_frame(
        connection,
        f"""
        WITH standing AS MATERIALIZED ({_STANDING})
        SELECT s.item, p.nss, p.last_name, p.first_name, p.birth_date, p.rate_category, s.quarter, s.month,
               s.type = 'C', p.base, p.duration, p.unit, p.workers
          FROM standing s
          JOIN periodic_lines p ON p.employer_id = s.employer_id AND p.declaration_id = s.declaration_id
         WHERE p.employer_id = ANY ($1::bigint[]) AND s.quarter = $5
        """,
        *_arguments(asked, "periodic", year),
        quarter,
        schema=PERIODIC_LINES,
    )


async def select_periods(connection: Connection, asked: Asked, *, year: int) -> pl.DataFrame:
    """The periods declared: PERIODS. A period that nobody was paid in is declared by person."""
    return await fetch_frame(
        connection,
        f"""
        WITH standing AS MATERIALIZED ({_STANDING})
        SELECT s.item, s.period, min(s.quarter), min(s.month),
               NOT bool_or(EXISTS (SELECT 1 FROM periodic_lines p
                                    WHERE p.employer_id = s.employer_id AND p.declaration_id = s.declaration_id
                                      AND p.line_number = 1 AND p.nss IS NULL AND p.last_name IS NULL)),
               CASE WHEN count(*) = 1 THEN min((s.header ->> 'headcount')::int) END
          FROM standing s
         GROUP BY s.item, s.period
        """,
        *_arguments(asked, "periodic", year),
        schema=PERIODS,
    )


_QUARTERS = ", ".join(f"p.q{quarter}_duration, p.q{quarter}_unit, p.q{quarter}_amount" for quarter in (1, 2, 3, 4))
_LINE = f"p.nss, p.last_name, p.first_name, p.birth_date, {_QUARTERS}, p.entry_date, p.exit_date, p.rate_category"


async def select_annual(connection: Connection, asked: Asked, *, year: int) -> pl.DataFrame:
    """The lines of annual declarations that stand: ANNUAL."""
    return await fetch_frame(
        connection,
        f"""
        WITH standing AS MATERIALIZED ({_STANDING})
        SELECT s.item, {_LINE}
          FROM standing s
          JOIN declared_lines p ON p.employer_id = s.employer_id AND p.declaration_id = s.declaration_id
         WHERE p.employer_id = ANY ($1::bigint[])
        """,
        *_arguments(asked, "annual", year),
        schema=ANNUAL,
    )


async def select_declared(connection: Connection, asked: Asked, *, year: int) -> frozenset[int]:
    """The items that an annual declaration stands for."""
    rows = await connection.fetch(f"SELECT DISTINCT s.item FROM ({_STANDING}) s", *_arguments(asked, "annual", year))
    return frozenset(row["item"] for row in rows)


async def select_draft(connection: Connection, *, employer_id: int, reading_id: UUID) -> pl.DataFrame:
    """The lines of a draft that would be filed: ANNUAL, of item 0."""
    return await fetch_frame(
        connection,
        f"SELECT 0, {_LINE} FROM lines p WHERE p.employer_id = $1 AND p.reading_id = $2 AND NOT p.left_out",
        employer_id,
        reading_id,
        schema=ANNUAL,
    )


class AnnualDraft(msgspec.Struct, frozen=True, kw_only=True):
    """An open draft of the annual declaration that has lines; `replaces` and `completes` are declarations."""

    draft_id: UUID
    reading_id: UUID
    replaces: UUID | None
    completes: UUID | None


async def select_annual_draft(
    connection: Connection, *, employer_id: int, centre: str, year: int, draft_id: UUID | None
) -> AnnualDraft | None:
    """The open draft of this id, or the newest; None where it has no lines yet."""
    row = await connection.fetchrow(
        """
        SELECT draft_id, reading_id, replaces, completes
          FROM drafts
         WHERE employer_id = $1 AND form = 'annual' AND centre = $2 AND year = $3 AND status = 'open'
           AND reading_id IS NOT NULL AND ($4::uuid IS NULL OR draft_id = $4)
         ORDER BY updated_at DESC
         LIMIT 1
        """,
        employer_id,
        centre,
        year,
        draft_id,
    )
    return None if row is None else msgspec.convert(row, AnnualDraft)


async def select_filed_lines(
    connection: Connection, *, employer_id: int, centre: str, year: int, without: UUID | None
) -> pl.DataFrame:
    """The lines of the annual declarations that stand, but for one: ANNUAL, of item 0."""
    return await fetch_frame(
        connection,
        f"""
        WITH standing AS MATERIALIZED ({_STANDING})
        SELECT s.item, {_LINE}
          FROM standing s
          JOIN declared_lines p ON p.employer_id = s.employer_id AND p.declaration_id = s.declaration_id
         WHERE p.employer_id = ANY ($1::bigint[]) AND s.declaration_id IS DISTINCT FROM $5
        """,
        *_arguments([(employer_id, centre)], "annual", year),
        without,
        schema=ANNUAL,
    )


def _time(unit: str) -> str:
    of = (f"CASE WHEN p.q{quarter}_unit = '{unit}' THEN p.q{quarter}_duration END" for quarter in (1, 2, 3, 4))
    return " + ".join(f"coalesce({one}, 0)" for one in of)


async def select_year_before(connection: Connection, asked: Asked, *, year: int) -> pl.DataFrame:
    """What annual declarations of the year before `year` say of each person: LAST_YEAR."""
    return await fetch_frame(
        connection,
        f"""
        WITH standing AS MATERIALIZED ({_STANDING})
        SELECT s.item, {_PERSON}, sum(p.annual_amount)::bigint, sum({_time("J")}), sum({_time("H")}), sum({_time("M")})
          FROM standing s
          JOIN declared_lines p ON p.employer_id = s.employer_id AND p.declaration_id = s.declaration_id
         WHERE p.employer_id = ANY ($1::bigint[])
         GROUP BY s.item, {_WHO}
        """,
        *_arguments(asked, "annual", year - 1),
        schema=LAST_YEAR,
    )


async def select_sole_centres(connection: Connection, *, employer_ids: Sequence[int]) -> frozenset[int]:
    """Which of these employers have one payment centre: whoever works there works at it."""
    rows = await connection.fetch(
        "SELECT employer_id FROM payment_centres WHERE employer_id = ANY ($1::bigint[])"
        " GROUP BY employer_id HAVING count(*) = 1",
        list(employer_ids),
    )
    return frozenset(row["employer_id"] for row in rows)


_MOVEMENTS: dict[str, type[pl.DataType]] = {
    "employer_id": pl.Int64,
    "movement_id": pl.String,
    "kind": pl.String,
    "date": pl.Date,
    "centre": pl.String,
    "nss": pl.String,
    "last_name": pl.String,
    "first_name": pl.String,
    "birth_date": pl.Date,
    "reason": pl.String,
}


async def select_movements(connection: Connection, *, employer_ids: Sequence[int]) -> pl.DataFrame:
    """The movements in force that these employers told: employer_id, movement_id, kind, date, centre, nss, names …"""
    return await fetch_frame(
        connection,
        """
        SELECT m.employer_id, m.movement_id, m.kind, m.date, m.centre, m.nss, m.last_name, m.first_name, m.birth_date,
               m.reason
          FROM movements m
         WHERE m.employer_id = ANY ($1::bigint[]) AND NOT m.withdrawn
           AND NOT EXISTS (SELECT 1 FROM movements later
                            WHERE later.employer_id = m.employer_id AND later.replaces = m.movement_id)
        """,
        list(employer_ids),
        schema=_MOVEMENTS,
    )
