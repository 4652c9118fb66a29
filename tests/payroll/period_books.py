"""A centre's year told row by row, as filing leaves it, and what the ledger makes of it."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from payments.books import CENTRE, new_employer, prove

from schemas.actors import job
from schemas.assessments import BranchAmount
from schemas.legislation import Payer
from schemas.payments import Due, Nature
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.legislation import load
from teledeclaration.payments import queries
from teledeclaration.payments.accounts import assessed_account, clearing_account, due_account, revenue_account
from teledeclaration.payments.ledger import Transfer, post
from teledeclaration.payroll.law.contributions import assess, dues_by_payer, side_by_side, year_buckets
from teledeclaration.payroll.law.provisional import increase_of
from teledeclaration.payroll.queries.assessments import insert_assessment, store_assessment, store_periods
from teledeclaration.payroll.queries.provisional import ProvisionalRow, insert_provisional
from teledeclaration.periods import Year
from teledeclaration.settings import Settings
from workers.assess_declaration import assess_declaration
from workers.book_provisional import book_provisional

LAW = load("cnas")
VALUES = LAW.on(date(2025, 1, 1))
START = datetime(2026, 1, 20, 9, tzinfo=UTC)

Bases = Mapping[str, int]
Share = tuple[str, str, str]
"""A period, a branch, a payer."""


class PeriodBooks:
    """One new employer; what is told comes a second after what was told before."""

    def __init__(self, pool: Pool, settings: Settings, employer: int) -> None:
        self.pool, self.employer, self.told = pool, employer, 0
        self.ctx: dict[str, Any] = {"pool": pool, "legislation": LAW, "settings": settings, "clock": self.clock}

    @classmethod
    async def opened(cls, pool: Pool, settings: Settings) -> "PeriodBooks":
        return cls(pool, settings, await new_employer(pool))

    def clock(self) -> datetime:
        return START + timedelta(seconds=self.told)

    def _next_moment(self) -> datetime:
        self.told += 1
        return self.clock()

    # ── telling ─────────────────────────────────────────────────────────────────────────────────

    async def periodic(self, period: str, bases: Bases, *, replaces: UUID | None = None) -> UUID:
        """A month's or quarter's declaration, a line for each category; it waits to be assessed."""
        lines = [(number, name, base) for number, (name, base) in enumerate(bases.items(), 1)]
        async with transaction(self.pool, job("test", self.employer)) as connection:
            declaration_id = await self._declaration(connection, "periodic", period, replaces)
            await connection.executemany(
                "INSERT INTO periodic_lines (employer_id, declaration_id, line_number, rate_category, workers, base)"
                " VALUES ($1, $2, $3, $4, 1, $5)",
                [(self.employer, declaration_id, *line) for line in lines],
            )
        return declaration_id

    async def annual(self, quarters: list[Bases], *, replaces: UUID | None = None) -> UUID:
        """The year's declaration, a line for each category; it waits to be assessed."""
        names = sorted({name for bases in quarters for name in bases})
        lines = [(number, name, *(bases.get(name, 0) for bases in quarters)) for number, name in enumerate(names, 1)]
        async with transaction(self.pool, job("test", self.employer)) as connection:
            declaration_id = await self._declaration(connection, "annual", "2025", replaces)
            await connection.executemany(
                """
                INSERT INTO declared_lines (employer_id, declaration_id, line_number, last_name, first_name,
                                            rate_category, q1_amount, q2_amount, q3_amount, q4_amount, annual_amount)
                VALUES ($1, $2, $3, 'BENALI', 'SAMIRA', $4, $5, $6, $7, $8, $5::bigint + $6 + $7 + $8)
                """,
                [(self.employer, declaration_id, *line) for line in lines],
            )
        return declaration_id

    async def _declaration(self, connection: Connection, form: str, period: str, replaces: UUID | None) -> UUID:
        declaration_id, now = uuid4(), self._next_moment()
        await connection.execute(
            "INSERT INTO drafts (employer_id, draft_id, form, centre, year, period, type, created_by, created_at,"
            " updated_at) VALUES ($1, $2, $3, $4, 2025, $5, 'C', 'test', $6, $6)",
            self.employer,
            declaration_id,
            form,
            CENTRE,
            period,
            now,
        )
        await connection.execute(
            """
            INSERT INTO declarations (employer_id, declaration_id, number, form, centre, year, period, type, mode,
                                      draft_id, reading_id, replaces, line_count, left_out_count, q1_amount, q2_amount,
                                      q3_amount, q4_amount, annual_amount, content_hash, filed_by, filed_at, legal_day)
            VALUES ($1, $2, $2::uuid::text, $3, $4, 2025, $5, 'C', 'live', $2, $2, $6, 1, 0, 0, 0, 0, 0, 0, '', 'test',
                    $7, $8)
            """,
            self.employer,
            declaration_id,
            form,
            CENTRE,
            period,
            replaces,
            now,
            now.date(),
        )
        await insert_assessment(connection, employer_id=self.employer, declaration_id=declaration_id, now=now)
        return declaration_id

    async def provisional(self, period: str, bases: Bases) -> UUID:
        """What an officer has assessed; it waits to be booked."""
        amounts, now = assess(bases, VALUES), self._next_moment()
        increase = increase_of(amounts.total, VALUES)
        row = ProvisionalRow(
            provisional_id=uuid4(),
            centre=CENTRE,
            period=period,
            taken_from="previous_month",
            source_periods=("2024-12",),
            bases=dict(bases),
            amounts=amounts,
            increase=increase,
            increase_kept=increase,
            made_by="test",
            made_at=now,
            legal_day=now.date(),
            booked_at=None,
            replaced_by=None,
            replaced_at=None,
        )
        async with transaction(self.pool, job("test", self.employer)) as connection:
            await insert_provisional(connection, employer_id=self.employer, made=row)
        return row.provisional_id

    async def booked_whole(self, quarters: list[Bases]) -> None:
        """A year as it was assessed and booked before periods were: as a whole, its transfers naming no period."""
        declaration_id, year = await self.annual(quarters), Year(2025)
        amounts = side_by_side(year_buckets({}, dict(zip(year.quarters, quarters, strict=True)), LAW).values())
        where: dict[str, Any] = {"employer_id": self.employer, "now": self.clock()}
        async with transaction(self.pool, job("test", self.employer)) as connection:
            await store_assessment(
                connection, **where, declaration_id=declaration_id, amounts=amounts, difference=amounts.total
            )
            await store_periods(connection, **where, centre=CENTRE, amounts={"2025": amounts})
            transfers = [_given(str(declaration_id), part) for part in amounts.parts]
            for payer, owed in dues_by_payer(amounts).items():
                due = _due_of_2025(str(declaration_id), payer, owed, self.clock())
                await queries.insert_due(connection, employer_id=self.employer, due=due)
                transfers.append(_owed(str(declaration_id), due))
            await post(connection, **where, posting_id=uuid4(), transfers=transfers, legal_day=self.clock().date())

    # ── working ─────────────────────────────────────────────────────────────────────────────────

    async def assess(self, declaration_id: UUID) -> int:
        return await assess_declaration(self.ctx, self.employer, str(declaration_id))

    async def book(self, provisional_id: UUID) -> int:
        return await book_provisional(self.ctx, self.employer, str(provisional_id))

    async def pay(self, share: float) -> int:
        """Pay a share of each open due by card; how much."""
        paid, reference = 0, str(uuid4())
        async with transaction(self.pool, job("test", self.employer)) as connection:
            transfers = []
            for due in await queries.lock_open_dues(connection, employer_id=self.employer):
                amount = max(1, int(due.remaining * share))
                await queries.reduce_due(connection, employer_id=self.employer, due_id=due.due_id, amount=amount)
                account = due_account(due.nature, due.payer)
                transfers.append(_card(reference, account, amount, due.due_id))
                paid += amount
            if transfers:
                await post(
                    connection,
                    employer_id=self.employer,
                    posting_id=uuid4(),
                    transfers=transfers,
                    now=self.clock(),
                    legal_day=self.clock().date(),
                )
        return paid

    # ── reading ─────────────────────────────────────────────────────────────────────────────────

    async def net(self) -> dict[Share, int]:
        """What the ledger gave, by period, branch and payer, from the transfers alone."""
        sums: Counter[Share] = Counter()
        async with transaction(self.pool, job("test", self.employer)) as connection:
            for entry in await queries.select_entries(connection, employer_id=self.employer, after=None, limit=100_000):
                if entry.kind.startswith("revenue:"):
                    sign = 1 if entry.credit_account.startswith("revenue:") else -1
                    _, branch, payer = entry.kind.split(":")
                    period = entry.source_ref.partition(":")[2] or "2025"
                    sums[period, branch, payer] += sign * entry.amount
        return {share: amount for share, amount in sums.items() if amount}

    async def owed(self) -> dict[tuple[str, Payer], int]:
        """Contributions owed less what is held, by period and payer; credits by the period they were left by."""
        sums: Counter[tuple[str, Payer]] = Counter()
        async with transaction(self.pool, job("test", self.employer)) as connection:
            for due in await queries.select_dues(connection, employer_id=self.employer):
                if due.nature is Nature.CONTRIBUTIONS:
                    sums[due.period, due.payer] += due.remaining
            for credit in await queries.lock_credits(
                connection, employer_id=self.employer, origins=["assessment", "provisional_assessment"]
            ):
                _, _, period, nature, payer = credit.origin_ref.split(":")
                assert nature == "contributions"
                sums[period, Payer(payer)] -= credit.remaining
        return {share: amount for share, amount in sums.items() if amount}

    async def penalties(self, *, left: bool = False) -> int:
        """What was ever owed in penalties; or what is left of it to pay."""
        async with transaction(self.pool, job("test", self.employer)) as connection:
            dues = await queries.select_dues(connection, employer_id=self.employer, which="all")
        return sum(due.remaining if left else due.amount for due in dues if due.nature is Nature.PENALTIES)

    async def due_days(self) -> dict[str, set[str]]:
        async with transaction(self.pool, job("test", self.employer)) as connection:
            dues = await queries.select_dues(connection, employer_id=self.employer)
        return {due.period: {one.due_on.isoformat() for one in dues if one.period == due.period} for due in dues}

    async def credit(self) -> int:
        async with transaction(self.pool, job("test", self.employer)) as connection:
            return await queries.select_credit_total(connection, employer_id=self.employer)

    async def assessed(self, declaration_id: UUID) -> dict[str, Any]:
        async with transaction(self.pool, job("test", self.employer)) as connection:
            row = await connection.fetchrow(
                "SELECT * FROM assessments WHERE employer_id = $1 AND declaration_id = $2",
                self.employer,
                declaration_id,
            )
        return dict(row or {})

    async def row(self, provisional_id: UUID) -> dict[str, Any]:
        async with transaction(self.pool, job("test", self.employer)) as connection:
            row = await connection.fetchrow(
                "SELECT * FROM provisional_assessments WHERE employer_id = $1 AND provisional_id = $2",
                self.employer,
                provisional_id,
            )
        return dict(row or {})

    async def assert_proved(self) -> None:
        assert await prove(self.pool, self.employer) == []


