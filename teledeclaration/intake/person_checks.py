"""Checks that any form with a person in it makes: the number, the names, the birth."""

from datetime import date

import msgspec
import polars as pl

from schemas.findings import Severity
from teledeclaration.intake.casting import nss_key
from teledeclaration.intake.checks import Check, blank


class AgeRules(msgspec.Struct, frozen=True, kw_only=True):
    """Ages at the end of the year: outside `possible` is an error, outside `usual` a doubt. In whole years."""

    possible: tuple[int, int] = (12, 115)
    usual: tuple[int, int] = (15, 90)


def person_checks(last_day: date, ages: AgeRules) -> tuple[Check, ...]:
    """`last_day`: the last day the file can speak of; nobody is born after it."""
    return (*_nss_checks(), *_name_checks(), *_birth_checks(last_day, ages))


def _nss_checks() -> tuple[Check, ...]:
    nss = pl.col("nss")
    key = nss_key(nss)
    written_key = nss.str.slice(10, 2).cast(pl.Int16, strict=False)
    right = nss.str.slice(0, 10) + key.cast(pl.String).str.zfill(2)
    born = pl.col("birth_date").dt.year() % 100
    years = nss.str.slice(0, 2).cast(pl.Int32, strict=False)
    requested = pl.col("number_requested").fill_null(value=False)
    return (
        Check("nss_missing", Severity.ERROR, field="nss", when=blank("nss") & ~requested),
        Check("number_requested", Severity.CONFIRM, field="nss", when=blank("nss") & requested),
        Check("nss_key", Severity.CONFIRM, field="nss", when=key != written_key,
              expected=key.cast(pl.String).str.zfill(2), proposed=right),
        Check("year_of_birth_differs", Severity.CONFIRM, field="nss", when=born != years,
              expected=born.cast(pl.String).str.zfill(2)),
    )  # fmt: skip


def _name_checks() -> tuple[Check, ...]:
    checks = []
    for field in ("last_name", "first_name"):
        checks.append(Check("name_missing", Severity.ERROR, field=field, when=blank(field)))
        checks.append(
            Check("name_odd", Severity.CONFIRM, field=field, when=pl.col(field).str.contains(r"[\d@#?*!=<>%&]"))
        )
    return tuple(checks)


def _birth_checks(last_day: date, ages: AgeRules) -> tuple[Check, ...]:
    birth = pl.col("birth_date")
    age = last_day.year - birth.dt.year()
    impossible = (birth > last_day) | ~age.is_between(*ages.possible)
    return (
        Check("birth_missing", Severity.ERROR, field="birth_date", when=blank("birth_date")),
        Check("birth_impossible", Severity.ERROR, field="birth_date", when=impossible),
        Check("birth_unlikely", Severity.CONFIRM, field="birth_date", when=~impossible & ~age.is_between(*ages.usual)),
    )
