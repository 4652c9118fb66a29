"""An invented filing, and a seal made for the tests."""

from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from schemas.documents import FilingReceipt
from teledeclaration.documents.development import make_development_seal
from teledeclaration.documents.receipt import render_receipt
from teledeclaration.documents.seal import FileSealer
from teledeclaration.documents.tokens import receipt_token

NOW = datetime(2026, 1, 22, 23, 30, 5, tzinfo=UTC)
ZONE = "Africa/Algiers"  # where it is already the 23rd
CODE = "7K3M9QXD2R4T8WZ0ABCQ"

RECEIPT = FilingReceipt(
    number="DAS-2025-0000123",
    code=CODE,
    filed_at=NOW,
    employer_number="3137704614",
    employer_name="Sarl El Baraka Travaux Publics",
    employer_name_ar="شركة البركة للأشغال العمومية",
    payment_centre="16-01 Alger-Centre",
    year=2025,
    declaration_type="N",
    line_count=1248,
    left_out_count=3,
    quarters=(1_234_567_890, 1_250_300_000, 999_999, 45_000_000_000),
    annual=47_485_867_889,
    content_hash=sha256(b"the lines").hexdigest(),
    filed_by="Amina Bensaïd",
    verify_url=f"https://declarations.example/v/{CODE}",
    fund_name="Caisse nationale d'essai",
    fund_name_ar="الصندوق الوطني التجريبي",
)


def receipt(**changes: object) -> FilingReceipt:
    return msgspec.structs.replace(RECEIPT, **changes)


def new_sealer() -> FileSealer:
    with TemporaryDirectory() as folder:
        files = make_development_seal(Path(folder), now=NOW)
        return FileSealer(files.key.read_bytes(), files.certificate.read_bytes())


@cache
def sealer() -> FileSealer:
    return new_sealer()


def page(facts: FilingReceipt) -> bytes:
    token = receipt_token(facts, sealer(), issued_on=NOW.date())
    return render_receipt(facts, token=token, time_zone=ZONE)


@cache
def sealed_page() -> bytes:
    return sealer().seal(page(RECEIPT), at=NOW, signed_for=RECEIPT.fund_name)
