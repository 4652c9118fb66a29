"""State changes and journaled looks at the registers' doors: each one transaction."""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterable, Sequence
from datetime import date, timedelta
from uuid import UUID

import msgspec
import polars as pl

from schemas.actors import FUND_EMPLOYER_ID, Actor
from schemas.findings import Severity
from schemas.registry import (
    DeclaredPage,
    LoadCounts,
    LoadFinding,
    LoadMode,
    PeopleFound,
    PersonSought,
    Register,
    RegisteredPerson,
    RowsOutcome,
)
from teledeclaration import journal
from teledeclaration.clock import Clock, legal_day
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.journal import SETTLED_AFTER
from teledeclaration.languages import Language, say
from teledeclaration.law_in_force import law_in_force
from teledeclaration.queue import LONG, JobQueue
from teledeclaration.registry import declared, queries
from teledeclaration.registry.applying import added, apply_batch, store_findings
from teledeclaration.registry.checking import Known, check_rows
from teledeclaration.registry.columns import RegisterForm, forms
from teledeclaration.registry.errors import CursorUnknown, DayNotOver, LooksTooMany, RowsRefused, SearchTooWide
from teledeclaration.registry.loading import known_on
from teledeclaration.registry.sources import Source, open_rows
from teledeclaration.settings import Settings
from teledeclaration.storage import Storage

FILE_BYTES_MAX = 5_000_000_000
ROWS_MAX = 5_000
FOUND_MAX = 20
LOOKS_MAX = 300
LOOKS_WITHIN = timedelta(hours=1)
Cell = str | int | bool | None


async def receive_file(
    pool: Pool,
    storage: Storage,
    queue: JobQueue,
    actor: Actor,
    *,
    register: Register,
    mode: LoadMode,
    filename: str,
    content: AsyncIterable[bytes],
    clock: Clock,
) -> UUID:
    """Keep a register's file and send it to be loaded; the load's id."""
    load_id = await keep_file(
        pool, storage, actor, register=register, mode=mode, filename=filename, content=content, clock=clock
    )
    await queue.enqueue("load_register", employer_id=FUND_EMPLOYER_ID, subject=load_id, queue=LONG)
    return load_id


async def keep_file(
    pool: Pool,
    storage: Storage,
    actor: Actor,
    *,
    register: Register,
    mode: LoadMode,
    filename: str,
    content: AsyncIterable[bytes],
    clock: Clock,
) -> UUID:
    """Keep a register's file as one that waits to be loaded; the load's id."""
    stored = await storage.put(content, bytes_max=FILE_BYTES_MAX)
    now = clock()
    async with transaction(pool, actor) as connection:
        load_id = await queries.insert_load(
            connection,
            register=register,
            mode=mode,
            content_hash=stored.content_hash,
            filename=filename,
            created_by=actor.label,
            now=now,
        )
        details = {"register": register, "mode": mode, "content_hash": stored.content_hash}
        await journal.record(connection, actor, "registers.file_received", load_id, now=now, details=details)
    return load_id


async def receive_rows(
    pool: Pool,
    actor: Actor,
    *,
    register: Register,
    rows: Sequence[dict[str, Cell]],
    settings: Settings,
    clock: Clock,
    language: Language,
) -> RowsOutcome:
    """Bring a register in line with rows of JSON: the good ones are in, the others have findings.

    RowsRefused where a row has a field that the register does not know, or there are too many.
    """
    form = forms()[register]
    cells = _cells(form, rows)
    if cells.is_empty():
        return RowsOutcome(counts=LoadCounts(), findings=[])
    content_hash = hashlib.sha256(msgspec.json.encode(rows, order="sorted")).hexdigest()
    async with transaction(pool, actor) as connection:
        load_id = await queries.insert_load(
            connection,
            register=register,
            mode="changes",
            content_hash=content_hash,
            filename="",
            created_by=actor.label,
            now=clock(),
        )
        law = await law_in_force(connection, settings)
        known = known_on(law, settings, clock, await queries.select_wilayas(connection))
        source = open_rows(form, cells.lazy(), known)
        counts, findings = await _apply_all(connection, source, known, load_id=load_id, clock=clock)
        await queries.update_done_at_once(connection, load_id=load_id, rows=source.height, counts=counts, now=clock())
        details = {"register": register, **msgspec.to_builtins(counts)}
        await journal.record(connection, actor, "registers.rows_received", load_id, now=clock(), details=details)
    return RowsOutcome(counts=counts, findings=_as_findings(findings, language))


async def _apply_all(
    connection: Connection, source: Source, known: Known, *, load_id: UUID, clock: Clock
) -> tuple[LoadCounts, pl.DataFrame]:
    done, counts, found = 0, LoadCounts(), []
    while done < source.height:
        stretch = source.stretch(done, ROWS_MAX)
        checked = check_rows(source.form, stretch, known, source.repeated)
        more, findings = await apply_batch(connection, source.form, checked, load_id=load_id, batch=done, now=clock())
        counts, done = added(counts, more), done + stretch.height
        found.append(findings)
    findings = pl.concat(found)
    stored = await store_findings(connection, findings, load_id=load_id, stored=0)
    return msgspec.structs.replace(counts, findings=stored), findings


