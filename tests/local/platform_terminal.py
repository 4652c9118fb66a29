"""The platform in a terminal: its lines, its process."""

import os
import re
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path


class Terminal:
    """`command` started on a data folder and a port, in a process group of its own."""

    def __init__(self, command: Sequence[str], data: Path, port: int) -> None:
        self.lines: list[str] = []
        environment = {**os.environ, "TELEDECLARATION_DATA": str(data), "PORT": str(port)}
        self.process = subprocess.Popen(
            command,
            env={**environment, "PYTHONPATH": str(Path.cwd())},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line)

    @property
    def text(self) -> str:
        return "".join(self.lines)

    def wait_for(self, pattern: str, *, count: int = 1, seconds: float = 20) -> re.Match[str]:
        """The `count`-th place where the pattern is seen."""
        deadline = time.monotonic() + seconds
        while len(found := list(re.finditer(pattern, self.text))) < count:
            assert time.monotonic() < deadline, f"no {pattern!r} in:\n{self.text}"
            assert self.process.poll() is None, f"ended without {pattern!r}:\n{self.text}"
            time.sleep(0.02)
        return found[count - 1]

    def end(self) -> int:
        code = self.process.wait(30)
        self._reader.join(5)
        return code
