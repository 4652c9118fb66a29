"""Telling movements: by the filing of a draft, or at once by REST; corrections and withdrawals.

What is told is written once. The same person, kind and day told again adds nothing. A correction or a withdrawal is a
row that names the one it replaces; a movement is replaced once, so that of two at the same time one is refused.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import polars as pl

from schemas.actors import job
from schemas.findings import Severity
from schemas.movements import MovementsTold, SentMovement, SentMovements
from teledeclaration import journal, outbox
from teledeclaration.clock import legal_day
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.employers.guard import Caller
from teledeclaration.errors import NotFound
from teledeclaration.law_in_force import law_in_force
from teledeclaration.legislation import Legislation
from teledeclaration.payroll.actions.employment import Known, known_of
from teledeclaration.payroll.actions.movement_lines import Checked, check_sent, typed_lines
from teledeclaration.payroll.actions.opening import chosen_centre
from teledeclaration.payroll.errors import MovementReplaced, MovementsNotTold, WithdrawalNotAlone
from teledeclaration.payroll.law.employment import MOVEMENT_SCHEMA
from teledeclaration.payroll.law.movement_checks import tell_by, who_moves
from teledeclaration.payroll.queries import movements as queries
from teledeclaration.payroll.queries import reconciliation
from teledeclaration.payroll.queries.drafts import DraftRow
from teledeclaration.payroll.queries.movements import MovementRow, NewMovement
from teledeclaration.payroll.shown_movements import show_findings, show_movement
from teledeclaration.settings import Settings

_SAME = ["who", "kind", "date"]


class Teller(msgspec.Struct, frozen=True, kw_only=True):
    """Who tells, when and by which law: what every row of one telling has in common."""

    law: Legislation
    told_by: str
    told_at: datetime
    legal_day: date

    def row(self, said: dict[str, Any], **more: Any) -> NewMovement:
        """A movement of this telling; `said` has kind, date, who it is about and what changes."""
        common = {"draft_id": None, "line_number": None, "replaces": None, "withdrawn": False, "again": 0}
        return NewMovement(
            movement_id=uuid4(),
            told_by=self.told_by,
            told_at=self.told_at,
            legal_day=self.legal_day,
            tell_by=tell_by(said["kind"], said["date"], self.law),
            **{name: said[name] for name in _SAID},
            **(common | more),
        )


_SAID = (
    "kind", "date", "nss", "last_name", "first_name", "birth_date", "reason", "rate_category", "hours_a_week",
)  # fmt: skip


async def record_draft(
    connection: Connection, settings: Settings, caller: Caller, draft: DraftRow, reading_id: UUID, now: datetime
) -> int:
    """Write the movements of a draft's lines that are not left out, nor found to be told already; how many are new.

    In the transaction that files the draft. Run again, it finds them told and writes nothing.
    """
    employer_id = caller.employer_id
    where: dict[str, Any] = {"employer_id": employer_id, "reading_id": reading_id}
    told = await queries.select_found_lines(connection, **where, code="told_already")
    lines = await queries.select_lines_to_tell(connection, **where)
    lines = lines.filter(~pl.col("line_number").is_in(sorted(told)))
    if lines.is_empty():
        return 0
    numbers = lines["nss"].drop_nulls().unique().to_list()
    ever = await queries.select_movement_frame(connection, employer_id=employer_id, numbers=numbers)
    new = _new(lines, ever)
    teller = await _teller(connection, settings, caller, now)
    rows = [
        teller.row(
            said, again=said["again"], draft_id=draft.draft_id, line_number=said["line_number"], centre=draft.centre
        )
        for said in new.iter_rows(named=True)
    ]
    count = await queries.insert_movements(connection, employer_id=employer_id, batch=uuid4(), rows=rows)
    strangers = await queries.select_found_lines(connection, **where, code="nss_unknown")
    unknown = {row.movement_id for row in rows if row.line_number in strangers}
    await _told(connection, caller, draft.draft_id, rows, now)
    await _ask_for_numbers(connection, caller, draft.draft_id, _unnumbered(rows, unknown), now)
    return count


async def _teller(connection: Connection, settings: Settings, caller: Caller, now: datetime) -> Teller:
    """Every telling has a moment of its own, after the one before."""
    law = await law_in_force(connection, settings)
    last = await queries.last_told(connection, employer_id=caller.employer_id)
    moment = now if last is None else max(now, last + timedelta(microseconds=1))
    return Teller(law=law, told_by=caller.label, told_at=moment, legal_day=legal_day(now, settings.fund_time_zone))


def _new(lines: pl.DataFrame, ever: pl.DataFrame) -> pl.DataFrame:
    """The lines that tell something nobody told, each thing once; `again`: how often it was told and taken back."""
    asked = lines.with_columns(who=who_moves()).unique(_SAME, keep="first", maintain_order=True)
    told = ever.with_columns(who=who_moves()).filter(~pl.col("withdrawn"))
    standing = told.filter(pl.col("replaced_on").is_null()).select(_SAME)
    fresh = asked.join(standing, on=_SAME, how="anti", maintain_order="left")
    back = told.filter(pl.col("replaced_on").is_not_null() & pl.col("replaces").is_null())
    counts = back.group_by(_SAME).agg(again=pl.len().cast(pl.Int32))
    return fresh.join(counts, on=_SAME, how="left", maintain_order="left").with_columns(pl.col("again").fill_null(0))


async def _told(
    connection: Connection, caller: Caller, subject: UUID, rows: Sequence[NewMovement], now: datetime
) -> None:
    """The journal's entry and the event of one telling; nothing where nothing was told."""
    if not rows:
        return
    first = min(row.date.year for row in rows)
    await reconciliation.ask_again(connection, employer_id=caller.employer_id, since=first, now=now)
    replacing = Counter("withdrawals" if row.withdrawn else "corrections" for row in rows if row.replaces)
    counts = dict(Counter(row.kind for row in rows if row.replaces is None) | replacing)
    await journal.record(
        connection,
        caller.actor,
        "movements.told",
        subject,
        now=caller.fund_time(now),
        details={"counts": counts, "counter": caller.at_counter},
    )
    await outbox.insert_event(
        connection,
        employer_id=caller.employer_id,
        kind="movement.told",
        subject=subject,
        now=now,
        payload={"counts": counts},
    )


