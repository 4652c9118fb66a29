"""What changed lines do to people, bases and contributions, under the law of the year they are of."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
import polars as pl

from schemas.assessments import AssessedAmounts
from schemas.legislation import Payer
from schemas.reviews import BeforeAfter, Effect, PayerEffect
from teledeclaration.database import Connection
from teledeclaration.legislation import Legislation, NotInForce
from teledeclaration.payroll.law.contributions import Bases, assess_quarters, dues_by_payer
from teledeclaration.payroll.queries import assessments, review_changes
from teledeclaration.payroll.queries.drafts import DraftRow
from teledeclaration.periods import Quarter, Year

QuarterBases = Mapping[Quarter, Bases]

_AMOUNTS = ("q1_amount", "q2_amount", "q3_amount", "q4_amount")


async def effect_of(
    connection: Connection,
    legislation: Legislation,
    employer_id: int,
    draft: DraftRow,
    base: str,
    before: pl.DataFrame,
    after: pl.DataFrame,
) -> Effect:
    """The effect of putting the lines `after` in the place of `before` (as `select_draft_lines` gives them).

    Against a filed declaration, contributions are the whole year's: those assessed last, and those with the new lines.
    """
    before, after, year = _counted(before), _counted(after), Year(draft.year)
    old, new = _assessed(_bases(before, year), legislation), _assessed(_bases(after, year), legislation)
    if base == "declaration":
        beside, last = await _year_beside(connection, employer_id, draft)
        others = await _filed_bases(connection, employer_id, beside, year)
        old = last or _assessed(_added(_bases(before, year), others), legislation)
        new = _assessed(_added(_bases(after, year), others), legislation)
    return _told(before, after, old, new)


def to_store(effect: Effect) -> dict[str, Any]:
    stored: dict[str, Any] = msgspec.to_builtins(effect)
    return stored


def _counted(lines: pl.DataFrame) -> pl.DataFrame:
    """The lines that are declared, amounts that are not there as zero."""
    if "left_out" in lines.columns:
        lines = lines.filter(~pl.col("left_out"))
    return lines.with_columns(pl.col("^q._amount$").fill_null(0))


def _bases(lines: pl.DataFrame, year: Year) -> dict[Quarter, dict[str, int]]:
    sums = lines.group_by("rate_category").agg(pl.col("^q._amount$").sum()).sort("rate_category").to_dicts()
    return {
        quarter: {row["rate_category"]: row[f"q{quarter.number}_amount"] for row in sums} for quarter in year.quarters
    }


def _assessed(bases: QuarterBases, legislation: Legislation) -> AssessedAmounts | None:
    """What these bases cost; None where they cannot be assessed yet, which a finding says of the lines."""
    try:
        for quarter, by_category in bases.items():
            open_categories = legislation.on(quarter.first_day).enabled_categories()
            if any(category not in open_categories or base < 0 for category, base in by_category.items()):
                return None
        return assess_quarters(bases, legislation)
    except NotInForce:
        return None


def _added(one: QuarterBases, other: QuarterBases) -> QuarterBases:
    return {
        quarter: {
            category: one[quarter].get(category, 0) + other[quarter].get(category, 0)
            for category in {*one[quarter], *other[quarter]}
        }
        for quarter in one
    }


async def _year_beside(
    connection: Connection, employer_id: int, draft: DraftRow
) -> tuple[list[UUID], AssessedAmounts | None]:
    """The year's declarations that stay in force beside the one replaced, and what the year was assessed last."""
    so_far = await review_changes.select_year_so_far(
        connection, employer_id=employer_id, form=draft.form, centre=draft.centre, year=draft.year
    )
    gone = {replaced for _, replaced, _ in so_far} | {draft.replaces}
    last = so_far[-1][2] if so_far else None
    return [declaration_id for declaration_id, _, _ in so_far if declaration_id not in gone], last


async def _filed_bases(
    connection: Connection, employer_id: int, declaration_ids: list[UUID], year: Year
) -> QuarterBases:
    sums = await assessments.sum_bases(connection, employer_id=employer_id, declaration_ids=declaration_ids)
    return {
        quarter: {row.rate_category: getattr(row, f"q{quarter.number}") for row in sums} for quarter in year.quarters
    }


def _told(
    before: pl.DataFrame, after: pl.DataFrame, old: AssessedAmounts | None, new: AssessedAmounts | None
) -> Effect:
    quarters = [BeforeAfter(before=int(before[amounts].sum()), after=int(after[amounts].sum())) for amounts in _AMOUNTS]
    both = None if old is None or new is None else (old, new)
    return Effect(
        people=BeforeAfter(before=_people(before), after=_people(after)),
        quarters=quarters,
        base=BeforeAfter(before=sum(one.before for one in quarters), after=sum(one.after for one in quarters)),
        contributions=both and BeforeAfter(before=both[0].total, after=both[1].total),
        payers=both and _payers(*both),
    )


def _payers(old: AssessedAmounts, new: AssessedAmounts) -> list[PayerEffect]:
    before, after = dues_by_payer(old), dues_by_payer(new)
    return [PayerEffect(payer=payer, before=before[payer], after=after[payer]) for payer in Payer]


def _people(lines: pl.DataFrame) -> int:
    """How many people: spells of one number are one, who has none is counted by the line."""
    return lines["nss"].drop_nulls().n_unique() + lines["nss"].null_count()
