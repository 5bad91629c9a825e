"""HTTP to addresses that people name: no redirects, and each address is looked at as it is used.

In: a request. Out: whether it was taken. No state. A name may resolve to something else than a
moment ago (DNS rebinding), so what is checked is the address that is connected to. Loopback and
private networks are where pipelines live and stay allowed; what no receiver of ours can be is not:
link-local (metadata of clouds), unspecified, multicast. Source: reliability.md S20.
"""

import http.client
import socket
import urllib.error
import urllib.request
from email.message import Message
from ipaddress import ip_address
from typing import IO

TIMEOUT_S = 20.0


class ForbiddenAddress(OSError):
    """A name that stands for an address nothing may be sent to."""


def allowed(address: str) -> bool:
    """Whether a connection to an address may be made."""
    found = ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped or found
    return not (found.is_link_local or found.is_unspecified or found.is_multicast)


def connect(host: str, port: int, timeout_s: float) -> socket.socket:
    """A connection to the first allowed address that answers; raises `OSError`."""
    error: OSError = ForbiddenAddress(f"{host} stands for no address that may be sent to")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
        if not allowed(str(address[0])):
            continue
        made = socket.socket(family, kind, protocol)
        try:
            made.settimeout(timeout_s)
            made.connect(address)
        except OSError as refused:
            made.close()
            error = refused
        else:
            return made
    raise error


class _Http(http.client.HTTPConnection):
    """Connects to checked addresses alone."""

    def connect(self) -> None:
        """Connect."""
        self.sock = connect(self.host, self.port, TIMEOUT_S)


class _Https(http.client.HTTPSConnection):
    """The same with TLS: the certificate is of the name that was asked for."""

    def connect(self) -> None:
        """Connect; through the proxy of the environment where there is one."""
        self.sock = connect(self.host, self.port, TIMEOUT_S)
        name = self.host
        if self._tunnel_host:  # type: ignore[attr-defined]  # where http.client keeps it
            self._tunnel()  # type: ignore[attr-defined]
            name = self._tunnel_host  # type: ignore[attr-defined]
        self.sock = self._context.wrap_socket(self.sock, server_hostname=name)  # type: ignore[attr-defined]


class _HttpHandler(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Http, req)


class _HttpsHandler(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Https, req)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST would arrive as an empty GET, and look as if it was taken."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> None:
        """Follow none."""


_OPENER = urllib.request.build_opener(_NoRedirect, _HttpHandler, _HttpsHandler)


def send(request: urllib.request.Request) -> str:
    """Send once; empty where it was taken (2xx), else why not."""
    try:
        with _OPENER.open(request, timeout=TIMEOUT_S):
            return ""
    except urllib.error.HTTPError as error:
        with error:
            return f"answered {error.code}"
    except (OSError, http.client.HTTPException) as error:
        return f"does not answer: {error}"
