"""One run read by a model: a success analyst asks once, an error analyst may look things up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from clawtrace_otel.costcraft.llm.answers import Findings, LookUp, Proposal, Proposals
from clawtrace_otel.costcraft.llm.checks import MAX_RULE_CHARS
from clawtrace_otel.costcraft.llm.client import Message
from clawtrace_otel.costcraft.llm.endpoint import Endpoint
from clawtrace_otel.costcraft.llm.excerpt import fenced
from clawtrace_otel.costcraft.llm.look_ups import look_up
from clawtrace_otel.costcraft.llm.options import LlmOptions
from clawtrace_otel.costcraft.llm.own_trace import Branch, OwnTrace
from clawtrace_otel.costcraft.llm.prompts import render
from clawtrace_otel.costcraft.llm.record import describe
from clawtrace_otel.costcraft.model import Action
from clawtrace_otel.costcraft.run import Run

_MAX_SKILL_CHARS = 12_000

Outcome = Literal["passed", "failed", "unknown"]

_ACTIONS: dict[Outcome, tuple[Action, ...]] = {
    "passed": ("prune", "preserve"),
    "failed": ("repair", "prune"),
    "unknown": ("prune",),
}
"""Outcome of a run -> what may be proposed."""

_NAMES: dict[Outcome, str] = {
    "passed": "success_analyst",
    "failed": "error_analyst",
    "unknown": "cost_analyst",
}


def outcome_of(run: Run) -> Outcome:
    """The outcome of a run, in a word."""
    return "unknown" if run.passed is None else "passed" if run.passed else "failed"


def actions_for(run: Run, options: LlmOptions) -> tuple[Action, ...]:
    """What may be proposed of a run; nothing: it need not be asked of."""
    allowed = _ACTIONS[outcome_of(run)]
    return allowed if options.allow_prune else tuple(a for a in allowed if a != "prune")


@dataclass(frozen=True, slots=True)
class Analyst:
    """Reads runs.

    Attributes:
        endpoint: is asked.
        own: gets a span for each run.
        skill: the text of the base skill.
        options: bounds.
    """

    endpoint: Endpoint
    own: OwnTrace
    skill: str
    options: LlmOptions

    async def read(self, run: Run) -> list[Proposal]:
        """What the model proposes of a run.

        Raises:
            UnansweredError, StoppedError, CostCraftError: see :meth:`Endpoint.ask`.
        """
        with self.own.analyst(_NAMES[outcome_of(run)]) as branch:
            if run.passed is False and self.options.max_look_ups:
                return await self._investigate(run, branch)
            messages = self._open(run, Proposals, 0)
            return (await self.endpoint.ask(messages, Proposals, branch)).proposals

    async def _investigate(self, run: Run, branch: Branch) -> list[Proposal]:
        left = self.options.max_look_ups
        messages = self._open(run, Findings, left)
        while True:
            found = await self.endpoint.ask(messages, Findings, branch)
            wanted = found.look_ups[:left]
            if not wanted:
                return found.proposals
            left -= len(wanted)
            said = msgspec.json.encode(found).decode()
            messages = [*messages, _message("assistant", said), _results(run, wanted, left, branch)]

    def _open(self, run: Run, kind: type[Proposals | Findings], look_ups: int) -> list[Message]:
        system = render(
            "analyst",
            kind,
            outcome=outcome_of(run),
            actions=actions_for(run, self.options),
            max_rule_chars=MAX_RULE_CHARS,
            max_look_ups=look_ups,
            skill=fenced(self.skill[:_MAX_SKILL_CHARS]),
        )
        record = describe(run, self.options.max_prompt_chars, costs=self.options.show_cost)
        return [_message("system", system), _message("user", fenced(record))]


def _message(role: Literal["system", "user", "assistant"], content: str) -> Message:
    return {"role": role, "content": content}


def _results(run: Run, wanted: Sequence[LookUp], left: int, branch: Branch) -> Message:
    found: list[str] = []
    for one in wanted:
        result = look_up(run, one)
        asked = msgspec.json.encode(one).decode()
        branch.look_up(one.tool, asked, result)
        found.append(f"{asked}\n{result}")
    data = fenced("\n\n".join(found))
    rest = f"{left} look-ups are left." if left else "No look-up is left: answer with proposals."
    return _message("user", f"{data}\n{rest}")