def _unnumbered(rows: Sequence[NewMovement], unknown: Collection[UUID]) -> list[UUID]:
    """The movements about someone without a number, or with one that the register does not know (`unknown`)."""
    return [row.movement_id for row in rows if not row.withdrawn and (row.nss is None or row.movement_id in unknown)]


async def _ask_for_numbers(
    connection: Connection, caller: Caller, subject: UUID, movement_ids: Sequence[UUID], now: datetime
) -> int:
    if not movement_ids:
        return 0
    count = await queries.insert_registrations(
        connection, employer_id=caller.employer_id, movement_ids=movement_ids, requested_by=caller.label, now=now
    )
    if count:
        await outbox.insert_event(
            connection,
            employer_id=caller.employer_id,
            kind="registration.requested",
            subject=subject,
            now=now,
            payload={"people": count},
        )
    return count


# ── by REST ─────────────────────────────────────────────────────────────────────────────────────


class _ToldMeanwhile(Exception):
    """Another telling wrote one of the movements first."""


async def tell(pool: Pool, settings: Settings, caller: Caller, sent: SentMovements, *, now: datetime) -> MovementsTold:
    """Tell movements, corrections and withdrawals together: all of them, or none.

    MovementsNotTold, with what is found, where an error stands or a doubt is not answered; NotFound where a movement
    named is not there; MovementReplaced where it was corrected or withdrawn before; CentreNeeded.
    """
    while True:
        telling = await _prepared(pool, settings, caller, sent, now)
        _refuse(telling.checked, sent.confirm, caller)
        try:
            async with transaction(pool, caller.actor) as connection:
                return await _write(connection, caller, telling, now)
        except _ToldMeanwhile:
            continue
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name == "movements_replaced_once":
                raise MovementReplaced from None
            raise


@dataclass(frozen=True)
class _Telling:
    """Movements about to be told: a row for each one sent, what was found in them, and what was known before.

    `first` says of each place the first one that tells the same.
    """

    rows: list[NewMovement]
    checked: Checked
    known: Known
    first: list[int]


async def _prepared(pool: Pool, settings: Settings, caller: Caller, sent: SentMovements, now: datetime) -> _Telling:
    employer_id, movements = caller.employer_id, sent.movements
    named = _named(movements)
    async with transaction(pool, job("movements", employer_id)) as connection:
        replaced = await _replaced(connection, employer_id, named)
        teller = await _teller(connection, settings, caller, now)
        lines = typed_lines(movements, teller.legal_day)
        numbers = lines["nss"].drop_nulls().to_list()
        known = await known_of(connection, employer_id, numbers, without=list(named))
        corrections = [place for place, one in enumerate(movements, start=1) if one.replaces is not None]
        checked = await check_sent(
            connection, employer_id, lines, known, corrections=corrections, law=teller.law, today=teller.legal_day
        )
        centres = {one.centre: await chosen_centre(connection, employer_id, one.centre) for one in movements}
    if checked.findings.filter(pl.col("severity") == Severity.ERROR.value).height:
        return _Telling([], checked, known, [])
    said = {line["line_number"]: line | {"kind": line["movement"]} for line in checked.lines.iter_rows(named=True)}
    rows, first, places = [], [], dict[tuple[Any, ...], int]()
    for place, one in enumerate(movements):
        if one.withdraws is not None:
            rows.append(_withdrawal(teller, replaced[one.withdraws]))
            same: tuple[Any, ...] = (place,)
        else:
            line = said[place + 1]
            rows.append(teller.row(line, centre=centres[one.centre], replaces=one.replaces))
            same = (line["who"], line["kind"], line["date"])
        first.append(places.setdefault(same, place))
    return _Telling(rows, checked, known, first)


