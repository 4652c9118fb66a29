"""Months and quarters through the whole intake: opened, sent, found, mended, repaired, reviewed, undone."""

import io
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import openpyxl
import pytest
from intake.template_filling import by_libreoffice, filled, places_of
from world import START, MovableClock

from payroll.payroll_desk import Desk
from payroll.periodic_desk import declare, employee, make_monthly, nss, of_building, open_period, problem, send_period
from schemas.actors import job
from teledeclaration.database import Pool, transaction
from teledeclaration.documents.development import make_development_seal
from teledeclaration.intake.templates.design import FIRST_ROW
from teledeclaration.settings import Settings

DeskOf = Callable[[str], Awaitable[Desk]]
PERSON = ("nss", "last_name", "first_name", "birth_date")
REBATE = {
    "rate_category": "rebate_north_first_job",
    "contract_start": "2025-01-15",
    "contract_months": 12,
    "justification": "Attestation ANEM 12/2025",
}


@pytest.fixture(scope="module")
def settings(settings: Settings, clock: MovableClock, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """With a seal for the API server and the worker alike: templates are signed."""
    seal = make_development_seal(tmp_path_factory.mktemp("seal"), now=clock())
    return msgspec.structs.replace(
        settings, seal_key=seal.key.read_text(), seal_certificate=seal.certificate.read_text()
    )


@pytest.fixture(scope="module")
def sealing_settings(settings: Settings) -> Settings:
    return settings


async def told(desk: Desk, draft: Any) -> set[tuple[int | None, str | None, str]]:
    """(line, field, code) of every finding, doubts about registers that are empty apart."""
    return {(one["line_number"], one["field"], one["code"]) for one in await desk.findings(draft)}


# ── opening


@pytest.mark.parametrize(
    ("wanted", "kind", "right"),
    [
        ({"period": "2026-02"}, "wrong-periodicity", "2026-Q1"),
        ({"period": "2026"}, "wrong-periodicity", "2026-Q1"),
        ({"period": "2026-Q1"}, "period-not-over", "2026-03-31"),
        ({"period": "2027-Q1"}, "period-not-over", "2027-03-31"),
        ({"period": "2009-Q4"}, "period-before-opening", "2010-01-01"),
        ({"period": "2026-13"}, "period-unknown", "2026-13"),
        ({"period": "Q1"}, "period-unknown", "Q1"),
        ({"period": "2025-Q4", "type": "C"}, "declaration-type-mismatch", "complémentaire"),
    ],
)
async def test_a_period_that_cannot_be_declared_is_refused_with_what_can(
    alice: Desk, wanted: dict[str, Any], kind: str, right: str
) -> None:
    answer = await alice.client.post(
        "/v1/drafts", json={"form": "periodic", **wanted}, headers={"Accept-Language": "fr"}
    )
    assert problem(answer) == (422, kind)
    assert right in answer.json()["title"]


async def test_a_monthly_employer_is_given_the_months_of_a_quarter(desk_of: DeskOf, pool: Pool) -> None:
    desk = await desk_of("1612000001")
    await make_monthly(pool, "1612000001")
    answer = await desk.client.post("/v1/drafts", json={"form": "totals", "period": "2025-Q4"})
    assert problem(answer) == (422, "wrong-periodicity")
    assert "2025-10, 2025-11, 2025-12" in answer.json()["title"]
    draft = await desk.client.post("/v1/drafts", json={"form": "periodic"})
    assert draft.json()["period"] == "2025-12"


async def test_a_centre_closed_before_the_period_is_told(desk_of: DeskOf, pool: Pool) -> None:
    desk = await desk_of("1612000002")
    async with transaction(pool, job("test", 0)) as connection:
        await connection.execute(
            "UPDATE payment_centres SET closed_on = '2025-06-30' WHERE employer_id ="
            " (SELECT employer_id FROM employers WHERE number = '1612000002')"
        )
    answer = await desk.client.post("/v1/drafts", json={"form": "periodic", "period": "2025-Q4"})
    assert problem(answer) == (422, "period-after-closing")
    assert (await open_period(desk, "2025-Q2"))["period"] == "2025-Q2"


async def test_one_normal_declaration_a_period_whatever_its_form(desk_of: DeskOf) -> None:
    desk = await desk_of("1612000003")
    declaration = await declare(desk, "2025-Q4", [employee(1, 9_000_000, duration=90)])
    again = await desk.client.post("/v1/drafts", json={"form": "totals", "period": "2025-Q4"})
    assert problem(again) == (409, "already-declared")
    assert "2025-Q4" in again.json()["title"]
    of_it = {"replaces": declaration["declaration_id"], "type": "R"}
    assert (await open_period(desk, "2025-Q4", "totals", **of_it))["replaces"] == declaration["declaration_id"]
    other = await desk.client.post("/v1/drafts", json={"form": "periodic", "period": "2025-Q3", **of_it})
    assert problem(other) == (409, "declaration-not-in-force")


async def test_movements_are_of_the_present_year_and_replace_nothing(desk_of: DeskOf) -> None:
    desk = await desk_of("1612000004")
    draft = await desk.client.post("/v1/drafts", json={"form": "movements"})
    assert (draft.json()["year"], draft.json()["period"]) == (2026, "2026")
    ahead = await desk.client.post("/v1/drafts", json={"form": "movements", "year": 2027})
    assert problem(ahead) == (422, "period-not-over")
    replacing = await desk.client.post("/v1/drafts", json={"form": "movements", "type": "R"})
    assert problem(replacing) == (422, "declaration-type-mismatch")


async def test_a_draft_opened_again_with_a_header_takes_it(desk_of: DeskOf) -> None:
    desk = await desk_of("1612000005")
    first = await open_period(desk, "2025-Q4", header={"headcount": 3})
    again = await open_period(desk, "2025-Q4", header={"headcount": 4, "entries": 1})
    assert (again["draft_id"], again["header"]) == (first["draft_id"], {"headcount": 4, "entries": 1})


# ── lines by REST


async def test_fields_of_another_form_are_refused_by_name(desk_of: DeskOf) -> None:
    desk = await desk_of("1612000006")
    draft = await open_period(desk, "2025-Q4")
    path = f"/v1/drafts/{draft['draft_id']}/lines"
    lines = [employee(1, 9_000_000), {**employee(2, 9_000_000), "q1_amount": 1}]
    refused = await desk.client.post(path, json={"lines": lines})
    assert problem(refused) == (422, "field-of-another-form")
    assert refused.json()["pointer"] == "/lines/1/q1_amount"
    assert "contract_start" in refused.json()["title"]
    sent = await send_period(desk, "2025-Q4", [employee(1, 9_000_000)])
    mended = await desk.client.patch(path, json={"lines": [{"line_number": 1, "movement": "entry"}]})
    assert problem(mended) == (422, "field-of-another-form")
    [line] = (await desk.get(path))["items"]
    assert set(line) == {
        "line_number", "row", "left_out", "nss", "last_name", "first_name", "birth_date", "duration", "unit", "amount",
        "rate_category", "contract_start", "contract_months", "justification", "number_requested", "typed", "mended",
    }  # fmt: skip
    assert sent["totals"] == {"quarters": [0, 0, 0, 9_000_000], "annual": 9_000_000}


async def test_a_base_is_made_of_the_elements_that_count(desk_of: DeskOf) -> None:
    desk = await desk_of("1612000007")
    elements = [
        {"kind": "base_pay", "amount": 8_000_000},
        {"kind": "overtime", "amount": 500_000},
        {"kind": "family_benefits", "amount": 300_000},
    ]
    line = {**employee(1, None, duration=90), "elements": elements}
    draft = await send_period(desk, "2025-Q4", [line])
    path = f"/v1/drafts/{draft['summary']['draft_id']}/lines"
    assert (await desk.get(path))["items"][0]["amount"] == 8_500_000
    unknown = {**line, "elements": [*elements, {"kind": "gift", "amount": 1}]}
    refused = await desk.client.post(path, json={"lines": [unknown]})
    assert problem(refused) == (422, "unknown-pay-element")
    assert (refused.json()["pointer"], "gift" in refused.json()["title"]) == ("/lines/0/elements/3/kind", True)
    twice = await desk.client.post(path, json={"lines": [{**line, "amount": 1}]})
    assert problem(twice) == (422, "amount-said-twice")


# ── what is found


async def test_each_mistake_of_a_months_line_is_told(desk_of: DeskOf, pool: Pool) -> None:
    desk = await desk_of("1612000008")
    await make_monthly(pool, "1612000008")
    wrong = [
        employee(1, None),
        employee(2, -1),
        employee(3, 4_000_000, duration=32),
        employee(4, 4_000_000, duration=None, unit=None),
        employee(5, 4_000_000, unit=None),
        employee(6, 1_000_000),
        employee(7, 4_000_000, rate_category="apprentice"),
        employee(8, 4_000_000, rate_category="rebate_north_first_job"),
        employee(9, 4_000_000, **{**REBATE, "contract_months": 5}),
        employee(10, 4_000_000, **{**REBATE, "contract_start": "2022-12-01"}),
        employee(11, 4_000_000, **{**REBATE, "contract_start": "2026-01-01"}),
        employee(12, 4_000_000),
        employee(12, 4_100_000, rate_category="building"),
        employee(13, 4_000_000, **REBATE),
    ]
    draft = await send_period(desk, "2025-12", wrong)
    assert await told(desk, draft) == {
        (1, "amount", "amount_missing"),
        (2, "amount", "amount_negative"),
        (3, "duration", "duration_too_long"),
        (4, "duration", "amount_without_duration"),
        (5, "unit", "unit_missing"),
        (6, "amount", "below_minimum_wage"),
        (7, "rate_category", "rate_category_closed"),
        (8, "contract_start", "rebate_contract_start_missing"),
        (8, "contract_months", "rebate_contract_months_missing"),
        (8, "justification", "rebate_justification_missing"),
        (9, "contract_months", "rebate_contract_too_short"),
        (10, "contract_start", "rebate_over"),
        (11, "contract_start", "rebate_not_begun"),
        (12, "nss", "person_twice"),
        (13, "nss", "person_twice"),
    }
    minimum = next(one for one in await desk.findings(draft, code="below_minimum_wage"))
    assert minimum["expected"] == "2000000"


async def test_a_shorter_contract_is_enough_in_the_listed_sectors_and_none_in_the_excluded(
    desk_of: DeskOf, pool: Pool
) -> None:
    desk = await desk_of("1612000009")
    async with transaction(pool, job("test", 0)) as connection:
        await connection.execute("UPDATE employers SET sector = 'tourism' WHERE number = '1612000009'")
    short = employee(1, 9_000_000, duration=90, **{**REBATE, "contract_months": 6})
    assert await told(desk, await send_period(desk, "2025-Q4", [short])) == set()
    async with transaction(pool, job("test", 0)) as connection:
        await connection.execute("UPDATE employers SET sector = 'oil_exploration' WHERE number = '1612000009'")
    draft = await send_period(desk, "2025-Q3", [employee(1, 9_000_000, duration=90, **REBATE)])
    assert await told(desk, draft) == {(1, "rate_category", "rebate_sector_excluded")}


async def test_each_mistake_of_rate_lines_is_told(desk_of: DeskOf) -> None:
    desk = await desk_of("1612000010")
    lines: list[dict[str, Any]] = [
        {"code": "R22", "amount": 100_000_000, "workers": 20},
        {"code": "R22", "amount": 1_000_000, "workers": 1},
        {"code": "R38", "amount": 200_000_000, "workers": 5},
        {"code": "R06", "amount": 5_000_000, "workers": None},
        {"code": "R99", "amount": 1, "workers": 0},
        {"code": "R98", "amount": 7, "workers": 20},
        {"code": None, "amount": None, "workers": -1},
    ]
    draft = await send_period(desk, "2025-Q4", lines, "totals")
    assert await told(desk, draft) == {
        (1, "code", "code_twice"),
        (2, "code", "code_twice"),
        (3, "code", "code_of_another_sector"),
        (3, "amount", "supplement_too_large"),
        (4, "workers", "workers_missing"),
        (4, "code", "rebate_annex_missing"),
        (5, "code", "code_unknown"),
        (5, "workers", "workers_none"),
        (6, "amount", "shared_base_differs"),
        (7, "code", "code_missing"),
        (7, "amount", "amount_missing"),
        (7, "workers", "workers_negative"),
    }
    [shared] = await desk.findings(draft, code="shared_base_differs")
    assert shared["proposed"] == "106000000"


# ── mended


async def test_what_is_found_goes_away_with_a_mend_a_repair_and_a_return(desk_of: DeskOf) -> None:
    desk = await desk_of("1612000011")
    lines = [employee(1, 9_000_000, duration=90), employee(2, 9_000_000, duration=90, unit=None), employee(3, None)]
    draft = await send_period(desk, "2025-Q4", lines)
    path = f"/v1/drafts/{draft['summary']['draft_id']}"
    causes = await desk.get(f"{path}/causes")
    by_code = {cause["code"]: cause for cause in causes["causes"]}
    assert {offer["repair"] for offer in by_code["unit_missing"]["repairs"]} == {"one_unit", "leave_out_errors"}

    wish = {
        "repair": "one_unit",
        "code": "unit_missing",
        "field": "unit",
        "choice": "J",
        "revision": causes["revision"],
    }
    preview = (await desk.client.post(f"{path}/repairs/preview", json=wish)).json()
    assert preview["fields"] == ["unit"]
    assert [gone["code"] for gone in preview["findings_gone"]] == ["unit_missing"]
    assert preview["totals_after"]["quarters"] == [0, 0, 0, 18_000_000]
    repaired = await desk.client.post(f"{path}/repairs", json=wish)
    assert repaired.status_code == 200, repaired.text
    draft = await desk.draft(draft["summary"]["draft_id"])
    assert {count["code"] for count in draft["findings"]} == {"amount_missing"}

    mend = {"lines": [{"line_number": 3, "amount": 9_000_000, "duration": 90, "justification": "x"}]}
    await desk.client.patch(f"{path}/lines", json=mend)
    draft = await desk.draft(draft["summary"]["draft_id"])
    assert (draft["findings"], draft["obstacles"]) == ([], [])
    revisions = (await desk.get(f"{path}/revisions"))["items"]
    changed = await desk.get(f"{path}/revisions/{revisions[0]['revision']}/lines")
    assert {change["field"] for change in changed["items"][0]["changes"]} == {"amount", "duration", "justification"}

    back = await desk.client.post(
        f"{path}/return", json={"to": revisions[1]["revision"], "revision": draft["summary"]["revision"]}
    )
    assert back.status_code == 200, back.text
    draft = await desk.draft(draft["summary"]["draft_id"])
    assert {count["code"]: count["back"] for count in draft["findings"]} == {"amount_missing": 1}


async def test_a_later_file_is_reviewed_before_it_counts(desk_of: DeskOf) -> None:
    desk = await desk_of("1612000012")
    lines = [employee(number, 9_000_000, duration=90) for number in (1, 2, 3)]
    draft = await send_period(desk, "2025-Q4", lines)
    later = [lines[0], {**lines[1], "amount": 9_500_000}, employee(47, 8_000_000, duration=90)]
    draft = await send_period(desk, "2025-Q4", later)
    assert "review-waiting" in {one["code"] for one in draft["obstacles"]}
    review = await desk.review(draft)
    assert review["counts"] == {"absent": 1, "close": 0, "new": 1, "changed": 1, "unchanged": 1}
    assert review["effect"]["base"] == {"before": 27_000_000, "after": 26_500_000}
    assert review["effect"]["quarters"][3] == {"before": 27_000_000, "after": 26_500_000}
    assert review["effect"]["contributions"] == {"before": 9_450_000, "after": 9_275_000}
    page = await desk.get(f"/v1/drafts/{draft['summary']['draft_id']}/review/changes")
    kinds = {change["kind"]: change for change in page["items"]}
    assert kinds["changed"]["fields"] == {"amount": {"before": 9_000_000, "after": 9_500_000}}
    same = await send_period(desk, "2025-Q4", later)
    assert (await desk.accept(same))["totals"]["annual"] == 26_500_000
    same = await send_period(desk, "2025-Q4", later)
    assert same["obstacles"] == []


async def test_totals_that_replace_others_are_reviewed_by_code(desk_of: DeskOf, pool: Pool) -> None:
    desk = await desk_of("1612000013")
    await of_building(pool, "1612000013")
    lines = [
        {"code": "R22", "amount": 50_000_000, "workers": 9},
        {"code": "R38", "amount": 20_000_000, "workers": 4},
    ]
    declaration = await declare(desk, "2025-Q4", lines, "totals")
    of_it = {"replaces": declaration["declaration_id"], "type": "R"}
    shared = {"code": "R98", "amount": 60_000_000, "workers": 10}
    draft = await send_period(
        desk, "2025-Q4", [{**lines[0], "amount": 60_000_000}, lines[1], shared], "totals", **of_it
    )
    review = await desk.review(draft)
    assert review["counts"] == {"absent": 0, "close": 0, "new": 0, "changed": 2, "unchanged": 1}
    page = await desk.get(f"/v1/drafts/{draft['summary']['draft_id']}/review/changes")
    assert {change["last_name"] for change in page["items"]} == {"R22", "R98"}
    assert review["effect"]["base"] == {"before": 50_000_000, "after": 60_000_000}


async def test_a_number_asked_for_stays_asked_for_in_the_next_list(desk_of: DeskOf) -> None:
    desk = await desk_of("1612000014")
    line = {**employee(1, 9_000_000, duration=90), "nss": None}
    declaration = await declare(desk, "2025-Q4", [{**line, "number_requested": True}])
    asked = await desk.get(f"/v1/declarations/{declaration['declaration_id']}/registrations")
    assert len(asked) == 1
    of_it = {"replaces": declaration["declaration_id"], "type": "R"}
    draft = await send_period(desk, "2025-Q4", [{**line, "amount": 9_100_000}], **of_it)
    assert await told(desk, draft) == {(1, "nss", "number_requested")}


# ── workbooks

PEOPLE = ((nss(1), "NOMB", "PRENOMA"), (nss(2), "NOMC", "PRENOMA"))


async def employ(pool: Pool, number: str) -> None:
    async with transaction(pool, job("test", 0)) as connection:
        employer_id = await connection.fetchval("SELECT employer_id FROM employers WHERE number = $1", number)
        for place, (person, last_name, first_name) in enumerate(PEOPLE, 1):
            known = await connection.fetchval("SELECT person_id FROM insured_numbers WHERE nss = $1", person)
            if known is None:
                known = await connection.fetchval(
                    "INSERT INTO people (nss, last_name, first_name, birth_date, updated_at)"
                    " VALUES ($1, $2, $3, $4, $5) RETURNING person_id",
                    *(person, last_name, first_name, date(1985, place + 1, 15), START),
                )
                await connection.execute("INSERT INTO insured_numbers VALUES ($1, $2)", person, known)
            await connection.execute(
                "INSERT INTO employments (employer_id, person_id, entry_date, centre, nss, updated_at)"
                " VALUES ($1, $2, '2020-01-01', '16001', $3, $4)",
                *(employer_id, known, person, START),
            )


async def download(desk: Desk, form: str, **params: Any) -> bytes:
    answer = await desk.client.get(f"/v1/templates/{form}.xlsx", params=params)
    assert answer.status_code == 200, answer.text
    return answer.content


async def upload(desk: Desk, folder: Path, name: str, content: bytes, **fields: Any) -> Any:
    file = folder / name
    file.write_bytes(content)
    return await desk.upload(file, **fields)


async def annotated(desk: Desk, draft: Any) -> bytes:
    answer = await desk.client.get(f"/v1/drafts/{draft['summary']['draft_id']}/annotated.xlsx")
    assert answer.status_code == 200, answer.text
    return answer.content


async def test_a_prefilled_month_goes_round(desk_of: DeskOf, pool: Pool, tmp_path: Path) -> None:
    """Template → filled → uploaded → no mapping asked → annotated → mended → filed; the next one has its figures."""
    desk = await desk_of("1612000015")
    await make_monthly(pool, "1612000015")
    await employ(pool, "1612000015")
    content = await download(desk, "periodic", period="2025-11")
    pay = {"duration": 30, "unit": "J", "amount": 40000}
    content = filled(content, {0: pay, 1: {**pay, "duration": 33}})
    draft = await upload(desk, tmp_path, "novembre.xlsx", content, form="periodic", period="2025-11")
    assert draft["progress"]["status"] == "checked"
    assert {(count["code"], count["severity"]) for count in draft["findings"]} == {("duration_too_long", "error")}
    [wrong] = await desk.findings(draft)
    assert (wrong["row"], wrong["field"]) == (FIRST_ROW + 1, "duration")

    noted = openpyxl.load_workbook(io.BytesIO(await annotated(desk, draft)))
    sheet = next(sheet for sheet in noted.worksheets if sheet.title == wrong["sheet"])
    assert sheet[f"{wrong['column']}{wrong['row']}"].comment is not None
    sheet[f"{wrong['column']}{wrong['row']}"].value = 30
    out = io.BytesIO()
    noted.save(out)
    draft = await desk.accept(
        await upload(desk, tmp_path, "novembre-corrige.xlsx", out.getvalue(), form="periodic", period="2025-11")
    )
    assert (draft["findings"], draft["obstacles"]) == ([], [])
    assert (await desk.file(draft)).status_code == 201

    sheet = openpyxl.load_workbook(
        io.BytesIO(await download(desk, "periodic", period="2025-12", figures="copy"))
    ).worksheets[0]
    places = places_of(sheet)
    assert [sheet.cell(FIRST_ROW + row, places["amount"]).value for row in (0, 1)] == [40000, 40000]
    assert sheet.cell(FIRST_ROW, places["shown.last_year.amount"]).value == 40000
    assert sheet.cell(FIRST_ROW, places["nss"]).protection.locked


async def test_a_prefilled_sheet_by_rate_line_goes_round(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of("1612000016")
    content = filled(await download(desk, "totals", period="2025-Q3"), {0: {"amount": 900000, "workers": 9}})
    draft = await upload(desk, tmp_path, "t3.xlsx", content, form="totals", period="2025-Q3")
    assert {count["code"] for count in draft["findings"]} == {"left_blank"}
    assert draft["obstacles"] == []
    assert draft["totals"]["quarters"] == [0, 0, 90_000_000, 0]
    assert (await desk.file(draft)).status_code == 201
    sheet = openpyxl.load_workbook(io.BytesIO(await download(desk, "totals", period="2025-Q4"))).worksheets[0]
    places = places_of(sheet)
    last = {
        sheet.cell(FIRST_ROW + row, places["code"]).value: sheet.cell(
            FIRST_ROW + row, places["shown.last_year.amount"]
        ).value
        for row in range(6)
    }
    assert last == {"R22": 900000, "R06": None, "R07": None, "R08": None, "R38": None, "R98": 900000}


async def test_a_prefilled_sheet_of_movements_goes_round(desk_of: DeskOf, pool: Pool, tmp_path: Path) -> None:
    desk = await desk_of("1612000017")
    await employ(pool, "1612000017")
    content = await download(desk, "movements")
    told_row = {"movement": "Sortie", "date": date(2026, 1, 10), "reason": "Démission"}
    draft = await upload(desk, tmp_path, "mouvements.xlsx", filled(content, {0: told_row}), form="movements")
    path = f"/v1/drafts/{draft['summary']['draft_id']}/lines"
    [line] = (await desk.get(path))["items"]
    assert (line["nss"], line["movement"], line["date"], line["rate_category"]) == (nss(1), "exit", "2026-01-10", None)
    assert "column_missing" not in {count["code"] for count in draft["findings"]}


FILLED: dict[str, tuple[dict[str, Any], dict[str, object]]] = {
    "periodic": ({"period": "2025-Q4"}, {"duration": 90, "unit": "J", "amount": 120000}),
    "totals": ({"period": "2025-Q4"}, {"amount": 900000, "workers": 9}),
    "movements": ({}, {"movement": "Sortie", "date": date(2026, 1, 10), "reason": "Démission"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("form", FILLED)
@pytest.mark.parametrize("kind", ["xlsx", "ods", "xls"])
async def test_each_template_goes_through_libreoffice(
    desk_of: DeskOf, pool: Pool, tmp_path: Path, form: str, kind: str
) -> None:
    """Template → filled → saved by LibreOffice → uploaded → no mapping asked → annotated."""
    number = f"16121{list(FILLED).index(form)}{['xlsx', 'ods', 'xls'].index(kind)}000"
    desk = await desk_of(number)
    await employ(pool, number)
    asked, row = FILLED[form]
    content = by_libreoffice(filled(await download(desk, form, **asked), {0: row}), kind, tmp_path)
    draft = await upload(desk, tmp_path, f"rempli.{kind}", content, form=form, **asked)
    assert draft["progress"]["status"] == "checked"
    assert draft["line_count"] == 1
    assert [count["code"] for count in draft["findings"] if count["severity"] == "error"] == []
    assert not {"column_missing", "template_changed"} & {count["code"] for count in draft["findings"]}
    assert (await annotated(desk, draft)).startswith(b"PK")


async def test_a_file_of_another_form_is_refused_by_its_name(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of("1612000018")
    content = await download(desk, "totals", period="2025-Q4", blank=True)
    draft = await upload(desk, tmp_path, "t4.xlsx", filled(content, {0: {"amount": 1, "workers": 1}}), form="periodic")
    unreadable = draft["progress"]["unreadable"]
    assert unreadable["code"] == "other-form"


async def test_a_months_own_workbook_is_mapped_by_hand(desk_of: DeskOf, pool: Pool, tmp_path: Path) -> None:
    desk = await desk_of("1612000019")
    await make_monthly(pool, "1612000019")
    book = openpyxl.Workbook()
    rows = [("Num", "Qui", "Et", "Né", "Fait", "Gagné"), (nss(1), "NOMB", "PRENOMA", date(1985, 2, 15), 30, 40000)]
    for row in rows:
        book.worksheets[0].append(list(row))
    out = io.BytesIO()
    book.save(out)
    draft = await upload(desk, tmp_path, "paie.xlsx", out.getvalue(), form="periodic", period="2025-12")
    assert draft["progress"]["unreadable"]["code"] == "no-columns"
    path = f"/v1/drafts/{draft['summary']['draft_id']}/mapping"
    shown = await desk.get(path)
    assert {"amount", "duration", "rate_category"} <= {field["field"] for field in shown["fields"]}
    fields = ("nss", "last_name", "first_name", "birth_date", "duration", "amount")
    mapping = {
        "sheet": "Sheet", "header_row": 1, "form": "periodic", "units": {"all": "J"},
        "columns": dict(zip("ABCDEF", fields, strict=True)),
    }  # fmt: skip
    put = await desk.client.put(path, json=mapping)
    assert put.status_code == 202, put.text
    draft = await desk.draft(draft["summary"]["draft_id"])
    assert (draft["findings"], draft["totals"]["annual"]) == ([], 4_000_000)


# ── what users met while trying it


async def test_workers_of_a_line_that_is_a_part_of_another_are_counted_once(desk_of: DeskOf, pool: Pool) -> None:
    desk = await desk_of("1612000072")
    await of_building(pool, "1612000072")
    lines = [{"code": "R22", "amount": 9_000_000, "workers": 3}, {"code": "R38", "amount": 6_000_000, "workers": 2}]
    declaration = await declare(desk, "2025-Q4", lines, "totals")
    of_it = {"type": "R", "replaces": declaration["declaration_id"]}
    draft = await send_period(desk, "2025-Q4", [lines[0], {**lines[1], "workers": 1}], "totals", **of_it)
    assert (await desk.review(draft))["effect"]["people"] == {"before": 3, "after": 3}


async def test_arrears_are_complemented_without_time(desk_of: DeskOf, pool: Pool) -> None:
    desk = await desk_of("1612000073")
    people = [employee(73, 9_000_000, duration=90), employee(79, 9_000_000, duration=90)]
    told = [{"kind": "entry", "date": "2025-02-01", **{name: one[name] for name in PERSON}} for one in people]
    codes = ["nss_unknown"]
    telling = await desk.client.post("/v1/movements", json={"movements": told, "confirm": codes})
    assert telling.status_code == 201, telling.text
    declaration = await declare(desk, "2025-Q4", people)
    of_it = {"type": "C", "completes": declaration["declaration_id"]}
    arrears = employee(73, 500_000, duration=0)
    draft = await send_period(desk, "2025-Q4", [arrears], **of_it)
    codes_told = {count["code"]: count["severity"] for count in draft["findings"] if count["code"] != "nss_unknown"}
    assert codes_told == {"amount_without_duration": "confirm"}
    filed = await desk.file(await desk.confirm_all(draft))
    assert filed.status_code == 201, filed.text


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"amount": 10**19}, "/lines/0/amount"),
        ({"amount": -(10**15)}, "/lines/0/amount"),
        ({"duration": 10**12}, "/lines/0/duration"),
        ({"contract_months": 10**9}, "/lines/0/contract_months"),
    ],
)
async def test_a_number_past_any_column_is_refused_at_its_field(
    desk_of: DeskOf, change: dict[str, int], pointer: str
) -> None:
    desk = await desk_of("1612000074")
    draft = await open_period(desk, "2025-Q4")
    sent = await desk.client.post(f"/v1/drafts/{draft['draft_id']}/lines", json={"lines": [employee(74, 1) | change]})
    assert problem(sent) == (422, "malformed")
    assert [error["pointer"] for error in sent.json()["errors"]] == [pointer]
    mend = {"lines": [{"line_number": 1, **change}]}
    assert (await desk.client.patch(f"/v1/drafts/{draft['draft_id']}/lines", json=mend)).status_code == 422


async def test_a_zero_byte_in_a_text_is_left_out(desk_of: DeskOf) -> None:
    desk = await desk_of("1612000075")
    draft = await send_period(desk, "2025-Q4", [employee(75, 9_000_000, duration=90, justification="a\0b")])
    assert draft["progress"]["status"] == "checked"
    lines = await desk.get(f"/v1/drafts/{draft['summary']['draft_id']}/lines")
    assert lines["items"][0]["justification"] == "ab"


async def test_a_headcount_is_a_number_of_people(desk_of: DeskOf) -> None:
    desk = await desk_of("1612000076")
    for headcount in (-1, 10**9):
        body = {"form": "periodic", "period": "2025-Q4", "header": {"headcount": headcount}}
        assert problem(await desk.client.post("/v1/drafts", json=body)) == (422, "malformed")
