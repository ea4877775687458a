"""`clawtrace demo`: the whole path on one machine, from an agent's spans to its TraceCard.

Everything is real but the model: the collector and the agent are processes of their own, which
know of each other only what the environment variables say that a user would set.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.syntax import Syntax

from clawtrace_otel.demo import scenario
from clawtrace_otel.demo.model_server import ModelServer
from clawtrace_otel.errors import ClawTraceError
from clawtrace_otel.tracecard.read import read_card
from clawtrace_otel.yaml_io import load_yaml

_READY_SECONDS = 20.0
_AGENT_SECONDS = 60.0
_CARD_SECONDS = 30.0
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.05
_TAIL_LINES = 15

# -P: what lies in the current folder is not to be imported.
_PYTHON_MODULE = (sys.executable, "-P", "-m")

_READY = re.compile(r"collector ready: grpc=\S+ http=(\S+)")
# What the user's own shell may say of telemetry, models and proxies is not about this demo.
_NOT_INHERITED = re.compile(r"(OTEL|OPENAI|TRACELOOP|CLAWTRACE)_.*|.*_PROXY", re.IGNORECASE)

_NEXT = """\
{card}

Where to look next:
  {program} cards ls {cards}
  {program} cards show {card}
  docs/tracecard.md              what each field of a card means

