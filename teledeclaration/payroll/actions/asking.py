"""What a check of a draft's lines leans on: the rules of its form and period, whose it is, and the open categories."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from schemas.employers import EmployerFacts
from schemas.legislation import GENERAL
from teledeclaration.intake.forms import FORMS
from teledeclaration.intake.templates.coming_back import Signed
from teledeclaration.legislation import Legislation, Values
from teledeclaration.payroll.actions.reading import Asked
from teledeclaration.payroll.checks import Sector, of_a_complement, rules_of_forms
from teledeclaration.payroll.law.simulation import INCLUDED, pay_element_kinds
from teledeclaration.payroll.queries.drafts import DraftRow
from teledeclaration.periods import Period, Year, parse_period

BUILDING = "building"
"""The rate category of the building sector's workers, who have a line more (R38)."""


def asked_for(
    draft: DraftRow,
    employer: EmployerFacts,
    legislation: Legislation,
    *,
    today: date,
    signed: Signed | None = None,
    people_asked_for: pl.DataFrame | None = None,
) -> Asked:
    """What a check of this draft is asked."""
    form, period = FORMS[draft.form], parse_period(draft.period)
    values = values_for(legislation, period)
    rules = rules_of_forms(legislation, Sector.of(employer))[form.name](period)
    return Asked(
        rules=of_a_complement(rules) if draft.type == "C" else rules,
        form=form,
        period=period,
        today=today,
        employer_number=employer.number,
        open_categories=frozenset(values.enabled_categories()),
        usual_category=(BUILDING if employer.building_sector else GENERAL) if form.of_everyone else None,
        centre=draft.centre,
        everyone=draft.type != "C",
        signed=signed,
        people_asked_for=people_asked_for,
        pay_elements=counted_elements(values) if form.name == "periodic" else {},
        law=legislation,
    )


def values_for(legislation: Legislation, period: Period) -> Values:
    """The law that a declaration of a period is checked by: of a year that of its last day, as its quarters differ."""
    return legislation.on(period.last_day if isinstance(period, Year) else period.first_day)


def counted_elements(values: Values) -> Mapping[str, bool]:
    """Every kind of pay that the law knows, and whether it counts in the base."""
    return {kind: law.key == INCLUDED for kind, law in pay_element_kinds(values).items()}
