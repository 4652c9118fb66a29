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
from schemas.mapping import FileLayout
from teledeclaration.intake.casting import AS_USUAL, CastContext, Written
from teledeclaration.intake.checks import Rules, most_of, run, with_most
from teledeclaration.intake.columns import ReadLines, typed_lines
from teledeclaration.intake.forms import QUARTERS, Form, FormName
from teledeclaration.intake.header_checks import (
    hidden_findings,
    mapping_findings,
    pair_findings,
    table_findings,
    whose_findings,
)
from teledeclaration.intake.headers import find_table
from teledeclaration.intake.layout import layout_of
from teledeclaration.intake.lines import recast
from teledeclaration.intake.mapping import NOTHING_KNOWN, Known
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
)
from teledeclaration.intake.titles import HeaderFacts, header_facts
from teledeclaration.periods import Year

RulesOf = Callable[[int], Rules]
_URGENCY = pl.Enum([severity.value for severity in Severity])


@dataclass(frozen=True)
class CheckContext:
    """What a check leans on. `rules` gives each form's checks for a year; `today` is the fund's day.

    `employer_number` and `year` are whose and which declaration is asked for, where that is known.
    `known_people` (nss, last_name, first_name, last_name_ar, first_name_ar, birth_date) and `employments` (this
    employer's own: nss, entry_date, exit_date) are the registers, where they may be asked. `known` is how the
    employer's files are to be read, `written` how the file wrote its texts that lines without it still hold.
    With `lines_most` only a file's first lines are read and checked. `centre` is the payment centre asked for,
    `signed` judges a template's mark.
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


@dataclass(frozen=True)
class CheckedFile:
    """A file's lines (see `lines.line_schema`) and findings (see `problems.FINDING_SCHEMA`), and how it was read.

    `year` is the year it was checked for. `totals` sums what could be read, in centimes; None for movements.
    """

    form: Form
    table: Table
    facts: HeaderFacts
    year: int
    lines: pl.DataFrame
    findings: pl.DataFrame
    totals: Totals | None = field(default=None)
    layout: FileLayout | None = None
    written: Written = AS_USUAL

    @property
    def sheet(self) -> str:
        return self.table.sheet.name

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return int((self.findings["severity"] == Severity.ERROR.value).sum())


@dataclass(frozen=True)
class FileLines:
    """A file's typed lines before any check of them, with the rules of the year they are checked for."""

    raw: RawFile
    table: Table
    facts: HeaderFacts
    rows: LineRows
    year: int
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
    table = found_table(raw, context)
    origin = origin_of(raw, context.signed)
    facts = origin.believed(header_facts(raw, table, context.file_name))
    rows = line_rows(table)
    filled, left_blank = filled_rows(table, rows.lines)
    rows = replace(rows, lines=filled)
    year, year_findings = _year(context, facts, table, rows.lines)
    rules = _rules(raw, table, context, year)
    read = typed_lines(raw, table, rows.lines, _cast_context(context, year), most=context.lines_most)
    told = together([origin_findings(origin, facts, context.centre), year_findings, left_blank_findings(left_blank)])
    return FileLines(raw, table, facts, rows, year, told, rules, read)


def found_table(raw: RawFile, context: CheckContext) -> Table:
    """The file's table; Unrecognised, with what the file looks like, where there is none."""
    try:
        return find_table(raw, context.known)
    except Unrecognised as refused:
        refused.layout = layout_of(raw, refused.table)
        raise


def _rules(raw: RawFile, table: Table, context: CheckContext, year: int) -> Rules:
    """The rules of the table's form; Unrecognised, with what the file looks like, where it is not asked for here."""
    try:
        return context.rules[table.form.name](year)
    except Unrecognised as refused:
        refused.layout = layout_of(raw, table)
        raise


def check_file_lines(file: FileLines, context: CheckContext) -> CheckedFile:
    """The second half of `check_raw`."""
    table, lines = file.table, file.lines
    about_table = table_findings(table, lines, file.rules)
    told = together(
        [
            whose_findings(file.facts, context.employer_number, context.year),
            file.told,
            hidden_findings(file.raw, table),
            mapping_findings(table, context.known),
            about_table,
            pair_findings(file.raw, lines),
            _passed_over(file.rows.doubtful),
            file.read.findings,
            _without(checked_rows(table.form, lines, file.rules, context, file.year), about_table),
        ]
    )
    told = with_proposed_amounts(told, lines) if table.form.name == "annual" else told
    findings = _placed(told, table, file.read.texts)
    return CheckedFile(
        table.form,
        table,
        file.facts,
        file.year,
        lines,
        findings,
        totals_of(table.form, lines),
        None if table.positions else layout_of(file.raw, table, file.read.written),
        file.read.written,
    )


