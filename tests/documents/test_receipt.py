"""The receipt's page: what stands on it, for everyone, whatever was typed."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils.reader import PdfFileReader

from documents.document_samples import RECEIPT, ZONE, page, receipt
from documents.pdf_text import pages_of, text_of
from teledeclaration.documents.pdf import PRINTABLE, amount, count, printable
from teledeclaration.documents.receipt import receipt_data

NARROW = "\u202f"


def backwards(arabic: str) -> str:
    """Right-to-left words as they stand on the page from the left."""
    return arabic[::-1]


def test_the_page_says_what_was_filed() -> None:
    text = text_of(page(RECEIPT))
    for said in (
        "Caisse nationale d'essai",
        "Accusé de réception de déclaration",
        RECEIPT.number,
        "3137704614",
        "Sarl El Baraka Travaux Publics",
        "16-01 Alger-Centre",
        "Normale",
        f"1{NARROW}248",
        "Amina Bensaïd",
        "7K3M-9QXD-2R4T-8WZ0-ABCQ",
        RECEIPT.verify_url,
        f"12{NARROW}345{NARROW}678,90",
        f"474{NARROW}858{NARROW}678,89",
    ):
        assert said in text
    assert RECEIPT.content_hash in text.replace(" ", "")


def test_the_page_says_it_in_arabic_too() -> None:
    text = text_of(page(RECEIPT))
    for said in (
        "إشعار باستلام التصريح",
        "شركة البركة للأشغال العمومية",
        "الصندوق الوطني التجريبي",
        "المجموع السنوي",
        "عادي",
    ):
        assert backwards(said) in text


def test_the_legal_time_is_the_funds_beside_universal_time() -> None:
    text = text_of(page(RECEIPT))
    assert "23/01/2026 · 00:30:05" in text
    assert "Africa/Algiers · 2026-01-22 23:30:05 UTC" in text


def test_what_it_replaces_and_completes_is_named() -> None:
    assert "Remplace" not in text_of(page(RECEIPT))
    text = text_of(page(receipt(replaces="DAS-2025-0000007", completes="DAS-2025-0000005", declaration_type="R")))
    assert "Remplace la déclaration" in text
    assert "DAS-2025-0000007" in text
    assert "DAS-2025-0000005" in text
    assert "Régularisation" in text


def test_a_test_employers_receipt_says_so_all_over() -> None:
    assert "ESSAI" not in text_of(page(RECEIPT))
    text = text_of(page(receipt(test=True)))
    assert text.count("ESSAI — SANS VALEUR") == 2
    assert backwards("تجريبي") in text


def test_the_same_facts_give_the_same_bytes_in_any_thread() -> None:
    with ThreadPoolExecutor(4) as threads:
        pages = set(threads.map(page, [RECEIPT] * 8))
    assert len(pages) == 1
    assert pages != {page(receipt(line_count=1249))}


def test_the_page_is_an_archive_and_reads_aloud() -> None:
    root = PdfFileReader(BytesIO(page(RECEIPT))).root
    assert b"<pdfaid:part>2</pdfaid:part>" in root["/Metadata"].data
    assert b"<pdfaid:conformance>A</pdfaid:conformance>" in root["/Metadata"].data
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "fr"


def test_the_qr_code_holds_the_address_and_the_token_after_the_hash() -> None:
    data = receipt_data(RECEIPT, token="a-token", time_zone=ZONE)
    proof = data["authenticity"]
    assert isinstance(proof, dict)
    drawn = BytesIO()
    expected = segno.make_qr(f"{RECEIPT.verify_url}#a-token", error="m", mask=3, boost_error=False)
    expected.save(drawn, kind="svg", xmldecl=False, border=4, nl=False)
    assert proof["qr"] == drawn.getvalue().decode()


@pytest.mark.parametrize(
    "typed",
    [
        '#panic("x")',
        "*bold* _x_ $1/0$ <label> @ref",
        "] } ) \\ // /* */ `code`",
        '"}}',
        "#import",
        "\u202eevil\u2066",
        "\x00\x07\n",
    ],
)
def test_what_was_typed_is_printed_and_never_executed(typed: str) -> None:
    text = text_of(page(receipt(filed_by=f"A{typed}Z")))
    assert printable(f"A{typed}Z").replace(" ", "") in text.replace(" ", "").replace("\n", "")


# Any text, and text of characters that are each printable but may not be together.
names = st.text(max_size=60) | st.text([chr(point) for block in PRINTABLE for point in block], max_size=60)


@given(names, names)
@settings(max_examples=40, deadline=None)
def test_any_name_makes_a_page(name: str, name_ar: str) -> None:
    assert page(receipt(employer_name=name, employer_name_ar=name_ar)).startswith(b"%PDF-1.7")


def test_the_fonts_have_every_character_said_to_be_printable() -> None:
    every = [chr(point) for block in PRINTABLE for point in block]
    shown = [character for character in every if printable(character) == character]
    assert len(shown) > 1_600
    assert page(receipt(employer_name=" ".join(shown))).startswith(b"%PDF-1.7")
    assert page(receipt(employer_name_ar=" ".join(shown))).startswith(b"%PDF-1.7")


def test_long_names_stay_on_one_page() -> None:
    long = "Entreprise publique économique de réalisation d'infrastructures ferroviaires du Sud-Ouest"
    assert len(pages_of(page(receipt(employer_name=long, replaces="A", completes="B", test=True)))) == 1


def test_a_character_without_a_glyph_is_shown_as_a_box() -> None:
    assert printable("Béchar 😀 漢\ud800") == "Béchar □ □□"


def test_accents_are_kept_where_a_letter_has_them() -> None:
    assert printable("e\u0301") == "é"
    assert printable("x\u0301\u0489") == "x"
    assert printable("مُحَمَّد") == "مُحَمَّد"


def test_amounts_are_whole_to_the_centime_in_narrow_groups() -> None:
    assert amount(0) == "0,00"
    assert amount(5) == "0,05"
    assert amount(130_025_030_000) == f"1{NARROW}300{NARROW}250{NARROW}300,00"
    assert amount(-123_456) == f"\u22121{NARROW}234,56"
    assert count(1_000_000) == f"1{NARROW}000{NARROW}000"
