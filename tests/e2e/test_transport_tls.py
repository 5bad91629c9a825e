"""TLS and mutual TLS, in and out, with certificates made for the test."""

import shutil
import ssl
import subprocess
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from transport_parts import Recorder, options, spans

from agentslo.config.transport import ListenerOptions, TlsOptions
from agentslo.otlp.answer import Signal
from agentslo.otlp.destination import Destination
from agentslo.otlp.receive_grpc import GrpcReceiver
from agentslo.otlp.receive_http import HttpReceiver
from agentslo.otlp.send_queue import Delivery
from agentslo.otlp.transports import sender_for

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")

Receiver = GrpcReceiver | HttpReceiver


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def authority(folder: Path, name: str) -> None:
    key, cert = str(folder / f"{name}.key"), str(folder / f"{name}.pem")
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-keyout", key, "-out", cert, "-days", "2", "-subj", f"/CN={name}"),
    )


def certificate(folder: Path, name: str, signer: str, host: str) -> None:
    key, cert = str(folder / f"{name}.key"), str(folder / f"{name}.pem")
    request, extra = str(folder / "request.pem"), folder / "extra.cnf"
    extra.write_text(f"subjectAltName={host}\n")
    openssl(
        *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-keyout", key, "-out", request, "-subj", f"/CN={name}"),
    )
    openssl(
        *("x509", "-req", "-in", request, "-out", cert, "-days", "1", "-extfile", str(extra)),
        *("-CA", str(folder / f"{signer}.pem"), "-CAkey", str(folder / f"{signer}.key")),
        "-CAcreateserial",
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    for name in ("ours", "theirs"):
        authority(folder, name)
    certificate(folder, "server", "ours", "IP:127.0.0.1")
    certificate(folder, "named", "ours", "DNS:backend.example")
    certificate(folder, "renewed", "theirs", "IP:127.0.0.1")
    certificate(folder, "client", "ours", "DNS:client")
    certificate(folder, "stranger", "theirs", "DNS:client")
    return folder


def tls(folder: Path, name: str = "", ca: str = "") -> TlsOptions:
    pair = (str(folder / f"{name}.pem"), str(folder / f"{name}.key")) if name else ("", "")
    return TlsOptions(
        cert_file=pair[0], key_file=pair[1], ca_file=str(folder / f"{ca}.pem") if ca else ""
    )


async def listen(protocol: str, given: TlsOptions, ingest: Recorder) -> Receiver:
    listener = ListenerOptions(name="tls", address="127.0.0.1:0", tls=given)
    kind = GrpcReceiver if protocol == "grpc" else HttpReceiver
    receiver = kind(listener, ingest)
    await receiver.start()
    return receiver


async def arrives(protocol: str, port: int, given: TlsOptions) -> bool:
    """Whether a destination with this TLS gets a payload through within its age limit."""
    target = options(
        f"https://127.0.0.1:{port}", protocol=protocol, tls=given, retry_max_elapsed_s=0.3
    )
    destination = Destination(target, sender_for(target))
    await destination.start()
    end = await destination.offer(Signal.TRACES, spans(1), 1)
    await destination.close()
    return end is Delivery.DELIVERED


@pytest.mark.parametrize("protocol", ["grpc", "http"])
async def test_a_server_is_believed_only_when_our_authority_signed_it(
    protocol: str, made: Path
) -> None:
    ingest = Recorder()
    receiver = await listen(protocol, tls(made, "server"), ingest)
    assert await arrives(protocol, receiver.port, tls(made, ca="ours"))
    assert not await arrives(protocol, receiver.port, tls(made, ca="theirs"))
    assert not await arrives(protocol, receiver.port, TlsOptions())
    assert len(ingest.bodies) == 1
    await receiver.stop(0)


@pytest.mark.parametrize("protocol", ["grpc", "http"])
async def test_the_name_must_match_unless_another_is_given(protocol: str, made: Path) -> None:
    receiver = await listen(protocol, tls(made, "named"), Recorder())
    plain = tls(made, ca="ours")
    assert not await arrives(protocol, receiver.port, plain)
    assert await arrives(protocol, receiver.port, replace(plain, server_name="backend.example"))
    await receiver.stop(0)


@pytest.mark.parametrize("protocol", ["grpc", "http"])
async def test_a_listener_with_a_client_authority_takes_only_its_clients(
    protocol: str, made: Path
) -> None:
    ingest = Recorder()
    receiver = await listen(protocol, tls(made, "server", ca="ours"), ingest)
    assert await arrives(protocol, receiver.port, tls(made, "client", ca="ours"))
    assert not await arrives(protocol, receiver.port, tls(made, "stranger", ca="ours"))
    assert not await arrives(protocol, receiver.port, tls(made, ca="ours"))
    assert len(ingest.bodies) == 1
    await receiver.stop(0)


@pytest.mark.parametrize("protocol", ["grpc", "http"])
async def test_a_rotated_certificate_is_used_without_a_restart(
    protocol: str, made: Path, tmp_path: Path
) -> None:
    def install(name: str) -> None:
        for ending in ("pem", "key"):
            shutil.copy(made / f"{name}.{ending}", tmp_path / f"current.{ending}")

    install("server")
    receiver = await listen(protocol, tls(tmp_path, "current"), Recorder())
    assert await arrives(protocol, receiver.port, tls(made, ca="ours"))
    install("renewed")
    assert await arrives(protocol, receiver.port, tls(made, ca="theirs"))
    (tmp_path / "current.pem").write_text("half a certificate")
    assert await arrives(protocol, receiver.port, tls(made, ca="theirs"))
    (tmp_path / "current.pem").unlink()
    assert await arrives(protocol, receiver.port, tls(made, ca="theirs"))
    await receiver.stop(0)


async def test_skipping_verification_is_for_http_only(made: Path) -> None:
    careless = TlsOptions(insecure_skip_verify=True)
    receiver = await listen("http", tls(made, "server"), Recorder())
    assert await arrives("http", receiver.port, careless)
    await receiver.stop(0)
    with pytest.raises(ValueError, match="gRPC"):
        sender_for(options("https://127.0.0.1:1", tls=careless))


@pytest.mark.parametrize("protocol", ["grpc", "http"])
async def test_old_tls_versions_are_refused(protocol: str, made: Path) -> None:
    receiver = await listen(protocol, tls(made, "server"), Recorder())
    context = ssl.create_default_context(cafile=str(made / "ours.pem"))
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    async with aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.post(f"https://127.0.0.1:{receiver.port}/v1/traces", ssl=context)
    await receiver.stop(0)
