"""The public door: enough to compare with the paper, in three languages, and nothing more."""

from datetime import UTC, date, datetime
from html.parser import HTMLParser

import msgspec
import pytest

from documents.document_samples import RECEIPT, ZONE, receipt
from schemas.documents import Verification
from teledeclaration.documents.verification import (
    MISTYPED,
    UNKNOWN,
    masked,
    receipt_verification,
    render_verification,
    verification_context,
)
from teledeclaration.languages import LANGUAGES, Language

VALID = receipt_verification(RECEIPT, status="sealed", time_zone=ZONE)
REVOKED = receipt_verification(
    RECEIPT, status="revoked", time_zone=ZONE, revoked_at=datetime(2026, 2, 28, 23, 30, tzinfo=UTC)
)
TEST = receipt_verification(receipt(test=True), status="sealed", time_zone=ZONE)
OUTCOMES = [None, VALID, REVOKED, TEST, UNKNOWN, MISTYPED]
VOID = {"meta", "link", "input", "br", "img", "hr"}


def render(verification: Verification | None, language: Language = "fr", typed: str = "") -> str:
    context = verification_context(verification, language, typed=typed, fund_name="Caisse d'essai")
    return render_verification(context, stylesheet="/static/documents/verify.css", address="/v")


class Outline(HTMLParser):
    """Whether tags close in their order; what is named, described and labelled."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(attrs) == len(dict(attrs)), tag
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def values(self, attribute: str) -> list[str]:
        return [value for _, attributes in self.tags if (value := attributes.get(attribute))]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("verification", OUTCOMES, ids=lambda outcome: outcome.status if outcome else "form")
def test_each_page_is_whole_accessible_and_without_scripts(
    verification: Verification | None, language: Language
) -> None:
    outline = Outline(render(verification, language))
    names = [tag for tag, _ in outline.tags]
    html = dict(outline.tags)["html"]
    assert html == {"lang": language, "dir": "rtl" if language == "ar" else "ltr"}
    assert names.count("h1") == 1
    assert not {"script", "style", "iframe"} & set(names)
    assert not [attribute for _, attributes in outline.tags for attribute in attributes if attribute.startswith("on")]
    assert outline.values("style") == []
    ids = outline.values("id")
    assert len(ids) == len(set(ids))
    for reference in ("for", "aria-describedby", "aria-labelledby"):
        assert set(outline.values(reference)) <= set(ids)


def test_a_valid_document_shows_what_the_paper_shows() -> None:
    page = render(VALID)
    for said in (
        "Document authentique",
        RECEIPT.number,
        "23/01/2026",
        "2025",
        "7K3M-9QXD-2R4T-8WZ0-ABCQ",
        "1\u202f248",
    ):
        assert said in page


def test_no_amount_no_person_and_no_number_of_the_employer_is_public() -> None:
    told = [render(VALID, language) for language in LANGUAGES] + [msgspec.json.encode(VALID).decode()]
    for secret in ("Baraka", "البركة", "Bensaïd", "3137704614", "474", "47485867889", RECEIPT.content_hash[:8]):
        assert not [text for text in told if secret in text]


def test_a_revoked_document_is_never_called_genuine() -> None:
    page = render(REVOKED)
    assert "Document révoqué" in page
    assert "01/03/2026" in page  # the legal day, an hour ahead of UTC
    assert "authentique" not in page
    assert REVOKED.revoked_on == date(2026, 3, 1)


def test_a_test_document_is_never_valid_revoked_or_not() -> None:
    assert TEST.status == "test"
    assert receipt_verification(receipt(test=True), status="revoked", time_zone=ZONE).status == "test"
    assert "authentique" not in render(TEST)


def test_a_receipt_waiting_for_its_seal_is_already_vouched_for() -> None:
    assert receipt_verification(RECEIPT, status="to_seal", time_zone=ZONE).status == "valid"


def test_unknown_and_mistyped_say_which_and_show_no_facts() -> None:
    assert msgspec.to_builtins(UNKNOWN) == {"status": "unknown"}
    assert "Document inconnu" in render(UNKNOWN)
    assert "Code mal saisi" in render(MISTYPED)
    assert "<dl>" not in render(UNKNOWN) + render(MISTYPED)


def test_what_was_typed_stands_again_and_is_never_markup() -> None:
    page = render(MISTYPED, typed='"><script>alert(1)</script>')
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_language_is_changed_on_the_same_document() -> None:
    assert f'href="/v/{RECEIPT.code}?lang=ar"' in render(VALID)
    assert 'href="/v?lang=ar"' in render(None)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Sarl El Baraka", "Sa••• El Ba•••"),
        ("شركة البركة", "شر••• البر•••"),
        ("ABC", "AB•••"),
        ("", ""),
    ],
)
def test_a_name_is_masked_in_part(name: str, shown: str) -> None:
    assert masked(name) == shown
