"""What other rooms may ask about employers. The transaction's actor must be allowed to see the employer."""

import msgspec

from schemas.employers import Contact, EmployerFacts, PaymentCentre
from teledeclaration.database import Connection
from teledeclaration.employers.errors import EmployerNotFound


async def employer_by_id(connection: Connection, employer_id: int) -> EmployerFacts:
    """An employer's particulars; EmployerNotFound where there is none for this actor."""
    row = await connection.fetchrow(
        """
        SELECT employer_id, number, mode, clock_offset_s, name, name_ar, legal_form, sector, building_sector, wilaya,
               agency, address, periodicity, public_administration, bank_account, tax_number, trade_register,
               opened_on, closed_on, merged_into, main_employer
          FROM employers WHERE employer_id = $1
        """,
        employer_id,
    )
    if row is None:
        raise EmployerNotFound
    return msgspec.convert(row, EmployerFacts)


async def payment_centres(connection: Connection, employer_id: int) -> list[PaymentCentre]:
    """An employer's accounts at agencies, closed ones too, by number."""
    rows = await connection.fetch(
        "SELECT centre, name, agency, opened_on, closed_on FROM payment_centres WHERE employer_id = $1 ORDER BY centre",
        employer_id,
    )
    return [msgspec.convert(row, PaymentCentre) for row in rows]


async def contacts(connection: Connection, employer_id: int) -> list[Contact]:
    """How the fund reaches an employer."""
    rows = await connection.fetch(
        "SELECT kind, contact, name FROM employer_contacts WHERE employer_id = $1 ORDER BY kind, contact", employer_id
    )
    return [msgspec.convert(row, Contact) for row in rows]
