"""Prints drawn pairs to be read: ``python -m tests.evidence.pairs [from] [to]``."""

import sys
from collections.abc import Iterator

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.canonical import text_of
from tests.evidence.pairs.draw import Pair, drawn
from tests.evidence.traces import Call

_CHARS, _FEW, _LISTED = 420, 110, 12


def main() -> None:
    """Print them."""
    bounds = [int(text) for text in sys.argv[1:]]
    low, high = (*bounds, *(0, 10_000)[len(bounds) :])
    for number, pair in list(enumerate(drawn()))[low:high]:
        print("\n".join(_lines(number, pair)))


def _lines(number: int, pair: Pair) -> Iterator[str]:
    first, second, stratum = pair.first, pair.second, pair.stratum
    yield f"=== {number} {stratum.source} {pair.key.trace_id[:6]} {first.n} -> {second.n}"
    agents = "" if first.context == second.context else " OTHER AGENT"
    yield f"{second.tool} {pair.similarity:.2f}{agents}"
    yield f"A  {_cut(first.arguments)}{' FAILED' if first.failed else ''}"
    if second.arguments != first.arguments:
        yield f"B  {_from(second.arguments, first.arguments)}"
    yield f"A> {_cut(first.result)}"
    same = second.result == first.result
    yield "B> (equal)" if same else f"B> {_from(second.result, first.result)}"
    yield from _between(pair)


def _between(pair: Pair) -> Iterator[str]:
    calls = {call.n: call for call in pair.trace.calls()}
    lines = []
    for item in pair.trace.items():
        if not pair.first.n < item.n < pair.second.n:
            continue
        if item.n in calls:
            lines.append(f"  {item.n} {_short(calls[item.n])}")
        elif texts := _said(pair, item.step.span_id):
            lines.append(f"  {item.n} says {texts}")
    lines += [
        "  (a user acts)"
        for step in pair.trace.steps
        if step.kind == "span" and step.read_only is False and _is_between(pair, step.start_ns)
    ]
    if len(lines) > _LISTED:
        lines = [*lines[: _LISTED // 2], f"  … {len(lines) - _LISTED} …", *lines[-_LISTED // 2 :]]
    yield from lines


def _is_between(pair: Pair, at_ns: int) -> bool:
    spans = pair.trace.spans
    low, high = (spans[call.span_id].start_ns for call in (pair.first, pair.second))
    return low < at_ns <= high


def _said(pair: Pair, span_id: str) -> str:
    span = pair.trace.spans.get(span_id)
    text = text_of(span.attributes.get(a.GEN_AI_OUTPUT_MESSAGES, "")) if span else ""
    return _one_line(text)[:160] if '"type":"text"' in text else ""


def _short(call: Call) -> str:
    failed = " FAILED" if call.failed else ""
    return f"{call.tool} {_one_line(call.arguments)[:_FEW]}{failed} > {_one_line(call.result)[:60]}"


def _from(text: str, other: str) -> str:
    """A text from a little before it differs from another."""
    at = next((i for i, (x, y) in enumerate(zip(text, other, strict=False)) if x != y), 0)
    start = max(at - 40, 0) if len(text) > _CHARS else 0
    return f"{'…' if start else ''}{_cut(text[start:])}"


def _cut(text: str) -> str:
    line = _one_line(text)
    return line if len(line) <= _CHARS else f"{line[: _CHARS - 1]}… ({len(line)})"


def _one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    main()
