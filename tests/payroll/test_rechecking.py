"""Checking again only what changed says exactly what a check of all lines says."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from world import START, A

from schemas.actors import job
from schemas.periodic import PeriodHeader
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.intake.forms import ANNUAL
from teledeclaration.intake.problems import together
from teledeclaration.legislation import load
from teledeclaration.payroll.actions import rechecking, revisions
from teledeclaration.payroll.actions.line_checks import mended_result
from teledeclaration.payroll.actions.numbering import numbered
from teledeclaration.payroll.actions.reading import Asked, Result
from teledeclaration.payroll.checks import annual_rules
from teledeclaration.payroll.law.annual_checks import annual_rules_checks
from teledeclaration.payroll.queries import drafts, edits, lines, uploads
from teledeclaration.payroll.queries.revisions import stand_on
from teledeclaration.periods import Year

LINES = 6
EMPLOYEES = {"850512345602": ("BENALI", "SAMIRA"), "800112345678": ("KACI", "OMAR"), "790212345671": ("SAIDI", "ALI")}
OTHERS = {"900312345670": ("HADJ", "LINA")}
VERSIONS = {"law": "law", "registers": "registers"}
HEADER = {
    "employer_number": A.number, "type": "N", "year": "2025", "payment_centre": A.centre, "denomination": "",
    "trading_name": "", "address": "", "q1_total": "39000000", "q2_total": "1", "q3_total": "", "q4_total": "0",
    "annual_total": "156000000", "workers": "5",
}  # fmt: skip
FACTS: dict[str, Any] = {"columns": {"nss": "A", "q1_amount": "F"}, "header": HEADER, "sheet": "Feuil1"}
ASKED = Asked(
    rules=annual_rules_checks(annual_rules(2025, load("cnas"))),
    form=ANNUAL,
    period=Year(2025),
    today=date(2026, 1, 15),
    employer_number=A.number,
    open_categories=frozenset({"general"}),
    usual_category="general",
)

BETWEEN = 650_000_000
"""Plausible or not, as the file's usual amount is 6 or 7 million."""

amounts = st.sampled_from([None, 0, 6_000_000, 7_000_000, BETWEEN, BETWEEN, -1])
DRAWN: dict[str, st.SearchStrategy[Any]] = {
    "nss": st.sampled_from([None, None, "111111111111", "850512345602", "850512345602", "800112345678", *OTHERS]),
    "last_name": st.sampled_from([None, "BENALI", "KACI"]),
    "first_name": st.sampled_from([None, "SAMIRA", "OMAR"]),
    "birth_date": st.sampled_from([None, date(1985, 5, 12), date(1870, 1, 1)]),
    "q1_amount": amounts,
    "q2_amount": amounts,
    "annual_amount": st.sampled_from([None, 24_000_000, 28_000_000]),
    "q1_duration": st.sampled_from([None, 0, 3, 90, 400]),
    "q4_unit": st.sampled_from([None, "J", "H", "M"]),
    "entry_date": st.sampled_from([None, date(2015, 3, 21), date(2025, 9, 1), date(2026, 2, 1)]),
    "exit_date": st.sampled_from([None, date(2025, 8, 1)]),
    "rate_category": st.sampled_from(["general", "closed"]),
    "typed": st.sampled_from([None, '{"q1_amount": "six mille"}', '{"exit_date": "31/02/2025"}']),
    "left_out": st.booleans(),
    "number_requested": st.booleans(),
}


TOGETHER = [
    ("nss",),
    ("nss", "last_name", "first_name", "birth_date"),
    ("q1_amount",),
    ("left_out",),
    ("nss", "left_out"),
]
SAMIRA = {"last_name": "BENALI", "first_name": "SAMIRA", "birth_date": date(1985, 5, 12)}


def right(number: int) -> dict[str, Any]:
    """A line of someone of their own with nothing to be said of it."""
    fields: dict[str, Any] = dict.fromkeys(lines.LINE_SCHEMA)
    fields |= {"line_number": number, "row": number, "nss": f"87021234560{number}", "last_name": f"N{number}"}
    fields |= {"first_name": "A", "birth_date": date(1987, 2, 11), "entry_date": date(2015, 3, 21)}
    amount = 6_000_000 if number <= LINES / 2 else 7_000_000
    for quarter in ("q1", "q2", "q3", "q4"):
        fields |= {f"{quarter}_duration": 90, f"{quarter}_unit": "J", f"{quarter}_amount": amount}
    fields |= {"annual_amount": 4 * amount, "rate_category": "general"}
    return fields | {"number_requested": False, "left_out": False, "mended": False}


