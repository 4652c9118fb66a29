"""One employer's year for tests: who is paid when, movements told, the year declared and compared by the real doors."""

from datetime import date, timedelta
from typing import Any

from payroll.payroll_desk import WORKBOOKS, Desk
from payroll.periodic_desk import declare, employee

CENTRE = "16001"
DAY = 150_000
"""1,500 DA a day, in centimes: 45,000 DA a month."""
STEADY, SECOND, LOW, RICHER, GONE, LATE, ONCE, CLERK, GHOST = range(1, 10)


def overlap(first: date, last: date, month: int) -> int:
    """The days of a month of 2025 that an employment holds, at most thirty."""
    begins = date(2025, month, 1)
    ends = date(2025 + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    return max(0, min(30, (min(last, ends) - max(first, begins)).days + 1))


class Payroll:
    """Who is paid when: from the movements told, `days` by person and month."""

    def __init__(self, movements: list[dict[str, Any]]) -> None:
        self.people: dict[str, dict[str, Any]] = {}
        self.spells: dict[str, tuple[date, date]] = {}
        for told in movements:
            first, last = self.spells.get(told["nss"], (date(2025, 1, 1), date(2025, 12, 31)))
            day = date.fromisoformat(told["date"])
            self.spells[told["nss"]] = (day, last) if told["kind"] == "entry" else (first, day)
            self.people[told["nss"]] = {name: told[name] for name in ("nss", "last_name", "first_name", "birth_date")}

    def lines(self, month: int) -> list[dict[str, Any]]:
        found = []
        for number, (first, last) in self.spells.items():
            if days := overlap(first, last, month):
                found.append({**self.people[number], "duration": days, "unit": "J", "amount": days * DAY})
        return found

    def year(self) -> list[dict[str, Any]]:
        """The annual lines of the same pay."""
        return [self._line(number, *spell) for number, spell in self.spells.items()]

    def _line(self, number: str, first: date, last: date) -> dict[str, Any]:
        days = [sum(overlap(first, last, month) for month in range(place, place + 3)) for place in (1, 4, 7, 10)]
        line = {**self.people[number], "annual_amount": sum(days) * DAY}
        for quarter, time in enumerate(days, start=1):
            line |= {f"q{quarter}_duration": time, f"q{quarter}_unit": "J", f"q{quarter}_amount": time * DAY}
        if first != date(2025, 1, 1):
            line["entry_date"] = first.isoformat()
        return line if last == date(2025, 12, 31) else {**line, "exit_date": last.isoformat()}


async def told_before(desk: Desk) -> list[dict[str, Any]]:
    """The movements of the workbook, and people who are there since long ago."""
    draft = await desk.upload(WORKBOOKS / "movements-2025.xls", form="movements", year=2025)
    assert draft["line_count"] == 24
    filed = await desk.file(await desk.confirm_all(draft), leave_out_errors=True)
    assert filed.json()["movements"] == 21
    await tell(desk, [entry(number, "2019-03-01") for number in (STEADY, SECOND, LOW, RICHER)])
    told: list[dict[str, Any]] = (await desk.get("/v1/movements"))["items"]
    return told


def entry(number: int, day: str) -> dict[str, Any]:
    return {**person(number), "kind": "entry", "date": day, "reason": "recruitment"}


def person(number: int) -> dict[str, Any]:
    """Who is meant, without what was paid."""
    return {name: employee(number, 0)[name] for name in ("nss", "last_name", "first_name", "birth_date")}


async def tell(desk: Desk, movements: list[dict[str, Any]]) -> Any:
    body: dict[str, Any] = {"movements": movements}
    answer = await desk.client.post("/v1/movements", json=body)
    while answer.status_code == 422:
        codes = {one["code"] for one in answer.json()["findings"] if one["severity"] == "confirm"}
        assert codes - set(body.get("confirm", [])), answer.text
        body["confirm"] = sorted(codes | set(body.get("confirm", [])))
        answer = await desk.client.post("/v1/movements", json=body)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


async def compared(desk: Desk, **how: Any) -> Any:
    """The year compared now."""
    asked = await desk.client.post("/v1/reconciliations", json={"year": 2025, **how})
    assert asked.status_code == 202, asked.text
    path = asked.headers["Location"]
    return await desk._until(lambda: desk.get(path), lambda found: found["status"] == "done")


async def differences(desk: Desk, **how: Any) -> list[Any]:
    items: list[Any] = (await desk.get(f"/v1/reconciliations/{CENTRE}/2025/differences", limit=500, **how))["items"]
    return items


def found_of(rows: list[Any]) -> dict[tuple[str, str | None, str | None], int]:
    return {(row["kind"], row["period"], row["nss"]): row["contributions"] for row in rows}


async def declared_year(desk: Desk, payroll: Payroll) -> dict[int, Any]:
    """The twelve monthly declarations, filed."""
    return {month: await declare(desk, f"2025-{month:02d}", payroll.lines(month)) for month in range(1, 13)}


async def prepared(desk: Desk) -> Any:
    """The annual declaration as the platform prepares it, checked."""
    opened = await desk.client.post("/v1/drafts", json={"form": "annual", "year": 2025, "proposed": True})
    assert opened.status_code == 201, opened.text
    return await desk.draft(opened.json()["draft_id"])


async def patch(desk: Desk, draft: Any, *changes: dict[str, Any]) -> Any:
    path = f"/v1/drafts/{draft['summary']['draft_id']}/lines"
    mended = await desk.client.patch(path, json={"lines": list(changes)})
    assert mended.status_code == 200, mended.text
    return await desk.draft(draft["summary"]["draft_id"])


async def lines_by_nss(desk: Desk, draft: Any) -> dict[str, Any]:
    path = f"/v1/drafts/{draft['summary']['draft_id']}/lines"
    return {line["nss"]: line for line in (await desk.get(path, limit=500))["items"]}


async def year_before(desk: Desk, richer: int = 90 * DAY // 4, **kind: Any) -> Any:
    """2024: RICHER earned a quarter of this year's pay, GONE was there."""
    lines = []
    for number, quarter in ((RICHER, richer), (GONE, 90 * DAY)):
        said = person(number)
        for place in (1, 2, 3, 4):
            said |= {f"q{place}_duration": 90, f"q{place}_unit": "J", f"q{place}_amount": quarter}
        lines.append({**said, "annual_amount": 4 * quarter, "entry_date": "2019-03-01"})
    return await declare_year(desk, 2024, lines, **kind)


async def declare_year(desk: Desk, year: int, lines: list[dict[str, Any]], **kind: Any) -> Any:
    opened = await desk.client.post("/v1/drafts", json={"form": "annual", "year": year, **kind})
    draft_id = opened.json()["draft_id"]
    sent = await desk.client.post(f"/v1/drafts/{draft_id}/lines", json={"lines": lines})
    await desk.read(sent.json())
    filed = await desk.file(await desk.accept(await desk.confirm_all(await desk.draft(draft_id))))
    assert filed.status_code == 201, filed.text
    return filed.json()


def by_rate_line(base: int, workers: int) -> list[dict[str, Any]]:
    """A builder's totals: the general line, and its supplement on the same base."""
    return [{"code": code, "amount": base, "workers": workers} for code in ("R22", "R38")]
