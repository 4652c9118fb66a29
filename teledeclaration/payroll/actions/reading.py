"""What a reading makes of its content: a file, the parts sent by REST, or lines that were mended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec
import polars as pl

from schemas.findings import Severity
from schemas.mapping import FileOutline
from schemas.payroll import SentLine, SentLines
from teledeclaration.intake import checking
from teledeclaration.intake.casting import AS_USUAL, CastContext, Written, cast_column
from teledeclaration.intake.checking import (
    CheckContext,
    CheckedFile,
    FileLines,
    RulesOf,
    at_columns,
    check_file_lines,
    check_lines,
    ordered,
    seen_in_lines,
)
from teledeclaration.intake.checks import RowsCheck, Rules, most_of
from teledeclaration.intake.columns import no_values
from teledeclaration.intake.evaluating import kept, select, with_columns
from teledeclaration.intake.forms import FORMS, Form, FormName
from teledeclaration.intake.lines import TYPES, cast_findings, unread_cells
from teledeclaration.intake.mapping import NOTHING_KNOWN, NOTHING_LEARNT, Known, Learnings, learnings_of
from teledeclaration.intake.problems import shaped, together
from teledeclaration.intake.raw import RawFile
from teledeclaration.intake.register_checks import absent_findings, register_findings
from teledeclaration.intake.tables import Unrecognised
from teledeclaration.intake.templates.coming_back import Signed
from teledeclaration.legislation import Legislation
from teledeclaration.payroll.actions.carrying import asked_again, file_asked_again
from teledeclaration.payroll.actions.numbering import numbered
from teledeclaration.payroll.queries.lines import LINE_COLUMNS
from teledeclaration.periods import Period


@dataclass(frozen=True)
class Registers:
    """The fund's registers as far as these lines ask: people by number (None while the fund has loaded nobody),
    this employer's employments; and a check of the lines against what else is known of them, where their form has one.
    """

    people: pl.DataFrame | None
    employments: pl.DataFrame
    beside: RowsCheck | None = None


@dataclass(frozen=True)
class Asked:
    """What is to be declared: its form and period with their rules, whose it is, and the rate category of who has no
    other (None where a line need not have one). `everyone`: whether all employees are to be on a line, as they are
    not in a complement.

    `people_asked_for` as `carrying.people_asked_for` gives them. `pay_elements` are the kinds of pay the law knows on
    a day, with whether each counts in the base; `law` is all of it.
    """

    rules: Rules
    form: Form
    period: Period
    today: date
    employer_number: str
    open_categories: frozenset[str]
    usual_category: str | None
    centre: str = ""
    everyone: bool = True
    signed: Signed | None = None
    people_asked_for: pl.DataFrame | None = None
    pay_elements: Mapping[str, bool] = field(default_factory=dict)
    law: Legislation | None = None

    @property
    def year(self) -> int:
        return self.period.year


@dataclass(frozen=True)
class Result:
    """A check's outcome: `findings` has FINDING_COLUMNS. They take the place of those that `replaces` names (see
    `queries.rechecks.MARK_SCHEMA`), or of all there are."""

    findings: pl.DataFrame
    rows: int
    facts: dict[str, Any]
    replaces: pl.DataFrame | None = None
    outline: FileOutline | None = None
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


def _rules_here(asked: Asked) -> dict[FormName, RulesOf]:
    """The rules of the form that is declared; a file of another form is not what is asked for."""
    others = {name: partial(_not_here, name, asked.form.name) for name in FORMS}
    return {**others, asked.form.name: lambda _: asked.rules}


def _not_here(found: FormName, wanted: FormName, _: Period) -> Rules:
    raise Unrecognised("other-form", found=found, wanted=wanted)


def file_lines(
    raw: RawFile, asked: Asked, filename: str, employments: pl.DataFrame, known: Known = NOTHING_KNOWN
) -> Lines:
    """The file's own lines; Unrecognised where it is of another form."""
    context = CheckContext(
        rules=_rules_here(asked),
        today=asked.today,
        employer_number=asked.employer_number,
        year=asked.year,
        period=asked.period,
        file_name=filename,
        known=known,
        centre=asked.centre,
        signed=asked.signed,
    )
    file = file_asked_again(checking.file_lines(raw, context), asked.people_asked_for)
    lines = _with_categories(file.lines, asked, employments)
    check = partial(_file_result, file, lines, context, asked)
    return Lines(_as_stored(lines), numbers_on(lines), employments, lines.height, check)


def numbers_on(lines: pl.DataFrame) -> pl.Series:
    """The social security numbers on lines; none where they are about nobody."""
    return lines["nss"] if "nss" in lines.columns else pl.Series("nss", dtype=pl.String)


def _as_stored(lines: pl.DataFrame) -> pl.DataFrame:
    own = {**dict.fromkeys(lines.columns), "typed": None}
    columns = [
        pl.col("raw").alias("typed") if name == "typed" else pl.col(name) for name in LINE_COLUMNS if name in own
    ]
    return select(lines, columns)


def _file_result(
    file: FileLines, lines: pl.DataFrame, context: CheckContext, asked: Asked, registers: Registers
) -> Result:
    """The file's findings and the registers', placed at their cells."""
    checked = check_file_lines(file, context)
    told = seen_in_lines(_register_findings(checked.lines, asked, registers), checked.lines, asked.form)
    placed = at_columns(told, checked.table.letters)
    findings = ordered(together([checked.findings, placed, closed_categories(lines, asked)]))
    return Result(
        findings=numbered(findings, checked.sheet, lines),
        rows=checked.lines.height,
        facts=_facts(checked, file.raw) | _noted_first(lines, findings, asked),
        outline=checked.outline,
        learnings=learnings_of(checked.table),
    )


