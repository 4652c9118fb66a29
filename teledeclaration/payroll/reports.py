"""A centre's year read for who asks: its comparison with dues, and all its differences."""

from datetime import date

from schemas.reconciliation import Reconciliation, YearDifference
from teledeclaration.database import Connection
from teledeclaration.errors import NotFound
from teledeclaration.languages import Language
from teledeclaration.payments import facts as payments
from teledeclaration.payroll.actions.reconciling import CentreYear
from teledeclaration.payroll.queries import assessments, differences, reconciliation
from teledeclaration.payroll.shown_reconciliation import show_difference, show_reconciliation

_AT_ONCE = 5_000


async def comparison_of(
    connection: Connection, asked: CentreYear, language: Language, *, today: date
) -> Reconciliation:
    """The last comparison with what is assessed and owed now; NotFound where none was ever asked for."""
    row = await reconciliation.select_reconciliation(connection, **asked.key)
    if row is None:
        raise NotFound
    kinds = await differences.count_kinds(connection, **asked.key)
    assessed = await assessments.select_assessed_periods(connection, **asked.key)
    owed = await payments.owed_by_period(connection, employer_id=asked.employer_id, year=asked.year, on=today)
    return show_reconciliation(row, kinds, assessed, owed, language)


async def all_differences(connection: Connection, asked: CentreYear, language: Language) -> tuple[YearDifference, ...]:
    """Every difference of a centre's year, the dearest first."""
    found: list[YearDifference] = []
    while rows := await differences.select_differences(connection, **asked.key, after=len(found), limit=_AT_ONCE):
        found += [show_difference(row, language) for row in rows]
    return tuple(found)
