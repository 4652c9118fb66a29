"""What was declared goes back to the fund: a feed without gaps, lines, and a file a day."""

import asyncio
import csv
import io
import json
import zipfile
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from world import START, A, B, Employer

from schemas.actors import job
from teledeclaration.database import Connection, Pool, transaction


async def declare(
    connection: Connection, employer: Employer, *, filed_at: datetime, mode: str = "live", lines: int = 2
) -> UUID:
    """A filed declaration with as many lines, in the caller's transaction."""
    declaration_id, draft_id, reading_id = uuid4(), uuid4(), uuid4()
    await connection.execute(
        "INSERT INTO drafts (employer_id, draft_id, form, centre, year, period, type, created_by, created_at,"
        " updated_at) VALUES ($1, $2, 'annual', $3, 2025, '2025', 'C', 'tests', $4, $4)",
        employer.employer_id,
        draft_id,
        employer.centre,
        filed_at,
    )
    await connection.execute(
        "INSERT INTO declarations (employer_id, declaration_id, number, form, centre, year, period, type, mode,"
        " draft_id, reading_id, line_count, left_out_count, q1_amount, q2_amount, q3_amount, q4_amount, annual_amount,"
        " content_hash, filed_by, filed_at, legal_day) VALUES"
        " ($1, $2, $3, 'annual', $4, 2025, '2025', 'C', $5, $6, $7, $8, 0, $9, 0, 0, 0, $9, 'hash', 'Alice', $10, $11)",
        employer.employer_id,
        declaration_id,
        declaration_id.hex[:12],
        employer.centre,
        mode,
        draft_id,
        reading_id,
        lines,
        1000 * lines,
        filed_at,
        filed_at.date(),
    )
    await connection.executemany(
        "INSERT INTO declared_lines (employer_id, declaration_id, line_number, nss, last_name, first_name, q1_amount,"
        " q2_amount, q3_amount, q4_amount, annual_amount, rate_category)"
        " VALUES ($1, $2, $3, $4, 'NOM', 'ليلى', 1000, 0, 0, 0, 1000, 'general')",
        [(employer.employer_id, declaration_id, number, f"8001123{number:05d}") for number in range(1, lines + 1)],
    )
    return declaration_id


async def filed(pool: Pool, employer: Employer, **named: Any) -> UUID:
    async with transaction(pool, job("tests", employer.employer_id)) as connection:
        return await declare(connection, employer, **named)


async def read_all(client: Any, after: str | None = None, limit: int = 2) -> tuple[list[str], str]:
    """Everything from a cursor on, page by page."""
    found: list[str] = []
    while True:
        query = f"?limit={limit}" + (f"&after={after}" if after else "")
        page = (await client.get(f"/v1/declared{query}")).json()
        found += [each["declaration_id"] for each in page["declarations"]]
        after = page["after"]
        if not page["more"]:
            return found, page["after"]


async def test_feed_tells_live_declarations_once_with_their_totals(clients: Any, pool: Pool) -> None:
    ids = [await filed(pool, A, filed_at=START + timedelta(minutes=n)) for n in range(5)]
    await filed(pool, A, filed_at=START, mode="test")
    found, cursor = await read_all(clients["key:fund"])
    assert found == [str(each) for each in ids]
    entry = (await clients["amel"].get("/v1/declared?limit=1")).json()["declarations"][0]
    assert (entry["employer_number"], entry["annual_amount"], entry["line_count"]) == (A.number, 2000, 2)
    assert await read_all(clients["key:fund"], cursor) == ([], cursor)


async def test_filing_that_commits_late_is_not_skipped(clients: Any, pool: Pool) -> None:
    _, cursor = await read_all(clients["key:fund"])
    async with pool.acquire() as slow:
        late = slow.transaction()
        await late.start()
        await slow.execute(
            "SELECT set_config('app.actor_kind', 'job', true), set_config('app.employer_id', $1, true)",
            str(B.employer_id),
        )
        earlier = await declare(slow, B, filed_at=START + timedelta(hours=1))
        later = await filed(pool, A, filed_at=START + timedelta(hours=2))
        found, cursor = await read_all(clients["key:fund"], cursor)
        assert found == [str(later)]
        await late.commit()
    assert (await read_all(clients["key:fund"], cursor))[0] == [str(earlier)]


