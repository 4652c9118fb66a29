"""Months, quarters, years, replacements, complements and provisional assessments in any order: the ledger ends as if
only what stands had ever been told, but for the increases the fund keeps."""

import asyncio
from collections import Counter
from random import Random
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payroll.period_books import Bases, PeriodBooks
from schemas.legislation import Payer
from teledeclaration.database import Pool
from teledeclaration.payroll.law.periods import periodic
from teledeclaration.payroll.law.years import overlap
from teledeclaration.settings import Settings

PERIODS = ("2025-01", "2025-02", "2025-03", "2025-Q2", "2025-10", "2025-Q1")
QUARTERS = ("2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4")
CATEGORIES = ("general", "building", "rebate_north_first_job")

bases = st.dictionaries(st.sampled_from(CATEGORIES), st.integers(0, 90_000), max_size=2)
steps = st.one_of(
    st.tuples(st.just("periodic"), st.tuples(st.sampled_from(PERIODS), bases)),
    st.tuples(st.just("annual"), st.lists(bases, min_size=4, max_size=4)),
    st.tuples(st.just("provisional"), st.tuples(st.sampled_from(PERIODS), bases)),
    st.tuples(st.just("work"), st.none()),
    st.tuples(st.just("pay"), st.floats(0.01, 1)),
)


class Walk:
    """What was told and still stands, kept beside in plain lists."""

    def __init__(self, books: PeriodBooks, chance: Random) -> None:
        self.books, self.chance = books, chance
        self.standing: dict[UUID, tuple[str, str, list[Bases]]] = {}
        self.declared: set[str] = set()
        self.reckoned: dict[str, tuple[UUID, Bases]] = {}
        self.increases = 0
        self.paid = 0
        self.waiting: list[UUID] = []

    async def periodic(self, told: tuple[str, Bases]) -> None:
        period, bases = told
        declaration_id = await self.books.periodic(period, bases, replaces=self._replaced("periodic", period))
        self.standing[declaration_id] = ("periodic", period, [bases])
        self.waiting.append(declaration_id)
        self.declared.add(period)

    async def annual(self, quarters: list[Bases]) -> None:
        declaration_id = await self.books.annual(quarters, replaces=self._replaced("annual", "2025"))
        self.standing[declaration_id] = ("annual", "2025", quarters)
        self.waiting.append(declaration_id)

    def _replaced(self, form: str, period: str) -> UUID | None:
        """One that stands, to be replaced, or none: then it completes what there is."""
        same = [one for one, told in self.standing.items() if told[:2] == (form, period)]
        if not same or self.chance.random() < 0.4:
            return None
        replaced = self.chance.choice(same)
        del self.standing[replaced]
        return replaced

    async def provisional(self, told: tuple[str, Bases]) -> None:
        period, bases = told
        others = [*self.declared, *self.reckoned]
        if any(overlap(periodic(period), periodic(other)) for other in others):
            return
        provisional_id = await self.books.provisional(period, bases)
        self.reckoned[period] = (provisional_id, bases)
        self.increases += int((await self.books.row(provisional_id))["increase"])
        self.waiting.append(provisional_id)

    async def work(self, _: None) -> None:
        """The jobs come in any order, some of them twice."""
        self.chance.shuffle(self.waiting)
        for subject in [*self.waiting, *self.waiting[:1]]:
            await self.books.assess(subject)
            await self.books.book(subject)
        self.waiting.clear()
        await self.books.assert_proved()

    async def pay(self, share: float) -> None:
        self.paid += await self.books.pay(share)

    async def told_at_once(self, books: PeriodBooks) -> None:
        """Only what stands, in another order, on other books."""
        standing = list(self.standing.values())
        self.chance.shuffle(standing)
        left = [
            (period, bases)
            for period, (_, bases) in self.reckoned.items()
            if not any(overlap(periodic(period), periodic(other)) for other in self.declared)
        ]
        for period, bases in left:
            await books.book(await books.provisional(period, bases))
        for form, period, told in standing:
            declared = books.annual(told) if form == "annual" else books.periodic(period, told[0])
            await books.assess(await declared)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(walk=st.lists(steps, min_size=3, max_size=12), chance=st.randoms(use_true_random=False))
async def test_the_ledger_is_as_if_only_what_stands_was_told(
    pool: Pool, settings: Settings, walk: list[tuple[str, object]], chance: Random
) -> None:
    books, plain = await PeriodBooks.opened(pool, settings), await PeriodBooks.opened(pool, settings)
    told = Walk(books, chance)
    for name, argument in [*walk, ("work", None)]:
        await getattr(told, name)(argument)
    await told.told_at_once(plain)
    await plain.assert_proved()
    assert await books.net() == await plain.net()
    assert await books.penalties() == told.increases
    owed, expected = await books.owed(), await plain.owed()
    if not told.paid:
        assert owed == expected
    left = sum(owed.values()) + await books.penalties(left=True)
    assert left + told.paid == sum(expected.values()) + told.increases


