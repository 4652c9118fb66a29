"""The next period's lines, proposed from the last one declared and from who came, left or changed since.

A base is never made up: it is the last one where both periods are worked whole in the same conditions, else left to be
given. Who left before the period is not proposed; who came or left within it is, without a base.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import msgspec

from schemas.legislation import RateCategory
from schemas.payroll import SentLine
from schemas.periodic import PeriodicLine
from teledeclaration.periods import Month, Quarter


class Spell(msgspec.Struct, frozen=True, kw_only=True):
    """One employment, as the employment register has it; names are null where it knows only the number.

    Its conditions changed last on `changed_on`, and `changed_to` this rate category where one was said then.
    """

    nss: str | None
    last_name: str | None
    first_name: str | None
    birth_date: date | None
    entry_date: date | None
    exit_date: date | None
    rate_category: RateCategory | None = None
    changed_on: date | None = None
    changed_to: RateCategory | None = None

    def within(self, period: Month | Quarter) -> bool:
        """Whether the person works on some day of the period."""
        come = self.entry_date is None or self.entry_date <= period.last_day
        return come and (self.exit_date is None or self.exit_date >= period.first_day)

    def whole(self, period: Month | Quarter) -> bool:
        """Whether the person works all of the period in the same conditions."""
        come = self.entry_date is None or self.entry_date <= period.first_day
        stays = self.exit_date is None or self.exit_date >= period.last_day
        return come and stays and (self.changed_on is None or self.changed_on < period.first_day)


Who = str
"""What makes two lines the same person: the present number, else names and birth."""


def proposed(
    last: Sequence[tuple[Who, PeriodicLine]],
    spells: Mapping[Who, Sequence[Spell]],
    *,
    period: Month | Quarter,
    last_period: Month | Quarter | None,
) -> list[SentLine]:
    """The lines of a period by employee: those of the last one in their order, then who came since, by name.

    Bases and times are taken over only from a month to a month, or from a quarter to a quarter; days with its calendar.
    """
    known = {who for who, _ in last}
    since = None if last_period is None else last_period.last_day
    kept = _kept(_one_each(last), spells, period, last_period)
    return [*kept, *_newcomers(spells, known, period, since)]


def _one_each(last: Iterable[tuple[Who, PeriodicLine]]) -> list[tuple[Who, PeriodicLine]]:
    """Lines of one person under one category as one, their bases added up: a complement adds to what it completes."""
    found: dict[tuple[Who, RateCategory], PeriodicLine] = {}
    for who, line in last:
        key = (who, line.rate_category)
        before = found.get(key)
        found[key] = line if before is None else msgspec.structs.replace(before, base=before.base + line.base)
    return [(who, line) for (who, _), line in found.items()]


def _kept(
    last: Iterable[tuple[Who, PeriodicLine]],
    spells: Mapping[Who, Sequence[Spell]],
    period: Month | Quarter,
    last_period: Month | Quarter | None,
) -> Iterable[SentLine]:
    since = None if last_period is None else last_period.last_day
    both = [period] if last_period is None else [period, last_period]
    same_length = type(last_period) is type(period)
    for who, line in last:
        theirs = spells.get(who, ())
        there = [spell for spell in theirs if spell.within(period)]
        if theirs and not there:
            continue
        whole = same_length and all(spell.whole(one) for spell in there for one in both)
        said = [spell.changed_to for spell in there if spell.changed_to and _after(spell.changed_on, since)]
        duration = _time_taken_over(line, both) if whole else None
        yield _line(line, duration, whole=whole, category=said[-1] if said else line.rate_category)


def _time_taken_over(line: PeriodicLine, both: Sequence[Month | Quarter]) -> int | None:
    """The time declared last, for a period worked whole: all its days where it was all days of the last one, and never
    more than it has."""
    if line.duration is None or line.unit != "J":
        return line.duration
    days, last_days = ((one.last_day - one.first_day).days + 1 for one in (both[0], both[-1]))
    return days if line.duration >= last_days else min(line.duration, days)


def _line(line: PeriodicLine, duration: int | None, *, whole: bool, category: RateCategory) -> SentLine:
    return SentLine(
        nss=line.nss,
        last_name=line.last_name,
        first_name=line.first_name,
        birth_date=_day(line.birth_date),
        duration=duration,
        unit=line.unit if whole else None,
        amount=line.base if whole else None,
        rate_category=category,
        contract_start=_day(line.contract_start),
        contract_months=line.contract_months,
        justification=line.justification,
        number_requested=line.nss is None,
    )


def _newcomers(
    spells: Mapping[Who, Sequence[Spell]], known: set[Who], period: Month | Quarter, since: date | None
) -> list[SentLine]:
    """Who works in the period and came after `since`; everyone who does where nothing was declared before."""
    found = [
        spell
        for who, theirs in spells.items()
        if who not in known
        for spell in [one for one in theirs if one.within(period) and _after(one.entry_date, since)][-1:]
    ]
    found.sort(key=lambda spell: (spell.last_name or "", spell.first_name or "", spell.nss or ""))
    return [
        SentLine(
            nss=spell.nss,
            last_name=spell.last_name,
            first_name=spell.first_name,
            birth_date=_day(spell.birth_date),
            rate_category=spell.rate_category,
            number_requested=spell.nss is None,
        )
        for spell in found
    ]


def _after(day: date | None, since: date | None) -> bool:
    return since is None or (day is not None and day > since)


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
