"""A workbook of movements: good lines are told, sent twice it tells nothing new, mistakes stand at their cells."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import fastexcel

from payroll.payroll_desk import WORKBOOKS, Desk
from payroll.test_movements import register
from teledeclaration.database import Pool

DeskOf = Callable[[str], Awaitable[Desk]]
MOVEMENTS = WORKBOOKS / "movements-2025.xls"
PLANTED = {(6, "movement_unknown"), (9, "date_missing"), (11, "nss_not_a_number")}


async def sent(desk: Desk, file: Path = MOVEMENTS) -> Any:
    """A draft of movements from a workbook, read and checked."""
    return await desk.upload(file, form="movements", year=2025)


async def filed(desk: Desk, draft: Any) -> int:
    """File the good lines with every doubt answered; how many movements are new."""
    answer = await desk.file(await desk.confirm_all(draft), leave_out_errors=True)
    assert answer.status_code == 201, answer.text
    count: int = answer.json()["movements"]
    return count


async def test_the_good_lines_of_a_workbook_become_movements(desk_of: DeskOf) -> None:
    desk = await desk_of("1647091706")
    draft = await sent(desk)
    errors = await desk.findings(draft, severity="error")
    assert {(one["row"], one["code"]) for one in errors} == PLANTED
    assert await filed(desk, draft) == 21
    told = (await desk.get("/v1/movements"))["items"]
    assert len(told) == 21
    assert {one["kind"] for one in told} == {"entry", "exit"}
    assert all(one["told_late"] == (one["kind"] == "entry") for one in told)
    here = (await desk.get("/v1/employees", on="2025-12-31"))["items"]
    assert len(here) == sum(one["kind"] == "entry" for one in told)


async def test_the_same_workbook_sent_again_tells_nothing_new_and_says_so(desk_of: DeskOf) -> None:
    desk = await desk_of("1647091707")
    draft = await sent(desk)
    assert await filed(desk, draft) == 21
    again = await sent(desk)
    assert again["summary"]["draft_id"] != draft["summary"]["draft_id"]
    counts = {one["code"]: one["count"] for one in again["findings"]}
    assert counts["told_already"] == 21
    assert "exit_without_entry" not in counts
    assert await filed(desk, again) == 0
    assert len((await desk.get("/v1/movements"))["items"]) == 21


def sheet(folder: Path, *rows: str) -> Path:
    file = folder / "mouvements.csv"
    file.write_text("N SS;Nom;Prénom;Date de naissance;Mouvement;Date;Motif\n" + "\n".join(rows) + "\n")
    return file


KACI = "900101234559;KACI;AMINE;01/01/1990"


async def test_contradictions_stand_at_their_cells_and_go_once_mended(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of("1600000701")
    draft = await sent(desk, sheet(tmp_path, f"{KACI};Entrée;05/03/2025;", f"{KACI};Entrée;05/06/2025;"))
    [clash] = await desk.findings(draft, code="entry_while_employed")
    assert (clash["row"], clash["column"], clash["seen"], clash["expected"]) == (3, "F", "2025-06-05", "2025-03-05")
    path = f"/v1/drafts/{draft['summary']['draft_id']}/lines"
    mended = await desk.client.patch(path, json={"lines": [{"line_number": 2, "movement": "exit"}]})
    assert mended.status_code == 200, mended.text
    draft = await desk.draft(draft["summary"]["draft_id"])
    assert await desk.findings(draft, code="entry_while_employed") == []
    assert await filed(desk, draft) == 2
    [employee] = (await desk.get("/v1/employees", on="2025-06-05"))["items"]
    assert (employee["entry_date"], employee["exit_date"]) == ("2025-03-05", "2025-06-05")


async def test_who_was_told_to_have_entered_and_is_not_declared_is_missed_by_number_only(
    desk_of: DeskOf, tmp_path: Path
) -> None:
    desk = await desk_of("1600000702")
    await filed(desk, await sent(desk, sheet(tmp_path, f"{KACI};Entrée;05/03/2025;")))
    annual = tmp_path / "annual.csv"
    annual.write_text(
        "N SS;Nom;Prénom;Date de naissance;T1 durée;T1 unité;T1 montant;Date entrée\n"
        "860512345642;BENALI;SAMIRA;12/05/1986;90;J;90000;01/01/2019\n"
    )
    draft = await desk.upload(annual, year=2025)
    [missed] = await desk.findings(draft, code="employed_but_absent")
    assert missed["seen"] == "900101234559"


async def test_a_template_holds_who_was_told_in_the_employers_own_words(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of("1600000703")
    gone = "860512345642;BENALI;SAMIRA;12/05/1986"
    rows = (f"{KACI};Entrée;05/03/2025;", f"{gone};Entrée;05/03/2024;", f"{gone};Sortie;05/06/2024;")
    await filed(desk, await sent(desk, sheet(tmp_path, *rows)))
    answer = await desk.client.get("/v1/templates/annual.xlsx", params={"year": 2025})
    texts = str(fastexcel.read_excel(answer.content).load_sheet(0, header_row=None, dtypes="string").to_polars().rows())
    assert ("KACI" in texts, "BENALI" in texts) == (True, False)


async def test_checks_of_an_annual_declaration_show_no_stranger_who_was_told_as_hired(
    desk_of: DeskOf, pool: Pool, tmp_path: Path
) -> None:
    mine, theirs = await desk_of("1600000704"), await desk_of("1600000705")
    hidden = {"nss": "900101234559", "last_name": "HIDDEN", "first_name": "NAME", "birth_date": "1990-01-01"}
    await register(pool, theirs, (hidden, "2019-03-01", None))
    await filed(mine, await sent(mine, sheet(tmp_path, f"{KACI};Entrée;05/03/2025;")))
    annual = tmp_path / "annual.csv"
    annual.write_text(
        "N SS;Nom;Prénom;Date de naissance;T1 durée;T1 unité;T1 montant;Date entrée\n"
        "860512345642;BENALI;SAMIRA;12/05/1986;90;J;90000;01/01/2019\n"
        "900101234559;KACI;AMINE;01/01/1990;20;J;40000;05/03/2025\n"
    )
    draft = await mine.upload(annual, year=2025)
    assert "HIDDEN" not in str(await mine.findings(draft))
    assert [one["code"] for one in await mine.findings(draft, code="nss_unknown", line=2)] == ["nss_unknown"]
    path = f"/v1/drafts/{draft['summary']['draft_id']}/lines"
    left_out = await mine.client.patch(path, json={"lines": [{"line_number": 2, "left_out": True}]})
    assert left_out.status_code == 200, left_out.text
    draft = await mine.draft(draft["summary"]["draft_id"])
    [missed] = await mine.findings(draft, code="employed_but_absent")
    assert missed["seen"] == "900101234559"
