"""All comparisons of a year together, priced and numbered."""

from dataclasses import dataclass

import polars as pl

from teledeclaration.payroll.law.reconciliation.bases import (
    PERSON_QUARTER,
    annual_by_quarter,
    by_person,
    compare_bases,
    together,
)
from teledeclaration.payroll.law.reconciliation.employment import compare_employment, presence
from teledeclaration.payroll.law.reconciliation.frames import (
    FACTS,
    FOUND,
    Findings,
    Inputs,
    Rules,
)
from teledeclaration.payroll.law.reconciliation.people import keyed, people_of, same_people, under_one_key
from teledeclaration.payroll.law.reconciliation.pricing import contributions
from teledeclaration.payroll.law.reconciliation.wages import compare_last_year, compare_minimum
from teledeclaration.payroll.law.reconciliation.whole import compare_headcounts, compare_totals, quarters_of

DOUBTS = ("unusual_jump", "vanished")
"""Kinds that may well be right: they are priced, and not counted as at stake."""

_PERSON = ["item", "who"]
_NAMES = ("nss", "last_name", "first_name", "birth_date")


@dataclass(frozen=True)
class Comparison:
    """What was found.

    `differences`: the columns of `frames.FOUND` without `who`, and `difference` (1 … in each item, the dearest first),
    `mark`, `contributions`, `facts` as JSON. `quarters`: item, quarter, annual, periodic bases.
    """

    differences: pl.DataFrame
    quarters: pl.DataFrame


def compare_years(inputs: Inputs, rules: Rules) -> Comparison:
    """Every difference of each item's year."""
    named = keyed(inputs.periodic.filter(pl.col("nss").is_not_null() | pl.col("last_name").is_not_null()))
    totals = inputs.periodic.filter(pl.col("nss").is_null() & pl.col("last_name").is_null())
    annual = keyed(inputs.annual)
    pairs = same_people(annual, named, inputs.spells)
    ours = annual_by_quarter(under_one_key(annual, pairs, "who"))
    both = together(ours, under_one_key(named, pairs, "other"), merged=pairs.height > 0)
    quarters = quarters_of(inputs.centres, inputs.periods, rules)
    findings = Findings()
    _compare_people(findings, both, quarters, _unnumbered(annual, named), inputs, rules)
    compare_totals(findings, both, totals, quarters, rules)
    compare_headcounts(findings, inputs.periods, _of_registered(inputs.spells, inputs.centres))
    _add_two_numbers(findings, both, pairs)
    differences = _finished(findings, [annual, named, keyed(inputs.spells), keyed(inputs.last_year)], rules)
    return Comparison(differences, _sums(both, totals))


def _compare_people(
    findings: Findings,
    both: pl.DataFrame,
    quarters: pl.DataFrame,
    unnumbered: pl.DataFrame,
    inputs: Inputs,
    rules: Rules,
) -> None:
    """What is compared person by person."""
    compared = quarters.select("item", "quarter", "compared")
    sums = by_person(both).join(compared, on=["item", "quarter"], how="left", maintain_order="left")
    sums = sums.with_columns(
        delta=pl.when("compared").then("delta").otherwise(0), mixed=pl.col("mixed") & pl.col("compared")
    )
    spells = _of_registered(inputs.spells, inputs.centres)
    outside = beyond = pl.DataFrame(schema={name: sums.schema[name] for name in PERSON_QUARTER})
    if spells.height:
        there = presence(spells, quarters, rules)
        numbered = sums.join(unnumbered, on=_PERSON, how="anti") if unnumbered.height else sums
        known = numbered.join(spells.select("item").unique(), on="item", how="semi")
        outside, beyond = compare_employment(findings, known, there, rules)
    left = sums.join(outside, on=PERSON_QUARTER, how="anti") if outside.height else sums
    compare_bases(findings, left, both, quarters.select("item", "quarter", "^lacks_.$"), rules)
    compare_minimum(findings, left.join(beyond, on=PERSON_QUARTER, how="anti") if beyond.height else left, rules)
    compare_last_year(findings, sums, keyed(inputs.last_year), inputs.spells, rules)


