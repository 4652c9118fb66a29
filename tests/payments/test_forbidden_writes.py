"""Every write that the ledger forbids is refused by PostgreSQL itself, under the application's role."""

from uuid import UUID, uuid4

import asyncpg
import pytest

from payments.books import NOW, TODAY, accounts_of, assess, new_employer, parts, pay
from schemas.actors import job
from schemas.legislation import Payer
from teledeclaration.database import Pool, transaction

TRANSFER = (
    "INSERT INTO transfers (employer_id, transfer_id, posting_id, debit_account, credit_account, amount, source,"
    " source_ref, kind, content_hash, due_id, credit_id, reverses, posted_at, legal_day)"
    " SELECT {employer}, gen_random_uuid(), gen_random_uuid(), {debit}, {credit}, {amount}, {source}, {source_ref},"
    " {kind}, '', {due}, {held}, {reverses}, posted_at, legal_day FROM transfers"
    " WHERE employer_id = {mine} AND source = 'payment' AND due_id IS NOT NULL"
)


def transfer(**changed: str) -> str:
    """SQL for one more transfer like the payment's, good but for what is changed."""
    good = {
        "employer": "{mine}",
        "debit": "'clearing:card'",
        "credit": "'revenue:retirement'",
        "amount": "1",
        "source": "'test'",
        "source_ref": "'forbidden'",
        "kind": "'one'",
        "due": "NULL",
        "held": "NULL",
        "reverses": "NULL",
    }
    return TRANSFER.format(**{**good, **changed}, mine="{mine}").replace("{{", "{").replace("}}", "}")


REVERSED = "(SELECT reverses FROM transfers WHERE employer_id = {mine} AND reverses IS NOT NULL)"
SOURCED = "(SELECT {0} FROM transfers WHERE employer_id = {{mine}} AND source = 'payment' AND due_id IS NOT NULL)"
PAYMENT_ID = SOURCED.format("transfer_id")

