"""`teledeclaration check FILE…`: what a file's checks would say, here and now, without a server.

Exit code 0: no error (doubts may stand). 1: errors. 2: a file could not be read.
"""

import argparse
import asyncio
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table as RichTable
from rich.text import Text

from schemas.findings import Finding, Severity
from schemas.mapping import FileOutline, Mapping
from teledeclaration.errors import Malformed
from teledeclaration.intake.checking import CheckContext, CheckedFile, check_raw
from teledeclaration.intake.forms import FORMS, FormName
from teledeclaration.intake.mapping import Known
from teledeclaration.intake.outline import mapping_in_force
from teledeclaration.intake.protocol import findings_page
from teledeclaration.intake.raw import ReadingLimits, Unreadable
from teledeclaration.intake.reader import ReaderError, ReaderServer, annotated_workbook, read_raw
from teledeclaration.intake.report import field_name, file_findings
from teledeclaration.intake.tables import Unrecognised
from teledeclaration.intake.text_pair import pair_role, zip_together
from teledeclaration.languages import DEFAULT_LANGUAGE, LANGUAGES, Language, say
from teledeclaration.legislation import load
from teledeclaration.payroll.checks import month_or_quarter, rules_of_forms
from teledeclaration.periods import Month, Quarter, parse_period

EXIT_CLEAN, EXIT_ERRORS, EXIT_UNREADABLE = 0, 1, 2
_SHOWN_MAX = 200
_STEPS = 3
_LONG_FILE_BYTES = 1_000_000
_STYLES = {Severity.ERROR: "red", Severity.CONFIRM: "yellow", Severity.INFO: "blue"}


@dataclass(frozen=True)
class Document:
    """One thing to check: a workbook, an archive, or the two text files of a pair together."""

    name: str
    content: bytes
    path: Path


@dataclass(frozen=True)
class Verdict:
    """What came of a document: a checked file with its findings, or why it could not be read."""

    document: Document
    checked: CheckedFile | None = None
    findings: tuple[Finding, ...] = ()
    unreadable: Unreadable | None = None

    @property
    def outline(self) -> FileOutline | None:
        """What the file looked like, where its cells were read."""
        if self.checked is not None:
            return self.checked.outline
        return self.unreadable.outline if isinstance(self.unreadable, Unrecognised) else None

    @property
    def exit_code(self) -> int:
        if self.checked is None:
            return EXIT_UNREADABLE
        return EXIT_ERRORS if any(finding.severity is Severity.ERROR for finding in self.findings) else EXIT_CLEAN


class NotReadError(Unreadable):
    """Not the file's own fault: `no-file` where it is not there, `reader-failed` where the program failed."""

    def __init__(self, code: str, filename: str) -> None:
        Malformed.__init__(self, code=code, filename=filename)
        self.code = code


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", type=Path, help="workbooks, or both text files of a pair")
    parser.add_argument("--employer", metavar="N", help="the employer number the file must be of (10 digits)")
    parser.add_argument("--year", metavar="Y", type=_year, help="the year declared, where the file does not say it")
    parser.add_argument("--period", metavar="P", type=_period, help="the month or quarter declared: 2026-01, 2026-Q1")
    parser.add_argument("--form", choices=sorted(FORMS), help="what is declared, where the file fits several forms")
    parser.add_argument("--lang", choices=LANGUAGES, default=DEFAULT_LANGUAGE, help="language of the messages")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--annotated", metavar="OUT.xlsx", type=Path, help="where the annotated workbook is written")
    parser.add_argument("--mapping", metavar="FILE.json", type=_mapping, help="which columns the workbooks are read by")
    parser.add_argument(
        "--show-columns", action="store_true", help="how columns are read, and the mapping to change it"
    )


def _year(text: str) -> int:
    if not re.fullmatch(r"(?:19|20)[0-9]{2}", text):
        raise argparse.ArgumentTypeError(f"not a year: {text}")
    return int(text)


def _period(text: str) -> Month | Quarter:
    try:
        return month_or_quarter(parse_period(text))
    except (ValueError, TypeError):
        raise argparse.ArgumentTypeError(f"not a month or quarter: {text}") from None


def _mapping(text: str) -> Mapping:
    try:
        return msgspec.json.decode(Path(text).read_bytes(), type=Mapping)
    except (OSError, msgspec.MsgspecError) as error:
        raise argparse.ArgumentTypeError(f"not a mapping: {text}: {error}") from error


def run(arguments: argparse.Namespace) -> int:
    """Check the files, print what there is to say, write the annotated copies; the worst exit code of all."""
    return asyncio.run(_run(arguments, today=datetime.now(UTC).date()))


