"""Migrations: from empty, from the version before with rows in, and never changed afterwards."""

import asyncio

import asyncpg
import pytest
from world import A

from schemas.actors import SWEEPER, job
from teledeclaration import database
from teledeclaration.local.postgres import APPLICATION, OWNER, SUPERUSER, EmbeddedPostgres
from teledeclaration.payroll.queries import mapping


@pytest.fixture
def empty(postgres: EmbeddedPostgres, request: pytest.FixtureRequest) -> str:
    """The name of a database with nothing in it."""
    name = f"empty_{abs(hash(request.node.name)) % 10**8}"
    postgres.create_database(name, template="template0")
    return name


async def migrate(postgres: EmbeddedPostgres, name: str, *, until: int | None = None) -> list[str]:
    return await database.migrate(postgres.url(OWNER, name), postgres.url(APPLICATION, name), until=until)


async def schema(postgres: EmbeddedPostgres, name: str) -> set[tuple[str, ...]]:
    """Tables, columns, constraints, indexes and policies, as the database tells them."""
    connection = await asyncpg.connect(postgres.url(SUPERUSER, name))
    rows = await connection.fetch(
        """
        SELECT table_name AS of, column_name AS name, data_type || is_nullable AS what
          FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
         WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT tablename, policyname, coalesce(qual, '') || coalesce(with_check, '') FROM pg_policies
        """
    )
    await connection.close()
    return {tuple(map(str, row)) for row in rows}


OPEN_DRAFT = """
    INSERT INTO agencies VALUES ('16001', 16, 'Alger', 'الجزائر');
    INSERT INTO employers (employer_id, number, name, wilaya, agency, updated_at)
    VALUES (1001, '1600012345', 'Atlas', 16, '16001', now());
    INSERT INTO payment_centres (employer_id, centre, agency) VALUES (1001, '16001', '16001');
    INSERT INTO drafts (employer_id, draft_id, form, centre, year, type, revision, created_by, created_at,
                        updated_at)
    VALUES (1001, gen_random_uuid(), 'annual', '16001', 2025, 'N', 7, 'Nadia', now(), now());
    INSERT INTO files VALUES (1001, 'hash', 1, now());
    INSERT INTO uploads (employer_id, upload_id, draft_id, content_hash, filename, source, series, created_by,
                         created_at)
    SELECT 1001, gen_random_uuid(), draft_id, 'hash', 'a.xlsx', 'file', draft_id, 'Nadia', now() FROM drafts;
    INSERT INTO readings (employer_id, reading_id, draft_id, upload_id, queue, status, created_at)
    SELECT 1001, gen_random_uuid(), draft_id, upload_id, 'short', 'checked', now() FROM uploads;
    UPDATE drafts d SET reading_id = r.reading_id FROM readings r WHERE r.draft_id = d.draft_id;
"""


async def test_from_empty_and_then_nothing_is_left_to_do(postgres: EmbeddedPostgres, empty: str) -> None:
    applied = await migrate(postgres, empty)
    assert applied[0] == "0001_foundations"
    assert len(applied) == len(database.migrations())
    assert await migrate(postgres, empty) == []


async def test_from_the_version_before_with_rows_in(postgres: EmbeddedPostgres, empty: str) -> None:
    last = database.migrations()[-1].number
    await migrate(postgres, empty, until=last - 1)
    owner = await asyncpg.connect(postgres.url(SUPERUSER, empty))
    await owner.execute("INSERT INTO agencies VALUES ('16001', 16, 'Alger', 'الجزائر')")
    await owner.execute(
        "INSERT INTO employers (employer_id, number, name, wilaya, agency, updated_at)"
        " VALUES ($1, $2, 'Atlas', 16, '16001', now())",
        A.employer_id,
        A.number,
    )
    await owner.close()
    assert len(await migrate(postgres, empty)) == 1
    own_pool = await database.open_pool(postgres.url(APPLICATION, empty), size=1)
    async with database.transaction(own_pool, job("test", A.employer_id)) as connection:
        assert await connection.fetchval("SELECT number FROM employers") == A.number
    await own_pool.close()


async def test_an_open_draft_of_the_version_before_can_be_gone_back_to(postgres: EmbeddedPostgres, empty: str) -> None:
    await migrate(postgres, empty, until=3)
    owner = await asyncpg.connect(postgres.url(SUPERUSER, empty))
    await owner.execute(OPEN_DRAFT)
    await owner.close()
    await migrate(postgres, empty)
    own_pool = await database.open_pool(postgres.url(APPLICATION, empty), size=1)
    async with database.transaction(own_pool, job("test", A.employer_id)) as connection:
        kept = await connection.fetchrow("SELECT revision, kind, done_by FROM draft_revisions")
        assert kept is not None and tuple(kept) == (7, "file", "Nadia")
    await own_pool.close()


