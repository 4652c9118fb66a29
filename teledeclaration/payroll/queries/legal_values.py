"""Proposals of administrators for the law: the fund's own rows, of no employer."""

from datetime import datetime
from uuid import UUID

import msgspec

from schemas.law import LegalProposal, ProposalStatus
from schemas.legislation import LaterValue
from teledeclaration.database import Connection, one_changed

LOCK = 8317261
"""The advisory lock under which proposals are accepted one after the other; any number nobody else locks by."""


class StoredProposal(LegalProposal, frozen=True, kw_only=True):
    """A proposal, with the account that made it."""

    proposed_account: UUID

    @property
    def shown(self) -> LegalProposal:
        """What is told of it: names, no accounts."""
        return msgspec.convert(msgspec.structs.asdict(self), LegalProposal)


async def insert_proposal(
    connection: Connection,
    *,
    proposal_id: UUID,
    values: list[LaterValue],
    proposed_by: str,
    proposed_account: UUID,
    now: datetime,
) -> None:
    await connection.execute(
        """
        INSERT INTO legal_values (proposal_id, entries, proposed_by, proposed_account, proposed_at)
        VALUES ($1, $2, $3, $4, $5)
        """,
        proposal_id,
        values,
        proposed_by,
        proposed_account,
        now,
    )


_PROPOSAL = """
SELECT proposal_id, entries AS values, status, proposed_by, proposed_account, proposed_at, decided_by, decided_at,
       answer
  FROM legal_values
"""


async def select_proposal(connection: Connection, *, proposal_id: UUID) -> StoredProposal | None:
    row = await connection.fetchrow(f"{_PROPOSAL} WHERE proposal_id = $1", proposal_id)
    return None if row is None else msgspec.convert(dict(row), StoredProposal)


async def select_proposals(
    connection: Connection, *, status: ProposalStatus | None, after: UUID | None, limit: int
) -> list[LegalProposal]:
    """The latest first, those before the proposal `after`."""
    rows = await connection.fetch(
        f"""
        {_PROPOSAL}
         WHERE ($1::text IS NULL OR status = $1)
           AND ($2::uuid IS NULL OR (proposed_at, proposal_id) <
                   (SELECT proposed_at, proposal_id FROM legal_values WHERE proposal_id = $2))
         ORDER BY proposed_at DESC, proposal_id DESC LIMIT $3
        """,
        status,
        after,
        limit,
    )
    return [msgspec.convert(dict(row), LegalProposal) for row in rows]


async def wait_for_turn(connection: Connection) -> None:
    """Accept one after the other: each is checked against what stood when the one before was accepted."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)


async def decide_proposal(
    connection: Connection,
    *,
    proposal_id: UUID,
    status: ProposalStatus,
    decided_by: str,
    decided_account: UUID,
    answer: str,
    now: datetime,
) -> bool:
    """proposed → accepted | refused; False where someone decided before.

    Accepted later than any before it, whatever the clocks of two hosts say: the law is built in this order.
    """
    status_told = await connection.execute(
        """
        UPDATE legal_values
           SET status = $2, decided_by = $3, decided_account = $4, answer = $5,
               decided_at = greatest($6, (SELECT max(decided_at) + interval '1 microsecond' FROM legal_values
                                           WHERE status = 'accepted'))
         WHERE proposal_id = $1 AND status = 'proposed'
        """,
        proposal_id,
        status,
        decided_by,
        decided_account,
        answer,
        now,
    )
    return one_changed(status_told)