def standard_context(
    today: date,
    *,
    employer_number: str | None = None,
    year: int | None = None,
    period: Month | Quarter | None = None,
    form: FormName | None = None,
) -> CheckContext:
    """The checks of every form with the law this release holds, and no register; those of `form` where a file fits
    several."""
    return CheckContext(
        rules=rules_of_forms(load("cnas")),
        today=today,
        employer_number=employer_number,
        year=period.year if period else year,
        period=period,
        known=Known(form=form),
    )


async def _run(arguments: argparse.Namespace, *, today: date) -> int:
    context = standard_context(
        today,
        employer_number=arguments.employer,
        year=arguments.year,
        period=arguments.period,
        form=arguments.form,
    )
    context = replace(context, known=replace(context.known, mapping=arguments.mapping))
    try:
        documents = list(together(arguments.files))
    except NotReadError as missing:
        return _say_missing(missing, arguments)
    verdicts = []
    async with ReaderServer(at_once=1) as reader:
        for document in documents:
            with _progress(document, arguments) as step:
                step()
                verdict = await check_document(document, context, arguments.lang, reader)
                step()
                written = await _annotated(verdict, arguments, reader, alone=len(documents) == 1)
                step()
            verdicts.append(verdict)
            if not arguments.json:
                _print_verdict(verdict, arguments.lang, written)
                if arguments.show_columns:
                    _print_columns(verdict, arguments.lang)
    if arguments.json:
        _print_json(verdicts, arguments.lang)
    return max(verdict.exit_code for verdict in verdicts)


async def check_document(
    document: Document, context: CheckContext, language: Language, reader: ReaderServer
) -> Verdict:
    """Read a document in the sandbox and check it."""
    try:
        raw = await read_raw(document.content, filename=document.name, limits=ReadingLimits(), reader=reader)
        checked = check_raw(raw, context=replace(context, file_name=document.name))
    except Unreadable as refusal:
        return Verdict(document, unreadable=refusal)
    except ReaderError:
        return Verdict(document, unreadable=NotReadError("reader-failed", document.name))
    return Verdict(document, checked, tuple(file_findings(checked, language)))


def together(paths: Sequence[Path]) -> Iterator[Document]:
    """The documents the paths name: the halves of a pair as one, wherever they stand in the list."""
    halves: dict[tuple[str, str], dict[str, Path]] = {}
    for path in paths:
        if role := pair_role(path.name):
            halves.setdefault((role[0], role[2]), {})[role[1]] = path
        else:
            yield Document(path.name, _content(path), path)
    for pair in halves.values():
        yield _pair(pair)


def _pair(halves: dict[str, Path]) -> Document:
    """A half named alone is joined by the other where it stands beside it."""
    known = dict(halves)
    for half, path in halves.items():
        other = "S" if half == "E" else "E"
        beside = path.with_name(f"{path.name[:3]}{other}{path.name[4:]}")
        if other not in known and beside.exists():
            known[other] = beside
    first = known.get("E") or known["S"]
    packed = zip_together({path.name: _content(path) for path in known.values()})
    return Document(f"{first.stem}.zip", packed, first)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotReadError("no-file", path.name) from error


def _say_missing(missing: NotReadError, arguments: argparse.Namespace) -> int:
    if arguments.json:
        _print_object({"unreadable": _refusal(missing, arguments.lang)})
    else:
        Console(stderr=True).print(Text(_refusal(missing, arguments.lang)["message"], style="red"))
    return EXIT_UNREADABLE


async def _annotated(
    verdict: Verdict, arguments: argparse.Namespace, reader: ReaderServer, *, alone: bool
) -> tuple[Path, bool] | None:
    """Write the annotated workbook: where it went, and whether that worked; None where none is wanted."""
    if verdict.checked is None or (arguments.json and arguments.annotated is None):
        return None
    document, table = verdict.document, verdict.checked.table
    place = document.path.with_name(f"{document.path.stem}-annotated.xlsx")
    if arguments.annotated and alone:
        place = arguments.annotated
    try:
        workbook = await annotated_workbook(
            document.content,
            filename=document.name,
            pages=[findings_page(verdict.findings)],
            language=arguments.lang,
            limits=ReadingLimits(),
            reader=reader,
            table=(table.sheet.name, table.first_row - 1),
        )
        place = place if place == arguments.annotated else place.with_suffix(workbook.extension)
        with place.open("wb") as file:
            file.writelines(workbook.pieces())
    except (Unreadable, ReaderError, OSError):
        return place, False
    return place, True


@contextmanager
def _progress(document: Document, arguments: argparse.Namespace) -> Iterator[Callable[[], None]]:
    """A bar on the terminal while a long file is at work; nothing where nobody watches."""
    console = Console(stderr=True)
    quiet = not console.is_terminal or len(document.content) < _LONG_FILE_BYTES
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet) as progress:
        task = progress.add_task(f"{say('check.reading', arguments.lang)} {document.name}", total=_STEPS)
        yield lambda: progress.advance(task)


