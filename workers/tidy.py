"""Daily: forget the old tries to sign in, which only had to be known while they slowed the next one down.

Transition: rows of `sign_in_attempts` go. Run twice, the second finds none.
"""

from datetime import timedelta
from typing import Any

from schemas.actors import job
from teledeclaration.database import transaction
from teledeclaration.employers import account_queries

KEPT = timedelta(days=2)


async def tidy(ctx: dict[str, Any]) -> None:
    """Forget what is older than KEPT."""
    async with transaction(ctx["pool"], job("tidy", 0)) as connection:
        await account_queries.delete_old_attempts(connection, before=ctx["clock"]() - KEPT)
