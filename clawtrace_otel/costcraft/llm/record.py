"""A run as the analyst is shown it: every step as a line with its cost, and of texts what fits.

What is said in the middle of a run is where its waste is, so the room for texts does not go to the
first and last steps but to failed and repeated ones, and then to the costliest.
"""

from collections.abc import Iterator, Sequence
from math import fsum

from clawtrace_otel.costcraft.llm.excerpt import excerpt
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.tracecard.model import StepLine

MAX_LINES = 400
"""Of steps; of more, those that matter least stand together in lines of their own."""

_TEXT_CHARS = 600
_TASK_CHARS = 2_000
_EVIDENCE_CHARS = 300
_EVIDENCE_SHOWN = 8
_MIN_TEXT_CHARS = 24


def describe(run: Run, max_chars: int, *, costs: bool = True) -> str:
    """A run as text of about ``max_chars`` characters, or more if its lines alone take them.

    Args:
        run: recorded, or a card alone.
        max_chars: room for it.
        costs: whether it says what steps cost.
    """
    ranked = sorted(run.steps, key=lambda step: _rank(step, costs=costs))
    shown = {step["n"] for step in ranked[:MAX_LINES]}
    head = [*_head(run, costs=costs), "", "steps:"]
    lines = {step["n"]: _line(step, costs=costs) for step in ranked[:MAX_LINES]}
    room = max_chars - sum(len(line) + 1 for line in (*head, *lines.values()))
    for step in ranked[:MAX_LINES]:
        for name, text in _texts(run, step["n"]):
            if room < _MIN_TEXT_CHARS:
                break
            said = f" | {name} {excerpt(text, min(_TEXT_CHARS, room))}"
            lines[step["n"]] += said
            room -= len(said)
    return "\n".join((*head, *_in_order(run.steps, shown, lines, costs=costs), *_tail(run)))


def _rank(step: StepLine, *, costs: bool) -> tuple[bool, float, int]:
    flagged = any(key in step for key in ("error", "repeat", "retry_of", "compacted_from"))
    return not flagged, -_cost(step) if costs else 0.0, step["n"]


def _cost(step: StepLine) -> float:
    return step.get("usd") or step.get("carry_usd") or 0.0


def _head(run: Run, *, costs: bool) -> Iterator[str]:
    total = run.card["total"]
    said = {True: "passed", False: "failed", None: "unknown"}[run.passed]
    yield f"outcome: {said}"
    yield f"calls: {total['llm_calls']} of models, {total['tool_calls']} of tools"
    if costs and run.cost is not None:
        yield f"cost: {run.cost:.6f} USD"
    yield f"tools: {', '.join(tools_of(run)) or 'none'}"
    for said_of in run.evidence[:_EVIDENCE_SHOWN]:
        yield f"evaluator: {excerpt(said_of, _EVIDENCE_CHARS)}"
    asked = next((text for step in run.steps if (text := run.texts(step["n"]).asked)), "")
    if asked:
        yield f"first prompt: {excerpt(asked, _TASK_CHARS)}"
    if not run.is_recorded:
        yield "only a summary of this run is known; of texts it has samples"


def tools_of(run: Run) -> list[str]:
    """The names of the tools that were called."""
    return sorted({step["tool"] for step in run.steps if "tool" in step})


def _texts(run: Run, n: int) -> Iterator[tuple[str, str]]:
    texts, step = run.texts(n), run.by_number[n]
    args = run.args(n)
    for name, text in (
        ("error", step.get("error", "")),
        ("args", args if "tool" in step else ""),
        ("result", texts.result),
        ("said", texts.said),
    ):
        if text:
            yield name, text


def _line(step: StepLine, *, costs: bool) -> str:
    return " | ".join((f"{step['n']}. {_what(step)}", *_notes(step, costs=costs)))


def _what(step: StepLine) -> str:
    if "tool" in step:
        return f"tool {step['tool']}"
    if "agent" in step:
        return f"agent {step['agent']}"
    return f"model {step.get('does', '')}".rstrip()


def _notes(step: StepLine, *, costs: bool) -> Iterator[str]:
    if costs and (usd := step.get("usd")) is not None:
        yield f"{usd:.6f} USD"
    if costs and (carry := step.get("carry_usd")) is not None:
        yield f"{carry:.6f} USD to carry its result of {step.get('result_tokens', 0)} tokens"
    if repeat := step.get("repeat"):
        yield f"repeats {repeat['of']}, result {repeat['verdict']}"
    if "error" in step:
        yield "failed"
    if "retry_of" in step:
        yield f"retry of {step['retry_of']}"
    if "repaired_by" in step:
        yield f"repaired by {step['repaired_by']}"
    if "compacted_from" in step:
        yield "context compacted"
    if (used := step.get("output_used")) is not None:
        yield f"{used:.0%} of its answer used"


def _in_order(
    steps: Sequence[StepLine], shown: set[int], lines: dict[int, str], *, costs: bool
) -> Iterator[str]:
    """Lines in time order; steps that have none are summed up where they stood."""
    left_out: list[StepLine] = []
    for step in steps:
        if step["n"] not in shown:
            left_out.append(step)
            continue
        if left_out:
            yield _summed(left_out, costs=costs)
            left_out = []
        yield lines[step["n"]]
    if left_out:
        yield _summed(left_out, costs=costs)


def _summed(steps: Sequence[StepLine], *, costs: bool) -> str:
    cost = f", {fsum(map(_cost, steps)):.6f} USD" if costs else ""
    return f"({len(steps)} steps from {steps[0]['n']} to {steps[-1]['n']} left out{cost})"


def _tail(run: Run) -> Iterator[str]:
    for loop in run.card.get("loops", ()):
        yield f"loop: steps {loop['first']} to {loop['last']}, {loop['count']} rounds"
    folded = run.card.get("folded")
    if not run.is_recorded and folded and folded.get("steps"):
        yield f"({folded['steps']} more steps are not in this summary)"
