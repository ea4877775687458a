"""Bearer tokens on both transports."""

import json
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import grpc
import pytest
from click.testing import CliRunner
from google.rpc.code_pb2 import UNAUTHENTICATED
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
    OTLPSpanExporter as GrpcExporter,
)
from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
    OTLPSpanExporter as HttpExporter,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

from clawtrace_otel.cli import main
from clawtrace_otel.collector.receivers.admission import Gate
from clawtrace_otel.collector.security import file_watch
from clawtrace_otel.collector.security.access import make_access
from clawtrace_otel.collector.security.tokens import Tokens, UnauthenticatedError, make_tokens
from clawtrace_otel.errors import ConfigError
from clawtrace_otel.settings import Settings, load_settings
from tests.collector import otlp, peers
from tests.collector.peers import JSON, PROTOBUF, Answer, InProcess, Program

ANNA, BEN = "anna-0123456789abcdef", "ben/0123456789+abcdef=="
CONTENT = otlp.body(*otlp.run())


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module", name="service")
def _service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    folder = tmp_path_factory.mktemp("tokens")
    text = f"# who may send\nanna {ANNA}\n\n  ben\t{BEN}  # and why\n"
    file = write(folder / "tokens", text)
    with InProcess(folder, tokens_file=str(file)) as service:
        yield service


def post(
    service: InProcess | Program,
    header: str | None,
    content: bytes = CONTENT,
    kind: str = PROTOBUF,
) -> Answer:
    headers = {"Content-Type": kind} | ({"Authorization": header} if header is not None else {})
    with closing(HTTPConnection(service.http, timeout=10)) as connection:
        connection.request("POST", "/v1/traces", content, headers)
        response = connection.getresponse()
        return Answer(response.status, dict(response.headers), response.read())


def export(service: InProcess, header: str | None, content: bytes = CONTENT) -> grpc.StatusCode:
    metadata = () if header is None else (("authorization", header),)
    with peers.channel(service.grpc) as channel:
        try:
            channel.unary_unary(peers.TRACES)(content, timeout=10, metadata=metadata)
        except grpc.RpcError as e:
            code: grpc.StatusCode = e.code()
            return code
    return grpc.StatusCode.OK


@pytest.mark.parametrize("token", [ANNA, BEN])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_who_has_a_token_may_send(service: InProcess, token: str, scheme: str) -> None:
    assert post(service, f"{scheme} {token}").status == 200
    assert export(service, f"{scheme} {token}") is grpc.StatusCode.OK


WRONG = [
    None,
    "",
    "Bearer",
    "Bearer ",
    ANNA,
    f"Basic {ANNA}",
    f"Bearer {ANNA[:-1]}",
    f"Bearer {ANNA}x",
    f"Bearer {ANNA.upper()}",
    f"Bearer {ANNA} {ANNA}",
    "Bearer anna",
    "Bearer #",
]


@pytest.mark.parametrize("header", WRONG)
def test_who_has_none_may_not(service: InProcess, header: str | None) -> None:
    answer = post(service, header)
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.headers["Content-Type"] == PROTOBUF
    status = Status.FromString(answer.body)
    assert status.code == UNAUTHENTICATED
    assert "Retry-After" not in answer.headers
    assert export(service, header) is grpc.StatusCode.UNAUTHENTICATED
    as_json = post(service, header, b"{}", JSON)
    assert (as_json.status, as_json.headers["Content-Type"]) == (401, JSON)
    assert json.loads(as_json.body)["code"] == UNAUTHENTICATED


@pytest.mark.parametrize("path", [peers.LOGS, peers.METRICS])
def test_the_other_signals_need_a_token_as_well(service: InProcess, path: str) -> None:
    error = peers.refused(service.grpc, b"", path)
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    http = "/v1/logs" if path == peers.LOGS else "/v1/metrics"
    assert peers.post(service.http, b"", http).status == 401


def test_a_request_without_a_token_is_refused_before_its_body_is_read(service: InProcess) -> None:
    """The sender has not sent it yet when it is answered."""
    with closing(HTTPConnection(service.http, timeout=10)) as connection:
        connection.putrequest("POST", "/v1/traces")
        connection.putheader("Content-Type", PROTOBUF)
        connection.putheader("Content-Length", "1000000")
        connection.endheaders()
        assert connection.getresponse().status == 401
    with peers.channel(service.grpc) as channel:

        def never() -> Iterator[bytes]:
            done.result()
            yield b""

        done: Future[None] = Future()
        with pytest.raises(grpc.RpcError) as caught:
            channel.stream_unary(peers.TRACES)(never(), timeout=10)
        done.set_result(None)
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


EXPORTERS: dict[str, Callable[[InProcess, dict[str, str]], SpanExporter]] = {
    "gRPC": lambda s, h: GrpcExporter(endpoint=s.grpc, insecure=True, headers=h),
    "HTTP": lambda s, h: HttpExporter(endpoint=f"http://{s.http}/v1/traces", headers=h),
}


@pytest.mark.parametrize("name", EXPORTERS)
def test_opentelemetrys_exporters_send_tokens(service: InProcess, name: str) -> None:
    exporter = EXPORTERS[name](service, {"authorization": f"Bearer {ANNA}"})
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("tests").start_as_current_span("chat gpt-4o") as span:
        span.set_attribute("gen_ai.operation.name", "chat")
        trace_id = span.get_span_context().trace_id
    provider.shutdown()
    path = service.cards / f"{trace_id:032x}.yaml"
    assert peers.until(path.exists)


