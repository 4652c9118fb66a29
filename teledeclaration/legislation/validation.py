"""The rules a page of the law keeps, whether it comes from a file or from an administrator.

Each broken rule raises InvalidLegislation with a reason that has its words under `legal.refused`.
"""

import re
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from schemas.legislation import Unit
from teledeclaration.legislation.errors import InvalidLegislation
from teledeclaration.legislation.pages import Dated, DatedCategory, DatedLine, DatedValue, Page, shape_of

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+")
UNIT_OF_SHAPE: dict[type[Dated], Unit] = {DatedLine: Unit.RATIO_OF_BASE, DatedCategory: Unit.RATE_CATEGORY}
RATIOS = {
    Unit.RATIO_OF_BASE,
    Unit.RATIO_OF_EMPLOYER_SHARE,
    Unit.RATIO_OF_CONTRIBUTIONS,
    Unit.RATIO_OF_PENALTY,
    Unit.RATIO_OF_DEBT,
    Unit.RATIO_A_MONTH,
}
WHOLE = {
    Unit.HOURS,
    Unit.DAYS,
    Unit.MONTHS,
    Unit.YEARS,
    Unit.EMPLOYEES,
    Unit.INSTALMENTS,
    Unit.HOURS_A_QUARTER,
    Unit.MONTHS_A_QUARTER,
}
DINARS = {Unit.DINARS, Unit.DINARS_A_WORKER, Unit.DINARS_A_MONTH, Unit.DINARS_AN_HOUR}
MOST: dict[Unit, int] = {**dict.fromkeys(RATIOS, 1), Unit.HOURS_A_WEEK: 7 * 24, Unit.HOURS_A_DAY: 24}
"""The most a value of the unit can be, whatever the law says."""
MOST_OF_ALL = 10**12
"""The most of any other unit: past it a number is a slip of the pen."""


def check_page(key: str, page: Page[Dated]) -> None:
    """A page on its own: its name, its metadata, the succession of its values, each value in its unit."""
    if not KEY.fullmatch(key):
        raise InvalidLegislation(key, "bad_key")
    labels = [label for label in (page.label, page.label_fr, page.label_ar) if label is not None]
    if not all(label.strip() for label in labels) or (not page.values and not is_awaited(key, page)):
        raise InvalidLegislation(key, "incomplete")
    check_succession(key, page.values)
    for dated in page.values:
        if not dated.reference.strip():
            raise InvalidLegislation(key, "incomplete", f"no reference from {dated.valid_from}")
        check_value(key, page.unit, dated)


def is_awaited(key: str, page: Page[Dated]) -> bool:
    """Whether the page may be without values: it says why, and is neither a rate line nor a category."""
    return bool(page.awaited and page.awaited.strip()) and shape_of(key) is DatedValue


def check_succession(key: str, values: Iterable[Dated]) -> None:
    """Strictly increasing, no overlap and no gap: an explicit end falls on the eve of the next value."""
    values = tuple(values)
    for dated in values:
        if dated.last_day is not None and dated.last_day < dated.valid_from:
            raise InvalidLegislation(key, "ends_before_start", str(dated.last_day))
    for before, after in pairwise(values):
        if after.valid_from <= before.valid_from:
            raise InvalidLegislation(key, "not_increasing", str(after.valid_from))
        if before.last_day is not None and before.last_day != after.valid_from - timedelta(days=1):
            raise InvalidLegislation(key, "gap_or_overlap", str(before.last_day))


def check_value(key: str, unit: Unit, dated: Dated) -> None:
    """The value is of the kind and within the bounds its unit has."""
    expected_unit = UNIT_OF_SHAPE.get(type(dated))
    if expected_unit is not None and unit is not expected_unit:
        raise InvalidLegislation(key, "wrong_unit", unit.value)
    if isinstance(dated, DatedLine):
        _check_number(key, unit, dated.total)
    elif isinstance(dated, DatedCategory):
        if dated.enabled != bool(dated.lines):
            raise InvalidLegislation(key, "category_without_lines")
    elif isinstance(dated, DatedValue):
        _check_scalar(key, unit, dated.value)


