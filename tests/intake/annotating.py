"""Annotating without a server or a sandbox, and looking into packages."""

import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import date

import openpyxl

from schemas.findings import Finding, Severity
from teledeclaration.check import standard_context
from teledeclaration.intake.annotate import annotate
from teledeclaration.intake.checking import CheckedFile, check_raw
from teledeclaration.intake.own_additions import without_own_additions
from teledeclaration.intake.protocol import AnnotateArguments, findings_page
from teledeclaration.intake.raw import RawFile, ReadingLimits
from teledeclaration.intake.reading import read_any
from teledeclaration.intake.report import file_findings
from teledeclaration.languages import Language

LIMITS = ReadingLimits()
TODAY = date(2026, 3, 1)


def finding(row: int | None, column: str | None, message: str = "Montant illisible.", **more: object) -> Finding:
    given = {"sheet": "DAS 2025", "severity": Severity.ERROR, "code": "x"} | more
    return Finding(row=row, column=column, message=message, **given)  # type: ignore[arg-type]  # built by name


def annotated(
    content: bytes,
    findings: Sequence[Finding],
    language: Language = "fr",
    *,
    table: tuple[str, int] | None = ("DAS 2025", 6),
    filename: str = "a.xlsx",
) -> bytes:
    """The annotated workbook, as the sandbox's child writes it behind other bytes of its answer."""
    told = AnnotateArguments(
        filename=filename, limits=LIMITS, language=language, pages=[findings_page(findings)], table=table
    )
    output = io.BytesIO(b"\0" * 64)
    output.seek(64)
    annotate(content, told, output)
    return output.getvalue()[64:]


def read(content: bytes, filename: str = "a.xlsx") -> RawFile:
    """The file as an upload reads it."""
    return without_own_additions(read_any(content, filename, LIMITS))


def checked(content: bytes, filename: str = "a.xlsx", language: Language = "fr") -> tuple[CheckedFile, list[Finding]]:
    """What an upload says of the file."""
    file = check_raw(read(content, filename), context=standard_context(TODAY))
    return file, list(file_findings(file, language))


def annotated_as_checked(content: bytes, filename: str = "a.xlsx", language: Language = "fr") -> bytes:
    """Checked and given back."""
    file, findings = checked(content, filename, language)
    return annotated(content, findings, language, table=(file.sheet, file.table.first_row - 1), filename=filename)


def places(findings: Sequence[Finding]) -> list[tuple[str, int | None, str | None, str | None]]:
    return [(each.code, each.row, each.column, each.seen) for each in findings]


def parts(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members: dict[str, bytes]) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return output.getvalue()


def changed(content: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """The package with some of its parts changed."""
    members = parts(content)
    change(members)
    return packed(members)


def opened(content: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(content))


def saved(workbook: openpyxl.Workbook) -> bytes:
    output = io.BytesIO()
    workbook.save(output)
    return output.getvalue()
