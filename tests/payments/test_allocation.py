"""In what order an amount is set against what is open."""

from datetime import date
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from teledeclaration.payments.law.allocation import OpenAmount, Taken, oldest_first

OLD = OpenAmount(UUID(int=2), 300, date(2025, 1, 30))
NEW = OpenAmount(UUID(int=1), 500, date(2025, 4, 30))


def test_the_oldest_is_taken_first_and_the_rest_is_told() -> None:
    assert oldest_first(350, [NEW, OLD]) == ([Taken(OLD.amount_id, 300), Taken(NEW.amount_id, 50)], 0)
    assert oldest_first(1000, [NEW, OLD]) == ([Taken(OLD.amount_id, 300), Taken(NEW.amount_id, 500)], 200)
    assert oldest_first(0, [NEW, OLD]) == ([], 0)


@given(
    st.integers(0, 10_000),
    st.lists(
        st.builds(OpenAmount, st.uuids(), st.integers(0, 3_000), st.dates()),
        max_size=6,
        unique_by=lambda each: each.amount_id,
    ),
)
def test_no_centime_is_lost_and_nothing_is_taken_twice(amount: int, open_amounts: list[OpenAmount]) -> None:
    taken, rest = oldest_first(amount, open_amounts)
    remaining = {each.amount_id: each.remaining for each in open_amounts}
    assert sum(part.amount for part in taken) + rest == amount
    assert all(0 < part.amount <= remaining[part.amount_id] for part in taken)
    assert rest == max(0, amount - sum(remaining.values()))
