"""Going back to a former revision, over HTTP with a real worker."""

from pathlib import Path
from typing import Any

from payroll.payroll_desk import WORKBOOKS, Desk

BY_HAND = WORKBOOKS / "annual-2025-kept-by-hand.xlsx"
CLEAN = WORKBOOKS / "annual-2025-kept-by-hand-clean.xlsx"


async def lines_of(desk: Desk, draft: Any) -> list[Any]:
    page: list[Any] = (await desk.get(f"/v1/drafts/{id_of(draft)}/lines", limit=500))["items"]
    return page


async def revisions_of(desk: Desk, draft: Any) -> list[Any]:
    """The oldest first."""
    page: list[Any] = (await desk.get(f"/v1/drafts/{id_of(draft)}/revisions"))["items"]
    return page[::-1]


def id_of(draft: Any) -> str:
    found: str = draft["summary"]["draft_id"]
    return found


async def mend(desk: Desk, draft: Any, *changes: dict[str, Any]) -> Any:
    """Correct lines; the draft once it is checked."""
    answer = await desk.client.patch(
        f"/v1/drafts/{id_of(draft)}/lines",
        json={"revision": draft["summary"]["revision"], "lines": list(changes)},
    )
    assert answer.status_code == 200, answer.text
    return await desk.draft(id_of(draft))


async def go_back(desk: Desk, draft: Any, to: int) -> Any:
    answer = await desk.client.post(
        f"/v1/drafts/{id_of(draft)}/return", json={"revision": draft["summary"]["revision"], "to": to}
    )
    assert answer.status_code == 200, answer.text
    return await desk.draft(id_of(draft))


async def opened(desk: Desk, file: Path = BY_HAND) -> Any:
    """A draft of its own that stands on this file."""
    for draft in await desk.get("/v1/drafts", status="open"):
        await desk.client.delete(f"/v1/drafts/{draft['draft_id']}")
    return await desk.upload(file, year=2025)


async def test_a_correction_is_a_revision_and_can_be_undone_and_done_again(alice: Desk) -> None:
    draft = await opened(alice)
    first, as_read = await lines_of(alice, draft), await alice.findings(draft)
    mended = await mend(alice, draft, {"line_number": 1, "last_name": "OTHER"}, {"line_number": 2, "left_out": True})
    file, mending = await revisions_of(alice, mended)
    assert (file["kind"], file["filename"], file["present"]) == ("file", BY_HAND.name, False)
    assert (mending["kind"], mending["lines_changed"], mending["present"]) == ("mend", 2, True)

    undone = await go_back(alice, mended, file["revision"])
    assert await lines_of(alice, undone) == first
    assert codes(await alice.findings(undone)) == codes(as_read)
    again = await go_back(alice, undone, mending["revision"])
    assert (await lines_of(alice, again))[0]["last_name"] == "OTHER"
    returns = (await revisions_of(alice, again))[2:]
    assert [(one["kind"], one["returned_to"], one["lines_changed"]) for one in returns] == [
        ("return", file["revision"], 2),
        ("return", mending["revision"], 2),
    ]


def codes(findings: list[Any]) -> list[tuple[Any, ...]]:
    return sorted((one["line_number"] or 0, one["code"], one["field"] or "") for one in findings)


async def test_what_a_revision_changed_is_shown_line_by_line(alice: Desk) -> None:
    draft = await opened(alice)
    former = (await lines_of(alice, draft))[0]["last_name"]
    once = await mend(alice, draft, {"line_number": 1, "last_name": "ONCE"})
    twice = await mend(alice, once, {"line_number": 1, "last_name": "TWICE", "left_out": True})
    _, first, second = await revisions_of(alice, twice)
    path = f"/v1/drafts/{id_of(draft)}/revisions"
    [line] = (await alice.get(f"{path}/{first['revision']}/lines"))["items"]
    assert line["changes"] == [{"field": "last_name", "before": former, "after": "ONCE"}]
    [line] = (await alice.get(f"{path}/{second['revision']}/lines"))["items"]
    assert line["changes"] == [
        {"field": "last_name", "before": "ONCE", "after": "TWICE"},
        {"field": "left_out", "before": False, "after": True},
    ]


