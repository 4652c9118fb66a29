"""A year with twelve monthly declarations, the movements of a workbook and an annual declaration, by the real doors.

What is planted is found, named and priced by hand (35 % of the base: R22 34.5 %, R98 0.5 %); mended, nothing differs.
"""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import openpyxl
import pytest

from payroll.payroll_desk import Desk
from payroll.periodic_desk import declare, employee, make_monthly, nss, of_building, problem
from payroll.year_desk import (
    CENTRE,
    CLERK,
    DAY,
    GHOST,
    GONE,
    LATE,
    LOW,
    ONCE,
    RICHER,
    SECOND,
    STEADY,
    Payroll,
    by_rate_line,
    compared,
    declare_year,
    declared_year,
    differences,
    entry,
    found_of,
    lines_by_nss,
    patch,
    person,
    prepared,
    tell,
    told_before,
    year_before,
)  # fmt: skip
from schemas.actors import job
from teledeclaration.database import Pool, transaction
from teledeclaration.payroll.actions.reconciling import CentreYear
from teledeclaration.payroll.queries import reconciliation
from workers.reconcile_all import reconcile_all_of
from workers.reconcile_year import reconcile_year
from workers.sweep import sweep

DeskOf = Callable[[str], Awaitable[Desk]]
LOW_WORTH = 11_667
"""57,000 DA for 88 days: two months of 31 and 26 days are 86 thirtieths, 57,333.33 DA at the minimum wage."""


@pytest.fixture
async def desk(pool: Pool, desk_of: DeskOf) -> Desk:
    opened = await desk_of("1647091706")
    await make_monthly(pool, "1647091706")
    return opened


