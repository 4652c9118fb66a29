"""What changed lines do to people, bases and contributions, under the law of the year they are of."""

from collections.abc import Sequence
from typing import Any

import msgspec
import polars as pl

from schemas.assessments import AssessedAmounts
from schemas.legislation import Payer
from schemas.reviews import BeforeAfter, Effect, PayerEffect
from teledeclaration.database import Connection
from teledeclaration.legislation import Legislation, NotInForce
from teledeclaration.payroll.actions.told import tell_year
from teledeclaration.payroll.law.contributions import Bases, DeclaredPeriod, dues_by_payer, side_by_side, year_buckets
from teledeclaration.payroll.law.periods import by_quarter, periodic
from teledeclaration.payroll.law.totals import CodeUnknown, SupplementTooLarge, Total, by_category, codes_of
from teledeclaration.payroll.law.years import Told, bases_that_stand
from teledeclaration.payroll.queries.drafts import DraftRow
from teledeclaration.periods import Year

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

    Against a filed declaration, contributions are the whole year's: as it stands, and with the new lines in its place.
    """
    before, after, year = _counted(before), _counted(after), Year(draft.year)
    if draft.form == "movements":
        return _shown(draft, legislation, before, after, None, None)
    told: list[Told] = []
    if base == "declaration":
        told = await tell_year(connection, employer_id=employer_id, centre=draft.centre, year=year)
    was, becomes = _as_filed(draft, before, legislation), _as_filed(draft, after, legislation)
    old = _assessed([*told, *([] if told else [was])], legislation) if was else None
    new = _assessed([*told, becomes], legislation) if becomes else None
    return _shown(draft, legislation, before, after, old, new)


def to_store(effect: Effect) -> dict[str, Any]:
    stored: dict[str, Any] = msgspec.to_builtins(effect)
    return stored


def _counted(lines: pl.DataFrame) -> pl.DataFrame:
    """The lines that are declared, amounts that are not there as zero."""
    if "left_out" in lines.columns:
        lines = lines.filter(~pl.col("left_out"))
    return lines.with_columns(pl.col("^(q._)?amount$").fill_null(0))


def _as_filed(draft: DraftRow, lines: pl.DataFrame, legislation: Legislation) -> Told | None:
    """A draft's lines as they would be told if it was filed with them; None where its codes name no categories."""
    if draft.form == "annual":
        return _year_as_filed(draft, lines)
    bases = _period_bases(draft, lines, legislation)
    if bases is None:
        return None
    told: dict[DeclaredPeriod, Bases] = {periodic(draft.period): bases}
    return Told(subject=draft.draft_id, form="periodic", replaces=draft.replaces, bases=told)


def _period_bases(draft: DraftRow, lines: pl.DataFrame, legislation: Legislation) -> Bases | None:
    if draft.form == "periodic":
        return dict(lines.group_by("rate_category").agg(pl.col("amount").sum()).iter_rows())
    found = _by_category(draft, lines, legislation)
    return None if found is None else {category: total.base for category, total in found.items()}


def _by_category(draft: DraftRow, lines: pl.DataFrame, legislation: Legislation) -> dict[str, Total] | None:
    """What rate lines make by rate category; None where their codes make none."""
    rows = lines.select("code", "amount", pl.col("workers").fill_null(0)).drop_nulls("code").rows()
    try:
        codes = codes_of(legislation.on(periodic(draft.period).first_day))
        return by_category(((code, Total(base, workers)) for code, base, workers in rows), codes)
    except (CodeUnknown, SupplementTooLarge):
        return None


def _year_as_filed(draft: DraftRow, lines: pl.DataFrame) -> Told:
    sums = lines.group_by("rate_category").agg(pl.col("^q._amount$").sum()).to_dicts()
    bases: dict[DeclaredPeriod, Bases] = {
        quarter: {row["rate_category"]: row[f"q{quarter.number}_amount"] for row in sums}
        for quarter in Year(draft.year).quarters
    }
    return Told(subject=draft.draft_id, form="annual", replaces=draft.replaces, bases=bases)


def _assessed(told: Sequence[Told], legislation: Legislation) -> AssessedAmounts | None:
    """What a year costs; None where it cannot be assessed yet, which a finding says of the lines."""
    stands = bases_that_stand(told)
    try:
        for period, bases in [*stands.periodic.items(), *(stands.annual or {}).items()]:
            open_categories = legislation.on(period.first_day).enabled_categories()
            if any(category not in open_categories or base < 0 for category, base in bases.items()):
                return None
        return side_by_side(year_buckets(stands.periodic, stands.annual, legislation).values())
    except NotInForce:
        return None


def _shown(
    draft: DraftRow,
    legislation: Legislation,
    before: pl.DataFrame,
    after: pl.DataFrame,
    old: AssessedAmounts | None,
    new: AssessedAmounts | None,
) -> Effect:
    quarters = [
        BeforeAfter(before=one, after=other)
        for one, other in zip(*(_by_quarter(draft, lines, legislation) for lines in (before, after)), strict=True)
    ]
    both = None if old is None or new is None else (old, new)
    return Effect(
        people=BeforeAfter(before=_people(draft, before, legislation), after=_people(draft, after, legislation)),
        numbers_requested=BeforeAfter(before=_numbers_requested(before), after=_numbers_requested(after)),
        quarters=quarters,
        base=BeforeAfter(before=sum(one.before for one in quarters), after=sum(one.after for one in quarters)),
        contributions=both and BeforeAfter(before=both[0].total, after=both[1].total),
        payers=both and _payers(*both),
    )


def _by_quarter(draft: DraftRow, lines: pl.DataFrame, legislation: Legislation) -> tuple[int, ...]:
    """The bases by quarter of the year; a period's is in its own, and movements have none."""
    if draft.form == "annual":
        return tuple(int(lines[amounts].sum()) for amounts in _AMOUNTS)
    if draft.form == "movements":
        return (0, 0, 0, 0)
    bases = _period_bases(draft, lines, legislation) or {}
    return by_quarter(periodic(draft.period), sum(bases.values()))


def _payers(old: AssessedAmounts, new: AssessedAmounts) -> list[PayerEffect]:
    before, after = dues_by_payer(old), dues_by_payer(new)
    return [PayerEffect(payer=payer, before=before[payer], after=after[payer]) for payer in Payer]


def _people(draft: DraftRow, lines: pl.DataFrame, legislation: Legislation) -> int:
    """How many people: spells of one number are one, who has none is counted by the line; of rate lines the workers,
    those of a line that is a part of another only once."""
    if "nss" not in lines.columns:
        found = _by_category(draft, lines, legislation)
        return int(lines["workers"].sum()) if found is None else sum(total.workers for total in found.values())
    return lines["nss"].drop_nulls().n_unique() + lines["nss"].null_count()


def _numbers_requested(lines: pl.DataFrame) -> int:
    """For how many lines filing asks for a number."""
    if "nss" not in lines.columns:
        return 0
    return lines.filter(pl.col("number_requested") & pl.col("nss").is_null()).height