async def test_where_no_line_changed_in_place_the_lines_are_shown_as_they_stood(alice: Desk) -> None:
    draft = await opened(alice)
    as_read = await lines_of(alice, draft)
    mended = await mend(alice, draft, {"line_number": 1, "last_name": "ONCE"}, {"line_number": 3, "left_out": True})
    as_mended = await lines_of(alice, mended)
    confirmed = await alice.confirm_all(mended)
    later = await mend(alice, confirmed, {"line_number": 1, "last_name": "LATER"})
    file, mending, _ = await revisions_of(alice, later)
    path = f"/v1/drafts/{id_of(draft)}/revisions"

    async def stood(revision: int, **page: int) -> list[Any]:
        items: list[Any] = (await alice.get(f"{path}/{revision}/lines", **{"limit": 500, **page}))["items"]
        assert all(item["changes"] == [] for item in items)
        return [item["line"] for item in items]

    assert await stood(file["revision"]) == as_read
    between = confirmed["summary"]["revision"]
    assert between > mending["revision"] and await stood(between) == as_mended
    assert await stood(between, limit=2, after=1) == as_mended[1:3]
    [first, third] = (await alice.get(f"{path}/{mending['revision']}/lines"))["items"]
    assert (first["line"], third["line"]) == (as_mended[0], as_mended[2])
    assert (await alice.client.get(f"{path}/{later['summary']['revision'] + 1}/lines")).status_code == 404


async def test_findings_that_go_and_come_back_are_told(alice: Desk) -> None:
    draft = await opened(alice, CLEAN)
    told_of = {one["line_number"] for one in await alice.findings(draft)}
    line = next(line for line in await lines_of(alice, draft) if line["line_number"] not in told_of)
    number, amount = line["line_number"], line["q1_amount"]
    wrong = await mend(alice, draft, {"line_number": number, "q1_amount": -5})
    right = await mend(alice, wrong, {"line_number": number, "q1_amount": amount})
    assert [count for count in right["findings"] if count["back"]] == []
    wrong_again = await mend(alice, right, {"line_number": number, "q1_amount": -5})
    told = [revision["findings"] for revision in await revisions_of(alice, wrong_again)][1:]
    assert [sorted(kind for kind, count in each.items() if count) for each in told] == [["new"], ["gone"], ["back"]]
    back = await alice.findings(wrong_again, back="true")
    assert {one["code"] for one in back} >= {"amount_negative"}
    assert all(one["back"] and one["line_number"] == number for one in back)
    assert sum(count["back"] for count in wrong_again["findings"]) == len(back)


async def test_findings_are_paged_in_the_order_of_the_file_after_a_correction(alice: Desk) -> None:
    draft = await opened(alice)
    mended = await mend(alice, draft, {"line_number": 3, "q1_amount": -5, "last_name": None})
    found = await alice.findings(mended, limit=2)
    places = [one["line_number"] or 0 for one in found]
    assert places == sorted(places) and places.count(3) > 1
    assert len(found) == sum(count["count"] for count in mended["findings"])


async def test_a_return_names_the_revision_it_saw_and_one_that_was(alice: Desk) -> None:
    draft = await opened(alice)
    seen = draft["summary"]["revision"]
    path = f"/v1/drafts/{id_of(draft)}/return"
    assert (await alice.client.post(path, json={"revision": seen + 1, "to": seen})).status_code == 409
    answer = await alice.client.post(path, json={"revision": seen, "to": seen + 5})
    assert (answer.status_code, answer.json()["pointer"]) == (404, "/to")
    assert (await alice.client.post(path, json={"revision": seen, "to": -1})).status_code == 404


async def test_a_return_goes_behind_a_new_file(alice: Desk) -> None:
    draft = await opened(alice)
    mended = await mend(alice, draft, {"line_number": 1, "last_name": "MENDED"})
    standing = await lines_of(alice, mended)
    *_, at_first = await revisions_of(alice, mended)
    await alice.read(await alice.send(CLEAN, year=2025))
    second = await accepted(alice, await alice.draft(id_of(draft)))
    assert [one["last_name"] for one in await lines_of(alice, second)].count("MENDED") == 0
    assert (await revisions_of(alice, second))[-1]["findings"]["gone"] > 0

    back = await go_back(alice, second, at_first["revision"])
    assert await lines_of(alice, back) == standing
    assert back["progress"]["status"] == "checked"
    told = (await revisions_of(alice, back))[-1]["findings"]
    assert told["back"] > 0 and told["new"] == 0
    assert sum(count["back"] for count in back["findings"]) >= told["back"]


async def accepted(desk: Desk, draft: Any) -> Any:
    """The draft once the changes of its new file are reviewed and accepted."""
    path = f"/v1/drafts/{id_of(draft)}/review"
    answer = await desk._until(lambda: desk.client.get(path), lambda found: found.is_success and _ready(found.json()))
    decision = {"review_id": answer.json()["review_id"], "decision": "accept"}
    done = await desk.client.post(f"{path}/decision", json=decision)
    assert done.is_success, done.text
    return await desk.draft(id_of(draft))


def _ready(review: Any) -> bool:
    return bool(review["status"] == "ready")
