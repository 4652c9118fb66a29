"""A workbook nobody understands, mapped by hand over HTTP: read again, remembered, its words proposed, forgotten."""

import io
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from payroll.payroll_desk import WORKBOOKS, Desk

HEADERS = ["Ident.", "Patronyme usuel", "Petit nom", "Naissance le", "Arrivé chez nous", "Présence A", "Gains A", "Bla"]
FIELDS = ["nss", "last_name", "first_name", "birth_date", "entry_date", "q1_duration", "q1_amount", "ignored"]
PEOPLE = [
    ["874050470340", "BENALI", "KARIM", "11/02/1987", "01/03/2020", 3, 18000000, "x"],
    ["904050470334", "MEZIANE", "LEILA", "05/07/1990", "01/03/2021", 3, 24000050, "x"],
]

DeskOf = Callable[[str], Awaitable[Desk]]


def workbook(folder: Path, name: str, rows: Sequence[Sequence[Any]], *, sheet: str = "Etat") -> Path:
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet(sheet)
    for row in rows:
        page.append(list(row))
    content = io.BytesIO()
    book.save(content)
    (folder / name).write_bytes(content.getvalue())
    return folder / name


def strange(folder: Path, name: str = "etat.xlsx", headers: Sequence[str] = HEADERS, above: int = 1) -> Path:
    return workbook(folder, name, [*[["SARL EL AMEL"]] * above, headers, *PEOPLE])


def by_hand(header_row: int = 2, **others: Any) -> dict[str, Any]:
    columns = {chr(65 + place): field for place, field in enumerate(FIELDS)}
    return {
        "sheet": "Etat",
        "header_row": header_row,
        "columns": columns,
        "units": {"all": "M"},
        "amounts_in": "centimes",
    } | others


async def put(desk: Desk, draft_id: str, mapping: dict[str, Any]) -> Any:
    answer = await desk.client.put(f"/v1/drafts/{draft_id}/mapping", json=mapping)
    assert answer.status_code == 202, answer.text
    return await desk.read(answer.json())


async def lines(desk: Desk, draft_id: str) -> list[Any]:
    page = await desk.get(f"/v1/drafts/{draft_id}/lines")
    found: list[Any] = page["items"]
    return found


async def refused(desk: Desk, path: str, mapping: dict[str, Any]) -> tuple[int, str, str | None]:
    answer = await (desk.client.post if path.endswith("preview") else desk.client.put)(path, json=mapping)
    problem = answer.json()
    return answer.status_code, problem["type"].rpartition("/")[2], problem.get("pointer")


async def test_a_file_nobody_understands_is_mapped_and_the_next_one_is_read_by_itself(
    desk_of: DeskOf, tmp_path: Path
) -> None:
    desk = await desk_of("1600090001")
    upload = await desk.read(await desk.send(strange(tmp_path), year="2025"))
    draft_id = upload["draft_id"]
    assert upload["progress"]["unreadable"]["code"] == "no-columns"
    [obstacle] = (await desk.get(f"/v1/drafts/{draft_id}", lang="en"))["obstacles"]
    assert (obstacle["code"], obstacle["reason"]) == ("unreadable", "no-columns")
    assert upload["progress"]["unreadable"]["message"] != obstacle["message"]
    assert obstacle["message"].endswith(
        "point out the columns yourself (mapping of columns): the file is then read so."
    )

    shown = await desk.get(f"/v1/drafts/{draft_id}/mapping")
    assert (shown["how"], shown["mapping"], shown["columns"]) == (None, None, [])
    assert shown["sheets"][0]["head"][1][:2] == ["Ident.", "Patronyme usuel"]
    assert {name: value for name, value in shown["fields"][0].items() if name != "title"} == {
        "field": "nss",
        "required": True,
    }

    answer = await desk.client.post(f"/v1/drafts/{draft_id}/mapping/preview", json=by_hand())
    assert answer.status_code == 200, answer.text
    first = answer.json()["lines"][0]
    assert (first["row"], first["values"]["nss"], first["values"]["q1_amount"]) == (3, "874050470340", 18_000_000)
    assert await desk.get("/v1/layouts") == []

    read = await put(desk, draft_id, by_hand())
    assert (read["progress"]["status"], read["upload_id"]) == ("checked", upload["upload_id"])
    stored = await lines(desk, draft_id)
    assert [(line["last_name"], line["q1_unit"], line["q1_amount"]) for line in stored] == [
        ("BENALI", "M", 18_000_000),
        ("MEZIANE", "M", 24_000_050),
    ]
    shown = await desk.get(f"/v1/drafts/{draft_id}/mapping")
    assert (shown["how"], shown["mapping"]["columns"]["H"], shown["columns"][1]["how"]) == ("hand", "ignored", "hand")
    assert shown["columns"][6]["samples"] == ["18000000", "24000050"]

    (layout,) = await desk.get("/v1/layouts")
    assert (layout["made_by"], layout["used_at"]) == ("Nadia", None)
    again = await desk.upload(
        strange(tmp_path, "suite.xlsx", [header.upper() for header in HEADERS], above=5), year="2024"
    )
    assert again["line_count"] == 2
    assert "layout_remembered" in {count["code"] for count in again["findings"]}
    assert (await desk.get("/v1/layouts"))[0]["used_at"] is not None
    shown = await desk.get(f"/v1/drafts/{again['summary']['draft_id']}/mapping")
    assert (shown["how"], shown["mapping"]["header_row"]) == ("remembered", 6)

    assert (await desk.client.delete(f"/v1/layouts/{layout['layout_id']}")).status_code == 204
    assert (await desk.client.delete(f"/v1/layouts/{layout['layout_id']}")).status_code == 404
    forgotten = await desk.read(await desk.send(strange(tmp_path, "encore.xlsx", above=3), year="2023"))
    assert forgotten["progress"]["unreadable"]["code"] == "no-columns"


