"""Passwords: argon2id, in two threads of their own, so that neither the server's loop nor its memory suffers."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from teledeclaration.employers.errors import WeakPassword

LENGTH_MIN = 12
_DIFFERENT_CHARACTERS_MIN = 5

_HASHER = PasswordHasher()
_THREADS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")

# Compared with where there is no account, so that the answer takes the same time.
_NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$x9VvlIlrnt7PqqRrdjI9pQ$65rMCVOJfTY9PT/hDAp7iANbm8XmEsRWzh0AmEfG2TU"

# The common ones that are long enough; what repeats a few characters is refused by itself.
_COMMON = frozenset(
    {
        "123456789012",
        "1234567890123",
        "12345678901234",
        "123456789123",
        "0123456789012",
        "1q2w3e4r5t6y",
        "1qaz2wsx3edc",
        "azertyuiop12",
        "azertyuiop123",
        "azertyuiopqs",
        "qwertyuiop12",
        "qwertyuiop123",
        "qwertyuiopasdfgh",
        "password1234",
        "password12345",
        "passwordpassword",
        "motdepasse12",
        "motdepasse123",
        "motdepasse1234",
        "bismillah123",
        "bismillah1234",
        "administrateur",
        "administrator",
        "administrator1",
        "changeme1234",
        "letmein12345",
        "welcome12345",
        "bienvenue123",
        "bienvenue1234",
        "algerie123456",
        "algerie12345",
        "iloveyou1234",
        "qwerty123456",
        "azerty123456",
        "abcdefghijkl",
        "abcdefghijklm",
        "teledeclaration",
        "declaration123",
    }
)


def refuse_weak(password: str, *, email: str, pointer: str = "/password") -> None:
    """WeakPassword for one that is short, common, of few characters, or holds one's own address."""
    lowered, name = password.lower(), email.partition("@")[0].lower()
    weak = (
        len(password) < LENGTH_MIN
        or lowered in _COMMON
        or len(set(lowered)) < _DIFFERENT_CHARACTERS_MIN
        or email.lower() in lowered
        or (len(name) >= 4 and name in lowered)
    )
    if weak:
        raise WeakPassword(pointer=pointer, length_min=LENGTH_MIN)


async def hash_password(password: str) -> str:
    """What is kept of a password."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _HASHER.hash, password)


async def matches(password: str, kept: str | None) -> bool:
    """Whether a password is the one kept; False, in the same time, where none is kept."""
    right = await asyncio.get_running_loop().run_in_executor(_THREADS, _verify, kept or _NOBODYS, password)
    return right and kept is not None


def _verify(kept: str, password: str) -> bool:
    try:
        return _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False
