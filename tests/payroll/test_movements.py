"""Movements told by REST: the register they make, what contradicts it, corrections, withdrawals, walls."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from io import BytesIO
from typing import Any
from uuid import uuid4

import fastexcel
import pytest
import world

from payroll.payroll_desk import Desk
from payroll.test_annual_chain import line, send_lines
from schemas.actors import job
from teledeclaration.database import Pool, transaction
from teledeclaration.payroll.queries.movements import NewMovement, insert_movements

DeskOf = Callable[[str], Awaitable[Desk]]
Found = tuple[str, str, str, str | None]

SAMIRA = {"nss": "860512345642", "last_name": "BENALI", "first_name": "SAMIRA", "birth_date": "1986-05-12"}
AMINE = {"nss": "900101234559", "last_name": "KACI", "first_name": "AMINE", "birth_date": "1990-01-01"}
LINA = {"nss": None, "last_name": "HADJ", "first_name": "LINA", "birth_date": "1999-02-03", "number_requested": True}


def entry(on: str, who: dict[str, Any] = AMINE, **more: Any) -> dict[str, Any]:
    return {"kind": "entry", "date": on, **who, **more}


def leaving(on: str, who: dict[str, Any] = AMINE, **more: Any) -> dict[str, Any]:
    return {"kind": "exit", "date": on, **who, **more}


async def tell(desk: Desk, *movements: dict[str, Any], confirm: list[str] | None = None) -> Any:
    """What a telling that is taken answers."""
    answer = await desk.client.post("/v1/movements", json={"movements": list(movements), "confirm": confirm or []})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def refused(desk: Desk, *movements: dict[str, Any], confirm: list[str] | None = None) -> list[Found]:
    """(code, severity, pointer, expected) of a telling that is not taken."""
    answer = await desk.client.post("/v1/movements", json={"movements": list(movements), "confirm": confirm or []})
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"].endswith("/movements-not-told")
    return [(one["code"], one["severity"], one["pointer"], one["expected"]) for one in answer.json()["findings"]]


async def here(desk: Desk, on: str = "2026-01-15", **params: Any) -> list[tuple[str, str | None, str | None]]:
    """(last name, entry, exit) of who works there."""
    page = await desk.get("/v1/employees", on=on, **params)
    return [(one["last_name"], one["entry_date"], one["exit_date"]) for one in page["items"]]


async def register(pool: Pool, desk: Desk, *people: tuple[dict[str, Any], str, str | None]) -> int:
    """Put people with an employment into the fund's register; the employer's id."""
    number = (await desk.get("/v1/employer"))["particulars"]["number"]
    async with transaction(pool, job("test", 0)) as connection:
        employer_id = await connection.fetchval("SELECT employer_id FROM employer_numbers WHERE number = $1", number)
        for person, since, until in people:
            person_id = await connection.fetchval(
                "SELECT person_id FROM insured_numbers WHERE nss = $1", person["nss"]
            ) or await connection.fetchval(
                "INSERT INTO people (nss, last_name, first_name, birth_date, updated_at) VALUES ($1, $2, $3, $4, $5)"
                " RETURNING person_id",
                person["nss"],
                person["last_name"],
                person["first_name"],
                date.fromisoformat(person["birth_date"]),
                world.START,
            )
            await connection.execute(
                "INSERT INTO insured_numbers VALUES ($1, $2) ON CONFLICT DO NOTHING", person["nss"], person_id
            )
            await connection.execute(
                "INSERT INTO employments (employer_id, person_id, entry_date, exit_date, centre, nss, updated_at)"
                " VALUES ($1, $2, $3, $4, '16001', $5, $6)",
                employer_id,
                person_id,
                date.fromisoformat(since),
                None if until is None else date.fromisoformat(until),
                person["nss"],
                world.START,
            )
    found: int = employer_id
    return found


# ── telling ─────────────────────────────────────────────────────────────────────────────────────


async def test_who_enters_works_there_until_they_leave(desk_of: DeskOf) -> None:
    desk = await desk_of("1600000601")
    told = await tell(desk, entry("2026-01-05", reason="Recrutement", hours_a_week=20))
    assert (told["new"], [one["state"] for one in told["movements"]]) == (1, ["in_force"])
    assert await here(desk) == [("KACI", "2026-01-05", None)]
    assert await here(desk, on="2026-01-04") == []
    await tell(desk, leaving("2026-01-10"))
    assert await here(desk, on="2026-01-10") == [("KACI", "2026-01-05", "2026-01-10")]
    assert await here(desk, on="2026-01-11") == []


async def test_the_same_told_twice_is_recorded_once_and_said_so(desk_of: DeskOf) -> None:
    desk = await desk_of("1600000602")
    first = await tell(desk, entry("2026-01-05", reason="Recrutement"))
    again = await tell(desk, entry("2026-01-05", reason="recrutement"))
    assert again["new"] == 0
    assert again["movements"] == first["movements"]
    assert [(one["code"], one["severity"]) for one in again["findings"]] == [("told_already", "info")]
    assert len((await desk.get("/v1/movements"))["items"]) == 1


async def test_the_same_with_other_content_must_name_what_it_corrects(desk_of: DeskOf) -> None:
    desk = await desk_of("1600000603")
    told = await tell(desk, entry("2026-01-05", hours_a_week=20))
    assert await refused(desk, entry("2026-01-05", hours_a_week=30)) == [
        ("told_otherwise", "error", "/movements/0/hours_a_week", "20.0")
    ]
    await tell(desk, entry("2026-01-05", hours_a_week=30, replaces=told["movements"][0]["movement_id"]))
    [employee] = (await desk.get("/v1/employees"))["items"]
    assert employee["hours_a_week"] == 30.0


async def test_ten_days_are_left_to_tell_a_hire_and_an_exit_has_no_text(desk_of: DeskOf) -> None:
    desk = await desk_of("1600000604")
    told = await tell(desk, entry("2026-01-05"), entry("2026-01-04", SAMIRA), leaving("2026-01-06", SAMIRA))
    told_late = {one["kind"] + one["date"]: (one["tell_by"], one["told_late"]) for one in told["movements"]}
    assert told_late == {
        "entry2026-01-05": ("2026-01-15", False),
        "entry2026-01-04": ("2026-01-14", True),
        "exit2026-01-06": (None, False),
    }
    assert [(one["code"], one["pointer"], one["expected"]) for one in told["findings"]] == [
        ("told_late", "/movements/1/date", "2026-01-14")
    ]


async def test_nothing_is_recorded_while_one_of_them_is_wrong(desk_of: DeskOf) -> None:
    desk = await desk_of("1600000605")
    wrong = [
        entry("2026-01-05"),
        {**entry("2026-01-06", SAMIRA), "kind": "arrived"},
        entry("2026-13-06", SAMIRA),
        entry("1926-01-06", SAMIRA),
    ]
    assert {(code, pointer) for code, _, pointer, _ in await refused(desk, *wrong)} >= {
        ("movement_unknown", "/movements/1/kind"),
        ("date_impossible", "/movements/2/date"),
        ("date_wrong_century", "/movements/3/date"),
    }
    assert (await desk.get("/v1/movements"))["items"] == []


async def test_a_day_to_come_is_a_doubt_that_is_answered(desk_of: DeskOf) -> None:
    desk = await desk_of("1600000606")
    assert await refused(desk, entry("2026-02-01")) == [("date_future", "confirm", "/movements/0/date", None)]
    await tell(desk, entry("2026-02-01"), confirm=["date_future"])
    assert await here(desk) == []
    assert await here(desk, on="2026-02-01") == [("KACI", "2026-02-01", None)]


async def test_a_write_repeated_with_its_key_is_carried_out_once(desk_of: DeskOf) -> None:
    desk = await desk_of("1600000607")
    answers = [
        await desk.client.post(
            "/v1/movements", json={"movements": [entry("2026-01-05")]}, headers={"Idempotency-Key": "one"}
        )
        for _ in range(2)
    ]
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    assert answers[0].content == answers[1].content


# ── contradictions ──────────────────────────────────────────────────────────────────────────────


async def test_contradictions_are_told_where_they_stand(desk_of: DeskOf) -> None:
    desk = await desk_of("1600000608")
    assert await refused(desk, leaving("2026-01-05")) == [("exit_without_entry", "confirm", "/movements/0/date", None)]
    assert await refused(desk, leaving("2026-01-05"), entry("2026-01-08")) == [
        ("left_before_entry", "confirm", "/movements/0/date", "2026-01-08")
    ]
    assert await refused(desk, {"kind": "change", "date": "2026-01-05", "hours_a_week": 20, **AMINE}) == [
        ("change_not_employed", "confirm", "/movements/0/date", None)
    ]
    await tell(desk, entry("2026-01-05"))
    assert await refused(desk, entry("2026-01-08")) == [
        ("entry_while_employed", "error", "/movements/0/date", "2026-01-05")
    ]
    await tell(desk, leaving("2026-01-10"))
    assert await refused(desk, leaving("2026-01-12")) == [("exit_differs", "error", "/movements/0/date", "2026-01-10")]


async def test_movements_sent_together_are_taken_in_the_order_of_their_days(desk_of: DeskOf) -> None:
    desk = await desk_of("1600000609")
    told = await tell(desk, leaving("2026-01-12"), entry("2026-01-14"), entry("2026-01-08"))
    assert (told["new"], told["findings"]) == (3, [])
    history = await desk.get(f"/v1/employees/{(await desk.get('/v1/employees'))['items'][0]['employee']}/history")
    assert [(one["entry_date"], one["exit_date"]) for one in history["employments"]] == [
        ("2026-01-08", "2026-01-12"),
        ("2026-01-14", None),
    ]


async def test_against_the_funds_register_it_is_a_doubt(desk_of: DeskOf, pool: Pool) -> None:
    desk = await desk_of("1600000610")
    await register(pool, desk, (AMINE, "2019-03-01", None), (SAMIRA, "2018-01-01", "2025-12-31"))
    assert await refused(desk, entry("2026-01-10"), leaving("2026-01-02", SAMIRA)) == [
        ("entry_while_employed", "confirm", "/movements/0/date", "2019-03-01"),
        ("exit_differs", "confirm", "/movements/1/date", "2025-12-31"),
    ]
    await tell(desk, leaving("2026-01-09"), entry("2026-01-10"))
    assert await here(desk) == [("KACI", "2026-01-10", None)]


async def test_an_entry_in_a_time_that_was_declared_without_the_person_is_a_doubt(desk_of: DeskOf, pool: Pool) -> None:
    desk = await desk_of("1600000611")
    employer_id = await register(pool, desk)
    await declared(pool, employer_id, SAMIRA["nss"], q4_amount=9_000_000)
    found = await refused(
        desk, entry("2025-12-28"), entry("2026-01-08", SAMIRA), leaving("2025-08-31", {**SAMIRA, "reason": "Démission"})
    )
    assert [one for one in found if one[0].startswith(("entry_not", "declared"))] == [
        ("entry_not_declared", "confirm", "/movements/0/date", "2025"),
        ("declared_before_entry", "confirm", "/movements/1/date", "2025-Q4"),
        ("declared_after_exit", "confirm", "/movements/2/date", "2025-Q4"),
    ]


async def declared(pool: Pool, employer_id: int, nss: str, **amounts: int) -> None:
    """A year's declaration with one line."""
    async with transaction(pool, job("test", employer_id)) as connection:
        draft_id, reading, declaration = [await connection.fetchval("SELECT gen_random_uuid()") for _ in range(3)]
        await connection.execute(
            "INSERT INTO drafts (employer_id, draft_id, form, centre, year, period, type, created_by, created_at,"
            " updated_at) VALUES ($1, $2, 'annual', '16001', 2025, '2025', 'N', 'test', $3, $3)",
            employer_id,
            draft_id,
            world.START,
        )
        await connection.execute(
            "INSERT INTO declarations (employer_id, declaration_id, number, form, centre, year, period, type, mode,"
            " draft_id, reading_id, line_count, left_out_count, q1_amount, q2_amount, q3_amount, q4_amount,"
            " annual_amount, content_hash, filed_by, filed_at, legal_day) VALUES ($1, $2, 'A2025-1', 'annual',"
            " '16001', 2025, '2025', 'N', 'live', $3, $4, 1, 0, 0, 0, 0, 0, 0, '', 'test', $5, '2026-01-15')",
            employer_id,
            declaration,
            draft_id,
            reading,
            world.START,
        )
        columns = {f"q{quarter}_amount": 0 for quarter in (1, 2, 3, 4)} | amounts
        await connection.execute(
            "INSERT INTO declared_lines (employer_id, declaration_id, line_number, nss, last_name, first_name,"
            f" rate_category, annual_amount, {', '.join(columns)})"
            f" VALUES ($1, $2, 1, $3, 'A', 'B', 'general', {sum(columns.values())},"
            f" {', '.join(map(str, columns.values()))})",
            employer_id,
            declaration,
            nss,
        )