async def test_a_learnt_word_is_proposed_on_another_layout_and_not_applied(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of("1600090002")
    upload = await desk.read(await desk.send(strange(tmp_path), year="2025"))
    await put(desk, upload["draft_id"], by_hand())
    await put(desk, upload["draft_id"], by_hand())
    headers = ["NSS", "Patronyme usuel", "Prénom", "Né le", "Date d'entrée", "Durée T1", "Montant T1"]
    other = await desk.upload(workbook(tmp_path, "autre.xlsx", [headers, *[p[:7] for p in PEOPLE]]), year="2024")
    told = [found for found in await desk.findings(other) if found["code"] == "column_proposed"]
    assert [(found["field"], found["column"], found["severity"]) for found in told] == [("last_name", "B", "confirm")]
    shown = await desk.get(f"/v1/drafts/{other['summary']['draft_id']}/mapping")
    (proposal,) = shown["columns"][1]["proposed"]
    assert (proposal["field"], proposal["times"], shown["columns"][1]["field"]) == ("last_name", 1, None)
    assert (await lines(desk, other["summary"]["draft_id"]))[0]["last_name"] is None


async def test_nothing_is_remembered_where_that_is_not_wished(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of("1600090003")
    upload = await desk.read(await desk.send(strange(tmp_path), year="2025"))
    assert (await put(desk, upload["draft_id"], by_hand(remember=False)))["progress"]["status"] == "checked"
    assert await desk.get("/v1/layouts") == []


async def test_a_table_without_a_header(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of("1600090004")
    upload = await desk.read(await desk.send(workbook(tmp_path, "nu.xlsx", PEOPLE), year="2025"))
    await put(desk, upload["draft_id"], by_hand(header_row=0))
    assert [line["row"] for line in await lines(desk, upload["draft_id"])] == [1, 2]
    assert await desk.get("/v1/layouts") == []


async def test_a_corrected_line_keeps_how_its_file_wrote_amounts(desk_of: DeskOf, tmp_path: Path) -> None:
    """An amount with a part of a centime stays a doubt of the same size when the draft is checked again."""
    desk = await desk_of("1600090005")
    odd = [[*PEOPLE[0][:6], "18000000,5", "x"], PEOPLE[1]]
    upload = await desk.read(await desk.send(workbook(tmp_path, "etat.xlsx", [[], HEADERS, *odd]), year="2025"))
    await put(desk, upload["draft_id"], by_hand())
    draft = await desk.draft(upload["draft_id"])
    await desk.client.patch(
        f"/v1/drafts/{upload['draft_id']}/lines",
        json={"revision": draft["summary"]["revision"], "lines": [{"line_number": 2, "first_name": "LILA"}]},
    )
    await desk.draft(upload["draft_id"])
    assert [line["q1_amount"] for line in await lines(desk, upload["draft_id"])] == [18_000_001, 24_000_050]


async def test_amounts_are_told_in_the_unit_of_the_file(desk_of: DeskOf, tmp_path: Path) -> None:
    """Whoever reads "expected" types it into the file: in centimes where the file counts in those."""
    desk = await desk_of("1600090019")
    headers = [*HEADERS[:7], "Cumul"]
    wrong = [[*PEOPLE[0][:7], 18000099], [*PEOPLE[1][:7], 24000050]]
    upload = await desk.read(await desk.send(workbook(tmp_path, "etat.xlsx", [[], headers, *wrong]), year="2025"))
    columns = by_hand()["columns"] | {"H": "annual_amount"}
    await put(desk, upload["draft_id"], by_hand(columns=columns))
    page = await desk.get(f"/v1/drafts/{upload['draft_id']}/findings?severity=error")
    told = {finding["code"]: finding for finding in page["items"] if finding["field"] == "annual_amount"}
    [(code, finding)] = told.items()
    assert (code, finding["seen"], finding["expected"]) == ("annual_not_sum", "18000099", "18000000")
    causes = (await desk.get(f"/v1/drafts/{upload['draft_id']}/causes"))["causes"]
    [sample] = next(cause["samples"] for cause in causes if cause["code"] == code)
    assert sample["expected"] == "18000000"
    marked = await desk.client.get(f"/v1/drafts/{upload['draft_id']}/annotated.xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(marked.content)).worksheets[0]
    said = [str(value) for row in sheet.iter_rows(values_only=True) for value in row if value is not None]
    assert any("18000000" in text for text in said)
    assert not any("180 000" in text or "180,000" in text or "180\u202f000" in text for text in said)


@pytest.mark.parametrize(
    ("changes", "kind", "pointer"),
    [
        ({"sheet": "Feuil9"}, "mapping-sheet-unknown", "/sheet"),
        ({"header_row": 99}, "mapping-header-beyond", "/header_row"),
        ({"columns": {"A": "nss", "B": "nss"}}, "mapping-field-twice", "/columns/B"),
        ({"columns": {"A": "salary"}}, "mapping-field-unknown", "/columns/A"),
        ({"columns": {"ZZ": "nss"}}, "mapping-column-outside", "/columns/ZZ"),
        ({"columns": {"A": "nss"}}, "mapping-fields-missing", "/columns"),
        ({"form": "movements"}, "malformed", "/form"),
    ],
)
async def test_what_is_wrong_with_a_mapping_is_named(
    alice: Desk, tmp_path: Path, changes: dict[str, Any], kind: str, pointer: str
) -> None:
    upload = await alice.read(await alice.send(strange(tmp_path), year="2022", centre="16001"))
    for path in ("mapping", "mapping/preview"):
        found = await refused(alice, f"/v1/drafts/{upload['draft_id']}/{path}", by_hand(**changes))
        assert found == (422, kind, pointer)


async def test_lines_by_rest_and_text_files_have_no_columns_to_map(alice: Desk) -> None:
    answer = await alice.client.post("/v1/drafts", json={"centre": "16001", "year": 2021})
    draft_id = answer.json()["draft_id"]
    await alice.client.post(f"/v1/drafts/{draft_id}/lines", json={"lines": [{"nss": "874050470340"}]})
    answer = await alice.client.get(f"/v1/drafts/{draft_id}/mapping")
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (404, "no-workbook-here")


async def test_a_file_without_cells_says_there_is_nothing_to_map(alice: Desk, tmp_path: Path) -> None:
    broken = tmp_path / "cassé.xlsx"
    broken.write_bytes(b"PK\x03\x04 nothing")
    upload = await alice.read(await alice.send(broken, year="2020", centre="16001"))
    answer = await alice.client.get(f"/v1/drafts/{upload['draft_id']}/mapping")
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "nothing-to-map")


async def test_another_employer_sees_and_changes_nothing(alice: Desk, charlie: Desk, tmp_path: Path) -> None:
    upload = await alice.read(await alice.send(strange(tmp_path), year="2019", centre="16001"))
    await put(alice, upload["draft_id"], by_hand())
    (layout, *_) = await alice.get("/v1/layouts")
    path = f"/v1/drafts/{upload['draft_id']}/mapping"
    assert (await charlie.client.get(path)).status_code == 404
    assert (await charlie.client.put(path, json=by_hand())).status_code == 404
    assert (await charlie.client.post(f"{path}/preview", json=by_hand())).status_code == 404
    assert (await charlie.client.delete(f"/v1/layouts/{layout['layout_id']}")).status_code == 404
    assert await charlie.get("/v1/layouts") == []


async def test_the_samples_show_their_columns_and_ask_for_nothing(desk_of: DeskOf) -> None:
    desk = await desk_of("1600090006")
    draft = await desk.upload(WORKBOOKS / "annual-2025-kept-by-hand.xlsx", year="2025")
    shown = await desk.get(f"/v1/drafts/{draft['summary']['draft_id']}/mapping")
    assert shown["how"] == "words"
    assert {column["how"] for column in shown["columns"] if column["field"]} == {"words"}
    assert not any(column["proposed"] for column in shown["columns"])


async def test_a_mapping_of_a_file_that_was_read_counts_at_once(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of("1600090007")
    headers = ["NSS", "Nom", "Prénom", "Né le", "Date d'entrée", "Durée T1", "Montant T1"]
    draft = await desk.upload(workbook(tmp_path, "etat.xlsx", [headers, *[p[:7] for p in PEOPLE]]), year="2025")
    draft_id = draft["summary"]["draft_id"]
    columns = dict(zip("ABCDEFG", FIELDS, strict=False)) | {"B": "first_name", "C": "last_name"}
    await put(desk, draft_id, by_hand(1, columns=columns, amounts_in="dinars"))
    after = await desk.draft(draft_id)
    assert after["summary"]["revision"] > draft["summary"]["revision"]
    assert [line["last_name"] for line in await lines(desk, draft_id)] == ["KARIM", "LEILA"]
    assert len(await desk.get("/v1/uploads", draft_id=draft_id)) == 1


async def test_movements_sent_for_an_annual_declaration_show_their_columns(desk_of: DeskOf) -> None:
    desk = await desk_of("1600090008")
    upload = await desk.read(await desk.send(WORKBOOKS / "movements-2025.xls", year="2025"))
    assert upload["progress"]["unreadable"]["code"] == "other-form"
    shown = await desk.get(f"/v1/drafts/{upload['draft_id']}/mapping")
    assert {"movement", "date"} <= {column["field"] for column in shown["columns"]}
    assert "movement" not in {field["field"] for field in shown["fields"]}
