"""Who is acting: what the database's policies and the journal are told of each transaction."""

from typing import Literal
from uuid import UUID

import msgspec

ActorKind = Literal["member", "officer", "administrator", "insured", "job", "sweeper", "stranger"]

FUND_EMPLOYER_ID = 0
"""The reserved tenant: what belongs to the fund itself, or to no employer yet."""


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """One party of one transaction.

    `employer_id` is the only employer a member, an officer or a job acts on; `wilayas` is an
    officer's scope, None for the whole country; `lookup` is the one secret or code a stranger may
    look up by (a session's or a key's hash, an e-mail address, a document's code). `label` is what
    the journal shows: a name or a job, never a number or a secret.
    """

    kind: ActorKind
    label: str
    employer_id: int | None = None
    account_id: UUID | None = None
    person_id: int | None = None
    api_key_id: UUID | None = None
    wilayas: tuple[int, ...] | None = None
    lookup: str | None = None


def job(label: str, employer_id: int) -> Actor:
    """A worker's job on one employer."""
    return Actor(kind="job", label=label, employer_id=employer_id)


def stranger(lookup: str) -> Actor:
    """Someone not known yet, with the one thing they hold."""
    return Actor(kind="stranger", label="stranger", lookup=lookup)


SWEEPER = Actor(kind="sweeper", label="sweeper")
"""Finds, over all employers, the rows that wait; reads only."""
