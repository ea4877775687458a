"""Images under their public names, made here where no registry is asked for them.

They are made of the same kind of parts: Debian's packages, and the programs of
:mod:`tests.integration.programs`. An image that is there already is used as it is.
"""

import io
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from tests.integration.debian_rootfs import host_settings, rootfs, with_files
from tests.integration.docker_engine import DockerError, Engine
from tests.integration.programs import need

LABEL = "clawtrace.stand-in"
"""On every image that is made here; its value says of what."""

USER = "10001"
"""That of the official images of the Collector and of Jaeger."""

_POSTGRES_START = "/usr/local/bin/start"


@dataclass(frozen=True)
class Image:
    """An image that the engine has.

    Attributes:
        name: repository and version.
        id: of its content.
        size: in bytes, with the layers that it shares with others.
        stand_in: what it was made of here; "" for one that was not.
    """

    name: str
    id: str
    size: int
    stand_in: str

    def __str__(self) -> str:
        """For people."""
        made = f"stand-in made of {self.stand_in}" if self.stand_in else "as it was found"
        return f"{self.name} {self.id[:19]} {self.size / 1e6:.0f} MB, {made}"


@dataclass(frozen=True)
class StandIn:
    """How an image is made.

    Attributes:
        made_of: in a few words.
        archive: writes its root file system into a folder, and returns the file.
        changes: instructions of a Dockerfile.
    """

    made_of: str
    archive: Callable[[Path], Path]
    changes: tuple[str, ...]


def _python(folder: Path) -> Path:
    packages = ("ca-certificates", "python3", "python3-pip", "python3-venv")
    return with_files(rootfs(packages), host_settings(), folder)


def _program(name: str, path: str) -> Callable[[Path], Path]:
    """A file system with one program and nothing else, as those of the official images."""

    def archive(folder: Path) -> Path:
        content = need(name).read_bytes()
        member = tarfile.TarInfo(path)
        member.size, member.mode = len(content), 0o755
        written = folder / f"{name}.tar"
        with tarfile.open(written, "w") as tar:
            tar.addfile(member, io.BytesIO(content))
        return written

    return archive


def _postgres(folder: Path) -> Path:
    start = Path(__file__).with_name("postgres_start.sh").read_bytes()
    return with_files(rootfs(("postgresql",)), {_POSTGRES_START: start}, folder)


STAND_INS = {
    "python": StandIn("Debian's python3", _python, ('CMD ["python3"]',)),
    "otel/opentelemetry-collector-contrib": StandIn(
        "the Collector that is built for the tests",
        _program("otelcol", "otelcol-contrib"),
        (
            f"USER {USER}",
            'ENTRYPOINT ["/otelcol-contrib"]',
            'CMD ["--config", "/etc/otelcol-contrib/config.yaml"]',
        ),
    ),
    "jaegertracing/jaeger": StandIn(
        "the Jaeger that is built for the tests, v2.13.0, without its page",
        _program("jaeger", "cmd/jaeger/jaeger-linux"),
        (
            f"USER {USER}",
            "ENV JAEGER_LISTEN_HOST=0.0.0.0",
            'ENTRYPOINT ["/cmd/jaeger/jaeger-linux"]',
        ),
    ),
    "postgres": StandIn(
        "Debian's postgresql",
        _postgres,
        (
            "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "VOLUME /var/lib/postgresql/data",
            "EXPOSE 5432",
            f'ENTRYPOINT ["{_POSTGRES_START}"]',
        ),
    ),
}
"""Repository -> how its image is made."""


def found(engine: Engine, name: str) -> Image | None:
    """The image of a name, if the engine has one."""
    made_of = f'{{{{with .Config.Labels}}}}{{{{index . "{LABEL}"}}}}{{{{end}}}}'
    shown = f"{{{{.Id}}}} {{{{.Size}}}} {made_of}"
    try:
        id_, size, *label = engine.docker("image", "inspect", "--format", shown, name).split(" ", 2)
    except DockerError:
        return None
    return Image(name, id_, int(size), "".join(label))


class Images:
    """The images of an engine. A context manager that removes the stand-ins which it made.

    Args:
        engine: that is to have them.
        folder: for what is read once.
    """

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self._folder = folder
        self._made: dict[str, Image] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.engine.is_own:
            return  # and gone in a moment, with all that it has
        for name in self._made:
            self.engine.succeeds("image", "rm", name)  # unless something else uses it by now
        # The first stage of the image that was built on them has no name.
        self.engine.docker("image", "prune", "--force", f"--filter=label={LABEL}")

    def need(self, name: str) -> Image:
        """The image of a name: as the engine has it, else a stand-in.

        Args:
            name: repository and version.
        """
        if name in self._made:
            return self._made[name]
        has = found(self.engine, name)
        if has and not has.stand_in:
            return has
        repository = name.rpartition(":")[0]
        if repository not in STAND_INS:
            pytest.skip(f"there is no image {name} here, and no stand-in for it")
        self._made[name] = made = self._import(name, STAND_INS[repository])
        return made

    def _import(self, name: str, stand_in: StandIn) -> Image:
        archive = stand_in.archive(self._folder)
        changes = (*stand_in.changes, f'LABEL {LABEL}="{stand_in.made_of}"')
        flags = [f"--change={change}" for change in changes]
        self.engine.docker("import", *flags, str(archive), name)
        archive.unlink()
        made = found(self.engine, name)
        assert made is not None
        return made