def check_lines(form: Form, lines: pl.DataFrame, context: CheckContext) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Lines that came otherwise, or were corrected: the lines with what `raw` gave, and their findings.

    `lines` is as `line_schema` says, `context.year` the declaration's year. The codes and words are those of a file.
    """
    if context.year is None:
        raise ValueError("lines without a file are checked for a year that is given")
    rules = context.rules[form.name](context.year)
    lines, unread = recast(form, lines, _cast_context(context, context.year))
    told = together([unread, checked_rows(form, lines, rules, context, context.year)])
    told = with_proposed_amounts(told, lines) if form.name == "annual" else told
    return lines, ordered(seen_in_lines(told, lines, form))


def checked_rows(form: Form, lines: pl.DataFrame, rules: Rules, context: CheckContext, year: int) -> pl.DataFrame:
    """The findings of a form's rules and of the registers about typed lines."""
    if "number_requested" not in lines.columns:
        lines = lines.with_columns(number_requested=pl.lit(value=False))
    if any(f"most_{name}" not in lines.columns for name in rules.most):
        lines = with_most(lines, most_of(rules, lines))
    frames = [run(rules.checks, lines), *(check(lines) for check in (*rules.between_rows, *rules.of_all))]
    frames.append(register_findings(lines, context.known_people, context.employments))
    if context.employments is not None and form.name == "annual":
        period = Year(year)
        frames.append(absent_findings(lines, context.employments, period.first_day, period.last_day))
    return together(frames)


def totals_of(form: Form, lines: pl.DataFrame) -> Totals | None:
    """The sums of an annual form's lines, in centimes; what could not be read counts as nothing."""
    if form.name != "annual":
        return None
    one, two, three, four = (int(lines[f"q{quarter}_amount"].sum()) for quarter in QUARTERS)
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
    missing = about_table.filter(pl.col("code") == "column_missing")["field"]
    return (
        findings.filter(~pl.col("field").is_in(missing.implode()) | pl.col("row").is_null())
        if missing.len()
        else findings
    )


def _placed(findings: pl.DataFrame, table: Table, texts: Mapping[str, pl.Series]) -> pl.DataFrame:
    """With the column's letter, the line's number, and the text the user wrote there."""
    letters = dict(table.letters)
    for name in ("last_name", "first_name"):
        letters.setdefault(name, letters.get("full_name") or letters.get("full_name_first") or "")
    letter = pl.col("field").replace_strict(letters, default=None, return_dtype=pl.String)
    at_line = pl.col("line_number").is_not_null()
    placed = findings.with_columns(
        column=pl.coalesce("column", pl.when(at_line).then(letter.replace("", None))),
    )
    return ordered(_with_seen(placed, texts))


def _with_seen(findings: pl.DataFrame, texts: Mapping[str, pl.Series]) -> pl.DataFrame:
    """`seen` where a check did not say it: the text of its field on its line. Lines are numbered from 1."""
    unsaid = pl.col("seen").is_null() & pl.col("line_number").is_not_null()
    waiting = findings.filter(unsaid)
    frames = [findings.filter(~unsaid)]
    for key, group in waiting.group_by("field"):
        name = str(key[0])
        seen = texts[name].gather(group["line_number"] - 1) if name in texts else group["seen"]
        frames.append(group.with_columns(seen.alias("seen")))
    return together(frames)


def seen_in_lines(findings: pl.DataFrame, lines: pl.DataFrame, form: Form) -> pl.DataFrame:
    """`seen` as the typed value reads, for lines that are in no file any more."""
    shown = lines.select(
        pl.col("line_number"),
        *(
            (dinars(pl.col(name)) if form.kind(name) == "amount" else pl.col(name).cast(pl.String)).alias(name)
            for name in form.fields
        ),
    )
    unsaid = pl.col("seen").is_null() & pl.col("line_number").is_not_null() & pl.col("field").is_in(form.fields)
    waiting = findings.filter(unsaid)
    frames = [findings.filter(~unsaid)]
    for key, group in waiting.group_by("field"):
        name = str(key[0])
        beside = shown.select("line_number", value=pl.col(name))
        frames.append(
            group.join(beside, on="line_number", how="left", maintain_order="left")
            .with_columns(seen="value")
            .drop("value")
        )
    return together(frames)


def ordered(findings: pl.DataFrame) -> pl.DataFrame:
    """The file's own findings first, then by line, errors first: the same for the same file, always."""
    urgency = pl.col("severity").cast(_URGENCY)
    place = pl.coalesce("row", "line_number")
    return shaped(findings.sort(place, urgency, "field", "code", nulls_last=False, maintain_order=True))
