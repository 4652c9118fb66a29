"""An officer assesses a period that nobody declared; the declaration comes; the increase stays."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
from conftest import Clients
from payments.books import CENTRE

from payroll.period_books import LAW, PeriodBooks
from schemas.actors import SWEEPER, job
from schemas.legislation import LaterValue
from teledeclaration.database import Pool, transaction
from teledeclaration.payroll.queries.provisional import select_waiting_provisionals
from teledeclaration.settings import Settings
from workers.book_provisional import book_provisional

# Of 100,000.00 DA: R22 34,500.00 and R98 500.00, together 35,000.00 DA; 5 % of it is 1,750.00 DA.
APRIL, CONTRIBUTIONS, INCREASE = {"general": 10_000_000}, 3_500_000, 175_000


@pytest.fixture
async def books(pool: Pool, settings: Settings, clients: Clients) -> AsyncIterator[PeriodBooks]:
    """A new employer of wilaya 16 that declares by the month since 2020, and declared April 2025."""
    opened = await PeriodBooks.opened(pool, settings)
    async with transaction(pool, job("test", 0)) as connection:
        await connection.execute(
            "UPDATE employers SET periodicity = 'monthly', opened_on = '2020-03-15' WHERE employer_id = $1",
            opened.employer,
        )
        await connection.execute(
            "INSERT INTO employer_numbers (number, mode, employer_id)"
            " SELECT number, 'live', employer_id FROM employers WHERE employer_id = $1",
            opened.employer,
        )
    await opened.assess(await opened.periodic("2025-04", APRIL))
    yield opened


async def number_of(books: PeriodBooks) -> str:
    async with transaction(books.pool, job("test", books.employer)) as connection:
        number: str = await connection.fetchval("SELECT number FROM employers WHERE employer_id = $1", books.employer)
    return number


async def ask(clients: Clients, books: PeriodBooks, who: str = "dalila", **wanted: Any) -> httpx.Response:
    headers = {"Employer": await number_of(books)}
    return await clients[who].post("/v1/provisional-assessments", json=wanted, headers=headers)


def problem(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    kind: str = answer.json()["type"].rpartition("/")[2]
    return kind


async def test_a_late_month_is_assessed_booked_and_replaced(clients: Clients, books: PeriodBooks) -> None:
    answer = await ask(clients, books, period="2025-05")
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["taken_from"], made["taken_from_words"]) == ("previous_month", "Previous month")
    assert (made["source_periods"], made["bases"]) == (["2025-04"], APRIL)
    assert (made["amounts"]["total"], made["increase"], made["booked_at"]) == (CONTRIBUTIONS, INCREASE, None)
    assert await books.book(made["provisional_id"]) == 1

    headers = {"Employer": await number_of(books)}
    dues = (await clients["dalila"].get("/v1/dues", params={"period": "2025-05"}, headers=headers)).json()["dues"]
    # The month's own 30 days; the increase is owed from the day it is made.
    assert {(due["nature"], due["due_on"]) for due in dues} == {
        ("contributions", "2025-06-30"),
        ("penalties", "2026-01-15"),
    }
    assert {(due["origin"], due["origin_ref"]) for due in dues} == {("provisional_assessment", made["provisional_id"])}
    assert sum(due["remaining"] for due in dues) == CONTRIBUTIONS + INCREASE
    await books.assert_proved()

    declared = await books.periodic("2025-05", {"general": 4_000_000})
    assert await books.assess(declared) == 1
    [shown] = (await clients["dalila"].get("/v1/provisional-assessments?year=2025", headers=headers)).json()
    assert (shown["replaced_by"], shown["increase"], shown["increase_kept"]) == (str(declared), INCREASE, INCREASE)
    assert sum((await books.owed()).values()) == 14_000_000 * 35 // 100
    assert await books.penalties() == INCREASE
    await books.assert_proved()
    for table, column in (("outbox", "kind"), ("journal", "action")):
        told = await _told(books, table, column)
        assert {"provisional_assessment.made", "provisional_assessment.replaced"} <= told


async def _told(books: PeriodBooks, table: str, column: str) -> set[str]:
    async with transaction(books.pool, job("test", books.employer)) as connection:
        rows = await connection.fetch(f"SELECT {column} FROM {table} WHERE employer_id = $1", books.employer)
    return {row[column] for row in rows}


@pytest.mark.parametrize(
    ("period", "kind", "said"),
    [
        ("2025-04", "period-already-declared", "2025-04"),
        ("2025-12", "period-not-late", "2026-01-30"),
        ("2020-02", "period-not-owed", "2020-02"),
        ("2025-Q3", "wrong-periodicity", "2025-07, 2025-08, 2025-09"),
        ("2025-Q2", "period-already-declared", "2025-Q2"),
        ("2025", "period-unknown", "2025"),
        ("2025-13", "period-unknown", "2025-13"),
        ("2024-05", "nothing-to-assess-from", "workers"),
    ],
)
async def test_what_cannot_be_assessed_is_refused_in_words(
    clients: Clients, books: PeriodBooks, period: str, kind: str, said: str
) -> None:
    answer = await ask(clients, books, period=period)
    assert problem(answer) == kind
    assert said in answer.text


async def test_a_suspended_month_is_not_assessed(clients: Clients, books: PeriodBooks) -> None:
    async with transaction(books.pool, job("test", books.employer)) as connection:
        await connection.execute(
            "INSERT INTO suspensions (employer_id, suspension_id, centre, first_day, reason, status, requested_by,"
            " requested_at, decided_by, decided_at)"
            " VALUES ($1, gen_random_uuid(), $2, $3, 'x', 'accepted', 'x', $4, 'y', $4)",
            books.employer,
            CENTRE,
            date(2025, 4, 20),
            datetime(2025, 4, 20, tzinfo=UTC),
        )
    assert problem(await ask(clients, books, period="2025-05")) == "period-suspended"


async def test_a_period_is_assessed_once_and_only_by_an_officer_of_its_wilaya(
    clients: Clients, books: PeriodBooks
) -> None:
    assert (await ask(clients, books, who="omar", period="2025-05")).status_code == 404
    assert (await ask(clients, books, who="alice", period="2025-05")).status_code in (403, 404)
    own = await clients["alice"].post("/v1/provisional-assessments", json={"period": "2025-05"})
    assert problem(own) == "not-allowed"
    assert (await ask(clients, books, period="2025-05")).status_code == 201
    assert problem(await ask(clients, books, period="2025-05")) == "provisional-made"


async def test_days_assessed_by_the_month_are_not_assessed_by_the_quarter_again(
    clients: Clients, books: PeriodBooks
) -> None:
    """The register may say months today and quarters tomorrow."""
    await books.book(await books.provisional("2025-07", APRIL))
    async with transaction(books.pool, job("test", 0)) as connection:
        await connection.execute(
            "UPDATE employers SET periodicity = 'quarterly' WHERE employer_id = $1", books.employer
        )
    answer = await ask(clients, books, period="2025-Q3")
    assert problem(answer) == "provisional-made"
    assert "2025-07" in answer.text


async def test_the_sweeper_finds_what_was_never_booked(clients: Clients, books: PeriodBooks) -> None:
    made = (await ask(clients, books, period="2025-05")).json()
    async with transaction(books.pool, SWEEPER) as connection:
        waiting = await select_waiting_provisionals(connection, limit=500)
    assert made["provisional_id"] in {str(provisional_id) for _, provisional_id in waiting}
    assert await book_provisional(books.ctx, books.employer, made["provisional_id"]) == 1
    assert await book_provisional(books.ctx, books.employer, made["provisional_id"]) == 0
    async with transaction(books.pool, SWEEPER) as connection:
        waiting = await select_waiting_provisionals(connection, limit=500)
    assert made["provisional_id"] not in {str(provisional_id) for _, provisional_id in waiting}


async def test_an_increase_that_is_not_kept_is_given_back(clients: Clients, books: PeriodBooks) -> None:
    """As the fund would say it with a value of its own."""
    entry: dict[str, object] = {"valid_from": "2020-01-01", "value": False, "reference": "x", "confidence": "S2"}
    books.ctx["legislation"] = LAW.with_rows([LaterValue(key="provisional_assessment.increase_is_kept", entry=entry)])
    made = (await ask(clients, books, period="2025-05")).json()
    await books.book(made["provisional_id"])
    await books.assess(await books.periodic("2025-05", APRIL))
    assert (await books.row(made["provisional_id"]))["increase_kept"] == 0
    await books.assert_proved()
    headers = {"Employer": await number_of(books)}
    open_dues = (await clients["dalila"].get("/v1/dues", headers=headers)).json()["dues"]
    assert {due["nature"] for due in open_dues} == {"contributions"}


async def test_one_that_came_too_late_owes_nothing(books: PeriodBooks) -> None:
    """Declared between the officer's look and the row."""
    declared = await books.periodic("2025-05", APRIL)
    late = await books.provisional("2025-05", {"general": 50_000_000})
    assert await books.book(late) == 2
    row = await books.row(late)
    assert (row["replaced_by"], row["increase_kept"], row["difference"]) == (declared, 0, 0)
    assert await books.penalties() == 0
    await books.assert_proved()