# ── corrections and withdrawals ─────────────────────────────────────────────────────────────────


async def test_a_correction_takes_the_place_of_what_it_names_and_both_stay_on_file(desk_of: DeskOf) -> None:
    desk = await desk_of("1600000612")
    first = (await tell(desk, entry("2026-01-05")))["movements"][0]
    corrected = (await tell(desk, entry("2026-01-07", replaces=first["movement_id"])))["movements"][0]
    assert await here(desk) == [("KACI", "2026-01-07", None)]
    listed = (await desk.get("/v1/movements"))["items"]
    assert [(one["date"], one["state"]) for one in listed] == [("2026-01-07", "in_force"), ("2026-01-05", "corrected")]
    assert (await desk.get(f"/v1/movements/{first['movement_id']}"))["replaced_by"] == corrected["movement_id"]


async def test_a_movement_is_replaced_once(desk_of: DeskOf) -> None:
    desk = await desk_of("1600000613")
    first = (await tell(desk, entry("2026-01-05")))["movements"][0]["movement_id"]
    await tell(desk, entry("2026-01-07", replaces=first))
    for wrong in (entry("2026-01-08", replaces=first), {"withdraws": first}):
        answer = await desk.client.post("/v1/movements", json={"movements": [wrong]})
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "movement-replaced")
    alone = await desk.client.post("/v1/movements", json={"movements": [{"withdraws": first, "kind": "entry"}]})
    assert alone.json()["type"].endswith("/withdrawal-not-alone")