def as_object(verdict: Verdict, language: Language) -> dict[str, object]:
    """A verdict as the JSON the command prints."""
    checked = verdict.checked
    if checked is None:
        return {"unreadable": _refusal(verdict.unreadable, language)}
    totals = checked.totals
    return {
        "form": checked.form.name,
        "year": checked.year,
        "period": checked.period.code,
        "employer_number": checked.facts.employer_number,
        "lines": checked.lines.height,
        "totals": None if totals is None else {"quarters": list(totals.quarters), "annual": totals.annual},
        "columns": [
            {
                "column": column.letter,
                "header": column.header,
                "field": column.field,
                "score": round(column.score),
                "how": column.how,
            }
            for column in checked.table.columns
            if column.field
        ],
        "mapping": msgspec.to_builtins(mapping_in_force(checked.outline)) if checked.outline else None,
        "findings": [_finding(finding) for finding in verdict.findings],
    }


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "sheet": finding.sheet,
        "row": finding.row,
        "column": finding.column,
        "field": finding.field,
        "code": finding.code,
        "severity": finding.severity.value,
        "message": finding.message,
        "seen": finding.seen,
        "expected": finding.expected,
        "proposed": finding.proposed,
    }


def _refusal(refusal: Unreadable | None, language: Language) -> dict[str, str]:
    if refusal is None:
        raise ValueError("a file without a verdict")
    return {"code": refusal.code, "message": say(refusal.words, language, **refusal.values)}


def _print_json(verdicts: Sequence[Verdict], language: Language) -> None:
    objects = [as_object(verdict, language) for verdict in verdicts]
    if len(objects) == 1:
        _print_object(objects[0])
    else:
        names = [verdict.document.name for verdict in verdicts]
        _print_object({"files": dict(zip(names, objects, strict=True))})


def _print_object(value: object) -> None:
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def _print_verdict(verdict: Verdict, language: Language, written: tuple[Path, bool] | None) -> None:
    console = Console()
    if verdict.checked is None:
        console.print(
            Text(f"{verdict.document.name} : {_refusal(verdict.unreadable, language)['message']}", style="red")
        )
        return
    if verdict.findings:
        console.print(_table(verdict.findings, language))
    if left := max(0, len(verdict.findings) - _SHOWN_MAX):
        console.print(say("check.more", language, left=left))
    console.print(_summary(verdict.checked, verdict.findings, language))
    if verdict.exit_code == EXIT_CLEAN:
        console.print(Text(say("check.clean", language), style="green"))
    if written is not None:
        place, done = written
        console.print(Text(say("check.annotated" if done else "check.not-annotated", language, path=place)))


def _print_columns(verdict: Verdict, language: Language) -> None:
    """What each column was read as, and the mapping as `--mapping` takes it; of a file not known, its sheets."""
    console = Console()
    outline = verdict.outline
    if outline is None:
        return
    table = RichTable(*(say(f"check.columns.{name}", language) for name in ("letter", "header", "field", "samples")))
    for column in outline.columns:
        field = field_name(column.field, language) if column.field else ""
        table.add_row(column.letter, Text(column.header), Text(field), Text(" | ".join(column.samples)))
    if outline.columns:
        console.print(table)
    for sheet in outline.sheets:
        console.print(Text(f"{sheet.name} : {sheet.rows} × {sheet.columns}"))
    if (mapping := mapping_in_force(outline)) is not None:
        console.print_json(msgspec.json.encode(mapping).decode())


def _table(findings: Sequence[Finding], language: Language) -> RichTable:
    table = RichTable(*(say(f"check.column.{name}", language) for name in ("place", "severity", "message", "proposed")))
    for finding in findings[:_SHOWN_MAX]:
        place = f"{finding.column or ''}{finding.row or ''}" if ":" not in (finding.column or "") else ""
        severity = Text(say(f"check.severity.{finding.severity.value}", language), style=_STYLES[finding.severity])
        table.add_row(place, severity, Text(finding.message), Text(finding.proposed or ""))
    return table


def _summary(checked: CheckedFile, findings: Sequence[Finding], language: Language) -> str:
    counts = Counter(finding.severity for finding in findings)
    return say(
        "check.summary",
        language,
        form=say(f"form.{checked.form.name}", language),
        year=checked.period.code,
        sheet=checked.sheet,
        lines=checked.lines.height,
        errors=counts[Severity.ERROR],
        confirms=counts[Severity.CONFIRM],
        infos=counts[Severity.INFO],
    )
