"""TLS and mutual TLS of the receivers, with real certificates."""

import logging
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from clawtrace_otel.collector.security import file_watch
from clawtrace_otel.collector.service import Service
from clawtrace_otel.errors import ConfigError
from clawtrace_otel.settings import load_settings
from tests.collector import otlp, peers
from tests.collector.certificates import (
    Authority,
    Pair,
    export_grpc,
    post_https,
    served_name,
)
from tests.collector.peers import InProcess, export, post

CONTENT = otlp.body(*otlp.run())


@dataclass
class World:
    """Two authorities, a service with TLS and one with mutual TLS."""

    ours: Authority
    theirs: Authority
    client: Pair
    stranger: Pair
    tls: InProcess
    mutual: InProcess


@pytest.fixture(scope="module", name="world")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("tls")
    ours, theirs = Authority(folder / "ours"), Authority(folder / "theirs")
    server = ours.issue("server").settings()
    mutual = server | {"tls_client_ca_file": str(ours.cert)}
    with (
        InProcess(folder / "tls", **server) as one,
        InProcess(folder / "mutual", **mutual) as other,
    ):
        yield World(ours, theirs, ours.issue("client"), theirs.issue("client"), one, other)


def test_both_transports_take_tls(world: World) -> None:
    assert export_grpc(world.tls.grpc, CONTENT, world.ours) == b""
    assert post_https(world.tls.http, CONTENT, world.ours).status == 200
    peers.card(world.tls.cards, where=peers.is_complete)


def test_a_certificate_of_our_authority_is_let_in(world: World) -> None:
    assert export_grpc(world.mutual.grpc, CONTENT, world.ours, world.client) == b""
    assert post_https(world.mutual.http, CONTENT, world.ours, world.client).status == 200
    peers.card(world.mutual.cards, where=peers.is_complete)


REFUSED: dict[str, Callable[[World], object]] = {
    "gRPC, another authority": lambda w: export_grpc(w.tls.grpc, CONTENT, w.theirs),
    "HTTP, another authority": lambda w: post_https(w.tls.http, CONTENT, w.theirs),
    "gRPC, plain text": lambda w: export(w.tls.grpc, CONTENT),
    "HTTP, plain text": lambda w: post(w.tls.http, CONTENT),
    "HTTP, TLS 1.1": lambda w: post_https(
        w.tls.http, CONTENT, w.ours, version=ssl.TLSVersion.TLSv1_1
    ),
    "gRPC, no certificate": lambda w: export_grpc(w.mutual.grpc, CONTENT, w.ours),
    "HTTP, no certificate": lambda w: post_https(w.mutual.http, CONTENT, w.ours),
    "gRPC, a stranger's": lambda w: export_grpc(w.mutual.grpc, CONTENT, w.ours, w.stranger),
    "HTTP, a stranger's": lambda w: post_https(w.mutual.http, CONTENT, w.ours, w.stranger),
    "gRPC with mutual TLS, plain text": lambda w: export(w.mutual.grpc, CONTENT),
    "HTTP with mutual TLS, plain text": lambda w: post(w.mutual.http, CONTENT),
}


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", REFUSED)
def test_others_are_refused_and_the_service_survives(world: World, name: str) -> None:
    with pytest.raises((grpc.RpcError, OSError)):
        REFUSED[name](world)
    assert export_grpc(world.mutual.grpc, CONTENT, world.ours, world.client) == b""
    assert post_https(world.mutual.http, CONTENT, world.ours, world.client).status == 200


def test_renewed_certificates_are_used_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_watch, "CHECK_SECONDS", 0.0)
    first, second = Authority(tmp_path / "first"), Authority(tmp_path / "second")
    shown = first.issue("old")
    with InProcess(tmp_path, **shown.settings()) as service:
        assert served_name(service.grpc, first) == "old"
        assert served_name(service.http, first) == "old"
        new = second.issue("new")
        new.key.replace(shown.key)
        new.cert.replace(shown.cert)
        for address in (service.grpc, service.http):
            assert served_name(address, second) == "new"
        assert export_grpc(service.grpc, CONTENT, second) == b""
        assert post_https(service.http, CONTENT, second).status == 200