FORBIDDEN = [
    # name, statement, SQLSTATE, constraint
    ("update a transfer", "UPDATE transfers SET amount = 1 WHERE employer_id = {mine}", "42501", None),
    ("update its day", "UPDATE transfers SET legal_day = '2020-01-01' WHERE employer_id = {mine}", "42501", None),
    ("delete a transfer", "DELETE FROM transfers WHERE employer_id = {mine}", "42501", None),
    ("truncate", "TRUNCATE transfers", "42501", None),
    ("delete an account", "DELETE FROM ledger_accounts WHERE employer_id = {mine}", "42501", None),
    ("rename an account", "UPDATE ledger_accounts SET account = 'x' WHERE employer_id = {mine}", "42501", None),
    ("alter the table", "ALTER TABLE transfers DROP CONSTRAINT transfers_amount_positive", "42501", None),
    ("drop the table", "DROP TABLE transfers", "42501", None),
    ("disable triggers", "ALTER TABLE transfers DISABLE TRIGGER ALL", "42501", None),
    ("pass constraint triggers by", "SET session_replication_role = 'replica'", "42501", None),
    ("create a trigger", "CREATE TRIGGER t BEFORE INSERT ON transfers EXECUTE FUNCTION now()", "42501", None),
    ("lift the wall", "ALTER TABLE transfers DISABLE ROW LEVEL SECURITY", "42501", None),
    ("another policy", "CREATE POLICY open ON transfers USING (true)", "42501", None),
    ("become the owner", "SET ROLE teledeclaration_owner", "42501", None),
    ("become the superuser", "SET ROLE postgres", "42501", None),
    (
        "grant oneself more",  # PostgreSQL warns that it granted nothing, and so refuses the update
        "GRANT UPDATE ON transfers TO teledeclaration_app; UPDATE transfers SET amount = 1 WHERE employer_id = {mine}",
        "42501",
        None,
    ),
    ("delete a due", "DELETE FROM dues WHERE employer_id = {mine}", "42501", None),
    ("change a due's amount", "UPDATE dues SET amount = amount + 1 WHERE employer_id = {mine}", "42501", None),
    ("change a due's date", "UPDATE dues SET due_on = '2030-01-01' WHERE employer_id = {mine}", "42501", None),
    ("delete a credit", "DELETE FROM credits WHERE employer_id = {mine}", "42501", None),
    ("change a credit's amount", "UPDATE credits SET amount = 9 WHERE employer_id = {mine}", "42501", None),
    ("a due below zero", "UPDATE dues SET remaining = -1 WHERE employer_id = {mine}", "23514", "dues_remaining_within"),
    (
        "a due above its amount",
        "UPDATE dues SET remaining = amount + 1 WHERE employer_id = {mine}",
        "23514",
        "dues_remaining_within",
    ),
    (
        "a credit used twice",
        "UPDATE credits SET remaining = remaining - 101 WHERE employer_id = {mine}",
        "23514",
        "credits_remaining_within",
    ),
    ("nothing transferred", transfer(amount="0"), "23514", "transfers_amount_positive"),
    ("a negative amount", transfer(amount="-5"), "23514", "transfers_amount_positive"),
    ("the same account twice", transfer(credit="'clearing:card'"), "23514", "transfers_two_accounts"),
    (
        "an account that is not there",
        transfer(credit="'nowhere'"),
        "23503",
        "transfers_employer_id_credit_account_fkey",
    ),
    (
        "another employer's account",
        transfer(debit="'only:theirs'"),
        "23503",
        "transfers_employer_id_debit_account_fkey",
    ),
    ("another employer's ledger", transfer(employer="{theirs}"), "42501", None),
    ("another employer's due", transfer(credit="'due:contributions:employer'", due="'{their_due}'"), "23503", None),
    (
        "the same reference twice",
        transfer(source="'payment'", source_ref=SOURCED.format("source_ref"), kind=SOURCED.format("kind")),
        "23505",
        "transfers_source_once",
    ),
    (
        "a second reversal",
        transfer(debit="'suspense'", credit="'clearing:card'", amount="30", reverses=REVERSED),
        "23505",
        "transfers_reversed_once",
    ),
    (
        "a reversal of another amount",
        transfer(
            debit="'due:contributions:employer'",
            credit="'clearing:card'",
            amount="899",
            due=SOURCED.format("due_id"),
            reverses=PAYMENT_ID,
        ),
        "23503",
        "transfers_reversal_mirrors",
    ),
    (
        "a reversal the same way round",
        transfer(
            credit="'due:contributions:employer'", amount="900", due=SOURCED.format("due_id"), reverses=PAYMENT_ID
        ),
        "23503",
        "transfers_reversal_mirrors",
    ),
    (
        "a due's account without its due",
        transfer(credit="'due:contributions:employer'"),
        "23514",
        "transfers_due_named",
    ),
    ("a due named for nothing", transfer(due=SOURCED.format("due_id")), "23514", "transfers_due_named"),
    ("a credit moved without being named", transfer(debit="'credit'"), "23514", "transfers_credit_named"),
    (
        "from one due to another",
        transfer(
            debit="'due:contributions:employee'", credit="'due:contributions:employer'", due=SOURCED.format("due_id")
        ),
        "23514",
        "transfers_one_due",
    ),
    (
        "a misspelt account",
        "INSERT INTO ledger_accounts VALUES ({mine}, 'Due contributions')",
        "23514",
        "ledger_accounts_account_shape",
    ),
    (
        "a due of nothing",
        "INSERT INTO dues SELECT employer_id, gen_random_uuid(), centre, period, nature, payer, 0, 0, due_on, origin,"
        " 'other', created_at FROM dues WHERE employer_id = {mine}",
        "23514",
        "dues_amount_positive",
    ),
    (
        "the same due twice",
        "INSERT INTO dues SELECT employer_id, gen_random_uuid(), centre, period, nature, payer, amount, remaining,"
        " due_on, origin, origin_ref, created_at FROM dues WHERE employer_id = {mine}",
        "23505",
        "dues_origin_once",
    ),
    (
        "a due of another employer",
        "INSERT INTO dues SELECT {theirs}, gen_random_uuid(), centre, period, nature, payer, amount, remaining,"
        " due_on, origin, 'other', created_at FROM dues WHERE employer_id = {mine}",
        "42501",
        None,
    ),
]