async def test_what_is_withdrawn_was_never_told_and_may_be_told_anew(desk_of: DeskOf) -> None:
    desk = await desk_of("1600000614")
    for _ in range(2):
        told = await tell(desk, entry("2026-01-05"))
        assert told["new"] == 1
        assert await here(desk) == [("KACI", "2026-01-05", None)]
        await tell(desk, {"withdraws": told["movements"][0]["movement_id"]})
        assert await here(desk) == []
    states = [one["state"] for one in (await desk.get("/v1/movements"))["items"]]
    assert states == ["withdrawal", "withdrawn"] * 2


async def test_a_correction_may_not_say_what_another_movement_says(desk_of: DeskOf) -> None:
    desk = await desk_of("1600000615")
    told = await tell(desk, entry("2026-01-05"), leaving("2026-01-06"), entry("2026-01-08"))
    twice = entry("2026-01-05", replaces=told["movements"][2]["movement_id"])
    assert ("told_already", "error", "/movements/0/date", "2026-01-05") in await refused(desk, twice)


# ── as of a day ─────────────────────────────────────────────────────────────────────────────────


async def test_the_register_as_it_was_known_on_a_day(desk_of: DeskOf, clock: world.MovableClock, pool: Pool) -> None:
    desk = await desk_of("1600000616")
    employer_id = await register(pool, desk, (SAMIRA, "2019-03-01", None))
    told = await tell(desk, entry("2026-01-05"), leaving("2026-01-08", SAMIRA))
    await tell(desk, entry("2026-01-07", replaces=told["movements"][0]["movement_id"]))
    async with transaction(pool, job("test", employer_id)) as connection:
        before = await connection.fetchval("SELECT count(*) FROM movements WHERE employer_id = $1", employer_id)
    assert before == 3
    assert await here(desk, known_on="2026-01-14") == [("BENALI", "2019-03-01", None)]
    assert await here(desk, known_on="2026-01-15") == [("KACI", "2026-01-07", None)]
    assert await here(desk, on="2026-01-07") == [("BENALI", "2019-03-01", "2026-01-08"), ("KACI", "2026-01-07", None)]


