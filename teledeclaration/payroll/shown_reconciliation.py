"""A year's comparison as a reader is shown it: sums, and each difference in words."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from schemas.assessments import AssessedAmounts
from schemas.payments import OwedPeriod
from schemas.reconciliation import KindFound, QuarterCompared, Reconciliation, YearDifference
from teledeclaration.documents.pdf import amount, count
from teledeclaration.languages import Language, period_in_words, say
from teledeclaration.money import Centimes
from teledeclaration.payroll.law.periods import periodic, quarter_of
from teledeclaration.payroll.law.reconciliation.comparing import DOUBTS
from teledeclaration.payroll.queries.differences import DifferenceRow, KindCount
from teledeclaration.payroll.queries.reconciliation import ReconciliationRow
from teledeclaration.periods import Quarter, Year, parse_period

_MONEY = ("annual", "periodic", "amount")
_DAYS = ("first_day", "last_day")


def show_reconciliation(
    row: ReconciliationRow,
    kinds: Sequence[KindCount],
    assessed: Mapping[str, AssessedAmounts],
    owed: Sequence[OwedPeriod],
    language: Language,
) -> Reconciliation:
    """`assessed` is by period code, `owed` of this centre's periods of the year."""
    return Reconciliation(
        centre=row.centre,
        year=row.year,
        status=row.status,
        asked_at=row.asked_at,
        done_at=row.done_at,
        against=row.facts.get("against"),
        draft_id=msgspec.convert(row.facts.get("draft_id"), UUID | None),
        lines=row.lines or 0,
        differences=row.differences or 0,
        at_stake=row.at_stake or 0,
        doubtful=row.facts.get("doubtful", 0),
        kinds=tuple(_kind(one, language) for one in kinds),
        quarters=tuple(_quarters(row, assessed, owed)),
    )


def _kind(found: KindCount, language: Language) -> KindFound:
    shown = msgspec.structs.asdict(found)
    title = say(f"reconciliation.title.{found.kind}", language)
    return msgspec.convert(shown | {"title": title, "doubt": found.kind in DOUBTS}, KindFound)


def _quarters(
    row: ReconciliationRow, assessed: Mapping[str, AssessedAmounts], owed: Sequence[OwedPeriod]
) -> list[QuarterCompared]:
    """What is booked for the year as a whole, of before periods were, is in no quarter."""
    bases = {one["quarter"]: one for one in row.facts.get("quarters", ())}
    sums: dict[Quarter, dict[str, Centimes]] = defaultdict(lambda: defaultdict(int))
    for code, cost in assessed.items():
        if (quarter := _quarter(code)) is not None:
            sums[quarter]["assessed"] += cost.total
    for due in owed:
        if due.centre == row.centre and (quarter := _quarter(due.period)) is not None:
            for name, value in (("booked", due.amount), ("remaining", due.remaining), ("late", due.late)):
                sums[quarter][name] += value
    return [_compared(quarter, bases.get(quarter.number, {}), sums[quarter]) for quarter in Year(row.year).quarters]


def _quarter(code: str) -> Quarter | None:
    return None if isinstance(parse_period(code), Year) else quarter_of(periodic(code))


def _compared(quarter: Quarter, bases: Mapping[str, Any], sums: Mapping[str, Centimes]) -> QuarterCompared:
    annual, declared = bases.get("annual", 0), bases.get("periodic", 0)
    return QuarterCompared(
        period=quarter.code,
        annual=annual,
        periodic=declared,
        difference=annual - declared,
        assessed=sums.get("assessed", 0),
        booked=sums.get("booked", 0),
        remaining=sums.get("remaining", 0),
        late=sums.get("late", 0),
    )


def show_difference(row: DifferenceRow, language: Language) -> YearDifference:
    """One difference with its words."""
    said = _said(row, language)
    shown = {name: value for name, value in msgspec.structs.asdict(row).items() if name not in ("mark", "facts")}
    words = {
        "title": say(f"reconciliation.title.{row.kind}", language),
        "what": say(f"reconciliation.what.{row.kind}", language, **said),
        "why": None if row.cause is None else say(f"reconciliation.why.{row.cause}", language, **said),
        "worth": worth(row.contributions, language),
        "what_to_do": say(f"reconciliation.action.{row.action}", language),
        "accepted": row.reason is not None,
    }
    return msgspec.convert(shown | words, YearDifference)


def worth(contributions: Centimes, language: Language) -> str:
    """What a difference is worth, in words."""
    if not contributions:
        return say("reconciliation.worth.nothing", language)
    which = "more" if contributions > 0 else "less"
    return say(f"reconciliation.worth.{which}", language, amount=amount(abs(contributions)))


def _said(row: DifferenceRow, language: Language) -> dict[str, str]:
    """What the words of a difference may name; what is not known is a dash."""
    said = {name: "—" if value is None else str(value) for name, value in row.facts.items()}
    said |= {name: amount(row.facts[name]) for name in _MONEY if row.facts.get(name) is not None}
    said |= {name: _day(row.facts[name]) for name in _DAYS if row.facts.get(name) is not None}
    if row.facts.get("unit") is not None:
        said["unit"] = say(f"reconciliation.unit.{row.facts['unit']}", language)
    for name, code in (("month", row.facts.get("month") or row.period), ("period", row.period)):
        said[name] = "—" if code is None else period_in_words(code, language)
    if row.facts.get("other_quarter") is not None:
        said["other_quarter"] = period_in_words(row.facts["other_quarter"], language)
    said["declared"] = count(row.declared or 0)
    said["declared_amount"] = amount(row.declared or 0)
    return said


def _day(day: str) -> str:
    year, month, number = day.split("-")
    return f"{number}/{month}/{year}"
