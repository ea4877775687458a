"""What an oracle says for a repair: that a run failed does not speak for every rule that follows.

A text in a run could have a model propose anything. So an evaluator's words count for a rule only
if the two have something in common: the name of a tool or argument, or two telling words. And the
program knows itself which of the named calls failed and what mended them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from clawtrace_otel.costcraft.llm.checks import signature, stems
from clawtrace_otel.costcraft.model import StepRef
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.semconv.masking import mask

MIN_SHARED_WORDS = 2

_MAX_TEXTS = 5
_MAX_CHARS = 300
_NAME = re.compile(r"[^\W\d_]+")


def evidence_for(rule: str, runs: Mapping[str, Run], steps: Iterable[StepRef]) -> list[str]:
    """What evaluators and calls say for a rule, without repetition; nothing if nothing does.

    Args:
        rule: of a repair.
        runs: that it was proposed of, by trace id.
        steps: that it names.
    """
    told = (text for run in runs.values() for text in run.evidence if _is_about(text, rule))
    found = dict.fromkeys((*_mended(runs, steps), *(mask(text)[:_MAX_CHARS] for text in told)))
    return list(found)[:_MAX_TEXTS]


def _is_about(text: str, rule: str) -> bool:
    names = signature(rule).names
    if any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for name in names):
        return True
    in_names = " ".join(_NAME.findall(" ".join(names)))
    return len((stems(rule) | stems(in_names)) & stems(text)) >= MIN_SHARED_WORDS


def _mended(runs: Mapping[str, Run], steps: Iterable[StepRef]) -> Iterator[str]:
    for ref in steps:
        step = runs[ref.trace_id].by_number.get(ref.n)
        if step is not None and "tool" in step and "repaired_by" in step:
            yield f"`{step['tool']}` failed, and a later call of it was mended"
