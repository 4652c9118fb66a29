"""What the receipt of a declaration states, gathered as it is filed."""

from uuid import UUID

from schemas.documents import CodeBase, FilingReceipt
from teledeclaration.database import Connection
from teledeclaration.documents.actions import public_address
from teledeclaration.documents.codes import new_code
from teledeclaration.employers import facts as employers
from teledeclaration.employers.guard import Caller
from teledeclaration.law_in_force import law_in_force
from teledeclaration.payroll.law.contributions import assess
from teledeclaration.payroll.law.periods import periodic
from teledeclaration.payroll.queries import declarations
from teledeclaration.payroll.queries.declarations import NewDeclaration
from teledeclaration.payroll.queries.periodic import sum_by_category
from teledeclaration.settings import Settings


async def filing_receipt(
    connection: Connection, settings: Settings, caller: Caller, declaration: NewDeclaration
) -> FilingReceipt:
    """The facts of a receipt, in the transaction that files its declaration, whose lines are written."""
    employer = await employers.employer_by_id(connection, caller.employer_id)
    code = new_code()
    return FilingReceipt(
        number=declaration.number,
        code=code,
        filed_at=declaration.filed_at,
        employer_number=employer.number,
        employer_name=employer.name,
        employer_name_ar=employer.name_ar,
        payment_centre=declaration.centre,
        form="periodic" if declaration.form == "periodic" else "annual",
        year=declaration.year,
        period=declaration.period if declaration.form == "periodic" else None,
        headcount=declaration.header.headcount,
        entries=declaration.header.entries,
        exits=declaration.header.exits,
        nothing_to_declare=declaration.header.nothing_to_declare,
        codes=await _codes(connection, settings, caller.employer_id, declaration),
        declaration_type=declaration.type,
        line_count=declaration.line_count,
        left_out_count=declaration.left_out_count,
        quarters=(declaration.q1_amount, declaration.q2_amount, declaration.q3_amount, declaration.q4_amount),
        annual=declaration.annual_amount,
        content_hash=declaration.content_hash,
        replaces=await _number(connection, caller.employer_id, declaration.replaces),
        completes=await _number(connection, caller.employer_id, declaration.completes),
        filed_by=declaration.filed_by,
        test=declaration.mode == "test",
        verify_url=public_address(settings, code),
        fund_name=settings.fund_name,
        fund_name_ar=settings.fund_name_ar,
    )


async def _codes(
    connection: Connection, settings: Settings, employer_id: int, declaration: NewDeclaration
) -> tuple[CodeBase, ...]:
    """The bases of a periodic declaration by code."""
    if declaration.form != "periodic":
        return ()
    sums = await sum_by_category(connection, employer_id=employer_id, declaration_ids=[declaration.declaration_id])
    values = (await law_in_force(connection, settings)).on(periodic(declaration.period).first_day)
    amounts = assess({category: total.base for category, total in sums.items()}, values)
    return tuple(CodeBase(code=line.code, base=line.base) for line in amounts.lines)


async def _number(connection: Connection, employer_id: int, declaration_id: UUID | None) -> str | None:
    if declaration_id is None:
        return None
    row = await declarations.select_declaration(connection, employer_id=employer_id, declaration_id=declaration_id)
    return None if row is None else row.number
