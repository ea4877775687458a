"""What is prepared for each page that is tried, and what its cards must say."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from tests.pages.expect import Expected

REPORT = "Q1 410\nQ2 395\nQ3 402\nQ4 441\n"
"""What the agents read."""


class Try(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A page, or a variant of it.

    Attributes:
        expected: what its cards must say.
        files: path -> text that a file has beside that of the page.
        env: what is set beside the page's own lines: how to reach the scripted model.
        places: who writes its cards: the service, the agent's own process, or both.
        shown: how many of its cards the page shows.
        seconds: how long the page's lines may take.
    """

    expected: Expected = Expected()
    files: Mapping[str, str] = {}
    env: Mapping[str, str] = {}
    places: tuple[Literal["service", "process"], ...] = ("service",)
    shown: int = 1
    seconds: int = 180


def _without_reasoning(expected: Expected) -> Expected:
    """The same, if spans do not tell how much of the output was reasoning."""
    return msgspec.structs.replace(expected, lost=("reasoning_tokens",))


_TALK = "conversation-1"
_PLANNER = Expected(session=_TALK)
_TEAM = Expected(tools=4, agents=("researcher",), verdicts=("same", "same"))
_NAMED_TEAM = msgspec.structs.replace(_TEAM, session=_TALK)
_HANDOFF = msgspec.structs.replace(_TEAM, agents=("lead", "researcher", "writer"))
# Anthropic's API has no count of thoughts.
_ANTHROPIC = _without_reasoning(_PLANNER)
_HELLO = Expected(tools=0, verdicts=())
_CODER = Expected(tools=3)
_CLAUDE = _without_reasoning(
    Expected(tools=5, agents=("researcher",), verdicts=("same", "unverified"))
)

TRIES: Mapping[str, Try] = {
    "openai:official": Try(expected=_PLANNER),
    "openai:traceloop": Try(expected=_PLANNER),
    "openai:openinference": Try(expected=_PLANNER),
    "anthropic:native": Try(expected=_ANTHROPIC),
    "anthropic:official": Try(expected=_ANTHROPIC),
    "langchain:official": Try(expected=_NAMED_TEAM),
    "langchain:openinference": Try(expected=_NAMED_TEAM),
    "langchain:traceloop": Try(expected=_without_reasoning(_NAMED_TEAM)),
    "langchain:langsmith": Try(expected=_NAMED_TEAM),
    "openai-agents:official": Try(expected=msgspec.structs.replace(_HANDOFF, session=_TALK)),
    "openai-agents:openinference": Try(expected=_HANDOFF),
    "openai-agents:traceloop": Try(expected=_HANDOFF),
    "pydantic-ai": Try(expected=_NAMED_TEAM),
    "strands": Try(expected=_without_reasoning(_NAMED_TEAM)),
    "google-adk": Try(expected=msgspec.structs.replace(_NAMED_TEAM, agents=("research",))),
    "vercel-ai:7": Try(expected=_NAMED_TEAM),
    "vercel-ai:6": Try(expected=_NAMED_TEAM),
    "vercel-ai:5": Try(
        expected=msgspec.structs.replace(
            _NAMED_TEAM, lost=("cache_read_tokens", "reasoning_tokens")
        )
    ),
    "claude-code": Try(
        expected=_CLAUDE,
        env={
            "ANTHROPIC_MODEL": "claude-sonnet-4-5",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",
            "IS_SANDBOX": "1",
        },
        files={
            ".claude/agents/researcher.md": "---\nname: researcher\ndescription: Adds up.\n"
            "tools: Bash\n---\nYou are the researcher.\n"
        },
    ),
    "codex": Try(
        expected=_CODER,
        files={
            ".codex/config.toml": """\
model = "gpt-5"
model_provider = "scripted"
[model_providers.scripted]
name = "scripted"
base_url = "$OPENAI_BASE_URL"
env_key = "OPENAI_API_KEY"
wire_api = "responses"
"""
        },
    ),
    "gemini-cli": Try(
        expected=Expected(cards=7, tools=3, verdicts=()),
        shown=2,
        env={
            "GEMINI_API_KEY": "test",
            "GEMINI_MODEL": "gemini-2.5-pro",
            "GEMINI_CLI_TRUST_WORKSPACE": "true",
        },
        files={
            ".gemini/settings.json": """\
{
  "security": {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": false}},
  "tools": {"core": ["run_shell_command"]},
  "general": {"disableAutoUpdate": true, "disableUpdateNag": true}
}
"""
        },
    ),
    "in-process:environment": Try(expected=_HELLO, places=("process",)),
    "in-process:code": Try(expected=_HELLO, places=("process",)),
    "in-process:both": Try(expected=_HELLO, places=("process", "service")),
    "outcomes:code": Try(expected=msgspec.structs.replace(_HELLO, passed=True)),
    "outcomes:later": Try(expected=msgspec.structs.replace(_HELLO, passed=False)),
}

NOT_TRIED: Mapping[str, str] = {
    "openclaw": "2026.4.29 was installed from npm, under Node 24. With these settings it installed "
    "and loaded the plugin; in 20 minutes, on two busy processors, its agent had not asked the "
    "model. Spans of the plugin are read as its source writes them.",
}
"""Page -> why its lines were not run to a card."""