def _cells(form: RegisterForm, rows: Sequence[dict[str, Cell]]) -> pl.DataFrame:
    if len(rows) > ROWS_MAX:
        raise RowsRefused(rows_max=ROWS_MAX)
    for place, row in enumerate(rows):
        unknown = next((field for field in row if field not in form.fields), None)
        if unknown is not None:
            raise RowsRefused(pointer=f"/{place}/{_escaped(unknown)}", rows_max=ROWS_MAX)
    columns = {field: pl.Series([_as_text(row.get(field)) for row in rows], dtype=pl.String) for field in form.fields}
    return pl.DataFrame({"row": pl.Series(range(len(rows)), dtype=pl.Int64), **columns})


def _as_text(value: Cell) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _escaped(name: str) -> str:
    return name[:60].replace("~", "~0").replace("/", "~1")


def _as_findings(findings: pl.DataFrame, language: Language) -> list[LoadFinding]:
    return [
        LoadFinding(
            code=row["code"],
            severity=Severity.ERROR,
            message=finding_words(row["code"], row["seen"], language),
            field=row["field"],
            pointer=f"/{row['row']}" + (f"/{row['field']}" if row["field"] else ""),
            seen=row["seen"],
        )
        for row in findings.iter_rows(named=True)
    ]


def finding_words(code: str, seen: str | None, language: Language) -> str:
    """A finding in the reader's language, with the value that was seen."""
    return say(f"registers.finding.{code}", language, seen=seen or "")


async def search_people(pool: Pool, actor: Actor, sought: PersonSought, *, clock: Clock) -> PeopleFound:
    """Look people up by number or name. Every person shown, and every search, stands in the journal.

    SearchTooWide for less than a number, or a last name and two letters; LooksTooMany past LOOKS_MAX in an hour.
    """
    looking = msgspec.structs.replace(actor, employer_id=None)
    now = clock()
    async with transaction(pool, looking) as connection:
        if actor.account_id is None:
            raise SearchTooWide
        looks = await queries.count_looks(connection, account_id=actor.account_id, since=now - LOOKS_WITHIN)
        if looks >= LOOKS_MAX:
            raise LooksTooMany
        people = await _sought(connection, sought)
        by = "nss" if sought.nss else "name"
        details = {"by": by, "found": min(len(people), FOUND_MAX)}
        await journal.record(connection, looking, "people.searched", by, now=now, details=details)
        for person in people[:FOUND_MAX]:
            await journal.record(connection, looking, "people.seen", person.person_id, now=now)
    return PeopleFound(people=people[:FOUND_MAX], more=len(people) > FOUND_MAX)


async def _sought(connection: Connection, sought: PersonSought) -> list[RegisteredPerson]:
    if sought.nss:
        person = await queries.select_person_by_number(connection, nss=sought.nss.replace(" ", ""))
        return [] if person is None else [person]
    last_name = " ".join((sought.last_name or "").upper().split())
    first_name = " ".join((sought.first_name or "").upper().split())
    if not last_name or (len(first_name) < 2 and sought.birth_date is None):
        raise SearchTooWide
    return await queries.select_people_by_name(
        connection,
        last_name=last_name,
        first_name=first_name,
        birth_date=sought.birth_date,
        limit=FOUND_MAX + 1,
    )


async def read_declared(pool: Pool, actor: Actor, *, after: str | None, limit: int) -> DeclaredPage:
    """A stretch of the feed after a cursor; what was filed meanwhile gets its positions here."""
    position = _position(after)
    async with transaction(pool, actor) as connection:
        entries = await declared.select_declared(connection, after=position, limit=limit + 1)
        if len(entries) <= limit:
            await declared.number_filings(connection)
            entries = await declared.select_declared(connection, after=position, limit=limit + 1)
    shown = entries[:limit]
    return DeclaredPage(
        declarations=[entry for _, entry in shown],
        after=_cursor(shown[-1][0] if shown else position),
        more=len(entries) > limit,
    )


def _cursor(position: int) -> str:
    return urlsafe_b64encode(f"declared:{position}".encode()).decode().rstrip("=")


def _position(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        return int(text.removeprefix("declared:"))
    except ValueError:
        raise CursorUnknown(pointer="/after") from None


async def open_declaration(pool: Pool, actor: Actor, *, declaration_id: UUID, clock: Clock) -> declared.Declarer | None:
    """Whose declaration it is whose lines are about to be read, journaled; None where the feed has none such."""
    async with transaction(pool, actor) as connection:
        declarer = await declared.select_declarer(connection, declaration_id=declaration_id)
        if declarer is not None:
            await journal.record(connection, actor, "declared.lines_read", declaration_id, now=clock())
    return declarer


async def open_day(pool: Pool, actor: Actor, *, day: date, settings: Settings, clock: Clock) -> None:
    """Make sure a day's filings are all in and numbered, and journal that they are read; DayNotOver before."""
    now = clock()
    if legal_day(now - SETTLED_AFTER, settings.fund_time_zone) <= day:
        raise DayNotOver
    async with transaction(pool, actor) as connection:
        await declared.number_filings(connection)
        await journal.record(connection, actor, "declared.day_read", day, now=now)