async def test_a_year_with_every_kind_of_difference_and_the_same_year_mended(  # noqa: PLR0915 — one employer's January
    desk: Desk, worker: dict[str, Any], clients: Any, clock: Any
) -> None:
    payroll = Payroll(await told_before(desk))
    payroll_lines = payroll.lines

    def with_holes(month: int) -> list[dict[str, Any]]:
        """SECOND is forgotten in May, LOW is paid under the minimum wage until March."""
        lines = [line for line in payroll_lines(month) if (line["nss"], month) != (nss(SECOND), 5)]
        low = {"amount": 1_900_000} if month <= 3 else {}
        return [line | (low if line["nss"] == nss(LOW) else {}) for line in lines]

    payroll.lines = with_holes  # type: ignore[method-assign]
    months = await declared_year(desk, payroll)
    last_year = await year_before(desk)

    draft = await prepared(desk)
    lines = await lines_by_nss(desk, draft)
    assert lines.keys() == payroll.spells.keys()
    left = next(one for one, (_, last) in payroll.spells.items() if last <= date(2025, 9, 30))
    came = next(one for one, (first, _) in payroll.spells.items() if date(2025, 4, 1) < first < date(2025, 12, 1))
    quarter_came = (payroll.spells[came][0].month + 2) // 3
    entered = payroll.spells[came][0]
    ends = date(2025, 3 * quarter_came, 30 if quarter_came in (2, 3) else 31)
    days_there = (ends - entered).days + 1
    good = {number: lines[nss(number)] for number in (STEADY, SECOND, RICHER)}
    pay = good[STEADY]["q1_amount"]

    planted = [
        {"line_number": good[STEADY]["line_number"], "q1_amount": pay + 100_000, "q3_duration": 0, "q3_amount": 0},
        {"line_number": good[SECOND]["line_number"], "q2_amount": 90 * DAY},
        {"line_number": lines[left]["line_number"], "q4_duration": 90, "q4_unit": "J", "q4_amount": pay},
        {"line_number": lines[came]["line_number"], "q1_duration": 90, "q1_unit": "J", "q1_amount": pay,
         f"q{quarter_came}_duration": 90},
        {"line_number": good[RICHER]["line_number"], "nss": nss(77)},
    ]  # fmt: skip
    draft = await patch(desk, draft, *planted)
    await tell(desk, [entry(LATE, "2025-12-02")])

    result = await compared(desk, draft_id=draft["summary"]["draft_id"])
    assert result["against"] == "draft"
    rows = await differences(desk)
    found = found_of(rows)
    excess = lines[came][f"q{quarter_came}_amount"] * (90 - days_there) // 90
    expected = {
        ("base_differs", "2025-Q1", nss(STEADY)): 35_000,  # 1,000 DA too much
        ("periodic_only", "2025-Q3", nss(STEADY)): -90 * DAY * 35 // 100,
        ("base_differs", "2025-Q2", nss(SECOND)): 30 * DAY * 35 // 100,  # May
        ("left_but_paid", "2025-Q4", left): pay * 35 // 100,
        ("paid_before_entry", "2025-Q1", came): pay * 35 // 100,
        ("days_beyond_employment", f"2025-Q{quarter_came}", came): excess * 35 // 100,
        ("below_minimum_wage", "2025-Q1", nss(LOW)): LOW_WORTH,
        ("hired_but_missing", "2025-Q4", nss(LATE)): 700_000,  # a month's minimum wage
        ("two_numbers", None, nss(77)): 0,
        ("vanished", None, nss(GONE)): -360 * DAY * 35 // 100,
        ("unusual_jump", None, nss(RICHER)): 0,
        ("headcount_differs", "2025-12", None): 0,  # LATE was told to be there
    }
    assert found.keys() == expected.keys()
    for key, worth in expected.items():
        if key[0] != "unusual_jump":
            assert abs(found[key] - worth) <= 2, key  # largest remainder: each within a centime of each rate line
    causes = {(row["kind"], row["nss"]): row["cause"] for row in rows}
    assert causes["base_differs", nss(SECOND)] == "month_missing"
    certain = [row for row in rows if row["kind"] not in ("vanished", "unusual_jump")]
    assert result["at_stake"] == sum(abs(row["contributions"]) for row in certain)
    assert {kind["kind"]: kind["count"] for kind in result["kinds"]} == {
        kind: sum(key[0] == kind for key in expected) for kind, _, _ in expected
    }
    for row in rows:
        assert row["what"] and row["what_to_do"] and row["worth"] and "{" not in row["what"] + (row["why"] or "")

    # ── mended
    back = [
        {"line_number": line["line_number"], **{name: line[name] for name in change if name != "line_number"}}
        for change in planted
        for line in lines.values()
        if line["line_number"] == change["line_number"]
    ]
    back[1] = {"line_number": good[SECOND]["line_number"], "q2_duration": 90, "q2_amount": 90 * DAY,
               "annual_amount": good[SECOND]["annual_amount"] + 30 * DAY}  # fmt: skip
    draft = await patch(desk, draft, *back)
    missing = employee(SECOND, 30 * DAY)
    await declare(desk, "2025-05", [missing], type="C", completes=months[5]["declaration_id"])
    told = (await desk.get("/v1/movements"))["items"]
    late = next(one for one in told if one["nss"] == nss(LATE))
    await tell(desk, [{"withdraws": late["movement_id"]}])
    await tell(desk, [{**entry(GONE, "2019-03-01")}])
    await tell(desk, [{**entry(GONE, "2024-12-31"), "kind": "exit", "reason": "resignation"}])
    assert await desk.findings(draft, severity="error") == []
    filed = await desk.file(await desk.confirm_all(draft))
    assert filed.status_code == 201, filed.text
    result = await compared(desk)
    assert result["against"] == "declaration"
    rows = await differences(desk)
    assert {(row["kind"], row["nss"]) for row in rows} == {
        ("below_minimum_wage", nss(LOW)), ("unusual_jump", nss(RICHER)),
    }  # fmt: skip
    assert result["at_stake"] == LOW_WORTH
    assert all(quarter["difference"] == 0 for quarter in result["quarters"])

    # ── stood by, and the officers' list
    officers = clients["dalila"]
    listed = (await officers.get("/v1/fund/reconciliations", params={"year": 2025})).json()["items"]
    assert [(one["number"], one["at_stake"]) for one in listed] == [("1647091706", LOW_WORTH)]
    assert (await clients["omar"].get("/v1/fund/reconciliations", params={"year": 2025})).json()["items"] == []
    low = next(row for row in rows if row["kind"] == "below_minimum_wage")
    path = f"/v1/reconciliations/{CENTRE}/2025/differences/{low['difference']}/acceptance"
    seen = (await desk.get(f"/v1/reconciliations/{CENTRE}/2025"))["done_at"]
    stale = await desk.client.post(path, json={"compared_at": "2026-01-01T00:00:00Z", "reason": "Unpaid leave"})
    assert problem(stale) == (409, "comparison-moved")
    accepted = await desk.client.post(path, json={"compared_at": seen, "reason": "Unpaid leave until March"})
    assert accepted.status_code == 201 and accepted.json()["accepted"], accepted.text
    again = await desk.client.post(path, json={"compared_at": seen, "reason": "again"})
    assert problem(again) == (409, "difference-accepted")
    assert (await compared(desk))["at_stake"] == 0
    assert (await officers.get("/v1/fund/reconciliations", params={"year": 2025})).json()["items"] == []
    assert (await desk.client.delete(path)).status_code == 200
    assert (await compared(desk))["at_stake"] == LOW_WORTH

    # ── the night finds the same
    clock.advance(timedelta(minutes=1))
    assert await reconcile_all_of(worker, 2025) == 1
    assert await differences(desk) == rows
    assert (await desk.get(f"/v1/reconciliations/{CENTRE}/2025"))["at_stake"] == LOW_WORTH
    assert await reconcile_all_of(worker, 2025) == 0  # nothing changed since

    # ── what the months and last year had wrong is replaced too: nothing differs any more
    clock.advance(timedelta(minutes=1))
    for month in (1, 2, 3):
        replaced = months[month]["declaration_id"]
        await declare(desk, f"2025-{month:02d}", payroll_lines(month), type="R", replaces=replaced)
    annual, lacking = filed.json()["declaration_id"], 88 * DAY - 3 * 1_900_000
    declared = (await desk.get(f"/v1/declarations/{annual}/lines", limit=500))["items"]
    for line in declared:
        del line["line_number"]
        if line["nss"] == nss(LOW):
            line |= {name: line[name] + lacking for name in ("q1_amount", "annual_amount")}
    await declare_year(desk, 2025, declared, type="R", replaces=annual)
    await year_before(desk, 90 * DAY, type="R", replaces=last_year["declaration_id"])
    result = await compared(desk)
    assert (await differences(desk), result["at_stake"], result["doubtful"]) == ([], 0, 0)


