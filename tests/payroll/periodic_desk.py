"""A clerk's desk for months and quarters, by REST."""

from typing import Any

import httpx

from payroll.payroll_desk import Desk
from schemas.actors import job
from teledeclaration.database import Pool, transaction


def employee(number: int, amount: int | None, **fields: Any) -> dict[str, Any]:
    """A line of someone invented, with a right number: `number` tells them apart; the base in centimes."""
    return {
        "nss": nss(number),
        "last_name": f"NOM{'ABCDEFGHIJ'[number % 10]}",
        "first_name": f"PRENOM{'ABCDEFGHIJ'[number // 10 % 10]}",
        "birth_date": f"1985-{number % 12 + 1:02d}-15",
        "duration": 30,
        "unit": "J",
        "amount": amount,
        **fields,
    }


def nss(number: int) -> str:
    """Twelve digits with their key (reference table of section 4)."""
    digits = f"85{number:08d}"
    odd, even = sum(map(int, digits[0::2])), sum(map(int, digits[1::2]))
    return f"{digits}{99 - (2 * odd + even):02d}"


async def make_monthly(pool: Pool, number: str) -> None:
    """Let an employer declare by the month."""
    await _particulars(pool, number, "periodicity = 'monthly'")


async def of_building(pool: Pool, number: str) -> None:
    """Let an employer be of the building sector."""
    await _particulars(pool, number, "building_sector = true")


async def opened_on(pool: Pool, number: str, day: str) -> None:
    await _particulars(pool, number, f"opened_on = '{day}'")


async def _particulars(pool: Pool, number: str, change: str) -> None:
    async with transaction(pool, job("test", 0)) as connection:
        await connection.execute(f"UPDATE employers SET {change} WHERE number = $1", number)


async def open_period(desk: Desk, period: str, form: str = "periodic", **fields: Any) -> Any:
    answer = await desk.client.post("/v1/drafts", json={"form": form, "period": period, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def send_period(
    desk: Desk, period: str, lines: list[dict[str, Any]], form: str = "periodic", **fields: Any
) -> Any:
    """A draft of these lines, checked."""
    draft = await open_period(desk, period, form, **fields)
    sent = await desk.client.post(f"/v1/drafts/{draft['draft_id']}/lines", json={"lines": lines})
    assert sent.status_code == 202, sent.text
    await desk.read(sent.json())
    return await desk.draft(draft["draft_id"])


async def declare(desk: Desk, period: str, lines: list[dict[str, Any]], form: str = "periodic", **fields: Any) -> Any:
    """The declaration of these lines; what is to be confirmed is confirmed."""
    draft = await desk.accept(await desk.confirm_all(await send_period(desk, period, lines, form, **fields)))
    assert draft["obstacles"] == [], draft["obstacles"]
    filed = await desk.file(draft)
    assert filed.status_code == 201, filed.text
    return filed.json()


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition("/")[2]
