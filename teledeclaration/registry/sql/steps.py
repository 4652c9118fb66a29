"""The SQL that brings a register in line with a batch of staged rows: $1 the load, $2 the batch, $3 now.

First what the register itself speaks against (`refusals`: row, field, code, seen), then the steps, in order.
A step counts its rows as `new` (rows the register did not have), `written` (new and changed together), `updated`
(changed), `numbered` (a further number for a known person, whose row is then written) or `merged` (a changed person).
Ids are given by the table that leads to them (a number's row), so that two loads at once give one. Nothing
is written where nothing differs.
"""

from dataclasses import dataclass
from typing import Literal

Counted = Literal["new", "written", "updated", "numbered", "merged", "nothing"]


@dataclass(frozen=True)
class Step:
    """One statement; `timed` where it takes $3, `links` where it only matters to rows that have a link."""

    counted: Counted
    sql: str
    timed: bool = False
    links: bool = False


@dataclass(frozen=True)
class Statements:
    """`absent` reads the key of each row that the staged keys ($1, $2) do not name, with their number in all."""

    refusals: str
    steps: tuple[Step, ...]
    absent: str
