"""What the analyst of a failing run may look up: a step, a text, what evaluators said.

They read the run and nothing else. Whatever they return is data, cut and without secrets.
"""

import re

from clawtrace_otel.costcraft.llm.answers import LookUp
from clawtrace_otel.costcraft.llm.excerpt import excerpt
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.semconv.masking import mask

_STEP_CHARS = 4_000
_AROUND_CHARS = 160
_MAX_HITS = 10
_MAX_EVIDENCE = 20
_EVIDENCE_CHARS = 1_000


def look_up(run: Run, wanted: LookUp) -> str:
    """What was asked for, or why it cannot be shown."""
    if wanted.tool == "show_step":
        return _show_step(run, wanted.n)
    if wanted.tool == "search":
        return _search(run, wanted.text or "")
    found = [excerpt(text, _EVIDENCE_CHARS) for text in run.evidence[:_MAX_EVIDENCE]]
    return "\n".join(found) or "no evaluator explained anything"


def _show_step(run: Run, n: int | None) -> str:
    if n is None or n not in run.by_number:
        return f"there is no step {n}"
    texts = run.texts(n)._replace(args=run.args(n))._asdict()
    error = run.by_number[n].get("error", "")
    said = {"error": error, **texts}
    found = [f"{name}: {excerpt(text, _STEP_CHARS)}" for name, text in said.items() if text]
    return "\n".join(found) or f"nothing is known of what was said in step {n}"


def _search(run: Run, text: str) -> str:
    """In texts without their secrets: what is cut from around a hit may not be known for one."""
    if not text.strip():
        return "there is nothing to search for"
    wanted = re.compile(re.escape(text), re.IGNORECASE)
    hits: list[str] = []
    for step in run.steps:
        for name, said in run.texts(step["n"])._replace(args=run.args(step["n"]))._asdict().items():
            shown = mask(said)
            hit = wanted.search(shown)
            if hit is not None and len(hits) < _MAX_HITS:
                around = shown[max(0, hit.start() - _AROUND_CHARS) : hit.end() + _AROUND_CHARS]
                hits.append(f"step {step['n']}, {name}: {excerpt(around, len(around))}")
    return "\n".join(hits) or f"{excerpt(text, _AROUND_CHARS)} is in no step"