@st.composite
def changes(draw: st.DrawFn) -> pl.DataFrame:
    """A frame for `change_lines`: some fields of one to three lines, now and then of most of them."""
    some = st.lists(st.sampled_from(sorted(DRAWN)), min_size=1, max_size=3, unique=True)
    fields = draw(st.one_of(st.sampled_from(TOGETHER), st.sampled_from(TOGETHER), some))
    most = draw(st.sampled_from([1, 1, 1, 2, LINES]))
    numbers = draw(st.lists(st.integers(1, LINES), min_size=1, max_size=most, unique=True))
    rows = [{"line_number": number, **{name: draw(DRAWN[name]) for name in fields}} for number in numbers]
    if "birth_date" in fields and draw(st.booleans()):
        rows = [row | {name: value for name, value in SAMIRA.items() if name in fields} for row in rows]
    return pl.DataFrame(rows, schema={name: lines.LINE_SCHEMA[name] for name in ("line_number", *fields)})


@dataclass
class Draft:
    """A draft that stands on a reading of LINES lines."""

    connection: Connection
    draft_id: UUID
    reading_id: UUID

    @property
    def reading(self) -> dict[str, Any]:
        return {"employer_id": A.employer_id, "reading_id": self.reading_id}

    async def change(self, frame: pl.DataFrame) -> int:
        revision = await revisions.record(
            self.connection, **self.reading, draft_id=self.draft_id, kind="mend", lines_changed=frame.height,
            details={}, done_by="Nadia", now=START,
        )  # fmt: skip
        await edits.change_lines(
            self.connection, **self.reading, revision=revision, fields=frame.columns[1:], changes=frame
        )
        return revision

    async def whole_check(self) -> Result:
        """What a check of all lines finds now."""
        facts = await self.facts()
        edited, changed = await rechecking.changed_lines(self.connection, **self.reading, facts=facts)
        stored = await lines.select_line_frame(self.connection, **self.reading, form="annual")
        before = rechecking.before_all(await self.findings(), changed)
        numbers = stored["nss"].drop_nulls().to_list()
        known = await rechecking.ask_registers(self.connection, A.employer_id, numbers, everyone=True)
        return mended_result(stored, before, edited, facts, ASKED, known)

    async def recheck(self) -> Result:
        """Check what changed, and store it."""
        reading = await uploads.select_reading(self.connection, **self.reading)
        assert reading is not None
        result = await rechecking.recheck_changed(
            self.connection, employer_id=A.employer_id, reading=reading, asked=ASKED, versions=VERSIONS
        )
        assert result is not None
        await self.store(result)
        return result

    async def store(self, result: Result) -> None:
        await rechecking.replace_findings(self.connection, **self.reading, draft_id=self.draft_id, result=result)
        await self.connection.execute(
            "UPDATE readings SET facts = $3 WHERE employer_id = $1 AND reading_id = $2",
            A.employer_id, self.reading_id, result.facts,
        )  # fmt: skip

    async def facts(self) -> dict[str, Any]:
        reading = await uploads.select_reading(self.connection, **self.reading)
        assert reading is not None
        return reading.facts

    async def findings(self) -> pl.DataFrame:
        return await lines.select_finding_frame(self.connection, **self.reading)

    async def told(self) -> dict[str, int] | None:
        """How the last revision's findings changed."""
        told: dict[str, int] | None = await self.connection.fetchval(
            "SELECT findings FROM draft_revisions WHERE employer_id = $1 AND draft_id = $2"
            " ORDER BY revision DESC LIMIT 1",
            A.employer_id, self.draft_id,
        )  # fmt: skip
        return told


