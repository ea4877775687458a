"""What happens in a generated run, and what is known of it."""

import random
from dataclasses import dataclass, field

from clawtrace_otel.importers.formats.span_maker import Failure, SpanMaker, ToolCall, fail
from clawtrace_otel.span import Span

START_NS = 1_793_613_600_000_000_000  # 2026-11-02T10:00:00Z
STEP_NS = 1_000_000_000

_WORDS = (
    *("amber", "basin", "cedar", "delta", "ember", "fjord", "grove", "harbor", "inlet", "jetty"),
    *("kelp", "lagoon", "meadow", "north", "orchard", "prairie", "quarry", "ridge", "summit"),
    *("tundra", "upland", "valley", "willow", "yonder", "zenith", "anchor", "beacon", "cobalt"),
)


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of a call.

    Attributes:
        case: the scene that it was made in.
        redundant: an agent that remembers what it was told before would have lost nothing.
    """

    case: str
    redundant: bool


@dataclass(slots=True)
class Script:
    """What happens in a run, written down call by call.

    Attributes:
        rng: decides everything.
        truths: by span id.
    """

    rng: random.Random
    maker: SpanMaker
    case: str = ""
    spans: list[Span] = field(default_factory=list)
    truths: dict[str, Truth] = field(default_factory=dict)
    _names: set[str] = field(default_factory=set)
    _now: int = START_NS

    def name(self) -> str:
        """A name that nothing else in the run has."""
        while True:
            name = "_".join([*self.rng.sample(_WORDS, 2), str(self.rng.randrange(1000))])
            if name not in self._names:
                self._names.add(name)
                return name

    def call(
        self,
        tool: str,
        arguments: str | None,
        result: str | None,
        *,
        redundant: bool = False,
        failed: bool = False,
        agent: str = "",
    ) -> None:
        """A call of a tool.

        Args:
            tool: its name.
            arguments: as the instrumentation wrote them; ``None`` if it did not.
            result: likewise.
            redundant: what is true of it.
            failed: its span has failed.
            agent: span id of the sub-agent that makes it; empty for the main one.
        """
        span_id = self.maker.id_of("tool", str(len(self.spans)))
        call = ToolCall(tool, arguments=arguments, result=result)
        span = self.maker.tool(span_id, agent or self.maker.root_id, self._times(), call)
        self.spans.append(fail(span, Failure("tool_error", result or "") if failed else None))
        self.truths[span_id] = Truth(self.case, redundant)

    def sub_agent(self) -> str:
        """Start a sub-agent; returns its span id."""
        span_id = self.maker.id_of("agent", str(len(self.spans)))
        self.spans.append(
            self.maker.agent(span_id, "helper", self._times(), parent=self.maker.root_id)
        )
        return span_id

    def meanwhile(self) -> None:
        """Nothing, other reads, or a command that changes nothing, which nobody can know."""
        kind = self.rng.choices(("nothing", "reads", "command"), _BETWEEN)[0]
        case, self.case = self.case, "meanwhile"
        if kind != "nothing":
            for _ in range(self.rng.randint(1, 3)):
                name = self.name()
                self.call("read_file", f'{{"path": "src/{name}.py"}}', f"class {name.title()}: ...")
        if kind == "command":
            self.call("bash", f'{{"command": "echo {self.name()}"}}', "done")
        self.case = case

    def _times(self) -> tuple[int, int]:
        self._now += STEP_NS
        return self._now, self._now + STEP_NS // 2


_BETWEEN = (40, 35, 25)
"""Shares of what lies between two calls of a scene."""
