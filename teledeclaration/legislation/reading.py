"""The law as it is read by people: on a day, what changed between two days, a key's whole history.

Labels and the words of units and confidence are in the reader's language; texts, notes and the reasons why a value is
awaited are as the pages have them.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from schemas.law import AwaitedValue, LawChange, LawChanges, LawHistory, LawOnDay, LegalValue
from teledeclaration.languages import Language, say
from teledeclaration.legislation.dated import Legislation, fingerprint
from teledeclaration.legislation.errors import UnknownLegalKey
from teledeclaration.legislation.pages import Dated, Page, cited

AnyPage = Page[Dated]


def law_on(legislation: Legislation, day: date, language: Language, *, prefix: str = "") -> LawOnDay:
    """Every value in force on a day whose key begins with `prefix`; empty before the first one held."""
    keys = [key for key in legislation.keys_in_force(day) if key.startswith(prefix)]
    awaited = [key for key in legislation.keys if key.startswith(prefix) and not legislation.page(key).values]
    found = [(key, *legislation.in_force(key, day)) for key in keys]
    return LawOnDay(
        fund=legislation.fund,
        day=day,
        fingerprint=fingerprint(cited(*one) for one in found),
        values=tuple(legal_value(legislation, key, dated, language) for key, _, dated in found),
        awaited=tuple(_awaited(key, legislation.page(key), language) for key in awaited),
    )


def law_changes(legislation: Legislation, first_day: date, last_day: date, language: Language) -> LawChanges:
    """What began or ended from `first_day` to `last_day`, both included."""
    every = (change for key in legislation.keys for change in _changes(legislation, key, language))
    within = [change for change in every if first_day <= change.day <= last_day]
    ordered = tuple(sorted(within, key=lambda change: (change.day, change.key)))
    return LawChanges(fund=legislation.fund, first_day=first_day, last_day=last_day, changes=ordered)


def law_history(legislation: Legislation, key: str, language: Language) -> LawHistory:
    """One key's values from the oldest to the newest; UnknownLegalKey where there is no such page."""
    if key not in legislation.keys:
        raise UnknownLegalKey(legal_key=key)
    page = legislation.page(key)
    return LawHistory(
        key=key,
        label=page.label_in(language),
        unit=page.unit,
        unit_words=say(f"legal.unit.{page.unit.value}", language),
        checked_on=page.checked_on,
        awaited=None if page.values else page.awaited,
        values=tuple(legal_value(legislation, key, dated, language) for dated in page.values),
    )


def last_day_of(page: AnyPage, dated: Dated) -> date | None:
    """A value's last day in force: its own end, or the eve of the next; None while it stands."""
    later = [other.valid_from for other in page.values if other.valid_from > dated.valid_from]
    return dated.last_day or (min(later) - timedelta(days=1) if later else None)


def _changes(legislation: Legislation, key: str, language: Language) -> Iterator[LawChange]:
    page, before = legislation.page(key), None
    for dated in page.values:
        kind = "new" if before is None else "restated" if before.text == dated.text else "changed"
        yield LawChange(
            day=dated.valid_from,
            kind=kind,
            key=key,
            label=page.label_in(language),
            before=before.text if before else None,
            after=legal_value(legislation, key, dated, language),
        )
        before = dated
    if before is not None and before.last_day is not None:
        over = before.last_day + timedelta(days=1)
        yield LawChange(day=over, kind="ended", key=key, label=page.label_in(language), before=before.text, after=None)


def legal_value(legislation: Legislation, key: str, dated: Dated, language: Language) -> LegalValue:
    """One of a key's values as it is shown, with who added it where it came after the release."""
    page, added = legislation.page(key), legislation.addition(key, dated.valid_from)
    return LegalValue(
        key=key,
        label=page.label_in(language),
        unit=page.unit,
        unit_words=say(f"legal.unit.{page.unit.value}", language),
        value=dated.text,
        valid_from=dated.valid_from,
        last_day=last_day_of(page, dated),
        reference=dated.reference,
        link=dated.link,
        confidence=dated.confidence,
        confidence_words=say(f"legal.confidence.{dated.confidence.value}", language),
        to_be_confirmed=dated.unsure,
        note=dated.note,
        checked_on=added.accepted_at.date() if added else page.checked_on,
        added=added,
    )


def _awaited(key: str, page: AnyPage, language: Language) -> AwaitedValue:
    return AwaitedValue(
        key=key, label=page.label_in(language), unit=page.unit, why=page.awaited or "", checked_on=page.checked_on
    )