def _check_scalar(key: str, unit: Unit, value: Decimal | bool | tuple[str, ...]) -> None:
    kind = tuple if unit in LISTS else bool if unit is Unit.YES_OR_NO else Decimal
    if unit is Unit.RATE_CATEGORY or not isinstance(value, kind) or value == ():
        raise InvalidLegislation(key, "wrong_unit", unit.value)
    if isinstance(value, Decimal):
        _check_number(key, unit, value)
    elif isinstance(value, tuple):
        _check_list(key, unit, value)


def _check_list(key: str, unit: Unit, listed: tuple[str, ...]) -> None:
    """No word twice; days are days, written in digits, and in order."""
    for word in listed:
        if not LISTS[unit](word):
            raise InvalidLegislation(key, "wrong_unit", word)
    if len(set(listed)) < len(listed):
        raise InvalidLegislation(key, "out_of_bounds", "a word stands twice")
    if unit in (Unit.DAYS_OF_THE_YEAR, Unit.DATES) and list(listed) != sorted(listed):
        raise InvalidLegislation(key, "out_of_bounds", "the days are not in order")


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


LISTS: dict[Unit, Callable[[str], bool]] = {
    Unit.WORDS: lambda word: bool(word.strip()),
    Unit.DAYS_OF_THE_WEEK: lambda word: word in WEEK,
    Unit.DAYS_OF_THE_YEAR: lambda word: _is_day(f"2000-{word}"),
    Unit.DATES: _is_day,
}
"""The units whose values are lists, and what each of their words must be."""


def _check_number(key: str, unit: Unit, number: Decimal) -> None:
    if not number.is_finite() or number < 0 or number > MOST.get(unit, MOST_OF_ALL):
        raise InvalidLegislation(key, "out_of_bounds", str(number))
    if (unit in WHOLE and number % 1) or (unit in DINARS and number * 100 % 1):
        raise InvalidLegislation(key, "out_of_bounds", str(number))


def change_days(pages: Iterable[Page[Dated]]) -> list[date]:
    """Every day on which one of the pages has a new value, in order."""
    return sorted({dated.valid_from for page in pages for dated in page.values})


def check_lines(pages: dict[str, Page[Dated]], total_of_parts: Callable[[str, date], Decimal]) -> None:
    """Each line's parts name pages that are in force, and sum to its written total, on every day one changes."""
    for key, page in pages.items():
        lines = [dated for dated in page.values if isinstance(dated, DatedLine)]
        for place, line in enumerate(lines):
            ends = [dated.valid_from for dated in lines[place + 1 :]]
            parts = [pages[name] for name in part_keys(key, line, pages)]
            changes = [day for day in change_days(parts) if day > line.valid_from and all(day < end for end in ends)]
            for day in (line.valid_from, *changes):
                if (summed := total_of_parts(key, day)) != line.total:
                    raise InvalidLegislation(key, "parts_differ_from_total", f"{summed} on {day}")


def part_keys(key: str, line: DatedLine, pages: dict[str, Page[Dated]]) -> list[str]:
    """The keys a line is composed of; InvalidLegislation where one has no page or is no ratio."""
    named = [part.rate for part in line.parts] + [part.reduced_by for part in line.parts if part.reduced_by]
    for name in named:
        if name not in pages or pages[name].unit not in RATIOS:
            raise InvalidLegislation(key, "unknown_key", name)
    return named


def check_categories(pages: dict[str, Page[Dated]]) -> None:
    """A category's lines and rebate exist, and its lines are in force as long as it has been."""
    for key, page in pages.items():
        for dated in page.values:
            if isinstance(dated, DatedCategory):
                _check_category(key, dated, pages)


def _check_category(key: str, category: DatedCategory, pages: dict[str, Page[Dated]]) -> None:
    for code in category.lines:
        line = pages.get(f"lines.{code}")
        if line is None:
            raise InvalidLegislation(key, "unknown_key", f"lines.{code}")
        if line.values[0].valid_from > category.valid_from:
            raise InvalidLegislation(key, "line_not_in_force", f"{code} on {category.valid_from}")
    if category.rebate and not any(name.startswith(f"{category.rebate}.") for name in pages):
        raise InvalidLegislation(key, "unknown_key", category.rebate)
