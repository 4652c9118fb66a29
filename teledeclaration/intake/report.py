"""Findings said in words, at the place the user knows them by."""

import re
from collections.abc import Iterator
from datetime import date

import polars as pl

from schemas.findings import Finding, Severity
from teledeclaration.intake.checking import CheckedFile
from teledeclaration.intake.forms import AMOUNT_FIELDS
from teledeclaration.languages import Language, catalogue, say

_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[ T]00:00(?::00)?)?")
_NARROW_SPACE = "\u202f"
_PLAIN_AMOUNT = re.compile(r"-?\d+\.\d{2}")


def file_findings(checked: CheckedFile, language: Language) -> Iterator[Finding]:
    """Every finding of a file, in its order, with its message."""
    centimes = checked.table.positions or checked.table.amounts_in == "centimes"
    return findings_in_words(checked.findings, language, sheet=checked.sheet, centimes=centimes)


def findings_in_words(
    findings: pl.DataFrame, language: Language, *, sheet: str | None = None, centimes: bool = False
) -> Iterator[Finding]:
    """Findings as they are shown; `centimes` where the source writes amounts so (text pair, mapping), else dinars.

    `seen` is as the user wrote it, `expected` and `proposed` in the form the field takes.
    """
    for row in findings.iter_rows(named=True):
        field = row["field"]
        expected, proposed = (as_written(row[name], field, centimes=centimes) for name in ("expected", "proposed"))
        yield Finding(
            code=row["code"],
            severity=Severity(row["severity"]),
            message=message(row["code"], language, field=field, seen=row["seen"], expected=expected, proposed=proposed),
            field=field,
            sheet=sheet,
            row=row["row"],
            column=row["column"],
            seen=row["seen"],
            expected=expected,
            proposed=proposed,
            line_number=row["line_number"],
        )


def message(
    code: str, language: Language, *, field: str | None, seen: str | None, expected: str | None, proposed: str | None
) -> str:
    """The sentence for a finding: the value seen, what was expected, how to mend it."""
    key = f"finding.{code}"
    said = say(
        key,
        language,
        field=field_name(field, language),
        seen=_shown(seen, language),
        expected=_shown(expected, language),
        proposed=_shown(proposed, language),
    )
    if proposed and "{proposed}" not in catalogue()[key].fr:
        return say("finding-proposal", language, said=said, proposed=_shown(proposed, language))
    return said


def field_name(field: str | None, language: Language) -> str:
    """What a field is called; the name itself where it has no words."""
    key = f"field.{field}"
    return say(key, language) if key in catalogue() else field or ""


def as_written(value: str | None, field: str | None, *, centimes: bool) -> str | None:
    """What is said of a field, in the unit its source writes amounts in: dinars in canonical text, as whole `centimes`
    where it counts in those. Other fields and other texts stay as they are."""
    if not centimes or value is None or field not in AMOUNT_FIELDS or not _PLAIN_AMOUNT.fullmatch(value):
        return value
    return str(int(value.replace(".", "")))


def _shown(value: str | None, language: Language) -> str:
    """Days and our own amounts as the reader writes them; everything else as it is."""
    if value is None:
        return ""
    if _PLAIN_AMOUNT.fullmatch(value):
        return _grouped(value, language)
    if (found := _DAY.fullmatch(value)) and _is_a_day(found):
        return f"{found[3]}/{found[2]}/{found[1]}"
    return value


def _grouped(amount: str, language: Language) -> str:
    """`60000.00` as 60,000.00 in English, else as 60 000,00 with spaces that neither break nor turn round."""
    whole, _, cents = amount.lstrip("-").partition(".")
    sign = "-" if amount.startswith("-") else ""
    grouped = f"{int(whole):,}"
    if language == "en":
        return f"{sign}{grouped}.{cents}"
    return f"{sign}{grouped.replace(',', _NARROW_SPACE)},{cents}"


def _is_a_day(found: "re.Match[str]") -> bool:
    try:
        date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return False
    return True
