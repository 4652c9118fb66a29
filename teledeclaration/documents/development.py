"""A seal for machines where nothing is at stake: its own certificate, its name says so."""

import os
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

DEVELOPMENT_NAME = "Teledeclaration DEVELOPMENT SEAL (no value)"
_VALIDITY = timedelta(days=3650)


class SealFiles(msgspec.Struct, frozen=True):
    """Where the PEM key and the PEM certificate of a seal are."""

    key: Path
    certificate: Path


def make_development_seal(folder: Path, *, now: datetime) -> SealFiles:
    """A self-signed P-256 seal in `folder`; one that is already there is kept, so that old documents stay valid."""
    files = SealFiles(folder / "seal.key.pem", folder / "seal.cert.pem")
    if files.key.exists() and files.certificate.exists():
        return files
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    _write(files.key, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), mode=0o600)
    _write(files.certificate, _self_signed(key, now).public_bytes(Encoding.PEM), mode=0o644)
    return files


def _self_signed(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, DEVELOPMENT_NAME)])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # a test employer's clock may run a little behind
        .not_valid_after(now + _VALIDITY)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, SHA256())
    )


def _write(path: Path, content: bytes, *, mode: int) -> None:
    """The whole file or none, and never readable by others in between."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    draft.rename(path)
