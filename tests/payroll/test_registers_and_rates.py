"""What the registers know enters the checks, and an employment's rate category its cost."""

from collections.abc import Awaitable, Callable
from typing import Any

from world import START

from payroll.payroll_desk import Desk
from payroll.periodic_desk import send_period
from payroll.test_annual_chain import file_lines, line, send_lines
from schemas.actors import job
from teledeclaration.database import Pool, transaction

DeskOf = Callable[[str], Awaitable[Desk]]
KNOWN = "850512345602"


async def register(pool: Pool, employer_id: int, *, employed: bool, category: str = "general") -> None:
    """The fund knows Samira Benali, born on 12 May 1985; perhaps as this employer's own."""
    async with transaction(pool, job("test", 0)) as connection:
        person = await connection.fetchval(
            "INSERT INTO people (nss, last_name, first_name, birth_date, updated_at)"
            " VALUES ($1, 'BENALI', 'SAMIRA', '1985-05-12', $2) RETURNING person_id",
            KNOWN,
            START,
        )
        await connection.execute(
            "INSERT INTO insured_numbers VALUES ($1, $2) ON CONFLICT (nss) DO UPDATE SET person_id = $2", KNOWN, person
        )
        if employed:
            await connection.execute(
                "INSERT INTO employments (employer_id, person_id, entry_date, rate_category, nss, updated_at)"
                " VALUES ($1, $2, '2020-03-01', $3, $4, $5)",
                employer_id,
                person,
                category,
                KNOWN,
                START,
            )


async def own_id(desk: Desk, pool: Pool) -> int:
    number = (await desk.get("/v1/employer"))["particulars"]["number"]
    async with transaction(pool, job("test", 0)) as connection:
        found: int = await connection.fetchval(
            "SELECT max(employer_id) FROM employers WHERE number = $1 AND mode = 'live'", number
        )
    return found


async def test_an_own_employees_name_is_proposed_as_the_register_has_it(desk_of: DeskOf, pool: Pool) -> None:
    desk = await desk_of("1600000101")
    await register(pool, await own_id(desk, pool), employed=True)
    draft = await send_lines(desk, [line(KNOWN, 6_000_000) | {"last_name": "BENALLI"}])
    differing = await desk.findings(draft, code="name_differs")
    assert [(one["pointer"], one["proposed"], one["severity"]) for one in differing] == [
        ("/lines/0/last_name", "BENALI", "confirm")
    ]


async def test_of_somebody_elses_employee_nothing_is_completed(desk_of: DeskOf, pool: Pool) -> None:
    desk = await desk_of("1600000102")
    await register(pool, await own_id(desk, pool), employed=False)
    one_off = await send_lines(desk, [line(KNOWN, 6_000_000) | {"last_name": "BENALLI"}])
    assert [one["proposed"] for one in await desk.findings(one_off, code="name_differs")] == [None]
    fished = await desk.accept(await send_lines(desk, [line(KNOWN, 6_000_000) | {"last_name": "X", "first_name": "Y"}]))
    assert [one["code"] for one in await desk.findings(fished, severity="confirm") if one["field"] != "nss"] == []
    told = str(await desk.findings(fished))
    assert "BENALI" not in told
    assert "SAMIRA" not in told


async def test_a_rebate_category_of_the_register_lowers_the_employers_share(desk_of: DeskOf, pool: Pool) -> None:
    desk = await desk_of("1600000103")
    await register(pool, await own_id(desk, pool), employed=True, category="rebate_north_job_seeker")
    declaration = await file_lines(desk, [line(KNOWN, 6_000_000)])
    amounts = (await desk.assessment(declaration))["amounts"]
    # R06 is 24.5 % of each quarter's 60,000.00 DA (reference table of section 1), R98 0.5 %.
    lines = [(one["code"], one["periods"], one["amount"]) for one in amounts["lines"]]
    quarters = [[f"2025-Q{number}"] for number in (1, 2, 3, 4)]
    assert lines == [("R06", one, 1_470_000) for one in quarters] + [("R98", one, 30_000) for one in quarters]
    why = await desk.get(
        f"/v1/declarations/{declaration['declaration_id']}/assessment/why",
        line="R06",
        branch="retirement",
        payer="employee",
    )
    assert [one["line"]["periods"] for one in why] == quarters
    assert [one["part"]["amount"] for one in why] == [6_000_000 * 675 // 10_000] * 4
    assert all(law["reference"] and law["confidence"] for law in why[0]["part"]["law"])


async def test_a_category_whose_rates_are_not_confirmed_cannot_be_filed(desk_of: DeskOf) -> None:
    desk = await desk_of("1600000104")
    draft = await send_lines(desk, [line(KNOWN, 6_000_000) | {"rate_category": "apprentice"}])
    closed: list[Any] = await desk.findings(draft, code="rate_category_closed")
    assert [(one["severity"], one["proposed"]) for one in closed] == [("error", "general")]
    path = f"/v1/drafts/{draft['summary']['draft_id']}/lines"
    mended = {"lines": [{"line_number": 1, "rate_category": "general"}]}
    assert (await desk.client.patch(path, json=mended)).status_code == 200
    assert await desk.findings(await desk.draft(draft["summary"]["draft_id"]), code="rate_category_closed") == []
    unknown = {"lines": [{"line_number": 1, "rate_category": "friends"}]}
    refused = await desk.client.patch(path, json=unknown)
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/lines/0/rate_category")


async def test_rate_lines_are_mended_where_the_fund_knows_its_insured(desk_of: DeskOf, pool: Pool) -> None:
    """They are about nobody, whoever the register of people knows."""
    desk = await desk_of("1612000071")
    await register(pool, await own_id(desk, pool), employed=False)
    lines = [{"code": "R22", "amount": 9_000_000, "workers": 2}, {"code": "R98", "amount": 9_000_001, "workers": 2}]
    draft = await send_period(desk, "2025-Q4", lines, "totals")
    (told_of,) = await desk.findings(draft, code="shared_base_differs")
    assert (told_of["seen"], told_of["proposed"]) == ("9000001", "9000000")
    assert "90,000.01" in told_of["message"]
    assert "9000000" not in told_of["message"]

    mend = {"lines": [{"line_number": 2, "amount": 9_000_000}]}
    await desk.client.patch(f"/v1/drafts/{draft['summary']['draft_id']}/lines", json=mend)
    draft = await desk.draft(draft["summary"]["draft_id"])
    assert (draft["progress"]["status"], draft["obstacles"]) == ("checked", [])
