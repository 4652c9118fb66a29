"""The pages of the law: one TOML file a key, decoded as it is; a field nobody knows is refused.

The first folder of a key says what its values look like: `lines` compose a rate line of its parts,
`categories` say which lines an employment falls under, anything else is one value.
"""

from datetime import date
from decimal import Decimal
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Generic, TypeVar

import msgspec

from schemas.legislation import Branch, Confidence, LegalReference, Payer, Unit
from teledeclaration.languages import Language
from teledeclaration.legislation.errors import InvalidLegislation


class Dated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every value carries. It runs until the next `valid_from`, or through `last_day` where one is given."""

    valid_from: date
    reference: str
    confidence: Confidence
    last_day: date | None = None
    to_be_confirmed: bool = False
    note: str | None = None
    link: str | None = None

    @property
    def text(self) -> str:
        """The value in canonical form."""
        raise NotImplementedError

    @property
    def unsure(self) -> bool:
        """Whether whoever shows it says "to be confirmed by the fund"."""
        return self.to_be_confirmed or self.confidence is Confidence.BACKGROUND


class DatedValue(Dated, frozen=True, kw_only=True, forbid_unknown_fields=True):
    value: Decimal | bool | tuple[str, ...]

    @property
    def text(self) -> str:
        if isinstance(self.value, bool):
            return "yes" if self.value else "no"
        return canonical(self.value) if isinstance(self.value, Decimal) else ", ".join(self.value)


class LinePart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A branch's and payer's part of a line: the rate held under `rate`, less the rebate under `reduced_by`."""

    branch: Branch
    payer: Payer
    rate: str
    reduced_by: str | None = None


class DatedLine(Dated, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`total` is written for the reader, and must be the sum of the parts."""

    total: Decimal
    parts: tuple[LinePart, ...]

    @property
    def text(self) -> str:
        parts = [f"{part.branch}/{part.payer.value}={part.rate}-{part.reduced_by or ''}" for part in self.parts]
        return f"{canonical(self.total)} ({', '.join(parts)})"


class DatedCategory(Dated, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`rebate` is the folder of the new-hire rebate the employment is under; the declaration annexes its worker."""

    enabled: bool
    lines: tuple[str, ...]
    rebate: str | None = None

    @property
    def text(self) -> str:
        return " + ".join(self.lines) if self.enabled else "disabled"


AnyDated_co = TypeVar("AnyDated_co", bound=Dated, covariant=True)


class Page(msgspec.Struct, Generic[AnyDated_co], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One key of the law: `checked_on` is the last day someone compared its values with their texts.

    `awaited` says why no value is held at all: the page then has none, and waits for the fund's.
    `label` is in English and is the one stored beside amounts.
    """

    label: str
    unit: Unit
    checked_on: date
    values: tuple[AnyDated_co, ...]
    awaited: str | None = None
    label_fr: str | None = None
    label_ar: str | None = None

    def label_in(self, language: Language) -> str:
        """The label in the reader's language; in English where the page has none in it."""
        labels = {"fr": self.label_fr, "ar": self.label_ar, "en": self.label}
        return labels[language] or self.label


SHAPES: dict[str, type[Dated]] = {"lines": DatedLine, "categories": DatedCategory}


def shape_of(key: str) -> type[Dated]:
    return SHAPES.get(key.partition(".")[0], DatedValue)


def canonical(number: Decimal) -> str:
    """A number without exponent or trailing zeros, so that 0.50 and 0.5 are the same law."""
    return format(number.normalize(), "f")


def decode_page(key: str, content: bytes) -> Page[Dated]:
    """The page as it stands; InvalidLegislation where a field is missing, unknown or of the wrong kind."""
    try:
        raw = msgspec.toml.decode(content)
        _refuse_floats(raw)
        page: Page[Dated] = msgspec.convert(raw, Page[shape_of(key)])  # type: ignore[misc]  # the key chooses
    except msgspec.MsgspecError as problem:
        raise InvalidLegislation(key, "unreadable", str(problem)) from None
    return page


def decode_entry(key: str, entry: dict[str, object]) -> Dated:
    """One value that came later, under the same rules as the `[[values]]` of a page."""
    try:
        _refuse_floats(entry)
        return msgspec.convert(entry, shape_of(key))
    except msgspec.MsgspecError as problem:
        raise InvalidLegislation(key, "unreadable", str(problem)) from None


def _refuse_floats(raw: object) -> None:
    """A number of the law stands in quotation marks, digit by digit, never as a binary fraction."""
    if isinstance(raw, float):
        raise msgspec.ValidationError(f"the number {raw} stands without quotation marks")
    inner = raw.values() if isinstance(raw, dict) else raw if isinstance(raw, list) else ()
    for value in inner:
        _refuse_floats(value)


def read_folder(folder: Traversable, prefix: str = "") -> dict[str, Page[Dated]]:
    """Every page under a fund's folder by key: `rates/retirement/employee.toml` is `rates.retirement.employee`."""
    pages: dict[str, Page[Dated]] = {}
    for entry in sorted(folder.iterdir(), key=lambda child: child.name):
        if entry.is_dir():
            pages |= read_folder(entry, f"{prefix}{entry.name}.")
        elif entry.name.endswith(".toml"):
            key = prefix + entry.name.removesuffix(".toml")
            pages[key] = decode_page(key, entry.read_bytes())
    return pages


def fund_folder(fund: str, funds: Traversable | None = None) -> Traversable:
    """The fund's folder in this package, or in the folder `funds`; InvalidLegislation where there is none."""
    folder = (funds or resources.files("teledeclaration.legislation")) / fund
    if not fund.isidentifier() or not folder.is_dir() or not any(child.is_dir() for child in folder.iterdir()):
        raise InvalidLegislation(fund, "unknown_fund")
    return folder


def cited(key: str, page: Page[Dated], dated: Dated) -> LegalReference:
    """The value as it is quoted beside a figure it led to."""
    return LegalReference(
        key=key,
        label=page.label,
        unit=page.unit,
        value=dated.text,
        valid_from=dated.valid_from,
        reference=dated.reference,
        confidence=dated.confidence,
        to_be_confirmed=dated.unsure,
        note=dated.note,
        link=dated.link,
    )