# ── who has no number ───────────────────────────────────────────────────────────────────────────


async def test_who_has_no_number_is_told_and_a_number_asked_for_once(desk_of: DeskOf, pool: Pool) -> None:
    desk = await desk_of("1600000617")
    assert [one[0] for one in await refused(desk, entry("2026-01-05", LINA))] == ["number_requested"]
    told = await tell(desk, entry("2026-01-05", LINA), confirm=["number_requested"])
    assert told["numbers_requested"] == 1
    again = await tell(desk, leaving("2026-01-09", LINA), confirm=["number_requested"])
    assert again["numbers_requested"] == 0
    assert await here(desk, on="2026-01-09") == [("HADJ", "2026-01-05", "2026-01-09")]


async def test_who_was_numbered_since_is_the_same_person(desk_of: DeskOf, pool: Pool) -> None:
    desk = await desk_of("1600000618")
    await tell(desk, entry("2026-01-05", LINA), confirm=["number_requested"])
    numbered = {**LINA, "nss": "990203112233", "number_requested": False}
    found = await refused(desk, entry("2026-01-08", numbered))
    assert ("entry_while_employed", "error", "/movements/0/date", "2026-01-05") in found
    await register(pool, desk, (numbered, "2026-01-05", None))
    assert await here(desk) == [("HADJ", "2026-01-05", None)]


