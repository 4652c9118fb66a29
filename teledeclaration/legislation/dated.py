"""The law of one fund, and the values in force on one day."""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import cache, cached_property

import msgspec

from schemas.legislation import Addition, Branch, LaterValue, LegalReference, Payer, RateCategory
from teledeclaration.legislation.errors import InvalidLegislation, NotInForce
from teledeclaration.legislation.pages import (
    Dated,
    DatedCategory,
    DatedLine,
    DatedValue,
    LinePart,
    Page,
    cited,
    decode_entry,
    fund_folder,
    read_folder,
)
from teledeclaration.legislation.validation import check_categories, check_lines, check_page
from teledeclaration.money import Centimes


class PartInForce(msgspec.Struct, frozen=True, kw_only=True):
    """The rate of one branch and payer, any rebate taken off, with the values it comes from."""

    branch: Branch
    payer: Payer
    rate: Decimal
    law: tuple[LegalReference, ...]


class LineInForce(msgspec.Struct, frozen=True, kw_only=True):
    """A rate line as it stands on a day."""

    code: str
    rate: Decimal
    parts: tuple[PartInForce, ...]
    law: LegalReference


class CategoryInForce(msgspec.Struct, frozen=True, kw_only=True):
    """A rate category as it stands on a day; `enabled` false where its rates are not confirmed."""

    name: RateCategory
    enabled: bool
    lines: tuple[str, ...]
    rebate: str | None
    law: LegalReference


