"""Random secrets: what is handed out, and the hash that is kept of it."""

import hashlib
import secrets

from schemas.employers import Mode

KEY_PREFIX = {"live": "td_live_", "test": "td_test_"}


def new_token() -> str:
    """256 random bits, for a session or an invitation."""
    return secrets.token_urlsafe(32)


def new_key(mode: Mode) -> str:
    """An API key: its prefix tells people and secret scanners what it is."""
    return KEY_PREFIX[mode] + secrets.token_urlsafe(32)


def kept_hash(secret: str) -> str:
    """SHA-256 in hex; enough for a secret of 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()
