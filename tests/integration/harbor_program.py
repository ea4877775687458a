"""Harbor, which needs a newer Python than ours, in a cache of the user.

``python -m tests.integration.harbor_program`` makes it; tests only look for it. Python and the
compose plugin are those of a newer Debian, of which the host starts single programs: the host needs
neither. Harbor and all that it needs are pinned in ``harbor_requirements.txt``.
"""

import hashlib
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.debian_rootfs import rootfs
from tests.integration.programs import CACHE

REQUIREMENTS = Path(__file__).with_name("harbor_requirements.txt")

_SUITE = "trixie"
_PYTHON = "3.13"
_PACKAGES = ("docker-compose", "python3")
_PIP_SECONDS = 600
_RECIPE = 1
"""Is raised when the same requirements make another folder."""

_STARTER = """#!/bin/sh
# The Python of another Debian, with that Debian's libraries, for this program alone.
export PYTHONHOME={root}/usr PYTHONPATH="{site}${{PYTHONPATH:+:$PYTHONPATH}}"
exec {loader} --library-path {libraries} --argv0 {python} {python} -m harbor.cli.main "$@"
"""


@dataclass(frozen=True)
class Harbor:
    """Where it is.

    Attributes:
        folder: with all of it; another version has another one.
    """

    folder: Path

    @property
    def bin(self) -> Path:
        """A folder for ``PATH``, with ``harbor``."""
        return self.folder / "bin"

    @property
    def docker_config(self) -> Path:
        """A folder for ``DOCKER_CONFIG``, with the compose plugin."""
        return self.folder / "docker"


def version() -> str:
    """Of Harbor."""
    found = re.search(r"^harbor==([\d.]+)$", REQUIREMENTS.read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def found() -> Harbor:
    """Where it is, or is to be."""
    made_of = (_RECIPE, _SUITE, platform.machine(), REQUIREMENTS.read_text(), _STARTER)
    digest = hashlib.blake2b(repr(made_of).encode(), digest_size=6).hexdigest()
    return Harbor(CACHE / f"harbor-{digest}")


def need() -> Harbor:
    """Harbor; the test that calls is skipped where it was not made."""
    harbor = found()
    if not harbor.bin.exists():
        pytest.skip(f"Harbor {version()} is not here: make harbor")
    return harbor


def fetch() -> str:
    """Make it unless it is here.

    Returns:
        what was done, in one line.

    Raises:
        subprocess.CalledProcessError: pip failed; its output says why.
    """
    harbor = found()
    if harbor.bin.exists():
        return "cached"
    try:
        archive = rootfs(_PACKAGES, _SUITE)
    except pytest.skip.Exception as e:
        return f"skipped: {e.msg}"
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=archive.parent) as name:
        made = Path(name, "made")
        _install(made / "site")
        _unpack(archive, made / "root")
        _finish(made, harbor.folder)
    return f"made in {time.monotonic() - started:.0f} s"


def _install(site: Path) -> None:
    """Wheels for the other Python, by the pip of ours."""
    flags = ["--no-deps", "--no-compile", "--only-binary=:all:", f"--python-version={_PYTHON}"]
    command = [sys.executable, "-m", "pip", "install", "--quiet", *flags]
    command += [f"--target={site}", f"--requirement={REQUIREMENTS}"]
    subprocess.run(command, check=True, timeout=_PIP_SECONDS, stdout=sys.stderr)


def _unpack(archive: Path, root: Path) -> None:
    """What Python and the plugin need of a file system: files and links below ``/usr``."""
    with tarfile.open(archive) as tar:
        members = [m for m in tar if m.name.startswith("./usr/") and not m.isdev()]
        tar.extractall(root, members, filter="tar")


def _finish(made: Path, folder: Path) -> None:
    """Write what starts it, for where it will be."""
    root = made / "root"
    loader = _only(root, "usr/lib*/ld-linux*.so.*")
    libraries = _only(root, "usr/lib/*-linux-gnu")
    plugin = _only(root, "usr/libexec/docker/cli-plugins/docker-compose")
    starter = _STARTER.format(
        root=folder / "root",
        site=folder / "site",
        loader=folder / "root" / loader,
        libraries=folder / "root" / libraries,
        python=folder / "root" / "usr/bin" / f"python{_PYTHON}",
    )
    plugins = made / "docker" / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-compose").symlink_to(folder / "root" / plugin)
    (made / "bin").mkdir()
    (made / "bin" / "harbor").write_text(starter)
    (made / "bin" / "harbor").chmod(0o755)
    shutil.rmtree(folder, ignore_errors=True)
    made.rename(folder)


def _only(root: Path, pattern: str) -> Path:
    (found, *_) = sorted(path for path in root.glob(pattern) if path.exists())
    return found.relative_to(root)


if __name__ == "__main__":
    sys.stdout.write(f"harbor {version()}: {fetch()}\n")