async def test_what_the_annual_declaration_alone_says_and_what_was_never_declared(desk: Desk, pool: Pool) -> None:
    """A month never declared, one of totals only, another category, an entry never told: of a builder, at 35.13 %."""
    await of_building(pool, "1647091706")
    await told_before(desk)
    there_once = {**entry(ONCE, "2025-11-29"), "kind": "exit", "reason": "end_of_contract"}
    await tell(desk, [entry(ONCE, "2025-11-03"), there_once, entry(CLERK, "2025-10-01")])
    payroll = Payroll((await desk.get("/v1/movements"))["items"])
    payroll.people[nss(GHOST)] = person(GHOST)
    payroll.spells[nss(GHOST)] = (date(2025, 1, 1), date(2025, 1, 31))

    general = {"rate_category": "general"}

    def paid(month: int) -> list[dict[str, Any]]:
        """ONCE is forgotten, CLERK is declared as not of the building sector."""
        lines = [line for line in payroll.lines(month) if line["nss"] != nss(ONCE)]
        return [line | (general if line["nss"] == nss(CLERK) else {}) for line in lines]

    april = by_rate_line(sum(line["amount"] for line in paid(4)) - 100_000, len(paid(4)))
    totals = await declare(desk, "2025-04", april, "totals")
    months = {
        month: await declare(desk, f"2025-{month:02d}", paid(month)) for month in range(1, 13) if month not in (3, 4)
    }
    annual = await declare_year(desk, 2025, payroll.year())

    result = await compared(desk)
    rows = await differences(desk)
    expected = {
        # 27 days at 1,500 DA: 40,500 DA × 35.13 %
        ("annual_only", "2025-Q4", nss(ONCE)): (1_422_765, None, "complete"),
        # 90 days at 1,500 DA: 135,000 DA × (35.13 % − 35 %), R38
        ("category_differs", "2025-Q4", nss(CLERK)): (17_550, None, "mend_annual"),
        # 1,000 DA × 35.13 %
        ("totals_differ", "2025-Q2", None): (35_130, None, "complete"),
        # March: 12 people of 30 days and one, come on the 11th, of 21: 381 days at 1,500 DA, 571,500 DA × 35.13 %
        ("period_undeclared", "2025-03", None): (20_076_795, None, "complete"),
        ("paid_not_hired", None, nss(GHOST)): (0, None, "declare_movement"),
        ("headcount_differs", "2025-01", None): (0, None, "correct_movement"),  # GHOST is one more than the register's
    }
    assert {
        (row["kind"], row["period"], row["nss"]): (row["contributions"], row["cause"], row["action"]) for row in rows
    } == expected
    assert len(rows) == len(expected)
    by_kind = {row["kind"]: (row["declared"], row["expected"]) for row in rows}
    assert by_kind["annual_only"] == (27 * DAY, 0)
    assert by_kind["category_differs"] == (90 * DAY, 90 * DAY)
    assert by_kind["paid_not_hired"] == (30 * DAY, None)
    first = sum(line["amount"] for month in (1, 2) for line in paid(month) if line["nss"] != nss(GHOST))
    assert by_kind["period_undeclared"] == (first + 381 * DAY, first)
    second = sum(line["amount"] for month in (4, 5, 6) for line in paid(month))
    assert by_kind["totals_differ"] == (second, second - 100_000)
    for row in rows:
        assert row["what"] and row["what_to_do"] and row["worth"] and "{" not in row["what"]
    # 14,227.65 + 175.50 + 351.30 + 200,767.95 DA
    assert (result["against"], result["at_stake"]) == ("declaration", 21_552_240)
    assert [one["difference"] for one in result["quarters"]] == [381 * DAY, 100_000, 0, 27 * DAY]

    # ── mended: the month late, complements, the movements, and the annual declaration replaced
    await declare(desk, "2025-03", paid(3))
    await declare(desk, "2025-04", by_rate_line(100_000, 1), "totals", type="C", completes=totals["declaration_id"])
    forgotten = employee(ONCE, 27 * DAY, duration=27)
    await declare(desk, "2025-11", [forgotten], type="C", completes=months[11]["declaration_id"])
    left = {**entry(GHOST, "2025-01-31"), "kind": "exit", "reason": "end_of_contract"}
    await tell(desk, [entry(GHOST, "2025-01-01"), left])
    lines = [line | (general if line["nss"] == nss(CLERK) else {}) for line in payroll.year()]
    await declare_year(desk, 2025, lines, type="R", replaces=annual["declaration_id"])
    result = await compared(desk)
    assert (await differences(desk), result["at_stake"], result["doubtful"]) == ([], 0, 0)
    assert all(quarter["difference"] == 0 for quarter in result["quarters"])


