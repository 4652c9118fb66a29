"""What a repair is, what it is asked, and what it offers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from teledeclaration.intake.casting import AS_USUAL, Written
from teledeclaration.intake.forms import QUARTERS

GROUPS: Mapping[str, tuple[str, ...]] = {
    f"quarter_{measure}": tuple(f"q{quarter}_{measure}" for quarter in QUARTERS)
    for measure in ("duration", "unit", "amount")
}
"""Fields that are wrong together, by the name they go under: the four quarters of a measure."""

TOLD = "told"
"""The choice of a repair: only the cells or lines that a finding tells."""

ALL = "all"
"""The choice of a repair: every line, whether or not a finding tells it."""


def fields_of(group: str) -> tuple[str, ...]:
    """The fields of a group; a field alone is its own group."""
    return GROUPS.get(group, (group,))


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a repair is asked: for which year, of which cause (`code`, `field`: one or a group), by which choice.
    `written` is how the file's texts were read."""

    year: int
    written: Written = AS_USUAL
    code: str | None = None
    field: str | None = None
    choice: str | None = None


@dataclass(frozen=True, kw_only=True)
class WholeFile:
    """What a repair must know of all lines of a draft to offer itself.

    `late_days` and `early_days` count, by date field, the dates read whose day is above 12, and those whose day and
    month would make another date exchanged. `whole_amounts` and `broken_amounts` count the lines whose amounts are
    all whole dinars (and not all nothing), and those in which one is not. `named` has two different names.
    """

    lines: int = 0
    left_out: int = 0
    named: int = 0
    whole_amounts: int = 0
    broken_amounts: int = 0
    late_days: Mapping[str, int] = field(default_factory=dict)
    early_days: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One way of a repair: `name` is what a wish says (None: there is nothing to choose), `lines` how many it would
    change.

    `against` counts what speaks against it: dates or lines that are not of this kind. A way that they make
    impossible is told, and changes nothing when asked for.
    """

    name: str | None
    lines: int
    against: int = 0
    possible: bool = True


Apply = Callable[[pl.DataFrame, pl.DataFrame, Wish], pl.DataFrame]
"""(lines, findings told, wish) → what changes: `line_number`, fields, `typed`. Lines that stay are not in it."""

Offered = Callable[[pl.DataFrame, pl.DataFrame, WholeFile, Wish], tuple[Choice, ...]]
"""(lines with findings, findings told, what is known of the whole file, wish) → the ways that would change a line."""


@dataclass(frozen=True, kw_only=True)
class Repair:
    """One repair for a whole cause.

    `codes`: the findings it answers; none: the errors of any. `reads`: the fields it looks at,
    beside `line_number`, `typed` and `left_out`; `changes`: the only ones it may change, with `typed`. `whole`: by
    which choices it goes over every line, not only those told.
    """

    name: str
    why_safe: str
    codes: frozenset[str]
    reads: tuple[str, ...]
    changes: tuple[str, ...]
    apply: Apply
    offered: Offered
    choices: tuple[str | None, ...] = (None,)
    whole: frozenset[str | None] = frozenset()


def told_only(repair: Apply, choices: tuple[str | None, ...] = (None,)) -> Offered:
    """The offer of a repair that changes told lines only: each choice is tried on them."""

    def offered(lines: pl.DataFrame, told: pl.DataFrame, _whole: WholeFile, wish: Wish) -> tuple[Choice, ...]:
        tried = ((name, repair(lines, told, replace(wish, choice=name)).height) for name in choices)
        return tuple(Choice(name=name, lines=count) for name, count in tried if count)

    return offered