async def test_a_number_the_register_does_not_know_leads_to_a_request_and_tells_nothing_of_anyone(
    desk_of: DeskOf, pool: Pool
) -> None:
    desk, other = await desk_of("1600000619"), await desk_of("1600000620")
    await register(pool, other, ({**SAMIRA, "nss": "880808112233", "last_name": "SECRET"}, "2019-03-01", None))
    stranger = {**AMINE, "nss": "880808112233"}
    answer = await desk.client.post("/v1/movements", json={"movements": [leaving("2026-01-05", stranger)]})
    assert "SECRET" not in answer.text
    assert {one["code"] for one in answer.json()["findings"]} >= {"nss_unknown", "exit_without_entry"}
    doubts = [one["code"] for one in answer.json()["findings"]]
    told = await tell(desk, leaving("2026-01-05", stranger), confirm=doubts)
    assert told["numbers_requested"] == 1
    page = await desk.client.get("/v1/employees", params={"on": "2026-01-05"})
    assert ("SECRET" in page.text, page.json()["items"][0]["last_name"]) == (False, "KACI")


async def test_telling_an_entry_does_not_open_the_register_of_people(desk_of: DeskOf, pool: Pool) -> None:
    """Else one could tell a stranger's hire to be shown their names."""
    desk, other = await desk_of("1600000621"), await desk_of("1600000622")
    hidden = {**SAMIRA, "nss": "870707112233", "last_name": "HIDDEN", "first_name": "NAME"}
    await register(pool, other, (hidden, "2019-03-01", None))
    guess = {**AMINE, "nss": "870707112233", "birth_date": "1987-07-07"}
    doubts = ["nss_unknown", "nss_key", "year_of_birth_differs"]
    await tell(desk, entry("2026-01-05", guess), confirm=doubts)
    for answer in (
        await desk.client.post("/v1/movements", json={"movements": [leaving("2026-01-06", guess)], "confirm": doubts}),
        await desk.client.post("/v1/employees/search", json={"nss": guess["nss"]}),
        await desk.client.get("/v1/employees"),
    ):
        assert answer.status_code < 300, answer.text
        assert "HIDDEN" not in answer.text


