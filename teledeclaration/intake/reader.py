"""Reading a stranger's file from this side of the sandbox: the reader server, asked, and put up again when it dies."""

import asyncio
import contextlib
import itertools
import mmap
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import structlog

from schemas.findings import Finding
from teledeclaration.intake.protocol import (
    EXIT_OUT_OF_MEMORY,
    PACKET_BYTES,
    Allowance,
    AnnotateArguments,
    Ended,
    ReadArguments,
    Request,
)
from teledeclaration.intake.raw import RawFile, ReadingLimits, Unreadable
from teledeclaration.intake.transfer import BytesHead, Failure, FileHead, Head, ProbeHead, Refusal, read_file, read_head
from teledeclaration.languages import Language

Content = bytes | Path | int

_log = structlog.get_logger(__name__)

STYLED_ROWS_MAX = 20_000
ANNOTATE_SECONDS = 240
_START_SECONDS = 30
_FOLDER = "teledeclaration-reader-"
_SIGNALS_OF_A_FULL_MEMORY = (signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGTRAP, signal.SIGXFSZ)


class ReaderError(Exception):
    """The sandbox failed under a file, by no fault of the file that is known: to be tried again, and looked at."""


class ChildFailedError(ReaderError):
    """A child met an error that nobody foresaw; the words say its kind and place, never a cell."""


class _ServerGoneError(Exception):
    """The server died with the request in hand."""


class ReaderServer:
    """One reader server and its doors; `at_once` files are read at the same time, the others wait.

    `last_peak_bytes` and `last_cpu_seconds` are what the latest child to end had used.

    An async context manager. The server is started when first needed and again when it has died; a
    read that was in its hands is then sent once more.
    """

    def __init__(self, *, at_once: int | None = None) -> None:
        self._slots = asyncio.Semaphore(at_once or max(2, os.cpu_count() or 1))
        self._starting = asyncio.Lock()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Ended]] = {}
        self._door: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._folder: str | None = None
        self.last_peak_bytes = 0
        self.last_cpu_seconds = 0.0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def process_id(self) -> int | None:
        """The server's process, None while there is none."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start the server unless it runs; returns once it is ready."""
        async with self._starting:
            if self._door is not None:
                return
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "teledeclaration.intake.sandbox", str(theirs.fileno()), self._new_folder()),
                    pass_fds=[theirs.fileno()],
                    stdin=asyncio.subprocess.DEVNULL,
                    env=_environment(),
                )
            ours.setblocking(False)
            loop = asyncio.get_running_loop()
            try:
                greeting = await asyncio.wait_for(loop.sock_recv(ours, PACKET_BYTES), _START_SECONDS)
            except BaseException:
                ours.close()
                raise
            if greeting != b"ready":
                ours.close()
                raise ReaderError("the reader server did not start")
            self._door = ours
            loop.add_reader(ours.fileno(), self._hear)

    def _new_folder(self) -> str:
        """Where the server's children keep what they must, in place of that of a server that died."""
        self._remove_folder()
        for left in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
            if not Path("/proc", left.name.removeprefix(_FOLDER).partition("-")[0]).exists():
                shutil.rmtree(left, ignore_errors=True)
        self._folder = tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-")
        Path(self._folder).chmod(0o711)
        return self._folder

    def _remove_folder(self) -> None:
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    async def stop(self) -> None:
        """End the server and every child it has."""
        self._drop()
        process, self._process = self._process, None
        if process is not None:
            try:
                await asyncio.wait_for(process.wait(), 5)
            except TimeoutError:
                process.kill()
                await process.wait()
        self._remove_folder()

    def _drop(self) -> None:
        door, self._door = self._door, None
        if door is not None:
            asyncio.get_running_loop().remove_reader(door.fileno())
            door.close()
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(_ServerGoneError())

    def _hear(self) -> None:
        if self._door is None:
            return
        try:
            packet = self._door.recv(PACKET_BYTES)
        except BlockingIOError:
            return
        except ConnectionResetError:  # killed with a request unread
            packet = b""
        if not packet:
            self._drop()
            return
        ended = msgspec.msgpack.decode(packet, type=Ended)
        self.last_peak_bytes, self.last_cpu_seconds = ended.peak_bytes, ended.cpu_seconds
        future = self._waiting.pop(ended.number, None)
        if future is not None and not future.done():
            future.set_result(ended)

    async def run(self, function: str, content: int, arguments: bytes, allowance: Allowance) -> tuple[Ended, mmap.mmap]:
        """Run a function of the sandbox's table over an open file; how it ended and the mapped result.

        `ReaderError` where the server died twice under it.
        """
        async with self._slots:
            for _ in range(2):
                with contextlib.suppress(_ServerGoneError):
                    return await self._ask(function, content, arguments, allowance)
        raise ReaderError("the reader server died twice")

    async def _ask(
        self, function: str, content: int, arguments: bytes, allowance: Allowance
    ) -> tuple[Ended, mmap.mmap]:
        await self.start()
        door = self._door
        if door is None:
            raise _ServerGoneError
        with _memory_file(arguments) as told, _memory_file(b"") as result:
            number = next(self._numbers)
            request = Request(number=number, function=function, allowance=allowance)
            future: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
            self._waiting[number] = future
            try:
                socket.send_fds(door, [msgspec.msgpack.encode(request)], [content, told, result])
            except (BrokenPipeError, ConnectionResetError):
                if self._door is door:
                    self._drop()
            ended = await future
            size = os.fstat(result).st_size
            return ended, mmap.mmap(result, size, access=mmap.ACCESS_READ) if size else mmap.mmap(-1, 1)

    async def probe(self) -> ProbeHead:
        """What a confined child may still do on this system."""
        allowance = Allowance(memory_bytes=2**30, cpu_seconds=10, output_bytes=2**20, wall_seconds=10)
        with _memory_file(b" ") as nothing:
            head, mapped = await self.answer("probe", nothing, b"", allowance)
        mapped.close()
        if not isinstance(head, ProbeHead):
            raise ReaderError("the probe did not answer")
        return head

    async def answer(
        self, function: str, content: int, arguments: bytes, allowance: Allowance
    ) -> tuple[Head, mmap.mmap]:
        ended, mapped = await self.run(function, content, arguments, allowance)
        if ended.exit_code != 0 or ended.timed_out:
            mapped.close()
            raise _why(ended)
        head = read_head(mapped)
        if isinstance(head, Failure):
            mapped.close()
            raise ChildFailedError(f"{function}: {head.kind} at {head.place}")
        if isinstance(head, Refusal):
            mapped.close()
            raise Unreadable(head.code, **head.values)
        return head, mapped


