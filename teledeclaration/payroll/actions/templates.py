"""Making a template: what is known of an employer's people and their last year, or nothing, in a signed workbook.

Only the employer's own people are asked of the registers, as a job of the platform: members themselves read
nobody's record.
"""

import asyncio
import tempfile
from dataclasses import dataclass, replace
from datetime import date
from typing import IO, Any, Literal

import msgspec
import polars as pl

from schemas.actors import FUND_EMPLOYER_ID, job
from schemas.employers import EmployerFacts
from teledeclaration.database import Connection, Pool, transaction
from teledeclaration.documents import facts as documents
from teledeclaration.employers import facts as employers
from teledeclaration.employers.guard import Caller
from teledeclaration.intake.forms import FORMS, FormName
from teledeclaration.intake.templates.coming_back import Signed
from teledeclaration.intake.templates.design import Template
from teledeclaration.intake.templates.workbook import write_template
from teledeclaration.languages import Language
from teledeclaration.legislation import Legislation
from teledeclaration.payroll.actions.employment import employees_known, employments_known
from teledeclaration.payroll.actions.opening import any_period, chosen_centre, chosen_period
from teledeclaration.payroll.actions.preparing import prepare_annual_frame
from teledeclaration.payroll.law.totals import Total, by_code, codes_of
from teledeclaration.payroll.queries import declarations, former_periods
from teledeclaration.payroll.templates import (
    blank_template,
    declared_for,
    known_rows,
    stamp_for,
    with_called_categories,
    with_current_numbers,
)
from teledeclaration.periods import Month, Period, Quarter, Year
from teledeclaration.registry import facts as registers
from teledeclaration.settings import Settings

Figures = Literal["reference", "copy", "none", "periodic"]
"""Last year's figures: beside, for reference; also copied into the cells to be filled; or left out. Or, of an annual
declaration, those of the year's own periodic declarations, filled in."""

_IN_MEMORY_BYTES = 8 << 20


@dataclass(frozen=True)
class WantedTemplate:
    """What was asked for; `centre` may be left out by an employer with one payment centre.

    `year` and `period`: of the form's kind, or None for the usual one.
    """

    form: FormName
    year: int | None
    period: str | None
    centre: str | None
    language: Language
    figures: Figures
    blank: bool


@dataclass(frozen=True)
class MadeTemplate:
    """The workbook in a file without a name, at its beginning, and the period it is for."""

    file: IO[bytes]
    period: Period


async def make_template(
    pool: Pool, settings: Settings, legislation: Legislation, caller: Caller, wanted: WantedTemplate, *, today: date
) -> MadeTemplate:
    """The workbook wanted; blank for who acts for no employer.

    CentreNeeded where the employer has several payment centres and none was named, PeriodUnknown or WrongPeriodicity
    where the period is none of the employer's.
    """
    form = FORMS[wanted.form]
    nobody = caller.employer is None or caller.employer_id == FUND_EMPLOYER_ID
    if wanted.blank or nobody:
        period = await _period(pool, None if nobody else caller.employer_id, wanted, today)
        stamp = stamp_for(form, period, wanted.language, today=today)
        template = blank_template(form, stamp, period, legislation)
        return MadeTemplate(await asyncio.to_thread(_written, template), period)
    period = await _period(pool, caller.employer_id, wanted, today)
    known = await _known(pool, caller.employer_id, wanted, period, legislation)
    template = blank_template(form, stamp_for(form, period, wanted.language, today=today), period, legislation)
    return MadeTemplate(await asyncio.to_thread(_prefilled, known, template, wanted, legislation, settings), period)


async def _period(pool: Pool, employer_id: int | None, wanted: WantedTemplate, today: date) -> Period:
    """What is to be declared: a year, or a month or quarter as the employer declares; one that goes on may be begun."""
    if not FORMS[wanted.form].of_a_period:
        return Year(wanted.year or (today.year - 1 if wanted.form == "annual" else today.year))
    if employer_id is None:
        return any_period(wanted.period, today)
    async with transaction(pool, job("template", employer_id)) as connection:
        return await chosen_period(connection, employer_id, wanted.centre, wanted.period, today)


@dataclass(frozen=True)
class _Known:
    """What the registers and the declarations know of an employer's people at one payment centre.

    `declared` is what was declared for `last`, a year or a period.
    """

    employer: EmployerFacts
    centre: str
    period: Period
    employees: pl.DataFrame
    declared: pl.DataFrame
    last: int | str | None
    ever_employed: pl.Series


async def _known(
    pool: Pool, employer_id: int, wanted: WantedTemplate, period: Period, legislation: Legislation
) -> _Known:
    async with transaction(pool, job("template", employer_id)) as connection:
        centre = await chosen_centre(connection, employer_id, wanted.centre)
        centres = await employers.payment_centres(connection, employer_id)
        employees = await employees_known(
            connection,
            employer_id,
            first_day=period.first_day,
            last_day=period.last_day,
            centres=[centre, None] if len(centres) == 1 else [centre],
        )
        if wanted.figures == "periodic" and isinstance(period, Year):
            of_year: dict[str, Any] = {"employer_id": employer_id, "centre": centre, "year": period.year}
            last, declared = None, await prepare_annual_frame(connection, legislation, **of_year)
        else:
            last, declared = await _declared(connection, employer_id, centre, period)
        declared, ever_employed = await _under_current_numbers(connection, employer_id, employees, declared)
        employer = await employers.employer_by_id(connection, employer_id)
    return _Known(employer, centre, period, employees, declared, last, ever_employed)


