"""Sends imported spans, enriched, to an OTLP receiver such as Jaeger."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from google.protobuf.message import DecodeError as ProtobufDecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_delay
from tenacity.wait import wait_exponential_jitter

from clawtrace_otel.collector.forwarding.outgoing import Outgoing
from clawtrace_otel.collector.forwarding.senders import (
    RefusedError,
    RetryableError,
    Sender,
    make_sender,
)
from clawtrace_otel.errors import ClawTraceError
from clawtrace_otel.otlp.encode import encode_request
from clawtrace_otel.processors.enrich import Enricher
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.span import Span
from clawtrace_otel.tracecard.compile import Compiler

MAX_SPANS = 512
"""In one request."""

MAX_ROOTS = 1000
"""Held back until the spans below them were sent."""

GIVE_UP_SECONDS = 60.0
"""How long a receiver is tried that cannot be reached, or is busy."""

_back_off = wait_exponential_jitter(multiplier=0.5, max=10, jitter=0.5)


class SpanForwarder:
    """Sends spans. A context manager, to be used by one thread, without a running event loop.

    A root is sent after its children, as the program that was recorded would have sent it: its
    sums are those of the whole trace.

    Args:
        url: of the receiver.
        compiler: prices calls, and knows the tools.
        give_up_seconds: how long a receiver is tried.
        outgoing: headers and certificates for it.

    Attributes:
        sent: spans that the receiver took.
        rejected: spans that it did not take.
        reason: why, of the last of them.

    Raises:
        ConfigError: the URL is wrong, or a certificate.
    """

    def __init__(
        self,
        url: str,
        compiler: Compiler,
        give_up_seconds: float = GIVE_UP_SECONDS,
        outgoing: Outgoing | None = None,
    ) -> None:
        self.sent = 0
        self.rejected = 0
        self.reason = ""
        self._url = url
        self._give_up_seconds = give_up_seconds
        self._enricher = Enricher(compiler)
        self._roots: OrderedDict[tuple[str, str], tuple[Span, Step]] = OrderedDict()
        self._waiting: list[tuple[Span, Mapping[str, object]]] = []
        self._runner = asyncio.Runner()
        try:
            self._sender = self._runner.run(_make(url, outgoing))
        except BaseException:
            self._runner.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._runner.run(self._sender.close())
        finally:
            self._runner.close()

    def see(self, span: Span, step: Step) -> None:
        """Send a span, or hold it back if it is a root.

        Raises:
            ClawTraceError: the receiver cannot be reached.
        """
        if span.parent_id:
            self._add(span, step)
            return
        self._roots[(span.trace_id, span.span_id)] = (span, step)
        if len(self._roots) > MAX_ROOTS:
            _, oldest = self._roots.popitem(last=False)
            self._add(*oldest)

    def flush(self) -> None:
        """Send all that was held back.

        Raises:
            ClawTraceError: the receiver cannot be reached.
        """
        while self._roots:
            _, oldest = self._roots.popitem(last=False)
            self._add(*oldest)
        self._send()

    def _add(self, span: Span, step: Step) -> None:
        added = self._enricher.enrich(step)
        if added is None:
            return  # sent before
        self._waiting.append((span, added))
        if len(self._waiting) >= MAX_SPANS:
            self._send()

    def _send(self) -> None:
        if not self._waiting:
            return
        count = len(self._waiting)
        body = encode_request(self._waiting)
        self._waiting = []
        try:
            answer = self._runner.run(self._send_patiently(body))
        except RefusedError as e:
            self.rejected += count
            self.reason = str(e)
        except RetryableError as e:
            msg = f"{self._url} took no spans for {self._give_up_seconds:.0f} s: {e}"
            raise ClawTraceError(msg) from e
        else:
            self._count(count, answer)

    async def _send_patiently(self, body: bytes) -> bytes:
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(RetryableError),
            wait=_wait,
            stop=stop_after_delay(self._give_up_seconds),
            reraise=True,
        )
        answer: bytes = await retrying(self._sender.send, body)
        return answer

    def _count(self, count: int, answer: bytes) -> None:
        try:
            partial = ExportTraceServiceResponse.FromString(answer).partial_success
        except ProtobufDecodeError:
            self.sent += count
            return
        if partial.rejected_spans:
            self.rejected += partial.rejected_spans
            self.reason = partial.error_message
        self.sent += count - partial.rejected_spans


async def _make(url: str, outgoing: Outgoing | None) -> Sender:
    return make_sender(url, outgoing)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.delay_seconds if isinstance(error, RetryableError) else None
    return max(asked or 0.0, _back_off(state))
