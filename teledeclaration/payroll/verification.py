"""The verification report of a year: a workbook whose cells are all texts, and a page to print."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import IO, BinaryIO, cast

import polars as pl

from schemas.reconciliation import Reconciliation, VerificationReport, YearDifference
from teledeclaration.documents.pdf import amount, compile_pdf
from teledeclaration.intake.raw import RawFile, RawSheet
from teledeclaration.intake.xlsx_copy import write_copy
from teledeclaration.languages import Language, period_in_words, say
from teledeclaration.money import Centimes

_PRINTED_MAX = 500
"""A printed page holds about twelve; the workbook has them all."""
_SUMS = ("quarter", "annual", "periodic", "difference", "assessed", "remaining")
_KINDS = ("kind", "count", "accepted", "worth")
_DIFFERENCES = ("kind", "person", "quarter", "what", "why", "worth", "what_to_do", "reason")


def write_workbook(report: VerificationReport, out: IO[bytes], language: Language) -> None:
    """Two sheets: the sums, and every difference. No cell is a formula, whatever its text begins with."""
    sheets = (
        _sheet("sheet_sums", _sums(report, language), language),
        _sheet("sheet_differences", _differences(report.differences, language), language),
    )
    write_copy(RawFile(kind="workbook", format="xlsx", sheets=sheets), cast(BinaryIO, out))


def _sheet(name: str, rows: list[list[str]], language: Language) -> RawSheet:
    width = max(map(len, rows))
    columns = {f"column_{place}": [row[place] if place < len(row) else None for row in rows] for place in range(width)}
    cells = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    return RawSheet(name=_words(name, language), visible=True, cells=cells)


def _words(name: str, language: Language, **values: object) -> str:
    return say(f"reconciliation.report.{name}", language, **values)


def _sums(report: VerificationReport, language: Language) -> list[list[str]]:
    found = report.reconciliation
    return [
        [_words("title", language, year=found.year)],
        *([name, value] for name, value in _facts(report, language)),
        [""],
        [_words(name, language) for name in _SUMS],
        *_quarters(found, language),
        [""],
        [_words(name, language) for name in _KINDS],
        *_kinds(found, language),
    ]


def _facts(report: VerificationReport, language: Language) -> list[tuple[str, str]]:
    found = report.reconciliation
    name = report.employer_name_ar if language == "ar" and report.employer_name_ar else report.employer_name
    return [
        (_words("employer", language), f"{name} · {report.employer_number}"),
        (_words("centre", language), found.centre),
        (_words("made_at", language), _moment(found.done_at)),
        (_words("against", language), _words(f"against_{found.against or 'none'}", language)),
        (_words("at_stake", language), _dinars(found.at_stake, language)),
    ]


def _quarters(found: Reconciliation, language: Language) -> Iterator[list[str]]:
    for one in found.quarters:
        figures = (one.annual, one.periodic, one.difference, one.assessed, one.remaining)
        yield [period_in_words(one.period, language), *map(amount, figures)]


def _kinds(found: Reconciliation, language: Language) -> Iterator[list[str]]:
    for kind in found.kinds:
        yield [kind.title, str(kind.count), str(kind.accepted), _dinars(kind.contributions, language)]


def _differences(found: Sequence[YearDifference], language: Language) -> list[list[str]]:
    return [[_words(name, language) for name in _DIFFERENCES], *map(_row, found)]


def _row(one: YearDifference) -> list[str]:
    return [
        one.title, _person(one), one.period or "", one.what, one.why or "", one.worth, one.what_to_do, one.reason or "",
    ]  # fmt: skip


def _person(one: YearDifference) -> str:
    return " ".join(part for part in (one.last_name, one.first_name, one.nss) if part)


def _dinars(centimes: Centimes, language: Language) -> str:
    return _words("dinars", language, amount=amount(centimes))


def _moment(at: datetime | None) -> str:
    return "" if at is None else f"{at:%d/%m/%Y %H:%M} UTC"


# ── to print ────────────────────────────────────────────────────────────────────────────────────


def render_report(report: VerificationReport, language: Language) -> bytes:
    """A4 pages in the reader's language, PDF/A-2a, without a seal, as they say. Safe from several threads."""
    found = report.reconciliation
    shown = report.differences[:_PRINTED_MAX]
    left = len(report.differences) - len(shown)
    return compile_pdf(
        "verification_report.typ",
        {
            "language": language,
            "title": _words("title", language, year=found.year),
            "number": report.employer_number,
            "facts": [[name, value] for name, value in _facts(report, language)],
            "sums": [[_words(name, language) for name in _SUMS], *_quarters(found, language)],
            "kinds": [[_words(name, language) for name in _KINDS], *_kinds(found, language)],
            "differences": [_printed(one, language) for one in shown],
            "agrees": _words("agrees", language),
            "more": _words("more_in_workbook", language, count=left) if left else "",
            "unsealed": _words("unsealed", language),
        },
        made_at=report.made_at,
    )


def _printed(one: YearDifference, language: Language) -> dict[str, str]:
    return {
        "title": one.title,
        "person": _person(one),
        "period": "" if one.period is None else period_in_words(one.period, language),
        "what": one.what,
        "why": one.why or "",
        "worth": one.worth,
        "todo": one.what_to_do,
        "reason": one.reason or "",
    }
