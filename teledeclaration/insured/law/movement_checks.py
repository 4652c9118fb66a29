"""What a file of movements must satisfy: who, entry or exit or change, on which day, why."""

from datetime import date
from functools import cache

import polars as pl

from schemas.findings import Severity
from teledeclaration.intake.checks import Check, Rules, blank
from teledeclaration.intake.forms import by_word, synonyms
from teledeclaration.intake.person_checks import AgeRules, person_checks
from teledeclaration.periods import Year

_AGE_AT_ENTRY_MIN = 14
_REQUIRED = dict.fromkeys(("nss", "last_name", "first_name", "birth_date", "movement", "date"), Severity.ERROR)


@cache
def movement_checks(year: int) -> Rules:
    """The checks of the movements of `year`."""
    day, birth = pl.col("date"), pl.col("birth_date")
    last_day = Year(year).last_day
    young = day.dt.year() - birth.dt.year() < _AGE_AT_ENTRY_MIN
    checks = (
        *person_checks(last_day, AgeRules()),
        Check("movement_missing", Severity.ERROR, field="movement", when=blank("movement")),
        Check("date_missing", Severity.ERROR, field="date", when=blank("date")),
        Check("date_too_young", Severity.CONFIRM, field="date", when=young & (birth <= last_day)),
        Check("date_unlikely", Severity.CONFIRM, field="date", when=~day.is_between(*_likely(year))),
        Check("reason_unlikely", Severity.CONFIRM, field="reason", when=_reason_of_another_kind()),
    )
    return Rules(checks=checks, between_rows=(repeated_movements,), required=_REQUIRED)


def _likely(year: int) -> tuple[date, date]:
    """Movements are told within days; a year on each side is more than late or early."""
    return date(year - 1, 1, 1), date(year + 1, 12, 31)


def _reason_of_another_kind() -> pl.Expr:
    """An entry with a reason to leave, or an exit with a reason to come."""
    reasons = by_word(synonyms().reasons)
    plain = pl.col("reason").str.to_lowercase().str.strip_chars()
    kind = plain.replace_strict({**reasons, **_as_written()}, default=None, return_dtype=pl.String)
    return pl.col("movement").is_in(["entry", "exit"]) & (kind != pl.col("movement"))


def _as_written() -> dict[str, str]:
    return {word.lower(): kind for kind, words in synonyms().reasons.items() for word in words}


def repeated_movements(lines: pl.DataFrame) -> pl.DataFrame:
    """`movement_duplicate`: the same person, movement and day twice; `expected` names the rows."""
    same = pl.struct("nss", "movement", "date").is_duplicated()
    twice = lines.filter(pl.col("nss").is_not_null() & pl.col("date").is_not_null() & same)
    if not twice.height:
        return pl.DataFrame()
    place = pl.coalesce("row", "line_number").cast(pl.String)
    return twice.select(
        "line_number",
        "row",
        field=pl.lit("nss"),
        seen=pl.col("nss"),
        code=pl.lit("movement_duplicate"),
        severity=pl.lit(Severity.CONFIRM.value),
        expected=place.str.join(", ").over("nss", "movement", "date"),
    )
