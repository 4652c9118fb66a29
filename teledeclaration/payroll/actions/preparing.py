"""The annual declaration nearly filled in: its lines from the year's periodic declarations and movements.

They become a draft as any other lines do (`proposing`), or the figures of the template: January is a review.
"""

from typing import Any

import polars as pl

from schemas.payroll import SentLine
from teledeclaration.database import Connection
from teledeclaration.legislation import Legislation
from teledeclaration.payroll.actions.gathering import gather_filed, rules_of
from teledeclaration.payroll.law.reconciliation.preparing import prepared_lines


async def prepare_annual_frame(
    connection: Connection, legislation: Legislation, *, employer_id: int, centre: str, year: int
) -> pl.DataFrame:
    """The lines as `law.reconciliation.frames.ANNUAL` says, by name; none where no period was declared by employee.

    The transaction is a job's, which may read the registers.
    """
    inputs = await gather_filed(connection, [(employer_id, centre)], year=year)
    return prepared_lines(inputs, rules_of(year, legislation))


async def prepare_annual_lines(
    connection: Connection, legislation: Legislation, *, employer_id: int, centre: str, year: int
) -> list[SentLine]:
    """The same as lines sent by REST. Filed as they are, they leave no difference with the periodic declarations."""
    lines = await prepare_annual_frame(connection, legislation, employer_id=employer_id, centre=centre, year=year)
    return [_line(row) for row in lines.drop("item").iter_rows(named=True)]


def _line(row: dict[str, Any]) -> SentLine:
    days = {name: None if row[name] is None else row[name].isoformat() for name in _DAYS}
    amounts = {name: row[name] or 0 for name in _AMOUNTS}
    return SentLine(
        **{**row, **days, **amounts}, annual_amount=sum(amounts.values()), number_requested=row["nss"] is None
    )


_DAYS = ("birth_date", "entry_date", "exit_date")
_AMOUNTS = tuple(f"q{quarter}_amount" for quarter in (1, 2, 3, 4))