async def test_equal_annual_and_periodic_bases_change_nothing(pool: Pool, settings: Settings) -> None:
    """Twelve months of 1.00 DA, each rounded up, and a year of 12.00 DA."""
    books = await PeriodBooks.opened(pool, settings)
    for number in range(1, 13):
        await books.assess(await books.periodic(f"2025-{number:02d}", {"general": 100}))
    before, owed = await books.net(), await books.owed()
    assert sum(owed.values()) == 12 * 36
    year = await books.annual([{"general": 300}] * 4)
    assert await books.assess(year) == 1
    assert (await books.net(), await books.owed()) == (before, owed)
    assert (await books.assessed(year))["difference"] == 0
    assert (await books.assessed(year))["total"] == 12 * 36
    await books.assert_proved()


async def test_a_year_that_differs_owes_the_quarter_or_leaves_a_credit(pool: Pool, settings: Settings) -> None:
    """34.5 % + 0.5 % of 40,000.00 DA more in the first quarter, of 20,000.00 DA less in the second."""
    books = await PeriodBooks.opened(pool, settings)
    for period in ("2025-02", "2025-05"):
        await books.assess(await books.periodic(period, {"general": 10_000_000}))
    await books.assess(await books.annual([{"general": 14_000_000}, {"general": 8_000_000}, {}, {}]))
    by_period: Counter[str] = Counter()
    for (period, _), amount in (await books.owed()).items():
        by_period[period] += amount
    assert by_period == {"2025-02": 3_500_000, "2025-05": 3_500_000, "2025-Q1": 1_400_000, "2025-Q2": -700_000}
    assert await books.due_days() == {
        "2025-02": {"2025-03-30"},
        "2025-05": {"2025-06-30"},
        "2025-Q1": {"2026-01-31"},
    }
    await books.assert_proved()


async def test_a_credit_left_by_a_quarter_is_taken_back_first(pool: Pool, settings: Settings) -> None:
    books = await PeriodBooks.opened(pool, settings)
    await books.assess(await books.periodic("2025-02", {"general": 10_000_000}))
    low = await books.annual([{"general": 8_000_000}, {}, {}, {}])
    await books.assess(low)
    assert sum((await books.owed()).values()) == 2_800_000
    await books.assess(await books.annual([{"general": 11_000_000}, {}, {}, {}], replaces=low))
    assert await books.owed() == {
        ("2025-02", Payer.EMPLOYER): 2_500_000,
        ("2025-02", Payer.EMPLOYEE): 900_000,
        ("2025-02", Payer.SOCIAL_WORKS): 100_000,
        ("2025-Q1", Payer.EMPLOYER): 250_000,
        ("2025-Q1", Payer.EMPLOYEE): 90_000,
        ("2025-Q1", Payer.SOCIAL_WORKS): 10_000,
    }
    assert await books.credit() == 0
    await books.assert_proved()


async def test_a_year_booked_as_a_whole_moves_to_its_quarters(pool: Pool, settings: Settings) -> None:
    """As annual declarations were before periods: whatever is filed next of that year brings it to its quarters."""
    books = await PeriodBooks.opened(pool, settings)
    await books.booked_whole([{"general": 10_000_000}] * 4)
    await books.assert_proved()
    assert {period for period, _ in await books.owed()} == {"2025"}
    await books.pay(0.5)
    await books.assess(await books.periodic("2025-02", {"general": 4_000_000}))
    assert {period for period, _, _ in await books.net()} == {"2025-02", *QUARTERS}
    assert sum((await books.owed()).values()) == 14_000_000 - 7_000_000
    await books.assert_proved()


async def test_jobs_of_one_year_at_once_assess_each_declaration_once(pool: Pool, settings: Settings) -> None:
    books = await PeriodBooks.opened(pool, settings)
    told = [await books.periodic(period, {"general": 1_000_000}) for period in ("2025-01", "2025-02", "2025-03")]
    told.append(await books.annual([{"general": 3_000_000}, {}, {}, {}]))
    assert sum(await asyncio.gather(*(books.assess(one) for one in [*told, *told]))) == 4
    assert sum((await books.owed()).values()) == 1_050_000
    await books.assert_proved()


async def test_what_was_assessed_counts_though_a_clock_was_ahead(pool: Pool, settings: Settings) -> None:
    """Two servers' clocks differ: the annual declaration is filed last, with the earliest moment."""
    books = await PeriodBooks.opened(pool, settings)
    books.told = 100
    month = await books.periodic("2025-02", {"general": 10_000_000})
    await books.assess(month)
    books.told = 0
    year = await books.annual([{"general": 10_000_000}, {}, {}, {}])
    await books.assess(year)
    assert (await books.assessed(year))["difference"] == 0
    assert {period for period, _ in await books.owed()} == {"2025-02"}
    books.told = 50
    await books.assess(await books.periodic("2025-02", {"general": 4_000_000}, replaces=month))
    assert sum((await books.owed()).values()) == 3_500_000
    assert {period for period, _, _ in await books.net()} == {"2025-02", "2025-Q1"}
    await books.assert_proved()
