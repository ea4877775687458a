"""One try: install what a page says, write its files, run its lines, and look at the cards."""

import datetime
import json
import string
import subprocess
import tempfile
import time
from pathlib import Path

from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import read_card
from tests.collector.peers import Program
from tests.pages import pages
from tests.pages.environment import Environment
from tests.pages.excerpt import excerpt
from tests.pages.expect import Served, problems
from tests.pages.model import models
from tests.pages.results import Result
from tests.pages.tries import REPORT, TRIES

_CARD_SECONDS = 40
_STAY_SECONDS = 3.0
_POLL_SECONDS = 0.2
_TAIL_CHARS = 3000


class TryError(Exception):
    """A page's lines failed, or did not give the card that they should."""


def attempt(name: str, *, reuse: bool = False) -> Result:
    """Do what the page says, in a fresh environment.

    Args:
        name: `PAGE` or `PAGE:VARIANT`.
        reuse: take the environment of the last try if the same is to be installed.

    Raises:
        TryError: the lines failed, or the cards are not what they should be.
    """
    blocks = {block.what: block.text for block in pages.blocks_of(name)}
    digest = pages.digest(name)  # before somebody edits the page
    lines = blocks.pop("install")
    environment = Environment(lines, reuse=reuse)
    try:
        environment.install()
    except subprocess.SubprocessError as error:
        raise TryError(str(error)) from None
    with tempfile.TemporaryDirectory() as folder:
        card = _run(name, blocks, environment, Path(folder))
    return Result(
        day=datetime.datetime.now(datetime.UTC).date().isoformat(),
        digest=digest,
        versions=environment.versions(),
        card=card,
    )


def _run(name: str, blocks: dict[str, str], environment: Environment, folder: Path) -> str:
    """Run the agent beside the service; what a page shows of its cards."""
    wanted = TRIES[name]
    # A service that waits less: what comes late gives the card another revision.
    settings = {"settle_seconds": 1.0, "refresh_seconds": 1.0}
    with models() as (model, leads), Program(folder, **settings) as service:
        lines = blocks.pop("run")
        addresses = {"127.0.0.1:4318": service.http, "127.0.0.1:4317": service.grpc}
        written = {"report.xlsx": REPORT, "report.txt": REPORT}
        written |= {path: string.Template(t).substitute(leads) for path, t in wanted.files.items()}
        for path, text in blocks.items():
            written[path] = _joined(path, written.get(path), _with(text, addresses))
        for path, text in written.items():
            _write(environment.work / path, text)
        env = leads | {"PATH": environment.path, "HOME": str(environment.work)}
        env |= wanted.env
        _agent(_with(lines, addresses), environment.work, env, folder, wanted.seconds)
        folders = {"service": service.cards, "process": environment.work / "tracecards"}
        kept = [folders[place] for place in wanted.places]
        for cards in kept:
            _settled(name, cards, model.served)
        time.sleep(_STAY_SECONDS)  # and they stay so
        shown = [excerpt(_settled(name, cards, model.served), wanted.shown) for cards in kept]
        return shown[0]


def _joined(path: str, prepared: str | None, text: str) -> str:
    """What is prepared, and the page's own: objects of JSON become one, other text is appended."""
    if prepared and path.endswith(".json"):
        return json.dumps(json.loads(prepared) | json.loads(text), indent=2)
    return (prepared or "") + text


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _with(text: str, places: dict[str, str]) -> str:
    for name, place in places.items():
        text = text.replace(name, place)
    return text


def _agent(lines: str, work: Path, env: dict[str, str], folder: Path, seconds: int) -> None:
    log = folder / "agent.log"
    with log.open("wb") as told:
        try:
            subprocess.run(
                ["bash", "-eu", "-c", lines],
                cwd=work,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=told,
                timeout=seconds,
                check=True,
            )
        except subprocess.SubprocessError as error:
            tail = log.read_text(encoding="utf-8", errors="replace")[-_TAIL_CHARS:]
            msg = f"{type(error).__name__}\n{tail}"
            raise TryError(msg) from None


def _settled(name: str, folder: Path, served: list[Served]) -> list[Path]:
    """Wait until the cards are as they should be."""
    deadline = time.monotonic() + _CARD_SECONDS
    while True:
        found = {path: read_card(path) for path in folder.glob("*.yaml")}
        paths = sorted(found, key=lambda path: _begun(found[path]))
        wrong = problems(TRIES[name].expected, [found[path] for path in paths], served)
        if not wrong:
            return paths
        if time.monotonic() > deadline:
            told = "\n---\n".join(path.read_text(encoding="utf-8") for path in paths)
            raise TryError("\n".join([*wrong, told]))
        time.sleep(_POLL_SECONDS)


def _begun(card: Card) -> str:
    return card["started"]
