"""Job: render a document's stored facts and seal the PDF.

Transition: `documents` waiting → sealed. Run twice, the second finds nothing to claim.
"""

from typing import Any
from uuid import UUID

from teledeclaration.documents import actions

NAME = "seal_document"


async def seal_document(ctx: dict[str, Any], employer_id: int, document_id: str) -> bool:
    """Whether this run sealed it."""
    return await actions.seal_document(
        ctx["pool"],
        ctx["storage"],
        ctx["sealer"],
        ctx["settings"],
        ctx["clock"],
        employer_id=employer_id,
        document_id=UUID(document_id),
    )
