"""What evaluators said of a run, as the outcome of its card."""

from collections.abc import Iterable

from clawtrace_otel.semconv.content import shown_text
from clawtrace_otel.semconv.step import Evaluation
from clawtrace_otel.settings import Content
from clawtrace_otel.tracecard.lines import MAX_NAME_CHARS, clean
from clawtrace_otel.tracecard.model import Outcome

PASSED = frozenset({"pass", "passed", "true", "yes", "ok", "success", "correct"})
FAILED = frozenset({"fail", "failed", "false", "no", "error", "failure", "incorrect"})

MAX_EVIDENCE = 3


def outcome_of(evaluations: Iterable[Evaluation], content: Content = "sample") -> Outcome | None:
    """The outcome of a run; ``None`` if nobody evaluated it.

    Of each evaluator the last word counts. The run passed if all that said pass or fail said pass;
    a score is given if just one evaluator gave one. Explanations are evidence.
    """
    last = {e.name: e for e in sorted(set(evaluations), key=_order)}
    said = list(last.values())
    told = [shown_text(e.explanation, content) for e in said]
    if not said:
        return None
    verdicts = [v for v in map(_passed, said) if v is not None]
    outcome: Outcome = {
        "passed": all(verdicts) if verdicts else None,
        "by": clean(", ".join(e.name or "unknown" for e in said), MAX_NAME_CHARS),
        "evidence": [clean(text) for text in told if text][:MAX_EVIDENCE],
    }
    scores = [e.score for e in said if e.score is not None]
    if len(scores) == 1:
        outcome["score"] = scores[0]
    return outcome


def _passed(evaluation: Evaluation) -> bool | None:
    label = evaluation.label.strip().lower()
    if label in PASSED:
        return True
    return False if label in FAILED else None


def _order(evaluation: Evaluation) -> tuple[int, str, str, str, float]:
    e = evaluation
    return e.time_ns, e.name, e.label, e.explanation, e.score or 0.0
