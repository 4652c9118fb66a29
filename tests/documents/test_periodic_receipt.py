"""The receipt of a month or quarter: its page, and what stays as it was for a year's."""

import msgspec
import pytest

from documents.document_samples import RECEIPT, ZONE, page, receipt
from documents.pdf_text import pages_of, text_of
from schemas.documents import CodeBase, FilingReceipt
from teledeclaration.documents.verification import receipt_verification, verification_context

NARROW = "\u202f"
CODES = ("R06", "R07", "R08", "R22", "R38", "R98")

MONTH = receipt(
    number="P2026-01-3137704614-01",
    form="periodic",
    year=2026,
    period="2026-01",
    headcount=12,
    entries=2,
    exits=0,
    codes=tuple(CodeBase(code, 123_456_789_012 + place) for place, code in enumerate(CODES)),
    quarters=(240_000_000, 0, 0, 0),
    annual=240_000_000,
    line_count=12,
    left_out_count=0,
)


def test_the_page_says_the_period_the_header_and_the_bases_by_code() -> None:
    text = text_of(page(MONTH))
    for said in (
        "Déclaration périodique des assiettes de cotisations (DAC)",
        "2026-01",
        "janvier 2026",
        "Effectif",
        "Entrées",
        "Sorties",
        "Ligne R22",
        f"1{NARROW}234{NARROW}567{NARROW}890,15",
        f"2{NARROW}400{NARROW}000,00",
        "Total de la période",
    ):
        assert said in text
    assert "جانفي"[::-1] in text
    assert "1ᵉʳ trimestre" not in text
    assert len(pages_of(page(MONTH))) == 1


def test_a_quarter_with_nothing_to_declare_says_so() -> None:
    text = text_of(page(msgspec.structs.replace(MONTH, period="2026-Q2", nothing_to_declare=True, codes=())))
    assert "2ᵉ trimestre 2026" in text
    assert "Rien à déclarer" in text


def test_what_was_stored_of_a_year_before_reads_and_prints_as_it_did() -> None:
    stored = msgspec.to_builtins(RECEIPT)
    for name in ("period", "headcount", "entries", "exits", "nothing_to_declare", "codes"):
        del stored[name]
    before = msgspec.convert(stored, FilingReceipt)
    assert before == RECEIPT
    assert "Période" not in text_of(page(before))


@pytest.mark.parametrize(("language", "words"), [("fr", "janvier 2026"), ("ar", "جانفي 2026"), ("en", "January 2026")])
def test_anyone_who_verifies_reads_the_period(language: str, words: str) -> None:
    told = receipt_verification(MONTH, status="sealed", time_zone=ZONE)
    assert (told.status, told.form, told.period, told.line_count) == ("valid", "periodic", "2026-01", 12)
    facts = {name: value for name, _, value in verification_context(told, language)["result"]["facts"]}  # type: ignore[arg-type]
    assert facts["period"] == words
    assert "year" not in facts