def _why(ended: Ended) -> Exception:
    if ended.timed_out or ended.exit_code in (-signal.SIGXCPU, -signal.SIGKILL):
        return Unreadable("took-too-long")
    if ended.exit_code in (
        EXIT_OUT_OF_MEMORY,
        -signal.SIGABRT,
        -signal.SIGSEGV,
        -signal.SIGBUS,
        -signal.SIGTRAP,
        -signal.SIGXFSZ,
    ):
        return Unreadable("took-too-much-memory")
    return ReaderError(f"a child of the reader server ended with {ended.exit_code}")


def _environment() -> dict[str, str]:
    """Nothing of this process's settings and secrets; two arenas and no background threads keep the child small."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "TMPDIR", "LANG") if name in os.environ}
    return kept | {
        "PYTHONPATH": os.pathsep.join(part for part in sys.path if part),
        "MALLOC_ARENA_MAX": "2",
        "_RJEM_MALLOC_CONF": "background_thread:false",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@contextlib.contextmanager
def _memory_file(content: bytes) -> Iterator[int]:
    descriptor = os.memfd_create("reading", os.MFD_CLOEXEC)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _opened(content: Content) -> Iterator[int]:
    if isinstance(content, bytes):
        with _memory_file(content) as descriptor:
            yield descriptor
    elif isinstance(content, int):
        yield content
    else:
        descriptor = os.open(content, os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _failures_are_the_files() -> Iterator[None]:
    """A file that makes a reader fail is a damaged file to its owner, and a line in the log for us."""
    try:
        yield
    except ChildFailedError as failure:
        _log.error("a reader failed under a file", failure=str(failure))
        raise Unreadable("damaged") from failure


def _allowance(limits: ReadingLimits, size_bytes: int) -> Allowance:
    cpu_seconds = limits.cpu_seconds(size_bytes)
    return Allowance(
        memory_bytes=limits.memory_bytes,
        cpu_seconds=cpu_seconds,
        output_bytes=limits.output_bytes,
        wall_seconds=cpu_seconds * limits.wall_per_cpu,
    )


async def read_raw(
    content: Content,
    *,
    filename: str,
    limits: ReadingLimits,
    reader: ReaderServer,
    progress: Callable[[int], None] | None = None,
) -> RawFile:
    """A stranger's file as text cells, read in a confined child; `Unreadable` says why it cannot be.

    `content` is bytes, a path or an open descriptor. `progress` is told the rows read.
    """
    with _opened(content) as descriptor:
        size = os.fstat(descriptor).st_size
        if size > limits.max_bytes:
            raise Unreadable("too-large", limit_mib=limits.max_bytes // 2**20)
        arguments = msgspec.msgpack.encode(ReadArguments(filename=filename, limits=limits))
        with _failures_are_the_files():
            head, mapped = await reader.answer("read", descriptor, arguments, _allowance(limits, size))
    with mapped:
        if not isinstance(head, FileHead):
            raise ReaderError("the child did not answer with a file")
        file = await asyncio.to_thread(read_file, head, mapped)
    if progress is not None:
        progress(sum(sheet.cells.height for sheet in file.sheets))
    return file


async def annotated_copy(
    content: Content,
    *,
    filename: str,
    findings: list[Finding],
    language: Language,
    limits: ReadingLimits,
    reader: ReaderServer,
    styled_rows_max: int = STYLED_ROWS_MAX,
) -> bytes:
    """The file as an `.xlsx` with `findings` at their cells and in a sheet in front; `Unreadable` as `read_raw`.

    An `.xlsx` of up to `styled_rows_max` rows comes back as the user's own workbook, anything else as a copy.
    """
    told = AnnotateArguments(
        filename=filename, limits=limits, language=language, findings=findings, styled_rows_max=styled_rows_max
    )
    with _opened(content) as descriptor:
        allowance = _allowance(limits, os.fstat(descriptor).st_size)
        patient = msgspec.structs.replace(allowance, wall_seconds=ANNOTATE_SECONDS, cpu_seconds=ANNOTATE_SECONDS // 2)
        with _failures_are_the_files():
            head, mapped = await reader.answer("annotate", descriptor, msgspec.msgpack.encode(told), patient)
    with mapped:
        if not isinstance(head, BytesHead):
            raise ReaderError("the child did not answer with a workbook")
        return mapped[head.content.offset : head.content.offset + head.content.length]
