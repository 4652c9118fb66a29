"""Random walks over a draft: whatever lay between, going back to a revision gives exactly the lines it had."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from world import START, A

from schemas.actors import Actor, job
from schemas.employers import ActingFor
from schemas.revisions import Return
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.employers.guard import Caller
from teledeclaration.payroll.actions import returning, revisions
from teledeclaration.payroll.queries import drafts, edits, lines, uploads
from teledeclaration.payroll.queries.revisions import RevisionKind, stand_on
from teledeclaration.queue import JobQueue
from teledeclaration.settings import Settings

LINES = 6
DRAWN = {
    "nss": st.sampled_from([None, "800112345678", "000112345678"]),
    "last_name": st.one_of(st.none(), st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)),
    "birth_date": st.one_of(st.none(), st.dates(date(1900, 1, 1), date(2020, 1, 1))),
    "q1_amount": st.one_of(st.none(), st.integers(-(10**12), 10**12)),
    "q1_duration": st.one_of(st.none(), st.integers(0, 900)),
    "left_out": st.booleans(),
    "number_requested": st.booleans(),
    "typed": st.sampled_from([None, '{"q1_amount": "12 \\"x\\",y"}', '{"last_name": "1\\n2", "nss": "?"}']),
}
numbers = st.lists(st.integers(1, LINES), min_size=1, max_size=LINES, unique=True)


@st.composite
def changes(draw: st.DrawFn) -> pl.DataFrame:
    """A frame for `change_lines`: some fields of some lines."""
    fields = draw(st.lists(st.sampled_from(sorted(DRAWN)), min_size=1, max_size=4, unique=True))
    rows = [{"line_number": number, **{name: draw(DRAWN[name]) for name in fields}} for number in draw(numbers)]
    return pl.DataFrame(rows, schema={name: lines.LINE_SCHEMA[name] for name in ("line_number", *fields)})


steps = st.one_of(
    st.tuples(st.just("change"), changes()),
    st.tuples(st.just("change_twice"), st.tuples(changes(), changes())),
    st.tuples(st.just("new_file"), st.none()),
    st.tuples(st.just("confirm"), st.none()),
    st.tuples(st.just("go_back"), st.integers(0, 30)),
)


@dataclass
class Walk:
    """A draft, and beside it the lines it had at each revision."""

    pool: Pool
    queue: JobQueue
    draft_id: UUID
    reading_id: UUID
    revision: int
    stood: dict[int, list[dict[str, Any]]]
    files: int = 0

    @property
    def draft(self) -> dict[str, Any]:
        return {"employer_id": A.employer_id, "draft_id": self.draft_id}

    async def change(self, frame: pl.DataFrame) -> None:
        await self.change_twice((frame,))

    async def change_twice(self, frames: tuple[pl.DataFrame, ...]) -> None:
        """One revision of one or more bulk changes, as a mend of different fields is."""
        async with transaction(self.pool, job("test", A.employer_id)) as connection:
            self.revision = await self.recorded(connection, "repair")
            for frame in frames:
                changed = await edits.change_lines(
                    connection,
                    employer_id=A.employer_id,
                    reading_id=self.reading_id,
                    revision=self.revision,
                    fields=frame.columns[1:],
                    changes=frame,
                )
                assert changed == frame.height
            await self.remember(connection)

    async def new_file(self, _: None) -> None:
        async with transaction(self.pool, job("test", A.employer_id)) as connection:
            self.files += 1
            self.reading_id = await new_reading(connection, self.draft_id, self.files)
            await stand_on(connection, **self.draft, reading_id=self.reading_id)
            self.revision = await self.recorded(connection, "file")
            await self.remember(connection)

    async def confirm(self, _: None) -> None:
        """What moves the draft on without a change of its lines."""
        async with transaction(self.pool, job("test", A.employer_id)) as connection:
            self.revision = await drafts.touch_draft(connection, **self.draft, now=START)
            await self.remember(connection)

    async def go_back(self, place: int) -> None:
        to = sorted(self.stood)[place % len(self.stood)]
        await returning.return_to(
            self.pool,
            self.queue,
            CLERK,
            draft_id=self.draft_id,
            wanted=Return(revision=self.revision, to=to),
            now=START,
        )
        async with transaction(self.pool, job("test", A.employer_id)) as connection:
            draft = await drafts.select_draft(connection, **self.draft)
            assert draft is not None and draft.reading_id is not None
            await connection.execute("UPDATE readings SET status = 'checked' WHERE employer_id = $1", A.employer_id)
            self.reading_id, self.revision = draft.reading_id, draft.revision
            await self.remember(connection)
        assert self.stood[self.revision] == self.stood[to]

    async def recorded(self, connection: Connection, kind: RevisionKind) -> int:
        return await revisions.record(
            connection,
            **self.draft,
            kind=kind,
            reading_id=self.reading_id,
            lines_changed=0,
            details={},
            done_by="Nadia",
            now=START,
        )

    async def remember(self, connection: Connection) -> None:
        stands = await lines.select_line_frame(
            connection, employer_id=A.employer_id, reading_id=self.reading_id, form="annual"
        )
        self.stood[self.revision] = stands.to_dicts()


CLERK = Caller(
    actor=Actor(kind="member", label="Nadia", employer_id=A.employer_id, account_id=uuid4()),
    role="owner",
    scopes=frozenset(),
    employer=ActingFor(employer_id=A.employer_id, number=A.number, mode="live", clock_offset_s=0),
    language="en",
)


async def new_reading(connection: Connection, draft_id: UUID, place: int) -> UUID:
    """A file that was read and checked: LINES lines that tell which file they are of."""
    upload_id, reading_id = uuid4(), uuid4()
    employer: dict[str, Any] = {"employer_id": A.employer_id, "now": START}
    await uploads.insert_file(connection, **employer, content_hash="0" * 64, size_bytes=1)
    await uploads.insert_upload(
        connection, **employer, upload_id=upload_id, draft_id=draft_id, content_hash="0" * 64,
        filename=f"{place}.xlsx", source="file", created_by="Nadia",
    )  # fmt: skip
    await uploads.insert_reading(
        connection, **employer, reading_id=reading_id, draft_id=draft_id, upload_id=upload_id, queue="short"
    )
    whole = pl.DataFrame({"line_number": list(range(1, LINES + 1))}, schema={"line_number": pl.Int32}).with_columns(
        *(pl.lit(None, kind).alias(name) for name, kind in lines.LINE_SCHEMA.items() if name != "line_number")
    )
    told = whole.with_columns(
        row=pl.col("line_number") + 4, last_name=pl.lit(f"file {place}"), rate_category=pl.lit("general"),
        typed=pl.lit('{"birth_date": "hier"}'), number_requested=pl.lit(value=False),
    )  # fmt: skip
    async for _ in lines.insert_lines(
        connection, employer_id=A.employer_id, reading_id=reading_id, lines=told.select(lines.LINE_COLUMNS)
    ):
        pass
    await connection.execute("UPDATE readings SET status = 'checked' WHERE employer_id = $1", A.employer_id)
    return reading_id


async def begin(pool: Pool, queue: JobQueue) -> Walk:
    walk = Walk(pool, queue, uuid4(), uuid4(), 0, {})
    async with transaction(pool, job("test", A.employer_id)) as connection:
        await drafts.insert_draft(
            connection, **walk.draft, form="annual", centre=A.centre, year=2025, period="2025", type="N",
            replaces=None, completes=None, created_by="Nadia", now=START,
        )  # fmt: skip
    await walk.new_file(None)
    return walk


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(steps, min_size=3, max_size=12))
async def test_going_back_gives_the_lines_as_they_were(
    pool: Pool, settings: Settings, steps: list[tuple[str, Any]]
) -> None:
    queue = JobQueue(settings.redis_url)
    walk = await begin(pool, queue)
    for name, argument in steps:
        await getattr(walk, name)(argument)
    for to in range(len(walk.stood)):
        await walk.go_back(to)
    await queue.close()


async def test_nothing_is_left_on_the_way(pool: Pool, settings: Settings) -> None:
    """A change of every line is one revision, and the rows it came by are gone."""
    walk = await begin(pool, JobQueue(settings.redis_url))
    first = walk.revision
    await walk.change(pl.DataFrame({"line_number": range(1, LINES + 1), "q1_amount": [100] * LINES}))
    await walk.go_back(0)
    assert walk.stood[walk.revision] == walk.stood[first]
    async with transaction(pool, job("test", A.employer_id)) as connection:
        assert await connection.fetchval("SELECT count(*) FROM incoming_lines") == 0
