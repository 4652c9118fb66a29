"""The law as it stands: the release's pages with the values administrators added since.

Whoever computes with it asks here, in its own transaction where what it writes must follow the law of that moment.
Asking is one small statement; the law is built anew only when another proposal was accepted.
"""

from datetime import datetime
from functools import lru_cache
from uuid import UUID

import msgspec

from schemas.legislation import Addition, LaterValue
from teledeclaration.database import Connection, Pool
from teledeclaration.legislation import InvalidLegislation, Legislation
from teledeclaration.legislation.funds import law_of_release
from teledeclaration.settings import Settings


class Accepted(msgspec.Struct, frozen=True):
    """One accepted proposal; `entries` is the JSON of its values, so that it can be hashed."""

    proposal_id: UUID
    entries: bytes
    proposed_by: str
    decided_by: str
    decided_at: datetime


async def law_in_force(connection: Connection | Pool, settings: Settings) -> Legislation:
    """The law of this installation's fund at this moment.

    InvalidLegislation, naming the proposal, where an accepted value does not fit the release any more.
    """
    rows = await connection.fetch(
        """
        SELECT proposal_id, entries, proposed_by, decided_by, decided_at
          FROM legal_values WHERE status = 'accepted' ORDER BY decided_at, proposal_id
        """
    )
    accepted = (
        Accepted(row["proposal_id"], msgspec.json.encode(row["entries"]), *(row[name] for name in _WHO)) for row in rows
    )
    return _with(law_of_release(settings), tuple(accepted))


_WHO = ("proposed_by", "decided_by", "decided_at")


@lru_cache(maxsize=8)
def _with(law: Legislation, accepted: tuple[Accepted, ...]) -> Legislation:
    for one in accepted:
        addition = Addition(
            proposal_id=one.proposal_id,
            proposed_by=one.proposed_by,
            accepted_by=one.decided_by,
            accepted_at=one.decided_at,
        )
        try:
            law = law.with_rows(msgspec.json.decode(one.entries, type=list[LaterValue]), addition)
        except InvalidLegislation as error:
            detail = f"{error.values['detail']} (accepted proposal {one.proposal_id})".strip()
            raise InvalidLegislation(error.key, error.reason, detail) from None
    return law
