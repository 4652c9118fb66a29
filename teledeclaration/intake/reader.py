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
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import structlog

from teledeclaration.intake.counting import read_count
from teledeclaration.intake.given_back import AnnotatedWorkbook
from teledeclaration.intake.own_additions import without_own_additions
from teledeclaration.intake.protocol import (
    EXIT_OUT_OF_MEMORY,
    PACKET_BYTES,
    Allowance,
    AnnotateArguments,
    Ended,
    ReadArguments,
    Request,
    Stop,
)
from teledeclaration.intake.raw import RawFile, ReadingLimits, Unreadable
from teledeclaration.intake.transfer import (
    Failure,
    FileHead,
    Head,
    ProbeHead,
    Refusal,
    WorkbookHead,
    read_file,
    read_head,
)
from teledeclaration.languages import Language

Content = bytes | Path | int
Counted = Callable[[int, int | None], None]
"""Told the rows passed through, and all there are where that is known."""

_log = structlog.get_logger(__name__)

ANNOTATE_SECONDS = 240
_START_SECONDS = 30
_COUNT_EVERY_S = 0.25
_FOLDER = "teledeclaration-reader-"


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

    async def run(
        self, function: str, content: int, arguments: bytes, allowance: Allowance, progress: Counted | None = None
    ) -> tuple[Ended, mmap.mmap]:
        """Run a function of the sandbox's table over an open file; how it ended and the mapped result.

        `ReaderError` where the server died twice under it. Cancelled, it ends the child.
        """
        async with self._slots:
            for _ in range(2):
                with contextlib.suppress(_ServerGoneError):
                    return await self._ask(function, content, arguments, allowance, progress)
        raise ReaderError("the reader server died twice")

    async def _ask(
        self, function: str, content: int, arguments: bytes, allowance: Allowance, progress: Counted | None
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
            try:
                ended = await _followed(future, result, progress)
            except asyncio.CancelledError:
                self._stop(door, number)
                raise
            size = os.fstat(result).st_size
            return ended, mmap.mmap(result, size, access=mmap.ACCESS_READ) if size else mmap.mmap(-1, 1)

    def _stop(self, door: socket.socket, number: int) -> None:
        """End a child that nobody waits for; one that cannot be told so ends by its own limits."""
        self._waiting.pop(number, None)
        if door is self._door:
            with contextlib.suppress(OSError):
                door.send(msgspec.msgpack.encode(Stop(number=number)))

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
        self, function: str, content: int, arguments: bytes, allowance: Allowance, progress: Counted | None = None
    ) -> tuple[Head, mmap.mmap]:
        ended, mapped = await self.run(function, content, arguments, allowance, progress)
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


async def _followed(future: asyncio.Future[Ended], result: int, progress: Counted | None) -> Ended:
    """The end of a child; until then `progress` is told what it counts."""
    while progress is not None and not future.done():
        await asyncio.wait([future], timeout=_COUNT_EVERY_S)
        progress(*read_count(result))
    return await future


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
    progress: Counted | None = None,
) -> RawFile:
    """A stranger's file as text cells, read in a confined child; `Unreadable` says why it cannot be.

    `content` is bytes, a path or an open descriptor. `progress` is told the rows passed through, a few times a
    second and at the end, with the number of all of them once it is known.
    """
    with _opened(content) as descriptor:
        size = os.fstat(descriptor).st_size
        if size > limits.max_bytes:
            raise Unreadable("too-large", limit_mib=limits.max_bytes // 2**20)
        try:
            head, mapped = await _read_answer(descriptor, filename, limits, reader, progress)
        except Unreadable as refusal:
            if refusal.code != "took-too-much-memory" or limits.look_first:
                raise
            careful = msgspec.structs.replace(limits, look_first=True)  # so that the cell at fault can be told
            head, mapped = await _read_answer(descriptor, filename, careful, reader, progress)
    with mapped:
        if not isinstance(head, FileHead):
            raise ReaderError("the child did not answer with a file")
        file = await asyncio.to_thread(_settled, head, mapped)
    if progress is not None:
        rows = sum(sheet.cells.height for sheet in file.sheets)
        progress(rows, rows)
    return file


def _settled(head: FileHead, mapped: mmap.mmap) -> RawFile:
    return without_own_additions(read_file(head, mapped))


async def _read_answer(
    content: int, filename: str, limits: ReadingLimits, reader: ReaderServer, progress: Counted | None
) -> tuple[Head, mmap.mmap]:
    arguments = msgspec.msgpack.encode(ReadArguments(filename=filename, limits=limits))
    allowance = _allowance(limits, os.fstat(content).st_size)
    with _failures_are_the_files():
        return await reader.answer("read", content, arguments, allowance, progress)


async def annotated_workbook(
    content: Content,
    *,
    filename: str,
    pages: Sequence[bytes],
    language: Language,
    limits: ReadingLimits,
    reader: ReaderServer,
    table: tuple[str, int] | None = None,
) -> AnnotatedWorkbook:
    """The file as a workbook with the findings at their cells and in a sheet in front; `Unreadable` as `read_raw`.

    An `.xlsx` comes back as the user's own, anything else as a copy of its values. `pages` are the findings in their
    order, as `findings_page` gives them. `table` is the name of the sheet with the lines and the row right above the
    first of them; without it no columns of results are added. Whoever gets the workbook closes it.
    """
    told = AnnotateArguments(filename=filename, limits=limits, language=language, pages=list(pages), table=table)
    with _opened(content) as descriptor:
        allowance = _allowance(limits, os.fstat(descriptor).st_size)
        patient = msgspec.structs.replace(allowance, wall_seconds=ANNOTATE_SECONDS, cpu_seconds=ANNOTATE_SECONDS // 2)
        with _failures_are_the_files():
            head, mapped = await reader.answer("annotate", descriptor, msgspec.msgpack.encode(told), patient)
    if not isinstance(head, WorkbookHead):
        mapped.close()
        raise ReaderError("the child did not answer with a workbook")
    return AnnotatedWorkbook(mapped, head)
