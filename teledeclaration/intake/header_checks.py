"""What is checked about a file as a whole: whose it is, which year, what stands beside its table, a pair's totals."""

import re
from collections.abc import Iterator, Mapping

import polars as pl

from schemas.findings import Severity
from teledeclaration.intake.checks import Rules
from teledeclaration.intake.mapping import Known, proposed
from teledeclaration.intake.problems import of_the_file, shaped, together
from teledeclaration.intake.raw import RawFile, RawSheet, TextHeader
from teledeclaration.intake.tables import ColumnMatch, Table
from teledeclaration.intake.templates.stamp import STAMP_SHEET
from teledeclaration.intake.titles import HeaderFacts
from teledeclaration.periods import Period

_EMPLOYER_SHAPE = re.compile(r"\d{10}")
_RECORD_LENGTH = 195
_TYPES = ("N", "C", "R")
_HEADER_TOTALS = ("q1", "q2", "q3", "q4", "annual")


def whose_findings(
    facts: HeaderFacts, employer_number: str | None, year: int | None, period: Period | None = None
) -> pl.DataFrame:
    """Another employer's number, or another year or period than the one asked for."""
    frames = []
    found = facts.employer_number
    if found is not None and not _EMPLOYER_SHAPE.fullmatch(found):
        frames.append(
            of_the_file("employer_number_shape", Severity.ERROR, field="employer_number", seen=found, expected="10")
        )
    elif employer_number and found and found != employer_number:
        frames.append(
            of_the_file("other_employer", Severity.ERROR, field="employer_number", seen=found, expected=employer_number)
        )
    if year and facts.year and facts.year != year and facts.year_sure:
        frames.append(of_the_file("other_year", Severity.ERROR, field="year", seen=facts.year, expected=year))
    elif period and facts.period and facts.period != period.code and facts.period_sure:
        frames.append(
            of_the_file("other_period", Severity.ERROR, field="period", seen=facts.period, expected=period.code)
        )
    return together(frames)