def _unnumbered(*sides: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([side.filter(pl.col("nss").is_null()).select(_PERSON) for side in sides]).unique()


def _of_registered(spells: pl.DataFrame, centres: pl.DataFrame) -> pl.DataFrame:
    """A register that knows nobody of a centre doubts nobody."""
    return spells.join(centres.filter("registered").select("item"), on="item", how="semi")


def _add_two_numbers(findings: Findings, both: pl.DataFrame, pairs: pl.DataFrame) -> None:
    """One person under one number in the annual declaration and under another in the periodic ones: one difference;
    where the bases differ too, these are told for themselves."""
    two = pairs.filter("two_numbers")
    if two.is_empty():
        return
    sums = both.group_by("item", one="who").agg(pl.col("annual", "periodic").sum())
    findings.add(
        two.join(sums, on=["item", "one"]),
        "two_numbers",
        declared=pl.col("annual"),
        expected=pl.col("periodic"),
        action=pl.lit("mend_annual"),
        fact_other_nss=pl.col("other_nss"),
    )


def _finished(findings: Findings, sources: list[pl.DataFrame], rules: Rules) -> pl.DataFrame:
    """Named, priced, marked and numbered."""
    if not findings.found:
        return _shown(pl.DataFrame(schema=FOUND).with_columns(contributions=pl.lit(0, pl.Int64)))
    found = pl.concat(findings.found).with_row_index("found")
    found = found.drop(_NAMES).join(_people(found, sources), on=_PERSON, how="left", maintain_order="left")
    if findings.priced:
        of = found.select("found", "item", doubt=pl.col("kind").is_in(DOUBTS))
        worth = contributions(pl.concat(findings.priced).join(of, on="found"), rules)
        found = found.join(worth, on="found", how="left", maintain_order="left")
    else:
        found = found.with_columns(contributions=pl.lit(0, pl.Int64))
    return _shown(found.with_columns(pl.col("contributions").fill_null(0)))


def _people(found: pl.DataFrame, sources: list[pl.DataFrame]) -> pl.DataFrame:
    """The names of whom differences are about, by the first source that has them."""
    about = found.select(_PERSON).drop_nulls().unique()
    rows = [source.join(about, on=_PERSON, how="semi").select(*_PERSON, *_NAMES) for source in sources]
    return people_of(pl.concat(rows))


def _shown(found: pl.DataFrame) -> pl.DataFrame:
    facts = pl.struct(pl.col(f"fact_{name}").alias(name) for name in FACTS).struct.json_encode()
    ordered = found.with_columns(mark=_mark(), facts=facts).sort(
        "item", pl.col("contributions").abs(), "period", "kind", "who", descending=[False, True, False, False, False]
    )
    numbered = ordered.with_columns(difference=pl.int_range(1, pl.len() + 1).over("item"))
    return numbered.select(
        *("item", "difference", "mark"),
        *(name for name in FOUND if not name.startswith("fact_") and name not in ("item", "who")),
        *("contributions", "facts"),
    )


def _mark() -> pl.Expr:
    """What makes it the same difference another time: its kind, period, person and figures."""
    parts = ("kind", "period", "who", "declared", "expected", "fact_category", "fact_other_category", "fact_unit")
    return pl.concat_str(*(pl.col(name).cast(pl.String).fill_null("") for name in parts), separator="|")


def _sums(both: pl.DataFrame, totals: pl.DataFrame) -> pl.DataFrame:
    """The year's bases by quarter, on either side."""
    people = both.group_by("item", "quarter").agg(pl.col("annual", "periodic").sum())
    others = totals.select("item", "quarter", annual=pl.lit(0, pl.Int64), periodic=pl.col("base"))
    return (
        pl.concat([people, others.select(people.columns)])
        .group_by("item", "quarter")
        .agg(pl.col("annual", "periodic").sum())
        .sort("item", "quarter")
    )
