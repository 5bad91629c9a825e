"""The `tls` mapping of listeners and destinations.

In: file names. Out: `TlsOptions` with absolute names of files that exist. No state beyond asking
the file system. Relative names are looked up beside the configuration file.
"""

from dataclasses import replace

from agentslo.config.fields import Key
from agentslo.config.kinds import Boolean, Text
from agentslo.config.problems import quoted
from agentslo.config.reading import OptionPath, Reading
from agentslo.config.schema import Group
from agentslo.config.transport import TlsOptions

_FILE = Text(words="file name")

_CERT = Key("cert_file", _FILE, "PEM certificate chain of our own.")
_KEY = Key("key_file", _FILE, "PEM key of `cert_file`.")

# Key of each side -> field of TlsOptions; the listener's authority signs clients.
_LISTENER_FILES = (("cert_file",) * 2, ("key_file",) * 2, ("client_ca_file", "ca_file"))
_DESTINATION_FILES = (("cert_file",) * 2, ("key_file",) * 2, ("ca_file",) * 2)


def _finish_listener(tls: TlsOptions, path: OptionPath, reading: Reading) -> TlsOptions:
    if not tls.cert_file and reading.is_sound(*path):
        fix = "add cert_file and key_file, or remove tls"
        reading.note(path, "a TLS listener needs a certificate", fix)
    return _with_files(tls, _LISTENER_FILES, path, reading)


def _finish_destination(tls: TlsOptions, path: OptionPath, reading: Reading) -> TlsOptions:
    return _with_files(tls, _DESTINATION_FILES, path, reading)


def _with_files(
    tls: TlsOptions, names: tuple[tuple[str, ...], ...], path: OptionPath, reading: Reading
) -> TlsOptions:
    """The same with absolute file names; notes those missing, and halves of a key pair."""
    absolute: dict[str, object] = {}
    for key, attribute in names:
        written = getattr(tls, attribute)
        if not written:
            continue
        file = reading.base / written
        absolute[attribute] = str(file)
        if not file.is_file():
            fix = "correct the name; it is looked up beside the configuration file"
            reading.note((*path, key), f"{quoted(written)} is not a file", fix)
    if bool(tls.cert_file) != bool(tls.key_file) and reading.is_sound(*path):
        there, missing = ("cert_file", "key_file") if tls.cert_file else ("key_file", "cert_file")
        reading.note((*path, there), f"stands without {missing}", f"add {missing}")
    return replace(tls, **absolute)  # type: ignore[arg-type]  # names of str fields alone


LISTENER_TLS = Group(
    name="tls",
    doc="Serves TLS.",
    make=TlsOptions,
    fields=(
        _CERT,
        _KEY,
        Key(
            "client_ca_file",
            _FILE,
            "PEM authorities that must have signed the client's certificate (mTLS).",
            into="ca_file",
        ),
    ),
    finish=_finish_listener,
)

DESTINATION_TLS = Group(
    name="tls",
    doc="Verifies the server of an `https://` endpoint, or of a bare gRPC `host:port`.",
    make=TlsOptions,
    fields=(
        Key("ca_file", _FILE, "PEM authorities that may sign the server; absent: the system's."),
        _CERT,
        _KEY,
        Key("server_name", Text(words="host name"), "Name the certificate must carry."),
        Key(
            "insecure_skip_verify",
            Boolean(),
            "Accept any certificate; OTLP/HTTP only, for tests.",
        ),
    ),
    finish=_finish_destination,
)
