"""Free ports on the loopback, reserved until the server that was promised one listens on it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

LOOPBACK = "127.0.0.1"


@contextmanager
def reserved_port() -> Iterator[int]:
    """A free port that nobody else is given while the context lasts; the server may listen on it meanwhile.

    The socket stays bound, so the kernel gives the port to no other bind or connect. It never listens and allows
    address reuse, which on Linux lets a server that allows it too (PostgreSQL, Valkey, granian) bind beside it.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as holder:
        holder.bind((LOOPBACK, 0))
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        yield holder.getsockname()[1]


def port_is_used(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server already listens on `port` there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            # Two sockets may share a bound port, only one may listen: the listening tells.
            probe.listen(1)
        except OSError:
            return True
    return False
