"""Server processes on this machine: never root, never outliving the process that started them."""

import ctypes
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

STOP_SECONDS_MAX = 20.0
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


class StartError(RuntimeError):
    """A server cannot start; the message tells the operator why and what to do."""


class ServiceUser:
    """Who a server runs as when root starts it: `nobody`, who owns nothing but the server's own folder."""

    def __init__(self, name: str = "nobody") -> None:
        entry = pwd.getpwnam(name)
        self.name, self.uid, self.gid = name, entry.pw_uid, entry.pw_gid

    def may_enter(self, folder: Path) -> bool:
        """Whether every folder down to `folder` lets this user pass."""
        return self.first_closed_folder(folder) is None

    def first_closed_folder(self, folder: Path) -> Path | None:
        """The first existing folder on the way to `folder` that this user may not enter."""
        way = [*reversed(folder.absolute().parents), folder.absolute()]
        return next((step for step in way if step.exists() and not self._passes(step)), None)

    def _passes(self, folder: Path) -> bool:
        facts = folder.stat()
        if facts.st_uid == self.uid:
            return bool(facts.st_mode & 0o100)
        return bool(facts.st_mode & (0o010 if facts.st_gid == self.gid else 0o001))


def service_user() -> ServiceUser | None:
    """`nobody` when we are root, else None: the server runs as we do."""
    return ServiceUser() if os.geteuid() == 0 else None


def own_folder(folder: Path, user: ServiceUser | None, setting: str) -> None:
    """Make `folder`, readable by the server alone; StartError where the server's user cannot reach it."""
    closed = user.first_closed_folder(folder.parent) if user else None
    if user and closed:
        raise StartError(
            f"the server runs as {user.name}, not as root, and {user.name} may not enter {closed}, "
            f"which its data folder {folder} lies in: set {setting} to a folder that others may enter"
        )
    folder.mkdir(mode=0o700, exist_ok=True)
    if user:
        os.chown(folder, user.uid, user.gid)


def make_passable(folder: Path) -> None:
    """Make `folder` (and its missing parents) one that others may pass through but not list."""
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(0o711)


def copy_for_all(folders: Sequence[Path], target: Path) -> None:
    """Copy `folders` into `target`, whole or not at all, for everyone to read and run; nothing where it is there."""
    if target.exists():
        return
    new = target.with_name(f"{target.name}.{os.getpid()}.new")
    for folder in folders:
        shutil.copytree(folder, new / folder.name, symlinks=True)
    for entry in (new, *new.rglob("*")):
        if not entry.is_symlink():
            entry.chmod(0o755)
    new.rename(target)


def kept_secret(file: Path) -> str:
    """The secret kept in `file`, generated on first use; only its owner may read it."""
    if file.exists():
        return file.read_text().strip()
    secret = secrets.token_urlsafe(32)
    new = file.with_name(f"{file.name}.{os.getpid()}.new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(secret)
    new.rename(file)
    return secret


def stop_with_parent(stop_signal: signal.Signals, *, parent: int | None = None) -> Callable[[], None]:
    """What a child runs before exec so that the kernel sends it `stop_signal` when its parent dies.

    The kernel watches the thread that forked, not the process: start servers from a thread that lives as long as
    they shall, as a rule the main one.
    """
    parent = parent or os.getpid()

    def prepare() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
        if os.getppid() != parent:  # it died before the kernel was asked to watch it
            os._exit(1)

    return prepare


def start_process(
    command: Sequence[str | Path],
    *,
    user: ServiceUser | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    log: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` as `user`, in a session of its own, tied to us; its words go to `log` or to a pipe.

    A session of its own keeps the terminal's Ctrl-C from it: we decide in which order servers stop.
    """
    output = log.open("ab") if log else None
    try:
        return subprocess.Popen(  # noqa: S603 — our own programs and paths
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output or subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(env) if env is not None else None,
            cwd=cwd,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
            start_new_session=True,
            preexec_fn=stop_with_parent(stop_signal),  # noqa: PLW1509 — two system calls, no lock and no import
        )
    finally:
        if output:
            output.close()


def is_alive(pid: int) -> bool:
    """Whether the process exists and is more than an ended one that waits to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def stop_process(process: subprocess.Popen[bytes], stop_signal: signal.Signals, seconds_max: float) -> None:
    """Ask `process` to stop; kill it when it has not within `seconds_max`."""
    if process.poll() is None:
        process.send_signal(stop_signal)
    try:
        process.wait(seconds_max)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], *, name: str, log: Path) -> None:
    """Wait until `ready` says so; StartError with the end of the log where the process ended or 30 s have passed."""
    deadline = time.monotonic() + 30
    while not ready():
        if process.poll() is not None:
            raise StartError(f"{name} stopped while starting; the end of {log}:\n{last_lines(log)}")
        if time.monotonic() > deadline:
            raise StartError(f"{name} was not ready after 30 s; the end of {log}:\n{last_lines(log)}")
        time.sleep(0.01)


def last_lines(log: Path, count: int = 8) -> str:
    """The end of a log, for a message."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(lines[-count:])