async def test_the_report_says_the_same_in_three_ways(desk: Desk, pool: Pool) -> None:
    payroll = Payroll([])
    payroll.people = {nss(STEADY): person(STEADY)}
    payroll.people[nss(STEADY)]["last_name"] = "BENALI"
    payroll.spells = {nss(STEADY): (date(2025, 1, 1), date(2025, 12, 31))}
    await declare(desk, "2025-01", payroll.lines(1))
    await tell(desk, [entry(LATE, "2025-01-02")])
    report = f"/v1/reconciliations/{CENTRE}/2025/report"
    await compared(desk)
    told = await desk.get(f"{report}.json")
    assert {(one["kind"], one["nss"]) for one in told["differences"]} == {
        ("hired_but_missing", nss(LATE)), ("paid_not_hired", nss(STEADY)),
    }  # fmt: skip
    for language, words in (("fr", "Employé, mais absent"), ("ar", "موظّف وغائب"), ("en", "Employed, but missing")):
        workbook = await desk.client.get(f"{report}.xlsx", params={"language": language})
        assert workbook.status_code == 200
        sheets = openpyxl.load_workbook(_file(workbook.content))
        cells = [cell for sheet in sheets for row in sheet.iter_rows() for cell in row if cell.value is not None]
        assert any(str(cell.value).startswith(words) for cell in cells)
        assert {cell.data_type for cell in cells} <= {"s", "inlineStr"}
        page = await desk.client.get(f"{report}.pdf", params={"language": language})
        assert page.content.startswith(b"%PDF-")


