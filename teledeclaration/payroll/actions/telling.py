"""What a check tells otherwise than the one before: findings that are new, that are gone, and that came back."""

from dataclasses import dataclass
from uuid import UUID

import polars as pl

from teledeclaration.database import Connection
from teledeclaration.payroll.queries import rechecks


@dataclass(frozen=True)
class Compared:
    """The findings that were not there before, those that are no more (both MARK_SCHEMA), and which of the marks
    had gone away earlier."""

    new: pl.DataFrame
    gone: pl.DataFrame
    past: frozenset[str]

    @property
    def counts(self) -> dict[str, int]:
        back = int(self.new["mark"].is_in(sorted(self.past)).sum())
        return {"new": self.new.height - back, "gone": self.gone.height, "back": back}


async def tell_mended(
    connection: Connection,
    *,
    employer_id: int,
    draft_id: UUID,
    revision: int | None,
    before: pl.DataFrame,
    after: pl.DataFrame,
) -> pl.DataFrame:
    """The findings `after` with `back` where they were told before and had gone, to be stored in the place of
    `before`. What is gone now is kept, and the draft's revision told how much it is.

    Both are of the same lines: a finding is the same where line, field and code are, whoever the line is about now.
    """
    same = ["line_number", "field", "code"]
    old = before.join(after, on=same, how="anti", nulls_equal=True)
    new = after.join(before, on=same, how="anti", nulls_equal=True)
    compared = await _remembered(connection, employer_id, draft_id, old, new, after)
    if revision is not None:
        await rechecks.tell_revision(
            connection, employer_id=employer_id, draft_id=draft_id, revision=revision, findings=compared.counts
        )
    return after.with_columns(back=pl.col("mark").is_in(sorted(compared.past)))


async def tell_switched(
    connection: Connection, *, employer_id: int, draft_id: UUID, revision: int, former: UUID, reading_id: UUID
) -> None:
    """The same where the draft stands on another reading than before, both with their findings stored."""
    before = await rechecks.select_marks(connection, employer_id=employer_id, reading_id=former)
    after = await rechecks.select_marks(connection, employer_id=employer_id, reading_id=reading_id)
    compared = await _remembered(connection, employer_id, draft_id, before, after, after)
    await rechecks.tell_revision(
        connection, employer_id=employer_id, draft_id=draft_id, revision=revision, findings=compared.counts
    )
    back = after.filter(pl.col("mark").is_in(sorted(compared.past)))["finding"].to_list()
    if back:
        await rechecks.mark_back(connection, employer_id=employer_id, reading_id=reading_id, findings=back)


async def _remembered(
    connection: Connection,
    employer_id: int,
    draft_id: UUID,
    old: pl.DataFrame,
    new: pl.DataFrame,
    after: pl.DataFrame,
) -> Compared:
    """What of `old` is in no mark of `new`, and the other way round; what is gone is kept for later."""
    gone, appeared = (some.join(others, on="mark", how="anti") for some, others in ((old, new), (new, old)))
    gone = gone.filter(pl.col("mark").is_not_null())
    marks = after["mark"].unique().to_list()
    past = await rechecks.select_past_marks(connection, employer_id=employer_id, draft_id=draft_id, marks=marks)
    if gone.height:
        marks = gone["mark"].unique().to_list()
        await rechecks.insert_past_marks(connection, employer_id=employer_id, draft_id=draft_id, marks=marks)
    return Compared(appeared, gone, past)
