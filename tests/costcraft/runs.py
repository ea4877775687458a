"""Recorded runs for tests: spans by hand, made into runs by the real compiler.

Prices are those of ``tests.tracecard.prices``; tools named ``read_…`` are known to only read. Times
and ids are fixed: step after step, a millisecond apart.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clawtrace_otel.costcraft.read_runs import Runs, runs_of
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.importers.formats.span_maker import (
    Failure,
    SpanMaker,
    Tokens,
    ToolCall,
    answer,
    call_part,
    fail,
    text_part,
)
from clawtrace_otel.importers.importer import Record, Told
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.step import Evaluation
from clawtrace_otel.span import Span
from clawtrace_otel.tracecard.fit import fit
from tests.tracecard.prices import ROUND, round_compiler
from tests.tracecard.traces import START_NS

_MS = 1_000_000


@dataclass
class RunBuilder:
    """One run, step behind step.

    Attributes:
        name: what tells it from other runs; its trace id follows from it.
        task: which task it attempts; empty if it does not say so.
        passed: what an evaluator says; ``None`` if nobody says anything.
        because: what the evaluator explains.
    """

    name: str = "run 1"
    task: str = ""
    passed: bool | None = None
    because: str = ""
    spans: list[Span] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.maker = SpanMaker("test", self.name, service="test", conversation="")

    def llm(
        self,
        said: str = "",
        calls: Sequence[tuple[str, object]] = (),
        tokens: Tokens | None = None,
        under: str = "",
        *,
        asked: str = "",
        thought: bool = False,
        model: str = ROUND,
    ) -> str:
        """An LLM call; 1,000 fresh and 10 answered tokens if no other are given.

        Args:
            said: the text of its answer.
            calls: tool and arguments of what it asks for.
            tokens: its usage.
            under: span id of the agent that it is a part of; empty for the main one.
            asked: what it was asked.
            thought: whether there is reasoning in the answer.
            model: that answered.
        """
        parts = [text_part(said)] if said else []
        parts += [{"type": "reasoning", "content": "hm"}] if thought else []
        parts += [call_part("", tool, arguments) for tool, arguments in calls]
        attributes: dict[str, object] = {
            a.GEN_AI_RESPONSE_MODEL: model,
            a.GEN_AI_OUTPUT_MESSAGES: answer(parts),
            **(tokens or Tokens(fresh=1000, output=10)).attributes(),
        }
        if asked:
            attributes[a.GEN_AI_INPUT_MESSAGES] = [{"role": "user", "content": asked}]
        return self._keep(
            self.maker.chat(self._id(), under or self.maker.root_id, self._times(), attributes)
        )

    def tool(
        self,
        name: str,
        arguments: object = None,
        result: object = "done",
        under: str = "",
        *,
        error: str = "",
        read_only: bool | None = None,
    ) -> str:
        """A tool call; with an ``error``, such as ``ValueError: no such day``, it failed."""
        call = ToolCall(name, "", arguments, error or result, read_only)
        span = self.maker.tool(self._id(), under or self.maker.root_id, self._times(), call)
        kind = error.partition(":")[0]
        return self._keep(fail(span, Failure(kind, error) if error else None))

    def turn(
        self,
        name: str,
        arguments: object = None,
        result: object = "done",
        under: str = "",
        *,
        error: str = "",
        tokens: Tokens | None = None,
    ) -> str:
        """An LLM call that asks for one tool call and says nothing, and that call."""
        self.llm(calls=[(name, arguments)], tokens=tokens, under=under)
        return self.tool(name, arguments, result, under, error=error)

    def agent(self, name: str, under: str = "") -> str:
        """A sub-agent, for what is ``under`` the id that is returned."""
        return self._keep(
            self.maker.agent(self._id(), name, self._times(), parent=under or self.maker.root_id)
        )

    def records(self) -> list[Record]:
        """Its spans, the root last, and what the evaluator says."""
        end = START_NS + (len(self.spans) + 1) * _MS
        root = self.maker.agent(self.maker.root_id, "planner", (START_NS, end))
        root.attributes = {**root.attributes, a.CLAWTRACE_TASK_ID: self.task}
        records: list[Record] = [*self.spans, root]
        if self.passed is not None:
            label = "pass" if self.passed else "fail"
            told = Evaluation("checker", float(self.passed), label, self.because, end)
            records.append(Told(self.maker.trace_id, told))
        return records

    def run(self) -> Run:
        """The run as it was recorded."""
        return made([self])[0]

    def card(self, max_bytes: int = 10**9) -> Run:
        """The run of which only the card is left, with as many steps as fit into it."""
        run = self.run()
        return Run(fit(run.card, list(run.items.values()), max_bytes, "sample"))

    def _keep(self, span: Span) -> str:
        self.spans.append(span)
        return span.span_id

    def _id(self) -> str:
        return self.maker.id_of(str(len(self.spans)))

    def _times(self) -> tuple[int, int]:
        start = START_NS + (len(self.spans) + 1) * _MS
        return start, start + _MS // 2


def made(builders: Iterable[RunBuilder]) -> list[Run]:
    """The recorded runs, in the order of their trace ids, as they are read from files."""
    found = Runs()
    records = [record for builder in builders for record in builder.records()]
    runs = list(runs_of(records, round_compiler(), Path("test"), found))
    assert not found.problems
    return sorted(runs, key=lambda run: run.trace_id)


def number(run: Run, tool: str, nth: int = 1) -> int:
    """The step number of the ``nth`` call of a tool, from 1."""
    return [step["n"] for step in run.steps if step.get("tool") == tool][nth - 1]


def as_json(values: Mapping[str, object]) -> str:
    """A result as tools write it."""
    return json.dumps(values)
