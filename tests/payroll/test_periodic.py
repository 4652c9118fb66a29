"""The declaration of a month or quarter, from draft to receipt, over HTTP, with a real worker."""

import asyncio
import hashlib
import io
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from payroll.payroll_desk import Desk
from payroll.periodic_desk import (
    declare,
    employee,
    make_monthly,
    of_building,
    open_period,
    opened_on,
    problem,
    send_period,
)
from teledeclaration.database import Pool

DeskOf = Callable[[str], Awaitable[Desk]]


async def view(desk: Desk, declaration: Any) -> Any:
    await desk.assessment(declaration)
    return await desk.get(f"/v1/declarations/{declaration['declaration_id']}/periodic")


def amounts(shown: Any) -> dict[str, tuple[int, int]]:
    return {line["code"]: (line["base"], line["amount"]) for line in shown["lines"]}


async def test_a_quarter_by_employee_is_filed_shown_by_code_and_received(desk_of: DeskOf) -> None:
    desk = await desk_of("1611100001")
    lines = [employee(1, 60_000_000, duration=90), employee(2, 40_000_000, duration=90)]
    declaration = await declare(desk, "2025-Q4", lines, header={"headcount": 2, "entries": 0, "exits": 0})

    assert declaration["number"] == "P2025-Q4-1611100001-01"
    assert (declaration["form"], declaration["period"], declaration["year"]) == ("periodic", "2025-Q4", 2025)
    assert declaration["totals"] == {"quarters": [0, 0, 0, 100_000_000], "annual": 100_000_000}
    assert declaration["header"] == {"headcount": 2, "entries": 0, "exits": 0}

    shown = await view(desk, declaration)
    # 34.5 % and 0.5 % of 1,000,000.00 DA
    assert amounts(shown) == {"R22": (100_000_000, 34_500_000), "R98": (100_000_000, 500_000)}
    assert (shown["total_base"], shown["total_amount"], shown["assessed"]) == (100_000_000, 35_000_000, True)
    assert shown["period_in_words"] == "4th quarter of 2025"
    assert {line["nature"] for line in shown["lines"]} == {"General scheme", "FNPOS, on the sum of all bases"}

    answer = await desk.client.get(f"/v1/declarations/{declaration['declaration_id']}/lines.csv")
    assert hashlib.sha256(answer.content).hexdigest() == declaration["content_hash"]
    assert len(answer.text.splitlines()) == 3
    page = await desk.get(f"/v1/declarations/{declaration['declaration_id']}/lines")
    assert [(line["workers"], line["base"], line["rate_category"]) for line in page["items"]] == [
        (1, 60_000_000, "general"),
        (1, 40_000_000, "general"),
    ]

    assert (await desk.receipt(declaration)).startswith(b"%PDF-")
    code = (await desk.get(f"/v1/declarations/{declaration['declaration_id']}"))["receipt_code"]
    verified = await desk.get(f"/v1/verifications/{code}")
    assert (verified["status"], verified["form"], verified["period"]) == ("valid", "periodic", "2025-Q4")
    verifying = await desk.client.get(f"/v/{code}", params={"lang": "fr"})
    assert "4ᵉ trimestre 2025" in verifying.text


async def test_by_rate_line_only_each_code_costs_its_rate_to_the_centime(desk_of: DeskOf, pool: Pool) -> None:
    desk = await desk_of("1611100002")
    await make_monthly(pool, "1611100002")
    await of_building(pool, "1611100002")
    lines = [
        {"code": "R22", "amount": 100_000_001, "workers": 10},
        {"code": "R38", "amount": 30_000_000, "workers": 3},
        {"code": "R06", "amount": 5_000_003, "workers": 2},
        {"code": "R98", "amount": 105_000_004, "workers": 12},
    ]
    declaration = await declare(desk, "2025-12", lines, "totals", header={"headcount": 12})

    assert (declaration["form"], declaration["number"]) == ("periodic", "P2025-12-1611100002-01")
    assert declaration["totals"]["quarters"] == [0, 0, 0, 105_000_004]
    page = await desk.get(f"/v1/declarations/{declaration['declaration_id']}/lines")
    assert {line["rate_category"]: (line["base"], line["workers"]) for line in page["items"]} == {
        "building": (30_000_000, 3),
        "general": (70_000_001, 7),
        "rebate_north_job_seeker": (5_000_003, 2),
    }
    shown = await view(desk, declaration)
    assert amounts(shown) == {
        "R06": (5_000_003, 1_225_001),  # 24.5 %: 12,250.00735 DA
        "R22": (100_000_001, 34_500_000),  # 34.5 %: 345,000.00345 DA
        "R38": (30_000_000, 39_000),  # 0.13 %
        "R98": (105_000_004, 525_000),  # 0.5 %: 5,250.0002 DA
    }
    assert shown["total_base"] == 105_000_004
    assert [worker["line_number"] for worker in shown["rebates"]] == [3]
    answer = await desk.client.get(f"/v1/declarations/{declaration['declaration_id']}/lines.csv")
    assert hashlib.sha256(answer.content).hexdigest() == declaration["content_hash"]


