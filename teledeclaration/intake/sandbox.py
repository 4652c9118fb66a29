"""The reader server: a process that has the readers loaded and forks one confined child for each file.

Run as `python -m teledeclaration.intake.sandbox <descriptor> <folder>` by `teledeclaration.intake.reader`, over
a sequenced-packet socket; each child has a folder of its own in that one, for as long as it lives. A request is
a packet with three descriptors: the file, the arguments, the place for the result. A child runs one function of
a fixed table, nothing else, and writes its answer there; the server itself never looks into a file, so nothing
in one can hurt it, and a child's abort, its limits or its deadline end as a word to the client.

The server reads one tiny workbook of its own before it forks, and nothing else: what is bound at first use is there
for all. That starts no thread that a child would miss, as a fork carries none; polars' expressions would.
"""

import contextlib
import gc
import importlib
import io
import mmap
import os
import selectors
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import msgspec

from teledeclaration.intake import counting
from teledeclaration.intake.confinement import confine
from teledeclaration.intake.protocol import (
    DESCRIPTORS,
    EXIT_OUT_OF_MEMORY,
    EXIT_WITHOUT_ANSWER,
    PACKET_BYTES,
    Allowance,
    Ended,
    Request,
    Stop,
)
from teledeclaration.intake.transfer import Failure, write_head
from teledeclaration.languages import catalogue


class _Child(msgspec.Struct, kw_only=True):
    number: int
    process: int
    watched: int
    deadline: float
    scratch: str
    timed_out: bool = False


Job = Callable[[bytes | mmap.mmap, bytes, BinaryIO], None]


# What the readers import only once they need it: a confined child finds no file to import from.
_IMPORTED_LATE = (
    "encodings.cp437",
    "encodings.latin_1",
    "encodings.utf_16",
    "encodings.utf_16_be",
    "encodings.utf_16_le",
    "encodings.utf_32_be",
    "encodings.utf_32_le",
    "encodings.utf_8_sig",
    "encodings.cp1252",
    "encodings.cp1256",
    "importlib.readers",
    "pickle",
    "pyarrow.ipc",
    "pyarrow.types",
    "tomllib",
)


def _jobs() -> dict[str, Job]:
    """The only functions a child may run; what they need is loaded here, before any child is forked."""
    from teledeclaration.intake import annotate, probe, reading, trial

    for name in _IMPORTED_LATE:
        importlib.import_module(name)
    catalogue()
    trial.read_once(io.BytesIO())
    gc.collect()
    gc.freeze()  # so that a child's collector does not touch, and thereby copy, the server's pages
    return {"read": reading.read_job, "annotate": annotate.annotate_job, "probe": probe.probe_job}


def _no_such_job(_content: bytes | mmap.mmap, _arguments: bytes, _output: BinaryIO) -> None:
    raise LookupError


