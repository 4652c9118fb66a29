"""Findings as they are stored: a number in the order of the file, and a mark that names them from check to check."""

import polars as pl

from schemas.findings import Severity
from teledeclaration.payroll.queries.lines import FINDING_COLUMNS

ABSENT = "employed_but_absent"
"""The finding that is about someone on no line."""

_A_LINE = 10_000_000
_A_SEVERITY = 3_000_000
_URGENCY = {severity.value: place for place, severity in enumerate(Severity)}

FILE_BOUNDS = (_A_SEVERITY, 2 * _A_SEVERITY, _A_LINE)
"""Where the numbers of errors, of doubts and of information about the file as a whole end."""


def numbered(findings: pl.DataFrame, sheet: str | None, lines: pl.DataFrame) -> pl.DataFrame:
    """FINDING_COLUMNS for findings in order, about `lines` (line_number, nss, last_name, first_name).

    Every line has numbers of its own, and in them every severity: a line's findings can be found anew, and no other
    finding changes its number. The file's own come first.
    """
    about = pl.col("line_number").fill_null(0).cast(pl.Int64) * _A_LINE
    band = about + _urgency() * _A_SEVERITY
    told = marked(findings.rename({"column": "column_name"}), lines).with_columns(
        band=band, sheet=pl.lit(sheet, pl.String), back=pl.lit(value=False)
    )
    return (
        told.with_columns(finding=pl.col("band") + pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("band"))
        .sort("finding")
        .select(FINDING_COLUMNS)
    )


def renumbered(findings: pl.DataFrame, highest: tuple[int | None, int | None, int | None]) -> pl.DataFrame:
    """Findings about the file as a whole, numbered behind those there are: the highest number of each severity."""
    offset = {
        severity: (found or place * _A_SEVERITY) - place * _A_SEVERITY
        for (severity, place), found in zip(_URGENCY.items(), highest, strict=True)
    }
    behind = pl.col("severity").replace_strict(offset, return_dtype=pl.Int64)
    return findings.with_columns(finding=pl.col("finding") + behind)


def marked(findings: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """With `mark`: code, field, and who the line is about: their number, else their names, else the row.

    Of a file's own findings it is what they name where they are about people, else the row.
    """
    people = lines.select("line_number", _nss="nss", _last="last_name", _first="first_name")
    names = pl.concat_str(pl.col("_last", "_first").fill_null(""), separator=" ")
    named = pl.col("_last").is_not_null() | pl.col("_first").is_not_null()
    who = (
        pl.when(pl.col("code") == ABSENT)
        .then("seen")
        .otherwise(pl.coalesce("_nss", pl.when(named).then(names), pl.format("row {}", "row"), pl.lit("")))
    )
    joined = findings.join(people, on="line_number", how="left", maintain_order="left")
    mark = pl.concat_str("code", pl.col("field").fill_null(""), who, separator="|")
    return joined.with_columns(mark=mark).drop("_nss", "_last", "_first")


def _urgency() -> pl.Expr:
    return pl.col("severity").cast(pl.Enum(list(_URGENCY))).to_physical().cast(pl.Int64)