class Legislation:
    """Every page of a fund's law, checked as a whole; immutable."""

    def __init__(
        self,
        fund: str,
        pages: Mapping[str, Page[Dated]],
        additions: Mapping[tuple[str, date], Addition] | None = None,
    ) -> None:
        self.fund = fund
        self._pages = dict(pages)
        self._additions = dict(additions or {})
        self.keys = tuple(sorted(pages))
        for key, page in self._pages.items():
            check_page(key, page)
        self._days = {key: [dated.valid_from for dated in page.values] for key, page in self._pages.items()}
        check_lines(self._pages, self._total_of_parts)
        check_categories(self._pages)

    def on(self, day: date) -> "Values":
        """The values in force on a day; NotInForce where no value of this law is old enough."""
        if all(day < days[0] for days in self._days.values() if days):
            raise NotInForce(self.fund, day)
        return Values(self, day)

    def page(self, key: str) -> Page[Dated]:
        """A key with its whole history; KeyError where nobody wrote a page for it."""
        if key not in self._pages:
            raise KeyError(f"the law of {self.fund} has no page {key!r}")
        return self._pages[key]

    def keys_in_force(self, day: date) -> list[str]:
        """The keys that have a value on a day, in order."""
        found = []
        for key in self.keys:
            try:
                self.in_force(key, day)
            except NotInForce:
                continue
            found.append(key)
        return found

    def history(self, key: str) -> list[LegalReference]:
        """A key's values from the oldest to the newest, as they are quoted."""
        page = self.page(key)
        return [cited(key, page, dated) for dated in page.values]

    def addition(self, key: str, valid_from: date) -> Addition | None:
        """Who added the value that begins on a day; None for those of the release."""
        return self._additions.get((key, valid_from))

    def with_rows(self, rows: Iterable[LaterValue], addition: Addition | None = None) -> "Legislation":
        """This law with an administrator's values, the later row winning; under the same rules as the files.

        A row whose `valid_from` a value already has stands in its place; any other runs from its day on
        until the next. InvalidLegislation where a row, or the law that comes of it, breaks a rule.
        """
        pages, additions = dict(self._pages), dict(self._additions)
        for row in rows:
            page = pages.get(row.key)
            if page is None:
                raise InvalidLegislation(row.key, "unknown_key", row.key)
            added = decode_entry(row.key, row.entry)
            by_day = {dated.valid_from: dated for dated in page.values} | {added.valid_from: added}
            pages[row.key] = msgspec.structs.replace(page, values=tuple(by_day[day] for day in sorted(by_day)))
            if addition is not None:
                additions[row.key, added.valid_from] = addition
        return Legislation(self.fund, pages, additions)

    def fingerprint(self) -> str:
        """One text for the whole law with its history; it changes with any value."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        return fingerprint(reference for key in self._pages for reference in self.history(key))

    def in_force(self, key: str, day: date) -> tuple[Page[Dated], Dated]:
        """The page and its value on a day; NotInForce before the first value or past an explicit end."""
        page = self.page(key)
        place = bisect_right(self._days[key], day) - 1
        if place < 0:
            raise NotInForce(key, day)
        dated = page.values[place]
        if dated.last_day is not None and day > dated.last_day:
            raise NotInForce(key, day)
        return page, dated

    def _total_of_parts(self, key: str, day: date) -> Decimal:
        try:
            line = Values(self, day).line(key.removeprefix("lines."))
        except NotInForce as problem:
            raise InvalidLegislation(key, "part_not_in_force", str(problem.values)) from None
        return sum((part.rate for part in line.parts), Decimal(0))


class Values:
    """The law on one day. A key nobody wrote a page for is a KeyError; one not in force, NotInForce."""

    def __init__(self, legislation: Legislation, day: date) -> None:
        self.legislation = legislation
        self.day = day

    def reference(self, key: str) -> LegalReference:
        """The value as it is quoted: text, confidence, whether it is to be confirmed."""
        return cited(key, *self.legislation.in_force(key, self.day))

    def number(self, key: str) -> Decimal:
        value = self._scalar(key)
        if not isinstance(value, Decimal):
            raise TypeError(f"{key} is no number")
        return value

    def whole(self, key: str) -> int:
        """A number that counts days, months, hours or people."""
        number = self.number(key)
        if number % 1:
            raise TypeError(f"{key} is no whole number")
        return int(number)

    def amount(self, key: str) -> Centimes:
        """A value written in dinars, in centimes."""
        return int(self.number(key) * 100)

    def flag(self, key: str) -> bool:
        value = self._scalar(key)
        if not isinstance(value, bool):
            raise TypeError(f"{key} is neither yes nor no")
        return value

    def words(self, key: str) -> tuple[str, ...]:
        value = self._scalar(key)
        if not isinstance(value, tuple):
            raise TypeError(f"{key} is no list of words")
        return value

    def line(self, code: str) -> LineInForce:
        """A rate line with its parts' rates."""
        key = f"lines.{code}"
        page, dated = self.legislation.in_force(key, self.day)
        if not isinstance(dated, DatedLine):
            raise TypeError(f"{key} is no rate line")
        parts = tuple(self._part(part) for part in dated.parts)
        return LineInForce(code=code, rate=dated.total, parts=parts, law=cited(key, page, dated))

    def category(self, name: RateCategory) -> CategoryInForce:
        """A rate category, enabled or not."""
        key = f"categories.{name}"
        page, dated = self.legislation.in_force(key, self.day)
        if not isinstance(dated, DatedCategory):
            raise TypeError(f"{key} is no rate category")
        return CategoryInForce(
            name=name, enabled=dated.enabled, lines=dated.lines, rebate=dated.rebate, law=cited(key, page, dated)
        )

    def category_names(self) -> list[RateCategory]:
        """The categories that exist on this day, enabled or not."""
        keys = [key for key in self.legislation.keys_in_force(self.day) if key.startswith("categories.")]
        return [key.removeprefix("categories.") for key in keys]

    def enabled_categories(self) -> list[RateCategory]:
        """The categories an employment may be declared under on this day."""
        return [name for name in self.category_names() if self.category(name).enabled]

    def fingerprint(self) -> str:
        """One text for all that is in force on this day."""
        return fingerprint(self.reference(key) for key in self.legislation.keys_in_force(self.day))

    def _scalar(self, key: str) -> Decimal | bool | tuple[str, ...]:
        _, dated = self.legislation.in_force(key, self.day)
        if not isinstance(dated, DatedValue):
            raise TypeError(f"{key} is no single value")
        return dated.value

    def _part(self, part: LinePart) -> PartInForce:
        keys = (part.rate,) if part.reduced_by is None else (part.rate, part.reduced_by)
        rate = self.number(part.rate)
        if part.reduced_by is not None:
            rate *= 1 - self.number(part.reduced_by)
        law = tuple(self.reference(key) for key in keys)
        return PartInForce(branch=part.branch, payer=part.payer, rate=rate, law=law)


def fingerprint(references: Iterable[LegalReference]) -> str:
    """SHA-256 of the values used: key, first day, unit and value, in order of key and day.

    Labels, notes and confidence stay out: they change nothing that is owed.
    """
    used = sorted({(ref.key, ref.valid_from.isoformat(), ref.unit.value, ref.value) for ref in references})
    return hashlib.sha256(msgspec.json.encode(used)).hexdigest()


@cache
def load(fund: str) -> Legislation:
    """The law of a fund as this release holds it, read and checked once."""
    return Legislation(fund, read_folder(fund_folder(fund)))
