"""How far a reading is, and when it will be done: kept by the worker at it, written to its row about once a second."""

import time
from datetime import timedelta

from schemas.payroll import ReadingPhase

_SECONDS_A_ROW = {"reading": 12e-6, "checking": 5e-6, "storing": 11e-6}
"""What a row costs in each phase on one machine: `make bench` tells. Only their shares count once a phase is over."""
_PHASES = tuple(_SECONDS_A_ROW)
_SURE_FROM = 0.1
"""From this share of a phase on, its own counted speed is believed."""


class Progress:
    """The phase a reading is in, the rows counted in it, and the seconds its phases took.

    `rows_done` are rows passed through while reading; then rows stored, as lines are stored while they are checked.
    Once it is `ending`, the lease goes with the end of the reading, and was not lost.
    """

    def __init__(self) -> None:
        self.phase: ReadingPhase = "reading"
        self.rows_done = 0
        self.rows_total: int | None = None
        self.ending = False
        self.seconds: dict[str, float] = {}
        self._since = time.monotonic()
        self._done_before = 0

    def count(self, rows_done: int, rows_total: int | None = None) -> None:
        """So many rows are done in this phase, of so many where that is known by now."""
        self.rows_done = rows_done
        self.rows_total = self.rows_total if rows_total is None else rows_total

    def enter(self, phase: ReadingPhase) -> None:
        """The phase before is over."""
        now = time.monotonic()
        self.seconds[self.phase] = now - self._since
        self.phase, self._since = phase, now
        self._done_before = self.rows_done if phase == "storing" else 0

    def lap(self, step: str) -> None:
        """A step within the phase is over; what follows is timed by itself."""
        now = time.monotonic()
        self.seconds[step], self._since = now - self._since, now

    def left(self) -> timedelta | None:
        """How long it will still take, by the shares of the phases and the speed so far; None while unknown."""
        if not self.rows_total or self.phase not in _PHASES:
            return None
        here = _PHASES.index(self.phase)
        expected = [self.rows_total * _SECONDS_A_ROW[phase] for phase in _PHASES]
        passed = sum(expected[:here])
        slowness = sum(self.seconds.values()) / passed if passed else 1.0
        elapsed = time.monotonic() - self._since
        done = (self.rows_done - self._done_before) / max(self.rows_total - self._done_before, 1)
        if self.phase == "storing" and done >= _SURE_FROM:
            rest = elapsed * (1 - done) / done
        else:
            slowness = max(slowness, elapsed / expected[here])
            rest = expected[here] * slowness - elapsed
        return timedelta(seconds=max(rest, 0) + sum(expected[here + 1 :]) * slowness)
