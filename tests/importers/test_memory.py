"""Files that are larger than the memory that reading them takes."""

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clawtrace_otel.importers.compile_group import compile_records
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.span import Span
from clawtrace_otel.tracecard.compile import Compiler

MB = 1024 * 1024
FILE_BYTES = 200 * MB
LIMIT_BYTES = 180 * MB
"""Of all memory of the process. The program alone takes about 90 MB, the longest line 64 MiB."""

TEXT = "The report says that nothing changed. " * 1500

_MEASURE = """
import re, sys
from pathlib import Path
from clawtrace_otel.cli import main
try:
    main(sys.argv[1:])
finally:
    # Not ru_maxrss: Linux hands that down from the process that started this one.
    status = Path("/proc/self/status").read_text()
    print("peak", int(re.search(r"VmHWM:\\s*(\\d+) kB", status)[1]) * 1024, file=sys.stderr)
"""


def attribute(key: str, value: str | int) -> dict[str, object]:
    kind = "stringValue" if isinstance(value, str) else "intValue"
    return {"key": key, "value": {kind: value}}


def span(trace: int, number: int) -> dict[str, object]:
    """The first of each trace is its root, all others are calls with a text."""
    attributes = [attribute(a.GEN_AI_OPERATION_NAME, "chat" if number else "invoke_agent")]
    if number:
        message = json.dumps([{"role": "user", "parts": [{"type": "text", "content": TEXT}]}])
        attributes += [
            attribute(a.GEN_AI_REQUEST_MODEL, "gpt-5.4"),
            attribute(a.GEN_AI_RESPONSE_ID, f"resp_{trace}_{number}"),
            attribute(a.GEN_AI_INPUT_MESSAGES, message),
            attribute(a.GEN_AI_USAGE_INPUT_TOKENS, number),
        ]
    return {
        "traceId": f"{trace + 1:032x}",
        "spanId": f"{number + 1:016x}",
        **({"parentSpanId": f"{1:016x}"} if number else {}),
        "name": "a",
        "startTimeUnixNano": str(10**18 + number),
        "endTimeUnixNano": str(10**18 + number + 1),
        "attributes": attributes,
    }


def write_lines(path: Path, size: int) -> int:
    """One request a line, the spans of many traces mixed; returns how many spans."""
    with path.open("w") as file:
        spans = 0
        while file.tell() < size:
            batch = [span(spans // 1000 * 10 + n % 10, spans % 1000 // 10) for n in range(10)]
            spans += len(batch)
            file.write(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": batch}]}]}) + "\n")
    return spans


def write_document(path: Path, size: int) -> int:
    """One request with one list of spans."""
    with path.open("w") as file:
        file.write('{"resourceSpans": [{"scopeSpans": [{"spans": [')
        spans = 0
        while file.tell() < size:
            file.write(("," if spans else "") + json.dumps(span(spans // 100, spans % 100)))
            spans += 1
        file.write("]}]}]}")
    return spans


def write_one_line(path: Path, size: int) -> int:
    """A line that is no JSON and has no end."""
    with path.open("wb") as file:
        file.write(b'{"resourceSpans": []}\n{"resourceSpans": "')
        for _ in range(size // MB):
            file.write(b"x" * MB)
    return 0


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for path in tmp_path.glob("*.json*"):
        path.unlink()


def compile_measured(path: Path) -> tuple[dict[str, object], int]:
    """What ``clawtrace compile --json`` says, and its peak of resident memory in bytes."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, "compile", path, "-o", path.parent / "cards", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "peak " in done.stderr, done.stderr
    said: dict[str, object] = json.loads(done.stdout)
    return said, int(done.stderr.rpartition("peak ")[2])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("write", "name"),
    [(write_lines, "a.jsonl"), (write_document, "a.json"), (write_one_line, "b.jsonl")],
)
def test_a_file_may_be_larger_than_the_memory_that_reading_it_takes(
    folder: Path, write: Callable[[Path, int], int], name: str
) -> None:
    path = folder / name
    spans = write(path, FILE_BYTES)
    assert path.stat().st_size >= FILE_BYTES
    said, peak = compile_measured(path)
    assert said["spans"] == spans
    assert peak < LIMIT_BYTES


def calls(count: int) -> Iterator[Span]:
    """Calls of a hundred traces, mixed."""
    for n in range(count):
        attributes = {
            a.GEN_AI_OPERATION_NAME: "execute_tool",
            a.GEN_AI_TOOL_NAME: f"look_{n}",
            a.GEN_AI_TOOL_CALL_ARGUMENTS: f'{{"n": {n}}}',
        }
        yield Span(f"{n % 100 + 1:032x}", f"{n + 1:016x}", attributes=attributes)


def peak_of(count: int, max_steps: int) -> int:
    """The peak of memory in bytes, while so many steps are compiled."""
    compiler = Compiler()
    compile_records(calls(100), compiler)
    tracemalloc.start()
    try:
        done = compile_records(calls(count), compiler, max_steps=max_steps)
        assert (done.spans, len(done.cards)) == (count, 100)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_steps_that_are_too_many_do_not_stay_in_memory() -> None:
    assert peak_of(3000, 150) < peak_of(3000, 3000) / 2
