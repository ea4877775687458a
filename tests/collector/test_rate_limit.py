"""Bytes a second of each token."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.rpc.code_pb2 import UNAVAILABLE
from google.rpc.error_details_pb2 import RetryInfo
from hypothesis import given
from hypothesis import strategies as st

from clawtrace_otel.collector.security.rate_limit import (
    BURST_SECONDS,
    RateLimitedError,
    RateLimiter,
)
from tests.collector import otlp, peers
from tests.collector.peers import JSON, InProcess, export
from tests.collector.test_tokens import post

CONTENT = otlp.body(*otlp.run())


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_who_was_quiet_may_send_a_burst_and_then_waits_until_the_debt_is_paid() -> None:
    clock = Clock()
    limiter = RateLimiter(100, clock)
    limiter.check("anna")
    limiter.charge("anna", 350)
    with pytest.raises(RateLimitedError) as caught:
        limiter.check("anna")
    assert caught.value.delay_seconds == pytest.approx(2.51)
    clock.now += 2.5
    with pytest.raises(RateLimitedError):
        limiter.check("anna")
    clock.now += 0.01
    limiter.check("anna")


def test_each_sender_has_a_bucket_of_its_own() -> None:
    limiter = RateLimiter(100, Clock())
    limiter.charge("anna", 1000)
    limiter.check("ben")
    with pytest.raises(RateLimitedError, match="'anna' sent more than max_token_bytes_per_second"):
        limiter.check("anna")


def test_no_rate_is_no_limit() -> None:
    limiter = RateLimiter(0, Clock())
    limiter.charge("anna", 1 << 60)
    limiter.check("anna")


requests = st.lists(st.tuples(st.floats(0, 10), st.integers(0, 5000)), min_size=1, max_size=50)


@given(st.integers(1, 1000), requests)
def test_nobody_gets_more_than_rate_burst_and_one_request(
    rate: int, made: list[tuple[float, int]]
) -> None:
    clock = Clock()
    limiter = RateLimiter(rate, clock)
    taken = 0
    for wait, size in made:
        clock.now += wait
        try:
            limiter.check("anna")
        except RateLimitedError as e:
            clock.now += e.delay_seconds
            limiter.check("anna")
        allowed = rate * (clock.now - 100 + BURST_SECONDS)
        assert taken <= allowed * (1 + 1e-9)
        limiter.charge("anna", size)
        taken += size


@pytest.fixture(scope="module", name="service")
def _service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    folder = tmp_path_factory.mktemp("rate")
    tokens = ["anna:a", "ben:b", "carl:c", "dora:d"]
    with InProcess(folder, tokens=tokens, max_token_bytes_per_second=len(CONTENT)) as service:
        yield service


def test_http_answers_429_with_the_time_to_wait(service: InProcess) -> None:
    large = otlp.body(otlp.llm(1, note="x" * 5 * len(CONTENT)))
    assert post(service, "Bearer a", large).status == 200
    answer = post(service, "Bearer a", b"{}", JSON)
    assert answer.status == 429
    assert 3 <= int(answer.headers["Retry-After"]) <= 6
    assert json.loads(answer.body)["code"] == UNAVAILABLE
    assert post(service, "Bearer b", CONTENT).status == 200


def test_grpc_answers_unavailable_with_the_time_to_wait_and_then_accepts(
    service: InProcess,
) -> None:
    metadata = (("authorization", "Bearer c"),)
    content = otlp.body(*otlp.run(7), *otlp.run(7))
    with peers.channel(service.grpc) as channel:
        call = channel.unary_unary(peers.TRACES)
        call(content, timeout=10, metadata=metadata)
        with pytest.raises(grpc.RpcError) as caught:
            call(content, timeout=10, metadata=metadata)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        info = RetryInfo()
        assert peers.status_of(caught.value).details[0].Unpack(info)
        delay = info.retry_delay.ToTimedelta().total_seconds()
        assert 0 < delay <= 1.1
        time.sleep(delay)
        call(content, timeout=10, metadata=metadata)
    peers.card(service.cards, 7, where=peers.is_complete)


def test_without_tokens_all_share_one_bucket(tmp_path: Path) -> None:
    with InProcess(tmp_path, max_token_bytes_per_second=100) as service:
        export(service.grpc, CONTENT)
        answer = peers.post(service.http, CONTENT)
        assert answer.status == 429
        assert int(answer.headers["Retry-After"]) <= len(CONTENT) // 100 + 1
