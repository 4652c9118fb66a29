"""The seal: whole and ours, or said not to be."""

import random
import stat
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader

from documents.document_samples import NOW, RECEIPT, new_sealer, page, sealed_page, sealer
from teledeclaration.documents.development import DEVELOPMENT_NAME, make_development_seal
from teledeclaration.documents.seal import FileSealer, SealState, check_seal


def status_of(pdf: bytes) -> str:
    return check_seal(pdf, sealer().certificate_pem).status


def test_a_sealed_page_is_valid_and_says_who_and_when() -> None:
    state = check_seal(sealed_page(), sealer().certificate_pem)
    assert state == SealState(status="valid", signer=DEVELOPMENT_NAME, sealed_at=NOW)


def test_the_seal_is_pades_by_the_fund_and_allows_no_change_after_it() -> None:
    signature = PdfFileReader(BytesIO(sealed_page())).embedded_regular_signatures[0]
    assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    assert signature.sig_object["/Name"] == RECEIPT.fund_name
    assert signature.docmdp_level is not None
    assert signature.docmdp_level.name == "NO_CHANGES"


def test_the_sealed_page_stays_what_it_was_made() -> None:
    bare = page(RECEIPT)
    assert sealed_page().startswith(bare)
    root = PdfFileReader(BytesIO(sealed_page())).root
    assert "/Version" not in root  # PDF/A-2 is PDF 1.7
    assert "/Extensions" not in root
    assert root["/Metadata"].data == PdfFileReader(BytesIO(bare)).root["/Metadata"].data


@pytest.mark.filterwarnings("ignore")
def test_a_modified_byte_of_what_is_sealed_is_told() -> None:
    pdf = sealed_page()
    signature = PdfFileReader(BytesIO(pdf)).embedded_regular_signatures[0]
    _, before, after, _ = signature.byte_range
    chance = random.Random(2026)
    covered = [*(chance.randrange(before) for _ in range(150)), *(chance.randrange(after, len(pdf)) for _ in range(30))]
    padding = [chance.randrange(after - 1_000, after) for _ in range(20)]
    for place in covered + padding:
        changed = bytearray(pdf)
        changed[place] ^= 1 << chance.randrange(8)
        assert status_of(bytes(changed)) in {"tampered", "unreadable", "not_sealed"}, place


def test_bytes_added_or_lost_are_told() -> None:
    assert status_of(sealed_page() + b"\n% more") != "valid"
    assert status_of(sealed_page()[:-1]) != "valid"


def test_an_incremental_update_is_told() -> None:
    writer: Any = IncrementalPdfFileWriter(BytesIO(sealed_page()))
    writer.root["/Lang"] = writer.root["/ViewerPreferences"]
    writer.update_root()
    updated = BytesIO()
    writer.write(updated)
    assert status_of(updated.getvalue()) == "tampered"


def test_another_sealer_is_unknown_even_under_the_same_name() -> None:
    other = new_sealer().seal(page(RECEIPT), at=NOW, signed_for=RECEIPT.fund_name)
    assert check_seal(other, sealer().certificate_pem).status == "unknown_signer"
    both = sealer().certificate_pem + new_sealer().certificate_pem
    assert check_seal(sealed_page(), both).status == "valid"


def test_what_has_no_seal_or_is_no_pdf_is_said_to_be_so() -> None:
    assert status_of(page(RECEIPT)) == "not_sealed"
    assert status_of(b"") == "unreadable"
    assert status_of(b"%PDF-1.7\nnothing here") == "unreadable"


def test_one_sealer_serves_several_threads() -> None:
    bare = page(RECEIPT)
    with ThreadPoolExecutor(4) as threads:
        sealed = list(threads.map(lambda _: sealer().seal(bare, at=NOW, signed_for="x"), range(8)))
    assert [status_of(pdf) for pdf in sealed] == ["valid"] * 8


def test_a_development_seal_is_kept_private_and_kept(tmp_path: Path) -> None:
    files = make_development_seal(tmp_path / "seal", now=NOW)
    assert stat.S_IMODE(files.key.stat().st_mode) == 0o600
    key = files.key.read_bytes()
    assert make_development_seal(tmp_path / "seal", now=NOW) == files
    assert files.key.read_bytes() == key


def test_a_key_that_does_not_fit_is_refused_at_once() -> None:
    def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    for wrong in (ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())):
        with pytest.raises(ValueError, match="seal's"):
            FileSealer(pem(wrong), sealer().certificate_pem)
    with pytest.raises(ValueError, match="P-256"):
        FileSealer(pem(rsa.generate_private_key(65537, 2048)), sealer().certificate_pem)