async def test_a_supplement_larger_than_its_line_is_told_and_a_categorys_own_name_is_taken(
    desk_of: DeskOf, pool: Pool
) -> None:
    desk = await desk_of("1611100003")
    await of_building(pool, "1611100003")
    lines = [{"code": "R22", "amount": 100, "workers": 1}, {"code": "R38", "amount": 101, "workers": 1}]
    draft = await send_period(desk, "2025-Q4", lines, "totals")
    assert "supplement-too-large" in {one["code"] for one in draft["obstacles"]}
    assert "R38" in draft["obstacles"][0]["message"]
    refused = await desk.file(draft)
    assert problem(refused) == (409, "draft-not-ready")

    by_name = [{"code": "R22", "amount": 1_000_000, "workers": 1}]
    by_name += [{"code": "building_rebate_north_first_job", "amount": 2_000_000, "workers": 1}]
    await desk.client.delete(f"/v1/drafts/{draft['summary']['draft_id']}")
    declaration = await declare(desk, "2025-Q4", by_name, "totals")
    shown = await view(desk, declaration)
    # 14.5 % on R07, 0.13 % on R38 of the same base
    assert amounts(shown) == {
        "R07": (2_000_000, 290_000),
        "R22": (1_000_000, 345_000),
        "R38": (2_000_000, 2_600),
        "R98": (3_000_000, 15_000),
    }


async def test_nothing_to_declare_is_filed_without_lines(desk_of: DeskOf) -> None:
    desk = await desk_of("1611100004")
    opened = await open_period(desk, "2025-Q4", header={"nothing_to_declare": True})
    draft = await desk.get(f"/v1/drafts/{opened['draft_id']}")
    assert draft["obstacles"] == []
    filed = await desk.file(draft)
    assert filed.status_code == 201, filed.text
    declaration = filed.json()
    assert (declaration["line_count"], declaration["totals"]["annual"]) == (0, 0)
    assert declaration["header"]["nothing_to_declare"] is True
    shown = await view(desk, declaration)
    assert (shown["lines"], shown["total_amount"]) == ([], 0)
    assert (await desk.assessment(declaration))["status"] == "assessed"
    answer = await desk.client.get(f"/v1/declarations/{declaration['declaration_id']}/lines.csv")
    assert hashlib.sha256(answer.content).hexdigest() == declaration["content_hash"]
    assert (await desk.receipt(declaration)).startswith(b"%PDF-")


async def test_lines_beside_nothing_to_declare_stand_in_the_way_until_the_header_is_mended(desk_of: DeskOf) -> None:
    desk = await desk_of("1611100005")
    draft = await send_period(desk, "2025-Q4", [employee(1, 3_000_000)], header={"nothing_to_declare": True})
    assert [one["code"] for one in draft["obstacles"]] == ["lines-beside-nothing"]
    assert problem(await desk.file(draft)) == (409, "draft-not-ready")
    path = f"/v1/drafts/{draft['summary']['draft_id']}/header"
    stale = await desk.client.put(path, json={"header": {}, "revision": draft["summary"]["revision"] - 1})
    assert problem(stale) == (409, "draft-moved")
    mended = await desk.client.put(path, json={"header": {"headcount": 1}})
    assert mended.status_code == 200, mended.text
    assert mended.json()["obstacles"] == []
    assert mended.json()["summary"]["revision"] > draft["summary"]["revision"]


