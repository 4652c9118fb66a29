"""What a reading makes of its content: a file, the parts sent by REST, or lines that were mended."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import msgspec
import polars as pl

from schemas.findings import Severity
from schemas.payroll import SentLine, SentLines
from teledeclaration.intake.casting import CastContext, cast_column, numbers_requested
from teledeclaration.intake.checking import CheckContext, CheckedFile, check_lines, check_raw, ordered, seen_in_lines
from teledeclaration.intake.checks import Rules
from teledeclaration.intake.forms import ANNUAL
from teledeclaration.intake.header_checks import header_sums
from teledeclaration.intake.headers import Unrecognised
from teledeclaration.intake.lines import cast_findings, unread_cells
from teledeclaration.intake.problems import shaped, together
from teledeclaration.intake.raw import RawFile, TextHeader
from teledeclaration.intake.register_checks import absent_findings, register_findings
from teledeclaration.payroll.queries.lines import FINDING_COLUMNS, LINE_COLUMNS
from teledeclaration.periods import Year

OF_THE_FILE_ONLY = ("record_length", "non_ascii", "line_number_order", "other_employer", "other_year")
"""Findings about a line of the file itself: mended lines have them no more, and no check of lines finds them again."""

OF_ALL_LINES = ("header_total_differs", "header_count_differs", "employed_but_absent")
"""Findings about the file that depend on its lines, and are found again with them."""


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


@dataclass(frozen=True)
class Result:
    """A reading's outcome: `lines` has LINE_COLUMNS (None where they stay as stored), `findings` FINDING_COLUMNS."""

    lines: pl.DataFrame | None
    findings: pl.DataFrame
    rows: int
    facts: dict[str, Any] = field(default_factory=dict)


def _not_here(year: int) -> Rules:
    """Movements are not what an annual declaration is made of."""
    raise Unrecognised("other-form", year=year)


def read_file(raw: RawFile, asked: Asked, filename: str) -> CheckedFile:
    """The file's own lines and findings, before the registers are asked."""
    context = CheckContext(
        rules={"annual": lambda _: asked.rules, "movements": _not_here},
        today=asked.today,
        employer_number=asked.employer_number,
        year=asked.year,
        file_name=filename,
    )
    return check_raw(raw, context=context)


def file_result(checked: CheckedFile, raw: RawFile, asked: Asked, registers: Registers) -> Result:
    """The file's findings and the registers', placed at their cells."""
    told = seen_in_lines(_register_findings(checked.lines, asked, registers), checked.lines, ANNUAL)
    placed = _at_columns(told, checked.table.letters)
    lines, categories = _with_categories(checked.lines, asked, registers)
    findings = ordered(together([checked.findings, placed, categories]))
    return Result(
        lines=lines.rename({"raw": "typed"}).select(LINE_COLUMNS),
        findings=numbered(findings, checked.sheet),
        rows=lines.height,
        facts=_facts(checked, raw),
    )


