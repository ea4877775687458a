"""Captured OTLP as files of several groups: each run with trace ids of its own."""

from pathlib import Path

from clawtrace_otel.importers.plan import Group, Plan

FIXTURE = Path(__file__).parents[1] / "fixtures" / "otlp" / "openai_official.jsonl"
SPANS = 17
TRACES = 7

_PREFIX = b'"traceId":"0000000000000000'


def run(number: int) -> bytes:
    """The fixture as the run of another day: the same spans with other trace ids."""
    return FIXTURE.read_bytes().replace(_PREFIX, b'"traceId":"%016x' % number)


def write_runs(folder: Path, count: int) -> list[Path]:
    """Files with one run each."""
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{number}.jsonl" for number in range(1, count + 1)]
    for number, path in enumerate(paths, 1):
        path.write_bytes(run(number))
    return paths


def plan_of(*paths: Path) -> Plan:
    """A plan in which each file is a group of its own."""
    return Plan([group_of(path) for path in paths])


def group_of(path: Path) -> Group:
    """A group of one file."""
    stat = path.stat()
    stamps = {str(path): (stat.st_size, stat.st_mtime_ns)}
    return Group("otlp", f"otlp:{path}", [path], stamps)