async def test_a_headcount_other_than_the_lines_is_a_doubt_that_someone_answers_for(desk_of: DeskOf) -> None:
    desk = await desk_of("1611100006")
    lines = [employee(1, 3_000_000), employee(2, 3_000_000), employee(3, 3_000_000)]
    draft = await send_period(desk, "2025-Q4", lines, header={"headcount": 4, "entries": 1, "exits": 0})
    assert draft["counted"] == {"headcount": 3, "entries": 0, "exits": 0}
    assert {one["code"] for one in draft["obstacles"]} == {"headcount_differs", "entries_differ"}
    [said] = await desk.findings(draft, code="headcount_differs")
    assert said["message"].startswith("The header says 4 employee(s), the lines have 3.")
    assert problem(await desk.file(draft)) == (409, "draft-not-ready")
    path = f"/v1/drafts/{draft['summary']['draft_id']}/confirmations"
    for code in ("headcount_differs", "entries_differ"):
        assert (await desk.client.put(f"{path}/{code}")).status_code == 200
    assert (await desk.client.put(f"{path}/exits_differ")).status_code == 404
    draft = await desk.draft(draft["summary"]["draft_id"])
    assert draft["obstacles"] == []
    filed = await desk.file(draft)
    assert filed.json()["header"] == {"headcount": 4, "entries": 1, "exits": 0}


async def test_a_second_one_says_whether_it_replaces_or_completes(desk_of: DeskOf) -> None:
    desk = await desk_of("1611100007")
    first = await declare(desk, "2025-Q4", [employee(1, 10_000_000)])
    again = await desk.client.post("/v1/drafts", json={"form": "totals", "period": "2025-Q4"})
    assert problem(again) == (409, "already-declared")

    more = await declare(desk, "2025-Q4", [employee(2, 5_000_000)], type="C", completes=first["declaration_id"])
    assert more["number"] == "P2025-Q4-1611100007-02"
    assert amounts(await view(desk, more))["R22"] == (5_000_000, 1_725_000)

    right = await declare(desk, "2025-Q4", [employee(1, 8_000_000)], type="R", replaces=first["declaration_id"])
    stands = await desk.get(f"/v1/declarations/{first['declaration_id']}")
    assert (right["replaces"], stands["in_force"]) == (first["declaration_id"], False)
    await desk.assessment(right)
    dues = (await desk.get("/v1/dues"))["dues"]
    # 35 % of 80,000.00 and 50,000.00, as if only these had been declared
    assert sum(due["remaining"] for due in dues) == 4_550_000

    listed = await desk.get("/v1/declarations", form="periodic", period="2025-Q4")
    assert {one["number"] for one in listed} == {one["number"] for one in (right, more, first)}
    assert await desk.get("/v1/declarations", form="annual") == []


async def test_an_account_is_closed_by_a_complement_only(desk_of: DeskOf) -> None:
    desk = await desk_of("1611100008")
    draft = await send_period(desk, "2025-Q4", [employee(1, 10_000_000)], header={"closes_account": True})
    assert [one["code"] for one in draft["obstacles"]] == ["closing-needs-complement"]
    first = await declare(desk, "2025-Q4", [employee(1, 10_000_000)], header={})
    closing = {"closes_account": True, "nothing_to_declare": True}
    opened = await open_period(desk, "2025-Q4", type="C", completes=first["declaration_id"], header=closing)
    filed = await desk.file(await desk.get(f"/v1/drafts/{opened['draft_id']}"))
    assert filed.status_code == 201, filed.text
    assert filed.json()["header"] == closing


@pytest.mark.parametrize(
    ("period", "expected"),
    [("2026-Q1", "period-not-over"), ("2019-Q4", "period-before-opening"), ("2025-11", "wrong-periodicity")],
)
async def test_a_period_that_cannot_be_declared_is_refused_at_once(
    desk_of: DeskOf, pool: Pool, period: str, expected: str
) -> None:
    desk = await desk_of("1611100009")
    await opened_on(pool, "1611100009", "2020-01-01")
    answer = await desk.client.post("/v1/drafts", json={"form": "periodic", "period": period})
    assert problem(answer) == (422, expected)
    assert answer.json()["pointer"] == "/period"


