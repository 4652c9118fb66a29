"""What was declared of a year, by centre and period; and, for officers, of the employers of their scope."""

from datetime import date
from uuid import UUID

import msgspec

from schemas.calendar import Filed, Periodicity
from schemas.periodic import PeriodHeader
from teledeclaration.database import Connection


class FiledPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """The newest standing declaration of a centre's period or year, and the day of the first that was ever filed."""

    form: str
    centre: str
    period: str
    declaration_id: UUID
    number: str
    header: PeriodHeader
    first_filed_on: date

    @property
    def filed(self) -> Filed:
        return Filed(
            declaration_id=self.declaration_id,
            number=self.number,
            first_filed_on=self.first_filed_on,
            days_late=0,
            nothing_to_declare=self.header.nothing_to_declare,
        )


async def select_filed_periods(
    connection: Connection, *, employer_id: int, year: int, centre: str | None
) -> list[FiledPeriod]:
    """Each centre's periods and year that stand declared; a complement counts with what it completes."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (d.form, d.centre, d.period)
               d.form, d.centre, d.period, d.declaration_id, d.number, d.header,
               min(d.legal_day) OVER (PARTITION BY d.form, d.centre, d.period) AS first_filed_on
          FROM declarations d
          LEFT JOIN declarations later ON later.employer_id = d.employer_id AND later.replaces = d.declaration_id
         WHERE d.employer_id = $1 AND d.year = $2 AND ($3::text IS NULL OR d.centre = $3)
         ORDER BY d.form, d.centre, d.period, later.declaration_id IS NULL DESC, d.type = 'C', d.filed_at DESC
        """,
        employer_id,
        year,
        centre,
    )
    return [msgspec.convert(row, FiledPeriod) for row in rows]


async def select_provisional_periods(
    connection: Connection, *, employer_id: int, year: int
) -> dict[str, frozenset[str]]:
    """By centre, the year's periods that stand provisionally assessed."""
    rows = await connection.fetch(
        """
        SELECT centre, array_agg(period) AS periods FROM provisional_assessments
         WHERE employer_id = $1 AND replaced_by IS NULL AND period LIKE $2 GROUP BY centre
        """,
        employer_id,
        f"{year:04d}%",
    )
    return {row["centre"]: frozenset(row["periods"]) for row in rows}


async def select_closed_accounts(connection: Connection, *, employer_id: int) -> dict[str, str]:
    """By centre, the last period whose declaration closed the account."""
    rows = await connection.fetch(
        """
        SELECT centre, max(period) AS period FROM declarations
         WHERE employer_id = $1 AND form = 'periodic' AND header @> '{"closes_account": true}' GROUP BY centre
        """,
        employer_id,
    )
    return {row["centre"]: row["period"] for row in rows}


async def select_last_headcount(connection: Connection, *, employer_id: int, year: int) -> tuple[str, int] | None:
    """The latest period up to this year whose declarations say how many work here, over all centres; None for none."""
    row = await connection.fetchrow(
        """
        SELECT d.period, sum((d.header ->> 'headcount')::int)::int AS headcount
          FROM declarations d
          LEFT JOIN declarations later ON later.employer_id = d.employer_id AND later.replaces = d.declaration_id
         WHERE d.employer_id = $1 AND d.form = 'periodic' AND d.year <= $2 AND d.type <> 'C'
           AND later.declaration_id IS NULL AND d.header ->> 'headcount' IS NOT NULL
         GROUP BY d.period
         ORDER BY max(d.legal_day) DESC, d.period DESC LIMIT 1
        """,
        employer_id,
        year,
    )
    return None if row is None else (row["period"], row["headcount"])


class ScopeEmployer(msgspec.Struct, frozen=True, kw_only=True):
    """An employer of an officer's scope with all that decides on what it did not declare in a year."""

    employer_id: int
    number: str
    name: str
    name_ar: str
    wilaya: int
    agency: str
    periodicity: Periodicity
    opened_on: date | None
    closed_on: date | None
    centres: list[tuple[str, date | None, date | None]]
    declared: list[tuple[str, str]]
    provisional: list[tuple[str, str]]
    suspended: list[tuple[str, date, date | None]]
    closed: list[tuple[str, str]]


async def select_scope(
    connection: Connection, *, after: str, year: int, wilaya: int | None, limit: int
) -> list[ScopeEmployer]:
    """The next employers of the officer's scope by number, each with its centres and what it declared in the year.

    One statement for all of them, an index look-up each: it enters employer after employer as `transaction` would,
    through the row that the scope shows (see `holders`). Centre and period are pairs.
    """
    rows = await connection.fetch(
        """
        WITH scope AS MATERIALIZED (
            SELECT employer_id, number, name, name_ar, wilaya, agency, periodicity, opened_on, closed_on
              FROM employers
             WHERE mode = 'live' AND employer_id <> 0 AND number > $1 AND ($3::smallint IS NULL OR wilaya = $3)
             ORDER BY number LIMIT $4
        )
        SELECT entered.*, found.*
          FROM (SELECT scope.*, set_config('app.employer_id', scope.employer_id::text, true) FROM scope OFFSET 0)
               AS entered
         CROSS JOIN LATERAL (
            SELECT (SELECT coalesce(jsonb_agg(jsonb_build_array(centre, opened_on, closed_on) ORDER BY centre), '[]')
                      FROM payment_centres WHERE employer_id = entered.employer_id) AS centres,
                   (SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_array(centre, period)), '[]')
                      FROM declarations
                     WHERE employer_id = entered.employer_id AND form = 'periodic' AND year = $2) AS declared,
                   (SELECT coalesce(jsonb_agg(jsonb_build_array(centre, period)), '[]')
                      FROM provisional_assessments
                     WHERE employer_id = entered.employer_id AND replaced_by IS NULL
                       AND period BETWEEN $2::text AND $2::text || '~') AS provisional,
                   (SELECT coalesce(jsonb_agg(jsonb_build_array(centre, first_day, last_day)), '[]')
                      FROM suspensions
                     WHERE employer_id = entered.employer_id AND status = 'accepted') AS suspended,
                   (SELECT coalesce(jsonb_agg(jsonb_build_array(centre, period) ORDER BY period), '[]')
                      FROM declarations
                     WHERE employer_id = entered.employer_id AND form = 'periodic'
                       AND header @> '{"closes_account": true}') AS closed
            OFFSET 0) AS found
         ORDER BY entered.number
        """,
        after,
        year,
        wilaya,
        limit,
    )
    return [msgspec.convert(dict(row), ScopeEmployer) for row in rows]
