"""What the specification leaves open, and what our service does about it."""

import zlib
from collections.abc import Callable

import pytest

from tests.collector import otlp
from tests.collector.peers import JSON, LOGS, METRICS, PROTOBUF, post
from tests.conformance.checklist import may, should
from tests.conformance.target import Target
from tests.conformance.wire import call, head, send

SIGNALS = {"/v1/metrics": METRICS, "/v1/logs": LOGS}


@should("signals")
@pytest.mark.parametrize("path", SIGNALS)
def test_other_signals_are_accepted_or_refused_for_good(target: Target, path: str) -> None:
    """Our service accepts both: logs may say how a run ended, metrics are dropped."""
    statuses = {
        post(target.http, content, path, kind).status
        for kind, content in ((PROTOBUF, b""), (JSON, b"{}"))
    }
    code = call(target.grpc, b"", SIGNALS[path]).code
    assert statuses <= {200, 404}
    assert code in ("OK", "UNIMPLEMENTED")
    if target.own:
        assert (statuses, code) == ({200}, "OK")


@should("signals")
def test_a_signal_of_tomorrow_is_refused_for_good(target: Target) -> None:
    assert post(target.http, b"", "/v1/tomorrow").status == 404


def zstd(content: bytes) -> bytes:
    """A Zstandard frame of one block that is not compressed. Source: RFC 8878, 3.1.1."""
    block = (len(content) << 3 | 1).to_bytes(3, "little") + content
    return b"\x28\xb5\x2f\xfd\xa0" + len(content).to_bytes(4, "little") + block


ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": zstd,
    "deflate": zlib.compress,
    "br": bytes,
    "gzip, gzip": bytes,
}


@should("encodings")
@pytest.mark.parametrize("name", ENCODINGS)
def test_another_encoding_is_read_or_refused_for_good(
    target: Target, trace: int, name: str
) -> None:
    """Our service reads gzip only; senders of OTLP know that every receiver reads that."""
    content = ENCODINGS[name](otlp.body(otlp.llm(2, trace)))
    answer = post(target.http, content, encoding=name)
    assert answer.status in (200, 400, 415)
    if answer.status == 200:
        target.arrived(trace)
    if target.own:
        assert answer.status == 415


ORIGIN = "Origin: https://tests.example"
PREFLIGHT = ("Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type")


@may("CORS")
def test_a_browser_is_allowed_by_name_or_not_at_all(target: Target) -> None:
    """Our service allows none: it has no setting for it, and pages must not write to it."""
    answer = send(target.http, head(0, ORIGIN, *PREFLIGHT, method="OPTIONS"))
    allowed = answer.headers.get("Access-Control-Allow-Origin")
    if answer.headers.get("Access-Control-Allow-Credentials") == "true":
        assert allowed != "*"
    if target.own:
        assert (answer.status, allowed) == (405, None)


@may("headers")
def test_a_token_that_nobody_asked_for_does_no_harm(target: Target, trace: int) -> None:
    content = otlp.body(otlp.llm(2, trace))
    lines = (f"Content-Type: {PROTOBUF}", "Authorization: Bearer none", "X-Other: value")
    assert send(target.http, head(len(content), *lines) + content).status == 200
    target.arrived(trace)
