"""The signed token in a document's QR code: proves without a network that the fund issued the document.

It proves issue, and an expiry where there is one; only the register says whether it was revoked since.
The token follows `#` in the address, which a browser does not send: the server learns only the code.

Format: base64url without padding of key id (4 bytes) + payload (msgpack array) + signature (64 bytes,
ECDSA P-256 with SHA-256 over `PURPOSE` + key id + payload).
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from datetime import date
from hashlib import sha256

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import Certificate, load_pem_x509_certificates

from schemas.documents import DocumentKind, FilingReceipt
from teledeclaration.documents.seal import Sealer
from teledeclaration.errors import Malformed

# What is signed begins so: a signature made for a PDF or anything else is never a token's.
PURPOSE = b"teledeclaration document token 1\0"
LONGEST_TOKEN = 1_000
_KEY_ID_LENGTH = 4
_SIGNATURE_LENGTH = 64
_EPOCH = date(2000, 1, 1)


class UntrustedToken(Malformed):
    """Not a token of this fund: cut short, changed, or signed by another key."""

    type = "untrusted-token"


class DocumentToken(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What the token says: to be compared with the paper, no personal data.

    Days count from 1 January 2000; `fingerprint` is the beginning (16 bytes) of the SHA-256 that the
    paper prints; `employer_end` the last four digits of the employer's number.
    """

    kind: DocumentKind
    code: str
    number: str
    issued_day: int
    expiry_day: int | None
    year: int
    employer_end: str
    fingerprint: bytes

    @property
    def issued_on(self) -> date:
        return date.fromordinal(_EPOCH.toordinal() + self.issued_day)

    @property
    def expires_on(self) -> date | None:
        return None if self.expiry_day is None else date.fromordinal(_EPOCH.toordinal() + self.expiry_day)


def receipt_token(receipt: FilingReceipt, sealer: Sealer, *, issued_on: date) -> str:
    """The token of a filing receipt; it never expires. `issued_on` is the legal day of filing."""
    token = DocumentToken(
        kind="filing_receipt",
        code=receipt.code,
        number=receipt.number,
        issued_day=(issued_on - _EPOCH).days,
        expiry_day=None,
        year=receipt.year,
        employer_end=receipt.employer_number[-4:],
        fingerprint=bytes.fromhex(receipt.content_hash)[:16],
    )
    return sign_token(token, sealer)


def sign_token(token: DocumentToken, sealer: Sealer) -> str:
    """The token as text; the same token under the same key is the same text."""
    certificate = load_pem_x509_certificates(sealer.certificate_pem)[0]
    body = _key_id(certificate) + msgspec.msgpack.encode(token)
    return urlsafe_b64encode(body + sealer.sign(PURPOSE + body)).rstrip(b"=").decode()


def read_token(text: str, trusted_pem: bytes) -> DocumentToken:
    """What a token says, once its signature is checked against the certificates (PEM, one or more) that are trusted.

    UntrustedToken for anything else. Neither expiry nor revocation is judged here.
    """
    raw = _decoded(text)
    body, signature = raw[:-_SIGNATURE_LENGTH], raw[-_SIGNATURE_LENGTH:]
    key = _key_named(body[:_KEY_ID_LENGTH], load_pem_x509_certificates(trusted_pem))
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    try:
        key.verify(encode_dss_signature(r, s), PURPOSE + body, ec.ECDSA(SHA256()))
        return msgspec.msgpack.decode(body[_KEY_ID_LENGTH:], type=DocumentToken)
    except (InvalidSignature, msgspec.ValidationError, msgspec.DecodeError):
        raise UntrustedToken from None


def sign_apart(message: bytes, sealer: Sealer, *, purpose: bytes) -> str:
    """A signature that stands beside what it signs: base64url of key id and signature over `purpose` + both."""
    key_id = _key_id(load_pem_x509_certificates(sealer.certificate_pem)[0])
    return urlsafe_b64encode(key_id + sealer.sign(purpose + key_id + message)).rstrip(b"=").decode()


def holds(signature: str, message: bytes, trusted_pem: bytes, *, purpose: bytes) -> bool:
    """Whether `sign_apart` made this signature of this message with the key of a trusted certificate."""
    try:
        raw = urlsafe_b64decode(signature[:LONGEST_TOKEN] + "=" * (-len(signature) % 4))
        key = _key_named(raw[:_KEY_ID_LENGTH], load_pem_x509_certificates(trusted_pem))
        r, s = int.from_bytes(raw[_KEY_ID_LENGTH:-32]), int.from_bytes(raw[-32:])
        key.verify(encode_dss_signature(r, s), purpose + raw[:_KEY_ID_LENGTH] + message, ec.ECDSA(SHA256()))
    except (ValueError, UntrustedToken, InvalidSignature):
        return False
    return True


def _decoded(text: str) -> bytes:
    """The token's bytes; UntrustedToken where the text is not exactly what `sign_token` writes."""
    if len(text) > LONGEST_TOKEN or not text.isascii():
        raise UntrustedToken
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise UntrustedToken from None
    # Base64 has several spellings of one content (loose last bits, ignored characters): one is ours.
    if urlsafe_b64encode(raw).rstrip(b"=").decode() != text or len(raw) <= _KEY_ID_LENGTH + _SIGNATURE_LENGTH:
        raise UntrustedToken
    return raw


def _key_named(key_id: bytes, certificates: Iterable[Certificate]) -> ec.EllipticCurvePublicKey:
    for certificate in certificates:
        key = certificate.public_key()
        if isinstance(key, ec.EllipticCurvePublicKey) and _key_id(certificate) == key_id:
            return key
    raise UntrustedToken


def _key_id(certificate: Certificate) -> bytes:
    """The beginning of the public key's SHA-256: finds the key among a fund's old and new ones."""
    public = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return sha256(public).digest()[:_KEY_ID_LENGTH]
