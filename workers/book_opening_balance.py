"""Job: the ledger follows the opening balances of one employer.

Transition: `opening_balances.booked_at` NULL → now, for all rows of the employer that wait, each with the
difference to what was booked of it before. Run twice, the second finds nothing that waits.
"""

from typing import Any
from uuid import UUID

from schemas.actors import job
from teledeclaration.clock import legal_day
from teledeclaration.payments.actions import book_opening_balances

NAME = "book_opening_balance"


def subject_of(employer_id: int) -> UUID:
    """What the job's message carries as its subject: the employer itself, so that one job waits for each."""
    return UUID(int=employer_id)


async def book_opening_balance(ctx: dict[str, Any], employer_id: int, subject: str) -> int:  # noqa: ARG001 — every job is sent a subject; here it says no more than employer_id
    """How many rows were booked; 0 where another run was first."""
    now = ctx["clock"]()
    return await book_opening_balances(
        ctx["pool"],
        job(NAME, employer_id),
        employer_id=employer_id,
        now=now,
        legal_day=legal_day(now, ctx["settings"].fund_time_zone),
    )
