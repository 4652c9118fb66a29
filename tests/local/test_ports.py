"""Ports that two programs cannot be given at once."""

import socket
from contextlib import ExitStack

from teledeclaration.local.ports import port_is_used, reserved_port


def test_a_reserved_port_is_given_to_nobody_else() -> None:
    with ExitStack() as held, ExitStack() as others:
        reserved = {held.enter_context(reserved_port()) for _ in range(200)}
        assert len(reserved) == 200
        for _ in range(2_000):
            other = others.enter_context(socket.socket())
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", 0))
            assert other.getsockname()[1] not in reserved


def test_the_server_it_was_promised_to_may_listen_while_it_is_reserved() -> None:
    with reserved_port() as port:
        assert not port_is_used(port)
        with socket.create_server(("127.0.0.1", port)) as server:
            server.listen()
            assert port_is_used(port)
