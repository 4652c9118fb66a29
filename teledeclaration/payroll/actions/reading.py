"""What a reading makes of its content: a file, the parts sent by REST, or lines that were mended."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import msgspec
import polars as pl

from schemas.findings import Severity
from schemas.mapping import FileLayout
from schemas.payroll import SentLine, SentLines
from teledeclaration.intake import checking
from teledeclaration.intake.casting import AS_USUAL, CastContext, Written, cast_column
from teledeclaration.intake.checking import (
    CheckContext,
    CheckedFile,
    FileLines,
    check_file_lines,
    check_lines,
    ordered,
    seen_in_lines,
)
from teledeclaration.intake.checks import Rules, most_of
from teledeclaration.intake.forms import ANNUAL
from teledeclaration.intake.lines import cast_findings, unread_cells
from teledeclaration.intake.mapping import NOTHING_KNOWN, NOTHING_LEARNT, Known, Learnings, learnings_of
from teledeclaration.intake.problems import shaped, together
from teledeclaration.intake.raw import RawFile
from teledeclaration.intake.register_checks import absent_findings, register_findings
from teledeclaration.intake.tables import Unrecognised
from teledeclaration.intake.templates.coming_back import Signed
from teledeclaration.payroll.actions.numbering import numbered
from teledeclaration.payroll.queries.lines import LINE_COLUMNS
from teledeclaration.periods import Year


@dataclass(frozen=True)
class Registers:
    """The fund's registers as far as these lines ask: people by number (None while the fund has loaded nobody),
    this employer's employments."""

    people: pl.DataFrame | None
    employments: pl.DataFrame


@dataclass(frozen=True)
class Asked:
    """What is to be declared: the rules of its year, whose it is, and the rate category of who has no other."""

    rules: Rules
    year: int
    today: date
    employer_number: str
    open_categories: frozenset[str]
    usual_category: str
    centre: str = ""
    signed: Signed | None = None


@dataclass(frozen=True)
class Result:
    """A check's outcome: `findings` has FINDING_COLUMNS. They take the place of those that `replaces` names (see
    `queries.rechecks.MARK_SCHEMA`), or of all there are."""

    findings: pl.DataFrame
    rows: int
    facts: dict[str, Any]
    replaces: pl.DataFrame | None = None
    layout: FileLayout | None = None
    learnings: Learnings = NOTHING_LEARNT

    @property
    def told(self) -> int:
        """How many findings the reading has now."""
        told: int = self.facts["checked"]["findings"]
        return told


@dataclass(frozen=True)
class Lines:
    """Typed lines, ready to be stored, and how to check them once the registers have been asked about `numbers`.

    `stored` has LINE_COLUMNS; None where the lines are stored already. `employments` are the employer's, as registered.
    """

    stored: pl.DataFrame | None
    numbers: pl.Series
    employments: pl.DataFrame
    rows: int
    check: Callable[[Registers], Result]


def _not_here(year: int) -> Rules:
    """Movements are not what an annual declaration is made of."""
    raise Unrecognised("other-form", year=year)


def file_lines(
    raw: RawFile, asked: Asked, filename: str, employments: pl.DataFrame, known: Known = NOTHING_KNOWN
) -> Lines:
    """The file's own lines; Unrecognised where it is no annual declaration."""
    context = CheckContext(
        rules={"annual": lambda _: asked.rules, "movements": _not_here},
        today=asked.today,
        employer_number=asked.employer_number,
        year=asked.year,
        file_name=filename,
        known=known,
        centre=asked.centre,
        signed=asked.signed,
    )
    file = checking.file_lines(raw, context)
    lines = _with_categories(file.lines, asked, employments)
    check = partial(_file_result, file, lines, context, asked)
    return Lines(_as_stored(lines), lines["nss"], employments, lines.height, check)


def _as_stored(lines: pl.DataFrame) -> pl.DataFrame:
    return lines.rename({"raw": "typed"}).select(LINE_COLUMNS)


def _file_result(
    file: FileLines, lines: pl.DataFrame, context: CheckContext, asked: Asked, registers: Registers
) -> Result:
    """The file's findings and the registers', placed at their cells."""
    checked = check_file_lines(file, context)
    told = seen_in_lines(_register_findings(checked.lines, asked, registers), checked.lines, ANNUAL)
    placed = at_columns(told, checked.table.letters)
    findings = ordered(together([checked.findings, placed, closed_categories(lines, asked)]))
    return Result(
        findings=numbered(findings, checked.sheet, lines),
        rows=checked.lines.height,
        facts=_facts(checked, file.raw) | _noted_first(lines, findings, asked),
        layout=checked.layout,
        learnings=learnings_of(checked.table),
    )


def _facts(checked: CheckedFile, raw: RawFile) -> dict[str, Any]:
    """What a later check and the reader need to know of the file."""
    return {
        "sheet": checked.sheet,
        "format": raw.format,
        "written": msgspec.to_builtins(checked.written),
        "columns": checked.table.letters,
        "header_row": checked.table.first_row - 1,
        "matched": [
            {
                "column": column.letter,
                "header": column.header,
                "field": column.field,
                "score": round(column.score),
                "samples": list(column.samples),
            }
            for column in checked.table.columns
            if column.field
        ],
        "header": None if raw.header is None else msgspec.to_builtins(raw.header),
    }


