"""A year compared: one employer of 100,000, and a night's run over thousands of small ones.

    python -m benchmarks.reconcile [people of the large one] [employers of the night]

By default a fifth of the night's 20,000 employers, at three sizes; the floor is the SQL sums of the same bases alone.
Every employer has twelve monthly declarations, an annual one, one of the year before, and a register of employments;
one person in a hundred was declared otherwise in the annual declaration. One employer in five told movements: one
person in fifty of theirs left in December.
"""

import resource
import sys
import time
from dataclasses import dataclass
from typing import Any

import asyncpg
import structlog

from benchmarks.report import Figure
from benchmarks.worker_bench import Bench, on_a_bench
from schemas.actors import job
from teledeclaration.clock import system_clock
from teledeclaration.database import transaction
from teledeclaration.payroll.actions.reconciling import CentreYear, compare_one
from teledeclaration.payroll.queries import reconciliation
from workers.reconcile_all import reconcile_all_of

YEAR = 2025
PEOPLE = 100_000
EMPLOYERS = 4_000
STAFF = 20
ONE_S_MOST = 5.0
NIGHT_EMPLOYERS, NIGHT_S_MOST = 20_000, 300.0
GROWTH_MOST = 1.3
MEMORY_MB_MOST = 250.0
LARGE, FIRST_SMALL = 700_000, 1_000_000
CENTRE = "16001"

_WALLED = ("employers", "payment_centres", "people", "employments", "drafts", "declarations", "declared_lines",
           "periodic_lines", "movements")  # fmt: skip

_EMPLOYERS = """
    INSERT INTO employers (employer_id, number, name, wilaya, agency, updated_at)
    SELECT e, lpad(e::text, 10, '0'), 'Entreprise', 16, '16999', '2025-01-01' FROM generate_series($1::int, $2) e
"""
_CENTRES = "INSERT INTO payment_centres SELECT e, '16001', '', '16999' FROM generate_series($1::int, $2) e"
_PEOPLE = """
    INSERT INTO people (person_id, nss, last_name, first_name, birth_date, updated_at)
    SELECT e * 100000 + g, lpad((e * 100000 + g)::text, 12, '8'), 'FAMILLE' || g % 9973, 'PRENOM' || g % 997,
           '1985-06-12', '2025-01-01'
      FROM generate_series($1::bigint, $2) e, generate_series(1, $3::int) g
"""
_EMPLOYMENTS = """
    INSERT INTO employments (employer_id, person_id, entry_date, centre, nss, updated_at)
    SELECT e, e * 100000 + g, '2019-03-01', '16001', lpad((e * 100000 + g)::text, 12, '8'), '2025-01-01'
      FROM generate_series($1::bigint, $2) e, generate_series(1, $3::int) g
"""
_MOVEMENTS = """
    INSERT INTO movements (employer_id, movement_id, kind, date, nss, last_name, first_name, birth_date, reason,
                           told_by, told_at, legal_day)
    SELECT e, gen_random_uuid(), 'exit', '2025-12-15', lpad((e * 100000 + g)::text, 12, '8'), 'FAMILLE' || g % 9973,
           'PRENOM' || g % 997, '1985-06-12', 'resignation', 'bench', now(), '2025-12-16'
      FROM generate_series($1::bigint, $2) e, generate_series(11, $3::int, 50) g
     WHERE e % 5 = 0
"""
_DRAFTS = """
    INSERT INTO drafts (employer_id, draft_id, form, centre, year, period, type, status, created_by, created_at,
                        updated_at)
    SELECT e, md5(e || p.period)::uuid, p.form, '16001', left(p.period, 4)::int, p.period, 'N', 'filed', 'bench', now(),
           now()
      FROM generate_series($1::bigint, $2) e, unnest($3::text[], $4::text[]) AS p(period, form)
"""
_DECLARATIONS = """
    INSERT INTO declarations (employer_id, declaration_id, number, form, centre, year, period, type, mode, draft_id,
                              reading_id, line_count, left_out_count, q1_amount, q2_amount, q3_amount, q4_amount,
                              annual_amount, content_hash, filed_by, filed_at, legal_day)
    SELECT employer_id, draft_id, period, form, centre, year, period, type, 'live', draft_id, draft_id, 0, 0, 0, 0, 0,
           0, 0, '', 'bench', created_at, '2026-01-15'
      FROM drafts WHERE employer_id BETWEEN $1::bigint AND $2
"""
_PERIODIC = """
    INSERT INTO periodic_lines (employer_id, declaration_id, line_number, nss, last_name, first_name, birth_date,
                                rate_category, workers, duration, unit, base)
    SELECT e, md5(e || p.period)::uuid, g, lpad((e * 100000 + g)::text, 12, '8'), 'FAMILLE' || g % 9973,
           'PRENOM' || g % 997, '1985-06-12', 'general', 1, 30, 'J', 4500000 + g % 977
      FROM generate_series($1::bigint, $2) e, generate_series(1, $4::int) g, unnest($3::text[]) AS p(period)
     ORDER BY p.period, e, g
"""
_ANNUAL = """
    INSERT INTO declared_lines (employer_id, declaration_id, line_number, nss, last_name, first_name, birth_date,
                                q1_duration, q1_unit, q1_amount, q2_duration, q2_unit, q2_amount, q3_duration, q3_unit,
                                q3_amount, q4_duration, q4_unit, q4_amount, annual_amount, rate_category)
    SELECT e, md5(e || $3::text)::uuid, g, lpad((e * 100000 + g)::text, 12, '8'), 'FAMILLE' || g % 9973,
           'PRENOM' || g % 997, '1985-06-12', 90, 'J', pay + off, 90, 'J', pay, 90, 'J', pay, 90, 'J', pay,
           4 * pay + off, 'general'
      FROM generate_series($1::bigint, $2) e, generate_series(1, $4::int) g,
           LATERAL (SELECT 3 * (4500000 + g % 977)::bigint AS pay,
                           CASE WHEN (e + g) % 100 = 7 THEN 123400 ELSE 0 END AS off) declared
"""


