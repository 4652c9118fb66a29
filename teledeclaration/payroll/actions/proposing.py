"""The declaration of a month, quarter or year, proposed: its lines are prepared, then read and checked like any others.

Of a year they are what its periods say (`preparing`).

By employee: from the last period declared and who came, left or changed since (`law.proposals`). By rate line: the last
codes and workers; every base is left to be given, since what changed in a total cannot be known.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
import polars as pl

from schemas.actors import job
from schemas.payroll import NewDraft, SentLine, SentLines
from schemas.periodic import PeriodicLine
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.employers import facts as employers
from teledeclaration.employers.guard import Caller
from teledeclaration.legislation import Legislation
from teledeclaration.payroll.actions.declaring import FORMS
from teledeclaration.payroll.actions.drafts import READ_JOB
from teledeclaration.payroll.actions.employment import register_for
from teledeclaration.payroll.actions.opening import chosen_centre, chosen_period, chosen_year, draft_for
from teledeclaration.payroll.actions.preparing import prepare_annual_lines
from teledeclaration.payroll.actions.uploads import LINES_A_PART, queue_for, receive_prepared
from teledeclaration.payroll.errors import NoProposalHere, NothingToPropose
from teledeclaration.payroll.law.duplicates import the_person
from teledeclaration.payroll.law.periods import periodic
from teledeclaration.payroll.law.proposals import Spell, Who, proposed
from teledeclaration.payroll.queries import periodic as queries
from teledeclaration.payroll.queries.drafts import DraftRow
from teledeclaration.periods import Month, Period, Quarter, Year
from teledeclaration.queue import JobQueue
from teledeclaration.registry import facts as registers
from teledeclaration.storage import Storage


async def propose(
    pool: Pool,
    storage: Storage,
    queue: JobQueue,
    legislation: Legislation,
    caller: Caller,
    wanted: NewDraft,
    *,
    waiting_max: int,
    now: datetime,
    today: date,
) -> DraftRow:
    """The draft of a period or year with lines prepared for it, waiting to be read; offered for review where it has
    others.

    NoProposalHere for another form, or a complement or replacement; NothingToPropose where nothing is known.
    """
    if wanted.form not in (*FORMS, "annual") or wanted.replaces or wanted.completes:
        raise NoProposalHere(pointer="/proposed")
    async with transaction(pool, caller.actor) as connection:
        centre = await chosen_centre(connection, caller.employer_id, wanted.centre)
        period = await _period(connection, caller.employer_id, centre, wanted, today)
    async with transaction(pool, job("propose", caller.employer_id)) as connection:
        lines = await _prepared(connection, legislation, caller.employer_id, centre, wanted, period)
    if not lines:
        raise NothingToPropose(period=period.code)
    parts = [lines[start : start + LINES_A_PART] for start in range(0, len(lines), LINES_A_PART)]
    stored = [
        await storage.put_bytes(msgspec.json.encode(SentLines(lines=part, part=number, parts=len(parts))))
        for number, part in enumerate(parts, 1)
    ]
    async with transaction(pool, caller.actor) as connection:
        draft = await draft_for(connection, caller, wanted, now=now, today=today)
        reading = await receive_prepared(connection, caller, draft, stored, waiting_max=waiting_max, now=now)
    if reading is not None:
        size = sum(part.size_bytes for part in stored)
        await queue.enqueue(READ_JOB, employer_id=caller.employer_id, subject=reading, queue=queue_for(size))
    return draft


async def _period(connection: Connection, employer_id: int, centre: str, wanted: NewDraft, today: date) -> Period:
    """The period, or of an annual declaration the year, that was asked for, or the one that ended last."""
    if wanted.form == "annual":
        return Year(chosen_year(wanted, today))
    return await chosen_period(connection, employer_id, centre, wanted.period, today)


async def _prepared(
    connection: Connection, legislation: Legislation, employer_id: int, centre: str, wanted: NewDraft, period: Period
) -> list[SentLine]:
    if isinstance(period, Year):
        return await prepare_annual_lines(
            connection, legislation, employer_id=employer_id, centre=centre, year=period.year
        )
    make = propose_totals if wanted.form == "totals" else propose_lines
    return await make(connection, employer_id=employer_id, centre=centre, period=period)


async def propose_totals(
    connection: Connection, *, employer_id: int, centre: str, period: Month | Quarter
) -> list[SentLine]:
    """The rate categories declared last, with their workers; without bases."""
    last = await queries.select_last_declared(
        connection, employer_id=employer_id, centre=centre, before=period.first_day
    )
    if last is None:
        return []
    sums = await queries.sum_by_category(connection, employer_id=employer_id, declaration_ids=last[1])
    return [SentLine(code=category, workers=total.workers) for category, total in sums.items()]


async def propose_lines(
    connection: Connection, *, employer_id: int, centre: str, period: Month | Quarter
) -> list[SentLine]:
    """The lines of a period by employee; the transaction is a job's, which may read the registers."""
    last = await queries.select_last_declared(
        connection, employer_id=employer_id, centre=centre, before=period.first_day
    )
    lines: list[PeriodicLine] = []
    if last is not None:
        lines = await queries.select_lines_of(connection, employer_id=employer_id, declaration_ids=last[1])
    declared = [(who, line) for who, line in zip(await _who(connection, lines), lines, strict=True)]
    last_period = periodic(last[0]) if last and lines else None
    spells = await _spells(connection, employer_id, centre, period)
    return proposed(declared, spells, period=period, last_period=last_period)