Your own agent, in any language that has an OpenTelemetry SDK:
  {program} collector --cards {cards}
  export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318     (and run your agent)"""


class _DemoError(Exception):
    """The demo did not get as far as it should; the message is for the user."""


def run(cards: Path, *, keep: bool = False) -> int:
    """Run the demo and print the card that it leaves in `cards`; return the exit status.

    Args:
        cards: The folder of the cards; made if there is none.
        keep: Leave the working folder (project, logs, journal) and say where it is.
    """
    work = Path(tempfile.mkdtemp(prefix="clawtrace-demo-"))
    try:
        cards.mkdir(parents=True, exist_ok=True)
        answer, card = _demo(cards, work)
        _check(card)
    except (_DemoError, ClawTraceError, OSError) as error:
        click.echo(f"clawtrace demo failed: {error}", err=True)
        for log in (_collector_log(work), _agent_log(work)):
            _print_tail(log)
        return 1
    finally:
        if keep:
            click.echo(f"working folder: {work}", err=True)
        else:
            shutil.rmtree(work, ignore_errors=True)
    _print_result(answer, card, cards)
    return 0


def _demo(cards: Path, work: Path) -> tuple[str, Path]:
    """Start everything, let the agent work; return its answer and the path of its card."""
    project = work / "project"
    scenario.write_project(project)
    before = set(cards.glob("*.yaml"))
    with (
        Console(stderr=True).status("starting the collector") as status,
        ModelServer(scenario.script) as model,
        _collector(cards, work) as collector,
    ):
        endpoint = _endpoint(collector, _collector_log(work))
        status.update("the agent works")
        answer = _run_agent(project, work, model.url, endpoint)
        status.update("waiting for the TraceCard (a trace is closed when it has been quiet)")
        return answer, _complete_card(cards, before, collector)


def _collector_log(work: Path) -> Path:
    return work / "collector.log"


def _agent_log(work: Path) -> Path:
    return work / "agent.log"


def _environment(**extra: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not _NOT_INHERITED.fullmatch(key)}
    return kept | extra


@contextmanager
def _collector(cards: Path, work: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [*_PYTHON_MODULE, "clawtrace_otel", "collector"]
    command += ["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--metrics", "", "--health", ""]
    command += ["--cards", str(cards), "--journal", str(work / "journal.db")]
    with _collector_log(work).open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=_environment(),
        )
        try:
            yield process
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _endpoint(collector: subprocess.Popen[bytes], log: Path) -> str:
    """Wait until the collector listens; return the URL of its HTTP endpoint."""
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        if ready := _READY.search(log.read_text(encoding="utf-8", errors="replace")):
            return f"http://{ready[1]}"
        _must_run(collector)
        time.sleep(_POLL_SECONDS)
    msg = f"the collector did not say that it is ready within {_READY_SECONDS:.0f} s"
    raise _DemoError(msg)


def _must_run(collector: subprocess.Popen[bytes]) -> None:
    status = collector.poll()
    if status is not None:
        msg = f"the collector ended with status {status}"
        raise _DemoError(msg)


def _run_agent(project: Path, work: Path, model_url: str, endpoint: str) -> str:
    environment = _environment(
        OPENAI_BASE_URL=model_url,
        OPENAI_API_KEY="scripted",
        OTEL_EXPORTER_OTLP_ENDPOINT=endpoint,
    )
    with _agent_log(work).open("wb") as log:
        try:
            agent = subprocess.run(
                [*_PYTHON_MODULE, "clawtrace_otel.demo.agent", str(project)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                timeout=_AGENT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            msg = f"the agent did not end within {_AGENT_SECONDS:.0f} s"
            raise _DemoError(msg) from None
    if agent.returncode != 0:
        msg = f"the agent ended with status {agent.returncode}"
        raise _DemoError(msg)
    return agent.stdout.decode(errors="replace").strip()


def _complete_card(cards: Path, before: set[Path], collector: subprocess.Popen[bytes]) -> Path:
    """Wait for a card that is not of an earlier run and says that its trace is complete."""
    deadline = time.monotonic() + _CARD_SECONDS
    seen: dict[str, str] = {}
    while time.monotonic() < deadline:
        for path in set(cards.glob("*.yaml")) - before:
            status = str(_load(path).get("status"))
            if status == "complete":
                return path
            seen[path.name] = status
        _must_run(collector)
        time.sleep(_POLL_SECONDS)
    found = ", ".join(f"{name} says {status!r}" for name, status in seen.items()) or "there is none"
    msg = f"no new card in {cards} is complete after {_CARD_SECONDS:.0f} s ({found})"
    raise _DemoError(msg)


def _load(path: Path) -> dict[str, Any]:
    """Return the card as plain data, as any reader of YAML sees it."""
    return load_yaml(path, dict[str, Any], _DemoError)


def _check(path: Path) -> None:
    """Raise unless the card is valid and says what has happened."""
    read_card(path)
    card = _load(path)
    total = card["total"]
    wrong = []
    if total["llm_calls"] != scenario.LLM_CALLS:
        wrong.append(f"total.llm_calls is {total['llm_calls']}, not {scenario.LLM_CALLS}")
    if not total["cost_usd"]:
        wrong.append(f"total.cost_usd is {total['cost_usd']}, but every call has a public price")
    redundant = card.get("redundant") or []
    if not any(r.get("tool") == "read_file" and r.get("verdict") == "same" for r in redundant):
        wrong.append("redundant does not say that read_file was called again for the same result")
    if wrong:
        msg = f"{path} is not the card of this run: {'; '.join(wrong)}"
        raise _DemoError(msg)


def _print_tail(log: Path) -> None:
    if not log.exists():
        return
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL_LINES:]
    if lines:
        click.echo(
            f"\nthe end of {log.name}:\n" + "\n".join(f"  {line}" for line in lines), err=True
        )


def _print_result(answer: str, card: Path, cards: Path) -> None:
    click.echo(f"The agent says: {answer}\n\nWhat it cost, step by step:\n")
    text = card.read_text(encoding="utf-8")
    console = Console()
    if console.is_terminal:
        # This theme has no background and no white: it is readable on any terminal.
        console.print(Syntax(text, "yaml", theme="ansi_dark", word_wrap=True))
    else:
        click.echo(text)
    click.echo(_NEXT.format(card=card, cards=cards, program=_program()))


def _program() -> str:
    """How this shell calls the program: a virtual environment need not be active."""
    beside = Path(sys.executable).with_name("clawtrace")
    if shutil.which("clawtrace") or not beside.exists():
        return "clawtrace"
    inside = beside.is_relative_to(Path.cwd())
    return str(beside.relative_to(Path.cwd()) if inside else beside)
