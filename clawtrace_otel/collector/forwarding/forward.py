"""Sends the enriched spans on, to Jaeger or any other OTLP receiver.

What is to be sent stands in the journal until the receiver has taken it: after a crash it is sent
again, byte by byte the same. Retries follow OTLP 1.11, "Failures": only the listed codes, with the
receiver's delay or exponential back-off with jitter.
"""

import asyncio
import gc
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TypeVar

from google.protobuf.message import DecodeError as ProtobufDecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type
from tenacity.wait import wait_exponential_jitter

from clawtrace_otel.collector.forwarding.senders import RefusedError, RetryableError, Sender
from clawtrace_otel.collector.journal.interface import Journal
from clawtrace_otel.collector.memory import LARGE_BYTES
from clawtrace_otel.collector.telemetry.metrics import ServiceMetrics
from clawtrace_otel.collector.telemetry.span_count import span_count
from clawtrace_otel.errors import JournalError

_log = logging.getLogger(__name__)

MAX_WAIT_SECONDS = 30.0

JOURNAL_SECONDS = 2.0
"""After the journal could not be read or written."""

MAX_ASKED_SECONDS = 300.0
"""A receiver that asks for more is tried again nevertheless."""

T = TypeVar("T")


class Forwarder:
    """Sends what the journal holds, oldest first, one request at a time.

    Args:
        journal: holds what is to be sent.
        sender: sends it. What the receiver will never take is logged, counted and dropped.
        metrics: count what was sent, and what was dropped.

    Attributes:
        in_flight_bytes: of the request that is being sent.
    """

    def __init__(self, journal: Journal, sender: Sender, metrics: ServiceMetrics) -> None:
        self._journal = journal
        self._sender = sender
        self._metrics = metrics
        self.in_flight_bytes = 0
        self._refused_bytes = 0
        self._news = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        # One thread, and so one connection to the journal, that can be waited for at the end.
        self._reader = ThreadPoolExecutor(1, "clawtrace-forward")

    def start(self) -> None:
        """Start to send what the journal holds."""
        self._task = asyncio.create_task(self._run())

    def tell(self) -> None:
        """There is something new in the journal. To be called on the event loop."""
        self._news.set()

    async def stop(self, grace_seconds: float) -> None:
        """Send what waits, for at most ``grace_seconds``, and let go of connections."""
        self._stopping.set()
        self._news.set()
        if self._task is not None:
            _, unfinished = await asyncio.wait([self._task], timeout=grace_seconds)
            if unfinished:
                _log.warning("what was not sent on stays in the journal for the next start")
                self._task.cancel()
                await asyncio.wait(unfinished)
        await self._sender.close()
        await asyncio.to_thread(self._reader.shutdown)

    async def _run(self) -> None:
        while True:
            self._news.clear()
            try:
                await self._send_all()
            except JournalError as e:
                _log.error("forwarding waits for %s s: %s", JOURNAL_SECONDS, e)
                await self._pause(JOURNAL_SECONDS)
                continue
            except Exception:
                _log.exception("forwarding waits for %s s", MAX_WAIT_SECONDS)
                await self._pause(MAX_WAIT_SECONDS)
                continue
            if self._stopping.is_set():
                return
            await self._news.wait()

    async def _send_all(self) -> None:
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(RetryableError),
            wait=_wait,
            sleep=self._pause,
            before_sleep=_log_retry,
        )
        while await retrying(self._send_next):
            if self._refused_bytes > LARGE_BYTES:
                gc.collect()  # gRPC's calls that failed keep their message in a cycle
                self._refused_bytes = 0

    async def _send_next(self) -> bool:
        """Send the oldest request that no other replica is sending; whether there was one."""
        waiting = await self._in_thread(self._journal.next_forward)
        if waiting is None:
            return False
        forward_id, body = waiting
        try:
            await self._send(body)
        except BaseException:
            # Not kept while this one waits: another replica may reach the receiver.
            await self._in_thread(self._journal.release_forward)
            raise
        await self._in_thread(partial(self._journal.forwarded, forward_id))
        return True

    async def _send(self, body: bytes) -> None:
        self.in_flight_bytes = len(body)
        try:
            answer = await self._sender.send(body)
        except RefusedError as e:
            self._refused_bytes = len(body)
            self._metrics.send_failed(span_count(body))
            _log.error(
                "a request of %d bytes was refused and is not sent on: %s", len(body), str(e)
            )
        else:
            rejected = _rejected(answer)
            self._metrics.send_failed(rejected)
            self._metrics.sent(span_count(body) - rejected)
        finally:
            self.in_flight_bytes = 0

    async def _pause(self, seconds: float) -> None:
        """Wait; the stop of the service ends a pause, so that there is one more attempt."""
        if self._stopping.is_set():
            await asyncio.sleep(seconds)
        else:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _in_thread(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._reader, function)


_back_off = wait_exponential_jitter(multiplier=0.5, max=MAX_WAIT_SECONDS, jitter=0.5)


def _wait(state: RetryCallState) -> float:
    """The delay that the receiver asked for, but never so short that it is called in a loop."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.delay_seconds if isinstance(error, RetryableError) else None
    return _back_off(state) if not asked or asked <= 0 else min(asked, MAX_ASKED_SECONDS)


def _log_retry(state: RetryCallState) -> None:
    if state.attempt_number in (1, 10, 100, 1000):
        error = state.outcome.exception() if state.outcome else None
        _log.warning("forwarding waits, attempt %d failed: %s", state.attempt_number, error)


def _rejected(answer: bytes) -> int:
    """How many spans the receiver rejected; it would reject them again."""
    try:
        partial = ExportTraceServiceResponse.FromString(answer).partial_success
    except ProtobufDecodeError:
        _log.warning("the receiver took a request, but its answer is no OTLP: %r", answer[:80])
        return 0
    if partial.rejected_spans:
        _log.warning(
            "%d forwarded spans were rejected: %s", partial.rejected_spans, partial.error_message
        )
    return int(partial.rejected_spans)
