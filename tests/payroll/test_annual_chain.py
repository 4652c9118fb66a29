"""From a file an HR office has to what is owed: the whole chain, over HTTP, with a real worker."""

import asyncio
import hashlib
import io
import json
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from payroll.payroll_desk import WORKBOOKS, Desk

DeskOf = Callable[[str], Awaitable[Desk]]

FILES = {
    "annual-2025-kept-by-hand": ["annual-2025-kept-by-hand.xlsx"],
    "annual-2025-kept-by-hand-clean": ["annual-2025-kept-by-hand-clean.xlsx"],
    "annual-2025-exported": ["annual-2025-exported.xlsx"],
    "annual-2025-exported-clean": ["annual-2025-exported-clean.ods"],
    "D253137704614": ["D25E3137704614.TXT", "D25S3137704614.TXT"],
}
# "nss_duplicate" may be told on either row or both (../files/workbooks/README.md).
ON_EITHER_ROW = {"nss_duplicate"}


def answers(name: str) -> Any:
    return json.loads((WORKBOOKS / f"{name}.answers.json").read_text())


def paths(name: str) -> list[Path]:
    return [WORKBOOKS / file for file in FILES[name]]


@pytest.mark.parametrize("name", FILES)
async def test_every_planted_mistake_is_told_at_its_cell_and_no_other_error(name: str, desk_of: DeskOf) -> None:
    expected = answers(name)
    desk = await desk_of(expected["employer_number"])
    draft = await desk.upload(*paths(name), year=2025)
    found = await desk.findings(draft)

    places = {(finding["row"], finding["field"], finding["severity"] == "error") for finding in found}
    planted = {(one["row"], one["column"], one["severity"] == "error") for one in expected["findings"]}
    assert planted <= places
    errors = {place for place in places if place[2]}
    either = {one["row"] for one in expected["findings"] if one["kind"] in ON_EITHER_ROW}
    twins = {finding["row"] for finding in found if finding["code"] == "nss_duplicate"}
    assert {place for place in errors if not (either and place[0] in twins)} == {
        place for place in planted if place[2] and place[0] not in either
    }
    assert draft["line_count"] == expected["employees"]


