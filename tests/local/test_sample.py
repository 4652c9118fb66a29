"""The sample fund: whole, the same every time, put in once, and never into another fund's database."""

import io
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from schemas.actors import FUND_EMPLOYER_ID, job
from teledeclaration import database
from teledeclaration.database import Pool, transaction
from teledeclaration.local import sample, sample_workbook
from teledeclaration.local.postgres import APPLICATION, EmbeddedPostgres
from teledeclaration.local.sample_people import people_of
from teledeclaration.settings import Settings

YEAR = 2025


@pytest.fixture(scope="module")
async def empty(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Settings]:
    """A migrated database with nothing in it."""
    name = f"sample_{time.monotonic_ns()}"
    owner_url = postgres.create_database(name, template="template0")
    await database.migrate(owner_url, postgres.url(APPLICATION, name))
    files: Path = tmp_path_factory.mktemp("files")
    yield Settings(
        database_url=postgres.url(APPLICATION, name), redis_url="redis://127.0.0.1:1", storage_url=f"file://{files}"
    )
    postgres.drop_database(name)


@pytest.fixture(scope="module")
async def seeded(empty: Settings) -> AsyncIterator[Pool]:
    began = time.process_time()
    assert await sample.seed(empty)
    assert time.process_time() - began < 4, "our own part of the seconds that a first start may take"
    pool = await database.open_pool(empty.database_url, size=2)
    yield pool
    await pool.close()


async def count(pool: Pool, statement: str) -> int:
    async with transaction(pool, job("test", FUND_EMPLOYER_ID)) as connection:
        return int(await connection.fetchval(statement))


async def everything(pool: Pool) -> list[int]:
    tables = ("employers", "agencies", "people", "employments", "employer_contacts", "opening_balances")
    return [await count(pool, f"SELECT count(*) FROM {table}") for table in tables]


async def test_there_is_enough_of_everything_to_see(seeded: Pool) -> None:
    employers, agencies, people, employments, contacts, balances = await everything(seeded)
    assert employers - 1 - len(sample.TWINNED) == len(sample.employer_rows()) >= 40
    assert agencies >= 55
    assert 2_700 < people < employments < 3_500
    assert contacts == 2 * len(sample.employer_rows())
    assert balances > 8
    for kind in ("building_sector", "public_administration", "closed_on < now()", "main_employer > 0", "mode = 'test'"):
        assert await count(seeded, f"SELECT count(*) FROM employers WHERE {kind}") > 0, kind
    assert await count(seeded, "SELECT count(*) FROM employers WHERE merged_into > 0") == 1
    assert await count(seeded, "SELECT count(DISTINCT wilaya) FROM employers") > 40


async def test_everyone_has_a_number_with_a_right_key_and_a_name_in_both_scripts(seeded: Pool) -> None:
    wrong_key = """
        SELECT count(*) FROM people WHERE right(nss, 2)::int <>
            99 - (SELECT sum(substr(nss, place, 1)::int * (1 + place % 2)) FROM generate_series(1, 10) AS place)
    """
    assert await count(seeded, wrong_key) == 0
    assert await count(seeded, "SELECT count(*) FROM people WHERE left(nss, 2) <> to_char(birth_date, 'YY')") == 0
    # The sample workbooks kept by hand bring their people's Latin names alone.
    nameless = "SELECT count(*) FROM people WHERE last_name_ar = '' OR first_name_ar = ''"
    assert await count(seeded, nameless) == sum(len(rows) for rows in sample._known_people().values())


async def test_a_second_start_puts_nothing_in_again(seeded: Pool, empty: Settings) -> None:
    before = await everything(seeded)
    assert await sample.seed(empty)
    assert await everything(seeded) == before


async def test_a_start_that_was_cut_short_is_made_whole_by_the_next(
    seeded: Pool, empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await everything(seeded)

    async def never(pool: Pool) -> bool:
        return False

    monkeypatch.setattr(sample, "_is_whole", never)
    assert await sample.seed(empty)
    assert await everything(seeded) == before


async def test_another_funds_database_is_left_alone(pool: Pool, settings: Settings) -> None:
    before = await everything(pool)
    assert not await sample.seed(settings)
    assert await everything(pool) == before


def test_the_people_are_the_same_every_time() -> None:
    assert people_of(3, 50, year=YEAR) == people_of(3, 50, year=YEAR)
    everyone = [person.nss for place in range(60) for person in people_of(place, 100, year=YEAR)]
    assert len(set(everyone)) == len(everyone)


def test_the_workbook_is_one_kept_by_hand_with_its_two_mistakes() -> None:
    people = [person for person in people_of(0, 40, year=YEAR) if person.worked(YEAR)]
    content = sample_workbook.sample_workbook(people, name="SARL Atlas Textile", number="1600104412", year=YEAR)
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    rows: dict[Any, Any] = {
        row[0]: row for row in sheet.iter_rows(min_row=7, values_only=True) if isinstance(row[0], int)
    }
    off = {number for number, row in rows.items() if abs(row[18] - sum(row[8:18:3])) > 0.001}
    assert off == {sample_workbook.WRONG_TOTAL}
    assert {number for number, row in rows.items() if len(row[1]) != 12} == {sample_workbook.SHORT_NUMBER}
    assert "G5:I5" in {str(merged) for merged in sheet.merged_cells.ranges}
