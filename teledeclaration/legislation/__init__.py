"""The dated law as data: one folder a fund, one TOML page a key.

    values = load("cnas").on(date(2025, 1, 1))
    values.number("rates.retirement.employee")     Decimal("0.0675")
    values.reference("rates.retirement.employee")  its text, and how sure it is

Nothing outside this folder knows a rate, a threshold, a legal date or a decree.
"""

from teledeclaration.legislation.dated import (
    CategoryInForce,
    Legislation,
    LineInForce,
    PartInForce,
    Values,
    fingerprint,
    load,
)
from teledeclaration.legislation.errors import InvalidLegislation, NotInForce

__all__ = [
    "CategoryInForce",
    "InvalidLegislation",
    "Legislation",
    "LineInForce",
    "NotInForce",
    "PartInForce",
    "Values",
    "fingerprint",
    "load",
]
