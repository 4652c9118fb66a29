"""Random walks: declare, complete, replace, pay, carry over; ledger and dues agree to the centime at every step."""

from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payments.books import assess, balance_of, book_openings, load_opening, new_employer, parts, pay, prove
from schemas.assessments import BranchAmount
from schemas.legislation import Payer
from teledeclaration.database import Pool

SHARES = (
    "retirement_employer",
    "accidents_employer",
    "retirement_employee",
    "unemployment_employee",
    "housing_social_works",
)

years = st.fixed_dictionaries({share: st.integers(0, 5_000) for share in SHARES})
payers = st.sampled_from(Payer)
steps = st.one_of(
    st.tuples(st.just("assess"), years),
    st.tuples(st.just("again"), st.none()),
    st.tuples(st.just("pay"), st.tuples(payers, st.integers(1, 6_000))),
    st.tuples(st.just("opening"), st.tuples(payers, st.integers(-3_000, 3_000))),
)


class Books:
    """What should be true of an employer, kept beside in plain numbers."""

    def __init__(self, pool: Pool, employer: int) -> None:
        self.pool, self.employer = pool, employer
        self.year = dict.fromkeys(SHARES, 0)
        self.openings: dict[Payer, int] = {}
        self.paid = 0
        self.last: tuple[list[BranchAmount], object] | None = None

    async def assess(self, year: dict[str, int]) -> None:
        """A declaration after which the year costs `year`: it books the differences."""
        declaration = uuid4()
        added = parts(**{share: year[share] - self.year[share] for share in SHARES})
        booked = await assess(self.pool, self.employer, added, declaration)
        assert booked == any(part.amount for part in added)
        self.year, self.last = year, (added, declaration)

    async def again(self, _: None) -> None:
        """The last job runs a second time."""
        if self.last:
            added, declaration = self.last
            assert not await assess(self.pool, self.employer, added, declaration)  # type: ignore[arg-type] # a UUID
        assert await book_openings(self.pool, self.employer) == 0

    async def pay(self, payment: tuple[Payer, int]) -> None:
        await pay(self.pool, self.employer, *payment)
        self.paid += payment[1]

    async def opening(self, opening: tuple[Payer, int]) -> None:
        payer, amount = opening
        await load_opening(self.pool, self.employer, amount, payer)
        assert await book_openings(self.pool, self.employer) == 1
        self.openings[payer] = amount

    async def check(self) -> None:
        balance = await balance_of(self.pool, self.employer)
        assert balance.net == sum(self.year.values()) + sum(self.openings.values()) - self.paid
        assert await prove(self.pool, self.employer) == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(walk=st.lists(steps, min_size=4, max_size=12))
async def test_no_centime_appears_or_vanishes(pool: Pool, walk: list[tuple[str, object]]) -> None:
    books = Books(pool, await new_employer(pool))
    for name, argument in walk:
        await getattr(books, name)(argument)
        await books.check()