async def test_a_month_of_a_quarter_already_declared_cannot_be_filed(desk_of: DeskOf, pool: Pool) -> None:
    desk = await desk_of("1611100010")
    await declare(desk, "2025-Q4", [employee(1, 10_000_000)])
    await make_monthly(pool, "1611100010")
    draft = await send_period(desk, "2025-11", [employee(1, 4_000_000)])
    assert [one["code"] for one in draft["obstacles"]] == ["period-overlaps"]
    assert "P2025-Q4-1611100010-01" in draft["obstacles"][0]["message"]
    assert problem(await desk.file(draft)) == (409, "draft-not-ready")


async def test_what_was_begun_by_the_quarter_is_corrected_so_after_the_register_says_months(
    desk_of: DeskOf, pool: Pool
) -> None:
    desk = await desk_of("1611100031")
    first = await declare(desk, "2025-Q3", [employee(1, 10_000_000)])
    await make_monthly(pool, "1611100031")
    more = await declare(desk, "2025-Q3", [employee(2, 5_000_000)], type="C", completes=first["declaration_id"])
    assert more["number"] == "P2025-Q3-1611100031-02"
    other = await desk.client.post("/v1/drafts", json={"form": "periodic", "period": "2025-Q4"})
    assert problem(other) == (422, "wrong-periodicity")


# ── rebates ─────────────────────────────────────────────────────────────────────────────────────


def rebate(number: int, start: str | None, **fields: Any) -> dict[str, Any]:
    return employee(
        number,
        4_000_000,
        rate_category="rebate_north_job_seeker",
        contract_start=start,
        contract_months=24,
        justification="ANEM 2023/114; attestation",
        **fields,
    )


async def test_workers_under_a_rebate_stand_in_the_annex_with_its_text(desk_of: DeskOf) -> None:
    desk = await desk_of("1611100011")
    declaration = await declare(desk, "2025-Q4", [employee(1, 6_000_000), rebate(2, "2023-02-01")])
    shown = await view(desk, declaration)
    [worker] = shown["rebates"]
    assert (worker["nss"], worker["base"], worker["contract_start"]) == (
        rebate(2, None)["nss"],
        4_000_000,
        "2023-02-01",
    )
    assert worker["justification"] == "ANEM 2023/114; attestation"
    assert (worker["rebate"]["key"], worker["rebate"]["value"]) == ("rebates.north_job_seeker.rebate", "0.4")
    assert amounts(shown)["R06"] == (4_000_000, 980_000)  # 24.5 %


async def test_a_rebate_ends_three_years_after_the_contract_began(desk_of: DeskOf) -> None:
    desk = await desk_of("1611100012")
    lines = [employee(1, 6_000_000), rebate(2, "2022-10-01"), rebate(3, "2022-10-02")]
    draft = await send_period(desk, "2025-Q4", lines)
    [over] = await desk.findings(draft, code="rebate_over")
    assert (over["line_number"], over["severity"], over["pointer"]) == (2, "error", "/lines/1/contract_start")
    draft = await desk.confirm_all(draft)
    assert problem(await desk.file(draft)) == (409, "draft-not-ready")
    filed = await desk.file(draft, leave_out_errors=True)
    assert filed.status_code == 201, filed.text
    assert (filed.json()["line_count"], filed.json()["left_out_count"]) == (2, 1)


async def test_a_younger_contract_of_someone_long_under_a_rebate_is_a_doubt(desk_of: DeskOf) -> None:
    desk = await desk_of("1611100013")
    await declare(desk, "2022-Q3", [rebate(2, "2022-01-01")])
    draft = await send_period(desk, "2025-Q4", [rebate(2, "2025-02-01"), rebate(3, "2025-02-01")])
    [doubt] = [one for one in draft["findings"] if one["code"] == "rebate_declared_before"]
    assert (doubt["severity"], doubt["count"]) == ("confirm", 1)
    [told] = await desk.findings(draft, code="rebate_declared_before")
    assert (told["line_number"], told["seen"], told["expected"]) == (1, "2022-Q3", "3")
    confirmed = await desk.confirm_all(draft)
    assert "rebate_declared_before" not in {one["code"] for one in confirmed["obstacles"]}


