"""Free loopback ports, for programs that cannot bind to port 0 and tell which they got."""

import socket

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A TCP port nothing listens on now.

    Another process may take it before its user does: prefer binding to 0 where that is possible.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