async def opened(connection: Connection) -> Draft:
    """A draft on a checked reading of lines of which nothing is to be said, from a text pair without unit in Q4."""
    draft = Draft(connection, uuid4(), uuid4())
    upload_id = uuid4()
    employer: dict[str, Any] = {"employer_id": A.employer_id, "now": START}
    await drafts.insert_draft(
        connection, **employer, draft_id=draft.draft_id, form="annual", centre=A.centre, year=2025,
        period="2025", header=PeriodHeader(), type="N", replaces=None, completes=None, created_by="Nadia",
    )  # fmt: skip
    await uploads.insert_file(connection, **employer, content_hash="0" * 64, size_bytes=1)
    await uploads.insert_upload(
        connection, **employer, upload_id=upload_id, draft_id=draft.draft_id, content_hash="0" * 64,
        filename="D25.TXT", source="file", created_by="Nadia",
    )  # fmt: skip
    await uploads.insert_reading(
        connection, **employer, reading_id=draft.reading_id, draft_id=draft.draft_id, upload_id=upload_id,
        queue="short",
    )  # fmt: skip
    frame = pl.DataFrame([right(number) for number in range(1, LINES + 1)], schema=lines.LINE_SCHEMA)
    async for _ in lines.insert_lines(connection, **draft.reading, lines=frame.select(lines.LINE_COLUMNS)):
        pass
    of_file = together([pl.DataFrame({"field": ["q4_unit"], "code": ["column_missing"], "severity": ["confirm"]})])
    of_line = together(
        [
            pl.DataFrame(
                {"line_number": [3], "row": [3], "code": ["record_length"], "severity": ["error"], "seen": ["1"]}
            )
        ]
    )
    await lines.insert_findings(
        connection, **draft.reading, findings=numbered(together([of_file, of_line]), "Feuil1", frame)
    )
    await stand_on(connection, **draft.reading, draft_id=draft.draft_id)
    await connection.execute(
        "UPDATE readings SET facts = $3 WHERE employer_id = $1 AND reading_id = $2",
        A.employer_id, draft.reading_id, FACTS | VERSIONS,
    )  # fmt: skip
    await draft.store(await draft.whole_check())
    return draft


@pytest.fixture(scope="module")
async def registers(pool: Pool) -> None:
    """Three employees and someone who works elsewhere."""
    async with transaction(pool, job("test", 0)) as connection:
        for nss, (last_name, first_name) in (EMPLOYEES | OTHERS).items():
            person = await connection.fetchval(
                "INSERT INTO people (nss, last_name, first_name, birth_date, updated_at)"
                " VALUES ($1, $2, $3, '1985-05-12', $4) RETURNING person_id",
                nss, last_name, first_name, START,
            )  # fmt: skip
            await connection.execute("INSERT INTO insured_numbers VALUES ($1, $2)", nss, person)
            if nss in EMPLOYEES:
                await connection.execute(
                    "INSERT INTO employments (employer_id, person_id, entry_date, nss, updated_at)"
                    " VALUES ($1, $2, '2015-03-21', $3, $4)",
                    A.employer_id, person, nss, START,
                )  # fmt: skip


class Undone(Exception):
    """Ends a transaction without a trace."""


walks = st.lists(st.lists(changes(), min_size=1, max_size=2), min_size=2, max_size=5)
patient = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.mark.usefixtures("registers")
@settings(patient, max_examples=15)
@given(walk=walks)
async def test_what_changed_is_told_as_by_a_check_of_everything(pool: Pool, walk: list[list[pl.DataFrame]]) -> None:
    await compare(pool, walk)


@pytest.mark.slow
@pytest.mark.usefixtures("registers")
@settings(patient, max_examples=200)
@given(walk=walks)
async def test_long_walks_are_told_as_by_checks_of_everything(pool: Pool, walk: list[list[pl.DataFrame]]) -> None:
    await compare(pool, walk)


async def compare(pool: Pool, walk: list[list[pl.DataFrame]]) -> None:
    """Every step by a check of what changed, and beside it by one of all lines."""
    with pytest.raises(Undone):
        async with transaction(pool, job("test", A.employer_id)) as connection:
            draft = await opened(connection)
            for step in walk:
                for frame in step:
                    await draft.change(frame)
                whole = await draft.whole_check()
                result = await draft.recheck()
                assert result.facts == whole.facts
                assert as_told(await draft.findings()) == as_told(whole.findings)
            raise Undone


def as_told(findings: pl.DataFrame) -> list[tuple[Any, ...]]:
    """Findings in their order; of the file's own only the severities' order is kept."""
    plain = findings.sort("finding").drop("back")
    of_lines = plain.filter(pl.col("line_number").is_not_null()).rows()
    of_file = plain.filter(pl.col("line_number").is_null()).drop("finding")
    return of_lines + of_file["severity"].to_list() + sorted(map(str, of_file.rows()))


def change(number: int, **fields: Any) -> pl.DataFrame:
    schema = {name: lines.LINE_SCHEMA[name] for name in ("line_number", *fields)}
    return pl.DataFrame([{"line_number": number, **fields}], schema=schema)


