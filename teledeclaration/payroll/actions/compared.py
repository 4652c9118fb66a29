"""The lines on both sides of a review, in the terms of the draft's form."""

from typing import Any
from uuid import UUID

import polars as pl

from teledeclaration.database import Connection
from teledeclaration.legislation import Legislation
from teledeclaration.payroll.law.periods import periodic
from teledeclaration.payroll.law.totals import Total, by_code, codes_of
from teledeclaration.payroll.queries import periodic as periods
from teledeclaration.payroll.queries import review_changes
from teledeclaration.payroll.queries.drafts import DraftRow
from teledeclaration.payroll.queries.lines import LINE_SCHEMA


async def draft_lines(connection: Connection, *, employer_id: int, draft: DraftRow, reading_id: UUID) -> pl.DataFrame:
    """Every line of a reading of the draft, as far as lines are compared."""
    return await review_changes.select_draft_lines(
        connection, employer_id=employer_id, reading_id=reading_id, form=draft.form
    )


async def declared_lines(
    connection: Connection,
    legislation: Legislation,
    *,
    employer_id: int,
    draft: DraftRow,
    declaration_id: UUID,
    new: pl.DataFrame,
) -> pl.DataFrame:
    """Every line of a declaration as a draft that replaces it would say it.

    Of a draft by rate line, the declared bases by code; of the lines that only sum others, those that `new` has.
    """
    where: dict[str, Any] = {"employer_id": employer_id, "declaration_id": declaration_id}
    if draft.form == "annual":
        return await review_changes.select_filed_lines(connection, **where)
    if draft.form == "periodic":
        return await review_changes.select_filed_period(connection, **where)
    totals = await periods.sum_by_category(connection, employer_id=employer_id, declaration_ids=[declaration_id])
    codes = codes_of(legislation.on(periodic(draft.period).first_day))
    said = by_code(totals, codes)
    return _as_lines({code: said[code] for code in said if code not in codes.shared or code in new["code"]})


def _as_lines(totals: dict[str, Total]) -> pl.DataFrame:
    rows = [
        {"line_number": number, "code": code, "amount": total.base, "workers": total.workers}
        for number, (code, total) in enumerate(totals.items(), 1)
    ]
    schema = {name: LINE_SCHEMA[name] for name in ("line_number", "code", "amount", "workers")}
    return pl.DataFrame(rows, schema=schema)
