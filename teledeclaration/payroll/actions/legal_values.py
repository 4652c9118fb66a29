"""Later values of the law: proposed by one administrator, accepted by another, checked both times.

Transition: `legal_values` proposed → accepted | refused. What was accepted is in force for every process within
seconds, and for every assessment from then on (`law_in_force`); what was assessed before keeps its values.
"""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID, uuid4

from schemas.actors import FUND_EMPLOYER_ID
from schemas.law import LegalValuesPreview, NewLegalValues, ProposalDecision
from schemas.legislation import LaterValue
from teledeclaration import journal, outbox
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.employers.guard import Caller
from teledeclaration.errors import NotFound
from teledeclaration.languages import Language, say
from teledeclaration.law_in_force import law_in_force
from teledeclaration.legislation import InvalidLegislation, Legislation
from teledeclaration.legislation.later import effects, with_proposed
from teledeclaration.payroll.errors import OwnProposal, ProposalDecided
from teledeclaration.payroll.queries import legal_values
from teledeclaration.settings import Settings


async def preview(
    pool: Pool, settings: Settings, caller: Caller, asked: NewLegalValues, *, today: date
) -> LegalValuesPreview:
    """What the values would change; InvalidLegislation where they break a rule. Nothing is kept."""
    async with transaction(pool, caller.actor) as connection:
        law = await law_in_force(connection, settings)
    changed = _checked(law, asked.values, caller.language)
    return LegalValuesPreview(
        effects=effects(law, changed, asked.values, today, caller.language), fingerprint=changed.fingerprint()
    )


async def propose(pool: Pool, settings: Settings, caller: Caller, asked: NewLegalValues, *, now: datetime) -> UUID:
    """Keep values for another administrator to accept; InvalidLegislation where they break a rule."""
    proposal_id, account_id = uuid4(), caller.account_id
    async with transaction(pool, caller.actor) as connection:
        _checked(await law_in_force(connection, settings), asked.values, caller.language)
        await legal_values.insert_proposal(
            connection,
            proposal_id=proposal_id,
            values=asked.values,
            proposed_by=caller.label,
            proposed_account=account_id,
            now=now,
        )
        await _tell(connection, caller, "law.values_proposed", proposal_id, asked.values, now)
    return proposal_id


async def decide(
    pool: Pool, settings: Settings, caller: Caller, *, proposal_id: UUID, said: ProposalDecision, now: datetime
) -> Legislation:
    """Accept or refuse a proposal; the law as it then stands.

    NotFound; ProposalDecided; OwnProposal where who proposed would accept (they may refuse, and so take it back);
    InvalidLegislation where the law has moved since, and the values no longer fit it.
    """
    accepts = said.decision == "accept"
    async with transaction(pool, caller.actor) as connection:
        await legal_values.wait_for_turn(connection)
        proposal = await legal_values.select_proposal(connection, proposal_id=proposal_id)
        if proposal is None:
            raise NotFound
        if accepts and proposal.status == "proposed":
            if proposal.proposed_account == caller.account_id:
                raise OwnProposal(pointer="/decision")
            _checked(await law_in_force(connection, settings), proposal.values, caller.language)
        decided = await legal_values.decide_proposal(
            connection,
            proposal_id=proposal_id,
            status="accepted" if accepts else "refused",
            decided_by=caller.label,
            decided_account=caller.account_id,
            answer=said.answer,
            now=now,
        )
        if not decided:
            raise ProposalDecided
        action = "law.values_accepted" if accepts else "law.values_refused"
        await _tell(connection, caller, action, proposal_id, proposal.values, now)
        return await law_in_force(connection, settings)


def _checked(law: Legislation, values: Sequence[LaterValue], language: Language) -> Legislation:
    """The law with the values; what is wrong is said in the reader's words, with the validator's own detail."""
    try:
        return with_proposed(law, values)
    except InvalidLegislation as error:
        words = f"{say(f'legal.refused.{error.reason}', language)} {error.values['detail']}".strip()
        raise InvalidLegislation(error.key, error.reason, words, pointer=error.pointer) from None


async def _tell(
    connection: Connection, caller: Caller, action: str, proposal_id: UUID, values: Sequence[LaterValue], now: datetime
) -> None:
    details = {"keys": sorted({value.key for value in values})}
    await journal.record(connection, caller.actor, action, proposal_id, now=now, details=details)
    await outbox.insert_event(
        connection, employer_id=FUND_EMPLOYER_ID, kind=action, subject=proposal_id, now=now, payload=details
    )