@pytest.mark.usefixtures("registers")
async def test_a_finding_that_goes_away_and_comes_back_is_told(pool: Pool) -> None:
    with pytest.raises(Undone):
        async with transaction(pool, job("test", A.employer_id)) as connection:
            draft = await opened(connection)
            for amount, told in ((-1, "new"), (7_000_000, "gone"), (-1, "back")):
                await draft.change(change(4, q1_amount=amount, annual_amount=21_000_000 + amount))
                await draft.recheck()
                counts = await draft.told()
                assert counts is not None and counts[told] > 0
                assert [kind for kind in ("new", "gone", "back") if kind != told and counts[kind]] == []
            back = (await draft.findings()).filter("back")
            assert set(back["code"]) >= {"amount_negative"} and set(back["line_number"]) <= {4, None}
            raise Undone


@pytest.mark.usefixtures("registers")
async def test_another_number_for_the_same_line_makes_no_finding_new(pool: Pool) -> None:
    with pytest.raises(Undone):
        async with transaction(pool, job("test", A.employer_id)) as connection:
            draft = await opened(connection)
            await draft.change(change(4, q1_duration=400))
            await draft.recheck()
            await draft.change(change(4, nss="870212345699"))
            await draft.recheck()
            told = (await draft.findings()).filter(pl.col("code") == "duration_too_long")
            assert told["mark"].to_list() == ["duration_too_long|q1_duration|870212345699"]
            assert (await draft.told() or {})["gone"] == 0
            raise Undone


@pytest.mark.usefixtures("registers")
async def test_who_has_no_number_is_taken_for_an_employee_while_that_one_is_on_no_line(pool: Pool) -> None:
    """Lines that did not change are told otherwise: it hangs on who else is in the file."""
    samira = next(iter(EMPLOYEES))
    with pytest.raises(Undone):
        async with transaction(pool, job("test", A.employer_id)) as connection:
            draft = await opened(connection)
            await draft.change(change(1, nss=None, **SAMIRA))
            await draft.recheck()
            assert await proposed(draft) == [(1, samira)]
            await draft.change(change(2, nss=samira))
            await draft.recheck()
            assert await proposed(draft) == []
            await draft.change(change(2, left_out=True))
            await draft.recheck()
            assert await proposed(draft) == [(1, samira)]
            assert samira in (await absent(draft))
            await draft.change(change(1, left_out=True))
            await draft.recheck()
            assert await proposed(draft) == []
            raise Undone


@pytest.mark.usefixtures("registers")
async def test_an_amount_is_plausible_or_not_as_the_others_move(pool: Pool) -> None:
    with pytest.raises(Undone):
        async with transaction(pool, job("test", A.employer_id)) as connection:
            draft = await opened(connection)
            await draft.change(change(1, q1_amount=BETWEEN))
            await draft.recheck()
            assert "amount_implausible" not in (await draft.findings())["code"]
            for number in (4, 5):
                await draft.change(change(number, q1_amount=6_000_000))
            await draft.recheck()
            implausible = (await draft.findings()).filter(pl.col("code") == "amount_implausible")
            assert implausible["line_number"].to_list() == [1]
            raise Undone


async def proposed(draft: Draft) -> list[tuple[int, str]]:
    found = (await draft.findings()).filter(pl.col("code") == "nss_differs")
    return found.select("line_number", "proposed").rows()


async def absent(draft: Draft) -> list[str]:
    found = (await draft.findings()).filter(pl.col("code") == "employed_but_absent")
    return found["seen"].str.slice(0, 12).to_list()


@pytest.mark.usefixtures("registers")
async def test_another_law_or_other_registers_mean_a_check_of_all(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    async with transaction(pool, job("test", A.employer_id)) as connection:
        draft = await opened(connection)
        reading = await uploads.select_reading(connection, **draft.reading)
        assert reading is not None
        about: dict[str, Any] = {"employer_id": A.employer_id, "reading": reading, "asked": ASKED}
        for moved in ({"law": "another"}, {"registers": "another"}):
            assert await rechecking.recheck_changed(connection, **about, versions=VERSIONS | moved) is None
        await draft.change(change(1, q1_amount=1))
        monkeypatch.setattr(rechecking, "CHANGED_MAX", 0)
        assert await rechecking.recheck_changed(connection, **about, versions=VERSIONS) is None
