"""A second administrator beside the world's Amel, and values they propose."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from world import START

from schemas.actors import job
from teledeclaration.database import Pool, transaction
from teledeclaration.employers.credentials import kept_hash

ZOHRA = uuid5(UUID("7a1c7a30-0000-4000-8000-000000000000"), "zohra")
COOKIE = {"Cookie": "td_session=session-of-zohra"}


async def add_second_administrator(pool: Pool) -> None:
    async with transaction(pool, job("test", 0)) as connection:
        await connection.execute(
            "INSERT INTO accounts (account_id, email, name, password_hash, created_at)"
            " VALUES ($1, 'zohra@example.dz', 'Zohra', '', $2)",
            ZOHRA,
            START,
        )
        await connection.execute("INSERT INTO fund_roles (account_id, role) VALUES ($1, 'administrator')", ZOHRA)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('app.account_id', $1, true)", str(ZOHRA))
        await connection.execute(
            "INSERT INTO sessions (token_hash, session_id, account_id, created_at, expires_at)"
            " VALUES ($1, $2, $2, $3, $4)",
            kept_hash("session-of-zohra"),
            ZOHRA,
            START,
            START + timedelta(days=3650),
        )


def value(key: str, **changes: Any) -> dict[str, Any]:
    """A later value as it is sent."""
    entry = {"valid_from": "2027-01-01", "reference": "A decree to come", "confidence": "S2", **changes}
    return {"key": key, "entry": entry}


def minimum_wage(amount: str, **changes: Any) -> dict[str, Any]:
    return value("minimum_wage.month", value=amount, **changes)
