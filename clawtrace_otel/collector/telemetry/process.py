"""What the operating system says of the process."""

import time
from collections.abc import Iterator

from prometheus_client import ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from clawtrace_otel.collector.telemetry import table as t


class ProcessMetrics(Collector):
    """Uptime, CPU time and memory, asked for at each scrape."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._proc = ProcessCollector(registry=None)

    def collect(self) -> Iterator[Metric]:
        """See the base class."""
        uptime = time.monotonic() - self._started
        yield CounterMetricFamily(t.PROCESS_UPTIME.name, t.PROCESS_UPTIME.meaning, uptime)
        cpu = time.process_time()
        yield CounterMetricFamily(t.PROCESS_CPU_SECONDS.name, t.PROCESS_CPU_SECONDS.meaning, cpu)
        for metric in self._proc.collect():
            if metric.name == "process_resident_memory_bytes":
                rss = metric.samples[0].value
                name, meaning = t.PROCESS_MEMORY_RSS.name, t.PROCESS_MEMORY_RSS.meaning
                yield GaugeMetricFamily(name, meaning, rss)
