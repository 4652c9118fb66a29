"""The electronic seal on a PDF: PAdES baseline B, an EC key, and a certification that allows no change after it.

The seal is invisible, so that the page looks as it was made and stays PDF/A. Whoever seals also signs
the short tokens of QR codes (`tokens`), so that one certificate vouches for both.
"""

from datetime import datetime
from io import BytesIO
from typing import Literal, Protocol

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates
from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.signers.pdf_signer import PdfSigningSession
from pyhanko.sign.validation import (
    EmbeddedPdfSignature,
    SignatureCoverageLevel,
    validate_pdf_signature,
)
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

FIELD_NAME = "Seal"
_BARE_SIGNATURE_BYTES_MAX = 2_048
# What pyHanko raises on a broken file, besides its own errors: it trusts the structure it reads.
_MALFORMED = (
    PdfError,
    SignatureValidationError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
SealStatus = Literal["valid", "tampered", "unknown_signer", "not_sealed", "unreadable"]


class Sealer(Protocol):
    """Who holds the fund's key: a file here, a hardware module elsewhere. Safe to call from several threads."""

    @property
    def certificate_pem(self) -> bytes:
        """The certificate that others check seals and tokens with, then its chain."""

    def seal(self, pdf: bytes, *, at: datetime, signed_for: str) -> bytes:
        """The same PDF under a seal that names who seals and the moment (UTC); takes milliseconds of CPU."""

    def sign(self, message: bytes) -> bytes:
        """ECDSA on P-256 with SHA-256: r and s, 32 bytes each."""


class SealState(msgspec.Struct, frozen=True, kw_only=True):
    """What a check of a sealed PDF found; `signer` and `sealed_at` are told only where the seal is intact."""

    status: SealStatus
    signer: str | None = None
    sealed_at: datetime | None = None


class FileSealer:
    """A sealer whose EC P-256 key is a PEM file's content; the certificate comes first in its PEM, then its chain."""

    def __init__(self, key_pem: bytes, certificate_pem: bytes) -> None:
        """ValueError where the key is not EC P-256 or does not belong to the certificate."""
        key = _p256_key(key_pem)
        certificate, *chain = load_certs_from_pemder_data(certificate_pem)
        if load_pem_x509_certificates(certificate_pem)[0].public_key() != key.public_key():
            raise ValueError("the seal's certificate belongs to another key")
        self._key = key
        self._certificate_pem = certificate_pem
        # Room for the signature in hexadecimal: said here, pyHanko would make each one twice to measure it.
        self._room = 2 * (_BARE_SIGNATURE_BYTES_MAX + sum(len(one.dump()) for one in (certificate, *chain)))
        store = SimpleCertificateStore.from_certs([certificate, *chain])  # type: ignore[no-untyped-call]  # pyHanko's
        self._signer = signers.SimpleSigner(
            signing_cert=certificate,
            signing_key=load_private_key_from_pemder_data(key_pem, passphrase=None),
            cert_registry=store,
        )

    @property
    def certificate_pem(self) -> bytes:
        return self._certificate_pem

    def seal(self, pdf: bytes, *, at: datetime, signed_for: str) -> bytes:
        metadata = signers.PdfSignatureMetadata(
            field_name=FIELD_NAME,
            md_algorithm="sha256",
            name=signed_for,
            subfilter=SigSeedSubFilter.PADES,
            certify=True,
            docmdp_permissions=MDPPerm.NO_CHANGES,
        )
        sealed = _ArchiveSigner(metadata, self._signer, at).sign_pdf(_Appended(BytesIO(pdf)), bytes_reserved=self._room)
        return bytes(sealed.getbuffer())

    def sign(self, message: bytes) -> bytes:
        # Deterministic (RFC 6979): the same facts give the same token, so the same page.
        signature = self._key.sign(message, ec.ECDSA(SHA256(), deterministic_signing=True))
        r, s = decode_dss_signature(signature)
        return r.to_bytes(32) + s.to_bytes(32)


class _Appended(IncrementalPdfFileWriter):
    """pyHanko's writer, kept from touching what makes the page PDF/A: its version, its metadata and their dates."""

    output_version = (1, 7)

    def _update_meta(self) -> None:
        pass


class _ArchiveSigner(signers.PdfSigner):
    """pyHanko's signer with the moment passed in, and without the PDF 2.0 extensions that PDF/A-2 does not know."""

    def __init__(self, metadata: signers.PdfSignatureMetadata, signer: signers.SimpleSigner, at: datetime) -> None:
        super().__init__(metadata, signer)
        self._at = at

    def init_signing_session(self, pdf_out: BasePdfFileWriter, existing_fields_only: bool = False) -> PdfSigningSession:
        session = super().init_signing_session(pdf_out, existing_fields_only)
        session.system_time = self._at
        return session

    def register_extensions(self, pdf_out: BasePdfFileWriter, *, md_algorithm: str) -> None:
        pass


def check_seal(pdf: bytes, trusted_pem: bytes) -> SealState:
    """Whether the PDF is whole and sealed under one of the seal certificates (PEM, one or more) that are trusted.

    The certificate is judged at the moment the seal claims: baseline B carries no proof of time. What the
    envelope of a signature says twice (its version, whose it is) can be spelt otherwise without being told.
    Not for files of strangers outside a limited process: it parses what it is given.
    """
    try:
        signatures = PdfFileReader(BytesIO(pdf)).embedded_regular_signatures
    except _MALFORMED:
        return SealState(status="unreadable")
    if not signatures:
        return SealState(status="not_sealed")
    try:
        return _judged(pdf, signatures[0], trusted_pem)
    except _MALFORMED:
        return SealState(status="tampered")


def _judged(pdf: bytes, signature: EmbeddedPdfSignature, trusted_pem: bytes) -> SealState:
    trusted = list(load_certs_from_pemder_data(trusted_pem))
    sealed_at = signature.self_reported_timestamp
    context = ValidationContext(trust_roots=trusted, allow_fetching=False, moment=sealed_at)
    usage = KeyUsageConstraints(key_usage={"digital_signature"})
    status = validate_pdf_signature(signature, context, key_usage_settings=usage)
    whole = status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    if not (status.intact and status.valid and whole and status.docmdp_ok and _nothing_hidden(pdf, signature)):
        return SealState(status="tampered")
    signer = str(status.signing_cert.subject.native.get("common_name", ""))
    # Compared whole: pyHanko knows a trust root by name and key, whatever else its certificate says.
    known = status.trusted and status.signing_cert.dump() in [one.dump() for one in trusted]
    return SealState(status="valid" if known else "unknown_signer", signer=signer, sealed_at=sealed_at)


def _nothing_hidden(pdf: bytes, signature: EmbeddedPdfSignature) -> bool:
    """Whether the one place a signature cannot cover, its own, is as `seal` writes it: the signature, then zeros."""
    _, before, after, _ = signature.byte_range
    contents: bytes = signature.pkcs7_content
    end = 4 + int.from_bytes(contents[2:4])  # DER: 30 82 and the length in two bytes
    as_written = pdf[before:after] == b"<" + contents.hex().upper().encode() + b">"
    return as_written and contents[:2] == b"\x30\x82" and not contents[end:].strip(b"\0")


def _p256_key(key_pem: bytes) -> ec.EllipticCurvePrivateKey:
    match load_pem_private_key(key_pem, password=None):
        case ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()) as key:
            return key
    raise ValueError("the seal's key is not an EC key on P-256")
