"""The questions that others may ask of what is owed."""

from datetime import date

from schemas.payments import Balance, Due, OwedPeriod
from teledeclaration.database import Connection
from teledeclaration.payments import queries


async def open_dues(connection: Connection, *, employer_id: int) -> list[Due]:
    """Everything that is still to be paid, by due date."""
    return await queries.select_dues(connection, employer_id=employer_id)


async def owed_by_period(connection: Connection, *, employer_id: int, year: int, on: date) -> list[OwedPeriod]:
    """What was booked for each centre's periods of a year, and what of it is left and late as of the legal day `on`."""
    return await queries.select_owed_by_period(connection, employer_id=employer_id, year=year, on=on)


async def what_is_owed(connection: Connection, *, employer_id: int, on: date) -> Balance:
    """What an employer owes, late and coming as of the legal day `on`, and what is held for it."""
    days = await queries.select_owed_by_day(connection, employer_id=employer_id, on=on)
    credit = await queries.select_credit_total(connection, employer_id=employer_id)
    late = sum(day.remaining for day in days if day.late)
    owed = sum(day.remaining for day in days)
    return Balance(on=on, owed=owed, late=late, coming=owed - late, credit=credit, net=owed - credit, days=tuple(days))
