"""What administrators may add to the law after the release: stricter than the files, and told before it counts.

A proposal is one value, or several that only hold together (a rate, and the total of each line it is a part of).
"""

import re
from collections.abc import Sequence
from datetime import date

from schemas.law import ValueEffect
from schemas.legislation import LaterValue
from teledeclaration.languages import Language
from teledeclaration.legislation.dated import Legislation
from teledeclaration.legislation.errors import InvalidLegislation
from teledeclaration.legislation.pages import Dated, decode_entry
from teledeclaration.legislation.reading import legal_value
from teledeclaration.periods import Quarter

_FIELDS = {
    "not_increasing": "valid_from",
    "gap_or_overlap": "valid_from",
    "ends_before_start": "last_day",
    "before_the_last": "valid_from",
    "line_not_in_force": "valid_from",
    "wrong_unit": "value",
    "out_of_bounds": "value",
    "parts_differ_from_total": "total",
    "category_without_lines": "lines",
    "incomplete": "reference",
}
"""The field of an entry that each broken rule is about, where it is about one."""


def with_proposed(law: Legislation, rows: Sequence[LaterValue]) -> Legislation:
    """The law with the values of one proposal.

    A value begins on the day of its key's last value (and stands in its place), or after it: what came before stays
    as declarations were assessed by. Raises InvalidLegislation, whose pointer is of `{"values": [{key, entry}]}`.
    """
    for place, row in enumerate(rows):
        _check_alone(law, place, row)
    try:
        return law.with_rows(rows)
    except InvalidLegislation as error:
        error.pointer = _pointer(rows, error)
        raise


def _check_alone(law: Legislation, place: int, row: LaterValue) -> None:
    if row.key not in law.keys:
        raise InvalidLegislation(row.key, "unknown_key", row.key, pointer=f"/values/{place}/key")
    try:
        added = decode_entry(row.key, row.entry)
    except InvalidLegislation as error:
        field = _field_at_fault(row, error)
        error.pointer = f"/values/{place}/entry" + (f"/{field}" if field else "")
        raise
    last = law.page(row.key).values[-1:]
    if last and added.valid_from < last[0].valid_from:
        pointer = f"/values/{place}/entry/valid_from"
        raise InvalidLegislation(row.key, "before_the_last", last[0].valid_from.isoformat(), pointer=pointer)


def _field_at_fault(row: LaterValue, error: InvalidLegislation) -> str | None:
    """The field that could not be read: a float, or the one that the decoder names; None where it names none."""
    floats = [name for name, value in row.entry.items() if isinstance(value, float)]
    named = re.search(r"`\$\.(\w+)|field `(\w+)`", str(error))
    return floats[0] if floats else (named[1] or named[2]) if named else None


def _pointer(rows: Sequence[LaterValue], error: InvalidLegislation) -> str:
    """Where the broken rule's key was proposed; the whole proposal where it was not, as a line whose part was."""
    for place, row in enumerate(rows):
        if row.key == error.key:
            field = _FIELDS.get(error.reason)
            return f"/values/{place}/entry" + (f"/{field}" if field in row.entry else "")
    return "/values"


def effects(
    law: Legislation, changed: Legislation, rows: Sequence[LaterValue], today: date, language: Language
) -> tuple[ValueEffect, ...]:
    """What each value of a proposal changes: before and after on its first day, and the quarters it reaches back to."""
    return tuple(_effect(law, changed, row, today, language) for row in rows)


def _effect(law: Legislation, changed: Legislation, row: LaterValue, today: date, language: Language) -> ValueEffect:
    added = decode_entry(row.key, row.entry)
    replaced = law.page(row.key).values[-1:]
    former = replaced[0] if replaced and _in_force(replaced[0], added.valid_from) else None
    return ValueEffect(
        key=row.key,
        before=None if former is None else legal_value(law, row.key, former, language),
        after=legal_value(changed, row.key, added, language),
        replaces_same_day=former is not None and former.valid_from == added.valid_from,
        quarters_begun=tuple(_quarters_begun(added, today)),
    )


def _in_force(dated: Dated, day: date) -> bool:
    return dated.last_day is None or day <= dated.last_day


def _quarters_begun(dated: Dated, today: date) -> list[str]:
    """The quarters that began by today and have days under the value."""
    last, found = min(today, dated.last_day or today), []
    quarter = Quarter(dated.valid_from.year, (dated.valid_from.month + 2) // 3)
    while quarter.first_day <= last:
        found.append(quarter.code)
        quarter = Quarter(quarter.year + quarter.number // 4, quarter.number % 4 + 1)
    return found
