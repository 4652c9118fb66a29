"""What a legal value is, how sure we are of it, and how it is cited where it was used."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

import msgspec

Branch = str
"""A branch of social security, named by the fund's own folder: `social_insurance`, `retirement` …"""

RateCategory = str
"""Which rate lines an employment falls under, named by the fund's own folder: `general`, `building` …"""

GENERAL: RateCategory = "general"


class Payer(StrEnum):
    """On whose account a share of a contribution stands; the employer hands over all of them."""

    EMPLOYER = "employer"
    EMPLOYEE = "employee"
    SOCIAL_WORKS = "social_works"


class Confidence(StrEnum):
    """How sure a legal value is, from the surest to the least."""

    TWO_SOURCES = "S2"
    ONE_SOURCE = "S"
    INFERRED = "I"
    BACKGROUND = "B"


class Unit(StrEnum):
    """What a legal value counts."""

    RATIO_OF_BASE = "ratio of the base"
    RATIO_OF_EMPLOYER_SHARE = "ratio of the employer's share"
    RATIO_OF_CONTRIBUTIONS = "ratio of the contributions"
    RATIO_OF_PENALTY = "ratio of the penalty"
    RATIO_OF_DEBT = "ratio of the debt"
    RATIO_A_MONTH = "ratio a month"
    DINARS = "dinars"
    DINARS_A_WORKER = "dinars a worker"
    DINARS_A_MONTH = "dinars a month"
    DINARS_AN_HOUR = "dinars an hour"
    HOURS_A_MONTH = "hours a month"
    DAYS_A_MONTH = "days a month"
    HOURS_A_DAY = "hours a day of the quarter"
    DAYS_A_DAY = "days a day of the quarter"
    HOURS_A_QUARTER = "hours a quarter"
    MONTHS_A_QUARTER = "months a quarter"
    HOURS = "hours"
    HOURS_A_WEEK = "hours a week"
    DAYS = "days"
    MONTHS = "months"
    YEARS = "years"
    EMPLOYEES = "employees"
    INSTALMENTS = "instalments"
    YES_OR_NO = "yes or no"
    DAYS_OF_THE_WEEK = "days of the week"
    DAYS_OF_THE_YEAR = "days of the year"
    DATES = "dates"
    WORDS = "words"
    RATE_CATEGORY = "rate category"


class LegalReference(msgspec.Struct, frozen=True, kw_only=True):
    """A legal value as it was in force when it was used: enough to answer "why this amount".

    `key` names its page in the fund's folder (`rates.retirement.employee`); `value` is its canonical
    text (of a rate line: the total, then the keys it is composed of); `to_be_confirmed` is said wherever the
    value is shown.
    """

    key: str
    label: str
    unit: Unit
    value: str
    valid_from: date
    reference: str
    confidence: Confidence
    to_be_confirmed: bool = False
    note: str | None = None
    link: str | None = None


class LaterValue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value an administrator adds after the release, for a key that already has its page.

    `entry` has the fields of one `[[values]]` table of that page; numbers stand in quotation marks.
    """

    key: str
    entry: dict[str, object]


class Addition(msgspec.Struct, frozen=True, kw_only=True):
    """By whom a value came into the law after the release: proposed by one administrator, accepted by another."""

    proposal_id: UUID
    proposed_by: str
    accepted_by: str
    accepted_at: datetime
