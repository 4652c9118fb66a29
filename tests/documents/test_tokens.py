"""The QR code's token: whoever has the certificate can tell a true one without a network."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.document_samples import RECEIPT, new_sealer, receipt, sealer
from teledeclaration.documents.tokens import DocumentToken, UntrustedToken, read_token, receipt_token, sign_token

TOKEN = receipt_token(RECEIPT, sealer(), issued_on=date(2026, 1, 23))
BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def test_a_token_says_what_the_paper_shows() -> None:
    token = read_token(TOKEN, sealer().certificate_pem)
    assert token.kind == "filing_receipt"
    assert (token.code, token.number, token.year) == (RECEIPT.code, RECEIPT.number, 2025)
    assert token.issued_on == date(2026, 1, 23)
    assert token.expires_on is None
    assert RECEIPT.content_hash.startswith(token.fingerprint.hex())


def test_the_same_facts_give_the_same_token_and_others_another() -> None:
    assert receipt_token(RECEIPT, sealer(), issued_on=date(2026, 1, 23)) == TOKEN
    assert receipt_token(receipt(year=2024), sealer(), issued_on=date(2026, 1, 23)) != TOKEN


def test_a_token_names_nobody() -> None:
    said = repr(read_token(TOKEN, sealer().certificate_pem))
    for secret in ("Baraka", "Bensaïd", RECEIPT.employer_number, str(RECEIPT.annual)):
        assert secret not in said


def test_an_expiry_is_carried() -> None:
    token = DocumentToken("filing_receipt", RECEIPT.code, "A", 9_500, 9_530, 2025, "4614", b"0" * 16)
    read = read_token(sign_token(token, sealer()), sealer().certificate_pem)
    assert read.expires_on is not None
    assert (read.expires_on - read.issued_on).days == 30


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from(BASE64URL))
def test_a_changed_token_is_refused(place: int, symbol: str) -> None:
    changed = TOKEN[:place] + symbol + TOKEN[place + 1 :]
    if changed != TOKEN:
        with pytest.raises(UntrustedToken):
            read_token(changed, sealer().certificate_pem)


@given(
    st.one_of(st.text(max_size=300), st.text(BASE64URL, max_size=2_000), st.just(TOKEN + "="), st.just(TOKEN + "\n"))
)
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(UntrustedToken):
        read_token(text, sealer().certificate_pem)


def test_another_key_is_not_trusted_and_old_keys_may_be() -> None:
    later = new_sealer()
    with pytest.raises(UntrustedToken):
        read_token(TOKEN, later.certificate_pem)
    assert read_token(TOKEN, later.certificate_pem + sealer().certificate_pem).code == RECEIPT.code


def test_a_signature_made_for_something_else_is_no_token() -> None:
    body = urlsafe_b64decode(TOKEN + "=" * (-len(TOKEN) % 4))[:-64]
    forged = urlsafe_b64encode(body + sealer().sign(body)).rstrip(b"=").decode()
    with pytest.raises(UntrustedToken):
        read_token(forged, sealer().certificate_pem)


def test_a_token_fits_a_qr_code_that_a_phone_reads() -> None:
    assert len(TOKEN) <= 220
    assert len(msgspec.msgpack.encode(read_token(TOKEN, sealer().certificate_pem))) <= 100
