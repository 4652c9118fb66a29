"""What other rooms may ask about documents. The transaction's actor must be allowed to see the employer."""

from functools import cache
from uuid import UUID

from teledeclaration.database import Connection
from teledeclaration.documents.queries import DocumentRow, select_document_of
from teledeclaration.documents.seal import FileSealer
from teledeclaration.documents.tokens import holds, sign_apart
from teledeclaration.settings import Settings

# What is signed begins so: a signature made for a page or a QR code is never a template's.
_TEMPLATE = b"teledeclaration template mark 1\0"


def sign_template(message: bytes, settings: Settings) -> str | None:
    """The fund's signature of a template's stamp; None on an installation without a seal."""
    if not settings.seal_key:
        return None
    return sign_apart(message, _sealer(settings.seal_key, settings.seal_certificate), purpose=_TEMPLATE)


def is_our_template(message: bytes, signature: str, settings: Settings) -> bool:
    """Whether the fund's key signed this stamp of a template."""
    return holds(signature, message, settings.seal_certificate.encode(), purpose=_TEMPLATE)


@cache
def _sealer(key: str, certificate: str) -> FileSealer:
    return FileSealer(key.encode(), certificate.encode())


async def receipt_of(connection: Connection, *, employer_id: int, declaration_id: UUID) -> DocumentRow | None:
    """The receipt of a filed declaration; its `content_hash` is None until it is sealed."""
    return await select_document_of(
        connection, employer_id=employer_id, kind="filing_receipt", subject=str(declaration_id)
    )