async def test_a_rebate_is_had_only_while_nothing_is_late(desk_of: DeskOf) -> None:
    desk = await desk_of("1611100014")
    late = await declare(desk, "2025-Q1", [employee(1, 10_000_000)])
    await desk.assessment(late)
    balance = await desk.get("/v1/balance")
    assert balance["late"] == 3_500_000

    draft = await desk.confirm_all(
        await send_period(desk, "2025-Q4", [employee(1, 6_000_000), rebate(2, "2025-01-01")])
    )
    [obstacle] = draft["obstacles"]
    assert obstacle["code"] == "rebate-not-up-to-date"
    assert "35\u202f000,00" in obstacle["message"]
    assert "finance law 2009" in obstacle["message"]
    assert problem(await desk.file(draft)) == (409, "draft-not-ready")

    path = f"/v1/drafts/{draft['summary']['draft_id']}/lines"
    full = {"lines": [{"line_number": 2, "rate_category": "general"}]}
    assert (await desk.client.patch(path, json=full)).status_code == 200
    mended = await desk.draft(draft["summary"]["draft_id"])
    assert mended["obstacles"] == []

    totals = [{"code": "R06", "amount": 4_000_000, "workers": 1}]
    by_line = await send_period(desk, "2025-Q3", totals, "totals")
    assert "rebate-not-up-to-date" in {one["code"] for one in by_line["obstacles"]}


# ── proposed ────────────────────────────────────────────────────────────────────────────────────


async def proposal(desk: Desk, period: str, form: str = "periodic") -> Any:
    draft = await open_period(desk, period, form, proposed=True)
    return await desk.draft(draft["draft_id"])


async def lines_of(desk: Desk, draft: Any) -> list[Any]:
    page = await desk.get(f"/v1/drafts/{draft['summary']['draft_id']}/lines")
    found: list[Any] = page["items"]
    return found


async def tell(desk: Desk, kind: str, who: dict[str, Any], day: str) -> None:
    told = {name: who[name] for name in ("nss", "last_name", "first_name", "birth_date")}
    sent = {"movements": [{**told, "kind": kind, "date": day}]}
    answer = await desk.client.post("/v1/movements", json=sent)
    if answer.status_code == 422:
        doubts = [one["code"] for one in answer.json()["findings"]]
        answer = await desk.client.post("/v1/movements", json={**sent, "confirm": doubts})
    assert answer.status_code in (200, 201), answer.text


async def test_a_month_is_proposed_from_the_last_one_and_the_movements_since(desk_of: DeskOf, pool: Pool) -> None:
    desk = await desk_of("1611100015")
    await make_monthly(pool, "1611100015")
    await declare(desk, "2025-10", [employee(1, 5_000_000), employee(2, 6_000_000), employee(3, 7_000_000)])
    await tell(desk, "exit", employee(2, None), "2025-11-10")
    await tell(desk, "entry", employee(4, None), "2025-11-05")

    draft = await proposal(desk, "2025-11")
    lines = await lines_of(desk, draft)
    assert [(line["nss"], line["amount"]) for line in lines] == [
        (employee(1, None)["nss"], 5_000_000),
        (employee(2, None)["nss"], None),
        (employee(3, None)["nss"], 7_000_000),
        (employee(4, None)["nss"], None),
    ]
    assert draft["counted"] == {"headcount": 4, "entries": 1, "exits": 1}
    missing = await desk.findings(draft, code="amount_missing")
    assert {one["line_number"] for one in missing} == {2, 4}
    [upload] = await desk.get("/v1/uploads", draft_id=draft["summary"]["draft_id"])
    assert upload["source"] == "prepared"

    changes = [{"line_number": 2, "amount": 2_000_000, "duration": 10, "unit": "J"}]
    changes += [{"line_number": 4, "amount": 4_500_000, "duration": 26, "unit": "J"}]
    path = f"/v1/drafts/{draft['summary']['draft_id']}/lines"
    assert (await desk.client.patch(path, json={"lines": changes})).status_code == 200
    ready = await desk.confirm_all(await desk.draft(draft["summary"]["draft_id"]))
    filed = await desk.file(ready)
    assert filed.status_code == 201, filed.text
    shown = await view(desk, filed.json())
    assert shown["header"] == {"headcount": 4, "entries": 1, "exits": 1}
    assert [(one["kind"], one["date"]) for one in shown["movements"]] == [
        ("entry", "2025-11-05"),
        ("exit", "2025-11-10"),
    ]

    book = await desk.client.get(f"/v1/declarations/{shown['declaration_id']}/periodic.xlsx", params={"lang": "fr"})
    assert book.status_code == 200, book.text
    form, rebates, moves = openpyxl.load_workbook(io.BytesIO(book.content)).worksheets
    said = {row[0]: row[1:] for row in form.iter_rows(values_only=True) if row[0]}
    assert (said["Période"][0], said["Effectif"][0]) == ("novembre 2025", "4")
    assert said["R22"] == ("Régime général", "185\u202f000,00", "34,5 %", "63\u202f825,00")
    assert (rebates.max_row, moves.max_row) == (1, 3)

    december = await lines_of(desk, await proposal(desk, "2025-12"))
    assert [(line["nss"], line["amount"]) for line in december] == [
        (employee(1, None)["nss"], 5_000_000),
        (employee(3, None)["nss"], 7_000_000),
        (employee(4, None)["nss"], None),  # came within November: that base is of a part of the month
    ]


