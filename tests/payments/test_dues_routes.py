"""What is owed, held and booked, through the JSON door."""

from typing import Any

import pytest
import world

from payments.books import assess, book_openings, load_opening, parts, pay
from schemas.legislation import Payer
from teledeclaration.database import Pool


@pytest.fixture(scope="module", autouse=True)
async def booked(pool: Pool) -> None:
    """Alice's employer: 1,000 + 500 assessed for 2025, 300 paid, 20 held from the former system."""
    employer = world.A.employer_id
    await assess(pool, employer, parts(retirement_employer=1000, retirement_employee=500))
    await pay(pool, employer, Payer.EMPLOYER, 300)
    await load_opening(pool, employer, -20, Payer.SOCIAL_WORKS)
    await book_openings(pool, employer)


async def read(clients: Any, who: str, path: str, status: int = 200, **params: Any) -> Any:
    answer = await clients[who].get(path, params=params)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_dues_come_with_their_totals_by_nature_and_payer(clients: Any) -> None:
    page = await read(clients, "lina", "/v1/dues")
    assert [(due["payer"], due["amount"], due["remaining"]) for due in sorted(page["dues"], key=_payer)] == [
        ("employee", 500, 500),
        ("employer", 1000, 700),
    ]
    assert [(total["payer"], total["dues"], total["remaining"]) for total in page["totals"]] == [
        ("employee", 1, 500),
        ("employer", 1, 700),
    ]
    assert (page["remaining"], page["next_after"]) == (1200, None)


def _payer(due: dict[str, str]) -> str:
    return due["payer"]


async def test_dues_are_filtered_and_paged(clients: Any) -> None:
    assert (await read(clients, "rym", "/v1/dues", period="2024"))["dues"] == []
    assert (await read(clients, "rym", "/v1/dues", centre="16001", period="2025"))["remaining"] == 1200
    first = await read(clients, "rym", "/v1/dues", limit=1, show="all")
    second = await read(clients, "rym", "/v1/dues", limit=1, show="all", after=first["next_after"])
    assert {page["dues"][0]["payer"] for page in (first, second)} == {"employer", "employee"}
    assert (first["remaining"], second["remaining"], second["next_after"]) == (1200, 1200, None)


async def test_a_due_paid_in_full_is_shown_only_where_all_are_asked_for(clients: Any, pool: Pool) -> None:
    await assess(pool, world.B.employer_id, parts(retirement_employer=10), centre=world.B.centre)
    await pay(pool, world.B.employer_id, Payer.EMPLOYER, 10, centre=world.B.centre)
    assert (await read(clients, "charlie", "/v1/dues"))["dues"] == []
    assert [due["remaining"] for due in (await read(clients, "charlie", "/v1/dues", show="all"))["dues"]] == [0]


async def test_the_balance_is_coming_until_the_due_date_has_passed(clients: Any, clock: Any) -> None:
    before = await read(clients, "alice", "/v1/balance")
    assert (before["owed"], before["late"], before["coming"], before["credit"], before["net"]) == (
        *(1200, 0, 1200),
        *(20, 1180),
    )
    standing = clock.moment
    clock.moment = standing.replace(month=2)
    after = await read(clients, "alice", "/v1/balance")
    clock.moment = standing
    assert (after["late"], after["coming"]) == (1200, 0)
    assert after["days"] == [{"due_on": "2026-01-31", "remaining": 1200, "late": True}]


async def test_an_accounts_entries_carry_a_running_balance_over_pages(clients: Any) -> None:
    account = "due:contributions:employer"
    whole = await read(clients, "alice", "/v1/ledger", account=account)
    assert sorted(entry["change"] for entry in whole["entries"]) == [-300, 1000]
    assert whole["entries"][-1]["balance"] == 700
    first = await read(clients, "alice", "/v1/ledger", account=account, limit=1)
    second = await read(clients, "alice", "/v1/ledger", account=account, limit=1, after=first["next_after"])
    assert [*first["entries"], *second["entries"]] == whole["entries"]


async def test_the_ledger_pages_through_every_transfer_once(clients: Any) -> None:
    seen: list[str] = []
    after: dict[str, Any] = {}
    while True:
        page = await read(clients, "alice", "/v1/ledger", limit=2, **after)
        seen += [entry["transfer_id"] for entry in page["entries"]]
        if page["next_after"] is None:
            break
        after = {"after": page["next_after"]}
    assert len(seen) == len(set(seen)) == 6


async def test_the_trial_balance_is_equal_on_both_sides(clients: Any) -> None:
    trial = await read(clients, "alice", "/v1/ledger/accounts")
    assert trial["debits"] == trial["credits"] > 0
    assert {line["account"]: line["balance"] for line in trial["accounts"]}["credit"] == -20


async def test_nobody_elses_dues_are_seen(clients: Any) -> None:
    assert all(due["amount"] == 10 for due in (await read(clients, "charlie", "/v1/dues", show="all"))["dues"])
    mine = (await read(clients, "alice", "/v1/ledger"))["entries"][0]["transfer_id"]
    theirs = await read(clients, "charlie", "/v1/ledger", after=mine)
    assert theirs["entries"] == []
    await read(clients, "stranger", "/v1/dues", status=401)
    await read(clients, "key:declare", "/v1/balance", status=403)
    assert (await read(clients, "key:read", "/v1/balance"))["owed"] == 1200


@pytest.mark.parametrize("params", [{"limit": 0}, {"limit": 501}, {"show": "some"}, {"after": "x"}])
async def test_a_malformed_question_is_told(clients: Any, params: dict[str, Any]) -> None:
    problem = await read(clients, "alice", "/v1/dues", status=422, **params)
    assert problem["type"].endswith("/problems/malformed")
