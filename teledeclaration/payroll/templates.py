"""What goes into a template: the law's figures in words, the people known, and what was declared for them before."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import msgspec
import polars as pl

from schemas.legislation import LegalReference
from teledeclaration.intake.forms import Form, FormName
from teledeclaration.intake.templates.design import LawFigure, Template
from teledeclaration.intake.templates.stamp import VERSION, TemplateStamp
from teledeclaration.languages import Language, catalogue, say
from teledeclaration.legislation import Legislation, NotInForce, Values
from teledeclaration.payroll.checks import annual_rules, periodic_rules
from teledeclaration.payroll.law.deadlines import annual_deadline, periodic_deadline
from teledeclaration.payroll.law.totals import codes_of
from teledeclaration.periods import Month, Period, Quarter, Year

_MINIMUM_WAGE = "minimum_wage.month"
_DEADLINE = "deadlines.annual_practice"
_PERIODIC_DEADLINE = "deadlines.periodic"
_LONGEST = {
    "days": "durations.days_a_calendar_day_max",
    "hours": "durations.hours_a_calendar_day_max",
    "months": "durations.months_a_quarter_max",
}
_QUARTERS = 4
_FEW_ROWS = 10


def law_figures(
    form: FormName, period: Period | None, legislation: Legislation, language: Language
) -> tuple[LawFigure, ...]:
    """The figures a form is checked by, each with how sure it is; none where this law does not reach the period."""
    try:
        match form, period:
            case "annual", Year(year):
                return tuple(_annual_figures(year, legislation, language))
            case "periodic", Month() | Quarter():
                return tuple(_period_figures(period, legislation, language))
            case "totals", Month() | Quarter():
                return tuple(_line_figures(period, legislation, language))
    except NotInForce:
        pass
    return ()


def offered(
    form: FormName, period: Period | None, legislation: Legislation, language: Language
) -> dict[str, tuple[str, ...]]:
    """The words that the law gives to choose from, by field; none where it does not reach the period."""
    if period is None:
        return {}
    values = legislation.on(period.last_day if isinstance(period, Year) else period.first_day)
    try:
        match form:
            case "periodic":
                return {"rate_category": _called("legal.category.", values.enabled_categories(), language)}
            case "totals":
                return {"code": tuple(codes_offered(values))}
            case "movements":
                reasons = (*values.words("movements.entry_reasons"), *values.words("movements.exit_reasons"))
                return {
                    "reason": _called("legal.reason.", reasons, language),
                    "rate_category": _called("legal.category.", values.enabled_categories(), language),
                }
    except NotInForce:
        pass
    return {}


def stamp_for(form: Form, period: Period | None, language: Language, *, today: date) -> TemplateStamp:
    """The stamp of a template for a period, for nobody yet."""
    stamp = TemplateStamp(
        form=form.name, version=VERSION, language=language, year=period.year if period else None, issued_on=today
    )
    return (
        msgspec.structs.replace(stamp, period=period.code)
        if form.of_a_period and isinstance(period, Month | Quarter)
        else stamp
    )


def blank_template(form: Form, stamp: TemplateStamp, period: Period, legislation: Legislation) -> Template:
    """The template without anybody in it: of rate lines, with the codes in force."""
    language = stamp.language
    template = Template(
        form=form,
        stamp=stamp,
        law=law_figures(form.name, period if stamp.when else None, legislation, language),
        offered=offered(form.name, period, legislation, language),
    )
    if form.of_people:
        return template
    rows, labels = code_rows(legislation.on(period.last_day), language)
    return replace(template, rows=rows, last=labels, blank_rows=_FEW_ROWS)


def codes_offered(values: Values) -> list[str]:
    """The codes of the law's lines: the general one, those that stand alone, those that add to it, those of all."""
    codes = codes_of(values)
    alone = sorted(code for code in codes.own if code != codes.general)
    return [codes.general, *alone, *sorted(codes.supplements), *sorted(codes.shared)]


def code_rows(values: Values, language: Language) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A row for each code, and beside it what the line is."""
    codes = codes_offered(values)
    rows = pl.DataFrame({"code": codes, "known": [True] * len(codes)})
    return rows, pl.DataFrame({"label": list(_called("legal.line.", codes, language))})


def _called(prefix: str, names: Iterable[str], language: Language) -> tuple[str, ...]:
    """What these names of the law are called; a name without words is itself."""
    known = catalogue()
    return tuple(say(prefix + name, language) if prefix + name in known else name for name in names)


def with_called_categories(lines: pl.DataFrame, language: Language) -> pl.DataFrame:
    """Rate categories as people read them."""
    names = lines["rate_category"].drop_nulls().unique().to_list()
    called = dict(zip(names, _called("legal.category.", names, language), strict=True))
    return lines.with_columns(pl.col("rate_category").replace(called))


def _period_figures(period: Month | Quarter, legislation: Legislation, language: Language) -> Iterator[LawFigure]:
    law = legislation.on(period.first_day)
    yield _figure(law.reference(_PERIODIC_DEADLINE), "deadline", _day(periodic_deadline(period, law)), language)
    wage = law.reference(_MINIMUM_WAGE)
    yield _figure(wage, "minimum_wage", _amount(wage.value, language), language, since=_day(wage.valid_from))
    longest = periodic_rules(period, legislation).longest
    for name, unit in (("days", "J"), ("hours", "H"), ("months", "M")):
        yield _figure(law.reference(_LONGEST[name]), f"longest_{name}", str(longest[unit]), language)


def _line_figures(period: Month | Quarter, legislation: Legislation, language: Language) -> Iterator[LawFigure]:
    law = legislation.on(period.first_day)
    yield _figure(law.reference(_PERIODIC_DEADLINE), "deadline", _day(periodic_deadline(period, law)), language)
    codes = codes_offered(law)
    for code, called in zip(codes, _called("legal.line.", codes, language), strict=True):
        line = law.line(code)
        rate = f"{(100 * line.rate).normalize():f} %"
        rate = rate if language == "en" else rate.replace(".", ",")
        yield _figure(line.law, "line_rate", rate, language, line=code, called=called)


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