async def test_readers_and_filers_at_once_lose_and_repeat_nothing(clients: Any, pool: Pool) -> None:
    _, start = await read_all(clients["key:fund"])

    async def file_some(employer: Employer) -> list[str]:
        return [str(await filed(pool, employer, filed_at=START + timedelta(hours=3, seconds=n))) for n in range(15)]

    async def follow(client: Any) -> list[str]:
        found: list[str] = []
        cursor = start
        while len(found) < 30:
            more, cursor = await read_all(client, cursor)
            found += more
        return found

    by_a, by_b, one, other = await asyncio.wait_for(
        asyncio.gather(file_some(A), file_some(B), follow(clients["key:fund"]), follow(clients["amel"])), 30
    )
    assert one == other
    assert sorted(one) == sorted([*by_a, *by_b])


async def test_foreign_cursor_is_refused(clients: Any) -> None:
    answer = await clients["key:fund"].get("/v1/declared?after=nonsense")
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/after")


async def test_lines_come_as_json_lines_and_csv(clients: Any, pool: Pool, monkeypatch: Any) -> None:
    monkeypatch.setattr("teledeclaration.registry.exports.PAGE_ROWS", 3)
    declaration_id = await filed(pool, B, filed_at=START + timedelta(hours=4), lines=7)
    assert (await clients["key:fund"].get(f"/v1/declared/{declaration_id}/lines")).status_code == 404  # not told yet
    await read_all(clients["key:fund"])
    answer = await clients["key:fund"].get(f"/v1/declared/{declaration_id}/lines")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["line_number"] for line in lines] == [1, 2, 3, 4, 5, 6, 7]
    assert (lines[0]["employer_number"], lines[0]["first_name"], lines[0]["q1_amount"]) == (B.number, "ليلى", 1000)
    table = list(
        csv.DictReader(io.StringIO((await clients["amel"].get(f"/v1/declared/{declaration_id}/lines?as=csv")).text))
    )
    assert [row["nss"] for row in table] == [line["nss"] for line in lines]


async def test_day_comes_as_a_file_once_it_is_over(clients: Any, pool: Pool, clock: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("teledeclaration.registry.exports.PAGE_ROWS", 2)
    day = START + timedelta(days=3)
    ids = {str(await filed(pool, employer, filed_at=day, lines=3)) for employer in (A, B, A)}
    clock.moment = day
    early = await clients["key:fund"].get(f"/v1/declared/files/{day.date()}")
    assert (early.status_code, early.json()["type"].rpartition("/")[2]) == (409, "day-not-over")
    clock.moment = day + timedelta(days=1)
    answer = await clients["key:fund"].get(f"/v1/declared/files/{day.date()}")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        declarations = list(csv.DictReader(io.TextIOWrapper(archive.open("declarations.csv"), "utf-8")))
        lines = list(csv.DictReader(io.TextIOWrapper(archive.open("lines.csv"), "utf-8")))
    assert {row["declaration_id"] for row in declarations} == ids
    assert len(lines) == 9
    assert sum(int(row["annual_amount"]) for row in lines) == sum(int(row["annual_amount"]) for row in declarations)
    assert declarations[0]["legal_day"] == str(date(2026, 1, 18))


async def test_reading_lines_is_journaled(clients: Any, pool: Pool, fetch: Any) -> None:
    declaration_id = await filed(pool, A, filed_at=START + timedelta(hours=5))
    await read_all(clients["key:fund"])
    await clients["key:fund"].get(f"/v1/declared/{declaration_id}/lines")
    entries = await fetch("SELECT actor_kind FROM journal WHERE subject = $1", str(declaration_id))
    assert entries == [("job",)]
