"""Later values of the law: administrators propose and accept them, by four eyes."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from schemas.law import (
    LegalProposal,
    LegalProposalPage,
    LegalValuesPreview,
    NewLegalValues,
    ProposalDecision,
    ProposalStatus,
)
from teledeclaration.clock import legal_day
from teledeclaration.database import transaction
from teledeclaration.employers.guard import Caller, guarded
from teledeclaration.errors import NotFound
from teledeclaration.payroll.actions import legal_values
from teledeclaration.payroll.queries.legal_values import select_proposal, select_proposals

_MANAGE = guarded("law.manage")


@post("/v1/law/values", **_MANAGE, tags=["law"], summary="Propose later values")
async def propose_values(
    state: State, caller: NamedDependency[Caller], data: JSONBody[NewLegalValues]
) -> Response[LegalProposal]:
    """Values for keys that have a page, checked at once against the law as it stands; another administrator accepts.

    `legal-value-refused`, with the pointer of its field, where one breaks a rule.
    """
    proposal_id = await legal_values.propose(state.pool, state.settings, caller, data, now=state.clock())
    found = await _proposal(state, caller, proposal_id)
    return Response(found, status_code=201, headers={"Location": f"/v1/law/values/{proposal_id}"})


@post("/v1/law/values/preview", **_MANAGE, status_code=200, tags=["law"], summary="What later values would change")
async def preview_values(
    state: State, caller: NamedDependency[Caller], data: JSONBody[NewLegalValues]
) -> LegalValuesPreview:
    """Each value before and after on its first day, and the quarters begun that it reaches. Nothing is kept."""
    today = legal_day(state.clock(), state.settings.fund_time_zone)
    return await legal_values.preview(state.pool, state.settings, caller, data, today=today)


@get("/v1/law/values", **_MANAGE, tags=["law"], summary="Proposed and added values")
async def list_values(
    state: State,
    caller: NamedDependency[Caller],
    status: FromQuery[ProposalStatus | None] = None,
    after: Annotated[UUID | None, QueryParameter(description="`next` of the page before")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=500)] = 100,
) -> LegalProposalPage:
    """Proposals, the latest first, with who made and who decided them."""
    async with transaction(state.pool, caller.actor) as connection:
        found = await select_proposals(connection, status=status, after=after, limit=limit + 1)
    return LegalProposalPage(items=found[:limit], next=found[limit - 1].proposal_id if len(found) > limit else None)


@get("/v1/law/values/{proposal_id:uuid}", **_MANAGE, tags=["law"], summary="One proposal")
async def get_values(state: State, caller: NamedDependency[Caller], proposal_id: FromPath[UUID]) -> LegalProposal:
    """Its values as they were sent, and what became of them."""
    return await _proposal(state, caller, proposal_id)


@post(
    "/v1/law/values/{proposal_id:uuid}/decision",
    **_MANAGE,
    status_code=200,
    tags=["law"],
    summary="Accept or refuse later values",
)
async def decide_values(
    state: State, caller: NamedDependency[Caller], proposal_id: FromPath[UUID], data: JSONBody[ProposalDecision]
) -> LegalProposal:
    """Accepted by another administrator than the proposer, checked again against the law as it then stands.

    It is in force everywhere within seconds, without a restart.
    """
    state.legislation = await legal_values.decide(
        state.pool, state.settings, caller, proposal_id=proposal_id, said=data, now=state.clock()
    )
    return await _proposal(state, caller, proposal_id)


async def _proposal(state: State, caller: Caller, proposal_id: UUID) -> LegalProposal:
    async with transaction(state.pool, caller.actor) as connection:
        found = await select_proposal(connection, proposal_id=proposal_id)
    if found is None:
        raise NotFound
    return found.shown


ROUTES = [propose_values, preview_values, list_values, get_values, decide_values]