class Server:
    """Forks, watches and buries children; single-threaded."""

    def __init__(self, door: socket.socket, scratches: Path) -> None:
        self.door = door
        self.scratches = scratches
        self.jobs = _jobs()
        self.children: dict[int, _Child] = {}
        self.selector = selectors.DefaultSelector()
        self.selector.register(door, selectors.EVENT_READ)

    def run(self) -> None:
        """Until the client closes the socket; its children end with it."""
        self.door.send(b"ready")
        while True:
            for key, _ in self.selector.select(self._patience()):
                if key.fileobj is not self.door:
                    self._bury(self.children[key.fd])
                elif not self._accept():
                    self._end_all()
                    return
            self._enforce_deadlines()

    def _patience(self) -> float | None:
        running = [child.deadline for child in self.children.values() if not child.timed_out]
        return max(0.0, min(running) - time.monotonic()) if running else None

    def _accept(self) -> bool:
        packet, descriptors, _, _ = socket.recv_fds(self.door, PACKET_BYTES, DESCRIPTORS)
        if not packet:
            return False
        try:
            order = msgspec.msgpack.decode(packet, type=Request | Stop)
            if isinstance(order, Stop):
                self._stop(order.number)
            else:
                self._start(order, descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        return True

    def _start(self, request: Request, descriptors: list[int]) -> None:
        job = self.jobs.get(request.function, _no_such_job)
        scratch = tempfile.mkdtemp(dir=self.scratches)
        if os.geteuid() == 0:
            os.chown(scratch, 65534, 65534)
        parent = os.getpid()
        process = os.fork()
        if process == 0:
            _be_the_child(job, request.allowance, descriptors, Path(scratch), parent)
        watched = os.pidfd_open(process)
        self.selector.register(watched, selectors.EVENT_READ)
        self.children[watched] = _Child(
            number=request.number,
            process=process,
            watched=watched,
            deadline=time.monotonic() + request.allowance.wall_seconds,
            scratch=scratch,
        )

    def _stop(self, number: int) -> None:
        for child in self.children.values():
            if child.number == number:
                os.kill(child.process, signal.SIGKILL)

    def _bury(self, child: _Child) -> None:
        _, status, used = os.wait4(child.process, 0)
        self.selector.unregister(child.watched)
        os.close(child.watched)
        del self.children[child.watched]
        shutil.rmtree(child.scratch, ignore_errors=True)
        ended = Ended(
            number=child.number,
            exit_code=os.waitstatus_to_exitcode(status),
            timed_out=child.timed_out,
            cpu_seconds=used.ru_utime + used.ru_stime,
            peak_bytes=used.ru_maxrss * 1024,
        )
        with contextlib.suppress(BrokenPipeError):
            self.door.send(msgspec.msgpack.encode(ended))

    def _enforce_deadlines(self) -> None:
        now = time.monotonic()
        for child in self.children.values():
            if child.deadline <= now and not child.timed_out:
                child.timed_out = True
                os.kill(child.process, signal.SIGKILL)

    def _end_all(self) -> None:
        for child in list(self.children.values()):
            os.kill(child.process, signal.SIGKILL)
            self._bury(child)


def _be_the_child(job: Job, allowance: Allowance, descriptors: list[int], scratch: Path, parent: int) -> None:
    """Confine, run, leave: 0 with an answer written, another code where even that was impossible."""
    code = EXIT_WITHOUT_ANSWER
    try:
        os.setsid()
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it; here, too much output is the end
        content, arguments, result = _keep_only(descriptors)
        counting.begin(result)
        with os.fdopen(result, "wb", buffering=1 << 20) as output:
            output.seek(counting.HEAD_BYTES)
            _answer(job, content, arguments, output, lambda: confine(allowance, scratch=scratch, parent=parent))
        code = 0
    except MemoryError:
        code = EXIT_OUT_OF_MEMORY
    finally:
        os._exit(code)


def _answer(job: Job, content: int, arguments: int, output: BinaryIO, confined: Callable[[], None]) -> None:
    try:
        confined()
        tempfile.tempdir = str(Path.cwd())
        job(_mapped(content), bytes(_mapped(arguments)), output)
    except MemoryError:
        raise
    except BaseException as error:  # a panic of the Rust readers is no Exception; the client is told
        *_, last = traceback.walk_tb(error.__traceback__)
        place = f"{Path(last[0].f_code.co_filename).name}:{last[1]}"
        write_head(Failure(type(error).__name__, place), output)


def _keep_only(descriptors: list[int]) -> tuple[int, int, int]:
    """Everything closed but the three; standard streams lead nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    kept = sorted(descriptors)
    for first, last in zip([2, *kept], [*kept, 1 << 16], strict=True):
        os.closerange(first + 1, last)
    content, arguments, result = descriptors
    return content, arguments, result


def _mapped(descriptor: int) -> bytes | mmap.mmap:
    size = os.fstat(descriptor).st_size
    return mmap.mmap(descriptor, size, access=mmap.ACCESS_READ) if size else b""


def main() -> None:
    """The server's process."""
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    with socket.socket(fileno=int(sys.argv[1])) as door:
        Server(door, Path(sys.argv[2])).run()


if __name__ == "__main__":
    main()
