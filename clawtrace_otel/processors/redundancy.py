"""Repeated tool and LLM calls: found among the earlier calls of a trace, as they come in.

Two calls are *equal* if tool and canonical arguments are, *near* if the arguments are similar
enough. LLM calls are equal if model, parameters and input messages are. Calls without arguments are
never evidence. The *verdict* says what the repeat brought:

* ``same``: the result was equal, and nothing between the two calls may have changed state;
* ``changed``: the result differs: polling or progress, not waste;
* ``unverified``: results were not captured, or a call in between may have changed state.

A call that repeats a failed one is a *retry*.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from clawtrace_otel.processors.near import DEFAULT_BUDGET, DEFAULT_THRESHOLD, NearIndex
from clawtrace_otel.processors.tool_effects import ToolEffects
from clawtrace_otel.semconv.step import Step

RepeatKind = Literal["equal", "near"]
Verdict = Literal["same", "changed", "unverified"]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A call that repeats an earlier one.

    Attributes:
        of: span id of the earlier call: the first of a run of equal results.
        count: how often the call was made by now, this time included.
        other_agent: the earlier call was another agent's, whose context this one does not share.
    """

    of: str
    kind: RepeatKind
    verdict: Verdict
    count: int
    other_agent: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    """A call that repeats one that failed.

    Attributes:
        of: span id of the failed call.
    """

    of: str


Finding = Repeat | Retry

_Key = tuple[str, str]
"""Tool (empty for LLM calls) and hash of what it was asked (empty if unknown)."""

_NEVER = sys.maxsize


@dataclass(slots=True)
class _Seen:
    span_id: str
    position: int
    context: str
    failed: bool
    result_hash: str
    first: str
    count: int = 1


def _verdict(earlier: _Seen, now: _Seen, undisturbed_since: int) -> Verdict:
    if not earlier.result_hash or not now.result_hash:
        return "unverified"
    if earlier.result_hash != now.result_hash:
        return "changed"
    return "same" if undisturbed_since <= earlier.position else "unverified"


def _llm_key(step: Step) -> _Key:
    # Some APIs send only what is new of a conversation: then equal messages are not yet an equal
    # request, and the number of input tokens tells.
    tokens = step.usage.input if step.usage else ""
    return "", f"{step.request_hash}:{tokens}" if step.request_hash else ""


@dataclass(slots=True)
class RedundancyIndex:
    """The calls of one trace so far.

    Attributes:
        effects: what is known of the tools.
        near_threshold: similarity of arguments from which on calls are near.
        near_budget: comparisons left; see :mod:`clawtrace_otel.processors.near`.
        near_skipped: calls that were not compared because the budget was used up.
    """

    effects: ToolEffects
    near_threshold: float = DEFAULT_THRESHOLD
    near_budget: int = DEFAULT_BUDGET
    near_skipped: int = 0
    _position: int = 0
    _last_change: int = 0
    _hinted: set[str] = field(default_factory=set)
    _seen: dict[_Key, _Seen] = field(default_factory=dict)
    _near: dict[str, NearIndex] = field(default_factory=dict)
    _by_text: dict[_Key, str] = field(default_factory=dict)

    def hint(self, read_only_tools: Iterable[str]) -> None:
        """Tools that the definitions given to a model say are read-only."""
        self._hinted.update(read_only_tools)

    def observe(self, step: Step, context: str = "") -> Finding | None:
        """Compare a call with the earlier ones, and remember it.

        Args:
            step: a tool or LLM call.
            context: id of the agent whose context it is a part of.
        """
        if step.kind == "llm":
            self.hint(step.read_only_tools)
            return self._compare(_llm_key(step), step, context, step.output_hash)
        key = (step.tool, step.args_hash)
        near = self._find_near(step) if step.args and key not in self._seen else None
        changes = self.effects.changes_state(step, self._hinted)
        undisturbed_since = _NEVER if changes else self._last_change
        finding = self._compare(key, step, context, step.result_hash, undisturbed_since, near)
        if changes is not False:
            self._last_change = self._position
        return finding

    def _compare(
        self,
        key: _Key,
        step: Step,
        context: str,
        result_hash: str,
        undisturbed_since: int = 0,
        near: _Key | None = None,
    ) -> Finding | None:
        """Compare with the latest call under ``near`` or ``key``, and keep this one under ``key``.

        The verdict can only be ``same`` if nothing changed state after ``undisturbed_since``.
        """
        self._position += 1
        if not key[1]:
            return None
        earlier = self._seen.get(near or key)
        now = self._seen[key] = _Seen(
            step.span_id, self._position, context, step.error is not None, result_hash, step.span_id
        )
        if earlier is None or earlier.span_id == step.span_id:
            return None
        if earlier.failed:
            return Retry(earlier.span_id)
        verdict = _verdict(earlier, now, undisturbed_since)
        now.count = earlier.count + 1
        if verdict == "same":
            now.first = earlier.first
        return Repeat(
            of=earlier.first if verdict == "same" else earlier.span_id,
            kind="near" if near else "equal",
            verdict=verdict,
            count=now.count,
            other_agent=earlier.context != context,
        )

    def _find_near(self, step: Step) -> _Key | None:
        index = self._near.setdefault(step.tool, NearIndex(self.near_threshold))
        cost = index.cost(step.args)
        if cost > self.near_budget:
            self.near_skipped += 1
            return None
        self.near_budget -= cost
        found = index.find(step.args)
        index.add(step.args)
        self._by_text[step.tool, step.args] = step.args_hash
        return (step.tool, self._by_text[step.tool, found]) if found is not None else None
