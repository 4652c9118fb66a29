"""The schema can be spread by employer_id as it is: what was tried on Citus, kept so."""

import asyncpg
from world import A

from schemas.actors import job
from teledeclaration.database import Pool, transaction

SPREAD = "('tenant', 'work', 'declared', 'register')"

CLASS_OF = "substring(obj_description({oid}, 'pg_class') FROM '^class ([a-z]+)')"


async def names(pool: Pool, sql: str) -> list[str]:
    return [row[0] for row in await pool.fetch(sql)]


async def test_every_key_of_an_employers_table_starts_with_the_employer(pool: Pool) -> None:
    first_columns = await pool.fetch(
        f"""
        SELECT index.relname AS index, attribute.attname AS first_column
          FROM pg_index
          JOIN pg_class AS walled ON walled.oid = indrelid
          JOIN pg_class AS index ON index.oid = indexrelid
          JOIN pg_attribute AS attribute ON attribute.attrelid = indrelid AND attribute.attnum = indkey[0]
         WHERE indisunique AND {CLASS_OF.format(oid="walled.oid")} IN {SPREAD}
        """
    )
    assert len(first_columns) > 20
    assert [row["index"] for row in first_columns if row["first_column"] != "employer_id"] == []


async def test_every_employers_table_has_a_key(pool: Pool) -> None:
    keyless = f"""
        SELECT relname FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND {CLASS_OF.format(oid="oid")} IN {SPREAD}
           AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = pg_class.oid AND contype = 'p')
    """
    assert await names(pool, keyless) == []


async def test_foreign_keys_start_with_the_employer_or_lead_to_a_small_table_of_the_fund(pool: Pool) -> None:
    rows = await pool.fetch(
        f"""
        SELECT conname, {CLASS_OF.format(oid="confrelid")} AS target,
               own.attname AS own_first, their.attname AS their_first
          FROM pg_constraint
          JOIN pg_attribute AS own ON own.attrelid = conrelid AND own.attnum = conkey[1]
          JOIN pg_attribute AS their ON their.attrelid = confrelid AND their.attnum = confkey[1]
         WHERE contype = 'f' AND {CLASS_OF.format(oid="conrelid")} IN {SPREAD}
        """
    )
    assert len(rows) > 10
    wrong = [
        row["conname"]
        for row in rows
        if row["target"] != "fund" and (row["own_first"], row["their_first"]) != ("employer_id", "employer_id")
    ]
    assert wrong == []


async def test_the_fund_and_people_never_lean_on_an_employers_table(pool: Pool) -> None:
    leaning = f"""
        SELECT conname FROM pg_constraint
         WHERE contype = 'f' AND {CLASS_OF.format(oid="confrelid")} IN {SPREAD}
           AND {CLASS_OF.format(oid="conrelid")} NOT IN {SPREAD}
    """
    assert await names(pool, leaning) == []


async def test_there_are_no_triggers_and_no_rules(pool: Pool) -> None:
    assert await names(pool, "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal") == []
    assert await names(pool, "SELECT rulename FROM pg_rules WHERE schemaname = 'public'") == []


async def test_incoming_tables_are_unlogged_unwalled_and_empty(pool: Pool) -> None:
    rows = await pool.fetch(
        "SELECT relname, relpersistence::text, relrowsecurity FROM pg_class"
        " WHERE relkind = 'r' AND (relname LIKE 'incoming%' OR obj_description(oid, 'pg_class') LIKE 'class incoming%')"
    )
    assert rows
    for row in rows:
        assert (row["relpersistence"], row["relrowsecurity"]) == ("u", False), row["relname"]
        assert await pool.fetchval(f"SELECT count(*) FROM {row['relname']}") == 0


async def test_a_row_on_its_way_is_seen_by_nobody_else(pool: Pool) -> None:
    async with transaction(pool, job("reader", A.employer_id)) as connection:
        await connection.copy_records_to_table(
            "incoming_findings",
            records=[(A.employer_id, "00000000-0000-4000-8000-000000000001", 1, "code", "info")],
            columns=["employer_id", "reading_id", "finding", "code", "severity"],
        )
        assert await connection.fetchval("SELECT count(*) FROM incoming_findings") == 1
        assert await pool.fetchval("SELECT count(*) FROM incoming_findings") == 0
        await connection.execute("DELETE FROM incoming_findings WHERE employer_id = $1", A.employer_id)
    assert await pool.fetchval("SELECT count(*) FROM incoming_findings") == 0


APPEND_ONLY = [
    "journal",
    "journal_seals",
    "transfers",
    "ledger_accounts",
    "declarations",
    "declared_lines",
    "assessment_parts",
    "files",
    "uploads",
    "document_codes",
    "wilayas",
]


async def test_history_is_append_only_by_privilege(pool: Pool) -> None:
    for table in APPEND_ONLY:
        for forbidden in (f"UPDATE {table} SET {await _column(pool, table)} = NULL", f"DELETE FROM {table}"):
            try:
                await pool.execute(forbidden)
            except asyncpg.InsufficientPrivilegeError:
                continue
            raise AssertionError(forbidden)


async def _column(pool: Pool, table: str) -> str:
    column: str = await pool.fetchval(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 1 LIMIT 1", table
    )
    return column


async def test_nothing_can_be_truncated_and_the_role_owns_and_bypasses_nothing(pool: Pool) -> None:
    truncatable = "SELECT relname FROM pg_class WHERE relkind = 'r' AND has_table_privilege(oid, 'TRUNCATE')"
    assert await names(pool, truncatable) == []
    owned = "SELECT relname FROM pg_class WHERE pg_get_userbyid(relowner) = current_user"
    assert await names(pool, owned) == []
    [role] = await pool.fetch(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"
    )
    assert role is not None
    assert not any(role.values())


async def test_of_money_only_what_is_left_may_change(pool: Pool) -> None:
    for table in ("dues", "credits"):
        columns = await names(
            pool,
            f"SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0"
            f" AND has_column_privilege('{table}', attname, 'UPDATE')",
        )
        assert columns == ["remaining"]
