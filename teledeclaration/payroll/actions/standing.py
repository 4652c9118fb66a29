"""Which reading a draft stands on: a checked file counts at once, or once its changes are reviewed.

At once count the draft's first lines, the very lines it stands on already, another mapping of the same file before
anything was mended, and a check of lines that were mended in place. Anything else is offered: the draft keeps its lines
until someone accepts what changes (`reviewing`).
"""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from teledeclaration.database import Connection
from teledeclaration.intake.forms import FormName
from teledeclaration.payroll.actions import revisions
from teledeclaration.payroll.queries import declarations, drafts, lines, places, reviews
from teledeclaration.payroll.queries.places import ReadingPlace
from teledeclaration.payroll.queries.revisions import RevisionKind

_SAME_LINES = {"same_lines": True}


async def settle(
    connection: Connection,
    *,
    employer_id: int,
    draft_id: UUID,
    reading_id: UUID,
    recheck: bool,
    rows: int,
    sent_by: str,
    now: datetime,
) -> None:
    """Let a draft stand on a reading just checked, or offer it, in the transaction that stores it.

    The caller holds the draft. A reading that a later one has overtaken changes nothing.
    """
    where: dict[str, Any] = {"employer_id": employer_id, "draft_id": draft_id, "reading_id": reading_id}
    place = await places.select_place(connection, **where)
    if place is None or place.status != "open":
        return
    if recheck:
        await drafts.delete_outgrown_confirmations(connection, **where)
        await drafts.touch_draft(connection, employer_id=employer_id, draft_id=draft_id, now=now)
        return
    if place.overtaken:
        return
    why = await _at_once(connection, employer_id, reading_id, place)
    if why is not None:
        await stand_on(connection, **where, place=place, lines_changed=rows, details=why, done_by=sent_by, now=now)
    elif place.stands_on is not None:
        await places.offer_reading(connection, **where, now=now)
        await ask_for_review(
            connection,
            **where,
            base="draft",
            base_id=place.stands_on,
            lines_revision=place.lines_revision,
            now=now,
        )


async def _at_once(
    connection: Connection, employer_id: int, reading_id: UUID, place: ReadingPlace
) -> dict[str, Any] | None:
    """What the revision is to say of a reading that needs no review; None where it needs one."""
    if place.stands_on is None:
        return {}
    standing = await lines.sum_lines(connection, employer_id=employer_id, reading_id=place.stands_on)
    if not standing.line_count and not standing.left_out_count:
        return {}
    if place.mapped and place.same_upload:
        mended = await places.was_mended(connection, employer_id=employer_id, reading_id=place.stands_on)
        return None if mended else {}
    if standing != await lines.sum_lines(connection, employer_id=employer_id, reading_id=reading_id):
        return None
    hashes = [await _hash(connection, employer_id, one, place.form) for one in (place.stands_on, reading_id)]
    same = hashes[0] == hashes[1] and not standing.left_out_count
    if not same or await _asks_for_fewer_numbers(connection, employer_id, reading_id, place.stands_on):
        return None
    return _SAME_LINES


async def _hash(connection: Connection, employer_id: int, reading_id: UUID, form: FormName) -> str:
    """What tells a reading's lines from others: of a year, as they would be declared."""
    if form == "annual":
        return await declarations.hash_lines(connection, employer_id=employer_id, reading_id=reading_id)
    return await places.hash_fields(connection, employer_id=employer_id, reading_id=reading_id, form=form)


async def _asks_for_fewer_numbers(connection: Connection, employer_id: int, reading_id: UUID, standing: UUID) -> bool:
    """Whether a number was asked for in the draft for someone for whom these lines do not ask any more (`carrying`)."""
    now, before = [
        await places.count_numbers_asked(connection, employer_id=employer_id, reading_id=one)
        for one in (reading_id, standing)
    ]
    return now < before


async def stand_on(
    connection: Connection,
    *,
    employer_id: int,
    draft_id: UUID,
    reading_id: UUID,
    place: ReadingPlace,
    lines_changed: int,
    details: dict[str, Any],
    done_by: str,
    now: datetime,
) -> None:
    """Let the draft stand on a reading as its next revision. One that replaces a declaration is compared with it."""
    where: dict[str, Any] = {"employer_id": employer_id, "draft_id": draft_id, "reading_id": reading_id}
    kind: RevisionKind = "mapping" if place.mapped and place.same_upload else "file"
    await reviews.outdate_reviews(connection, employer_id=employer_id, draft_id=draft_id)
    await places.stand_on(connection, **where)
    await drafts.delete_outgrown_confirmations(connection, **where)
    revision = await revisions.record(
        connection, **where, kind=kind, lines_changed=lines_changed, details=details, done_by=done_by, now=now
    )
    if place.replaces is not None:
        await ask_for_review(
            connection, **where, base="declaration", base_id=place.replaces, lines_revision=revision, now=now
        )


async def ask_for_review(
    connection: Connection,
    *,
    employer_id: int,
    draft_id: UUID,
    reading_id: UUID,
    base: str,
    base_id: UUID,
    lines_revision: int,
    now: datetime,
) -> UUID:
    """A review that waits to be compared; what was undecided before is outdated."""
    await reviews.outdate_reviews(connection, employer_id=employer_id, draft_id=draft_id)
    review_id = uuid4()
    await reviews.insert_review(
        connection,
        employer_id=employer_id,
        review_id=review_id,
        draft_id=draft_id,
        base=base,
        base_id=base_id,
        reading_id=reading_id,
        lines_revision=lines_revision,
        now=now,
    )
    return review_id
