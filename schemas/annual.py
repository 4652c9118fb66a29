"""The annual nominative declaration (DAS)."""

from datetime import date
from typing import Literal

import msgspec

Unit = Literal["J", "H", "M"]
DeclarationType = Literal["N", "C", "R"]


class AnnualLine(msgspec.Struct, frozen=True, kw_only=True):
    """One employment in one year: durations by quarter and bases in centimes.

    Units: J days, H hours, M months. `annual_amount` is the sum of the four quarters. `nss` is None for
    someone who has no number yet.
    """

    nss: str | None
    last_name: str
    first_name: str
    birth_date: date | None = None
    q1_duration: int | None = None
    q1_unit: Unit | None = None
    q1_amount: int = 0
    q2_duration: int | None = None
    q2_unit: Unit | None = None
    q2_amount: int = 0
    q3_duration: int | None = None
    q3_unit: Unit | None = None
    q3_amount: int = 0
    q4_duration: int | None = None
    q4_unit: Unit | None = None
    q4_amount: int = 0
    annual_amount: int = 0
    entry_date: date | None = None
    exit_date: date | None = None
    observation: str = ""


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over the lines, in centimes."""

    quarters: tuple[int, int, int, int]
    annual: int
