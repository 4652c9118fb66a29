"""A later file counts once someone has seen what it changes, and nobody goes away in silence."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from payroll.payroll_desk import WORKBOOKS, Desk
from payroll.test_annual_chain import file_lines, line, send_lines
from payroll.test_jobs_twice import employer_of
from payroll.test_mapping_by_hand import FIELDS, PEOPLE, by_hand, put, workbook
from schemas.actors import job
from teledeclaration.database import Pool, transaction
from workers.review_changes import review_changes
from workers.sweep import sweep

DeskOf = Callable[[str], Awaitable[Desk]]

SAMIRA = line("850512345678", 6_000_000)
KARIM = line("860999345601", 7_000_000) | {"last_name": "HADDAD", "first_name": "KARIM"}
NADIA = line("900999345688", 8_000_000) | {"last_name": "ZERROUKI", "first_name": "NADIA"}
CLEAN = WORKBOOKS / "annual-2025-kept-by-hand-clean.xlsx"


@pytest.fixture
async def desk(desk_of: DeskOf) -> Desk:
    return await desk_of("1655500077")


def raised(sent: dict[str, Any], centimes: int) -> dict[str, Any]:
    return sent | {
        "q1_amount": sent["q1_amount"] + centimes,
        "annual_amount": sent["annual_amount"] + centimes,
    }


async def changes(desk: Desk, draft: Any, **params: Any) -> list[Any]:
    items: list[Any] = (await desk.get(f"/v1/drafts/{draft['summary']['draft_id']}/review/changes", **params))["items"]
    return items


async def names(desk: Desk, draft: Any) -> list[str]:
    page = await desk.get(f"/v1/drafts/{draft['summary']['draft_id']}/lines")
    return [one["last_name"] for one in page["items"]]


def obstacles(draft: Any) -> list[str]:
    return [obstacle["code"] for obstacle in draft["obstacles"]]


def problem(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


async def test_the_first_lines_count_at_once(desk: Desk) -> None:
    draft = await send_lines(desk, [SAMIRA, KARIM])
    assert draft["review"] is None
    assert draft["line_count"] == 2
    assert (await desk.client.get(f"/v1/drafts/{draft['summary']['draft_id']}/review")).status_code == 404


async def test_later_lines_are_told_field_by_field_and_count_once_accepted(desk: Desk) -> None:
    await send_lines(desk, [SAMIRA, KARIM])
    draft = await send_lines(desk, [raised(SAMIRA, 1_000_000), NADIA])
    assert await names(desk, draft) == ["BENALI", "HADDAD"]
    assert "review-waiting" in obstacles(draft)
    assert problem(await desk.file(draft)) == (409, "draft-not-ready")

    review = await desk.review(draft)
    assert review["status"] == "ready"
    assert review["counts"] == {"absent": 1, "close": 0, "new": 1, "changed": 1, "unchanged": 0}
    absent, new, changed = await changes(desk, draft)
    assert (absent["kind"], absent["last_name"], absent["difference"]) == ("absent", "HADDAD", -28_000_000)
    assert (new["kind"], new["last_name"], new["difference"]) == ("new", "ZERROUKI", 32_000_000)
    assert changed["fields"] == {
        "q1_amount": {"before": 6_000_000, "after": 7_000_000},
        "annual_amount": {"before": 24_000_000, "after": 25_000_000},
    }
    effect = review["effect"]
    assert effect["people"] == {"before": 2, "after": 2}
    assert effect["quarters"][0] == {"before": 13_000_000, "after": 15_000_000}
    assert effect["base"] == {"before": 52_000_000, "after": 57_000_000}
    assert effect["lines_with_errors"] == {"before": 0, "after": 0}
    # 35 % of the base in all, of which the employee pays 9 % (reference table of section 1)
    assert effect["contributions"] == {"before": 18_200_000, "after": 19_950_000}
    employee = next(payer for payer in effect["payers"] if payer["payer"] == "employee")
    assert (employee["before"], employee["after"]) == (4_680_000, 5_130_000)

    draft = await desk.accept(draft)
    assert await names(desk, draft) == ["BENALI", "ZERROUKI"]
    assert draft["review"]["status"] == "accepted"
    assert draft["review"]["decided_by"] == "Nadia"
    filed = await desk.file(await desk.confirm_all(draft))
    assert filed.json()["totals"]["annual"] == 57_000_000


async def test_a_refused_file_changes_nothing_and_can_be_sent_again(desk: Desk) -> None:
    draft = await desk.upload(CLEAN, year=2025)
    draft_id = draft["summary"]["draft_id"]
    before = await names(desk, draft)
    draft = await desk.upload(WORKBOOKS / "annual-2025-exported-clean.ods", draft_id=draft_id)
    assert (await desk.decide(draft, "refuse")).status_code == 200
    draft = await desk.draft(draft_id)
    assert "review-waiting" not in obstacles(draft)
    assert draft["review"]["status"] == "refused"
    assert draft["review"]["filename"] == "annual-2025-exported-clean.ods"
    assert await names(desk, draft) == before
    assert problem(await desk.decide(draft, "accept")) == (409, "review-decided")

    again = await desk.upload(WORKBOOKS / "annual-2025-exported-clean.ods", draft_id=draft_id)
    assert "review-waiting" in obstacles(again)
    assert len(await desk.get("/v1/uploads")) == 3


async def test_the_very_same_lines_need_no_review(desk: Desk, tmp_path: Path) -> None:
    draft = await desk.upload(CLEAN, year=2025)
    book = openpyxl.load_workbook(CLEAN)
    book.properties.title = "saved again"
    book.save(tmp_path / "again.xlsx")
    again = await desk.upload(tmp_path / "again.xlsx", draft_id=draft["summary"]["draft_id"])
    assert again["review"] is None
    assert again["summary"]["revision"] == draft["summary"]["revision"] + 1
    assert "review-waiting" not in obstacles(again)


async def test_the_same_file_sent_again_while_it_is_offered_is_the_same_upload(desk: Desk) -> None:
    draft = await send_lines(desk, [SAMIRA])
    draft_id = draft["summary"]["draft_id"]
    first = await desk.upload(CLEAN, draft_id=draft_id)
    await desk.upload(CLEAN, draft_id=draft_id)
    assert len(await desk.get("/v1/uploads")) == 2
    assert (await desk.review(first))["status"] == "ready"


async def test_lines_mended_meanwhile_have_the_changes_compared_again(desk: Desk) -> None:
    draft = await send_lines(desk, [SAMIRA, KARIM])
    draft_id = draft["summary"]["draft_id"]
    draft = await send_lines(desk, [SAMIRA, NADIA])
    seen = await desk.review(draft)
    mended = await desk.client.patch(
        f"/v1/drafts/{draft_id}/lines", json={"lines": [{"line_number": 1, "first_name": "SAMRA"}]}
    )
    assert mended.status_code == 200, mended.text
    draft = await desk.draft(draft_id)
    assert draft["review"]["status"] == "outdated"

    refused = await desk.decide(draft, "accept")
    assert problem(refused) == (409, "review-outdated")
    again = await desk.review(draft)
    assert again["review_id"] == refused.json()["values"]["review_id"] != seen["review_id"]
    assert (seen["counts"]["unchanged"], again["counts"]["changed"]) == (1, 1)
    assert await names(desk, await desk.accept(draft)) == ["BENALI", "ZERROUKI"]


async def test_a_third_file_takes_the_place_of_the_second(desk: Desk) -> None:
    await send_lines(desk, [SAMIRA])
    second = await desk.review(await send_lines(desk, [SAMIRA, KARIM]))
    draft = await send_lines(desk, [SAMIRA, NADIA])
    third = await desk.review(draft)
    assert third["review_id"] != second["review_id"]
    answer = await desk.client.post(
        f"/v1/drafts/{draft['summary']['draft_id']}/review/decision",
        json={"review_id": second["review_id"], "decision": "accept"},
    )
    assert problem(answer) == (409, "review-outdated")
    assert await names(desk, await desk.accept(draft)) == ["BENALI", "ZERROUKI"]


async def test_a_line_left_out_that_comes_back_is_told(desk: Desk) -> None:
    draft = await send_lines(desk, [SAMIRA, KARIM])
    draft_id = draft["summary"]["draft_id"]
    left_out = {"lines": [{"line_number": 2, "left_out": True}]}
    assert (await desk.client.patch(f"/v1/drafts/{draft_id}/lines", json=left_out)).status_code == 200
    await desk.draft(draft_id)
    draft = await send_lines(desk, [SAMIRA, KARIM])
    assert (await desk.review(draft))["counts"]["new"] == 1
    (back,) = await changes(desk, draft)
    assert (back["last_name"], back["fields"]) == ("HADDAD", {"left_out": {"before": True, "after": False}})


async def test_someone_written_in_arabic_without_a_number_is_asked_about(desk: Desk) -> None:
    await send_lines(desk, [SAMIRA, KARIM])
    arabic = SAMIRA | {"nss": None, "last_name": "بن علي", "first_name": "سميرة"}
    draft = await send_lines(desk, [arabic, KARIM])
    draft_id = draft["summary"]["draft_id"]
    assert (await desk.review(draft))["counts"] == {"absent": 0, "close": 1, "new": 0, "changed": 0, "unchanged": 1}
    (close,) = await changes(desk, draft, kind="close")
    assert close["score"] > 90
    assert close["fields"]["last_name"] == {"before": "BENALI", "after": "بن علي", "how": "script"}
    assert close["fields"]["nss"] == {"before": "850512345678", "how": "missing"}

    said = await desk.client.put(f"/v1/drafts/{draft_id}/review/changes/{close['change']}", json={"same_person": False})
    assert said.json()["counts"] == {"absent": 1, "close": 0, "new": 1, "changed": 0, "unchanged": 1}
    assert (await changes(desk, draft, kind="close"))[0]["same_person"] is False
    absent = await desk.client.put(f"/v1/drafts/{draft_id}/review/changes/9", json={"same_person": True})
    assert absent.status_code == 404


async def test_a_replacement_is_filed_once_its_changes_are_accepted(desk: Desk) -> None:
    first = await file_lines(desk, [SAMIRA, KARIM, NADIA])
    await desk.assessment(first)
    draft = await send_lines(desk, [raised(SAMIRA, 1_000_000), KARIM], type="R", replaces=first["declaration_id"])
    draft_id = draft["summary"]["draft_id"]
    assert "changes-not-reviewed" in obstacles(draft)
    draft = await desk.confirm_all(draft)
    assert problem(await desk.file(draft)) == (409, "draft-not-ready")

    review = await desk.review(draft)
    assert (review["base"], review["counts"]["absent"], review["counts"]["changed"]) == ("declaration", 1, 1)
    before, after = 84_000_000 * 35 // 100, 53_000_000 * 35 // 100
    assert review["effect"]["contributions"] == {"before": before, "after": after}
    draft = await desk.accept(draft)

    await desk.client.patch(f"/v1/drafts/{draft_id}/lines", json={"lines": [{"line_number": 2, "observation": "x"}]})
    draft = await desk.draft(draft_id)
    assert "changes-not-reviewed" in obstacles(draft), "they were accepted as they were"
    filed = await desk.file(await desk.confirm_all(await desk.accept(draft)))
    assert filed.status_code == 201, filed.text
    assessment = await desk.assessment(filed.json())
    assert assessment["difference"] == after - before


async def test_leaving_errors_out_takes_nobody_of_a_replaced_declaration_away(desk: Desk) -> None:
    first = await file_lines(desk, [SAMIRA, KARIM])
    wrong = {"exit_date": "2019-01-01"}
    draft = await send_lines(desk, [SAMIRA, KARIM | wrong, NADIA | wrong], type="R", replaces=first["declaration_id"])
    draft_id = draft["summary"]["draft_id"]
    draft = await desk.confirm_all(await desk.accept(draft))
    refused = await desk.file(draft, leave_out_errors=True)
    assert problem(refused) == (409, "draft-not-ready")
    assert refused.json()["values"]["obstacles"] == "left-out-not-reviewed"

    await desk.client.patch(f"/v1/drafts/{draft_id}/lines", json={"lines": [{"line_number": 2, "left_out": True}]})
    draft = await desk.draft(draft_id)
    await desk.client.post(f"/v1/drafts/{draft_id}/reviews")
    assert (await desk.review(draft))["counts"]["absent"] == 1
    (absent,) = await changes(desk, draft, kind="absent")
    assert absent["fields"] == {"left_out": {"before": False, "after": True}}
    draft = await desk.confirm_all(await desk.accept(draft))
    filed = await desk.file(draft, leave_out_errors=True)
    assert filed.status_code == 201, filed.text
    assert (filed.json()["line_count"], filed.json()["left_out_count"]) == (1, 2)


async def test_there_is_nothing_to_review_in_a_draft_of_one_file(desk: Desk) -> None:
    draft = await send_lines(desk, [SAMIRA])
    answer = await desk.client.post(f"/v1/drafts/{draft['summary']['draft_id']}/reviews")
    assert problem(answer) == (409, "nothing-to-review")


async def test_a_decision_names_the_revision_it_saw(desk: Desk) -> None:
    await send_lines(desk, [SAMIRA])
    draft = await send_lines(desk, [SAMIRA, KARIM])
    assert problem(await desk.decide(draft, "accept", revision=1_000)) == (409, "draft-moved")
    assert (await desk.decide(draft, "accept", revision=draft["summary"]["revision"])).status_code == 200


async def test_two_who_accept_at_once_accept_once(desk: Desk) -> None:
    await send_lines(desk, [SAMIRA])
    draft = await send_lines(desk, [SAMIRA, KARIM])
    await desk.review(draft)
    both = await asyncio.gather(desk.decide(draft, "accept"), desk.decide(draft, "accept"))
    assert sorted(answer.status_code for answer in both) == [200, 409]


async def test_a_comparison_that_ended_is_not_made_again_and_a_lost_one_is_found(
    desk: Desk, worker: dict[str, Any], pool: Pool
) -> None:
    first = await file_lines(desk, [SAMIRA])
    employer_id = await employer_of(pool, first["declaration_id"])
    draft = await send_lines(desk, [SAMIRA, KARIM], type="R", replaces=first["declaration_id"])
    review = await desk.review(draft)
    assert await review_changes(worker, employer_id, review["review_id"]) is False
    async with transaction(pool, job("test", employer_id)) as connection:
        await connection.execute(
            f"UPDATE reviews SET status = 'waiting', attempt = 0 WHERE employer_id = {employer_id}"
        )
    await sweep(worker)
    again = await desk.review(draft)
    assert (again["status"], again["counts"]) == ("ready", review["counts"])
    assert len(await changes(desk, draft)) == 1


async def test_a_foreign_employer_sees_no_review(desk: Desk, charlie: Desk) -> None:
    await send_lines(desk, [SAMIRA])
    draft = await send_lines(desk, [SAMIRA, KARIM])
    review = await desk.review(draft)
    path = f"/v1/drafts/{draft['summary']['draft_id']}"
    assert (await charlie.client.get(f"{path}/review")).status_code == 404
    assert (await charlie.client.get(f"{path}/review/changes")).status_code == 404
    assert (await charlie.client.post(f"{path}/reviews")).status_code == 404
    decision = {"review_id": review["review_id"], "decision": "accept"}
    assert (await charlie.client.post(f"{path}/review/decision", json=decision)).status_code == 404


async def test_another_mapping_of_a_file_is_reviewed_once_its_lines_were_mended(desk: Desk, tmp_path: Path) -> None:
    headers = ["NSS", "Nom", "Prénom", "Né le", "Date d'entrée", "Durée T1", "Montant T1"]
    draft = await desk.upload(workbook(tmp_path, "etat.xlsx", [headers, *[p[:7] for p in PEOPLE]]), year="2025")
    draft_id = draft["summary"]["draft_id"]
    columns = dict(zip("ABCDEFG", FIELDS, strict=False))
    await put(desk, draft_id, by_hand(1, columns=columns, amounts_in="dinars"))
    assert "review-waiting" not in obstacles(await desk.draft(draft_id)), "nothing could be lost"

    change = {"lines": [{"line_number": 1, "observation": "mended"}]}
    assert (await desk.client.patch(f"/v1/drafts/{draft_id}/lines", json=change)).status_code == 200
    await desk.draft(draft_id)
    await put(desk, draft_id, by_hand(1, columns=columns, amounts_in="centimes"))
    draft = await desk.draft(draft_id)
    assert "review-waiting" in obstacles(draft)
    assert (await desk.review(draft))["counts"]["changed"] == len(PEOPLE)
    draft = await desk.accept(draft)
    kinds = [one["kind"] for one in (await desk.get(f"/v1/drafts/{draft_id}/revisions"))["items"]]
    assert kinds == ["mapping", "mend", "mapping", "file"]
