"""Findings as they are stored: a number in the order of the file, and a mark that names them from check to check."""

import polars as pl

from schemas.findings import Severity
from teledeclaration.intake.evaluating import select, with_columns
from teledeclaration.payroll.queries.lines import FINDING_COLUMNS, FINDING_SCHEMA

OF_NO_LINE = ("employed_but_absent", "many_employed_but_absent")
"""The findings about employees on no line: they come behind those of all lines."""

_A_LINE = 10_000_000
_A_SEVERITY = 3_000_000
_URGENCY = {severity.value: place for place, severity in enumerate(Severity)}

_BEHIND_LINES = 800_000_000
"""Behind the highest number of a line. Times `_A_LINE` it is still below 2^53, a whole number in any JSON reader."""

FILE_BOUNDS = (_A_SEVERITY, 2 * _A_SEVERITY, _A_LINE, _BEHIND_LINES * _A_LINE)
"""Where the numbers of errors, of doubts and of information about the file as a whole end, and where those of
employees on no line begin."""


_NOTHING = pl.DataFrame(schema=FINDING_SCHEMA)


def numbered(findings: pl.DataFrame, sheet: str | None, lines: pl.DataFrame) -> pl.DataFrame:
    """FINDING_COLUMNS for findings in order, about `lines` (line_number, nss, last_name, first_name).

    Every line has numbers of its own, and in them every severity: a line's findings can be found anew, and no other
    finding changes its number. The file's own come first, employees on no line last.
    """
    if findings.is_empty():
        return _NOTHING
    nowhere = pl.when(pl.col("code").is_in(OF_NO_LINE)).then(_BEHIND_LINES).otherwise(0)
    about = pl.coalesce("line_number", nowhere).cast(pl.Int64) * _A_LINE
    band = about + _urgency() * _A_SEVERITY
    told = with_columns(
        marked(findings.rename({"column": "column_name"}), lines),
        band=band,
        sheet=pl.lit(sheet, pl.String),
        back=pl.lit(value=False),
    )
    finding = pl.col("band") + pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("band")
    columns = [finding.alias("finding") if name == "finding" else pl.col(name) for name in FINDING_COLUMNS]
    return select(told, columns).sort("finding")


def renumbered(findings: pl.DataFrame, highest: tuple[int | None, int | None, int | None, int | None]) -> pl.DataFrame:
    """Findings about the file as a whole, numbered behind the highest there is in each of FILE_BOUNDS."""
    first = [
        *(place * _A_SEVERITY for place in _URGENCY.values()),
        _BEHIND_LINES * _A_LINE + _URGENCY[Severity.INFO.value] * _A_SEVERITY,
    ]
    *by_severity, behind = [(found or start) - start for found, start in zip(highest, first, strict=True)]
    offset = pl.col("severity").replace_strict(dict(zip(_URGENCY, by_severity, strict=True)), return_dtype=pl.Int64)
    nowhere = pl.col("code").is_in(OF_NO_LINE)
    return findings.with_columns(finding=pl.col("finding") + pl.when(nowhere).then(behind).otherwise(offset))


def marked(findings: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """With `mark`: code, field, and who the line is about: their number (a rate line's code), else their names, else
    the row.

    Of a file's own findings it is what they name where they are about people, else the row.
    """
    people = lines.select(
        "line_number",
        _nss=_or_nothing(lines, "code" if "code" in lines.columns else "nss"),
        _last=_or_nothing(lines, "last_name"),
        _first=_or_nothing(lines, "first_name"),
    )
    names = pl.concat_str(pl.col("_last", "_first").fill_null(""), separator=" ")
    named = pl.col("_last").is_not_null() | pl.col("_first").is_not_null()
    who = (
        pl.when(pl.col("code").is_in(OF_NO_LINE))
        .then("seen")
        .otherwise(pl.coalesce("_nss", pl.when(named).then(names), pl.format("row {}", "row"), pl.lit("")))
    )
    joined = findings.join(people, on="line_number", how="left", maintain_order="left")
    mark = pl.concat_str("code", pl.col("field").fill_null(""), who, separator="|")
    return joined.with_columns(mark=mark).drop("_nss", "_last", "_first")


def _or_nothing(lines: pl.DataFrame, name: str) -> pl.Expr:
    return pl.col(name) if name in lines.columns else pl.lit(None, pl.String)


def _urgency() -> pl.Expr:
    return pl.col("severity").cast(pl.Enum(list(_URGENCY))).to_physical().cast(pl.Int64)
