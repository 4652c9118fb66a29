"""Later values of the law over HTTP: proposed by one administrator, accepted by another, followed by every process."""

import asyncio
import json
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
from conftest import Clients
from world import PEOPLE, MovableClock

from law.administrators import COOKIE, add_second_administrator, minimum_wage, value
from schemas.actors import Actor
from schemas.legislation import LaterValue
from teledeclaration import app as application
from teledeclaration.__main__ import main
from teledeclaration.app import create_app
from teledeclaration.database import Pool, transaction
from teledeclaration.law_in_force import law_in_force
from teledeclaration.legislation import InvalidLegislation
from teledeclaration.legislation.reading import law_on
from teledeclaration.local.commands import law_is_whole
from teledeclaration.local.postgres import EmbeddedPostgres
from teledeclaration.settings import Settings
from workers.main import _observed

VALUES = "/v1/law/values"


@pytest.fixture(scope="module")
async def zohra(pool: Pool, clients: Clients) -> httpx.AsyncClient:
    await add_second_administrator(pool)
    return clients.fresh(headers=COOKIE)


@pytest.fixture
def amel(clients: Clients) -> httpx.AsyncClient:
    return clients["amel"]


async def proposed(client: httpx.AsyncClient, *values: dict[str, Any]) -> Any:
    answer = await client.post(VALUES, json={"values": values})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"].endswith(answer.json()["proposal_id"])
    return answer.json()


async def decided(client: httpx.AsyncClient, proposal: Any, decision: str, **how: str) -> httpx.Response:
    return await client.post(f"{VALUES}/{proposal['proposal_id']}/decision", json={"decision": decision, **how})


async def wage_on(client: httpx.AsyncClient, day: str) -> Any:
    [found] = (await client.get(f"/v1/law?on={day}&prefix=minimum_wage.month")).json()["values"]
    return found


