"""From what a file holds to its lines and everything there is to say about them.

    raw file → table (sheet, form, header) → rows that are lines → typed columns → checks → findings

The same rules stand behind lines that came by REST or were corrected: `check_lines`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import polars as pl

from schemas.annual import Totals
from schemas.findings import Severity
from schemas.mapping import FileOutline
from teledeclaration.intake.casting import AS_USUAL, CastContext, Written
from teledeclaration.intake.checks import RowsCheck, Rules, most_of, run, with_most
from teledeclaration.intake.columns import ReadLines, typed_lines
from teledeclaration.intake.evaluating import kept, mapped, select
from teledeclaration.intake.forms import Form, FormName
from teledeclaration.intake.header_checks import (
    hidden_findings,
    mapping_findings,
    pair_findings,
    table_findings,
    whose_findings,
)
from teledeclaration.intake.headers import find_table
from teledeclaration.intake.lines import recast
from teledeclaration.intake.mapping import NOTHING_KNOWN, Known
from teledeclaration.intake.outline import outline_of
from teledeclaration.intake.problems import dinars, of_the_file, shaped, together
from teledeclaration.intake.proposals import with_proposed_amounts
from teledeclaration.intake.raw import RawFile
from teledeclaration.intake.register_checks import absent_findings, register_findings
from teledeclaration.intake.rows import LineRows, line_rows
from teledeclaration.intake.tables import Table, Unrecognised
from teledeclaration.intake.templates.coming_back import (
    Signed,
    filled_rows,
    left_blank_findings,
    origin_findings,
    origin_of,
    refuse_others,
)
from teledeclaration.intake.titles import HeaderFacts, header_facts
from teledeclaration.periods import Month, Period, Year, parse_period

RulesOf = Callable[[Period], Rules]
_URGENCY = pl.Enum([severity.value for severity in Severity])


@dataclass(frozen=True)
class CheckContext:
    """What a check leans on. `rules` gives each form's checks for a period; `today` is the fund's day.

    `employer_number`, `year` and `period` are whose and which declaration is asked for, where that is known; `year`
    is the period's where that is given.
    `known_people` (nss, last_name, first_name, last_name_ar, first_name_ar, birth_date) and `employments` (this
    employer's own: nss, entry_date, exit_date) are the registers, where they may be asked. `known` is how the
    employer's files are to be read, `written` how the file wrote its texts that lines without it still hold.
    With `lines_most` only a file's first lines are read and checked. `centre` is the payment centre asked for,
    `signed` judges a template's stamp. `beside` sets the lines beside what else is known of the employer. `everyone`:
    whether all employees are to be on a line, as they are not in a complement.
    """

    rules: Mapping[FormName, RulesOf]
    today: date
    employer_number: str | None = None
    year: int | None = None
    file_name: str | None = None
    known_people: pl.DataFrame | None = None
    employments: pl.DataFrame | None = None
    known: Known = NOTHING_KNOWN
    written: Written = AS_USUAL
    lines_most: int | None = None
    centre: str | None = None
    signed: Signed | None = None
    period: Period | None = None
    beside: RowsCheck | None = None
    everyone: bool = True


@dataclass(frozen=True)
class CheckedFile:
    """A file's lines (see `lines.line_schema`) and findings (see `problems.FINDING_SCHEMA`), and how it was read.

    `year` is the year it was checked for, `period` the period in it. `totals` sums what could be read, in centimes, of
    an annual declaration.
    """

    form: Form
    table: Table
    facts: HeaderFacts
    period: Period
    lines: pl.DataFrame
    findings: pl.DataFrame
    totals: Totals | None = field(default=None)
    outline: FileOutline | None = None
    written: Written = AS_USUAL

    @property
    def year(self) -> int:
        return self.period.year

    @property
    def sheet(self) -> str:
        return self.table.sheet.name

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return int((self.findings["severity"] == Severity.ERROR.value).sum())


@dataclass(frozen=True)
class FileLines:
    """A file's typed lines before any check of them, with the rules of the period they are checked for."""

    raw: RawFile
    table: Table
    facts: HeaderFacts
    rows: LineRows
    period: Period
    told: pl.DataFrame
    rules: Rules
    read: ReadLines

    @property
    def lines(self) -> pl.DataFrame:
        return self.read.lines


def check_raw(raw: RawFile, *, context: CheckContext) -> CheckedFile:
    """Everything there is to say about a file; Unrecognised where it is no form we know, or has no lines."""
    return check_file_lines(file_lines(raw, context), context)


def file_lines(raw: RawFile, context: CheckContext) -> FileLines:
    """The first half of `check_raw`: lines that can be stored while the checks run over them."""
    origin = origin_of(raw, context.signed)
    refuse_others(origin, context.employer_number)
    table = found_table(raw, context)
    facts = origin.believed(header_facts(raw, table, context.file_name))
    rows = line_rows(table)
    filled, left_blank = filled_rows(table, rows.lines)
    rows = replace(rows, lines=filled)
    year, year_findings = _year(context, facts, table, rows.lines)
    period, period_findings = _period(context, facts, table, year)
    rules = _rules(raw, table, context, period)
    read = typed_lines(raw, table, rows.lines, _cast_context(context, year), most=context.lines_most)
    when = year_findings if isinstance(period, Year) else period_findings
    told = together([origin_findings(origin, facts, context.centre), when, left_blank_findings(left_blank)])
    return FileLines(raw, table, facts, rows, period, told, rules, read)


def found_table(raw: RawFile, context: CheckContext) -> Table:
    """The file's table; Unrecognised, with what the file looks like, where there is none."""
    try:
        return find_table(raw, context.known)
    except Unrecognised as refused:
        refused.outline = outline_of(raw, refused.table)
        raise


def _rules(raw: RawFile, table: Table, context: CheckContext, period: Period) -> Rules:
    """The rules of the table's form; Unrecognised, with what the file looks like, where it is not asked for here."""
    try:
        return context.rules[table.form.name](period)
    except Unrecognised as refused:
        refused.outline = outline_of(raw, table)
        raise


def check_file_lines(file: FileLines, context: CheckContext) -> CheckedFile:
    """The second half of `check_raw`."""
    table, lines = file.table, file.lines
    about_table = table_findings(table, lines, file.rules)
    told = together(
        [
            whose_findings(file.facts, context.employer_number, context.year, context.period),
            file.told,
            hidden_findings(file.raw, table),
            mapping_findings(table, context.known),
            about_table,
            pair_findings(file.raw, lines),
            _passed_over(file.rows.doubtful),
            file.read.findings,
            _without(checked_rows(table.form, lines, file.rules, context, file.period), about_table),
        ]
    )
    told = with_proposed_amounts(told, lines) if table.form.by_quarter else told
    findings = _placed(told, table, file.read.texts)
    return CheckedFile(
        table.form,
        table,
        file.facts,
        file.period,
        lines,
        findings,
        totals_of(table.form, lines),
        None if table.positions else outline_of(file.raw, table, file.read.written),
        file.read.written,
    )


def check_lines(form: Form, lines: pl.DataFrame, context: CheckContext) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Lines that came otherwise, or were corrected: the lines with what `raw` gave, and their findings.

    `lines` is as `line_schema` says, `context.period` the declaration's period, or `context.year` its year. The codes
    and words are those of a file.
    """
    period = context.period or (None if context.year is None else Year(context.year))
    if period is None:
        raise ValueError("lines without a file are checked for a period that is given")
    rules = context.rules[form.name](period)
    lines, unread = recast(form, lines, _cast_context(context, period.year))
    told = together([unread, checked_rows(form, lines, rules, context, period)])
    told = with_proposed_amounts(told, lines) if form.by_quarter else told
    return lines, ordered(seen_in_lines(told, lines, form))


def checked_rows(form: Form, lines: pl.DataFrame, rules: Rules, context: CheckContext, period: Period) -> pl.DataFrame:
    """The findings of a form's rules and of the registers about typed lines."""
    if "number_requested" not in lines.columns:
        lines = lines.with_columns(number_requested=pl.lit(value=False))
    if any(f"most_{name}" not in lines.columns for name in rules.most):
        lines = with_most(lines, most_of(rules, lines))
    frames = [run(rules.checks, lines), *(check(lines) for check in (*rules.between_rows, *rules.of_all))]
    if form.of_people:
        frames.append(register_findings(lines, context.known_people, context.employments))
    if context.beside is not None:
        frames.append(context.beside(lines))
    if form.of_everyone and context.everyone and context.employments is not None:
        frames.append(absent_findings(lines, context.employments, context.known_people, period))
    return together(frames)


def totals_of(form: Form, lines: pl.DataFrame) -> Totals | None:
    """The sums of an annual form's lines, in centimes; what could not be read counts as nothing."""
    if not form.by_quarter:
        return None
    one, two, three, four = (int(lines[amount].sum()) for _, _, amount in form.times)
    return Totals(quarters=(one, two, three, four), annual=int(lines["annual_amount"].sum()))


def _cast_context(context: CheckContext, year: int) -> CastContext:
    return CastContext(year=year, today=context.today, written=context.written)


def _year(context: CheckContext, facts: HeaderFacts, table: Table, rows: pl.Series) -> tuple[int, pl.DataFrame]:
    """The year the file says of itself, else the one asked for, else the most likely one, which is told.

    A file of another year than the one asked for is refused as such, and its lines are checked for their own year.
    """
    if facts.year and facts.year_sure:
        return facts.year, together([])
    if context.year:
        return context.year, together([])
    likely = facts.year or _likely_year(table, rows, context.today)
    if table.form.name == "movements":
        return likely, together([])
    return likely, of_the_file("year_assumed", Severity.INFO, field="year", seen=likely)


def _period(context: CheckContext, facts: HeaderFacts, table: Table, year: int) -> tuple[Period, pl.DataFrame]:
    """The year, or for a form of months and quarters the period the file says of itself, else the one asked for, else
    the month that ended last, which is told."""
    if not table.form.of_a_period:
        return Year(year), together([])
    if facts.period is not None and facts.period_sure:
        return parse_period(facts.period), together([])
    if context.period is not None:
        return context.period, together([])
    if facts.period is not None:
        return parse_period(facts.period), of_the_file(
            "period_assumed", Severity.INFO, field="period", seen=facts.period
        )
    last = _month_before(context.today)
    return last, of_the_file("period_assumed", Severity.INFO, field="period", seen=last.code)


def _month_before(day: date) -> Month:
    return Month(day.year - 1, 12) if day.month == 1 else Month(day.year, day.month - 1)


def _likely_year(table: Table, rows: pl.Series, today: date) -> int:
    """The latest year in which people came or left by the lines' dates, unless it is old and has but one such date."""
    years: list[int] = []
    for name in ("entry_date", "exit_date", "date"):
        if name in table.letters:
            texts = table.sheet.cells[table.letters[name]].gather(rows - 1)
            found = texts.str.extract(r"((?:19|20)[0-9]{2})").cast(pl.Int32)
            years += found.filter(found <= today.year).to_list()
    latest = max(years, default=0)
    return latest if latest >= today.year - 1 or years.count(latest) > 1 else today.year - 1


def _passed_over(rows: tuple[int, ...]) -> pl.DataFrame:
    return together([of_the_file("row_skipped", Severity.INFO, row=row) for row in rows])


def _without(findings: pl.DataFrame, about_table: pl.DataFrame) -> pl.DataFrame:
    """A missing column is told once, not at each of its blank cells."""
    missing = about_table["field"].filter(about_table["code"] == "column_missing")
    if not missing.len():
        return findings
    return kept(findings, ~pl.col("field").is_in(missing.implode()) | pl.col("row").is_null())


def _placed(findings: pl.DataFrame, table: Table, texts: Mapping[str, pl.Series]) -> pl.DataFrame:
    """With the column's letter, the line's number, and the text the user wrote there."""
    letters = dict(table.letters)
    for name in ("last_name", "first_name"):
        letters.setdefault(name, letters.get("full_name") or letters.get("full_name_first") or "")
    found = {field: letter for field, letter in letters.items() if letter}
    return ordered(_with_seen(at_columns(findings, found), texts))


def at_columns(findings: pl.DataFrame, letters: Mapping[str, str]) -> pl.DataFrame:
    """With the letter of the column that each finding's field was read from, where it does not say one."""
    if not letters or findings.is_empty():
        return findings
    letter = mapped(findings["field"], letters).set(findings["line_number"].is_null(), None)
    column = findings["column"]
    return findings.with_columns(column.zip_with(column.is_not_null(), letter).alias("column"))


def _with_seen(findings: pl.DataFrame, texts: Mapping[str, pl.Series]) -> pl.DataFrame:
    """`seen` where a check did not say it: the text of its field on its line. Lines are numbered from 1."""
    unsaid = findings["seen"].is_null() & findings["line_number"].is_not_null()
    if not unsaid.any():
        return findings
    frames = [kept(findings, ~unsaid)]
    waiting = kept(findings, unsaid)
    for name in waiting["field"].unique().to_list():
        group = kept(waiting, waiting["field"].eq_missing(name))
        if name in texts:
            group = group.with_columns(texts[name][group["line_number"] - 1].alias("seen"))
        frames.append(group)
    return together(frames)


def seen_in_lines(findings: pl.DataFrame, lines: pl.DataFrame, form: Form) -> pl.DataFrame:
    """`seen` as the typed value reads, for lines that are in no file any more."""
    if findings.is_empty():
        return findings
    unsaid = pl.col("seen").is_null() & pl.col("line_number").is_not_null() & pl.col("field").is_in(form.fields)
    waits = select(findings, unsaid.fill_null(value=False)).to_series()
    waiting = kept(findings, waits)
    frames = [kept(findings, ~waits)]
    for name in waiting["field"].unique().to_list():
        value = dinars(pl.col(name)) if form.kind(name) == "amount" else pl.col(name).cast(pl.String)
        beside = select(lines, pl.col("line_number"), value=value)
        group = kept(waiting, waiting["field"] == name)
        joined = group.join(beside, on="line_number", how="left", maintain_order="left")
        frames.append(joined.with_columns(seen="value").drop("value"))
    return together(frames)


def ordered(findings: pl.DataFrame) -> pl.DataFrame:
    """The file's own findings first, then by line, errors first: the same for the same file, always."""
    if findings.height <= 1:
        return shaped(findings)
    urgency = pl.col("severity").cast(_URGENCY)
    place = pl.coalesce("row", "line_number")
    return shaped(findings.sort(place, urgency, "field", "code", nulls_last=False, maintain_order=True))
