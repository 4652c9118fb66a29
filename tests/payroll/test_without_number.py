"""Who has no number yet can be declared: a doubt is answered, and a number is asked for."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from payroll.payroll_desk import Desk
from payroll.test_annual_chain import line, send_lines

DeskOf = Callable[[str], Awaitable[Desk]]
NEWCOMER = {"nss": None, "last_name": "HADJ", "first_name": "LINA", "birth_date": "1999-02-03"}


async def test_a_missing_number_is_an_error_until_one_is_asked_for(desk_of: DeskOf) -> None:
    desk = await desk_of("1600000301")
    draft = await send_lines(desk, [line("850512345602", 6_000_000), line("850512345602", 6_000_000) | NEWCOMER])
    assert [one["code"] for one in await desk.findings(draft, severity="error")] == ["nss_missing"]
    mended = await desk.client.patch(
        f"/v1/drafts/{draft['summary']['draft_id']}/lines",
        json={"lines": [{"line_number": 2, "number_requested": True}]},
    )
    assert mended.status_code == 200, mended.text
    draft = await desk.draft(draft["summary"]["draft_id"])
    assert [one["code"] for one in await desk.findings(draft, severity="error")] == []
    refused = await desk.file(draft)
    assert refused.status_code == 409
    filed = await desk.file(await desk.confirm_all(draft))
    assert filed.status_code == 201, filed.text

    asked = await desk.get(f"/v1/declarations/{filed.json()['declaration_id']}/registrations")
    assert [(one["line_number"], one["last_name"], one["birth_date"], one["status"]) for one in asked] == [
        (2, "HADJ", "1999-02-03", "requested")
    ]
    declared = await desk.get(f"/v1/declarations/{filed.json()['declaration_id']}/lines")
    assert [one["nss"] for one in declared["items"]] == ["850512345602", None]


async def test_the_text_files_cannot_hold_someone_without_a_number_and_say_so(desk_of: DeskOf) -> None:
    desk = await desk_of("1600000302")
    wanting = line("850512345602", 6_000_000) | NEWCOMER | {"number_requested": True}
    filed = await desk.file(await desk.confirm_all(await send_lines(desk, [wanting])))
    assert filed.status_code == 201, filed.text
    answer = await desk.client.get(f"/v1/declarations/{filed.json()['declaration_id']}/text-pair.zip")
    assert answer.status_code == 422
    assert answer.json()["type"].endswith("text-pair-not-writable")
    assert answer.json()["title"].startswith("Line 1 cannot be written to the text file")


async def test_nobody_is_numbered_twice_without_a_word(desk_of: DeskOf) -> None:
    desk = await desk_of("1600000303")
    wanting = line("850512345602", 6_000_000) | NEWCOMER | {"number_requested": True}
    draft = await send_lines(desk, [wanting, wanting])
    doubts = await desk.findings(draft, code="person_repeated")
    assert [(one["pointer"], one["severity"]) for one in doubts] == [
        ("/lines/0/nss", "confirm"),
        ("/lines/1/nss", "confirm"),
    ]


async def test_the_very_same_lines_sent_again_keep_the_numbers_asked_for(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of("1600000304")
    for name, words in (("first.csv", "En cours"), ("again.csv", "en cours")):
        (tmp_path / name).write_text(
            "N SS;Nom;Prénom;Date de naissance;T1 durée;T1 unité;T1 montant;Date entrée\n"
            f"{words};HADJ;LINA;03/02/1999;90;J;90000;01/01/2025\n"
        )
    draft = await desk.upload(tmp_path / "first.csv", year=2025)
    mended = await desk.client.patch(
        f"/v1/drafts/{draft['summary']['draft_id']}/lines",
        json={"lines": [{"line_number": 1, "nss": None, "number_requested": True}]},
    )
    assert mended.status_code == 200, mended.text
    await desk.draft(draft["summary"]["draft_id"])
    again = await desk.upload(tmp_path / "again.csv", draft_id=draft["summary"]["draft_id"])
    codes = {one["code"] for one in again["findings"]}
    assert "number_requested" in codes
    assert not codes & {"nss_missing", "nss_not_a_number"}


async def test_a_replacement_asks_for_no_number_twice(desk_of: DeskOf) -> None:
    desk = await desk_of("1600000304")
    wanting = line("850512345602", 6_000_000) | NEWCOMER | {"number_requested": True}
    first = await desk.file(await desk.confirm_all(await send_lines(desk, [wanting])))
    assert first.status_code == 201, first.text
    replaced = first.json()["declaration_id"]
    other = line("860512345601", 6_100_000) | {"last_name": "SAADI", "first_name": "ALI"}
    draft = await send_lines(desk, [wanting, other], replaces=replaced)
    second = await desk.file(await desk.confirm_all(await desk.accept(draft)))
    assert second.status_code == 201, second.text
    [asked] = await desk.get(f"/v1/declarations/{second.json()['declaration_id']}/registrations")
    assert asked["declaration_id"] == replaced


QUARTERS = ";".join(f"T{quarter} durée;T{quarter} unité;T{quarter} montant" for quarter in (1, 2, 3, 4))
HEADERS = f"N SS;Nom;Prénom;Date de naissance;{QUARTERS};Total annuel;Date entrée\n"
LINA = "HADJ;LINA;03/02/1999"


def row(number: str, who: str, amount: int = 90_000) -> str:
    """Someone paid the same each quarter."""
    return f"{number};{who};{';'.join([f'90;J;{amount}'] * 4)};{4 * amount};01/01/2025\n"


def sheet(folder: Path, name: str, *rows: str) -> Path:
    file = folder / name
    file.write_text(HEADERS + "".join(rows))
    return file


async def ask_for_numbers(desk: Desk, draft: Any) -> Any:
    """The repair of the whole cause."""
    wanted = {"repair": "request_numbers", "code": "nss_missing", "field": "nss"}
    draft_id = draft["summary"]["draft_id"]
    path = f"/v1/drafts/{draft_id}/repairs"
    done = await desk.client.post(path, json=wanted | {"revision": draft["summary"]["revision"]})
    assert done.status_code == 200, done.text
    return await desk.draft(draft_id)


async def test_a_later_file_that_differs_keeps_the_numbers_asked_for(desk_of: DeskOf, tmp_path: Path) -> None:
    """Names as the first file gave them, in either script and whatever their case; nobody else is marked."""
    desk = await desk_of("1600000305")
    arabic = "بن علي;أمينة;05/06/1998"
    first = sheet(tmp_path, "first.csv", row("", LINA), row("", arabic))
    draft = await ask_for_numbers(desk, await desk.upload(first, year=2025))
    assert await desk.findings(draft, severity="error") == []

    later = sheet(
        tmp_path,
        "later.csv",
        row("en cours", "Hadj;Lina;03/02/1999", 91_000),
        row("", arabic),
        row("", "KACI;OMAR;05/06/1998"),
    )
    draft = await desk.upload(later, draft_id=draft["summary"]["draft_id"])
    effect = (await desk.review(draft))["effect"]
    assert effect["numbers_requested"] == {"before": 2, "after": 2}
    assert effect["lines_with_errors"] == {"before": 0, "after": 1}
    draft = await desk.accept(draft)
    [wrong] = await desk.findings(draft, severity="error")
    assert (wrong["code"], wrong["row"]) == ("nss_missing", 4)
    assert [one["row"] for one in await desk.findings(draft, code="number_requested")] == [2, 3]


async def test_a_mark_is_kept_for_nobody_of_whom_there_are_more_lines_now(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of("1600000306")
    first, later = sheet(tmp_path, "first.csv", row("", LINA)), sheet(tmp_path, "later.csv", *[row("", LINA)] * 2)
    draft = await ask_for_numbers(desk, await desk.upload(first, year=2025))
    draft = await desk.accept(await desk.upload(later, draft_id=draft["summary"]["draft_id"]))
    assert [one["row"] for one in await desk.findings(draft, code="nss_missing")] == [2, 3]


async def test_a_number_that_cannot_be_read_is_told_also_of_who_had_none(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of("1600000307")
    first, later = sheet(tmp_path, "first.csv", row("", LINA)), sheet(tmp_path, "later.csv", row("9902031", LINA))
    draft = await ask_for_numbers(desk, await desk.upload(first, year=2025))
    draft = await desk.accept(await desk.upload(later, draft_id=draft["summary"]["draft_id"]))
    assert [one["code"] for one in await desk.findings(draft, severity="error")] == ["nss_length"]


async def test_a_replacement_by_file_goes_on_asking_for_the_numbers(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of("1600000308")
    samira = row("850512345602", "BENALI;SAMIRA;12/05/1985")
    first, later = (
        sheet(tmp_path, name, row("", LINA, amount), samira)
        for name, amount in (("first.csv", 90_000), ("later.csv", 95_000))
    )
    draft = await ask_for_numbers(desk, await desk.upload(first, year=2025))
    filed = await desk.file(await desk.confirm_all(draft))
    assert filed.status_code == 201, filed.text
    replaced = filed.json()["declaration_id"]
    draft = await desk.upload(later, year=2025, replaces=replaced)
    assert await desk.findings(draft, severity="error") == []
    again = await desk.file(await desk.confirm_all(await desk.accept(draft)))
    assert again.status_code == 201, again.text
    [asked] = await desk.get(f"/v1/declarations/{again.json()['declaration_id']}/registrations")
    assert (asked["declaration_id"], asked["last_name"]) == (replaced, "HADJ")
