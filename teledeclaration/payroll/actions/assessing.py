"""From filed lines to what they cost: the year as it stands after each declaration, and what that changed.

Law: contributions by rate line, branch and payer under the values of each quarter (`payroll.law`). An
assessment is kept whole with its values; a later change of values never touches it.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from schemas.assessments import AssessedAmounts
from teledeclaration.database import Connection
from teledeclaration.legislation import Legislation
from teledeclaration.payroll.law.contributions import assess_quarters, difference, together
from teledeclaration.payroll.queries import assessments, declarations
from teledeclaration.periods import Quarter, Year


class Assessed(msgspec.Struct, frozen=True, kw_only=True):
    """One declaration's result: the year's amounts with it, and what it changed (amounts may be negative)."""

    declaration: declarations.DeclarationRow
    amounts: AssessedAmounts
    difference: AssessedAmounts


async def assess_waiting(
    connection: Connection, legislation: Legislation, *, employer_id: int, declaration_id: UUID, now: datetime
) -> list[Assessed]:
    """waiting → assessed, for a declaration and any filed before it for the same centre's year, in order.

    The rows are held, so that two jobs of one year follow one another, and the second finds nothing to do.
    """
    declaration = await declarations.select_declaration(
        connection, employer_id=employer_id, declaration_id=declaration_id
    )
    if declaration is None:
        return []
    rows = await assessments.lock_assessments(
        connection, employer_id=employer_id, form=declaration.form, centre=declaration.centre, year=declaration.year
    )
    results, before, filed = [], together([]), []
    for row in rows:
        filed.append(row.declaration_id)
        if row.amounts is not None:
            before = row.amounts
            continue
        result = await _assess(connection, legislation, employer_id, filed, before, now)
        results.append(result)
        before = result.amounts
        if row.declaration_id == declaration_id:
            break
    return results


async def _assess(
    connection: Connection,
    legislation: Legislation,
    employer_id: int,
    filed: list[UUID],
    before: AssessedAmounts,
    now: datetime,
) -> Assessed:
    """Assess the last of `filed` on top of what the year was assessed before, and store the result."""
    rows = [
        await declarations.select_declaration(connection, employer_id=employer_id, declaration_id=one) for one in filed
    ]
    known = [row for row in rows if row is not None]
    declaration = known[-1]
    in_force = standing(known)
    amounts = assess_quarters(
        await _bases(connection, employer_id=employer_id, declaration_ids=in_force, year=Year(declaration.year)),
        legislation,
    )
    changed = difference(amounts, before)
    await assessments.store_assessment(
        connection,
        employer_id=employer_id,
        declaration_id=declaration.declaration_id,
        amounts=amounts,
        difference=changed.total,
        now=now,
    )
    await assessments.insert_parts(
        connection, employer_id=employer_id, declaration_id=declaration.declaration_id, amounts=amounts
    )
    return Assessed(declaration=declaration, amounts=amounts, difference=changed)


def standing(filed: list[declarations.DeclarationRow]) -> list[UUID]:
    """Which of a year's declarations count once all of `filed` are: those that none of them replaces.

    What completes a declaration stays with whatever took its place: a complement is replaced by name only.
    """
    replaced = {row.replaces for row in filed}
    return [row.declaration_id for row in filed if row.declaration_id not in replaced]


async def _bases(
    connection: Connection, *, employer_id: int, declaration_ids: list[UUID], year: Year
) -> dict[Quarter, dict[str, int]]:
    sums = await assessments.sum_bases(connection, employer_id=employer_id, declaration_ids=declaration_ids)
    amounts = [{row.rate_category: getattr(row, f"q{number}") for row in sums} for number in (1, 2, 3, 4)]
    return dict(zip(year.quarters, amounts, strict=True))
