"""What a repair would do to a draft, seen before it is done.

The findings that would go away or appear are those of a check of the lines before and after: of all lines together
where the repair goes over all of them, else of the changed lines each by itself. The registers are not asked, since
they may be asked about what is declared only: what they told of the cause repaired counts as gone.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
import polars as pl

from schemas.repairs import RepairWish
from teledeclaration.database import Connection
from teledeclaration.employers import facts as employers
from teledeclaration.intake.checking import CheckContext, check_lines
from teledeclaration.intake.checks import Rules, with_most
from teledeclaration.intake.forms import Form
from teledeclaration.intake.repairs.cells import opened
from teledeclaration.intake.repairs.repair import Repair, Wish
from teledeclaration.legislation import Legislation
from teledeclaration.payroll.actions.asking import asked_for
from teledeclaration.payroll.actions.reading import Asked
from teledeclaration.payroll.actions.repairs import asked_of, known_repair, material
from teledeclaration.payroll.errors import NothingToRepair
from teledeclaration.payroll.queries import causes, lines, uploads
from teledeclaration.payroll.queries.drafts import DraftRow
from teledeclaration.payroll.queries.lines import LINE_SCHEMA, LineTotals

_SUMMED = {f"q{quarter}": f"q{quarter}_amount" for quarter in (1, 2, 3, 4)} | {"base": "amount"}
"""The sums of `LineTotals`, with the amounts they are of."""
_SAME = ["line_number", "field", "code"]


@dataclass(frozen=True)
class Preview:
    """What a repair would change: `before` and `after` are the changed lines whole, as LINE_SCHEMA says; `gone` and
    `appearing` the findings by code, severity and `count`."""

    repair: Repair
    draft: DraftRow
    fields: list[str]
    before: pl.DataFrame
    after: pl.DataFrame
    totals: LineTotals
    gone: pl.DataFrame
    appearing: pl.DataFrame


@dataclass(frozen=True)
class _Trial:
    """A repair tried: the lines it works on, the findings it answers, what it would change."""

    repair: Repair
    wish: Wish
    stored: pl.DataFrame
    told: pl.DataFrame
    changes: pl.DataFrame

    @property
    def of_all(self) -> bool:
        return self.wish.choice in self.repair.whole

    @property
    def changed(self) -> pl.DataFrame:
        """The lines that change, as they are."""
        return self.stored.join(self.changes, on="line_number", how="semi", maintain_order="left")

    def after(self, stored: pl.DataFrame) -> pl.DataFrame:
        """These lines as they would be."""
        return stored.update(self.changes, on="line_number", how="left", include_nulls=True)


async def preview(
    connection: Connection,
    legislation: Legislation,
    *,
    employer_id: int,
    draft: DraftRow,
    reading_id: UUID,
    wish: RepairWish,
    today: date,
) -> Preview:
    """What the repair would do to the draft as it stands; NothingToRepair where it would change no line."""
    repair = known_repair(wish)
    where: dict[str, Any] = {"employer_id": employer_id, "reading_id": reading_id}
    reading = await uploads.select_reading(connection, **where)
    asked = asked_of(draft, reading, wish)
    stored, told = await material(connection, where, repair, asked, fields=tuple(LINE_SCHEMA))
    changes = await asyncio.to_thread(repair.apply, stored, told, asked)
    if changes.is_empty():
        raise NothingToRepair
    trial = _Trial(repair, asked, stored.select(list(LINE_SCHEMA)), told, changes)
    if "left_out" in repair.changes:
        was, becomes = await _standing(connection, where, trial)
    else:
        employer = await employers.employer_by_id(connection, employer_id)
        check = asked_for(draft, employer, legislation, today=today)
        most = {} if reading is None else reading.facts.get("checked", {}).get("most", {})
        was, becomes = await asyncio.to_thread(_checked, trial, check, most)
    before = trial.changed
    after = trial.after(before)
    return Preview(
        repair=repair,
        draft=draft,
        fields=_differing(repair, before, after),
        before=before,
        after=after,
        totals=await lines.sum_lines(connection, **where),
        gone=_less(was, becomes),
        appearing=_less(becomes, was),
    )


def _differing(repair: Repair, before: pl.DataFrame, after: pl.DataFrame) -> list[str]:
    """The fields of which a value changes, or the text typed there is settled."""
    typed, left = opened(before["typed"]), opened(after["typed"])
    settled = {name for name in typed.columns if typed[name].null_count() != left[name].null_count()}
    return [name for name in repair.changes if name in settled or before[name].ne_missing(after[name]).any()]


async def _standing(
    connection: Connection, where: Mapping[str, Any], trial: _Trial
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The findings of lines that would be left out go with them, those of lines taken back come with them."""
    standing = await causes.select_told(connection, **where, codes=None)
    found = standing.join(trial.changes, on="line_number", how="semi")
    return (found, found.clear()) if trial.repair.name == "leave_out_errors" else (found.clear(), found)


def _checked(trial: _Trial, asked: Asked, most: Mapping[str, float | None]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The findings before and after, as far as lines tell them; `most` is what the file makes plausible now."""
    rules = asked.rules
    before = trial.stored.filter(~pl.col("left_out")) if trial.of_all else trial.changed
    if not trial.of_all:
        before = with_most(before, {name: most.get(name) for name in rules.most})
        rules = Rules(checks=rules.checks, required=rules.required)
    context = CheckContext(
        rules={asked.form.name: lambda _: rules}, today=asked.today, period=asked.period, written=trial.wish.written
    )
    was, becomes = (_found(asked.form, lines, context) for lines in (before, trial.after(before)))
    answered = trial.told.select(was.columns).join(trial.changes, on="line_number", how="semi")
    return pl.concat([was, answered.join(was, on=_SAME, how="anti")]), becomes


def _found(form: Form, stored: pl.DataFrame, context: CheckContext) -> pl.DataFrame:
    findings = check_lines(form, stored.rename({"typed": "raw"}), context)[1]
    return findings.select("line_number", "field", "code", "severity")


def _less(some: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """The findings of `some` that are not among `others`, by code and severity: `count`."""
    only = some.join(others, on=_SAME, how="anti", nulls_equal=True)
    counts = only.group_by("code", "severity").agg(count=pl.len())
    return counts.sort("count", "code", descending=[True, False])


def totals_after(shown: Preview) -> LineTotals:
    """The totals of what would be filed, in centimes, once the repair were done."""
    sums = {
        total: getattr(shown.totals, total) + _filed(shown.after, name) - _filed(shown.before, name)
        for total, name in _SUMMED.items()
    }
    return msgspec.structs.replace(shown.totals, **sums)


def _filed(stored: pl.DataFrame, name: str) -> int:
    return int(stored.filter(~pl.col("left_out"))[name].sum())