def _facts(checked: CheckedFile, raw: RawFile) -> dict[str, Any]:
    """What a later check and the reader need to know of the file."""
    return {
        "sheet": checked.sheet,
        "format": raw.format,
        "columns": checked.table.letters,
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


def sent_lines(parts: list[SentLines], today: date, year: int) -> pl.DataFrame:
    """The lines of all parts in order, typed as a file's are; `row` is the line's number."""
    sent = [line for part in parts for line in part.lines]
    numbers = pl.int_range(1, len(sent) + 1, dtype=pl.Int32, eager=True)
    asked_in_words = numbers_requested(pl.Series([line.nss for line in sent], dtype=pl.String))
    base = pl.DataFrame({"line_number": numbers, "row": numbers}).with_columns(
        pl.Series("rate_category", [line.rate_category for line in sent], dtype=pl.String),
        number_requested=asked_in_words | pl.Series([line.number_requested for line in sent], dtype=pl.Boolean),
    )
    return _typed(base, sent, CastContext(year=year, today=today))


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


def sent_result(lines: pl.DataFrame, asked: Asked, registers: Registers) -> Result:
    """Lines that came by REST, checked as a file's are."""
    findings = _checked(lines, asked, registers)
    lines, categories = _with_categories(lines, asked, registers)
    return Result(
        lines=lines.rename({"raw": "typed"}).select(LINE_COLUMNS),
        findings=numbered(ordered(together([findings, categories])), None),
        rows=lines.height,
        facts={"format": "lines"},
    )


def mended_result(
    lines: pl.DataFrame, before: pl.DataFrame, facts: dict[str, Any], asked: Asked, registers: Registers
) -> Result:
    """Stored lines checked again after a correction: those to be filed together, those left out by themselves.

    `lines` is as `queries.lines.LINE_SCHEMA` says, `before` the findings there were.
    """
    lines = lines.rename({"typed": "raw"})
    kept, left_out = lines.filter(~pl.col("left_out")), lines.filter("left_out")
    found = [_checked(kept, asked, registers), _closed_categories(kept, asked)]
    if left_out.height:
        found.append(_checked(left_out, asked, registers).filter(pl.col("line_number").is_not_null()))
    if header := facts.get("header"):
        found += list(header_sums(msgspec.convert(header, TextHeader), kept))
    placed = _at_columns(together(found), facts.get("columns") or {})
    findings = ordered(together([_standing(before, lines), placed]))
    return Result(lines=None, findings=numbered(findings, facts.get("sheet")), rows=lines.height, facts=facts)


def _standing(before: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """The findings that no check of the lines finds again, and that no correction has mended."""
    mended = lines.filter("mended")["line_number"].implode()
    of_file = pl.col("line_number").is_null() & ~pl.col("code").is_in(OF_ALL_LINES)
    of_record = pl.col("code").is_in(OF_THE_FILE_ONLY) & ~pl.col("line_number").is_in(mended)
    return shaped(before.rename({"column_name": "column"}).filter(of_file | of_record))


def _checked(lines: pl.DataFrame, asked: Asked, registers: Registers) -> pl.DataFrame:
    """Casts, rules and registers on lines without a file."""
    context = CheckContext(
        rules={"annual": lambda _: asked.rules},
        today=asked.today,
        year=asked.year,
        known_people=registers.people,
        employments=registers.employments,
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


def _with_categories(lines: pl.DataFrame, asked: Asked, registers: Registers) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Each line's rate category: as sent, else as its employment's in the register, else the employer's usual one."""
    if "rate_category" not in lines.columns:
        lines = lines.with_columns(rate_category=pl.lit(None, pl.String))
    registered = registers.employments.select("nss", registered="rate_category").unique("nss", keep="last")
    joined = lines.join(registered, on="nss", how="left", maintain_order="left")
    lines = joined.with_columns(
        rate_category=pl.coalesce("rate_category", "registered", pl.lit(asked.usual_category))
    ).drop("registered")
    return lines, _closed_categories(lines, asked)


def _closed_categories(lines: pl.DataFrame, asked: Asked) -> pl.DataFrame:
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


def _at_columns(findings: pl.DataFrame, letters: dict[str, str]) -> pl.DataFrame:
    """With the letter of the column that each finding's field was read from."""
    if not letters:
        return findings
    letter = pl.col("field").replace_strict(letters, default=None, return_dtype=pl.String)
    return findings.with_columns(
        column=pl.coalesce("column", pl.when(pl.col("line_number").is_not_null()).then(letter))
    )


def numbered(findings: pl.DataFrame, sheet: str | None) -> pl.DataFrame:
    """As they are stored: numbered from 1 in their order."""
    return (
        findings.rename({"column": "column_name"})
        .with_columns(
            finding=pl.int_range(1, findings.height + 1, dtype=pl.Int32, eager=True), sheet=pl.lit(sheet, pl.String)
        )
        .select(FINDING_COLUMNS)
    )