def sent_lines(parts: list[SentLines], asked: Asked, employments: pl.DataFrame) -> Lines:
    """The lines of all parts in order, typed as a file's are; `row` is the line's number."""
    sent = [line for part in parts for line in part.lines]
    numbers = pl.int_range(1, len(sent) + 1, dtype=pl.Int32, eager=True)
    base = pl.DataFrame({"line_number": numbers, "row": numbers}).with_columns(
        pl.Series("rate_category", [line.rate_category for line in sent], dtype=pl.String),
        pl.Series("number_requested", [line.number_requested for line in sent], dtype=pl.Boolean),
    )
    typed = _typed(base, sent, CastContext(year=asked.year, today=asked.today))
    lines = _with_categories(typed, asked, employments)
    return Lines(_as_stored(lines), lines["nss"], employments, lines.height, partial(_sent_result, lines, asked))


def _typed(base: pl.DataFrame, sent: list[SentLine], context: CastContext) -> pl.DataFrame:
    columns, told = [], []
    for column in ANNUAL.columns:
        values = [getattr(line, column.name) for line in sent]
        if column.kind in ("amount", "duration"):
            kind = pl.Int64 if column.kind == "amount" else pl.Int32
            columns.append(pl.Series(column.name, values, dtype=kind))
            continue
        texts = pl.Series(column.name, values, dtype=pl.String)
        cast = cast_column(column.name, column.kind, texts, None, context)
        columns.append(cast.values.alias(column.name))
        told.append(cast_findings(column.name, cast, base, texts))
    lines = base.with_columns(*columns, unread_cells(together(told), base.height))
    amounts = [f"q{quarter}_amount" for quarter in (1, 2, 3, 4)]
    lines = lines.with_columns(pl.col(amounts).fill_null(0))
    return lines.with_columns(annual_amount=pl.coalesce("annual_amount", pl.sum_horizontal(amounts)))


def _sent_result(lines: pl.DataFrame, asked: Asked, registers: Registers) -> Result:
    """Lines that came by REST, checked as a file's are."""
    findings = ordered(together([checked_lines(lines, asked, registers), closed_categories(lines, asked)]))
    return Result(
        findings=numbered(findings, None, lines),
        rows=lines.height,
        facts={"format": "lines"} | _noted_first(lines, findings, asked),
    )


def checked_lines(lines: pl.DataFrame, asked: Asked, registers: Registers, written: Written = AS_USUAL) -> pl.DataFrame:
    """Casts, rules and registers on lines without a file; `written` is how the file they came from wrote its texts."""
    context = CheckContext(
        rules={"annual": lambda _: asked.rules},
        today=asked.today,
        year=asked.year,
        known_people=registers.people,
        employments=registers.employments,
        written=written,
    )
    return check_lines(ANNUAL, lines, context)[1]


def _register_findings(lines: pl.DataFrame, asked: Asked, registers: Registers) -> pl.DataFrame:
    year = Year(asked.year)
    return together(
        [
            register_findings(lines, registers.people, registers.employments),
            absent_findings(lines, registers.employments, year.first_day, year.last_day),
        ]
    )


def _with_categories(lines: pl.DataFrame, asked: Asked, employments: pl.DataFrame) -> pl.DataFrame:
    """Each line's rate category: as sent, else as its employment's in the register, else the employer's usual one."""
    if "rate_category" not in lines.columns:
        lines = lines.with_columns(rate_category=pl.lit(None, pl.String))
    registered = employments.select("nss", registered="rate_category").unique("nss", keep="last")
    joined = lines.join(registered, on="nss", how="left", maintain_order="left")
    return joined.with_columns(
        rate_category=pl.coalesce("rate_category", "registered", pl.lit(asked.usual_category))
    ).drop("registered")


def closed_categories(lines: pl.DataFrame, asked: Asked) -> pl.DataFrame:
    """Categories that do not exist, or whose rates the fund has not confirmed: they cannot be assessed."""
    closed = lines.filter(~pl.col("rate_category").is_in(sorted(asked.open_categories)))
    return shaped(
        closed.select(
            "line_number",
            "row",
            field=pl.lit("rate_category"),
            code=pl.lit("rate_category_closed"),
            severity=pl.lit(Severity.ERROR.value),
            seen=pl.col("rate_category"),
            expected=pl.lit(", ".join(sorted(asked.open_categories))),
            proposed=pl.lit(asked.usual_category),
        )
    )


def at_columns(findings: pl.DataFrame, letters: dict[str, str]) -> pl.DataFrame:
    """With the letter of the column that each finding's field was read from."""
    if not letters:
        return findings
    letter = pl.col("field").replace_strict(letters, default=None, return_dtype=pl.String)
    return findings.with_columns(
        column=pl.coalesce("column", pl.when(pl.col("line_number").is_not_null()).then(letter))
    )


def _noted_first(lines: pl.DataFrame, findings: pl.DataFrame, asked: Asked) -> dict[str, Any]:
    most = most_of(asked.rules, lines)
    return noted(most, asked, rows=lines.height, findings=findings.height, edits=0)


def noted(most: dict[str, float | None], asked: Asked, *, rows: int, findings: int, edits: int) -> dict[str, Any]:
    """What the next check needs to know of this one, to check again only what changed: what was plausible, how much
    there was, and the revision that had last changed a line."""
    counts = {"rows": rows, "findings": findings, "edits": edits}
    return {"checked": {"most": most, "usual_category": asked.usual_category, **counts}}
