"""Layouts that are remembered and words that are learnt: asked before a file is read, kept once it was."""

from datetime import datetime
from uuid import UUID, uuid4

from schemas.mapping import HandMapping
from teledeclaration import journal
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.employers.guard import Caller
from teledeclaration.errors import NotFound
from teledeclaration.intake.forms import FormName
from teledeclaration.intake.mapping import Known, Learnings, words_hash
from teledeclaration.payroll.queries import mapping, uploads


async def known_ways(connection: Connection, *, employer_id: int, form: FormName, by_hand: HandMapping | None) -> Known:
    """All that is known of how the employer's files of a form are read."""
    if by_hand is not None:
        return Known(form=form, mapping=by_hand.mapping)
    return Known(
        form=form,
        layouts=tuple(await mapping.select_layouts(connection, employer_id=employer_id, form=form)),
        words=tuple(await mapping.select_learnt_words(connection, employer_id=employer_id, form=form)),
    )


async def remember(
    connection: Connection,
    *,
    employer_id: int,
    upload: uploads.UploadRow,
    by_hand: HandMapping | None,
    learnings: Learnings,
    now: datetime,
) -> None:
    """Note what a file that was read teaches for the next one: its layout where it was mapped by hand, the words of
    its headers, or that a remembered layout was used."""
    if learnings.layout_id is not None:
        await mapping.touch_layout(connection, employer_id=employer_id, layout_id=learnings.layout_id, now=now)
    if by_hand is None or not by_hand.remember:
        return
    form = by_hand.mapping.form
    if learnings.words:
        await mapping.upsert_layout(
            connection,
            employer_id=employer_id,
            layout_id=uuid4(),
            form=form,
            words_hash=words_hash(learnings.words),
            words=learnings.words,
            mapping=by_hand.mapping,
            made_by=by_hand.made_by,
            now=now,
        )
    for word, field in learnings.fields:
        await mapping.upsert_learnt_word(
            connection, employer_id=employer_id, form=form, word=word, field=field, sent_at=upload.created_at, now=now
        )


async def forget_layout(pool: Pool, caller: Caller, *, layout_id: UUID, now: datetime) -> None:
    """Read such files by their words again; NotFound where there is no such layout."""
    async with transaction(pool, caller.actor) as connection:
        if not await mapping.delete_layout(connection, employer_id=caller.employer_id, layout_id=layout_id):
            raise NotFound
        await journal.record(connection, caller.actor, "layout.forgotten", layout_id, now=caller.fund_time(now))
