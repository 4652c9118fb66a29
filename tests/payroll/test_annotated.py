"""The annotated workbook over HTTP: downloaded, mended, and sent again."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import openpyxl

from payroll.payroll_desk import WORKBOOKS, Desk

DeskOf = Callable[[str], Awaitable[Desk]]

EXPORTED = WORKBOOKS / "annual-2025-exported.xlsx"
NUMBER = "0924584219"


async def given_back(desk: Desk, draft: Any) -> httpx.Response:
    answer = await desk.client.get(f"/v1/drafts/{draft['summary']['draft_id']}/annotated.xlsx")
    assert answer.status_code == 200, answer.text
    return answer


def places(findings: list[Any]) -> list[tuple[Any, ...]]:
    return [(one["code"], one["row"], one["column"], one["seen"]) for one in findings]


async def test_it_is_streamed_under_the_name_of_the_file(desk_of: DeskOf) -> None:
    desk = await desk_of(NUMBER)
    answer = await given_back(desk, await desk.upload(EXPORTED, year=2025))
    assert answer.headers["content-type"] == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert "annual-2025-exported-annotated.xlsx" in answer.headers["content-disposition"]
    assert int(answer.headers["content-length"]) == len(answer.content)


async def test_sent_again_as_it_is_or_mended_only_what_was_mended_is_another(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of(NUMBER)
    draft = await desk.upload(EXPORTED, year=2025)
    said = places(await desk.findings(draft))
    place = tmp_path / "rendu.xlsx"
    place.write_bytes((await given_back(desk, draft)).content)
    again = await desk.upload(place, year=2025)
    assert again["summary"]["draft_id"] == draft["summary"]["draft_id"]
    assert places(await desk.findings(again)) == said
    workbook = openpyxl.load_workbook(place)
    sheet = workbook["DAS 2025"]
    mended = {"H1795": 90, "F635": "J", "Q1533": 336_000}
    for cell, value in mended.items():
        sheet[cell].value = value
    workbook.save(place)
    left = places(await desk.findings(await desk.accept(await desk.upload(place, year=2025))))
    gone = [one for one in said if one not in left]
    assert {f"{column}{row}" for _, row, column, _ in gone} == set(mended)
    assert [one for one in left if one not in said] == []