# ── reading ─────────────────────────────────────────────────────────────────────────────────────


async def test_pages_fit_together_and_hold_everyone_once(desk_of: DeskOf, pool: Pool) -> None:
    desk = await desk_of("1600000623")
    staff = [{**SAMIRA, "nss": f"8605123400{place:02}", "last_name": f"N{chr(65 + place)}"} for place in range(12)]
    await register(pool, desk, *((one, "2019-03-01", None) for one in staff[:6]))
    await tell(
        desk,
        *(entry("2026-01-05", one) for one in staff[6:]),
        leaving("2026-01-06", staff[0]),
        confirm=["nss_key", "nss_unknown"],
    )
    names, after = [], None
    while True:
        page = await desk.get("/v1/employees", limit=4, **({"after": after} if after else {}))
        names += [one["last_name"] for one in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert sorted(names) == [f"N{chr(65 + place)}" for place in range(1, 12)]


async def test_movements_are_found_by_person_kind_and_day_page_by_page(desk_of: DeskOf) -> None:
    desk = await desk_of("1600000624")
    await tell(desk, entry("2026-01-05"), leaving("2026-01-09"), entry("2026-01-06", SAMIRA))
    key = (await desk.get("/v1/employees", on="2026-01-06"))["items"][0]["employee"]

    async def found(**params: Any) -> list[str]:
        return sorted(one["date"] for one in (await desk.get("/v1/movements", **params))["items"])

    assert await found(kind="exit") == ["2026-01-09"]
    assert await found(**{"from": "2026-01-06", "to": "2026-01-08"}) == ["2026-01-06"]
    assert await found(employee=key) in (["2026-01-05", "2026-01-09"], ["2026-01-06"])
    assert await found(told_since="2026-01-16T00:00:00Z") == []
    first = await desk.get("/v1/movements", limit=2)
    second = await desk.get("/v1/movements", limit=2, after=first["next"])
    ids = [one["movement_id"] for one in first["items"] + second["items"]]
    assert (len(ids), len(set(ids)), second["next"]) == (3, 3, None)


async def test_an_employee_is_found_by_number_without_one_in_the_address_and_the_look_is_journaled(
    desk_of: DeskOf,
) -> None:
    desk = await desk_of("1600000625")
    await tell(desk, entry("2026-01-05"))
    [found] = (await desk.client.post("/v1/employees/search", json={"nss": AMINE["nss"]})).json()
    assert AMINE["nss"] not in found["employee"]
    history = await desk.get(f"/v1/employees/{found['employee']}/history")
    assert [one["kind"] for one in history["movements"]] == ["entry"]
    assert (await desk.client.post("/v1/employees/search", json={"nss": SAMIRA["nss"]})).json() == []
    entries = (await desk.get("/v1/journal"))["entries"]
    assert {"movements.told", "employee.seen"} <= {one["action"] for one in entries}
    assert AMINE["nss"] not in str(entries)
    await desk.get("/v1/movements", employee=found["employee"])
    looks = [one for one in (await desk.get("/v1/journal"))["entries"] if one["action"] == "employee.seen"]
    assert len(looks) == 1 + sum(one["action"] == "employee.seen" for one in entries)


async def test_the_register_is_downloaded_as_a_workbook(desk_of: DeskOf, pool: Pool) -> None:
    desk = await desk_of("1600000626")
    await register(pool, desk, ({**SAMIRA, "nss": "860512345741", "last_name": "=BENALI"}, "2019-03-01", None))
    await tell(desk, entry("2026-01-05"))
    answer = await desk.client.get("/v1/employees.xlsx", params={"lang": "fr"})
    rows = fastexcel.read_excel(BytesIO(answer.content).getvalue()).load_sheet(0, dtypes="string").to_polars().rows()
    assert [(row[1], row[4], row[9]) for row in rows] == [
        ("=BENALI", "01/03/2019", "la caisse"),
        ("KACI", "05/01/2026", "vos mouvements"),
    ]


@pytest.mark.parametrize("path", ["history", "movement", "listed", "employees"])
async def test_another_employer_sees_nothing(desk_of: DeskOf, path: str) -> None:
    mine, theirs = await desk_of("1600000627"), await desk_of("1600000628")
    told = await tell(mine, entry("2026-01-05"))
    movement = told["movements"][0]["movement_id"]
    key = (await mine.get("/v1/employees"))["items"][0]["employee"]
    match path:
        case "history":
            assert (await theirs.client.get(f"/v1/employees/{key}/history")).status_code == 404
        case "movement":
            assert (await theirs.client.get(f"/v1/movements/{movement}")).status_code == 404
            for named in ({"withdraws": movement}, entry("2026-01-06", replaces=movement)):
                answer = await theirs.client.post("/v1/movements", json={"movements": [named]})
                assert answer.status_code == 404
        case "listed":
            assert (await theirs.get("/v1/movements"))["items"] == []
        case _:
            assert await here(theirs) == []


async def test_a_number_asked_for_by_a_movement_is_not_asked_for_again_by_a_declaration(desk_of: DeskOf) -> None:
    desk = await desk_of("1600000629")
    told = await tell(desk, entry("2025-11-03", LINA), confirm=["number_requested"])
    wanting = line("850512345602", 6_000_000) | LINA
    filed = await desk.file(await desk.confirm_all(await send_lines(desk, [wanting])))
    assert filed.status_code == 201, filed.text
    [asked] = await desk.get(f"/v1/declarations/{filed.json()['declaration_id']}/registrations")
    assert (asked["movement_id"], asked["declaration_id"]) == (told["movements"][0]["movement_id"], None)


async def test_of_two_tellings_at_the_same_time_one_is_recorded(desk_of: DeskOf) -> None:
    desk = await desk_of("1600000630")
    both = await asyncio.gather(*(tell(desk, entry("2026-01-05"), entry("2026-01-06", SAMIRA)) for _ in range(4)))
    assert sum(one["new"] for one in both) == 2
    assert len({str(one["movements"]) for one in both}) == 1
    first = both[0]["movements"][0]["movement_id"]
    corrections = [{"movements": [entry(f"2026-01-{day:02}", replaces=first)]} for day in (7, 8)]
    answers = await asyncio.gather(*(desk.client.post("/v1/movements", json=one) for one in corrections))
    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_two_tellings_of_the_same_crowd_wait_for_one_another_never_both(desk_of: DeskOf, pool: Pool) -> None:
    desk = await desk_of("1600000631")
    first = await tell(desk, entry("2026-01-05"))
    async with transaction(pool, job("test", 0)) as connection:
        employer_id = await connection.fetchval("SELECT employer_id FROM movements WHERE movement_id = $1",
                                                first["movements"][0]["movement_id"])  # fmt: skip

    async def write() -> int:
        rows = [_told(number) for number in range(4_000)]
        async with transaction(pool, job("test", employer_id)) as connection:
            return await insert_movements(connection, employer_id=employer_id, batch=uuid4(), rows=rows)

    assert sum(await asyncio.gather(*(write() for _ in range(4)))) == 4_000


def _told(number: int) -> NewMovement:
    return NewMovement(
        movement_id=uuid4(), draft_id=None, line_number=None, kind="entry", date=date(2026, 1, 5), centre=None,
        nss=f"{number:012d}", last_name="X", first_name="Y", birth_date=None, reason=None, rate_category=None,
        hours_a_week=None, replaces=None, withdrawn=False, again=0, tell_by=None, told_by="test",
        told_at=world.START, legal_day=date(2026, 1, 5),
    )  # fmt: skip
