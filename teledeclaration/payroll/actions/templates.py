"""Making a template: what is known of an employer's people and their last year, or nothing, in a signed workbook.

Only the employer's own people are asked of the registers, as a job of the platform: members themselves read
nobody's record.
"""

import asyncio
import tempfile
from dataclasses import dataclass
from datetime import date
from typing import IO, Literal

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
from teledeclaration.intake.templates.layout import LawFigure, Template
from teledeclaration.intake.templates.marks import VERSION, TemplateMark
from teledeclaration.intake.templates.workbook import write_template
from teledeclaration.languages import Language
from teledeclaration.legislation import Legislation
from teledeclaration.payroll.actions.drafts import chosen_centre
from teledeclaration.payroll.queries import declarations
from teledeclaration.payroll.templates import declared_for, known_rows, law_figures, with_current_numbers
from teledeclaration.periods import Year
from teledeclaration.registry import facts as registers
from teledeclaration.settings import Settings

Figures = Literal["reference", "copy", "none"]
"""Last year's figures: beside, for reference; also copied into the cells to be filled; or left out."""

_IN_MEMORY_BYTES = 8 << 20


@dataclass(frozen=True)
class WantedTemplate:
    """What was asked for; `centre` may be left out by an employer with one payment centre."""

    form: FormName
    year: int
    centre: str | None
    language: Language
    figures: Figures
    blank: bool


async def make_template(
    pool: Pool, settings: Settings, legislation: Legislation, caller: Caller, wanted: WantedTemplate, *, today: date
) -> IO[bytes]:
    """The workbook in a file without a name, at its beginning; blank for who acts for no employer.

    CentreNeeded where the employer has several payment centres and none was named.
    """
    law = law_figures(wanted.form, wanted.year, legislation, wanted.language)
    mark = TemplateMark(form=wanted.form, version=VERSION, language=wanted.language, year=wanted.year, issued_on=today)
    if wanted.blank or caller.employer is None or caller.employer_id == FUND_EMPLOYER_ID:
        return await asyncio.to_thread(_written, Template(form=FORMS[wanted.form], mark=mark, law=law))
    known = await _known(pool, caller.employer_id, wanted)
    return await asyncio.to_thread(_prefilled, known, mark, law, wanted, settings)


@dataclass(frozen=True)
class _Known:
    """What the registers and the declarations know of an employer's people at one payment centre."""

    employer: EmployerFacts
    centre: str
    employees: pl.DataFrame
    declared: pl.DataFrame
    ever_employed: pl.Series


async def _known(pool: Pool, employer_id: int, wanted: WantedTemplate) -> _Known:
    year = Year(wanted.year)
    async with transaction(pool, job("template", employer_id)) as connection:
        centre = await chosen_centre(connection, employer_id, wanted.centre)
        centres = await employers.payment_centres(connection, employer_id)
        employees = await registers.employees_frame(
            connection,
            employer_id,
            first_day=year.first_day,
            last_day=year.last_day,
            centres=[centre, None] if len(centres) == 1 else [centre],
        )
        declared = await declarations.select_declared_frame(
            connection, employer_id=employer_id, form="annual", centre=centre, year=wanted.year - 1
        )
        declared, ever_employed = await _under_current_numbers(connection, employer_id, employees, declared)
        employer = await employers.employer_by_id(connection, employer_id)
    return _Known(employer, centre, employees, declared, ever_employed)


async def _under_current_numbers(
    connection: Connection, employer_id: int, employees: pl.DataFrame, declared: pl.DataFrame
) -> tuple[pl.DataFrame, pl.Series]:
    """What was declared, of people whose number changed since too; and who was ever employed here, of those asked."""
    others = declared.join(employees, on="nss", how="anti")["nss"].drop_nulls().unique()
    if others.is_empty():
        return declared, employees["nss"]
    known = await registers.known_people_frame(connection, others.to_list())
    ever = await registers.employments_frame(connection, employer_id)
    return with_current_numbers(declared, known), ever["nss"]


def _prefilled(
    known: _Known, mark: TemplateMark, law: tuple[LawFigure, ...], wanted: WantedTemplate, settings: Settings
) -> IO[bytes]:
    form = FORMS[wanted.form]
    declared = known.declared
    rows = known_rows(known.employees, declared, known.ever_employed)
    last = None
    if wanted.figures != "none" and wanted.form == "annual" and declared.height:
        figures = [column.name for column in form.columns if column.quarter or column.result]
        last = declared_for(rows, declared, figures)
        if wanted.figures == "copy":
            rows = rows.hstack(last.select(column.name for column in form.columns if column.quarter))
    employer = known.employer
    mark = msgspec.structs.replace(mark, employer_number=employer.number, centre=known.centre)
    mark = msgspec.structs.replace(mark, signature=documents.sign_template(mark.message, settings))
    return _written(
        Template(
            form=form,
            mark=mark,
            employer_name=(employer.name_ar or employer.name) if mark.language == "ar" else employer.name,
            rows=rows,
            last=last,
            last_year=wanted.year - 1,
            law=law,
        )
    )


def _written(template: Template) -> IO[bytes]:
    file = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115  # whoever sends it closes it
    write_template(template, file)
    file.seek(0)
    return file


def judge_of_marks(settings: Settings) -> Signed | None:
    """Whether a template's mark was signed here; None on an installation without a seal, which cannot say."""
    if not settings.seal_certificate:
        return None
    return lambda mark: documents.is_our_template(mark.message, mark.signature or "", settings)