async def test_a_value_counts_once_another_administrator_accepts_it(
    amel: httpx.AsyncClient, zohra: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    proposal = await proposed(amel, minimum_wage("25000.00"))
    assert (proposal["status"], proposal["proposed_by"], proposal["decided_by"]) == ("proposed", "Amel", None)
    assert (await wage_on(client, "2027-01-01"))["value"] == "24000"
    own = await decided(amel, proposal, "accept")
    assert (own.status_code, own.json()["type"].rpartition("/")[2]) == (409, "own-proposal")
    accepted = await decided(zohra, proposal, "accept")
    assert (accepted.status_code, accepted.json()["status"], accepted.json()["decided_by"]) == (
        200,
        "accepted",
        "Zohra",
    )
    shown = await wage_on(client, "2027-01-01")
    assert (shown["value"], shown["last_day"]) == ("25000", None)
    added = shown["added"]
    assert (added["proposed_by"], added["accepted_by"], added["proposal_id"]) == (
        "Amel",
        "Zohra",
        proposal["proposal_id"],
    )
    eve = await wage_on(client, "2026-12-31")
    assert (eve["value"], eve["last_day"], eve["added"]) == ("24000", "2026-12-31", None)
    changes = (await client.get("/v1/law/changes?from=2027-01-01&to=2027-01-01")).json()["changes"]
    assert [(change["before"], change["after"]["value"]) for change in changes] == [("24000", "25000")]
    again = await decided(zohra, proposal, "accept")
    assert (again.status_code, again.json()["type"].rpartition("/")[2]) == (409, "proposal-decided")


async def test_every_process_follows_without_a_restart(
    amel: httpx.AsyncClient,
    zohra: httpx.AsyncClient,
    settings: Settings,
    clock: MovableClock,
    pool: Pool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(application, "LAW_ASKED_EVERY_S", 0.05)
    other = create_app(settings, clock)
    seen: list[str] = []

    async def look(ctx: dict[str, Any]) -> None:
        seen.append(ctx["legislation"].history("instalments.months_max")[-1].value)

    async with other.lifespan():
        assert other.state.legislation.history("instalments.months_max") == []
        proposal = await proposed(zohra, value("instalments.months_max", value="36", valid_from="2026-02-01"))
        assert (await decided(amel, proposal, "accept")).status_code == 200
        await _observed(look)({"pool": pool, "settings": settings, "legislation": None})
        async with asyncio.timeout(10):
            while not other.state.legislation.history("instalments.months_max"):
                await asyncio.sleep(0.02)
    assert seen == ["36"]


REFUSED = [
    ("unknown_key", "/values/0/key", value("minimum_wage.week", value="1")),
    ("unreadable", "/values/0/entry/value", minimum_wage(25000.5)),  # type: ignore[arg-type]  # a float, as a client may send
    ("unreadable", "/values/0/entry/confidence", minimum_wage("25000", confidence="certain")),
    ("unreadable", "/values/0/entry/reference", {"key": "minimum_wage.month", "entry": {"valid_from": "2027-01-01"}}),
    ("unreadable", "/values/0/entry/minister", minimum_wage("25000", minister="unknown")),
    ("unreadable", "/values/0/entry/valid_from", minimum_wage("25000", valid_from="tomorrow")),
    ("before_the_last", "/values/0/entry/valid_from", minimum_wage("23000", valid_from="2025-12-31")),
    ("ends_before_start", "/values/0/entry/last_day", minimum_wage("26000", last_day="2026-12-31")),
    ("out_of_bounds", "/values/0/entry/value", minimum_wage("25000.001")),
    ("out_of_bounds", "/values/0/entry/value", minimum_wage("1" + 40 * "0")),
    ("out_of_bounds", "/values/0/entry/value", value("rates.retirement.employer", value="1.5")),
    ("wrong_unit", "/values/0/entry/value", minimum_wage(["25000"])),  # type: ignore[arg-type]  # the same
    ("incomplete", "/values/0/entry/reference", minimum_wage("25000", reference=" ")),
    ("parts_differ_from_total", "/values", value("rates.retirement.employer", value="0.12")),
    ("gap_or_overlap", "/values/1/entry/valid_from", None),
]


@pytest.mark.parametrize(("reason", "pointer", "sent"), REFUSED)
async def test_a_wrong_value_is_refused_at_its_field(
    amel: httpx.AsyncClient, reason: str, pointer: str, sent: dict[str, Any] | None
) -> None:
    ending = minimum_wage("26000", valid_from="2028-01-01", last_day="2028-06-30")
    values = [sent] if sent else [ending, minimum_wage("27000", valid_from="2029-01-01")]
    for path in (VALUES, f"{VALUES}/preview"):
        answer = await amel.post(path, json={"values": values})
        told = answer.json()
        assert (answer.status_code, told["values"]["reason"]) == (422, reason), told
        assert told["pointer"].startswith(pointer.replace("/values/1", "/values/0") if sent is None else pointer)
        assert told["values"]["legal_key"] in told["title"]


async def test_values_that_only_hold_together_come_together(
    amel: httpx.AsyncClient, zohra: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    lines = {code: (await client.get(f"/v1/law/lines.{code}")).json() for code in ("R22", "R06", "R07", "R08")}
    assert all(line["values"] for line in lines.values())
    more = value("rates.early_retirement.employee", value="0.0050", valid_from="2028-01-01")
    totals = {"R22": "0.3475", "R06": "0.2475", "R07": "0.1475", "R08": "0.1225"}
    law = client._transport.app.state.legislation  # type: ignore[attr-defined]  # the server is in this process
    parts = {
        code: msgspec.to_builtins(
            law.in_force(f"lines.{code}", law.page(f"lines.{code}").values[-1].valid_from)[1].parts
        )
        for code in totals
    }
    changed = [
        value(f"lines.{code}", valid_from="2028-01-01", total=total, parts=parts[code])
        for code, total in totals.items()
    ]
    preview = (await amel.post(f"{VALUES}/preview", json={"values": [more, *changed]})).json()
    effect = preview["effects"][0]
    assert (effect["before"]["value"], effect["after"]["value"]) == ("0.0025", "0.005")
    assert (effect["quarters_begun"], effect["replaces_same_day"]) == ([], False)
    proposal = await proposed(amel, more, *changed)
    assert (await decided(zohra, proposal, "accept")).status_code == 200
    simulated = await client.post("/v1/simulation", json={"period": "2028-02", "base": 10_000_000})
    assert simulated.json()["amounts"]["total"] == 3_525_000


async def test_a_preview_tells_the_quarters_it_reaches_back_to(amel: httpx.AsyncClient) -> None:
    """The clock stands at 15 January 2026."""
    sent = minimum_wage("24500", valid_from="2026-01-01")
    preview = await amel.post(f"{VALUES}/preview", json={"values": [sent]})
    assert preview.status_code == 422, "a value of 2027 was accepted: nothing begins before it any more"
    late = value("deadlines.exit", value="10", valid_from="2025-08-01")
    [effect] = (await amel.post(f"{VALUES}/preview", json={"values": [late]})).json()["effects"]
    assert effect["quarters_begun"] == ["2025-Q3", "2025-Q4", "2026-Q1"]
    assert effect["before"] is None


async def test_it_is_checked_again_against_what_stands_when_it_is_accepted(
    amel: httpx.AsyncClient, zohra: httpx.AsyncClient
) -> None:
    first = await proposed(amel, value("penalties.cap", value="1", valid_from="2027-03-01"))
    second = await proposed(amel, value("penalties.cap", value="1", valid_from="2027-06-01"))
    assert (await decided(zohra, second, "accept")).status_code == 200
    stale = await decided(zohra, first, "accept")
    assert (stale.status_code, stale.json()["values"]["reason"]) == (422, "before_the_last")
    assert (await amel.get(f"{VALUES}/{first['proposal_id']}")).json()["status"] == "proposed"
    taken_back = await decided(amel, first, "refuse", answer="The other one stands")
    assert (taken_back.status_code, taken_back.json()["status"]) == (200, "refused")


async def test_two_accept_at_once_and_one_is_told_so(amel: httpx.AsyncClient, zohra: httpx.AsyncClient) -> None:
    proposal = await proposed(amel, value("instalments.down_payment", value="0.1"))
    answers = await asyncio.gather(*(decided(zohra, proposal, "accept") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


async def test_who_did_what_is_journaled_and_told(
    amel: httpx.AsyncClient, zohra: httpx.AsyncClient, pool: Pool
) -> None:
    proposal = await proposed(amel, value("instalments.missed_before_cancellation", value="2"))
    await decided(zohra, proposal, "refuse", answer="No text says so")
    entries = (await amel.get("/v1/journal")).json()["entries"]
    mine = [(one["action"], one["actor_label"]) for one in entries if one["subject"] == proposal["proposal_id"]]
    assert sorted(mine) == [("law.values_proposed", "Amel"), ("law.values_refused", "Zohra")]
    listed = (await zohra.get(VALUES, params={"status": "refused"})).json()["items"]
    assert "No text says so" in [one["answer"] for one in listed]
    page = (await zohra.get(VALUES, params={"limit": 1})).json()
    following = (await zohra.get(VALUES, params={"limit": 1, "after": page["next"]})).json()
    assert page["items"][0]["proposal_id"] != following["items"][0]["proposal_id"]


async def test_four_eyes_are_held_by_the_table_too(pool: Pool, amel: httpx.AsyncClient) -> None:
    proposal = await proposed(amel, value("deadlines.exit", value="10"))
    account = PEOPLE["amel"].account_id
    actor = Actor(kind="administrator", label="Amel", employer_id=0, account_id=account)
    with pytest.raises(asyncpg.CheckViolationError, match="four_eyes"):
        async with transaction(pool, actor) as connection:
            await connection.execute(
                "UPDATE legal_values SET status = 'accepted', decided_by = 'Amel', decided_account = $2,"
                " decided_at = now() WHERE proposal_id = $1",
                proposal["proposal_id"],
                account,
            )


async def test_nobody_else_proposes_or_reads_proposals(clients: Clients) -> None:
    for who in ("alice", "samir", "key:fund", "key:declare"):
        assert (await clients[who].get(VALUES)).status_code == 403
        assert (await clients[who].post(VALUES, json={"values": [minimum_wage("1")]})).status_code == 403


async def test_a_value_that_no_longer_fits_the_release_stops_the_start_by_its_name(
    settings: Settings, clock: MovableClock, postgres: EmbeddedPostgres, pool: Pool, capsys: pytest.CaptureFixture[str]
) -> None:
    database = settings.database_url.rpartition("/")[2]
    wrong = '[{"key": "rates.gone", "entry": {"valid_from": "2027-01-01"}}]'
    postgres.run_sql(
        "INSERT INTO legal_values (proposal_id, entries, status, proposed_by, proposed_account, proposed_at,"
        " decided_by, decided_account, decided_at)"
        f" VALUES ('7a1c7a30-0000-4000-8000-00000000dead', '{wrong}', 'accepted', 'x',"
        " gen_random_uuid(), now(), 'y', gen_random_uuid(), '2099-01-01')",
        database=database,
    )
    try:
        with pytest.raises(InvalidLegislation, match=r"rates\.gone: unknown_key .*7a1c7a30-.*dead"):
            await law_in_force(pool, settings)
        assert not await asyncio.to_thread(law_is_whole, settings)
        assert "rates.gone" in capsys.readouterr().out
        with pytest.RaisesGroup(InvalidLegislation, flatten_subgroups=True):
            async with create_app(settings, clock).lifespan():
                pytest.fail("started")
    finally:
        postgres.run_sql("DELETE FROM legal_values WHERE decided_at > '2098-01-01'", database=database)


async def test_the_command_tells_them_from_the_database(
    settings: Settings,
    amel: httpx.AsyncClient,
    zohra: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    proposal = await proposed(amel, value("reduced_rates.apprentice_employer", value="0.05"))
    assert (await decided(zohra, proposal, "accept")).status_code == 200
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    words = ["law", "--on", "2027-01-01", "--key", "reduced_rates.apprentice_employer", "--json"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["values"] == []
    assert await asyncio.to_thread(main, [*words, "--database"]) == 0
    [told] = json.loads(capsys.readouterr().out)["values"]
    assert (told["value"], told["added"]["accepted_by"]) == ("0.05", "Zohra")


FUNDS = str(Path(__file__).parents[1] / "files" / "funds")


def test_a_second_fund_is_a_folder(settings: Settings, clock: MovableClock) -> None:
    """What is known of Tunisia's fund, in a folder that no release holds: the same program answers by it."""
    server = create_app(msgspec.structs.replace(settings, fund="cnss", fund_folder=FUNDS), clock)
    told = law_on(server.state.legislation, clock().date(), "en")
    values = {one.key: one.value for one in told.values}
    assert told.fund == "cnss"
    assert values["penalties.late_payment.a_month"] == "0.01"
    assert values["campaigns.scheme_2024.months_for_full_remission"] == "36"
    assert [one.key for one in told.awaited] == ["rates.retirement.employer"]
    assert "minimum_wage.month" not in values
    given = LaterValue(key="rates.retirement.employer", entry=value("", value="0.0776")["entry"])
    later = server.state.legislation.with_rows([given])
    assert str(later.on(date(2027, 1, 1)).number("rates.retirement.employer")) == "0.0776"


def test_a_fund_without_a_folder_stops_the_start(settings: Settings, clock: MovableClock) -> None:
    with pytest.raises(InvalidLegislation):
        create_app(msgspec.structs.replace(settings, fund="cnps", fund_folder=FUNDS), clock)
