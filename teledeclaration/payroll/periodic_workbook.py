"""A filed declaration of a month or quarter as a workbook: the form, the annex of rebates, the annex of movements."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import IO, BinaryIO, cast

import polars as pl

from schemas.periodic import PeriodicDeclaration
from teledeclaration.documents.pdf import amount
from teledeclaration.intake.raw import RawFile, RawSheet
from teledeclaration.intake.report import field_name
from teledeclaration.intake.xlsx_copy import write_copy
from teledeclaration.languages import Language, say

_REBATE = (
    "nss", "last_name", "first_name", "birth_date", "amount", "rate_category", "contract_start", "contract_months",
    "justification",
)  # fmt: skip
_MOVEMENT = ("movement", "date", "nss", "last_name", "first_name", "birth_date", "reason")


def write_periodic(shown: PeriodicDeclaration, out: IO[bytes], language: Language) -> None:
    """Three sheets, every cell a text: amounts in dinars, days as 31/12/2025."""
    sheets = (
        _sheet("form", _form(shown, language), language),
        _sheet("rebates", [_fields(_REBATE, language), *_rebates(shown, language)], language),
        _sheet("movements", [_fields(_MOVEMENT, language), *_movements(shown, language)], language),
    )
    write_copy(RawFile(kind="workbook", format="xlsx", sheets=sheets), cast(BinaryIO, out))


def _sheet(name: str, rows: Sequence[Sequence[str]], language: Language) -> RawSheet:
    width = max(map(len, rows))
    cells = [[*row, *[""] * (width - len(row))] for row in rows]
    schema = {f"column_{place}": pl.String for place in range(width)}
    title = say(f"periodic.sheet.{name}", language)
    return RawSheet(name=title, visible=True, cells=pl.DataFrame(cells, schema=schema, orient="row"))


def _form(shown: PeriodicDeclaration, language: Language) -> list[list[str]]:
    """What the declaration says of itself, then a row a code and the totals."""
    said = {
        "number": shown.number,
        "period": shown.period_in_words,
        "centre": shown.centre,
        "headcount": _text(shown.header.headcount),
        "entries": _text(shown.header.entries),
        "exits": _text(shown.header.exits),
    }
    rows = [[say(f"periodic.{name}", language), value] for name, value in said.items()]
    heads = [say(f"periodic.{name}", language) for name in ("code", "nature", "base", "rate", "amount")]
    lines = [
        [line.code, line.nature, amount(line.base), _percent(line.rate), amount(line.amount)] for line in shown.lines
    ]
    total = [say("periodic.total", language), "", amount(shown.total_base), "", amount(shown.total_amount)]
    return [*rows, [""], heads, *lines, total]


def _percent(rate: Decimal) -> str:
    return f"{(100 * rate).normalize():f} %".replace(".", ",")


def _fields(names: Sequence[str], language: Language) -> list[str]:
    return [field_name(name, language) for name in names]


def _rebates(shown: PeriodicDeclaration, language: Language) -> list[list[str]]:
    return [
        [
            _text(one.nss), _text(one.last_name), _text(one.first_name), _text(one.birth_date), amount(one.base),
            say(f"legal.category.{one.rate_category}", language), _text(one.contract_start),
            _text(one.contract_months), _text(one.justification),
        ]
        for one in shown.rebates
    ]  # fmt: skip


def _movements(shown: PeriodicDeclaration, language: Language) -> list[list[str]]:
    return [
        [
            say(f"periodic.{one.kind}", language), _text(one.date), _text(one.nss), one.last_name, one.first_name,
            _text(one.birth_date), _text(one.reason),
        ]
        for one in shown.movements
    ]  # fmt: skip


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:%d/%m/%Y}" if isinstance(value, date) else str(value)
