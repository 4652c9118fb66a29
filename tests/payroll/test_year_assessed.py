"""Months filed by REST, then the year: over HTTP, with a real worker, to the centime."""

from collections.abc import Awaitable, Callable
from typing import Any

from payroll.payroll_desk import Desk
from payroll.periodic_desk import declare, employee, make_monthly
from payroll.test_annual_chain import file_lines
from payroll.test_annual_chain import line as year_line
from teledeclaration.database import Pool

DeskOf = Callable[[str], Awaitable[Desk]]


async def owed_by_period(desk: Desk) -> dict[str, int]:
    sums: dict[str, int] = {}
    for due in (await desk.get("/v1/dues", period="2025"))["dues"]:
        sums[due["period"]] = sums.get(due["period"], 0) + due["remaining"]
    return sums


def year_of(person: dict[str, Any], *quarters: int) -> dict[str, Any]:
    """The same person's year, with a base for each quarter."""
    named = {name: person[name] for name in ("nss", "last_name", "first_name", "birth_date")}
    amounts = {f"q{number}_amount": amount for number, amount in enumerate(quarters, 1)}
    return year_line(person["nss"], 0) | named | amounts | {"annual_amount": sum(quarters)}


async def test_the_year_adds_to_a_quarter_what_its_months_lack_and_no_more(desk_of: DeskOf, pool: Pool) -> None:
    desk = await desk_of("1600007001")
    await make_monthly(pool, "1600007001")
    for month in ("2025-01", "2025-02", "2025-03", "2025-04", "2025-05", "2025-06"):
        assessed = await desk.assessment(await declare(desk, month, [employee(1, 6_000_000, duration=28)]))
        # 34.5 % and 0.5 % of 60,000.00 DA.
        assert assessed["difference"] == assessed["amounts"]["total"] == 2_070_000 + 30_000
    months = dict.fromkeys(("2025-01", "2025-02", "2025-03", "2025-04", "2025-05", "2025-06"), 2_100_000)
    assert await owed_by_period(desk) == months

    person = employee(1, 0)
    lines = [year_of(person, 18_000_000, 20_000_000, 18_000_000, 18_000_000)]
    declaration = await file_lines(desk, lines)
    assessed = await desk.assessment(declaration)
    # 20,000.00 DA more in the second quarter, and two quarters nobody declared: 35 % of 380,000.00 DA.
    assert assessed["difference"] == 13_300_000
    assert assessed["amounts"]["total"] == 35 * 74_000_000 // 100
    assert await owed_by_period(desk) == months | {"2025-Q2": 700_000, "2025-Q3": 6_300_000, "2025-Q4": 6_300_000}

    path = f"/v1/declarations/{declaration['declaration_id']}/assessment/why"
    why = await desk.get(path, line="R22", branch="retirement", payer="employee")
    assert [one["line"]["periods"] for one in why] == [[code] for code in sorted([*months, *QUARTERS])]
    second = next(one for one in why if one["line"]["periods"] == ["2025-Q2"])
    assert (second["line"]["base"], second["part"]["amount"]) == (2_000_000, 135_000)
    assert second["explanation"].startswith("2025-Q2: ")

    same = await file_lines(desk, lines, type="R", replaces=declaration["declaration_id"])
    assert (await desk.assessment(same))["difference"] == 0


QUARTERS = ("2025-Q2", "2025-Q3", "2025-Q4")


async def test_a_month_declared_after_the_year_moves_there_from_its_quarter(desk_of: DeskOf, pool: Pool) -> None:
    desk = await desk_of("1600007002")
    await make_monthly(pool, "1600007002")
    await desk.assessment(await file_lines(desk, [year_of(employee(1, 0), 18_000_000, 0, 0, 0)]))
    assert await owed_by_period(desk) == {"2025-Q1": 6_300_000}
    late = await desk.assessment(await declare(desk, "2025-02", [employee(1, 6_000_000, duration=28)]))
    assert (late["difference"], late["amounts"]["total"]) == (0, 2_100_000)
    assert await owed_by_period(desk) == {"2025-Q1": 4_200_000, "2025-02": 2_100_000}
    assert (await desk.get("/v1/balance"))["credit"] == 0


async def test_a_replacement_review_tells_what_the_period_costs(desk_of: DeskOf, pool: Pool) -> None:
    desk = await desk_of("1600007003")
    await make_monthly(pool, "1600007003")
    first = await declare(desk, "2025-02", [employee(1, 6_000_000, duration=28), employee(2, 8_000_000, duration=28)])
    await desk.assessment(first)
    second = await declare(
        desk, "2025-02", [employee(1, 6_000_000, duration=28)], type="R", replaces=first["declaration_id"]
    )
    assert (await desk.assessment(second))["difference"] == -2_800_000
    assert await owed_by_period(desk) == {"2025-02": 2_100_000}
