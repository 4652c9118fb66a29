"""Stored lines checked again: some of them, each with those of the same person, or all; and the file as a whole."""

import dataclasses
from typing import Any

import msgspec
import polars as pl

from teledeclaration.intake.casting import Written
from teledeclaration.intake.checking import at_columns, ordered
from teledeclaration.intake.checks import most_of, with_most
from teledeclaration.intake.header_checks import header_sums
from teledeclaration.intake.problems import shaped, together
from teledeclaration.intake.raw import TextHeader
from teledeclaration.payroll.actions.numbering import OF_NO_LINE, numbered
from teledeclaration.payroll.actions.reading import (
    Asked,
    Registers,
    Result,
    absent,
    checked_lines,
    closed_categories,
    noted,
)

OF_THE_FILE_ONLY = (
    "record_length", "non_ascii", "line_number_order", "other_employer", "other_year", "nss_padded",
)  # fmt: skip
"""Findings about a line of the file itself: mended lines have them no more, and no check of lines finds them again."""

OF_ALL_LINES = ("header_total_differs", "header_count_differs", "amounts_look_like_centimes")
"""Findings about the file that depend on its lines' amounts, and are found again with them."""


@dataclasses.dataclass(frozen=True)
class Before:
    """What the check before knew: findings (of the lines to be checked at least), the columns it missed, and the
    lines that changed since."""

    findings: pl.DataFrame
    missing: list[str]
    changed: list[int]


def check_stored(
    lines: pl.DataFrame,
    most: dict[str, float | None],
    bearers: pl.DataFrame,
    *,
    asked: Asked,
    registers: Registers,
    facts: dict[str, Any],
    before: Before,
) -> pl.DataFrame:
    """What is found in these lines, those to be filed together, those left out by themselves.

    `lines` is as `queries.lines.LINE_SCHEMA` says, and has every line of each person in it. `most` is what the
    whole file makes plausible, `bearers` (nss, left_out) has every number of the file, on these lines or not.
    """
    lines = lines.rename({"typed": "raw"})
    written = msgspec.convert(facts.get("written", {}), Written)
    kept, left_out = lines.filter(~pl.col("left_out")), lines.filter("left_out")
    found = [closed_categories(kept, asked)]
    for part in (kept, left_out):
        if part.height:
            others = bearers if part is left_out else bearers.filter(~pl.col("left_out"))
            known = dataclasses.replace(registers, people=_on_no_other_line(registers.people, part, others))
            checked = checked_lines(with_most(part, most), asked, known, written)
            found.append(checked.filter(pl.col("line_number").is_not_null()))
    placed = at_columns(together(found), facts.get("columns") or {})
    return together([_standing(before.findings, lines), _as_before(placed, lines, before)])


def check_whole(kept: pl.DataFrame, asked: Asked, facts: dict[str, Any]) -> pl.DataFrame:
    """What is found about the file by the amounts and times of its lines to be filed."""
    found = [check(kept) for check in asked.rules.of_all]
    if header := facts.get("header"):
        found += list(header_sums(msgspec.convert(header, TextHeader), kept))
    return together(found)


def mended_result(
    lines: pl.DataFrame, before: Before, edits: int, facts: dict[str, Any], asked: Asked, registers: Registers
) -> Result:
    """All stored lines checked again; `edits` is the revision that last changed one."""
    kept = lines.filter(~pl.col("left_out"))
    most = most_of(asked.rules, kept)
    of_file = pl.col("line_number").is_null() & ~pl.col("code").is_in([*OF_ALL_LINES, *OF_NO_LINE])
    found = [
        shaped(before.findings.rename({"column_name": "column"}).filter(of_file)),
        check_stored(lines, most, bearers(lines), asked=asked, registers=registers, facts=facts, before=before),
        check_whole(kept, asked, facts),
        absent(kept, asked, registers),
    ]
    findings = numbered(ordered(together(found)), facts.get("sheet"), lines)
    note = noted(most, asked, rows=lines.height, findings=findings.height, edits=edits)
    return Result(findings=findings, rows=lines.height, facts=facts | note)


def bearers(lines: pl.DataFrame) -> pl.DataFrame:
    """The numbers on all lines (nss, left_out); none where they are about nobody."""
    return lines.select("nss" if "nss" in lines.columns else pl.lit(None, pl.String).alias("nss"), "left_out")


def _on_no_other_line(people: pl.DataFrame | None, lines: pl.DataFrame, bearers: pl.DataFrame) -> pl.DataFrame | None:
    """The people that these lines may be compared with, or be taken for: not who stands on another line."""
    if people is None or "nss" not in lines.columns:
        return people
    here, elsewhere = (pl.col("nss").is_in(frame["nss"].implode()) for frame in (lines, bearers))
    return people.filter(here | ~elsewhere)


def _standing(before: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """The findings that no check of lines finds again, and that no correction of their line has mended."""
    untouched = lines.filter(~pl.col("mended"))["line_number"].implode()
    of_record = pl.col("code").is_in(OF_THE_FILE_ONLY) & pl.col("line_number").is_in(untouched)
    return shaped(before.rename({"column_name": "column"}).filter(of_record))


def _as_before(found: pl.DataFrame, lines: pl.DataFrame, before: Before) -> pl.DataFrame:
    """Told as the check before did: a cell in the user's own writing while its line stands, a missing column once."""
    mended = lines.filter("mended")["line_number"].implode()
    told_once = pl.col("field").is_in(before.missing) & ~pl.col("line_number").is_in(mended)
    same = ["line_number", "field", "code"]
    stood = before.findings.filter(~pl.col("line_number").is_in(before.changed)).unique(same, keep="first")
    beside = stood.select(*same, seen_before="seen")
    joined = found.filter(~told_once.fill_null(value=False)).join(
        beside, on=same, how="left", nulls_equal=True, maintain_order="left"
    )
    return shaped(joined.with_columns(seen=pl.coalesce("seen_before", "seen")))
