"""The platform's own processes on one machine: started, listened to, started again, stopped."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import IO

from teledeclaration.local.processes import start_process, stop_process

STEADY_SECONDS = 30.0
BACKOFF_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 15.0


def tell(line: str) -> None:
    """A line to the operator, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Child:
    """One process whose lines are shown with its name, started again when it dies: after 1 s, 2 s, 4 s … 30 s.

    Call it from the main thread only: the process stops with the thread that started it.
    """

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.name = name
        self._command = command
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: threading.Thread | None = None
        self._started_at = 0.0
        self._starts_at = 0.0
        self._backoff_s = 1.0

    @property
    def pid(self) -> int | None:
        """The running process, None between two lives."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        self._process = start_process(self._command, env=self._environment)
        self._started_at = time.monotonic()
        self._lines = threading.Thread(target=self._show_lines, args=(self._process.stdout,), daemon=True)
        self._lines.start()

    def look_after(self) -> None:
        """Tell a death once, and start again when its time has come."""
        if self._process is None:
            if time.monotonic() >= self._starts_at:
                self.start()
        elif (code := self._process.poll()) is not None:
            self._plan_restart(code)

    def ask_to_stop(self) -> None:
        if self.pid is not None and self._process:
            self._process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Wait for it to end, killing it after 15 s; its last lines are shown."""
        if self._process:
            stop_process(self._process, signal.SIGTERM, STOP_SECONDS_MAX)
        if self._lines:
            self._lines.join(timeout=1)

    def _plan_restart(self, code: int) -> None:
        if time.monotonic() - self._started_at > STEADY_SECONDS:
            self._backoff_s = 1.0
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        tell(f"{self.name} {how}; it starts again in {self._backoff_s:.0f} s")
        self._process = None
        self._starts_at = time.monotonic() + self._backoff_s
        self._backoff_s = min(self._backoff_s * 2, BACKOFF_SECONDS_MAX)

    def _show_lines(self, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                tell(f"{self.name:<6} | {line.decode(errors='replace').rstrip()}")