async def test_totals_are_proposed_without_bases(desk_of: DeskOf) -> None:
    desk = await desk_of("1611100016")
    await declare(desk, "2025-Q3", [{"code": "R22", "amount": 9_000_000, "workers": 3}], "totals")
    lines = await lines_of(desk, await proposal(desk, "2025-Q4", "totals"))
    assert [(line["code"], line["workers"], line["amount"]) for line in lines] == [("general", 3, None)]


async def test_a_year_is_proposed_by_either_name(desk_of: DeskOf) -> None:
    desk = await desk_of("1611100032")
    await declare(desk, "2025-Q4", [employee(1, 10_000_000)])
    for named in ({"year": 2024}, {"period": "2024"}):
        answer = await desk.client.post("/v1/drafts", json={"form": "annual", "proposed": True, **named})
        assert problem(answer) == (409, "nothing-to-propose"), answer.text
        assert "2024" in answer.json()["title"]


async def test_where_nothing_is_known_nothing_is_proposed(desk_of: DeskOf) -> None:
    desk = await desk_of("1611100017")
    wanted = {"form": "periodic", "period": "2025-Q4", "proposed": True}
    assert problem(await desk.client.post("/v1/drafts", json=wanted)) == (409, "nothing-to-propose")
    assert await desk.get("/v1/drafts") == []
    movements = {"form": "movements", "year": 2025, "proposed": True}
    assert problem(await desk.client.post("/v1/drafts", json=movements)) == (422, "no-proposal-here")


# ── by workbook ─────────────────────────────────────────────────────────────────────────────────