@dataclass(frozen=True)
class Staff:
    """Employers first … last, each of so many people."""

    first: int
    last: int
    people: int


async def write(owner_url: str, staff: Staff) -> None:
    """Their year, by the owner: rows as the doors would have written them."""
    months = [f"{YEAR}-{month:02d}" for month in range(1, 13)]
    years = [str(YEAR), str(YEAR - 1)]
    forms = ["periodic"] * len(months) + ["annual"] * len(years)
    of = (staff.first, staff.last)
    connection = await asyncpg.connect(owner_url)
    for table in _WALLED:
        await connection.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    await connection.execute(_EMPLOYERS, *of)
    await connection.execute(_CENTRES, *of)
    await connection.execute(_PEOPLE, *of, staff.people)
    await connection.execute(_EMPLOYMENTS, *of, staff.people)
    await connection.execute(_MOVEMENTS, *of, staff.people)
    await connection.execute(_DRAFTS, *of, months + years, forms)
    await connection.execute(_DECLARATIONS, *of)
    await connection.execute(_PERIODIC, *of, months, staff.people)
    for year in years:
        await connection.execute(_ANNUAL, *of, year, staff.people)
    for table in _WALLED:
        await connection.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    await connection.execute("ANALYZE")
    await connection.close()


async def _floor(bench: Bench, employer_id: int) -> float:
    """Seconds of the sums alone: by person and quarter, nothing else."""
    started = time.perf_counter()
    async with transaction(bench.tools.pool, job("benchmark", employer_id)) as connection:
        rows = await connection.fetchval(
            "SELECT count(*) FROM (SELECT l.nss, (right(d.period, 2)::int + 2) / 3, sum(l.base)"
            " FROM declarations d JOIN periodic_lines l USING (employer_id, declaration_id)"
            " WHERE d.employer_id = $1 AND d.form = 'periodic' GROUP BY 1, 2) sums",
            employer_id,
        )
    if not rows:
        raise RuntimeError("nothing was declared")
    return time.perf_counter() - started


async def _one(bench: Bench, people: int) -> list[Figure]:
    """The large one, as its job does it."""
    await write(bench.server.owner_url, Staff(LARGE, LARGE, people))
    floor = min([await _floor(bench, LARGE) for _ in range(2)])
    asked = CentreYear(employer_id=LARGE, centre=CENTRE, year=YEAR)
    async with transaction(bench.tools.pool, job("benchmark", LARGE)) as connection:
        await reconciliation.ask(connection, **asked.key, draft_id=None, now=system_clock())
    started = time.perf_counter()
    done = await compare_one(
        bench.tools.pool, bench.tools.legislation, system_clock, employer_id=LARGE, subject=asked.subject
    )
    seconds = time.perf_counter() - started
    row = await _row(bench, asked)
    if not done or not row.differences:
        raise RuntimeError("nothing was compared")
    most = ONE_S_MOST if people <= PEOPLE else None
    return [
        Figure(f"{12 * people:,} periodic lines, the SQL sums alone", floor, "s"),
        Figure(f"{people:,} people compared, {row.differences:,} differences", seconds, "s", most=most),
        Figure("compared / sums alone", seconds / floor, "×"),
    ]


async def _row(bench: Bench, asked: CentreYear) -> reconciliation.ReconciliationRow:
    async with transaction(bench.tools.pool, job("benchmark", asked.employer_id)) as connection:
        row = await reconciliation.select_reconciliation(connection, **asked.key)
    if row is None:
        raise RuntimeError("no comparison")
    return row


async def _night(bench: Bench, employers: int) -> list[Figure]:
    """A quarter, a half and all of the employers in turn, each new to its night."""
    ctx: dict[str, Any] = {
        "pool": bench.tools.pool, "legislation": bench.tools.legislation, "clock": system_clock,
        "settings": bench.tools.settings,
    }  # fmt: skip
    figures, first, each = [], FIRST_SMALL, []
    for size in (employers // 4, employers // 2, employers):
        await write(bench.server.owner_url, Staff(first, first + size - 1, STAFF))
        first += size
        before = _memory_mb()
        started = time.perf_counter()
        compared = await reconcile_all_of(ctx, YEAR)
        seconds = time.perf_counter() - started
        if compared < size:
            raise RuntimeError(f"only {compared} of {size} were compared")
        each.append(seconds / compared)
        figures += [
            Figure(f"{compared:,} employers of {STAFF} in a night", seconds, "s"),
            Figure("  memory it added", _memory_mb() - before, "MB", most=MEMORY_MB_MOST),
        ]
    return [
        *figures,
        Figure(f"so {NIGHT_EMPLOYERS:,} employers take", each[-1] * NIGHT_EMPLOYERS, "s", most=NIGHT_S_MOST),
        Figure("an employer of the last size / of the first", each[-1] / each[0], "×", most=GROWTH_MOST),
    ]


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def measure(bench: Bench, people: int, employers: int) -> list[Figure]:
    """The small ones first: the memory of the large one would hide theirs."""
    night = await _night(bench, employers)
    return [*await _one(bench, people), *night]


def main(arguments: list[str]) -> list[Figure]:
    """Measure on a database of its own."""
    people = int(arguments[0]) if arguments else PEOPLE
    employers = int(arguments[1]) if len(arguments) > 1 else EMPLOYERS
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    return on_a_bench(lambda bench: measure(bench, people, employers))


if __name__ == "__main__":
    for figure in main(sys.argv[1:]):
        print(figure)