def test_another_authority_of_clients_is_used_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the one before is forgotten."""
    monkeypatch.setattr(file_watch, "CHECK_SECONDS", 0.0)
    server, first, second = (Authority(tmp_path / name) for name in ("server", "a", "b"))
    old, new = first.issue("old"), second.issue("new")
    given = server.issue("server").settings() | {"tls_client_ca_file": str(first.cert)}
    with InProcess(tmp_path, **given) as service:
        assert post_https(service.http, CONTENT, server, old).status == 200
        assert export_grpc(service.grpc, CONTENT, server, old) == b""
        second.cert.replace(first.cert)
        assert post_https(service.http, CONTENT, server, new).status == 200
        assert export_grpc(service.grpc, CONTENT, server, new) == b""
        with pytest.raises((ssl.SSLError, ConnectionError)):
            post_https(service.http, CONTENT, server, old)
        with pytest.raises(grpc.RpcError):
            export_grpc(service.grpc, CONTENT, server, old)


def test_a_broken_renewal_is_logged_and_the_old_certificate_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(file_watch, "CHECK_SECONDS", 0.0)
    authority = Authority(tmp_path)
    shown = authority.issue("server")
    with InProcess(tmp_path, **shown.settings()) as service:
        shown.key.write_text("half a file")
        assert post_https(service.http, CONTENT, authority).status == 200
        assert export_grpc(service.grpc, CONTENT, authority) == b""
    errors = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert errors == [
        f"tls_key_file {shown.key} is no private key in PEM; "
        "the certificate read before stays in use"
    ]


def wrong(folder: Path) -> dict[str, tuple[dict[str, object], list[str]]]:
    """Settings that make no sense, and what the error must name."""
    authority = Authority(folder)
    pair, other = authority.issue("one"), authority.issue("two")
    text, missing, der = folder / "text.pem", folder / "missing.pem", folder / "cut.pem"
    text.write_text("no PEM")
    der.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    cert, key, ca = "tls_cert_file", "tls_key_file", "tls_client_ca_file"
    good = pair.settings()
    return {
        "no certificate there": (good | {cert: str(missing)}, [cert, str(missing), "No such file"]),
        "no key there": (good | {key: str(missing)}, [key, str(missing), "No such file"]),
        "no authority there": (good | {ca: str(missing)}, [ca, str(missing), "No such file"]),
        "a folder": (good | {cert: str(folder)}, [cert, str(folder), "Is a directory"]),
        "certificate is no PEM": (good | {cert: str(text)}, [cert, str(text), "in PEM"]),
        "key is no PEM": (good | {key: str(text)}, [key, str(text), "in PEM"]),
        "authority is no PEM": (good | {ca: str(text)}, [ca, str(text), "in PEM"]),
        "key for certificate": (good | {cert: str(pair.key)}, [cert, str(pair.key), "certificate"]),
        "certificate for key": (good | {key: str(pair.cert)}, [key, str(pair.cert), "private key"]),
        "damaged certificate": (good | {cert: str(der)}, [cert, str(der)]),
        "damaged authority": (good | {ca: str(der)}, [ca, str(der)]),
        "another's key": (good | {key: str(other.key)}, [key, str(other.key), "is not the key of"]),
        "certificate alone": ({cert: str(pair.cert)}, [cert, key, "is not; TLS needs both"]),
        "key alone": ({key: str(pair.key)}, [key, cert, "is not; TLS needs both"]),
        "authority alone": ({ca: str(authority.cert)}, [ca, cert, key]),
    }


def test_a_wrong_file_is_told_at_the_start(tmp_path: Path) -> None:
    """The error names the setting and the file."""
    for name, (given, parts) in wrong(tmp_path).items():
        settings = load_settings(
            {"cards": str(tmp_path / "cards"), "journal": str(tmp_path / "j.db")} | given,
            environment={},
        )
        with pytest.raises(ConfigError) as caught:
            Service(settings)
        for part in parts:
            assert part in str(caught.value), (name, str(caught.value))


def test_a_key_with_a_passphrase_is_told_and_nobody_is_asked(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    pair = Authority(tmp_path).issue("server")
    key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
    pair.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    given = {"cards": str(tmp_path / "cards"), "journal": str(tmp_path / "j.db")}
    with pytest.raises(ConfigError, match="has a passphrase"):
        Service(load_settings(given | pair.settings(), environment={}))