def test_tokens_of_the_environment_count_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAWTRACE_TOKENS", f"ben:{BEN}, bare-{ANNA}")
    with Program(tmp_path) as program:
        command = Path(f"/proc/{program.pid}/cmdline").read_bytes().decode()
        answers = [
            peers.post(program.http, CONTENT).status,
            *(post(program, f"Bearer {one}").status for one in (ANNA, BEN, f"bare-{ANNA}")),
        ]
        program.end()
    assert answers == [401, 401, 200, 200]
    for token in (ANNA, BEN):
        assert token not in program.log
        assert token not in command


def test_there_is_no_flag_for_secrets() -> None:
    shown = CliRunner().invoke(main, ["collector", "--help"], terminal_width=200).output
    assert "--tokens-file" in shown
    assert "--tokens " not in shown
    assert "--forward-headers" not in shown


def test_settings_do_not_show_secrets() -> None:
    settings = load_settings(
        {"tokens": [ANNA], "forward_headers": f"authorization=Bearer {BEN}"}, environment={}
    )
    assert ANNA not in repr(settings)
    assert BEN not in repr(settings)
    with pytest.raises(ConfigError) as caught:
        load_settings({"forward_headers": [ANNA]}, environment={})
    assert "forward_headers" in str(caught.value)
    assert ANNA not in str(caught.value)


def test_a_new_file_of_tokens_is_used_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(file_watch, "CHECK_SECONDS", 0.0)
    file = write(tmp_path / "tokens", f"anna {ANNA}\n")
    tokens = Tokens(file)
    assert tokens.identify(f"Bearer {ANNA}") == "anna"
    write(file, f"ben {BEN}\n")
    assert tokens.identify(f"Bearer {BEN}") == "ben"
    with pytest.raises(UnauthenticatedError):
        tokens.identify(f"Bearer {ANNA}")
    caplog.clear()
    file.write_text(f"ben {BEN} {ANNA} what is that\n")
    assert tokens.identify(f"Bearer {BEN}") == "ben", "what makes no sense locks nobody out"
    file.unlink()
    assert tokens.identify(f"Bearer {BEN}") == "ben"
    errors = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert errors == [
        f"tokens_file {file}, line 1: it must be a name and a token; "
        "the tokens read before stay in force",
        f"tokens_file {file} cannot be read: No such file or directory; "
        "the tokens read before stay in force",
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no token"),
        ("# nobody\n", "has no token"),
        (f"anna {ANNA}\nben\n", "line 2: it must be a name and a token"),
        (f"anna {ANNA} x\n", "line 1: it must be a name and a token"),
        (f"anna {ANNA}\nanna {BEN}\n", "line 2: the name 'anna' is there twice"),
        (f"anna {ANNA}é\n", "line 1: no name, or a token with characters"),
        ("\udcff", "it is not UTF-8"),
    ],
)
def test_a_file_that_makes_no_sense_is_told_without_its_tokens(
    tmp_path: Path, text: str, reason: str
) -> None:
    file = tmp_path / "tokens"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError) as caught:
        Tokens(file)
    message = str(caught.value)
    assert f"tokens_file {file}" in message
    assert reason in message
    assert ANNA not in message


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"tokens_file .*tokens cannot be read: No such file"):
        Tokens(tmp_path / "tokens")


def test_a_file_that_all_can_read_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = write(tmp_path / "tokens", f"anna {ANNA}\n")
    Tokens(file)
    assert not caplog.records
    file.chmod(0o644)
    Tokens(file)
    assert "chmod 600" in caplog.text
    assert ANNA not in caplog.text


@pytest.mark.parametrize(
    ("settings", "warned"),
    [
        (Settings(), ""),
        (Settings(grpc="localhost:1", http="[::1]:2"), ""),
        (Settings(grpc="0.0.0.0:4317"), "grpc listens on 0.0.0.0:4317"),
        (Settings(http="[::]:4318"), "http listens on [::]:4318"),
        (Settings(http="collector.internal:4318"), "http listens on collector.internal:4318"),
        (Settings(grpc="0.0.0.0:4317", tokens=("anna:x",)), ""),
    ],
)
def test_an_open_address_without_tokens_is_warned_of(
    settings: Settings, warned: str, caplog: pytest.LogCaptureFixture
) -> None:
    make_access(settings, Gate())
    assert [warned in r.getMessage() for r in caplog.records] == [True] * bool(warned)
    assert ("set tokens_file" in caplog.text) == bool(warned)


@given(st.text(), st.lists(st.sampled_from([ANNA, BEN, "c"]), max_size=3, unique=True))
def test_only_the_exact_token_is_known(sent: str, known: list[str]) -> None:
    tokens = make_tokens("", known)
    if tokens is None:
        assert not known
        return
    header = f"Bearer {sent}"
    if sent.strip() in known:
        assert tokens.identify(header) == f"token-{known.index(sent.strip()) + 1}"
    else:
        with pytest.raises(UnauthenticatedError):
            tokens.identify(header)
    with pytest.raises(UnauthenticatedError):
        tokens.identify(sent)
