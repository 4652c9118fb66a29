"""One repair for a whole cause, over HTTP: its causes, a preview, done, checked again."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from payroll.payroll_desk import Desk
from payroll.test_annual_chain import line, send_lines
from payroll.test_registers_and_rates import KNOWN, own_id, register
from schemas.actors import job
from teledeclaration.database import Pool, transaction
from teledeclaration.intake.repairs.evidence import whole_file
from teledeclaration.payroll.queries import causes as stored_causes
from teledeclaration.payroll.queries.lines import LINE_SCHEMA

DeskOf = Callable[[str], Awaitable[Desk]]
NUMBER = "1600099881"

HEADER = (
    "NSS;Nom;Prénom;Date de naissance;Durée T1;Unité T1;Montant T1;Durée T2;Unité T2;Montant T2;Durée T3;Unité T3;"
    "Montant T3;Durée T4;Unité T4;Montant T4;Montant annuel;Date d'entrée"
)


def nss_of(year: int, serial: int) -> str:
    """A number whose key agrees, as far as its rule is known."""
    first = f"{year % 100:02d}{serial:08d}"
    digits = [int(digit) for digit in first]
    total = 2 * sum(digits[0::2]) + sum(digits[1::2])
    return f"{first}{(99 - total) % 100:02d}"


def row(place: int, **other: str) -> str:
    year = 1980 + place % 15
    quarter = "135000,00"
    cells = {
        "nss": nss_of(year, 1000 + place),
        "last_name": f"BEN{chr(65 + place % 26)}LI",
        "first_name": "SAMIRA",
        "birth_date": f"{15 + place % 10}/0{1 + place % 9}/{year}",
        **{
            f"q{number}_{measure}": value
            for number in (1, 2, 3, 4)
            for measure, value in (("duration", "90"), ("unit", "J"), ("amount", quarter))
        },
        "annual_amount": "540000,00",
        "entry_date": "01/03/2015",
        **other,
    }
    return ";".join(cells.values())


def csv_file(folder: Path, rows: Sequence[str]) -> Path:
    file = folder / "das.csv"
    file.write_text("\n".join([HEADER, *rows]) + "\n", "utf-8")
    return file


async def causes(desk: Desk, draft: Any) -> Any:
    return await desk.get(f"/v1/drafts/{draft['summary']['draft_id']}/causes")


def cause_of(found: Any, code: str) -> Any:
    return next(cause for cause in found["causes"] if cause["code"] == code)


def offer_of(cause: Any, repair: str) -> dict[str | None, Any]:
    offer = next(offer for offer in cause["repairs"] if offer["repair"] == repair)
    return {choice["choice"]: choice for choice in offer["choices"]}


async def ask(desk: Desk, draft: Any, **wish: Any) -> tuple[Any, Any]:
    """The preview of a repair, and the draft once it was done and checked."""
    path = f"/v1/drafts/{draft['summary']['draft_id']}/repairs"
    body = {"revision": draft["summary"]["revision"], **wish}
    shown = await desk.client.post(f"{path}/preview", json=body)
    assert shown.status_code == 200, shown.text
    done = await desk.client.post(path, json=body)
    assert done.status_code == 200, done.text
    return shown.json(), await desk.draft(draft["summary"]["draft_id"])


async def lines_of(desk: Desk, draft: Any) -> list[Any]:
    page = await desk.get(f"/v1/drafts/{draft['summary']['draft_id']}/lines", limit=500)
    items: list[Any] = page["items"]
    return items


async def go_back(desk: Desk, draft: Any, revision: int) -> Any:
    """The draft as that revision was, checked again."""
    draft_id, now = draft["summary"]["draft_id"], draft["summary"]["revision"]
    answer = await desk.client.post(f"/v1/drafts/{draft_id}/return", json={"to": revision, "revision": now})
    assert answer.status_code == 200, answer.text
    return await desk.draft(draft_id)


def codes_of(draft: Any) -> dict[str, int]:
    return {count["code"]: count["count"] for count in draft["findings"]}


async def test_dates_written_month_first(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of(NUMBER)
    # American dates of which few show it: 3 of 40 have a day above 12.
    births = [f"0{1 + place % 9}/{1 + place % 12:02d}/{1980 + place % 15}" for place in range(37)]
    births += ["05/13/1987", "11/30/1988", "02/28/1989"]
    rows = [row(place, birth_date=birth) for place, birth in enumerate(births)]
    draft = await desk.upload(csv_file(tmp_path, rows), year=2025)

    found = await causes(desk, draft)
    cause = cause_of(found, "birth_impossible")
    assert (cause["field"], cause["count"], cause["lines"], cause["cells"]) == ("birth_date", 3, 3, ["D39:D41"])
    assert cause["shapes"] == [{"shape": "99/99/9999", "example": "02/28/1989", "count": 3}]
    choices = offer_of(cause, "month_first")
    assert choices["told"]["lines"] == 3
    exchanged = sum(birth[:2] != birth[3:5] for birth in births)
    assert (choices["all"]["lines"], choices["all"]["against"], choices["all"]["possible"]) == (exchanged, 0, True)

    wish = {"repair": "month_first", "code": "birth_impossible", "field": "birth_date", "choice": "all"}
    before, lines_before = draft, await lines_of(desk, draft)
    preview, draft = await ask(desk, draft, **wish)
    assert preview["lines_changed"] == exchanged
    assert preview["fields"] == ["birth_date"]
    assert {"code": "birth_impossible", "count": 3} in [
        {"code": gone["code"], "count": gone["count"]} for gone in preview["findings_gone"]
    ]
    assert preview["totals_before"] == preview["totals_after"]
    assert await desk.findings(draft, code="birth_impossible") == []
    read = [line["birth_date"] for line in await lines_of(desk, draft)]
    assert read == [f"{birth[6:]}-{birth[:2]}-{birth[3:5]}" for birth in births]

    draft = await go_back(desk, draft, before["summary"]["revision"])
    assert await lines_of(desk, draft) == lines_before
    assert codes_of(draft) == codes_of(before)


async def test_a_column_with_a_day_above_twelve_is_not_exchanged(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of(NUMBER)
    rows = [row(place) for place in range(20)] + [row(20, birth_date="05/13/1985"), row(21, birth_date="04/05/1986")]
    draft = await desk.upload(csv_file(tmp_path, rows), year=2025)
    choices = offer_of(cause_of(await causes(desk, draft), "birth_impossible"), "month_first")
    assert (choices["told"]["lines"], choices["all"]["against"], choices["all"]["possible"]) == (1, 20, False)

    path = f"/v1/drafts/{draft['summary']['draft_id']}/repairs"
    wish = {"repair": "month_first", "code": "birth_impossible", "field": "birth_date"}
    refused = await desk.client.post(path, json={**wish, "choice": "all", "revision": draft["summary"]["revision"]})
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "nothing-to-repair")
    preview, draft = await ask(desk, draft, **wish, choice="told")
    assert [(cell["typed"], cell["after"]) for cell in preview["samples"]] == [("05/13/1985", "1985-05-13")]
    assert [line["birth_date"] for line in await lines_of(desk, draft)][-2:] == ["1985-05-13", "1986-05-04"]


async def test_a_file_in_centimes(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of(NUMBER)
    in_centimes = {**{f"q{number}_amount": "13500050" for number in (1, 2, 3, 4)}, "annual_amount": "54000200"}
    draft = await desk.upload(csv_file(tmp_path, [row(place, **in_centimes) for place in range(12)]), year=2025)
    cause = cause_of(await causes(desk, draft), "amounts_look_like_centimes")
    assert (cause["severity"], cause["field"], cause["lines"]) == ("confirm", None, 0)
    assert offer_of(cause, "centimes")["all"]["lines"] == 12

    before = draft
    preview, draft = await ask(desk, draft, repair="centimes", code="amounts_look_like_centimes", choice="all")
    assert preview["totals_before"]["annual"] == 12 * 54000200 * 100
    assert preview["totals_after"]["annual"] == 12 * 54000200 == draft["totals"]["annual"]
    assert [gone["code"] for gone in preview["findings_gone"]] == ["amounts_look_like_centimes"]
    assert await desk.findings(draft, code="amounts_look_like_centimes") == []
    assert {line["q1_amount"] for line in await lines_of(desk, draft)} == {13500050}
    draft = await go_back(desk, draft, before["summary"]["revision"])
    assert (draft["totals"], codes_of(draft)) == (before["totals"], codes_of(before))


async def test_one_person_in_centimes(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of(NUMBER)
    slip = {**{f"q{number}_amount": "15000000" for number in (1, 2, 3, 4)}, "annual_amount": "60000000"}
    rows = [row(place) for place in range(12)] + [row(12, **slip)]
    draft = await desk.upload(csv_file(tmp_path, rows), year=2025)
    cause = cause_of(await causes(desk, draft), "amount_implausible")
    assert (cause["field"], cause["count"], cause["lines"]) == ("quarter_amount", 4, 1)
    preview, draft = await ask(
        desk, draft, repair="centimes", code="amount_implausible", field="quarter_amount", choice="told"
    )
    assert preview["lines_changed"] == 1
    assert draft["totals"]["annual"] == 12 * 54000000 + 60000000
    assert await desk.findings(draft, code="amount_implausible") == []


async def test_numbers_that_lost_their_zeros(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of(NUMBER)
    # The key of none agrees, so that reading a text file does not put the zeros back by itself.
    numbers = [f"{year % 100:02d}0000910{place}99" for place, year in enumerate((2001, 2002, 2003, 2004))]
    rows = [
        row(place, nss=number.lstrip("0"), birth_date=f"21/03/20{number[:2]}") for place, number in enumerate(numbers)
    ]
    draft = await desk.upload(csv_file(tmp_path, [*rows, row(9, nss="12345")]), year=2025)
    cause = cause_of(await causes(desk, draft), "nss_length")
    assert (cause["count"], cause["cells"]) == (5, ["A2:A6"])
    before = draft
    preview, draft = await ask(desk, draft, repair="lost_zeros", code="nss_length", field="nss")
    assert preview["lines_changed"] == 4
    assert next((cell["typed"], cell["after"]) for cell in preview["samples"]) == (numbers[0].lstrip("0"), numbers[0])
    assert [(gone["code"], gone["count"]) for gone in preview["findings_gone"]] == [("nss_length", 4)]
    assert [(new["code"], new["count"]) for new in preview["findings_appearing"]] == [("nss_key", 4)]
    assert len(await desk.findings(draft, code="nss_length")) == 1
    assert len(await desk.findings(draft, code="nss_key")) == 4
    assert [line["nss"] for line in await lines_of(desk, draft)][:4] == numbers
    assert codes_of(await go_back(desk, draft, before["summary"]["revision"])) == codes_of(before)


async def test_names_exchanged_for_the_whole_file(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of(NUMBER)
    draft = await desk.upload(csv_file(tmp_path, [row(place) for place in range(3)]), year=2025)
    offered = {offer["repair"]: offer for offer in (await causes(desk, draft))["repairs"]}
    assert offered["swapped_names"]["choices"][0]["lines"] == 3
    _, draft = await ask(desk, draft, repair="swapped_names", choice="all")
    assert {one["last_name"] for one in await lines_of(desk, draft)} == {"SAMIRA"}


async def test_names_the_register_has_the_other_way_round(desk_of: DeskOf, tmp_path: Path, pool: Pool) -> None:
    desk = await desk_of("1600099883")
    await register(pool, await own_id(desk, pool), employed=False)
    swapped = {"nss": KNOWN, "last_name": "SAMIRA", "first_name": "BENALI", "birth_date": "12/05/1985"}
    before = draft = await desk.upload(csv_file(tmp_path, [row(0), row(1, **swapped)]), year=2025)
    cause = cause_of(await causes(desk, draft), "names_swapped")
    assert offer_of(cause, "swapped_names")["told"]["lines"] == 1
    preview, draft = await ask(
        desk, draft, repair="swapped_names", code="names_swapped", field="last_name", choice="told"
    )
    assert [gone["code"] for gone in preview["findings_gone"]] == ["names_swapped"]
    assert [cell["after"] for cell in preview["samples"]] == ["BENALI", "SAMIRA"]
    assert not {"names_swapped", "name_differs"} & codes_of(draft).keys()
    assert codes_of(await go_back(desk, draft, before["summary"]["revision"])) == codes_of(before)


async def test_all_dates_of_a_file_month_first(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of(NUMBER)
    dates = [f"0{1 + place % 9}/{1 + place % 12:02d}" for place in range(37)] + ["05/13", "11/30", "02/28"]
    rows = [row(place, birth_date=f"{day}/1985", entry_date=f"{day}/2015") for place, day in enumerate(dates)]
    draft = await desk.upload(csv_file(tmp_path, rows), year=2025)
    general = {offer["repair"]: offer["choices"] for offer in (await causes(desk, draft))["repairs"]}
    lines = sum(day[:2] != day[3:] for day in dates)
    assert [(way["choice"], way["lines"]) for way in general["month_first"]] == [("told", 3), ("all", lines)]
    preview, draft = await ask(desk, draft, repair="month_first", choice="all")
    assert (preview["lines_changed"], preview["fields"]) == (lines, ["birth_date", "entry_date"])
    read = {(one["birth_date"][5:], one["entry_date"][5:]) for one in await lines_of(desk, draft)}
    assert read == {(day.replace("/", "-"), day.replace("/", "-")) for day in dates}


async def test_lines_by_rest_have_pointers_and_no_cells(desk_of: DeskOf) -> None:
    desk = await desk_of(NUMBER)
    draft = await send_lines(desk, [line("850512345678", 6_000_000) | {"q2_unit": "X"}])
    cause = cause_of(await causes(desk, draft), "unit_unknown")
    assert (cause["cells"], cause["samples"][0]["pointer"]) == ([], "/lines/0/q2_unit")
    _, draft = await ask(desk, draft, repair="one_unit", code="unit_unknown", field="quarter_unit", choice="J")
    assert "unit_unknown" not in codes_of(draft)


async def test_a_unit_for_all_and_the_sums_accepted(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of(NUMBER)
    rows = [row(place, q2_unit="X", annual_amount="1,00") for place in range(4)] + [row(9)]
    draft = await desk.upload(csv_file(tmp_path, rows), year=2025)
    units = cause_of(await causes(desk, draft), "unit_unknown")
    assert {name: choice["lines"] for name, choice in offer_of(units, "one_unit").items()} == dict.fromkeys("JHM", 4)
    refused = await desk.client.post(
        f"/v1/drafts/{draft['summary']['draft_id']}/repairs/preview",
        json={"repair": "one_unit", "code": "unit_unknown", "revision": draft["summary"]["revision"]},
    )
    told = refused.json()
    assert (refused.status_code, told["type"].rpartition("/")[2]) == (422, "repair-choice-needed")
    assert told["values"]["choices"] == "J, H, M"
    assert "H" not in told["title"].split()
    _, draft = await ask(desk, draft, repair="one_unit", code="unit_unknown", field="quarter_unit", choice="J")
    preview, draft = await ask(desk, draft, repair="accept_proposed", code="annual_not_sum", field="annual_amount")
    assert [gone["code"] for gone in preview["findings_gone"]] == ["annual_not_sum"]
    assert draft["lines_with_errors"] == 0


async def test_lines_with_errors_are_left_out_and_taken_back(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of(NUMBER)
    rows = [row(place) for place in range(5)] + [row(5, birth_date="99/99/1999"), row(6, exit_date="")[:-1] + "x"]
    draft = await desk.upload(csv_file(tmp_path, rows), year=2025)
    wrong = draft["lines_with_errors"]
    assert wrong
    preview, draft = await ask(desk, draft, repair="leave_out_errors")
    assert (preview["lines_changed"], draft["left_out_count"], draft["lines_with_errors"]) == (wrong, wrong, 0)
    assert all(cause["severity"] != "error" for cause in (await causes(desk, draft))["causes"])
    _, draft = await ask(desk, draft, repair="take_back")
    assert (draft["left_out_count"], draft["lines_with_errors"]) == (0, wrong)


async def test_a_repair_seen_on_a_former_revision_is_refused(desk_of: DeskOf, tmp_path: Path) -> None:
    desk = await desk_of(NUMBER)
    draft = await desk.upload(csv_file(tmp_path, [row(place) for place in range(3)]), year=2025)
    stale = draft["summary"]["revision"]
    await ask(desk, draft, repair="swapped_names", choice="all")
    path = f"/v1/drafts/{draft['summary']['draft_id']}/repairs"
    for place in (path, f"{path}/preview"):
        again = await desk.client.post(place, json={"repair": "swapped_names", "choice": "all", "revision": stale})
        assert (again.status_code, again.json()["type"].rpartition("/")[2]) == (409, "draft-moved")
    unknown = await desk.client.post(path, json={"repair": "magic", "revision": stale})
    assert (unknown.status_code, unknown.json()["pointer"]) == (422, "/repair")


async def test_the_database_counts_the_evidence_as_the_repairs_do(desk_of: DeskOf, tmp_path: Path, pool: Pool) -> None:
    desk = await desk_of(NUMBER)
    rows = [
        row(1),
        row(2, q1_amount="135000,50", annual_amount="540000,50"),
        row(3, birth_date="04/03/1985", entry_date="13/03/2015"),
        row(4, **dict.fromkeys((f"q{number}_amount" for number in (1, 2, 3, 4)), "0"), annual_amount="0"),
        row(5, last_name="SAMIRA", birth_date=""),
        row(6, q2_amount="beaucoup", entry_date="05/05/2015"),
    ]
    draft = await desk.upload(csv_file(tmp_path, rows), year=2025)
    _, draft = await ask(desk, draft, repair="leave_out_errors")
    async with transaction(pool, job("test", 0)) as connection:
        employer_id = await connection.fetchval(
            "SELECT employer_id FROM employer_numbers WHERE number = $1 AND mode = 'live'", NUMBER
        )
    async with transaction(pool, job("test", employer_id)) as connection:
        where = {
            "employer_id": employer_id,
            "reading_id": await connection.fetchval(
                "SELECT reading_id FROM drafts WHERE employer_id = $1 AND draft_id = $2",
                employer_id,
                UUID(draft["summary"]["draft_id"]),
            ),
        }
        stored = await stored_causes.select_columns(connection, **where, fields=list(LINE_SCHEMA))
        counted = await stored_causes.select_whole_file(connection, **where)
    assert counted == whole_file(stored)
    assert (counted.lines, counted.left_out, counted.broken_amounts) == (6, 2, 1)