def _card(reference: str, account: str, amount: int, due_id: UUID) -> Transfer:
    return Transfer(
        debit=clearing_account("card"),
        credit=account,
        amount=amount,
        source="payment",
        source_ref=reference,
        kind=str(due_id),
        due_id=due_id,
    )


def _given(reference: str, part: BranchAmount) -> Transfer:
    return Transfer(
        debit=assessed_account(part.payer),
        credit=revenue_account(part.branch),
        amount=part.amount,
        source="assessment",
        source_ref=reference,
        kind=f"revenue:{part.branch}:{part.payer}",
    )


def _due_of_2025(reference: str, payer: Payer, amount: int, now: datetime) -> Due:
    return Due(
        due_id=uuid4(),
        centre=CENTRE,
        period="2025",
        nature=Nature.CONTRIBUTIONS,
        payer=payer,
        amount=amount,
        remaining=amount,
        due_on=date(2026, 1, 31),
        origin="assessment",
        origin_ref=reference,
        created_at=now,
    )


def _owed(reference: str, due: Due) -> Transfer:
    return Transfer(
        debit=due_account(due.nature, due.payer),
        credit=assessed_account(due.payer),
        amount=due.amount,
        source="assessment",
        source_ref=reference,
        kind=f"due:{due.payer}",
        due_id=due.due_id,
    )
