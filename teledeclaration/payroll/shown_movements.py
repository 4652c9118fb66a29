"""Movements and employments as a reader is shown them."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec
import polars as pl

from schemas.findings import Finding
from schemas.movements import Employment, Movement, MovementState
from teledeclaration.intake.report import findings_in_words
from teledeclaration.languages import Language
from teledeclaration.payroll.queries.movements import MovementRow

_NAME_OF = {"movement": "kind"}
"""What a field of the form is called in what is sent and shown."""


def show_movement(row: MovementRow) -> Movement:
    shown = {name: getattr(row, name) for name in Movement.__struct_fields__ if hasattr(row, name)}
    return Movement(
        **shown
        | {
            "hours_a_week": None if row.hours_a_week is None else float(row.hours_a_week),
            "state": _state(row),
            "told_on": row.legal_day,
            "told_late": row.tell_by is not None and row.legal_day > row.tell_by,
        }
    )


def _state(row: MovementRow) -> MovementState:
    if row.withdrawn:
        return "withdrawal"
    if row.taken_back:
        return "withdrawn"
    return "in_force" if row.replaced_by is None else "corrected"


def show_findings(findings: pl.DataFrame, language: Language) -> list[Finding]:
    """What is found in movements sent by REST, at their JSON pointers."""
    return [_at_pointer(finding) for finding in findings_in_words(findings, language)]


def _at_pointer(finding: Finding) -> Finding:
    place = f"/movements/{(finding.line_number or 1) - 1}"
    field = _NAME_OF.get(finding.field or "", finding.field)
    return msgspec.structs.replace(
        finding, field=field, row=None, line_number=None, pointer=f"{place}/{field}" if field else place
    )


def show_employments(spells: pl.DataFrame) -> list[Employment]:
    """Spells (see `law.employment`) with `employee`, their names as they may be shown."""
    return [_employment(spell) for spell in spells.iter_rows(named=True)]


def _employment(spell: dict[str, Any]) -> Employment:
    shown = {name: spell[name] for name in Employment.__struct_fields__}
    ids: Iterable[str] = ("entry_movement", "exit_movement")
    return Employment(
        **shown
        | {name: None if spell[name] is None else UUID(spell[name]) for name in ids}
        | {"hours_a_week": None if spell["hours_a_week"] is None else float(spell["hours_a_week"])}
    )
