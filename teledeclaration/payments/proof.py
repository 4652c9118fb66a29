"""The proof that the ledger and the rows beside it tell the same.

The ledger balances by its shape; what could still differ is what stands beside it: what remains of dues
and credits, what assessments say they added, what periods are assessed at, what provisional assessments
say stays owed, what opening balances say was booked. Each is proved from the transfers alone.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from schemas.payments import Difference
from teledeclaration.database import Connection

PROVED_BEFORE_S = 900
"""Transactions last less: what is older than this is proved for good."""


async def prove_ledger(connection: Connection, *, employer_id: int) -> list[Difference]:
    """Where an employer's ledger and rows differ; empty where they agree to the centime.

    One statement, so that it sees one state while others write.
    """
    return [msgspec.convert(row, Difference) for row in await connection.fetch(_PROOF, employer_id)]


_ACCOUNTS = """
WITH moved AS (
    SELECT debit_account AS account, amount FROM transfers WHERE employer_id = $1
     UNION ALL
    SELECT credit_account, -amount FROM transfers WHERE employer_id = $1
), ledger AS (
    SELECT account, sum(amount)::bigint AS amount FROM moved
     WHERE account LIKE 'due:%' OR account LIKE 'assessed:%' OR account = 'credit' GROUP BY account
), rows AS (
    SELECT 'due:' || nature || ':' || payer AS account, sum(remaining)::bigint AS amount
      FROM dues WHERE employer_id = $1 GROUP BY nature, payer
     UNION ALL
    SELECT 'credit', -sum(remaining)::bigint FROM credits WHERE employer_id = $1 GROUP BY employer_id
)
SELECT 'account ' || account AS subject, coalesce(ledger.amount, 0) AS ledger, coalesce(rows.amount, 0) AS rows
  FROM ledger FULL JOIN rows USING (account)
 WHERE coalesce(ledger.amount, 0) <> coalesce(rows.amount, 0)
 ORDER BY account
"""
"""What is owed, what is held, and what must be empty: nothing stays between branches and dues."""

_DUES = """
SELECT 'due ' || d.due_id AS subject,
       coalesce(sum(CASE 'due:' || d.nature || ':' || d.payer
                    WHEN t.debit_account THEN t.amount WHEN t.credit_account THEN -t.amount END), 0)::bigint AS ledger,
       d.remaining AS rows
  FROM dues d LEFT JOIN transfers t ON t.employer_id = d.employer_id AND t.due_id = d.due_id
 WHERE d.employer_id = $1
 GROUP BY d.employer_id, d.due_id
HAVING coalesce(sum(CASE 'due:' || d.nature || ':' || d.payer
                    WHEN t.debit_account THEN t.amount WHEN t.credit_account THEN -t.amount END), 0) <> d.remaining
 ORDER BY d.due_id
"""

_CREDITS = """
SELECT 'credit ' || c.credit_id AS subject,
       coalesce(sum(CASE 'credit' WHEN t.credit_account THEN t.amount ELSE -t.amount END), 0)::bigint AS ledger,
       c.remaining AS rows
  FROM credits c LEFT JOIN transfers t ON t.employer_id = c.employer_id AND t.credit_id = c.credit_id
 WHERE c.employer_id = $1
 GROUP BY c.employer_id, c.credit_id
HAVING coalesce(sum(CASE 'credit' WHEN t.credit_account THEN t.amount ELSE -t.amount END), 0) <> c.remaining
 ORDER BY c.credit_id
"""

_ASSESSMENTS = """
WITH revenue AS (
    SELECT split_part(coalesce(o.source_ref, t.source_ref), ':', 1) AS subject,
           sum(CASE WHEN t.credit_account LIKE 'revenue:%' THEN t.amount ELSE -t.amount END)::bigint AS amount
      FROM transfers t LEFT JOIN transfers o ON o.employer_id = t.employer_id AND o.transfer_id = t.reverses
     WHERE t.employer_id = $1 AND (t.credit_account LIKE 'revenue:%' OR t.debit_account LIKE 'revenue:%')
     GROUP BY 1
), assessed AS (
    SELECT declaration_id::text AS subject, difference AS amount
      FROM assessments WHERE employer_id = $1 AND status = 'assessed'
     UNION ALL
    SELECT provisional_id::text, difference
      FROM provisional_assessments WHERE employer_id = $1 AND booked_at IS NOT NULL
)
SELECT 'assessment ' || subject AS subject, coalesce(revenue.amount, 0) AS ledger,
       coalesce(assessed.amount, 0) AS rows
  FROM revenue FULL JOIN assessed USING (subject)
 WHERE coalesce(revenue.amount, 0) <> coalesce(assessed.amount, 0)
 ORDER BY subject