@pytest.fixture(scope="module")
async def employers(pool: Pool) -> dict[str, int | UUID]:
    """`mine`: a due of 1,000 paid with 900, a credit of 100, a transfer of 30 reversed. `theirs`: another's."""
    mine, theirs = await new_employer(pool), await new_employer(pool)
    for employer in (mine, theirs):
        await assess(pool, employer, parts(retirement_employer=1000))
    await pay(pool, mine, Payer.EMPLOYER, 900)
    async with transaction(pool, job("test", theirs)) as connection:
        await connection.execute("INSERT INTO ledger_accounts VALUES ($1, 'only:theirs')", theirs)
        their_due = await connection.fetchval("SELECT due_id FROM dues WHERE employer_id = $1", theirs)
    async with transaction(pool, job("test", mine)) as connection:
        await connection.execute(
            "INSERT INTO credits VALUES ($1, gen_random_uuid(), 100, 100, 'test', 'one', $2)", mine, NOW
        )
        await connection.execute("INSERT INTO ledger_accounts VALUES ($1, 'suspense'), ($1, 'credit')", mine)
        for kind, debit, credit, reverses in (
            ("there", "clearing:card", "suspense", None),
            ("back", "suspense", "clearing:card", "there"),
        ):
            await connection.execute(
                """
                INSERT INTO transfers (employer_id, transfer_id, posting_id, debit_account, credit_account, amount,
                                       source, source_ref, kind, content_hash, reverses, posted_at, legal_day)
                SELECT $1, gen_random_uuid(), gen_random_uuid(), $2, $3, 30, 'test', 'reversed', $4, '',
                       (SELECT transfer_id FROM transfers WHERE employer_id = $1 AND kind = $5), $6, $7
                """,
                mine,
                debit,
                credit,
                kind,
                reverses,
                NOW,
                TODAY,
            )
    return {"mine": mine, "theirs": theirs, "their_due": their_due}


@pytest.mark.parametrize(
    ("statement", "state", "constraint"), [row[1:] for row in FORBIDDEN], ids=[row[0] for row in FORBIDDEN]
)
async def test_forbidden(
    pool: Pool, employers: dict[str, int | UUID], statement: str, state: str, constraint: str | None
) -> None:
    before = await accounts_of(pool, int(employers["mine"]))
    with pytest.raises(asyncpg.PostgresError) as refused:
        async with transaction(pool, job("test", int(employers["mine"]))) as connection:
            await connection.execute(statement.format(**employers))
    assert refused.value.sqlstate == state
    if constraint:
        assert refused.value.constraint_name == constraint
    assert await accounts_of(pool, int(employers["mine"])) == before


async def test_the_transfer_that_the_table_changes_is_itself_accepted(
    pool: Pool, employers: dict[str, int | UUID]
) -> None:
    """Else every row of the table would be refused for another reason than its own."""
    async with transaction(pool, job("test", int(employers["mine"]))) as connection:
        status = await connection.execute(transfer(kind=f"'{uuid4()}'").format(**employers))
    assert status == "INSERT 0 1"


async def test_another_employers_books_are_not_there(pool: Pool, employers: dict[str, int | UUID]) -> None:
    async with transaction(pool, job("test", int(employers["mine"]))) as connection:
        for table in ("transfers", "dues", "credits", "ledger_accounts", "ledger_proofs"):
            seen = await connection.fetchval(
                f"SELECT count(*) FROM {table} WHERE employer_id = $1", employers["theirs"]
            )
            assert seen == 0
        changed = await connection.execute("UPDATE dues SET remaining = 0 WHERE employer_id = $1", employers["theirs"])
        assert changed == "UPDATE 0"
