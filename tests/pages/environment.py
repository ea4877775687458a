"""A fresh environment for the `install` block of a page: pip's and npm's at once."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

from tests.fixtures.environments import ENVS, ROOT, make_venv

_SECONDS = 900  # for one installation


_made: set[Path] = set()
"""The environments that this process made: what has the same lines shares one."""


class Environment:
    """A virtual environment and an npm prefix, and the folder that a page works in.

    Args:
        lines: those of the `install` block.
        reuse: take the one that an earlier process made of the same lines.
    """

    def __init__(self, lines: str, *, reuse: bool) -> None:
        self._lines = lines
        name = hashlib.blake2b(lines.encode(), digest_size=6).hexdigest()
        self._folder = ENVS / "pages" / name
        self._python, self._npm = self._folder / "python", self._folder / "npm"
        self._done = self._folder / ".installed"
        self._reuse = reuse
        self.work = self._folder / "work"

    @property
    def path(self) -> str:
        """`PATH` with what was installed first."""
        mine = (self._python / "bin", self._npm / "bin", self.work / "node_modules" / ".bin")
        return os.pathsep.join([*map(str, mine), os.environ["PATH"]])

    def install(self) -> None:
        """Install, unless that was done, and empty the folder that the page works in.

        Raises:
            subprocess.SubprocessError: a line failed, or took too long.
        """
        if not (self._done.exists() and (self._reuse or self._folder in _made)):
            shutil.rmtree(self._folder, ignore_errors=True)
            self.work.mkdir(parents=True)
            (self.work / "clawtrace-otel").symlink_to(ROOT)
            make_venv(self._python)
            newest = "python -m pip install --upgrade pip"
            _run(f"{newest}\n{self._lines}", self.work, self._environment())
            self._done.touch()
            _made.add(self._folder)
        for path in self.work.iterdir():
            if path.is_dir() and not path.is_symlink() and path.name != "node_modules":
                shutil.rmtree(path)
            elif path.is_file() and not path.name.startswith("package"):
                path.unlink()

    def _environment(self) -> dict[str, str]:
        return os.environ | {
            "PATH": self.path,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_QUIET": "1",
            "npm_config_prefix": str(self._npm),
            "npm_config_audit": "false",
            "npm_config_fund": "false",
            "npm_config_loglevel": "error",
        }

    def versions(self) -> dict[str, str]:
        """Of what was installed by name."""
        words = {word.strip("'\"./").split("[")[0] for word in self._lines.split()}
        named = words - {"pip"}
        every = self._of_pip() | self._of_npm()
        return {
            package: version
            for package, version in sorted(every.items())
            if any(package == word or word.startswith(f"{package}@") for word in named)
        }

    def _of_pip(self) -> dict[str, str]:
        pip = [str(self._python / "bin" / "pip"), "list", "--format=json"]
        told = json.loads(_output(pip, self.work))
        return {package["name"]: package["version"] for package in told}

    def _of_npm(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for modules in (self._npm / "lib" / "node_modules", self.work / "node_modules"):
            for path in [*modules.glob("*/package.json"), *modules.glob("@*/*/package.json")]:
                told = json.loads(path.read_bytes())
                found[told["name"]] = told["version"]
        return found


def _run(lines: str, folder: Path, env: dict[str, str]) -> None:
    shell = ["bash", "-eu", "-c", lines]
    subprocess.run(
        shell, cwd=folder, env=env, check=True, timeout=_SECONDS, stdout=subprocess.DEVNULL
    )


def _output(command: list[str], folder: Path) -> bytes:
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60).stdout