async def _who(connection: Connection, lines: Sequence[PeriodicLine]) -> list[Who]:
    """Whom each line is about: the present number, else names and birth."""
    frame = pl.DataFrame(
        [(line.nss, line.last_name, line.first_name, line.birth_date) for line in lines],
        schema={"nss": pl.String, "last_name": pl.String, "first_name": pl.String, "birth_date": pl.Date},
        orient="row",
    )
    known = await registers.known_people_frame(connection, frame["nss"].drop_nulls().unique().to_list())
    present = known.select("nss", "current_nss").unique("nss")
    asked = frame.join(present, on="nss", how="left", maintain_order="left")
    return asked.select(pl.coalesce("current_nss", "nss", the_person())).to_series().to_list()


async def _spells(
    connection: Connection, employer_id: int, centre: str, period: Month | Quarter
) -> Mapping[Who, list[Spell]]:
    """The employments of a centre's people, by person; of an employer's only centre, those of no centre named too."""
    spells, _ = await register_for(connection, employer_id)
    centres = await employers.payment_centres(connection, employer_id)
    here = pl.col("centre") == centre
    found = spells.filter(here | pl.col("centre").is_null() if len(centres) == 1 else here)
    known = await registers.known_people_frame(
        connection, found.filter(pl.col("last_name").is_null())["nss"].drop_nulls().unique().to_list()
    )
    names = {row["current_nss"]: row for row in known.iter_rows(named=True)}
    by_person: dict[Who, list[Spell]] = {}
    for row in found.iter_rows(named=True):
        by_person.setdefault(row["who"], []).append(_spell(row, names.get(row["who"], {}), period))
    return by_person


def _spell(row: dict[str, Any], known: Mapping[str, Any], period: Month | Quarter) -> Spell:
    """A spell with its last change before the period's end; names as the employer told them, else as registered."""
    entry: date | None = row["entry_date"]
    changes = [
        said
        for said in row["conditions"] or ()
        if said["since"] is not None and said["since"] <= period.last_day and (entry is None or said["since"] > entry)
    ]
    return Spell(
        **{name: row[name] or known.get(name) for name in ("last_name", "first_name", "birth_date")},
        nss=row["nss"],
        entry_date=entry,
        exit_date=row["exit_date"],
        rate_category=row["rate_category"],
        changed_on=changes[-1]["since"] if changes else None,
        changed_to=changes[-1]["rate_category"] if changes else None,
    )
