"""What the ledger refuses.

Conflict
├── PostingDiffers    409   this reference was posted with another content
└── AlreadyReversed   409   a transfer is reversed once
"""

from teledeclaration.errors import Conflict


class PostingDiffers(Conflict):
    """`source` and `source_ref` name what was posted before."""

    type = "posting-differs"


class AlreadyReversed(Conflict):
    type = "already-reversed"
