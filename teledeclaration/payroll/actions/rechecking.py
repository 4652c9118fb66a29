"""Checking again, after a correction, only the lines that changed and whom they touch.

Beside the changed lines these are: lines with a number that a changed line has or had; where a person without a known
number is among them, or an employee came onto or off a line, all the lines without a known number, since they are
compared with the employees on no line; and lines that what is plausible in the file judges otherwise than before.
The outcome is that of a check of all lines, which is made instead where much changed, or where the law or the
registers did.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import polars as pl

from teledeclaration.database import Connection
from teledeclaration.intake.checking import ordered
from teledeclaration.intake.checks import most_of
from teledeclaration.intake.forms import FormName
from teledeclaration.intake.problems import together
from teledeclaration.intake.register_checks import ABSENT_MAX, absent_numbers, absent_told, of_the_fund
from teledeclaration.payroll.actions.employment import employments_known
from teledeclaration.payroll.actions.line_checks import (
    OF_ALL_LINES,
    Before,
    check_stored,
    check_whole,
)
from teledeclaration.payroll.actions.movement_lines import beside_movements
from teledeclaration.payroll.actions.numbering import FILE_BOUNDS, OF_NO_LINE, numbered, renumbered
from teledeclaration.payroll.actions.reading import Asked, Registers, Result, noted
from teledeclaration.payroll.actions.telling import tell_mended, tell_switched
from teledeclaration.payroll.queries import lines, rechecks, revisions
from teledeclaration.payroll.queries.uploads import Reading
from teledeclaration.registry import facts as registers

CHANGED_MAX = 20_000
"""Where more lines than these are to be checked, all are: nothing would be gained."""

_OF_UNKNOWN_NUMBERS = ["nss_unknown", "nss_differs"]
_SAME = ["code", "field", "severity", "seen", "expected", "proposed"]


@dataclass(frozen=True)
class Changes:
    """What changed since the last check: the lines with their former values, as they are now, the revision."""

    images: list[tuple[int, dict[str, Any]]]
    now: pl.DataFrame
    edits: int

    @property
    def fields(self) -> set[str]:
        return {field for _, image in self.images for field in image}

    @property
    def numbers(self) -> set[str | None]:
        """The numbers that the lines have and had, None where one has or had none."""
        return set(self.now["nss"].to_list()) | {image["nss"] for _, image in self.images if "nss" in image}

    @property
    def moved(self) -> set[str | None]:
        """The numbers that came onto a line to be filed, or off one."""
        lines = {line for line, image in self.images if "nss" in image or "left_out" in image}
        now = self.now.filter(pl.col("line_number").is_in(sorted(lines)))["nss"].to_list()
        return set(now) | {image["nss"] for _, image in self.images if "nss" in image}


@dataclass(frozen=True)
class Person:
    """Who a line is about, as far as a recheck asks."""

    line_number: int
    nss: str | None
    left_out: bool


async def recheck_changed(
    connection: Connection, *, employer_id: int, reading: Reading, asked: Asked, versions: dict[str, Any]
) -> Result | None:
    """The findings of what changed in the reading's stored lines since its last check; None where all of it is to be
    checked, as always where lines are not one person's each in a period. `versions` is what law and registers are now.
    """
    where: dict[str, Any] = {"employer_id": employer_id, "reading_id": reading.reading_id}
    last = reading.facts.get("checked")
    if (
        not asked.form.of_everyone
        or not last
        or last["usual_category"] != asked.usual_category
        or not versions.items() <= reading.facts.items()
    ):
        return None
    changes = await _changes(connection, where, asked.form.name, last["edits"])
    if changes is None:
        return None
    return await _Recheck(connection, where, reading.facts, asked, changes).result()


async def changed_lines(
    connection: Connection, *, employer_id: int, reading_id: UUID, facts: dict[str, Any]
) -> tuple[int, list[int]]:
    """The revision that last changed a line of the reading, and the lines changed since its last check."""
    where: dict[str, Any] = {"employer_id": employer_id, "reading_id": reading_id}
    edits = await rechecks.last_edit(connection, **where)
    since = facts.get("checked", {}).get("edits", 0)
    return edits, await rechecks.select_changed_lines(connection, **where, since=since)


def before_all(findings: pl.DataFrame, changed: list[int]) -> Before:
    """What the last check found in all lines, for a check of all of them."""
    missing = findings.filter(pl.col("code") == "column_missing")["field"].to_list()
    return Before(findings, missing, changed)


async def _changes(connection: Connection, where: dict[str, Any], form: FormName, since: int) -> Changes | None:
    """None where they are too many."""
    edits = await rechecks.last_edit(connection, **where)
    images = await rechecks.select_changes(connection, **where, since=since, limit=CHANGED_MAX + 1)
    if len(images) > CHANGED_MAX:
        return None
    numbers = sorted({line for line, _ in images})
    return Changes(images, await lines.select_line_frame(connection, **where, form=form, numbers=numbers), edits)


@dataclass(frozen=True)
class _Recheck:
    """One recheck on its way: every step asks the database for as little as it needs."""

    connection: Connection
    where: dict[str, Any]
    facts: dict[str, Any]
    asked: Asked
    changes: Changes

    async def result(self) -> Result | None:
        numbers = sorted(number for number in self.changes.numbers if number is not None)
        known = await ask_registers(self.connection, self.where["employer_id"], numbers)
        doubtful = self._unknown_among(known, numbers)
        people = await self._people(numbers, unnumbered=doubtful or None in self.changes.numbers)
        unknown = await self._unknown(known, people) if doubtful else set()
        most, whole, judged = await self._whole()
        changed = set(self.changes.now["line_number"].to_list())
        checked = {person.line_number for person in people} | changed
        checked |= await self._with_same((unknown | judged) - checked)
        if len(checked) > CHANGED_MAX:
            return None
        found, replaced = await self._lines(sorted(checked), most, known, wide=bool(unknown))
        absent = await self._absent() if self.asked.everyone and self._employees_moved(known) else []
        codes = [*(OF_ALL_LINES if whole else ()), *(OF_NO_LINE if absent else ())]
        of_file, gone = await self._file([*whole, *absent], codes)
        return self._outcome(most, pl.concat([of_file, found]), pl.concat([gone, replaced]))

    def _outcome(self, most: dict[str, float | None], findings: pl.DataFrame, replaces: pl.DataFrame) -> Result:
        last = self.facts["checked"]
        there = last["findings"] - replaces.height + findings.height
        note = noted(most, self.asked, rows=last["rows"], findings=there, edits=self.changes.edits)
        return Result(findings=findings, rows=last["rows"], replaces=replaces, facts=self.facts | note)

    def _unknown_among(self, known: Registers, numbers: list[str]) -> bool:
        """Whether lines without a known number may be taken for other employees than before."""
        if known.people is None:
            return False
        strangers = set(numbers) - set(known.people["nss"].to_list())
        return bool(strangers or self._employees_moved(known) or None in self.changes.numbers)

    def _employees_moved(self, known: Registers) -> bool:
        """Whether an employee came onto a line to be filed, or off one."""
        return not self.changes.moved.isdisjoint(known.employments["nss"].to_list())

    async def _absent(self) -> list[pl.DataFrame]:
        """What is told of the employees on no line, whoever they are; names are asked of those that are named."""
        everyone = await rechecks.select_all_numbers(self.connection, **self.where)
        employments = await employments_known(self.connection, self.where["employer_id"])
        absent = absent_numbers(everyone.filter(~pl.col("left_out")), employments, self.asked.period)
        first = absent.head(ABSENT_MAX)
        own = first.filter(first.is_in(of_the_fund(employments)["nss"].implode()))
        named = await ask_registers(self.connection, self.where["employer_id"], own.to_list())
        return [absent_told(absent, named.people)]

    async def _unknown(self, known: Registers, people: list[Person]) -> set[int]:
        """The lines without a number that the registers know, by what changed and by what the last check said."""
        there = [] if known.people is None else known.people["nss"].to_list()
        now = self.changes.now.filter(pl.col("nss").is_null() | ~pl.col("nss").is_in(there))["line_number"].to_list()
        told = await rechecks.select_told_lines(self.connection, **self.where, codes=_OF_UNKNOWN_NUMBERS)
        told_before = set(told) - set(self.changes.now["line_number"].to_list())
        return {*now, *told_before, *(person.line_number for person in people if person.nss is None)}

    async def _with_same(self, checked: set[int]) -> set[int]:
        """These lines, and those of the same people, which are judged together with them."""
        if not checked or len(checked) > CHANGED_MAX:
            return checked
        theirs = await rechecks.select_numbers_on(self.connection, **self.where, numbers=sorted(checked))
        numbers = sorted(number for number in theirs if number is not None)
        return checked | {one.line_number for one in await self._people(numbers, unnumbered=None in theirs)}

    async def _people(self, numbers: list[str], *, unnumbered: bool) -> list[Person]:
        rows = await rechecks.select_bearers(self.connection, **self.where, numbers=numbers, unnumbered=unnumbered)
        return [Person(*row) for row in rows]

    async def _whole(self) -> tuple[dict[str, float | None], list[pl.DataFrame], set[int]]:
        """What is plausible now, the findings about the file as a whole (none where no amount changed), and the lines
        that are judged otherwise than before."""
        former: dict[str, float | None] = self.facts["checked"]["most"]
        if not self.changes.fields & set(rechecks.pay_schema(self.asked.form)):
            return former, [], set()
        pay = await rechecks.select_pay(self.connection, **self.where, form=self.asked.form)
        kept = pay.filter(~pl.col("left_out"))
        most = most_of(self.asked.rules, kept)
        judged = [_above(pl.col(name), former.get(name)) != _above(pl.col(name), most[name]) for name in most]
        otherwise = pay.filter(pl.any_horizontal(judged))["line_number"].to_list() if judged else []
        return most, [check_whole(kept, self.asked, self.facts)], set(otherwise)

    async def _lines(
        self, checked: list[int], most: dict[str, float | None], known: Registers, *, wide: bool
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The findings of these lines, and those they take the place of."""
        frame = await lines.select_line_frame(self.connection, **self.where, form=self.asked.form.name, numbers=checked)
        here = frame["nss"].drop_nulls().unique()
        if wide:
            bearers = await rechecks.select_all_numbers(self.connection, **self.where)
        else:
            bearers = frame.select("nss", "left_out")
        if wide or not set(here.to_list()) <= self.changes.numbers:
            known = await ask_registers(self.connection, self.where["employer_id"], here.to_list(), everyone=wide)
        beside = await beside_movements(self.connection, self.where["employer_id"], self.asked, here)
        stood = await lines.select_finding_frame(self.connection, **self.where, numbers=checked)
        missing = await lines.select_file_findings(self.connection, **self.where, codes=["column_missing"])
        changed = self.changes.now["line_number"].to_list()
        found = await asyncio.to_thread(
            check_stored,
            frame,
            most,
            bearers,
            asked=self.asked,
            registers=replace(known, beside=beside),
            facts=self.facts,
            before=Before(stood, missing["field"].to_list(), changed),
        )
        return numbered(ordered(found), self.facts.get("sheet"), frame), stood.select(list(rechecks.MARK_SCHEMA))

    async def _file(self, found: list[pl.DataFrame], codes: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The findings about the file, of these codes, that were not there before, and those that are no more."""
        stood = await lines.select_file_findings(self.connection, **self.where, codes=codes)
        now = together(found)
        new = now.join(stood, on=_SAME, how="anti", nulls_equal=True)
        gone = stood.join(now, on=_SAME, how="anti", nulls_equal=True)
        highest = await rechecks.select_highest(self.connection, **self.where, bounds=FILE_BOUNDS)
        fresh = numbered(ordered(new), self.facts.get("sheet"), self.changes.now)
        return renumbered(fresh, highest), gone.select(list(rechecks.MARK_SCHEMA))


def _above(amount: pl.Expr, most: float | None) -> pl.Expr:
    return (amount > pl.lit(most, pl.Float64)).fill_null(value=False)


async def ask_registers(
    connection: Connection, employer_id: int, numbers: list[str], *, everyone: bool = False
) -> Registers:
    """What the registers know of these numbers, and of all the employer's employees where asked."""
    employments = await employments_known(connection, employer_id, None if everyone else numbers)
    if not await registers.anyone_known(connection):
        return Registers(people=None, employments=employments)
    asked = {*numbers, *of_the_fund(employments)["nss"].to_list()} if everyone else numbers
    return Registers(people=await registers.known_people_frame(connection, list(asked)), employments=employments)


async def replace_findings(
    connection: Connection, *, employer_id: int, draft_id: UUID, reading_id: UUID, result: Result
) -> None:
    """Store what a check again found in the place of what was found before, and tell the draft's revision what
    changed."""
    where: dict[str, Any] = {"employer_id": employer_id, "reading_id": reading_id}
    draft: dict[str, Any] = {"employer_id": employer_id, "draft_id": draft_id}
    before = result.replaces
    if before is None:
        before = await rechecks.select_marks(connection, **where)
    latest = await revisions.select_revisions(connection, **draft, before=None, limit=1)
    present = latest[0] if latest and latest[0].reading_id == reading_id else None
    former = present.details.get("from") if present else None
    told = result.findings
    if former is None:
        told = await tell_mended(
            connection, **draft, revision=present.revision if present else None, before=before, after=told
        )
    await lines.delete_findings(
        connection, **where, findings=None if result.replaces is None else before["finding"].to_list()
    )
    await lines.insert_findings(connection, **where, findings=told)
    if present and former is not None:
        await tell_switched(connection, **draft, revision=present.revision, former=UUID(former), reading_id=reading_id)