@pytest.mark.parametrize("name", [name for name in FILES if not answers(name)["findings"]])
async def test_a_clean_file_is_filed_and_assessed_to_the_centime(name: str, desk_of: DeskOf) -> None:
    expected = answers(name)
    desk = await desk_of(expected["employer_number"])
    draft = await desk.confirm_all(await desk.upload(*paths(name), year=2025))
    assert draft["obstacles"] == []

    filed = await desk.file(draft)
    assert filed.status_code == 201, filed.text
    declaration = filed.json()
    assert declaration["totals"] == {
        "quarters": expected["quarter_totals_centimes"],
        "annual": expected["annual_total_centimes"],
    }
    assert declaration["number"] == f"A2025-{expected['employer_number']}-01"

    assessment = await desk.assessment(declaration)
    # 34.5 % and 0.5 % of each quarter's base, half a centime up, once each (reference table of section 1).
    quarters = expected["quarter_totals_centimes"]
    r22, r98 = ([(base * points + 500) // 1000 for base in quarters] for points in (345, 5))
    lines = {(line["code"], *line["periods"]): line["amount"] for line in assessment["amounts"]["lines"]}
    assert lines == {("R22", f"2025-Q{number}"): amount for number, amount in enumerate(r22, 1)} | {
        ("R98", f"2025-Q{number}"): amount for number, amount in enumerate(r98, 1)
    }
    assert assessment["amounts"]["total"] == assessment["difference"] == sum(r22) + sum(r98)
    assert sum(part["amount"] for part in assessment["amounts"]["parts"]) == sum(r22) + sum(r98)

    dues = (await desk.get("/v1/dues"))["dues"]
    assert {due["payer"] for due in dues} == {"employer", "employee", "social_works"}
    assert {
        period: sum(due["remaining"] for due in dues if due["period"] == period)
        for period in {due["period"] for due in dues}
    } == {f"2025-Q{number}": sum(both) for number, both in enumerate(zip(r22, r98, strict=True), 1)}
    assert {due["due_on"] for due in dues} == {"2026-01-31"}
    assert {due["origin_ref"] for due in dues} == {declaration["declaration_id"]}


async def test_the_receipt_is_sealed_and_anyone_verifies_it(desk_of: DeskOf) -> None:
    desk = await desk_of("0924584219")
    declaration = await file_clean(desk)
    pdf = await desk.receipt(declaration)
    assert pdf.startswith(b"%PDF-")
    code = (await desk.get(f"/v1/declarations/{declaration['declaration_id']}"))["receipt_code"]

    verified = await desk.get(f"/v1/verifications/{code}")
    assert (verified["status"], verified["number"], verified["line_count"]) == ("valid", declaration["number"], 31)
    assert "annual" not in str(verified.keys() - {"form"})
    page = await desk.client.get(f"/v/{code}", params={"lang": "ar"})
    assert page.status_code == 200
    assert declaration["number"] in page.text
    assert 'dir="rtl"' in page.text


async def test_the_content_hash_is_that_of_the_lines_anyone_can_download(desk_of: DeskOf) -> None:
    desk = await desk_of("0924584219")
    declaration = await file_clean(desk)
    lines = await desk.client.get(f"/v1/declarations/{declaration['declaration_id']}/lines.csv")
    assert hashlib.sha256(lines.content).hexdigest() == declaration["content_hash"]
    assert len(lines.text.splitlines()) == 32


async def test_the_text_pair_comes_back_byte_for_byte(desk_of: DeskOf) -> None:
    desk = await desk_of("3137704614")
    draft = await desk.confirm_all(await desk.upload(*paths("D253137704614"), year=2025))
    declaration = (await desk.file(draft)).json()
    answer = await desk.client.get(f"/v1/declarations/{declaration['declaration_id']}/text-pair.zip")
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.read("D25S3137704614.TXT") == (WORKBOOKS / "D25S3137704614.TXT").read_bytes()
    header = archive.read("D25E3137704614.TXT")
    assert (len(header), header[-2:]) == (223, b"\r\n")
    assert header[130:216] == (WORKBOOKS / "D25E3137704614.TXT").read_bytes()[130:216]


async def test_mend_leave_out_and_file_the_good_lines(desk_of: DeskOf) -> None:
    desk = await desk_of("1647091706")
    draft = await desk.upload(*paths("annual-2025-kept-by-hand"), year=2025)
    draft_id = draft["summary"]["draft_id"]
    refused = await desk.file(draft)
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "draft-not-ready")

    wrong_sum = next(one for one in await desk.findings(draft, code="annual_not_sum"))
    proposed = int(wrong_sum["proposed"].replace(".", ""))
    change = {"line_number": wrong_sum["line_number"], "annual_amount": proposed}
    mended = await desk.client.patch(f"/v1/drafts/{draft_id}/lines", json={"lines": [change]})
    assert mended.status_code == 200, mended.text
    draft = await desk.draft(draft_id)
    assert await desk.findings(draft, code="annual_not_sum") == []
    assert draft["lines_with_errors"] == 12

    draft = await desk.confirm_all(draft)
    filed = await desk.file(draft, leave_out_errors=True)
    assert filed.status_code == 201, filed.text
    declaration = filed.json()
    assert declaration["left_out_count"] == draft["lines_with_errors"]
    assert declaration["line_count"] + declaration["left_out_count"] == 48
    again = await desk.file(draft)
    assert again.status_code == 409


async def test_a_complement_adds_to_the_year_and_a_replacement_takes_its_place(desk_of: DeskOf) -> None:
    desk = await desk_of("0924584219")
    first = await file_clean(desk)
    await desk.assessment(first)
    year = (await desk.get("/v1/balance"))["owed"]

    added = await file_lines(desk, [line("850512345678", 6_000_000)], type="C", completes=first["declaration_id"])
    assessed = await desk.assessment(added)
    assert assessed["difference"] == pytest.approx(24_000_000 * 35 // 100, abs=1)
    assert (await desk.get("/v1/balance"))["owed"] == year + assessed["difference"]

    second = await file_lines(desk, [line("850512345678", 6_000_000)], type="R", replaces=first["declaration_id"])
    replaced = await desk.assessment(second)
    assert replaced["amounts"]["total"] == 2 * 24_000_000 * 35 // 100
    balance = await desk.get("/v1/balance")
    assert balance["owed"] == replaced["amounts"]["total"]
    before = await desk.get(f"/v1/declarations/{first['declaration_id']}")
    assert before["in_force"] is False


async def test_only_one_normal_declaration_stands_for_a_centres_year(desk_of: DeskOf) -> None:
    desk = await desk_of("0924584219")
    await file_clean(desk)
    again = await desk.client.post("/v1/drafts", json={"year": 2025})
    assert (again.status_code, again.json()["type"].rpartition("/")[2]) == (409, "already-declared")


async def test_two_clicks_on_file_make_one_declaration(desk_of: DeskOf) -> None:
    desk = await desk_of("0924584219")
    draft = await desk.confirm_all(await desk.upload(*paths("annual-2025-kept-by-hand-clean"), year=2025))
    both = await asyncio.gather(desk.file(draft), desk.file(draft))
    assert sorted(answer.status_code for answer in both) == [201, 409]
    assert len(await desk.get("/v1/declarations")) == 1


async def test_the_same_file_sent_again_is_the_same_upload(desk_of: DeskOf) -> None:
    desk = await desk_of("0924584219")
    first = await desk.send(*paths("annual-2025-kept-by-hand-clean"), year=2025)
    await desk.read(first)
    second = await desk.send(*paths("annual-2025-kept-by-hand-clean"), year=2025)
    assert second["upload_id"] == first["upload_id"]
    assert len(await desk.get("/v1/uploads")) == 1


async def test_lines_by_rest_give_the_codes_of_a_file_at_json_pointers(desk_of: DeskOf) -> None:
    desk = await desk_of("0924584219")
    bad = line("850512345678", 6_000_000) | {"exit_date": "2019-01-01", "q3_duration": 95, "q2_unit": "X"}
    draft = await send_lines(desk, [line("860512345601", 6_000_000), bad])
    told = {(one["code"], one["pointer"]) for one in await desk.findings(draft) if one["severity"] == "error"}
    assert told == {
        ("exit_before_entry", "/lines/1/exit_date"),
        ("duration_too_long", "/lines/1/q3_duration"),
        ("unit_unknown", "/lines/1/q2_unit"),
    }


async def test_the_annotated_workbook_keeps_the_users_own_sheets(desk_of: DeskOf) -> None:
    desk = await desk_of("1647091706")
    draft = await desk.upload(*paths("annual-2025-kept-by-hand"), year=2025)
    answer = await desk.client.get(f"/v1/drafts/{draft['summary']['draft_id']}/annotated.xlsx")
    assert answer.status_code == 200, answer.text
    own = openpyxl.load_workbook(WORKBOOKS / "annual-2025-kept-by-hand.xlsx")
    annotated = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert set(own.sheetnames) <= set(annotated.sheetnames)
    wrong = next(one for one in await desk.findings(draft, code="exit_before_entry"))
    comment = annotated[wrong["sheet"]][f"{wrong['column']}{wrong['row']}"].comment
    assert comment is not None
    assert wrong["message"] in comment.text


async def test_progress_is_told_as_events(desk_of: DeskOf) -> None:
    desk = await desk_of("0924584219")
    upload = await desk.send(*paths("annual-2025-kept-by-hand-clean"), year=2025)
    events = await desk.client.get(f"/v1/uploads/{upload['upload_id']}/events")
    told = [json.loads(one.removeprefix("data: ")) for one in events.text.splitlines() if one.startswith("data: ")]
    assert told[-1]["progress"]["status"] == "checked"
    assert told[-1]["progress"]["rows_done"] == 31


async def test_a_foreign_employer_sees_nothing(desk_of: DeskOf, charlie: Desk) -> None:
    desk = await desk_of("0924584219")
    declaration = await file_clean(desk)
    upload = (await desk.get("/v1/uploads"))[0]
    draft = (await desk.get("/v1/drafts", status="filed"))[0]
    for path in (
        f"/v1/uploads/{upload['upload_id']}",
        f"/v1/uploads/{upload['upload_id']}/file",
        f"/v1/uploads/{upload['upload_id']}/events",
        f"/v1/drafts/{draft['draft_id']}",
        f"/v1/drafts/{draft['draft_id']}/lines",
        f"/v1/drafts/{draft['draft_id']}/findings",
        f"/v1/drafts/{draft['draft_id']}/annotated.xlsx",
        f"/v1/declarations/{declaration['declaration_id']}",
        f"/v1/declarations/{declaration['declaration_id']}/lines",
        f"/v1/declarations/{declaration['declaration_id']}/lines.csv",
        f"/v1/declarations/{declaration['declaration_id']}/receipt.pdf",
        f"/v1/declarations/{declaration['declaration_id']}/text-pair.zip",
        f"/v1/declarations/{declaration['declaration_id']}/assessment",
    ):
        assert (await charlie.client.get(path)).status_code == 404, path


async def file_clean(desk: Desk) -> Any:
    draft = await desk.confirm_all(await desk.upload(*paths("annual-2025-kept-by-hand-clean"), year=2025))
    filed = await desk.file(draft)
    assert filed.status_code == 201, filed.text
    return filed.json()


async def send_lines(desk: Desk, lines: list[Any], **wanted: Any) -> Any:
    opened = await desk.client.post("/v1/drafts", json={"year": 2025, **wanted})
    assert opened.status_code == 201, opened.text
    draft_id = opened.json()["draft_id"]
    sent = await desk.client.post(f"/v1/drafts/{draft_id}/lines", json={"lines": lines})
    assert sent.status_code == 202, sent.text
    await desk.read(sent.json())
    return await desk.draft(draft_id)


async def file_lines(desk: Desk, lines: list[Any], **wanted: Any) -> Any:
    filed = await desk.file(await desk.confirm_all(await desk.accept(await send_lines(desk, lines, **wanted))))
    assert filed.status_code == 201, filed.text
    return filed.json()


def line(nss: str, quarter: int) -> dict[str, Any]:
    """A good line: 90 days and the same base (centimes) in each quarter."""
    worked: dict[str, Any] = {}
    for number in (1, 2, 3, 4):
        worked |= {f"q{number}_duration": 90, f"q{number}_unit": "J", f"q{number}_amount": quarter}
    return {
        "nss": nss,
        "last_name": "BENALI",
        "first_name": "SAMIRA",
        "birth_date": f"19{nss[:2]}-05-12",
        "entry_date": "2020-03-01",
        "annual_amount": 4 * quarter,
        **worked,
    }
