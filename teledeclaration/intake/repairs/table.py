"""The table of repairs: which findings each answers, what it reads, and the only fields it may change.

Adding one: a function in this package, a row here, its words in `words/repairs.toml`, a table of examples in
`tests/intake/test_repairs.py`.
"""

from collections.abc import Mapping

from teledeclaration.intake.repairs.amounts import (
    EVERY_AMOUNT,
    LOOK_LIKE_CENTIMES,
    accept_rounding,
    centimes,
    centimes_offered,
)
from teledeclaration.intake.repairs.dates import DATE_CODES, DATE_FIELDS, month_first, month_first_offered
from teledeclaration.intake.repairs.people import (
    NAMES,
    lost_zeros,
    request_numbers,
    swapped_names,
    swapped_names_offered,
)
from teledeclaration.intake.repairs.presence import leave_out_errors, take_back, take_back_offered
from teledeclaration.intake.repairs.repair import ALL, TOLD, Repair, told_only
from teledeclaration.intake.repairs.values import (
    ACCEPTED_FIELDS,
    SAFE_TO_ACCEPT,
    UNIT_FIELDS,
    accept_proposed,
    one_unit,
)

_UNITS = ("J", "H", "M")

_TABLE = (
    Repair(
        name="month_first",
        why_safe="what cannot be read day first has no other reading; a column is exchanged only where no date of it"
        " has a day above 12",
        codes=frozenset(DATE_CODES),
        reads=DATE_FIELDS,
        changes=DATE_FIELDS,
        choices=(TOLD, ALL),
        whole=frozenset({ALL}),
        apply=month_first,
        offered=month_first_offered,
    ),
    Repair(
        name="centimes",
        why_safe="a division by a hundred without a rest; lines with centimes of their own are left alone",
        codes=frozenset({"amount_implausible", LOOK_LIKE_CENTIMES}),
        reads=EVERY_AMOUNT,
        changes=EVERY_AMOUNT,
        choices=(TOLD, ALL),
        whole=frozenset({ALL}),
        apply=centimes,
        offered=centimes_offered,
    ),
    Repair(
        name="accept_rounding",
        why_safe="the amounts count as rounded already; the year's follows its quarters by five centimes at most",
        codes=frozenset({"amount_rounded", "annual_rounded"}),
        reads=EVERY_AMOUNT,
        changes=EVERY_AMOUNT,
        apply=accept_rounding,
        offered=told_only(accept_rounding),
    ),
    Repair(
        name="swapped_names",
        why_safe="the register's names agree when exchanged; for all lines, the user has seen the preview",
        codes=frozenset({"names_swapped"}),
        reads=NAMES,
        changes=NAMES,
        choices=(TOLD, ALL),
        whole=frozenset({ALL}),
        apply=swapped_names,
        offered=swapped_names_offered,
    ),
    Repair(
        name="lost_zeros",
        why_safe="only where the key or the year of birth agrees with the number so made",
        codes=frozenset({"nss_length"}),
        reads=("nss", "birth_date"),
        changes=("nss",),
        apply=lost_zeros,
        offered=told_only(lost_zeros),
    ),
    Repair(
        name="request_numbers",
        why_safe="nothing of the line changes; names and birth, which a number is asked for by, are there",
        codes=frozenset({"nss_missing", "nss_not_a_number"}),
        reads=("nss", *NAMES, "birth_date", "number_requested"),
        changes=("nss", "number_requested"),
        apply=request_numbers,
        offered=told_only(request_numbers),
    ),
    Repair(
        name="one_unit",
        why_safe="the user says the unit; only cells without a known one take it",
        codes=frozenset({"unit_missing", "unit_unknown"}),
        reads=UNIT_FIELDS,
        changes=UNIT_FIELDS,
        choices=_UNITS,
        apply=one_unit,
        offered=told_only(one_unit, _UNITS),
    ),
    Repair(
        name="accept_proposed",
        why_safe="by code: see SAFE_TO_ACCEPT",
        codes=frozenset(SAFE_TO_ACCEPT),
        reads=ACCEPTED_FIELDS,
        changes=ACCEPTED_FIELDS,
        apply=accept_proposed,
        offered=told_only(accept_proposed),
    ),
    Repair(
        name="leave_out_errors",
        why_safe="a line left out is not filed, and can be taken back",
        codes=frozenset(),
        reads=(),
        changes=("left_out",),
        apply=leave_out_errors,
        offered=told_only(leave_out_errors),
    ),
    Repair(
        name="take_back",
        why_safe="the way back from `leave_out_errors`",
        codes=frozenset(),
        reads=(),
        changes=("left_out",),
        whole=frozenset({None}),
        apply=take_back,
        offered=take_back_offered,
    ),
)

REPAIRS: Mapping[str, Repair] = {repair.name: repair for repair in _TABLE}
"""Every repair by its name."""

OF_NO_CAUSE = ("leave_out_errors", "take_back", "swapped_names", "month_first")
"""Repairs that may be asked for without a cause: of all errors, of all dates, or because the user knows their file."""


def repairs_for(code: str) -> tuple[Repair, ...]:
    """The repairs that answer a code."""
    return tuple(repair for repair in _TABLE if code in repair.codes)
