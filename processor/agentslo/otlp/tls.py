"""TLS for listeners and destinations, from files on disk.

In: `TlsOptions`. Out: what grpc and aiohttp take. State: a listener remembers the stamp of its
files and reads them again when a handshake finds them changed, so that a rotated certificate needs
no restart; files that cannot be read keep the old ones. (The HTTP listener keeps its client
authorities until restart: OpenSSL swaps only the certificate within a handshake.)
"""

import logging
import ssl
from pathlib import Path

import grpc

from agentslo.config.transport import TlsOptions

logger = logging.getLogger(__name__)

Stamp = tuple[tuple[int, int, int], ...]


def listener_credentials(tls: TlsOptions) -> grpc.ServerCredentials:
    """Server credentials that follow the files; with `ca_file` clients need a certificate."""
    stamp = _stamp(tls)

    def renew() -> grpc.ServerCertificateConfiguration | None:
        nonlocal stamp
        try:
            found = _stamp(tls)
            if found == stamp:
                return None
            fresh = _certificates(tls)
        except OSError as error:
            logger.warning("keeping the old certificate: %s", error)
            return None
        stamp = found
        return fresh

    return grpc.dynamic_ssl_server_credentials(
        _certificates(tls),
        renew,  # type: ignore[arg-type]  # None means unchanged; the stubs do not know
        require_client_authentication=bool(tls.ca_file),
    )


def listener_context(tls: TlsOptions) -> ssl.SSLContext:
    """An SSL context whose certificate follows the files."""
    stamp = _stamp(tls)
    current = _server_context(tls)

    def renew(connection: ssl.SSLObject, _name: str, _context: ssl.SSLContext) -> None:
        nonlocal stamp, current
        try:
            found = _stamp(tls)
            if found != stamp:
                current = _server_context(tls)
                stamp = found
        except OSError as error:
            logger.warning("keeping the old certificate: %s", error)
        connection.context = current

    context = _server_context(tls)
    context.sni_callback = renew
    return context


def channel_credentials(tls: TlsOptions) -> grpc.ChannelCredentials:
    """Client credentials of a gRPC destination."""
    if tls.insecure_skip_verify:
        raise ValueError("gRPC cannot skip verification; set ca_file instead")
    return grpc.ssl_channel_credentials(
        root_certificates=_read(tls.ca_file),
        private_key=_read(tls.key_file),
        certificate_chain=_read(tls.cert_file),
    )


def client_context(tls: TlsOptions) -> ssl.SSLContext:
    """SSL context of an HTTP destination."""
    context = ssl.create_default_context(cafile=tls.ca_file or None)
    if tls.cert_file:
        context.load_cert_chain(tls.cert_file, tls.key_file or None)
    if tls.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _server_context(tls: TlsOptions) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=tls.ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(tls.cert_file, tls.key_file or None)
    if tls.ca_file:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _certificates(tls: TlsOptions) -> grpc.ServerCertificateConfiguration:
    key, chain = Path(tls.key_file).read_bytes(), Path(tls.cert_file).read_bytes()
    return grpc.ssl_server_certificate_configuration([(key, chain)], _read(tls.ca_file))


def _read(path: str) -> bytes | None:
    return Path(path).read_bytes() if path else None


def _stamp(tls: TlsOptions) -> Stamp:
    files = [Path(path).stat() for path in (tls.cert_file, tls.key_file, tls.ca_file) if path]
    return tuple((file.st_mtime_ns, file.st_size, file.st_ino) for file in files)