async def _declared(
    connection: Connection, employer_id: int, centre: str, period: Period
) -> tuple[int | str | None, pl.DataFrame]:
    """What was declared before: for the year before, or for the latest period of the last twelve months."""
    of: dict[str, Any] = {"employer_id": employer_id, "centre": centre}
    if isinstance(period, Year):
        year = period.year - 1
        return year, await declarations.select_declared_frame(connection, **of, form="annual", year=year)
    last = await former_periods.select_last_period(connection, **of, among=_before(period))
    if last is None:
        return None, pl.DataFrame(schema=former_periods.PERIOD_SCHEMA | _SPELL)
    declared = await former_periods.select_period_frame(connection, **of, period=last)
    return last, declared.with_columns(pl.lit(None, kind).alias(name) for name, kind in _SPELL.items())


_SPELL: dict[str, type[pl.DataType]] = {"entry_date": pl.Date, "exit_date": pl.Date}


def _before(period: Month | Quarter) -> list[str]:
    """The codes of the periods of the twelve months before."""
    if isinstance(period, Month):
        whole = [Month(year, number) for year in (period.year - 1, period.year) for number in range(1, 13)]
        return [month.code for month in whole if month < period][-12:]
    return [
        quarter.code for year in (period.year - 1, period.year) for quarter in Year(year).quarters if quarter < period
    ][-4:]


async def _under_current_numbers(
    connection: Connection, employer_id: int, employees: pl.DataFrame, declared: pl.DataFrame
) -> tuple[pl.DataFrame, pl.Series]:
    """What was declared, of people whose number changed since too; and who was ever employed here, of those asked."""
    others = declared.join(employees, on="nss", how="anti")["nss"].drop_nulls().unique()
    if others.is_empty():
        return declared, employees["nss"]
    known = await registers.known_people_frame(connection, others.to_list())
    ever = await employments_known(connection, employer_id)
    return with_current_numbers(declared, known), ever["nss"]


def _prefilled(
    known: _Known, template: Template, wanted: WantedTemplate, legislation: Legislation, settings: Settings
) -> IO[bytes]:
    employer = known.employer
    stamp = msgspec.structs.replace(template.stamp, employer_number=employer.number, centre=known.centre)
    stamp = msgspec.structs.replace(stamp, signature=documents.sign_template(stamp.message, settings))
    rows, last = _rows(known, template, wanted, legislation)
    name = (employer.name_ar or employer.name) if stamp.language == "ar" else employer.name
    return _written(replace(template, stamp=stamp, employer_name=name, rows=rows, last=last, last_year=known.last))


def _rows(
    known: _Known, template: Template, wanted: WantedTemplate, legislation: Legislation
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """The rows with what is known beforehand, and what is shown beside them."""
    form, declared = template.form, known.declared
    if form.name == "totals":
        return _rate_lines(known, template, wanted, legislation)
    rows = known_rows(known.employees, declared.filter(pl.col("last_name").is_not_null()), known.ever_employed)
    if form.name == "movements" or not declared.height:
        return rows, None
    figures = [name for time in form.times for name in time]
    kept = [column.name for column in form.columns if column.prefilled and column.name not in rows.columns]
    if kept:
        rows = rows.hstack(with_called_categories(declared_for(rows, declared, kept), template.language))
    if wanted.figures == "none":
        return rows, None
    if known.last is None:
        return rows.hstack(declared_for(rows, declared, figures)), None
    shown = [*figures, *(column.name for column in form.columns if column.result)]
    last = declared_for(rows, declared, shown)
    return (rows.hstack(last.select(figures)) if wanted.figures == "copy" else rows), last


def _rate_lines(
    known: _Known, template: Template, wanted: WantedTemplate, legislation: Legislation
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """The codes in force with what they are, and what was declared under them."""
    rows, labels = template.rows, template.last
    if wanted.figures == "none" or not known.declared.height:
        return rows, labels
    sums = known.declared.group_by("rate_category").agg(pl.col("amount", "workers").sum())
    totals = {category: Total(base, workers) for category, base, workers in sums.iter_rows()}
    said = by_code(totals, codes_of(legislation.on(known.period.first_day)))
    frame = pl.DataFrame(
        [{"code": code, "amount": total.base, "workers": total.workers} for code, total in said.items()],
        schema={"code": pl.String, "amount": pl.Int64, "workers": pl.Int32},
    )
    last = rows.select("code").join(frame, on="code", how="left", maintain_order="left").drop("code")
    rows = rows.hstack(last) if wanted.figures == "copy" else rows
    return rows, last if labels is None else labels.hstack(last)


def _written(template: Template) -> IO[bytes]:
    file = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115  # whoever sends it closes it
    write_template(template, file)
    file.seek(0)
    return file


def judge_of_stamps(settings: Settings) -> Signed | None:
    """Whether a template's stamp was signed here; None on an installation without a seal, which cannot say."""
    if not settings.seal_certificate:
        return None
    return lambda stamp: documents.is_our_template(stamp.message, stamp.signature or "", settings)
