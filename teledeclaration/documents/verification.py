"""The public door: what anyone with a document's code is told, as data and as a page.

Just enough to compare with the paper: kind, number, dates, the employer's name masked in part. Never
an amount, an employee, who filed, or the employer's number.
"""

from datetime import date, datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from schemas.documents import DocumentStatus, FilingReceipt, Verification, VerificationStatus
from teledeclaration.clock import legal_day
from teledeclaration.documents.codes import grouped
from teledeclaration.documents.pdf import count
from teledeclaration.languages import LANGUAGES, Language, period_in_words, say

UNKNOWN = Verification(status="unknown")
MISTYPED = Verification(status="mistyped")

_LANGUAGE_NAMES: dict[Language, str] = {"fr": "Français", "ar": "العربية", "en": "English"}
_HIDDEN = "•••"
_WORDS = ("title", "introduction", "code", "hint", "submit", "again", "languages", "skip", "privacy")


def receipt_verification(
    receipt: FilingReceipt, *, status: DocumentStatus, time_zone: str, revoked_at: datetime | None = None
) -> Verification:
    """What the public is told of a filing receipt. Days are legal days in `time_zone`.

    The register vouches for the fact, not the seal on the file: a receipt still waiting for its seal is valid.
    """
    return Verification(
        status=_public_status(receipt, status),
        code=receipt.code,
        kind="filing_receipt",
        number=receipt.number,
        issued_on=legal_day(receipt.filed_at, time_zone),
        employer_masked=masked(receipt.employer_name),
        employer_masked_ar=masked(receipt.employer_name_ar) or None,
        form=receipt.form,
        year=receipt.year,
        period=receipt.period,
        declaration_type=receipt.declaration_type,
        line_count=receipt.line_count,
        revoked_on=legal_day(revoked_at, time_zone) if revoked_at and status == "revoked" else None,
    )


def masked(name: str) -> str:
    """A name of which one who knows it recognises the beginnings of words, and no one else learns it.

    Two letters stay of a word, four after the Arabic article; the hidden part always looks as long.
    """
    return " ".join(_masked_word(word) for word in name.split())


def verification_context(
    verification: Verification | None, language: Language, *, typed: str = "", fund_name: str = ""
) -> dict[str, Any]:
    """What `verify.html` needs; None shows the bare form. `typed` stands in the form again, to be mended."""
    return {
        "language": language,
        "direction": "rtl" if language == "ar" else "ltr",
        "languages": [(name, _LANGUAGE_NAMES[name]) for name in LANGUAGES],
        "fund_name": fund_name,
        "words": {word: say(f"verify.{word}", language) for word in _WORDS},
        "typed": typed,
        "code": verification.code if verification else None,
        "result": None if verification is None else _result(verification, language),
    }


def render_verification(context: dict[str, Any], *, stylesheet: str, address: str) -> str:
    """The page. `stylesheet` is where `static/verify.css` is served; `address` is the form's, such as `/v`.

    The form asks `address?code=…&lang=…`; a document's own page is `address/{code}?lang=…`.
    """
    template = _environment().get_template("verify.html")
    return template.render(**context, stylesheet=stylesheet, address=address)


def _public_status(receipt: FilingReceipt, status: DocumentStatus) -> VerificationStatus:
    if receipt.test:
        return "test"
    return "revoked" if status == "revoked" else "valid"


def _masked_word(word: str) -> str:
    shown = 4 if word.startswith("ال") else 2
    return word if len(word) <= 2 else word[: min(shown, len(word) - 1)] + _HIDDEN


def _result(verification: Verification, language: Language) -> dict[str, Any]:
    return {
        "status": verification.status,
        "title": say(f"verify.status.{verification.status}", language),
        "meaning": say(f"verify.meaning.{verification.status}", language),
        "facts": _facts(verification, language),
    }


def _facts(verification: Verification, language: Language) -> list[tuple[str, str, str]]:
    """Name, label and value of what the page lists, in its order; what is not known is not listed."""
    employer = verification.employer_masked
    if language == "ar" and verification.employer_masked_ar:
        employer = verification.employer_masked_ar
    declaration_type = verification.declaration_type
    listed = {
        "kind": verification.kind and say(f"document.kind.{verification.kind}", language),
        "number": verification.number,
        "issued_on": _day(verification.issued_on),
        "revoked_on": _day(verification.revoked_on),
        "employer": employer,
        "form": verification.form and say(f"document.form.{verification.form}", language),
        "year": None if verification.year is None or verification.period else str(verification.year),
        "period": verification.period and period_in_words(verification.period, language),
        "declaration_type": declaration_type and say(f"document.type.{declaration_type}", language),
        "line_count": None if verification.line_count is None else count(verification.line_count),
        "code": verification.code and grouped(verification.code),
    }
    return [(name, say(f"verify.fact.{name}", language), value) for name, value in listed.items() if value]


def _day(day: date | None) -> str | None:
    return None if day is None else f"{day:%d/%m/%Y}"


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("teledeclaration.documents", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
