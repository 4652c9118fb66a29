"""One person twice in a declaration: right only as two spells that do not overlap."""

from datetime import date

import polars as pl

from schemas.findings import Severity

_FIRST, _LAST = date(1, 1, 1), date(9999, 12, 31)


def repeated_people(lines: pl.DataFrame) -> pl.DataFrame:
    """`nss_duplicate` for the lines of a number used twice; `second_spell` where the same person came back.

    Two lines are two spells when names and birth agree and the one's exit is before the other's entry.
    `expected` names the other rows (or line numbers where there are none).
    """
    nss = lines["nss"]
    if nss.n_unique() == nss.len() - max(nss.null_count() - 1, 0):
        return pl.DataFrame()
    twice = lines.filter(pl.col("nss").is_not_null() & pl.col("nss").is_duplicated())
    spells = twice.select(
        "line_number",
        "row",
        "nss",
        who=the_person(),
        place=pl.coalesce("row", "line_number"),
        first=pl.col("entry_date").fill_null(_FIRST),
        last=pl.col("exit_date").fill_null(_LAST),
    ).sort("nss", "first", "line_number")
    before = pl.col("last").cum_max().shift(1).over("nss")
    overlaps = spells.with_columns(overlap=(pl.col("first") <= before).fill_null(value=False))
    judged = overlaps.with_columns(
        wrong=(pl.col("overlap").any() | (pl.col("who").n_unique() > 1)).over("nss"),
        expected=pl.col("place").sort().cast(pl.String).str.join(", ").over("nss"),
    )
    return judged.select(
        "line_number",
        "row",
        "expected",
        field=pl.lit("nss"),
        seen=pl.col("nss"),
        code=pl.when("wrong").then(pl.lit("nss_duplicate")).otherwise(pl.lit("second_spell")),
        severity=pl.when("wrong").then(pl.lit(Severity.ERROR.value)).otherwise(pl.lit(Severity.INFO.value)),
    )


def the_person() -> pl.Expr:
    """The person a line is about, by names without case, accents or marks, and birth."""
    names = pl.concat_str(pl.col("last_name", "first_name").fill_null(""), separator="|").str.normalize("NFKD")
    plain = names.str.to_lowercase().str.replace_all(r"[^\p{L}|]", "")
    return plain + pl.col("birth_date").cast(pl.String).fill_null("")


def repeated_without_number(lines: pl.DataFrame) -> pl.DataFrame:
    """`person_repeated` for lines without a number that are the same person: one number would be asked for twice."""
    if not lines["number_requested"].any():
        return pl.DataFrame()
    unnumbered = lines.filter(pl.col("nss").is_null() & pl.col("number_requested")).with_columns(who=the_person())
    twice = unnumbered.filter(pl.col("who").is_duplicated())
    return twice.select(
        "line_number",
        "row",
        field=pl.lit("nss"),
        expected=pl.coalesce("row", "line_number").sort().cast(pl.String).str.join(", ").over("who"),
        code=pl.lit("person_repeated"),
        severity=pl.lit(Severity.CONFIRM.value),
    )
