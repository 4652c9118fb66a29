"""What each difference is worth in contributions: the rate lines of its category on its base.

A rate line is rounded once on the sum of the bases of all differences, as it is on a declaration, and shared out to
them by largest remainder, so that the parts make the whole to the centime.
"""

from fractions import Fraction

import polars as pl

from teledeclaration.legislation import Legislation, NotInForce
from teledeclaration.payroll.law.reconciliation.frames import Rules
from teledeclaration.periods import Quarter, Year

_RATES = {
    "quarter": pl.Int8,
    "rate_category": pl.String,
    "line": pl.String,
    "numerator": pl.Int64,
    "denominator": pl.Int64,
}


def contributions(priced: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """found, contributions: signed centimes of each difference that has a base. `priced` has the columns of
    `frames.PRICED`, `item`, and `doubt`: doubts are priced together, apart from the rest.

    A category that is disabled or not known, and a period before the law held here, is worth nothing that we know.
    """
    rows = priced.join(_rates(rules), on=["quarter", "rate_category"]).with_columns(
        exact=pl.col("base").abs() * pl.col("numerator")
    )
    shares = _shared_out(rows, ["item", "doubt", "line"])
    return shares.group_by("found").agg(contributions=(pl.col("share") * pl.col("base").sign()).sum())


def _shared_out(rows: pl.DataFrame, line: list[str]) -> pl.DataFrame:
    """`share` of each row: its exact part rounded down, and a centime more for the largest remainders."""
    down, rest = pl.col("exact") // pl.col("denominator"), pl.col("exact") % pl.col("denominator")
    rows = rows.sort("found", "quarter", "rate_category").with_columns(share=down, rest=rest)
    # the base of a line is one sum; its amount is rounded half up, once
    whole = (2 * pl.col("exact").sum() + pl.col("denominator").first()) // (2 * pl.col("denominator").first())
    left = rows.group_by(line).agg(left=whole - pl.col("share").sum())
    placed = rows.join(left, on=line, how="left", maintain_order="left").with_columns(
        place=pl.col("rest").rank("ordinal", descending=True).over(line)
    )
    return placed.with_columns(share=pl.col("share") + (pl.col("place") <= pl.col("left")).cast(pl.Int64))


def _rates(rules: Rules) -> pl.DataFrame:
    """The rate lines of each category in each quarter; lines of one rate throughout the year bear one name."""
    rows = []
    for quarter in Year(rules.year).quarters:
        rows += _rates_of(quarter, rules.legislation)
    return pl.DataFrame(rows, schema=_RATES, orient="row")


def _rates_of(quarter: Quarter, legislation: Legislation) -> list[tuple[int, str, str, int, int]]:
    try:
        values = legislation.on(quarter.first_day)
        categories = [values.category(name) for name in values.enabled_categories()]
    except NotInForce:
        return []
    found = []
    for category in categories:
        for code in category.lines:
            rate = Fraction(values.line(code).rate)
            found.append((quarter.number, str(category.name), f"{code} {rate}", rate.numerator, rate.denominator))
    return found