async def test_samples_of_cells_leave_the_rows_that_the_sweeper_reads(postgres: EmbeddedPostgres, empty: str) -> None:
    await migrate(postgres, empty, until=4)
    owner = await asyncpg.connect(postgres.url(SUPERUSER, empty))
    await owner.execute(OPEN_DRAFT)
    await owner.execute(
        """
        UPDATE readings
           SET layout = '{"sheets": [], "columns": [{"letter": "A", "header": "NSS", "samples": ["850512345678"]}]}',
               facts = '{"sheet": "Paie", "matched": [{"column": "B", "field": "nss", "samples": ["850512345678"]},
                                                      {"column": "A", "field": "last_name", "samples": ["KACI"]}]}'
        """
    )
    await owner.close()
    await migrate(postgres, empty)
    own_pool = await database.open_pool(postgres.url(APPLICATION, empty), size=1)
    async with database.transaction(own_pool, SWEEPER) as connection:
        seen = [str(dict(row)) for row in await connection.fetch("SELECT * FROM readings")]
        assert len(seen) == 1 and "850512345678" not in seen[0] and "KACI" not in seen[0]
        assert await connection.fetchval("SELECT count(*) FROM outlines") == 0
    async with database.transaction(own_pool, job("test", A.employer_id)) as connection:
        facts = await connection.fetchval("SELECT facts FROM readings")
        assert facts["matched"] == [{"column": "B", "field": "nss"}, {"column": "A", "field": "last_name"}]
        reading_id = await connection.fetchval("SELECT reading_id FROM readings")
        samples = await mapping.select_samples(connection, employer_id=A.employer_id, reading_id=reading_id)
        assert samples == {"A": ["850512345678"]}
    await own_pool.close()


async def test_step_by_step_leads_to_the_same_schema(
    postgres: EmbeddedPostgres, empty: str, database_name: str
) -> None:
    for migration in database.migrations():
        await migrate(postgres, empty, until=migration.number)
    assert await schema(postgres, empty) == await schema(postgres, database_name)


async def test_a_changed_migration_is_refused(postgres: EmbeddedPostgres, empty: str) -> None:
    await migrate(postgres, empty)
    owner = await asyncpg.connect(postgres.url(OWNER, empty))
    await owner.execute("UPDATE applied_migrations SET fingerprint = 'another' WHERE number = 1")
    await owner.close()
    with pytest.raises(database.ChangedMigration, match="0001_foundations"):
        await migrate(postgres, empty)


async def test_a_migration_that_fails_leaves_nothing(
    postgres: EmbeddedPostgres, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = database.Migration(1, "bad", "CREATE TABLE half (id int); SELECT 1/0")
    monkeypatch.setattr(database, "migrations", lambda: [bad])
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(postgres, empty)
    owner = await asyncpg.connect(postgres.url(OWNER, empty))
    assert await owner.fetchval("SELECT to_regclass('half')") is None
    assert await owner.fetchval("SELECT count(*) FROM applied_migrations") == 0
    await owner.close()


async def test_two_that_migrate_at_once_apply_each_step_once(postgres: EmbeddedPostgres, empty: str) -> None:
    both = await asyncio.gather(migrate(postgres, empty), migrate(postgres, empty))
    assert sorted(len(applied) for applied in both) == [0, len(database.migrations())]


def test_the_numbers_have_no_gap_and_no_double() -> None:
    assert [migration.number for migration in database.migrations()] == list(range(1, len(database.migrations()) + 1))


ASSESSED_YEARS = """
    INSERT INTO drafts (employer_id, draft_id, form, centre, year, type, status, created_by, created_at, updated_at)
    SELECT 1001, told.id::uuid, 'annual', '16001', 2025, 'C', 'filed', 'Nadia', told.at::timestamptz, now()
      FROM (VALUES ('00000000-0000-4000-8000-000000000001', '2026-01-15 09:00Z'),
                   ('00000000-0000-4000-8000-000000000002', '2026-01-16 09:00Z')) AS told (id, at);
    INSERT INTO declarations (employer_id, declaration_id, number, form, centre, year, type, mode, draft_id, reading_id,
                              line_count, left_out_count, q1_amount, q2_amount, q3_amount, q4_amount, annual_amount,
                              content_hash, filed_by, filed_at, legal_day)
    SELECT employer_id, draft_id, draft_id, form, centre, year, type, 'live', draft_id, draft_id, 1, 0, 0, 0, 0, 0, 0,
           '', 'Nadia', created_at, '2026-01-15'
      FROM drafts WHERE status = 'filed';
    INSERT INTO assessments (employer_id, declaration_id, status, fingerprint, total, difference, amounts, created_at,
                             assessed_at)
    SELECT employer_id, declaration_id, 'assessed', '', 1, 1, jsonb_build_object('total', right(number, 1)::int), now(),
           now()
      FROM declarations;
"""


async def test_a_year_booked_as_a_whole_is_known_as_such(postgres: EmbeddedPostgres, empty: str) -> None:
    await migrate(postgres, empty, until=4)
    owner = await asyncpg.connect(postgres.url(SUPERUSER, empty))
    await owner.execute(OPEN_DRAFT + ASSESSED_YEARS)
    await migrate(postgres, empty)
    rows = await owner.fetch("SELECT employer_id, centre, period, amounts ->> 'total' AS total FROM assessed_periods")
    await owner.close()
    assert [tuple(row) for row in rows] == [(1001, "16001", "2025", "2")]
