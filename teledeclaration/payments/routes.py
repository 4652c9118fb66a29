"""The JSON door to what is owed, held and booked. Reads only; amounts are integer centimes."""

from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from schemas.payments import Balance, Due, DuesPage, LedgerEntry, LedgerPage, TrialBalance
from teledeclaration.clock import legal_day
from teledeclaration.database import transaction
from teledeclaration.employers.guard import Caller, guarded
from teledeclaration.payments import facts, queries
from teledeclaration.payments.queries import Which

Limit = Annotated[int, QueryParameter(ge=1, le=500, description="How many at most on one page.")]
After = Annotated[UUID | None, QueryParameter(description="`next_after` of the page before.")]


@get("/v1/dues", **guarded("dues.read"), tags=["dues"], summary="What is owed")
async def list_dues(
    state: State,
    caller: NamedDependency[Caller],
    *,
    show: Annotated[Which, QueryParameter(description="`open`: what is left to pay; `all`: paid ones too.")] = "open",
    centre: Annotated[str | None, QueryParameter(description="A payment centre: five digits.")] = None,
    period: Annotated[
        str | None, QueryParameter(description="A period's code: `2025-Q1`, `2025-01`; of a year, all of its periods.")
    ] = None,
    after: After = None,
    limit: Limit = 100,
) -> DuesPage:
    """Dues by due date, with the totals of all that match by nature and payer."""
    employer_id = caller.employer_id
    async with transaction(state.pool, caller.actor) as connection:
        dues = await queries.select_dues(
            connection,
            employer_id=employer_id,
            which=show,
            centre=centre,
            period=period,
            after=after,
            limit=limit + 1,
        )
        totals = await queries.select_due_totals(
            connection, employer_id=employer_id, which=show, centre=centre, period=period
        )
    return DuesPage(
        dues=tuple(dues[:limit]),
        totals=tuple(totals),
        remaining=sum(total.remaining for total in totals),
        next_after=_next_due(dues, limit),
    )


@get("/v1/balance", **guarded("dues.read"), tags=["dues"], summary="What is owed by due date, and what is held")
async def show_balance(state: State, caller: NamedDependency[Caller]) -> Balance:
    """What is owed by due date, late and coming, and what is held, as of today where the employer lives."""
    today = legal_day(caller.now(state.clock), state.settings.fund_time_zone)
    async with transaction(state.pool, caller.actor) as connection:
        return await facts.what_is_owed(connection, employer_id=caller.employer_id, on=today)


@get("/v1/ledger", **guarded("dues.read"), tags=["dues"], summary="What was booked")
async def list_ledger(
    state: State,
    caller: NamedDependency[Caller],
    account: Annotated[
        str | None,
        QueryParameter(description="One account, such as `due:contributions:employee`: with its running balance."),
    ] = None,
    after: After = None,
    limit: Limit = 100,
) -> LedgerPage:
    """The employer's transfers in time; of one account, each with its signed change and the balance after it."""
    async with transaction(state.pool, caller.actor) as connection:
        if account is None:
            entries = await queries.select_entries(
                connection, employer_id=caller.employer_id, after=after, limit=limit + 1
            )
        else:
            entries = await queries.select_account_entries(
                connection, employer_id=caller.employer_id, account=account, after=after, limit=limit + 1
            )
    return LedgerPage(entries=tuple(entries[:limit]), next_after=_next_entry(entries, limit))


@get("/v1/ledger/accounts", **guarded("dues.read"), tags=["dues"], summary="The balance of each account")
async def show_trial_balance(state: State, caller: NamedDependency[Caller]) -> TrialBalance:
    """Every account that moved: what was debited, credited, and the balance."""
    async with transaction(state.pool, caller.actor) as connection:
        accounts = await queries.select_account_balances(connection, employer_id=caller.employer_id)
    return TrialBalance(
        accounts=tuple(accounts),
        debits=sum(account.debits for account in accounts),
        credits=sum(account.credits for account in accounts),
    )


def _next_due(dues: list[Due], limit: int) -> UUID | None:
    return dues[limit - 1].due_id if len(dues) > limit else None


def _next_entry(entries: list[LedgerEntry], limit: int) -> UUID | None:
    return entries[limit - 1].transfer_id if len(entries) > limit else None


ROUTES = [list_dues, show_balance, list_ledger, show_trial_balance]