def _facts(checked: CheckedFile, raw: RawFile) -> dict[str, Any]:
    """What a later check and the reader need to know of the file; none of its cells but a text pair's header."""
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
        *(pl.Series(name, [getattr(line, name) for line in sent], dtype=pl.String) for name in asked.form.beside),
        pl.Series("number_requested", [line.number_requested for line in sent], dtype=pl.Boolean),
    )
    typed = _typed(base, sent, asked.form, CastContext(year=asked.year, today=asked.today))
    typed = _with_bases(typed, sent, asked)
    lines = _with_categories(asked_again(typed, asked.people_asked_for), asked, employments)
    return Lines(_as_stored(lines), numbers_on(lines), employments, lines.height, partial(_sent_result, lines, asked))


def _typed(base: pl.DataFrame, sent: list[SentLine], form: Form, context: CastContext) -> pl.DataFrame:
    columns, told = [], []
    for column in form.columns:
        values = [getattr(line, column.name) for line in sent]
        if column.kind in ("amount", "duration", "count", "hours"):
            numbers = [float(value) if isinstance(value, Decimal) else value for value in values]
            columns.append(pl.Series(column.name, numbers, dtype=TYPES[column.kind]))
            continue
        texts = pl.Series(column.name, values, dtype=pl.String).str.replace_all("\0", "", literal=True)  # no column's
        cast = cast_column(column.name, column.kind, texts, None, context)
        columns.append(cast.values.alias(column.name))
        told.append(cast_findings(column.name, cast, base, texts))
    lines = base.with_columns(*columns, unread_cells(together(told), base.height))
    if not form.by_quarter:
        return lines
    amounts = [amount for _, _, amount in form.times]
    lines = lines.with_columns(pl.col(amounts).fill_null(0))
    return lines.with_columns(annual_amount=pl.coalesce("annual_amount", pl.sum_horizontal(amounts)))


def _with_bases(lines: pl.DataFrame, sent: list[SentLine], asked: Asked) -> pl.DataFrame:
    """The lines that give pay by element, with the base that the law makes of it."""
    if all(line.elements is None for line in sent):
        return lines
    kinds = asked.pay_elements
    bases = [
        None if line.elements is None else sum(one.amount for one in line.elements if kinds.get(one.kind))
        for line in sent
    ]
    return lines.with_columns(amount=pl.coalesce("amount", pl.Series(bases, dtype=pl.Int64)))


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
        rules=_rules_here(asked),
        today=asked.today,
        period=asked.period,
        known_people=registers.people,
        employments=registers.employments,
        written=written,
        beside=registers.beside,
        everyone=asked.everyone,
    )
    return check_lines(asked.form, lines, context)[1]


def _register_findings(lines: pl.DataFrame, asked: Asked, registers: Registers) -> pl.DataFrame:
    if not asked.form.of_people:
        return together([])
    frames = [register_findings(lines, registers.people, registers.employments), absent(lines, asked, registers)]
    if registers.beside is not None:
        frames.append(registers.beside(lines))
    return together(frames)


def absent(lines: pl.DataFrame, asked: Asked, registers: Registers) -> pl.DataFrame:
    """Who worked in the period and is on no line, where everyone is to be on one."""
    if not (asked.form.of_everyone and asked.everyone):
        return together([])
    return absent_findings(lines, registers.employments, registers.people, asked.period)


def _with_categories(lines: pl.DataFrame, asked: Asked, employments: pl.DataFrame) -> pl.DataFrame:
    """Each line's rate category: as sent, else as its employment's in the register, else the employer's usual one."""
    if asked.usual_category is None:
        return lines
    if "rate_category" not in lines.columns:
        lines = lines.hstack([no_values("rate_category", pl.String, lines.height)])
    if employments.is_empty():
        return with_columns(lines, rate_category=pl.col("rate_category").fill_null(asked.usual_category))
    registered = employments.select("nss", registered="rate_category").unique("nss", keep="last")
    joined = lines.join(registered, on="nss", how="left", maintain_order="left")
    return joined.with_columns(
        rate_category=pl.coalesce("rate_category", "registered", pl.lit(asked.usual_category))
    ).drop("registered")


def closed_categories(lines: pl.DataFrame, asked: Asked) -> pl.DataFrame:
    """Categories that do not exist, or whose rates the fund has not confirmed: they cannot be assessed."""
    if "rate_category" not in lines.columns:
        return together([])
    closed = kept(lines, ~pl.col("rate_category").is_in(sorted(asked.open_categories)))
    if closed.is_empty():
        return together([])
    return shaped(
        closed.select(
            "line_number",
            "row",
            field=pl.lit("rate_category"),
            code=pl.lit("rate_category_closed"),
            severity=pl.lit(Severity.ERROR.value),
            seen=pl.col("rate_category"),
            expected=pl.lit(", ".join(sorted(asked.open_categories))),
            proposed=pl.lit(asked.usual_category, pl.String),
        )
    )


def _noted_first(lines: pl.DataFrame, findings: pl.DataFrame, asked: Asked) -> dict[str, Any]:
    most = most_of(asked.rules, lines)
    return noted(most, asked, rows=lines.height, findings=findings.height, edits=0)


def noted(most: dict[str, float | None], asked: Asked, *, rows: int, findings: int, edits: int) -> dict[str, Any]:
    """What the next check needs to know of this one, to check again only what changed: what was plausible, how much
    there was, and the revision that had last changed a line."""
    counts = {"rows": rows, "findings": findings, "edits": edits}
    return {"checked": {"most": most, "usual_category": asked.usual_category, **counts}}
