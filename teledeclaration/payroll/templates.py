"""What goes into a template: the law's figures in words, the people known, and what was declared for them before."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

import polars as pl

from schemas.legislation import LegalReference
from teledeclaration.intake.forms import FormName
from teledeclaration.intake.templates.layout import LawFigure
from teledeclaration.languages import Language, say
from teledeclaration.legislation import Legislation, NotInForce
from teledeclaration.payroll.checks import annual_rules
from teledeclaration.payroll.law.deadlines import annual_deadline
from teledeclaration.periods import Month, Year

_MINIMUM_WAGE = "minimum_wage.month"
_DEADLINE = "deadlines.annual_practice"
_LONGEST = {
    "days": "durations.days_a_calendar_day_max",
    "hours": "durations.hours_a_calendar_day_max",
    "months": "durations.months_a_quarter_max",
}
_QUARTERS = 4


def law_figures(
    form: FormName, year: int | None, legislation: Legislation, language: Language
) -> tuple[LawFigure, ...]:
    """The figures a form is checked by, each with how sure it is; none where this law does not reach the year."""
    if form != "annual" or year is None:
        return ()
    try:
        return tuple(_annual_figures(year, legislation, language))
    except NotInForce:
        return ()


def _annual_figures(year: int, legislation: Legislation, language: Language) -> Iterator[LawFigure]:
    law = legislation.on(Year(year).last_day)
    due = annual_deadline(Year(year), law).due
    yield _figure(law.reference(_DEADLINE), "deadline", _day(due), language)
    wages = {
        reference.valid_from: reference
        for number in range(1, 13)
        for reference in [legislation.on(Month(year, number).first_day).reference(_MINIMUM_WAGE)]
    }
    for wage in wages.values():
        yield _figure(wage, "minimum_wage", _amount(wage.value, language), language, since=_day(wage.valid_from))
    rules = annual_rules(year, legislation)
    most = {"days": rules.days_max, "hours": rules.hours_max, "months": (rules.months_max,) * _QUARTERS}
    for unit, key in _LONGEST.items():
        yield _figure(law.reference(key), f"longest_{unit}", " · ".join(map(str, most[unit])), language)


def _amount(dinars: str, language: Language) -> str:
    """An amount as its reader writes it, with spaces that neither break nor turn round."""
    grouped = f"{Decimal(dinars):,.2f}"
    if language != "en":
        grouped = grouped.replace(",", "\u202f").replace(".", ",")
    return f"{grouped} DA"


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"


def _figure(reference: LegalReference, name: str, value: str, language: Language, **said: str) -> LawFigure:
    sure = say(f"legal.confidence.{reference.confidence.value}", language)
    unsure = f" {say('legal.to_be_confirmed', language)}." if reference.to_be_confirmed else ""
    return LawFigure(
        label=say(f"template.figure.{name}", language, **said),
        value=value,
        source=f"{sure} ({reference.reference}).{unsure}",
    )


def known_rows(employees: pl.DataFrame, declared: pl.DataFrame, ever_employed: pl.Series) -> pl.DataFrame:
    """The people of a template by name: the register's, and those declared last year whom it never knew here.

    `employees` is as `registry.facts.employees_frame` says, `declared` as `queries.declarations.DECLARED_SCHEMA`.
    """
    names = [
        pl.when(pl.col(name).fill_null("") == "").then(f"{name}_ar").otherwise(name).alias(name)
        for name in ("last_name", "first_name")
    ]
    ours = ["nss", "last_name", "first_name", "birth_date", "entry_date", "exit_date"]
    register = employees.with_columns(names).select(ours).with_columns(known=pl.lit(value=True))
    stayed = pl.col("exit_date").is_null() & ~pl.col("nss").is_in(ever_employed.implode())
    others = declared.filter(stayed).select(ours).with_columns(known=pl.lit(value=False))
    people = pl.concat([register, others.unique("nss", maintain_order=True)])
    order = [pl.col(name).str.to_uppercase() for name in ("last_name", "first_name")]
    return people.sort(*order, "nss", "entry_date", nulls_last=True, maintain_order=True)


def declared_for(people: pl.DataFrame, declared: pl.DataFrame, fields: Sequence[str]) -> pl.DataFrame:
    """What was declared for each row of `people`: of the spell that began on its day, else of their only line."""
    there = declared.filter(pl.col("nss").is_not_null()).with_row_index("line")
    asked = people.select("nss", "entry_date")
    spells = there.unique(["nss", "entry_date"], keep="first", maintain_order=True)
    same = asked.join(spells, on=["nss", "entry_date"], how="left", maintain_order="left", nulls_equal=True)["line"]
    alone = there.filter(~pl.col("nss").is_duplicated())
    only = asked.join(alone.select("nss", "line"), on="nss", how="left", maintain_order="left")["line"]
    only = only.set(asked["nss"].is_duplicated(), None)
    found = pl.DataFrame({"line": pl.select(pl.coalesce(same, only)).to_series()})
    return found.join(there, on="line", how="left", maintain_order="left").select(fields)


def with_current_numbers(declared: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Declared lines under the numbers their people bear today; `known`: nss, current_nss."""
    numbers = known.select("nss", "current_nss").unique("nss")
    joined = declared.join(numbers, on="nss", how="left", maintain_order="left")
    return joined.with_columns(nss=pl.coalesce("current_nss", "nss")).drop("current_nss")
