"""The workbook given back with every finding at its cell. Runs in the sandbox's child.

An `.xlsx` is the user's own package with what was found put into it (`xlsx_patch`); anything else, and a package
that is laid out as no program does, is first turned into an `.xlsx` of its values (`xlsx_copy`), and that is
marked in the same way.
"""

import io
import mmap
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

import fastexcel
import msgspec
import polars as pl

from schemas.findings import Finding
from teledeclaration.intake.archives import Archive
from teledeclaration.intake.ooxml import look_at_sheet, refuse_entities
from teledeclaration.intake.own_additions import is_findings_sheet, result_columns, without_own_additions
from teledeclaration.intake.protocol import AnnotateArguments
from teledeclaration.intake.raw import RawFile, RawSheet, ReadingLimits, Unreadable, column_letter, column_number
from teledeclaration.intake.reading import CLUTTER, read_any, refusal_head
from teledeclaration.intake.transfer import WorkbookHead, write_head, write_part
from teledeclaration.intake.xlsx_copy import Copied, write_copy
from teledeclaration.intake.xlsx_patch.package import Package
from teledeclaration.intake.xlsx_patch.patch import SheetFacts, Table, patch
from teledeclaration.intake.xlsx_patch.places import Placed, place
from teledeclaration.intake.xlsx_patch.workbook import as_workbook, sheets_of
from teledeclaration.intake.xlsx_patch.xml_edit import NotPatchableError

_HEAD_ROWS = 1_000
_FINDINGS = msgspec.msgpack.Decoder(list[Finding])

Content = bytes | mmap.mmap


def annotate_job(content: Content, arguments: bytes, output: BinaryIO) -> None:
    """The sandbox's `annotate`: the workbook's bytes, or a refusal, into `output`."""
    told = msgspec.msgpack.decode(arguments, type=AnnotateArguments)
    extension = ".xlsx"

    def write(part: BinaryIO) -> None:
        nonlocal extension
        extension = annotate(content, told, part)

    try:
        span = write_part(output, write)
    except Unreadable as refusal:
        output.seek(0, io.SEEK_END)
        write_head(refusal_head(refusal), output)
    else:
        write_head(WorkbookHead(content=span, extension=extension), output)


def annotate(content: Content, told: AnnotateArguments, output: BinaryIO) -> str:
    """Write the annotated workbook; the ending its name takes. `Unreadable` as in reading."""
    content, filename = _inner(content, told)
    findings = [finding for page in told.pages for finding in _FINDINGS.decode(page)]
    start = output.tell()
    try:
        if _is_package(content, told.limits):
            return _patch_own(content, findings, told, output)
    except NotPatchableError:
        output.seek(start)
        output.truncate()
    return _patch_copy(read_any(content, filename, told.limits), findings, told, output)


def _inner(content: Content, told: AnnotateArguments) -> tuple[Content, str]:
    """The one file inside a zip, where the content is such a zip."""
    if not content[:4].startswith(b"PK\x03\x04"):
        return content, told.filename
    archive = Archive(content, told.limits)
    names = [name for name in archive.sizes if not CLUTTER.search(name)]
    if len(names) != 1:
        return content, told.filename
    return archive.read(names[0], told.limits.max_bytes), names[0]


def _is_package(content: Content, limits: ReadingLimits) -> bool:
    return content[:4].startswith(b"PK\x03\x04") and "[Content_Types].xml" in Archive(content, limits).sizes


def _patch_own(content: Content, findings: Sequence[Finding], told: AnnotateArguments, output: BinaryIO) -> str:
    package = Package(content, told.limits)
    refuse_entities(package.archive)
    named = {finding.sheet for finding in findings}
    heads = _heads(content, package, told.limits, named)
    facts = {head.name: _facts(head) for head in heads}
    table = None if told.table is None else Table(*told.table)
    placed = [place(finding) for finding in findings]
    extension = as_workbook(package)
    patch(package, placed, facts, table, told.language, output)
    return extension


def _heads(content: Content, package: Package, limits: ReadingLimits, marked: set[str | None]) -> tuple[RawSheet, ...]:
    """The first rows of each sheet, over its whole width; merged ranges where something is marked."""
    parts = {sheet.name: sheet.part for sheet in sheets_of(package)}
    try:
        workbook = fastexcel.read_excel(content if isinstance(content, bytes) else content[:])
        return tuple(
            RawSheet(
                name=name,
                visible=True,
                cells=_first_rows(workbook, name),
                merged=tuple(look_at_sheet(package.archive, parts[name], limits, far_cells=False).merged)
                if name in marked and name in parts
                else (),
            )
            for name in workbook.sheet_names
        )
    except fastexcel.FastExcelError as error:
        raise NotPatchableError from error


def _first_rows(workbook: fastexcel.ExcelReader, name: str) -> pl.DataFrame:
    sheet = workbook.load_sheet(name, header_row=None, skip_rows=0, n_rows=_HEAD_ROWS, dtypes="string")
    cells = sheet.to_polars()
    columns = sheet.available_columns()
    first = columns[0].absolute_index if columns else 0
    cells.columns = [column_letter(first + number) for number in range(1, cells.width + 1)]
    blank = [pl.lit(None, dtype=pl.String).alias(column_letter(number)) for number in range(1, first + 1)]
    return cells.select(*blank, pl.all()) if blank and cells.width else cells


def _facts(sheet: RawSheet) -> SheetFacts:
    return SheetFacts(
        width=sheet.cells.width,
        is_findings=is_findings_sheet(sheet),
        results=result_columns(sheet),
        merged=[(top, column_number(left), bottom, column_number(right)) for top, left, bottom, right in sheet.merged],
    )


def _patch_copy(file: RawFile, findings: Sequence[Finding], told: AnnotateArguments, output: BinaryIO) -> str:
    own = without_own_additions(file)
    copied = io.BytesIO()
    names = write_copy(own, copied)
    package = Package(copied.getvalue(), ReadingLimits())
    placed = list(_renamed(findings, names))
    facts = {names[sheet.name].name: _facts(sheet) for sheet in own.sheets}
    table = None
    if told.table is not None and told.table[0] in names:
        of_text = file.kind == "text-pair"
        table = Table(names[told.table[0]].name, None if of_text else told.table[1])
    patch(package, placed, facts, table, told.language, output)
    return ".xlsx"


def _renamed(findings: Sequence[Finding], names: Mapping[str, Copied]) -> Iterator[Placed]:
    sheets = {own: copied.name for own, copied in names.items()}
    for finding in findings:
        copied = names.get(finding.sheet or "")
        yield place(finding, sheets=sheets, letters=copied.letters if copied else {})
