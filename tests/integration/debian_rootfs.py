"""Root file systems of Debian, for images that no registry is asked for."""

import ast
import configparser
import hashlib
import io
import os
import platform
import shutil
import ssl
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.integration.programs import CACHE

SUITE = "bookworm"
CA_BUNDLE = "/etc/ssl/certs/of-the-host.crt"
"""Where an image has the authorities that this host checks TLS against."""

_RECIPE = 1
"""Is raised when the same packages make another file system."""

_SECONDS = 600
# What the official images leave out as well; PostgreSQL's compiler, and its sample of a cluster.
_LEFT_OUT = (
    "./usr/share/doc/*",
    "./usr/share/man/*",
    "./usr/share/locale/*",
    "./var/cache/apt/*",
    "./var/lib/apt/lists/*",
    "./var/lib/postgresql/*",
    "./var/log/*",
    "./usr/lib/*/libLLVM*",
)


def rootfs(packages: Iterable[str], suite: str = SUITE) -> Path:
    """The archive of a minimal Debian with some packages; made once, and kept.

    It skips the test if it is not there and cannot be made.
    """
    included = sorted(packages)
    made_of = repr((_RECIPE, suite, platform.machine(), included, _LEFT_OUT))
    key = hashlib.sha256(made_of.encode()).hexdigest()[:16]
    path = CACHE / "rootfs" / f"{suite}-{key}.tar"
    if not path.exists():
        _need_debootstrap()
        path.parent.mkdir(parents=True, exist_ok=True)
        _make(path, suite, included)
    return path


def _need_debootstrap() -> None:
    if os.geteuid() != 0:
        pytest.skip("a stand-in for a base image can only be made by root")
    if shutil.which("debootstrap") is None:
        pytest.skip("a stand-in for a base image needs debootstrap")


def _make(path: Path, suite: str, packages: list[str]) -> None:
    with TemporaryDirectory(prefix="clawtrace-rootfs-") as name:
        root = Path(name) / "rootfs"
        _debootstrap(root, suite, packages)
        part = path.with_suffix(".part")
        flags = ["--one-file-system", "--numeric-owner"]
        flags += [f"--exclude={pattern}" for pattern in _LEFT_OUT]
        command = ["tar", "--create", f"--directory={root}", f"--file={part}", *flags, "."]
        subprocess.run(command, check=True)
        part.replace(path)


def _debootstrap(root: Path, suite: str, packages: list[str]) -> None:
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(packages)}"]
    done = subprocess.run(
        [*command, suite, str(root)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"debootstrap failed: {done.stdout.splitlines()[-1:]}")


def with_files(archive: Path, files: dict[str, bytes], folder: Path) -> Path:
    """A copy of an archive in ``folder`` with files added; the engine takes no path twice."""
    copied = folder / archive.name
    shutil.copy(archive, copied)
    with tarfile.open(copied, "a") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f".{name}")
            member.size = len(content)
            member.mode = 0o755 if content.startswith(b"#!") else 0o644
            tar.addfile(member, io.BytesIO(content))
    return copied


def host_settings() -> dict[str, bytes]:
    """What this host knows and a container has to, for pip to work in it: path -> content."""
    settings, authorities = _pip_settings(), _authorities()
    if authorities is not None:
        settings.set("global", "cert", CA_BUNDLE)
    written = io.StringIO()
    settings.write(written)
    found = {"/etc/pip.conf": written.getvalue().encode()}
    return found if authorities is None else found | {CA_BUNDLE: authorities}


def _authorities() -> bytes | None:
    """Those that pip trusts here; ``None``: its own."""
    variables = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
    named = [path for name in variables if (path := os.environ.get(name))]
    usual = ssl.get_default_verify_paths().cafile
    files = [Path(path) for path in (*named, usual) if path and Path(path).is_file()]
    return files[0].read_bytes() if files else None


def _pip_settings() -> configparser.RawConfigParser:
    """All settings of pip here as one file; those that are paths of this host are left out."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    settings = configparser.RawConfigParser()
    settings.add_section("global")
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        section, _, key = name.rpartition(".")
        text = str(ast.literal_eval(value))
        if "/" not in text or "://" in text:
            _set(settings, section.replace(":env:", "global"), key, text)
    return settings


def _set(settings: configparser.RawConfigParser, section: str, key: str, value: str) -> None:
    if not settings.has_section(section):
        settings.add_section(section)
    settings.set(section, key, value)
