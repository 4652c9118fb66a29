"""Sealed documents: the facts each kind states, and what the public is told of one."""

from datetime import date, datetime
from typing import Literal

import msgspec

from schemas.annual import DeclarationType

DocumentKind = Literal["filing_receipt"]
DocumentStatus = Literal["to_seal", "sealed", "revoked"]
Form = Literal["annual", "periodic"]

VerificationStatus = Literal["valid", "revoked", "test", "unknown", "mistyped"]
"""`test` is a genuine document of a test employer: it has no value, so it is never called valid."""


class CodeBase(msgspec.Struct, frozen=True):
    """The base declared under one code, in centimes."""

    code: str
    base: int


class FilingReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """What the receipt of a filed declaration states, stored as facts with the document.

    Amounts are bases in centimes; `filed_at` is UTC; `content_hash` is the SHA-256 of the filed
    content, 64 hexadecimal digits; `replaces` and `completes` are numbers of earlier receipts;
    `verify_url` is the public address of this document, without its token. Of a month or quarter it also
    states `period` (its code), the header, and the bases by code.
    """

    number: str
    code: str
    filed_at: datetime
    employer_number: str
    employer_name: str
    employer_name_ar: str = ""
    payment_centre: str
    form: Form = "annual"
    year: int
    period: str | None = None
    headcount: int | None = None
    entries: int | None = None
    exits: int | None = None
    nothing_to_declare: bool = False
    codes: tuple[CodeBase, ...] = ()
    declaration_type: DeclarationType
    line_count: int
    left_out_count: int = 0
    quarters: tuple[int, int, int, int]
    annual: int
    content_hash: str
    replaces: str | None = None
    completes: str | None = None
    filed_by: str
    test: bool = False
    verify_url: str
    fund_name: str
    fund_name_ar: str


class Verification(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What anyone who holds a document's code is told: enough to compare with the paper, no totals.

    `status` alone stands where no document bears the code. The employer's name is masked in part;
    `line_count` is how many lines the declaration has, to compare with the paper.
    """

    status: VerificationStatus
    code: str | None = None
    kind: DocumentKind | None = None
    number: str | None = None
    issued_on: date | None = None
    employer_masked: str | None = None
    employer_masked_ar: str | None = None
    form: Form | None = None
    year: int | None = None
    period: str | None = None
    declaration_type: DeclarationType | None = None
    line_count: int | None = None
    revoked_on: date | None = None
