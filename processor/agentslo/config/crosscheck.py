"""Checks that no section can make alone: ports, and destinations that lead back to us.

In: the sections as read. Out: the listeners with the port offset added; problems are noted. No
state. Compares only what is sound, so one mistake is one problem.
"""

from dataclasses import replace
from itertools import combinations

from agentslo.config.addresses import (
    GRPC_PORT,
    MAX_PORT,
    HostPort,
    endpoint_address,
    is_loopback,
    split_address,
)
from agentslo.config.options import ListenOptions, StorageOptions, WebOptions
from agentslo.config.problems import quoted
from agentslo.config.reading import Reading
from agentslo.config.transport import DestinationOptions, ListenerOptions

_LISTENERS = ("grpc", "http", "metrics", "page")
_DECIDING = ("feedback", "webhooks", "reload")
_READING = ("page", "api")


def with_offset(listen: ListenOptions, offset: int, reading: Reading) -> ListenOptions:
    """Adds the offset to every port that is not 0."""
    moved: dict[str, object] = {}
    for name in _LISTENERS:
        options: ListenerOptions | WebOptions = getattr(listen, name)
        address = split_address(options.address)
        if offset == 0 or address is None or address.port == 0:
            continue
        port = address.port + offset
        if port > MAX_PORT:
            what = f"port {address.port} and port_offset {offset} make {port}"
            reading.note(("port_offset",), what, f"keep the sum at most {MAX_PORT}")
            continue
        moved[name] = replace(options, address=str(HostPort(address.host, port)))
    return replace(listen, **moved)  # type: ignore[arg-type]  # each under its own name


def with_acks(listen: ListenOptions, storage: StorageOptions, reading: Reading) -> ListenOptions:
    """Gives listeners that say nothing of `ack` the strongest there is."""
    acks: dict[str, object] = {}
    for name in ("grpc", "http"):
        options: ListenerOptions = getattr(listen, name)
        where = ("listen", name, "ack")
        if not reading.is_written(where):
            acks[name] = replace(options, ack="stored" if storage.directory else "forwarded")
        elif options.ack == "stored" and not storage.directory and reading.is_sound("storage"):
            what = "stored acknowledges what is on disk, and there is no storage.directory"
            reading.note(where, what, "set storage.directory, or ack: forwarded")
    return replace(listen, **acks)  # type: ignore[arg-type]  # each under its own name


def check_listeners(listen: ListenOptions, reading: Reading) -> None:
    """No two listeners on one address."""
    sound = _sound_addresses(listen, reading)
    for (first, address), (second, other) in combinations(sound.items(), 2):
        if address.meets(other):
            written = second if reading.is_written(("listen", second)) else first
            what = f"listen.{first} and listen.{second} both listen on {other}"
            reading.note(("listen", written, "address"), what, "give one another port")


def check_access(listen: ListenOptions, reading: Reading) -> None:
    """Nothing that decides is open to the network; what else is open is told (design.md 7)."""
    for options in (listen.grpc, listen.http, listen.metrics):
        if is_open(options) and not options.token_file:
            what = f"{options.address} is open to whoever reaches it"
            fix = "add token_file or tls.client_ca_file, or listen on 127.0.0.1"
            reading.warn(("listen", options.name, "address"), what, fix)
    if not is_open(listen.page) or not reading.is_sound("listen", "page"):
        return
    missing = [name for name in _DECIDING if not getattr(listen.page.tokens, name)]
    where = ("listen", "page", "address")
    if missing:
        what = f"whoever reaches {listen.page.address} could decide: {', '.join(missing)}"
        fix = f"add tokens ({', '.join(missing)}) or tls.client_ca_file, or listen on 127.0.0.1"
        reading.note(where, what, fix)
    hidden = [name for name in _READING if not getattr(listen.page.tokens, name)]
    if hidden and not missing:
        what = f"{listen.page.address} shows nobody: {', '.join(hidden)}"
        reading.warn(where, what, f"add tokens ({', '.join(hidden)})")


def is_open(options: ListenerOptions | WebOptions) -> bool:
    """Whether others than this machine and the holders of our certificates reach a listener."""
    checked = options.tls is not None and bool(options.tls.ca_file)
    return not checked and not is_loopback(options.address)


def check_loops(
    listen: ListenOptions, destinations: tuple[DestinationOptions, ...], reading: Reading
) -> None:
    """No destination is one of our own listeners."""
    if not reading.is_sound("destinations"):
        return
    sound = _sound_addresses(listen, reading)
    for index, destination in enumerate(destinations):
        default_port = GRPC_PORT if destination.protocol == "grpc" else None
        target = endpoint_address(destination.endpoint, default_port=default_port)
        for name, address in sound.items():
            if target is not None and target.meets(address):
                what = f"{quoted(destination.endpoint)} is our own listener listen.{name}"
                fix = "give the address of the back end, or listen on another port"
                reading.note(("destinations", index, "endpoint"), what, fix)


def _sound_addresses(listen: ListenOptions, reading: Reading) -> dict[str, HostPort]:
    addresses = {name: split_address(getattr(listen, name).address) for name in _LISTENERS}
    return {
        name: address
        for name, address in addresses.items()
        if address is not None and reading.is_sound("listen", name) and reading.is_sound("listen")
    }