def _file(content: bytes) -> Any:
    from io import BytesIO

    return BytesIO(content)


async def test_a_year_never_compared_has_no_report(charlie: Desk) -> None:
    answer = await charlie.client.get("/v1/reconciliations/31001/2025/report.json")
    assert answer.status_code == 404


async def test_the_annual_declaration_is_prepared_as_a_workbook_too(desk_of: DeskOf, pool: Pool, tmp_path: Any) -> None:
    """Downloaded with the year's own figures, sent back and filed, it leaves no difference."""
    desk = await desk_of("1600000741")
    await make_monthly(pool, "1600000741")
    await tell(desk, [entry(number, "2025-03-11") for number in (STEADY, SECOND)])
    for month in range(3, 13):
        days = 20 if month == 3 else 30
        lines = [employee(number, days * DAY, duration=days) for number in (STEADY, SECOND)]
        await declare(desk, f"2025-{month:02d}", lines)
    answer = await desk.client.get(
        "/v1/templates/annual.xlsx", params={"year": 2025, "figures": "periodic", "language": "fr"}
    )
    assert answer.status_code == 200, answer.text
    file = tmp_path / "annual.xlsx"
    file.write_bytes(answer.content)
    draft = await desk.upload(file, year=2025)
    assert await desk.findings(draft, severity="error") == []
    assert draft["totals"]["quarters"] == [2 * days * DAY for days in (20, 90, 90, 90)]
    filed = await desk.file(await desk.confirm_all(draft))
    assert filed.status_code == 201, filed.text
    result = await compared(desk)
    assert (result["against"], result["differences"]) == ("declaration", 0)


async def test_what_is_filed_is_compared_by_itself_and_a_job_run_twice_changes_nothing(
    desk_of: DeskOf, worker: dict[str, Any], pool: Pool
) -> None:
    desk = await desk_of("1600000742")
    await make_monthly(pool, "1600000742")
    filed = await declare(desk, "2025-01", [employee(STEADY, 30 * DAY)])
    await sweep(worker)
    path = f"/v1/reconciliations/{CENTRE}/2025"
    found = await desk._until(lambda: desk.get(path), lambda one: one["status"] == "done")
    assert (found["against"], found["lines"], found["differences"]) == ("none", 1, 0)
    async with transaction(pool, job("test", 0)) as connection:
        employer_id = await connection.fetchval(
            "SELECT employer_id FROM declarations WHERE declaration_id = $1", filed["declaration_id"]
        )
    subject = str(CentreYear(employer_id=employer_id, centre=CENTRE, year=2025).subject)
    assert await reconcile_year(worker, employer_id, subject) is False
    assert await desk.get(path) == found


async def test_a_comparison_overtaken_by_a_change_stores_nothing(
    desk_of: DeskOf, worker: dict[str, Any], pool: Pool, clock: Any
) -> None:
    desk = await desk_of("1600000743")
    await make_monthly(pool, "1600000743")
    await declare(desk, "2025-01", [employee(STEADY, 30 * DAY)])
    async with transaction(pool, job("test", 0)) as connection:
        employer_id = await connection.fetchval("SELECT employer_id FROM employers WHERE number = '1600000743'")
    of = CentreYear(employer_id=employer_id, centre=CENTRE, year=2025)
    lease, result = uuid4(), reconciliation.Result(lines=9, differences=9, at_stake=9, facts={})
    actor = job("test", employer_id)
    async with transaction(pool, actor) as connection:
        await reconciliation.ask(connection, **of.key, draft_id=None, now=clock())
        assert await reconciliation.claim(connection, **of.key, lease=lease, now=clock())
        assert await reconciliation.claim(connection, **of.key, lease=uuid4(), now=clock()) is None
        await reconciliation.ask(connection, **of.key, draft_id=None, now=clock())
        assert not await reconciliation.finish(connection, **of.key, lease=lease, result=result, now=clock())
        row = await reconciliation.select_reconciliation(connection, **of.key)
    assert row is not None
    assert (row.status, row.at_stake) == ("waiting", None)
