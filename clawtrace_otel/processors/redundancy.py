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
    """A call that was observed, and the one that it was compared with."""

    span_id: str
    context: str
    failed: bool
    result_hash: str
    position: int
    undisturbed_since: int
    first: str
    count: int = 1
    earlier: "_Seen | None" = None
    kind: RepeatKind = "equal"


def _compare(now: _Seen) -> Finding | None:
    earlier = now.earlier
    if earlier is None:
        return None
    if earlier.failed:
        return Retry(earlier.span_id)
    verdict = _verdict(earlier, now)
    now.first = earlier.first if verdict == "same" else now.span_id
    return Repeat(
        of=earlier.first if verdict == "same" else earlier.span_id,
        kind=now.kind,
        verdict=verdict,
        count=now.count,
        other_agent=earlier.context != now.context,
    )


def _verdict(earlier: _Seen, now: _Seen) -> Verdict:
    if not earlier.result_hash or not now.result_hash:
        return "unverified"
    if earlier.result_hash != now.result_hash:
        return "changed"
    return "same" if now.undisturbed_since <= earlier.position else "unverified"


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
    _last_change: int = 0
    _hinted: set[str] = field(default_factory=set)
    _by_span: dict[str, _Seen] = field(default_factory=dict)
    _latest: dict[_Key, _Seen] = field(default_factory=dict)
    _latest_in: dict[tuple[str, _Key], _Seen] = field(default_factory=dict)
    _near: dict[str, NearIndex] = field(default_factory=dict)
    _by_text: dict[_Key, str] = field(default_factory=dict)

    def hint(self, read_only_tools: Iterable[str]) -> None:
        """Tools that the definitions given to a model say are read-only."""
        self._hinted.update(read_only_tools)

    def disturb(self) -> None:
        """Something that is no call of the agent's may have changed state."""
        self._last_change = len(self._by_span) + 1

    def observe(self, step: Step, context: str = "") -> Finding | None:
        """Compare a call with the earlier ones, and remember it.

        A call that is observed again, because its span was sent once while it was open and once
        when it had ended, is compared with what it was compared with before.

        Args:
            step: a tool or LLM call.
            context: id of the agent whose context it is a part of.
        """
        result_hash = step.output_hash if step.kind == "llm" else step.result_hash
        now = self._by_span.get(step.span_id)
        if now is None:
            now = self._by_span[step.span_id] = _Seen(
                span_id=step.span_id,
                context=context,
                failed=step.error is not None,
                result_hash=result_hash,
                position=len(self._by_span) + 1,
                undisturbed_since=0,
                first=step.span_id,
            )
            place = self._place_llm_call if step.kind == "llm" else self._place_tool_call
            place(step, now)
        now.failed, now.result_hash = step.error is not None, result_hash
        return _compare(now)

    def _place_llm_call(self, step: Step, now: _Seen) -> None:
        self.hint(step.read_only_tools)
        if not step.request_hash:
            return
        # Some APIs send only what is new of a conversation: then equal messages are not yet an
        # equal request, and the number of input tokens tells. A failed call has none.
        unknown = ("", step.request_hash)
        key = ("", f"{step.request_hash} {step.usage.input}") if step.usage else unknown
        self._compare_with(key if key in self._latest else unknown, now)
        self._remember(key, now)

    def _place_tool_call(self, step: Step, now: _Seen) -> None:
        changes = self.effects.changes_state(step, self._hinted)
        now.undisturbed_since = _NEVER if changes else self._last_change
        if changes is not False:
            self._last_change = now.position
        if not step.args_hash:
            self._place_call_without_arguments(step, now)
            return
        key = (step.tool, step.args_hash)
        self._compare_with(key, now)
        if now.earlier is None and step.args and (near := self._find_near(step)):
            self._compare_with(near, now)
            now.kind = "near"
        self._remember(key, now)

    def _place_call_without_arguments(self, step: Step, now: _Seen) -> None:
        """Only after a failure a call that is known to have no arguments is that call again."""
        if step.args:
            key = (step.tool, step.args)
            self._compare_with(key, now)
            now.earlier = now.earlier if now.earlier is not None and now.earlier.failed else None
            self._remember(key, now)

    def _compare_with(self, key: _Key, now: _Seen) -> None:
        """Find the call before: of the same context, where the result already is, else of any."""
        last = self._latest.get(key)
        now.earlier = self._latest_in.get((now.context, key), last)
        now.count = last.count + 1 if last is not None else 1

    def _remember(self, key: _Key, now: _Seen) -> None:
        self._latest[key] = self._latest_in[now.context, key] = now

    def _find_near(self, step: Step) -> _Key | None:
        index = self._near.setdefault(step.tool, NearIndex(self.near_threshold))
        cost = index.cost(step.args)
        if cost > self.near_budget:
            self.near_skipped += 1
            return None
        self.near_budget -= cost
        found = index.find(step.args)
        # Looked up first: once secrets are masked, what was found can be this very text.
        near = (step.tool, self._by_text[step.tool, found]) if found is not None else None
        index.add(step.args)
        self._by_text[step.tool, step.args] = step.args_hash
        return near