def _withdrawal(teller: Teller, former: MovementRow) -> NewMovement:
    said = msgspec.structs.asdict(former)
    return teller.row(said, centre=former.centre, replaces=former.movement_id, withdrawn=True)


def _named(movements: Sequence[SentMovement]) -> dict[UUID, str]:
    """The movements that are corrected or withdrawn, each with the pointer to its name."""
    named: dict[UUID, str] = {}
    for place, one in enumerate(movements):
        if one.withdraws is not None and one != SentMovement(withdraws=one.withdraws):
            raise WithdrawalNotAlone(pointer=f"/movements/{place}")
        field = "withdraws" if one.withdraws else "replaces"
        movement_id = one.withdraws or one.replaces
        if movement_id in named:
            raise MovementReplaced(pointer=f"/movements/{place}/{field}")
        if movement_id is not None:
            named[movement_id] = f"/movements/{place}/{field}"
    return named


async def _replaced(connection: Connection, employer_id: int, named: dict[UUID, str]) -> dict[UUID, MovementRow]:
    """The movements named, which must be the employer's and in force."""
    found = await queries.select_named_movements(connection, employer_id=employer_id, movement_ids=list(named))
    rows = {row.movement_id: row for row in found}
    for movement_id, pointer in named.items():
        if movement_id not in rows:
            raise NotFound(pointer=pointer)
        if rows[movement_id].replaced_by is not None or rows[movement_id].withdrawn:
            raise MovementReplaced(pointer=pointer)
    return rows


def _refuse(checked: Checked, confirmed: Sequence[str], caller: Caller) -> None:
    """MovementsNotTold while an error stands, or a doubt that nobody answered for."""
    wrong = pl.col("severity") == Severity.ERROR.value
    doubtful = (pl.col("severity") == Severity.CONFIRM.value) & ~pl.col("code").is_in(list(confirmed))
    if checked.findings.filter(wrong | doubtful).height:
        error = MovementsNotTold(count=checked.findings.filter(wrong | doubtful).height)
        error.findings = tuple(show_findings(checked.findings, caller.language))
        raise error


async def _write(connection: Connection, caller: Caller, telling: _Telling, now: datetime) -> MovementsTold:
    employer_id, checked, rows = caller.employer_id, telling.checked, telling.rows
    before = _told_already(checked, telling.known)
    ids = [before.get(place + 1, rows[place].movement_id) for place in telling.first]
    anew = [place for place, row in enumerate(rows) if row.movement_id == ids[place] and row.replaces is None]
    again = await _again(connection, employer_id, [rows[place] for place in anew])
    fresh = [msgspec.structs.replace(rows[place], again=count) for place, count in zip(anew, again, strict=True)]
    # in one order for all, so that two corrections of the same movements wait for one another, never both
    corrections = sorted((row for row in rows if row.replaces is not None), key=lambda row: str(row.replaces))
    if await queries.insert_movements(connection, employer_id=employer_id, batch=uuid4(), rows=fresh) < len(fresh):
        raise _ToldMeanwhile
    for row in corrections:
        await queries.insert_correction(connection, employer_id=employer_id, row=row)
    new = [*fresh, *corrections]
    await _told(connection, caller, ids[0], new, now)
    unknown = {rows[line - 1].movement_id for line in checked.unknown}
    wanting = _unnumbered(new, unknown)
    requested = await _ask_for_numbers(connection, caller, ids[0], wanting, now)
    stored = await queries.select_named_movements(connection, employer_id=employer_id, movement_ids=ids)
    shown = {row.movement_id: show_movement(row) for row in stored}
    return MovementsTold(
        movements=[shown[one] for one in ids],
        new=len(new),
        numbers_requested=requested,
        findings=show_findings(checked.findings, caller.language),
    )


def _told_already(checked: Checked, known: Known) -> dict[int, UUID]:
    """The movements told before that the lines only repeat, by the lines' numbers."""
    repeated = checked.findings.filter(pl.col("code") == "told_already")["line_number"]
    lines = checked.lines.filter(pl.col("line_number").is_in(repeated.implode()))
    same = lines.rename({"movement": "kind"}).join(known.told.select(*_SAME, "movement_id"), on=_SAME)
    return {line: UUID(movement_id) for line, movement_id in same.select("line_number", "movement_id").iter_rows()}


async def _again(connection: Connection, employer_id: int, rows: Sequence[NewMovement]) -> list[int]:
    """For each of these, how often the very same was told before and then taken back."""
    if not rows:
        return []
    numbers = [row.nss for row in rows if row.nss is not None]
    ever = await queries.select_movement_frame(connection, employer_id=employer_id, numbers=numbers)
    schema = {name: MOVEMENT_SCHEMA[name] for name in _SAID}
    asked = pl.DataFrame([[getattr(row, name) for name in _SAID] for row in rows], schema=schema, orient="row")
    found = _new(asked.with_row_index("place"), ever.filter(pl.col("replaced_on").is_not_null()))
    counts = dict(found.select("place", "again").iter_rows())
    return [counts.get(place, 0) for place in range(len(rows))]