def workbook(folder: Path, name: str, rows: list[list[Any]]) -> Path:
    """A workbook as an HR office keeps it: a title, headers in French, amounts in dinars."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in rows:
        sheet.append(row)
    place = folder / name
    book.save(place)
    return place


async def test_a_workbook_of_bases_by_employee_is_filed(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of("1611100018")
    people = [employee(number, 0) for number in range(1, 6)]
    rows: list[list[Any]] = [
        ["Déclaration des assiettes, 4e trimestre 2025"],
        ["N° SS", "Nom", "Prénom", "Date de naissance", "Durée", "Unité", "Assiette"],
    ]
    rows += [
        [one["nss"], one["last_name"], one["first_name"], one["birth_date"], 90, "J", "100000,50"] for one in people
    ]
    file = workbook(tmp_path, "assiettes.xlsx", rows)
    draft = await desk.confirm_all(await desk.upload(file, form="periodic", period="2025-Q4"))
    assert draft["obstacles"] == []
    filed = await desk.file(draft)
    assert filed.status_code == 201, filed.text
    shown = await view(desk, filed.json())
    # five bases of 100,000.50 DA: 34.5 % is 172,500.8625 DA, 0.5 % 2,500.0125 DA
    assert amounts(shown) == {"R22": (50_000_250, 17_250_086), "R98": (50_000_250, 250_001)}


async def test_a_workbook_of_totals_is_filed(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of("1611100019")
    rows: list[list[Any]] = [["Code", "Assiette", "Effectif"], ["R22", 1_000_000, 4], ["R98", 1_000_000, 4]]
    file = workbook(tmp_path, "dac.xlsx", rows)
    draft = await desk.confirm_all(await desk.upload(file, form="totals", period="2025-Q4"))
    assert draft["obstacles"] == []
    filed = await desk.file(draft)
    assert filed.status_code == 201, filed.text
    assert filed.json()["header"] == {"headcount": 4, "entries": 0, "exits": 0}
    # 1,000,000.00 DA: 345,000.00 and 5,000.00
    assert amounts(await view(desk, filed.json())) == {"R22": (100_000_000, 34_500_000), "R98": (100_000_000, 500_000)}


# ── what else a filing does ─────────────────────────────────────────────────────────────────────


async def test_who_has_no_number_is_declared_and_one_is_asked_for(desk_of: DeskOf) -> None:
    desk = await desk_of("1611100020")
    unnumbered = employee(3, 5_000_000, nss=None, number_requested=True)
    declaration = await declare(desk, "2025-Q4", [employee(1, 5_000_000), unnumbered])
    [asked] = await desk.get(f"/v1/declarations/{declaration['declaration_id']}/registrations")
    assert (asked["last_name"], asked["line_number"]) == (unnumbered["last_name"], 2)
    again = await declare(desk, "2025-Q3", [unnumbered])
    [same] = await desk.get(f"/v1/declarations/{again['declaration_id']}/registrations")
    assert same["registration_id"] == asked["registration_id"]


async def test_filing_again_with_the_same_key_gives_the_first_answer(desk_of: DeskOf) -> None:
    desk = await desk_of("1611100021")
    draft = await desk.confirm_all(await send_period(desk, "2025-Q4", [employee(1, 5_000_000)]))
    path, body = f"/v1/drafts/{draft['summary']['draft_id']}/declaration", {"revision": draft["summary"]["revision"]}
    first = await desk.client.post(path, json=body, headers={"Idempotency-Key": "dac-2025-q4"})
    again = await desk.client.post(path, json=body, headers={"Idempotency-Key": "dac-2025-q4"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_of_two_filings_of_a_period_at_once_one_stands(desk_of: DeskOf) -> None:
    desk = await desk_of("1611100022")
    one = await desk.confirm_all(await send_period(desk, "2025-Q4", [employee(1, 5_000_000)]))
    totals = [{"code": "R22", "amount": 5_000_000, "workers": 1}]
    two = await desk.confirm_all(await send_period(desk, "2025-Q4", totals, "totals"))
    answers = await asyncio.gather(desk.file(one), desk.file(two))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert {problem(answer)[1] for answer in answers if answer.status_code == 409} == {"already-declared"}


async def test_the_funds_systems_are_told_of_it_with_its_period_and_lines(desk_of: DeskOf, clients: Any) -> None:
    desk = await desk_of("1611100023")
    declaration = await declare(desk, "2025-Q4", [employee(1, 5_000_000), employee(2, 6_000_000)])
    fund, after = clients["key:fund"], ""
    told: list[Any] = []
    while True:
        page = (await fund.get("/v1/declared", params={"limit": 1000} | ({"after": after} if after else {}))).json()
        told, after = [*told, *page["declarations"]], page["after"]
        if not page["more"]:
            break
    [entry] = [one for one in told if one["number"] == declaration["number"]]
    assert (entry["form"], entry["period"], entry["q4_amount"]) == ("periodic", "2025-Q4", 11_000_000)
    answer = await fund.get(f"/v1/declared/{entry['declaration_id']}/lines")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [(line["line_number"], line["base"], line["employer_number"]) for line in lines] == [
        (1, 5_000_000, "1611100023"),
        (2, 6_000_000, "1611100023"),
    ]


async def test_it_has_no_text_files_and_a_year_has_no_view_by_code(desk_of: DeskOf) -> None:
    desk = await desk_of("1611100024")
    declaration = await declare(desk, "2025-Q4", [employee(1, 5_000_000)])
    path = f"/v1/declarations/{declaration['declaration_id']}"
    assert (await desk.client.get(f"{path}/text-pair.zip")).status_code == 404
    annual = (await desk.client.post("/v1/drafts", json={"form": "annual", "year": 2025})).json()
    refused = await desk.client.put(f"/v1/drafts/{annual['draft_id']}/header", json={"header": {}})
    assert problem(refused) == (409, "no-header-here")
