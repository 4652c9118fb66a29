"""What other rooms may ask about documents. The transaction's actor must be allowed to see the employer."""

from uuid import UUID

from teledeclaration.database import Connection
from teledeclaration.documents.queries import DocumentRow, select_document_of


async def receipt_of(connection: Connection, *, employer_id: int, declaration_id: UUID) -> DocumentRow | None:
    """The receipt of a filed declaration; its `content_hash` is None until it is sealed."""
    return await select_document_of(
        connection, employer_id=employer_id, kind="filing_receipt", subject=str(declaration_id)
    )
