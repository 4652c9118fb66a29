"""From an assessment to what is owed: payroll and payments meet here, in the transaction that stores it."""

from datetime import datetime
from uuid import UUID

from schemas.actors import Actor
from teledeclaration import journal, outbox
from teledeclaration.clock import legal_day
from teledeclaration.database import Connection
from teledeclaration.payments.actions import ASSESSMENT, PROVISIONAL, book_assessment
from teledeclaration.payroll.actions.assessing import Assessed
from teledeclaration.payroll.queries.assessments import FiledRow


async def book(connection: Connection, actor: Actor, result: Assessed, *, now: datetime, time_zone: str) -> None:
    """Dues and transfers of one declaration's or provisional assessment's result, told and journaled."""
    event, employer_id = result.event, actor.employer_id or 0
    await book_assessment(
        connection,
        employer_id=employer_id,
        source=ASSESSMENT if isinstance(event, FiledRow) else PROVISIONAL,
        subject=event.subject,
        centre=result.centre,
        changes=result.changes,
        increases=result.increases,
        now=now,
        legal_day=legal_day(now, time_zone),
    )
    details: dict[str, object] = {"total": result.amounts.total, "difference": result.difference}
    if isinstance(event, FiledRow):
        told = details | {"number": event.number, "period": event.period}
        await _tell(connection, actor, "declaration.assessed", event.subject, details, told, now)
    else:
        details["increase"] = sum(one.amount for one in result.increases)
        kind = "provisional_assessment.booked"
        await journal.record(connection, actor, kind, event.subject, now=now, details=details)
    for one in result.replaced:
        details = {"declaration": str(one.declaration_id), "increase_kept": one.increase_kept}
        told = details | {"period": one.provisional.period}
        await _tell(
            connection, actor, "provisional_assessment.replaced", one.provisional.provisional_id, details, told, now
        )


async def _tell(
    connection: Connection,
    actor: Actor,
    kind: str,
    subject: UUID,
    details: dict[str, object],
    payload: dict[str, object],
    now: datetime,
) -> None:
    await journal.record(connection, actor, kind, subject, now=now, details=details)
    await outbox.insert_event(
        connection, employer_id=actor.employer_id or 0, kind=kind, subject=subject, now=now, payload=payload
    )
