"""Who signs in first: `teledeclaration account` and `teledeclaration fund-key`, for who runs the installation.

Everyone else is invited by someone who is there already.
"""

import argparse
import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import get_args

from schemas.employers import Role
from teledeclaration.clock import system_clock
from teledeclaration.database import Pool, open_pool
from teledeclaration.employers.actions import create_account, create_fund_key
from teledeclaration.errors import BusinessError
from teledeclaration.languages import say
from teledeclaration.local.children import tell
from teledeclaration.local.commands import settings_or_words

ROLES = [role for role in get_args(Role) if role != "key"]


def account(arguments: Sequence[str] = ()) -> int:
    """Give an address a role, making its account where it has none. The password is asked for, or read from a pipe."""
    parser = argparse.ArgumentParser(prog="teledeclaration account", description=account.__doc__)
    parser.add_argument("email")
    parser.add_argument("--name", required=True, help="as others see it")
    parser.add_argument("--role", required=True, choices=ROLES)
    parser.add_argument("--employer", metavar="NUMBER", help="for members: the employer they act for")
    parser.add_argument("--wilayas", nargs="+", type=int, metavar="N", help="for officers: their scope, else all")
    told = parser.parse_args(arguments)

    async def create(pool: Pool) -> str:
        await create_account(
            pool,
            email=told.email,
            name=told.name,
            password=_password(),
            role=told.role,
            now=system_clock(),
            employer=told.employer,
            wilayas=told.wilayas,
        )
        return "done"

    return _with_database(create)


def fund_key(arguments: Sequence[str] = ()) -> int:
    """Make a key for one of the fund's systems, to load registers and follow declarations. It is shown this once."""
    parser = argparse.ArgumentParser(prog="teledeclaration fund-key", description=fund_key.__doc__)
    parser.add_argument("name", help="which system it is for")
    told = parser.parse_args(arguments)

    async def create(pool: Pool) -> str:
        return await create_fund_key(pool, name=told.name, now=system_clock())

    return _with_database(create)


def _password() -> str:
    return getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


def _with_database(create: Callable[[Pool], Awaitable[str]]) -> int:
    """0 with what was made, 1 with why it was refused, 2 where a setting is missing."""
    if (settings := settings_or_words()) is None:
        return 2

    async def created() -> str:
        pool = await open_pool(settings.database_url, size=1)
        try:
            return await create(pool)
        finally:
            await pool.close()

    try:
        tell(asyncio.run(created()))
    except BusinessError as refusal:
        tell(say(f"problem.{refusal.type}", "en", **refusal.values))
        return 1
    return 0
