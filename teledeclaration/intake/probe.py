"""What a confined child may still do here, tried by itself: for operators, and for the tests of the sandbox."""

import mmap
import os
import resource
import socket
from pathlib import Path
from typing import BinaryIO

from teledeclaration.intake.transfer import ProbeHead, write_head


def probe_job(_content: bytes | mmap.mmap, _arguments: bytes, output: BinaryIO) -> None:
    """Try what must fail, and write what did not."""
    head = ProbeHead(
        user_id=os.geteuid(),
        reads_files=_reads_files(),
        reaches_network=_reaches_network(),
        starts_programs=_starts_programs(),
        memory_limit_bytes=resource.getrlimit(resource.RLIMIT_AS)[0],
    )
    write_head(head, output)


def _reads_files() -> bool:
    try:
        Path("/etc/passwd").read_bytes()
    except OSError:
        return False
    return True


def _reaches_network() -> bool:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()
    except OSError:
        return False
    return True


def _starts_programs() -> bool:
    try:
        process = os.fork()
    except OSError:
        return False
    if process == 0:
        os._exit(0)
    return True
