"""What a child gives up before it opens a stranger's file: user, network, files, programs, memory and time.

Each step is taken as far as the system allows it: a container may refuse new namespaces, an unprivileged
server cannot change its user; limits, no new privileges and the system-call filter hold everywhere on
Linux (x86-64 and arm64). `probe` of the sandbox says what holds on a given system.
"""

import contextlib
import ctypes
import os
import platform
import resource
import signal
from pathlib import Path
from typing import NamedTuple

from teledeclaration.intake.protocol import Allowance

_NOBODY = 65534

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2

_CLONE_NEWUTS = 0x04000000
_CLONE_NEWIPC = 0x08000000
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000


class _Calls(NamedTuple):
    """System-call numbers of one architecture; `audit` is how the filter knows it."""

    audit: int
    clone: int
    clone3: int
    refused: tuple[int, ...]


# refused: socket, connect, accept, accept4, bind, listen, socketpair, sendto, sendmsg, execve, execveat, fork, vfork,
# kill, ptrace, process_vm_readv, process_vm_writev, mount, umount2, unshare, setns, bpf, perf_event_open,
# userfaultfd, io_uring_setup, add_key, request_key, keyctl (arm64 has no fork and no vfork)
_CALLS = {
    "x86_64": _Calls(
        audit=0xC000003E,
        clone=56,
        clone3=435,
        refused=(
            *(41, 42, 43, 288, 49, 50, 53, 44, 46, 59, 322, 57, 58, 62, 101, 310, 311, 165, 166, 272, 308),
            *(321, 298, 323, 425, 248, 249, 250),
        ),
    ),
    "aarch64": _Calls(
        audit=0xC00000B7,
        clone=220,
        clone3=435,
        refused=(
            *(198, 203, 202, 242, 200, 201, 199, 206, 211, 221, 281, 129, 117, 270, 271, 40, 39, 97, 268),
            *(280, 241, 282, 425, 217, 218, 219),
        ),
    ),
}
_X32_CALLS = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


def confine(allowance: Allowance, *, scratch: Path, parent: int) -> None:
    """Give up everything but the open descriptors; `scratch` becomes all there is of the file system.

    `parent` is the process that forked; where it is already gone, so is the child.
    """
    as_root = os.geteuid() == 0
    _leave_namespaces(as_root=as_root)
    address_space = _mapped_bytes() + allowance.memory_bytes
    os.chdir(scratch)
    with contextlib.suppress(OSError):
        os.chroot(".")
    _limit(allowance, address_space)
    if as_root:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _prctl(_PR_SET_DUMPABLE, 0)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    _refuse_calls()


def _mapped_bytes() -> int:
    """The address space this process maps now."""
    descriptor = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return int(os.read(descriptor, 64).split()[0]) * resource.getpagesize()
    finally:
        os.close(descriptor)


def _leave_namespaces(*, as_root: bool) -> None:
    """Out of the network; unprivileged, through a user namespace of one's own where those are allowed."""
    if as_root:
        _libc.unshare(_CLONE_NEWNET | _CLONE_NEWIPC | _CLONE_NEWUTS)
        return
    user, group = os.geteuid(), os.getegid()
    if _libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC | _CLONE_NEWUTS) != 0:
        return
    with contextlib.suppress(OSError):
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def _limit(allowance: Allowance, address_space: int) -> None:
    for what, most in (
        (resource.RLIMIT_AS, address_space),
        (resource.RLIMIT_CPU, allowance.cpu_seconds),
        (resource.RLIMIT_FSIZE, allowance.output_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        _, hard = resource.getrlimit(what)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (bound, bound))


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.POINTER(_Instruction)))


def _filter(calls: _Calls) -> list[tuple[int, int, int, int]]:
    """A classic BPF program: a foreign architecture is killed, a refused call answers EPERM, the rest passes.

    `clone` passes for a thread only; `clone3`, whose flags a filter cannot see, answers ENOSYS, upon
    which the C library takes `clone`.
    """
    load, equal, at_least, has_bits, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    kill, not_permitted, no_such_call, allow = 0x80000000, 0x00050001, 0x00050026, 0x7FFF0000
    number, architecture, first_argument, thread = 0, 4, 16, 0x10000
    left = len(calls.refused)
    checks = [(equal, left - place, 0, call) for place, call in enumerate(calls.refused)]
    return [
        (load, 0, 0, architecture),
        (equal, 1, 0, calls.audit),
        (answer, 0, 0, kill),
        (load, 0, 0, number),
        (equal, 0, 1, calls.clone3),
        (answer, 0, 0, no_such_call),
        (equal, 0, 2, calls.clone),
        (load, 0, 0, first_argument),
        (has_bits, left + 1, left + 2, thread),
        (at_least, left + 1, 0, _X32_CALLS),
        *checks,
        (answer, 0, 0, allow),
        (answer, 0, 0, not_permitted),
    ]


def _program() -> _Program | None:
    """The filter for this architecture, put together once; None where none is known."""
    calls = _CALLS.get(platform.machine())
    if calls is None:
        return None
    steps = _filter(calls)
    instructions = (_Instruction * len(steps))(*(_Instruction(*step) for step in steps))
    return _Program(len(steps), ctypes.cast(instructions, ctypes.POINTER(_Instruction)))


_PROGRAM = _program()


def _refuse_calls() -> None:
    if _PROGRAM is not None:
        _libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(_PROGRAM), 0, 0)