"""
"""What each declaration and each provisional assessment gave to the branches, less what was reversed, against what it
was assessed to change."""

_PERIODS = """
WITH told AS (
    SELECT declaration_id::text AS subject, centre, period FROM declarations WHERE employer_id = $1
     UNION ALL
    SELECT provisional_id::text, centre, period FROM provisional_assessments WHERE employer_id = $1
), moved AS (
    SELECT coalesce(o.source_ref, t.source_ref) AS ref, coalesce(o.kind, t.kind) AS kind,
           CASE WHEN t.credit_account LIKE 'revenue:%' THEN t.amount ELSE -t.amount END AS amount
      FROM transfers t LEFT JOIN transfers o ON o.employer_id = t.employer_id AND o.transfer_id = t.reverses
     WHERE t.employer_id = $1 AND (t.credit_account LIKE 'revenue:%' OR t.debit_account LIKE 'revenue:%')
), revenue AS (
    SELECT told.centre || ':' || coalesce(nullif(split_part(moved.ref, ':', 2), ''), told.period) || ':'
               || split_part(moved.kind, ':', 2) || ':' || split_part(moved.kind, ':', 3) AS subject,
           sum(moved.amount)::bigint AS amount
      FROM moved JOIN told ON told.subject = split_part(moved.ref, ':', 1)
     GROUP BY 1
), assessed AS (
    SELECT a.centre || ':' || a.period || ':' || (part ->> 'branch') || ':' || (part ->> 'payer') AS subject,
           sum((part ->> 'amount')::bigint)::bigint AS amount
      FROM assessed_periods a CROSS JOIN jsonb_array_elements(a.amounts -> 'parts') AS part
     WHERE a.employer_id = $1
     GROUP BY 1
)
SELECT 'period ' || subject AS subject, coalesce(revenue.amount, 0) AS ledger, coalesce(assessed.amount, 0) AS rows
  FROM revenue FULL JOIN assessed USING (subject)
 WHERE coalesce(revenue.amount, 0) <> coalesce(assessed.amount, 0)
 ORDER BY subject
"""
"""What each branch and payer was given for each centre's period, against what the period is assessed at. Transfers of
the time when a year was booked as a whole name no period: theirs is the declaration's, the year."""

_INCREASES = """
WITH owed AS (
    SELECT split_part(source_ref, ':', 1) AS subject,
           sum(CASE 'penalties' WHEN credit_account THEN amount ELSE -amount END)::bigint AS amount
      FROM transfers
     WHERE employer_id = $1 AND source = 'provisional_assessment' AND 'penalties' IN (debit_account, credit_account)
     GROUP BY 1
), made AS (
    SELECT provisional_id::text AS subject, increase_kept AS amount
      FROM provisional_assessments WHERE employer_id = $1 AND booked_at IS NOT NULL
)
SELECT 'increase ' || subject AS subject, coalesce(owed.amount, 0) AS ledger, coalesce(made.amount, 0) AS rows
  FROM owed FULL JOIN made USING (subject)
 WHERE coalesce(owed.amount, 0) <> coalesce(made.amount, 0)
 ORDER BY subject
"""
"""What is owed as the increase of each provisional assessment, against what it says stays owed."""

_OPENINGS = """
WITH booked AS (
    SELECT coalesce(o.source_ref, t.source_ref) AS opening,
           sum(CASE 'opening:balance' WHEN t.credit_account THEN t.amount ELSE -t.amount END)::bigint AS amount
      FROM transfers t LEFT JOIN transfers o ON o.employer_id = t.employer_id AND o.transfer_id = t.reverses
     WHERE t.employer_id = $1 AND 'opening:balance' IN (t.debit_account, t.credit_account)
     GROUP BY 1
), openings AS (
    SELECT centre || ':' || period || ':' || nature || ':' || payer AS opening, amount, booked_at
      FROM opening_balances WHERE employer_id = $1
)
SELECT 'opening ' || opening AS subject, coalesce(booked.amount, 0) AS ledger, coalesce(openings.amount, 0) AS rows
  FROM booked FULL JOIN openings USING (opening)
 WHERE coalesce(booked.amount, 0) <> coalesce(openings.amount, 0)
   AND (openings.opening IS NULL OR booked_at IS NOT NULL)
 ORDER BY opening
"""
"""What was booked of each row of the former system; rows that wait to be booked are not compared."""


_QUESTIONS = (_ACCOUNTS, _DUES, _CREDITS, _ASSESSMENTS, _PERIODS, _INCREASES, _OPENINGS)
_PROOF = " UNION ALL ".join(f"({question})" for question in _QUESTIONS)


async def upsert_proof(
    connection: Connection, *, employer_id: int, proved_until: datetime, now: datetime, found: Sequence[Difference]
) -> None:
    """Keep the outcome of an employer's proof, in the place of the one before."""
    await connection.execute(
        """
        INSERT INTO ledger_proofs (employer_id, proved_until, proved_at, differences) VALUES ($1, $2, $3, $4)
            ON CONFLICT (employer_id) DO UPDATE
           SET proved_until = excluded.proved_until, proved_at = excluded.proved_at, differences = excluded.differences
        """,
        employer_id,
        proved_until,
        now,
        [msgspec.to_builtins(difference) for difference in found],
    )


async def select_employers_to_prove(connection: Connection, *, after: int, limit: int) -> list[int]:
    """Employers above `after` whose ledger moved since its last proof, or whose last proof found a difference."""
    rows = await connection.fetch(
        """
        SELECT e.employer_id
          FROM employers e LEFT JOIN ledger_proofs p ON p.employer_id = e.employer_id
         WHERE e.employer_id > $1
           AND (p.differences <> '[]' OR EXISTS (
                SELECT FROM transfers t
                 WHERE t.employer_id = e.employer_id AND (p.proved_until IS NULL OR t.posted_at > p.proved_until)))
         ORDER BY e.employer_id
         LIMIT $2
        """,
        after,
        limit,
    )
    return [row["employer_id"] for row in rows]
