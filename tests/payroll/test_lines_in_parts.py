"""Lines sent by REST in parts: in any order, again, in another number of parts, at once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import msgspec
import pytest

from payroll.payroll_desk import WORKBOOKS, Desk
from payroll.test_annual_chain import line

DeskOf = Callable[[str], Awaitable[Desk]]


class Series:
    """A draft to which parts are sent, each a few lines of people named after the part."""

    def __init__(self, desk: Desk, draft_id: str) -> None:
        self.desk, self.draft_id = desk, draft_id

    async def send(self, part: int, parts: int, *, name: str | None = None, lines: int = 2) -> Any:
        answer = await self.post(part, parts, name=name, lines=lines)
        assert answer.status_code == 202, answer.text
        return answer.json()

    async def post(self, part: int, parts: int, *, name: str | None = None, lines: int = 2) -> httpx.Response:
        sent = [line(f"80{part:05d}{number:03d}12", 15_000_000) for number in range(lines)]
        sent = [one | {"last_name": name or "ABCDEFGH"[part] * 4} for one in sent]
        body = {"lines": sent, "part": part, "parts": parts}
        return await self.desk.client.post(f"/v1/drafts/{self.draft_id}/lines", json=body)

    async def names(self) -> list[str]:
        """The last names of the draft's lines, in their order, once it is checked and its changes are accepted."""
        await self.desk.accept(await self.desk.draft(self.draft_id))
        page = await self.desk.get(f"/v1/drafts/{self.draft_id}/lines", limit=500)
        return [one["last_name"] for one in page["items"]]

    async def obstacles(self) -> list[tuple[str, int]]:
        draft = await self.desk.get(f"/v1/drafts/{self.draft_id}")
        return [(obstacle["code"], obstacle["count"]) for obstacle in draft["obstacles"]]


@pytest.fixture
async def series(desk_of: DeskOf) -> Series:
    desk = await desk_of("1655500001")
    opened = await desk.client.post("/v1/drafts", json={"year": 2025})
    return Series(desk, opened.json()["draft_id"])


async def test_parts_in_any_order_are_checked_once_all_are_there_and_put_in_order(series: Series) -> None:
    for part in (3, 1):
        assert (await series.send(part, 3))["progress"] is None
    assert await series.obstacles() == [("parts-missing", 1)]
    whole = await series.send(2, 3)
    assert (whole["part"], whole["parts"], whole["progress"]["status"]) == (2, 3, "waiting")
    assert await series.names() == ["BBBB", "BBBB", "CCCC", "CCCC", "DDDD", "DDDD"]


async def test_the_missing_parts_are_named(series: Series) -> None:
    await series.send(2, 4)
    draft = await series.desk.get(f"/v1/drafts/{series.draft_id}")
    assert "1, 3, 4" in draft["obstacles"][0]["message"]


async def test_a_part_sent_again_takes_the_place_of_the_former_one(series: Series) -> None:
    for part in (1, 2, 2):
        await series.send(part, 3)
    await series.send(2, 3, name="AGAIN", lines=1)
    await series.send(3, 3)
    assert await series.names() == ["BBBB", "BBBB", "AGAIN", "DDDD", "DDDD"]
    await series.send(1, 3, name="LATER")
    assert await series.names() == ["LATER", "LATER", "AGAIN", "DDDD", "DDDD"]


async def test_another_number_of_parts_begins_anew(series: Series) -> None:
    for part in (1, 2, 3, 4, 5):
        await series.send(part, 5)
    assert len(await series.names()) == 10
    for part in (1, 2, 3):
        await series.send(part, 3, lines=1)
    assert await series.names() == ["BBBB", "CCCC", "DDDD"]
    assert (await series.send(5, 5))["progress"] is None, "the five of before are not taken up again"
    assert await series.obstacles() == [("parts-missing", 4)]


async def test_a_file_between_begins_anew(series: Series) -> None:
    await series.send(1, 2)
    await series.desk.upload(WORKBOOKS / "annual-2025-kept-by-hand-clean.xlsx", draft_id=series.draft_id)
    assert (await series.send(2, 2))["progress"] is None


async def test_nothing_is_filed_while_parts_are_missing(series: Series) -> None:
    await series.send(1, 1)
    draft = await series.desk.confirm_all(await series.desk.draft(series.draft_id))
    await series.send(1, 2)
    refused = await series.desk.file(draft)
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "draft-not-checked")


async def test_parts_that_arrive_at_once_are_checked(series: Series) -> None:
    sent = await asyncio.gather(*(series.send(part, 6, lines=1) for part in (1, 2, 3, 4, 5, 6)))
    assert sum(upload["progress"] is not None for upload in sent) == 1
    assert await series.names() == ["BBBB", "CCCC", "DDDD", "EEEE", "FFFF", "GGGG"]


async def test_the_last_part_sent_twice_at_once_is_checked(series: Series) -> None:
    await series.send(1, 2)
    twice = await asyncio.gather(*(series.send(2, 2) for _ in range(2)))
    for upload in twice:
        assert (await series.desk.read(upload))["progress"]["status"] == "checked"
    assert await series.names() == ["BBBB", "BBBB", "CCCC", "CCCC"]


@pytest.mark.parametrize(("part", "parts"), [(3, 2), (0, 2), (1, 0), (1, 10_001)])
async def test_a_part_that_its_series_does_not_have_is_malformed(series: Series, part: int, parts: int) -> None:
    refused = await series.post(part, parts)
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (422, "malformed")


async def test_more_lines_than_a_declaration_may_have_are_told(series: Series, worker: dict[str, Any]) -> None:
    generous = worker["settings"]
    worker["settings"] = msgspec.structs.replace(generous, declaration_lines_max=5)
    try:
        for part in (1, 2, 3):
            sent = await series.send(part, 3)
        upload = await series.desk.read(sent)
    finally:
        worker["settings"] = generous
    assert upload["progress"]["unreadable"]["code"] == "too-many-lines"
    assert "5" in upload["progress"]["unreadable"]["message"]
