"""What cannot be declared: a clear word, nothing lost, nothing else delayed."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from intake import hostile_files

from payroll.payroll_desk import WORKBOOKS, Desk

DeskOf = Callable[[str], Awaitable[Desk]]

FILES: dict[str, tuple[str, bytes]] = {
    "nothing": ("empty.xlsx", b""),
    "random bytes": ("noise.xlsx", bytes(range(256)) * 40),
    "a web page": ("table.xls", b"<html><body><table><tr><td>1</td></tr></table></body></html>"),
    "a picture": ("photo.xlsx", b"\x89PNG\r\n\x1a\n" + b"\0" * 2000),
    "a password": ("secret.xlsx", hostile_files.encrypted_workbook()),
    "a cell at the far end": ("sparse.xlsx", hostile_files.sparse_cell()),
    "a zip bomb": ("bomb.xlsx", hostile_files.zip_bomb(5_000_000_000)),
    "a zip that lies about its size": ("liar.xlsx", hostile_files.zip_bomb(2_000_000_000, claimed=10_000)),
    "an entity bomb": ("laughs.xlsx", hostile_files.billion_laughs()),
    "only a header": ("header.csv", "N° SS;Nom;Prénom;Date de naissance;Montant T1\n".encode()),
    "no column we know": ("menu.csv", b"plat;prix\ncouscous;500\ntajine;600\n"),
    "movements": ("movements-2025.xls", (WORKBOOKS / "movements-2025.xls").read_bytes()),
}


@pytest.mark.parametrize("what", FILES)
async def test_an_unreadable_file_is_told_why_within_ten_seconds_and_kept(what: str, desk_of: DeskOf) -> None:
    desk = await desk_of("1647091706")
    name, content = FILES[what]
    started = time.monotonic()
    sent = await desk.client.post("/v1/uploads", files={"file": (name, content)}, data={"year": "2025"})
    upload = await desk.read(sent.json())
    assert upload["progress"]["status"] == "unreadable", upload
    assert len(upload["progress"]["unreadable"]["message"]) > 20
    assert time.monotonic() - started < 10
    kept = await desk.client.get(f"/v1/uploads/{upload['upload_id']}/file")
    assert kept.content == content
    draft = await desk.get(f"/v1/drafts/{upload['draft_id']}")
    assert [obstacle["code"] for obstacle in draft["obstacles"]] == ["unreadable"]


async def test_a_good_file_after_a_bad_one_is_read(desk_of: DeskOf) -> None:
    desk = await desk_of("0924584219")
    bomb = await desk.client.post("/v1/uploads", files={"file": FILES["a zip bomb"]}, data={"year": "2025"})
    await desk.read(bomb.json())
    draft = await desk.upload(WORKBOOKS / "annual-2025-kept-by-hand-clean.xlsx", year=2025)
    assert (draft["line_count"], draft["lines_with_errors"]) == (31, 0)


async def test_small_files_are_read_while_a_hostile_one_is(desk_of: DeskOf) -> None:
    desks = [await desk_of(number) for number in ("1647091706", "0924584219")]
    await desks[0].client.post("/v1/uploads", files={"file": FILES["a zip that lies about its size"]})
    started = time.monotonic()
    draft = await desks[1].upload(WORKBOOKS / "annual-2025-kept-by-hand-clean.xlsx", year=2025)
    assert draft["line_count"] == 31
    assert time.monotonic() - started < 10


async def test_more_lines_than_the_limit_are_refused(desk_of: DeskOf, worker: dict[str, Any]) -> None:
    import msgspec

    generous = worker["settings"]
    worker["settings"] = msgspec.structs.replace(generous, workbook_lines_max=20)
    try:
        desk = await desk_of("0924584219")
        upload = await desk.read(await desk.send(WORKBOOKS / "annual-2025-kept-by-hand-clean.xlsx", year=2025))
    finally:
        worker["settings"] = generous
    assert upload["progress"]["unreadable"]["code"] == "too-many-lines"


async def test_another_year_and_another_employer_are_errors_of_the_whole_file(desk_of: DeskOf) -> None:
    desk = await desk_of("1699999999")
    draft = await desk.upload(WORKBOOKS / "annual-2025-kept-by-hand-clean.xlsx", year=2024)
    codes = {obstacle["code"] for obstacle in draft["obstacles"]}
    assert {"other_year", "other_employer"} <= codes
    refused = await desk.file(await desk.confirm_all(draft), leave_out_errors=True)
    assert refused.status_code == 409


@pytest.mark.parametrize(
    ("path", "sent", "problem"),
    [
        ("/v1/drafts", {"year": 2026}, "year-not-over"),
        ("/v1/drafts", {"year": 2025, "centre": "99999"}, "centre-needed"),
        ("/v1/drafts", {"year": 2025, "type": "C"}, "declaration-type-mismatch"),
        ("/v1/drafts", {"year": 2025, "type": "R"}, "declaration-type-mismatch"),
        ("/v1/drafts", {"year": "soon"}, "malformed"),
        ("/v1/drafts", {"yaer": 2025}, "malformed"),
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused_by_name(path: str, sent: Any, problem: str, alice: Desk) -> None:
    answer = await alice.client.post(path, json=sent)
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"].rpartition("/")[2] == problem
    assert answer.headers["content-type"].startswith("application/problem+json")


async def test_a_correction_on_an_old_revision_is_refused(desk_of: DeskOf) -> None:
    desk = await desk_of("1647091706")
    draft = await desk.upload(WORKBOOKS / "annual-2025-kept-by-hand.xlsx", year=2025)
    path = f"/v1/drafts/{draft['summary']['draft_id']}/lines"
    change = {"lines": [{"line_number": 1, "last_name": "AMRANI"}], "revision": draft["summary"]["revision"]}
    assert (await desk.client.patch(path, json=change)).status_code == 200
    await desk.draft(draft["summary"]["draft_id"])
    late = await desk.client.patch(path, json=change)
    assert (late.status_code, late.json()["type"].rpartition("/")[2]) == (409, "draft-moved")
    assert late.json()["values"]["current"] > draft["summary"]["revision"]


async def test_a_line_that_is_not_there_is_named(desk_of: DeskOf) -> None:
    desk = await desk_of("1647091706")
    draft = await desk.upload(WORKBOOKS / "annual-2025-kept-by-hand.xlsx", year=2025)
    path = f"/v1/drafts/{draft['summary']['draft_id']}/lines"
    answer = await desk.client.patch(path, json={"lines": [{"line_number": 4000, "last_name": "AMRANI"}]})
    assert (answer.status_code, answer.json()["pointer"]) == (404, "/lines/0/line_number")


async def test_two_files_at_once_are_read_both_and_the_later_one_stands(desk_of: DeskOf) -> None:
    desk = await desk_of("0924584219")
    first, second = await asyncio.gather(
        desk.send(WORKBOOKS / "annual-2025-exported.xlsx", year=2025),
        desk.send(WORKBOOKS / "annual-2025-kept-by-hand-clean.xlsx", year=2025),
    )
    for upload in (first, second):
        assert (await desk.read(upload))["progress"]["status"] == "checked"
    latest = (await desk.get("/v1/uploads"))[0]
    draft = await desk.draft(latest["draft_id"])
    assert draft["line_count"] == (31 if "kept" in latest["filename"] else 2400)
