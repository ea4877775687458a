"""The jars of a Kafka broker, from Maven's central repository, in a cache of the user.

``python -m tests.integration.kafka_jars`` fetches them. Tests only look for them.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.integration.programs import CACHE

POM = Path(__file__).with_name("pom.xml")
"""What is fetched."""

_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_FETCH_SECONDS = 600


def folder() -> Path:
    """Where the jars are, or are to be; another ``pom.xml`` has another folder."""
    digest = hashlib.blake2b(POM.read_bytes(), digest_size=6).hexdigest()
    return CACHE / f"kafka-{digest}"


def version() -> str:
    """Of Kafka."""
    found = re.search(r"<version>([\d.]{3,})</version>", POM.read_text())
    assert found is not None
    return found[1]


def missing() -> str:
    """Why there can be no broker; "" if there can."""
    if not shutil.which("java"):
        return "no java in PATH"
    return "" if folder().exists() else "its jars are not here: make kafka"


def need() -> Path:
    """The folder of the jars. Skips the test, and says why, where there can be no broker."""
    if reason := missing():
        pytest.skip(f"Kafka {version()}: {reason}")
    return folder()


def fetch() -> str:
    """Fetch the jars unless they are here.

    Returns:
        what was done, in one line.

    Raises:
        subprocess.CalledProcessError: Maven failed; its output says why.
    """
    if folder().exists():
        return "cached"
    for program in ("java", "mvn"):
        if not shutil.which(program):
            return f"skipped: no {program} in PATH"
    started = time.monotonic()
    folder().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder().parent) as made:
        made_jars = Path(made, "jars")
        _run_maven(made_jars)
        made_jars.rename(folder())
    return f"fetched in {time.monotonic() - started:.0f} s"


def _run_maven(jars: Path) -> None:
    command = ["mvn", "--quiet", "--batch-mode", f"--file={POM}", _GOAL]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={jars}"]
    subprocess.run(command, check=True, timeout=_FETCH_SECONDS, stdout=sys.stderr)


if __name__ == "__main__":
    sys.stdout.write(f"kafka {version()}: {fetch()}\n")