def table_findings(table: Table, lines: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Columns that are missing, and what stands in the file unseen: hidden sheets are told by `hidden_findings`."""
    found = set(table.letters)
    if {"full_name", "full_name_first"} & found:
        found |= {"last_name", "first_name"}
    missing = [
        of_the_file("column_missing", severity, field=field)
        for field, severity in rules.required.items()
        if field not in found
    ]
    unseen = {"hidden_rows": table.sheet.hidden_rows, "filtered_rows": table.sheet.filtered_rows}
    told = [_unseen_rows(code, rows, lines) for code, rows in unseen.items()]
    return together([*missing, *told, _hidden_columns(table)])


def hidden_findings(raw: RawFile, table: Table) -> pl.DataFrame:
    """Sheets nobody sees, and further sheets that look like tables: only told."""
    hidden = [
        sheet.name
        for sheet in raw.sheets
        if not sheet.visible and sheet.cells.height and sheet.name not in (STAMP_SHEET, table.sheet.name)
    ]
    return together(
        [
            *(of_the_file("hidden_sheet", Severity.INFO, seen=name) for name in hidden),
            *(of_the_file("other_sheet", Severity.INFO, seen=name, expected=table.sheet.name) for name in table.others),
        ]
    )


def _unseen_rows(code: str, unseen: frozenset[int], lines: pl.DataFrame) -> pl.DataFrame:
    rows = sorted(unseen & set(lines["row"].to_list())) if unseen else []
    if not rows:
        return together([])
    return of_the_file(code, Severity.INFO, seen=len(rows), expected=_listed(rows))


def _hidden_columns(table: Table) -> pl.DataFrame:
    used = {column.letter: column.field for column in table.columns if column.field}
    return together(
        [
            of_the_file("hidden_column", Severity.INFO, column=letter, field=used[letter], seen=letter)
            for letter in sorted(table.sheet.hidden_columns & set(used))
        ]
    )


def _listed(rows: list[int], most: int = 10) -> str:
    shown = ", ".join(str(row) for row in rows[:most])
    return shown if len(rows) <= most else f"{shown} …"


def mapping_findings(table: Table, known: Known) -> pl.DataFrame:
    """A layout that was remembered, and columns the headers do not tell but an earlier correction may."""
    layout = next((layout for layout in known.layouts if layout.layout_id == table.layout_id), None)
    frames = [_proposed_column(table, column, known) for column in table.columns if column.how is None]
    if layout is not None:
        on = layout.made_at.date()
        frames.append(of_the_file("layout_remembered", Severity.INFO, row=table.header_row, seen=on))
    return together(frames)


def _proposed_column(table: Table, column: ColumnMatch, known: Known) -> pl.DataFrame:
    """A doubt where the file lacks the field an unknown header may be, else only told."""
    learnt = next(proposed(column.header, column.field, known.words), None)
    if learnt is None:
        return together([])
    said = {"row": table.header_row, "column": column.letter, "field": learnt.field, "seen": column.header}
    on = learnt.learnt_at.date()
    if learnt.field in table.letters:
        return of_the_file("column_proposed", Severity.INFO, **said, expected=on)
    return of_the_file("column_proposed", Severity.CONFIRM, **said, expected=on)


def pair_findings(raw: RawFile, lines: pl.DataFrame) -> pl.DataFrame:
    """What a text pair must keep: its header's totals and count, one employer and year, its layout."""
    header = raw.header
    if header is None:
        return together([])
    sheet = raw.sheets[0]
    return together(
        [
            *_header_shape(header, raw),
            *header_sums(header, lines),
            _layout(sheet),
            *_own_records(sheet, header),
        ]
    )


def _header_shape(header: TextHeader, raw: RawFile) -> Iterator[pl.DataFrame]:
    if header.type.upper() not in _TYPES:
        yield of_the_file("type_unknown", Severity.ERROR, field="type", seen=header.type, expected=", ".join(_TYPES))
    if not re.fullmatch(r"(?:19|20)[0-9]{2}", header.year):
        yield of_the_file("year_unreadable", Severity.ERROR, field="year", seen=header.year)
    if header.payment_centre and not re.fullmatch(r"\d{5}", header.payment_centre):
        yield of_the_file("payment_centre_shape", Severity.CONFIRM, field="payment_centre", seen=header.payment_centre)
    for field in sorted(raw.header_non_ascii):
        yield of_the_file("non_ascii", Severity.ERROR, field=field, seen=getattr(header, field, None))


def header_sums(header: TextHeader, lines: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Told even where some lines cannot be read: what can be is what the header is compared with."""
    for name in _HEADER_TOTALS:
        written = getattr(header, f"{name}_total")
        amounts = lines[f"{name}_amount"]
        if written.isdecimal() and amounts.null_count():
            continue
        total = int(amounts.sum())
        if not written.isdigit() or int(written) != total:
            yield of_the_file(
                "header_total_differs",
                Severity.ERROR,
                field=f"{name}_total",
                seen=written,
                expected=total,
                proposed=total,
            )
    if not header.workers.isdigit() or int(header.workers) != lines.height:
        yield of_the_file(
            "header_count_differs",
            Severity.ERROR,
            field="workers",
            seen=header.workers,
            expected=lines.height,
            proposed=lines.height,
        )


def _layout(sheet: RawSheet) -> pl.DataFrame:
    lengths = [
        of_the_file("record_length", Severity.ERROR, row=row, line_number=row, seen=length, expected=_RECORD_LENGTH)
        for row, length in sheet.short_lines.items()
    ]
    letters = [
        of_the_file(
            "non_ascii",
            Severity.ERROR,
            row=row,
            line_number=row,
            column=position,
            field=sheet.fields.get(position),
            seen=sheet.cells[row - 1, position],
        )
        for row, position in sorted(sheet.non_ascii)
    ]
    return together([*lengths, *letters])


def _own_records(sheet: RawSheet, header: TextHeader) -> Iterator[pl.DataFrame]:
    """Each record repeats the employer and the year, and counts its line."""
    places = {field: position for position, field in sheet.fields.items()}
    rows = pl.int_range(1, sheet.cells.height + 1, dtype=pl.Int32, eager=True)
    wanted: Mapping[str, tuple[pl.Series, str, Severity]] = {
        "employer_number": (
            pl.repeat(header.employer_number, rows.len(), eager=True),
            "other_employer",
            Severity.ERROR,
        ),
        "year": (pl.repeat(header.year, rows.len(), eager=True), "other_year", Severity.ERROR),
        "line_number": (rows.cast(pl.String), "line_number_order", Severity.CONFIRM),
    }
    for field, (expected, code, severity) in wanted.items():
        if field not in places:
            continue
        seen = sheet.cells[places[field]].fill_null("")
        frame = pl.DataFrame({"row": rows, "line_number": rows, "seen": seen, "expected": expected})
        plain = pl.col("seen").str.strip_chars_start("0") if field == "line_number" else pl.col("seen")
        yield shaped(
            frame.filter(plain != pl.col("expected")).with_columns(
                column=pl.lit(places[field]), field=pl.lit(field), code=pl.lit(code), severity=pl.lit(severity.value)
            )
        )
