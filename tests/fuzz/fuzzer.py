"""One target under atheris, guided by coverage: ``python -m tests.fuzz.fuzzer TARGET [OPTIONS]``.

Options are those of libFuzzer; it ends the process itself. Exit status: 0 if the time is up, 77 if
an input raised, 70 if one took too long, 71 if one took too much memory.
"""

import random
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["clawtrace_otel"]):
    from clawtrace_otel.importers.registry import MODULES, importer
    from clawtrace_otel.semconv import masking
    from tests.fuzz.checks import compiler
    from tests.fuzz.targets import TARGETS, Target

    # These are imported when they are first needed, which would be too late.
    compiler().pricer.warm_up()
    for name in MODULES:
        importer(name)

from tests.fuzz.choices import RandomChoices
from tests.fuzz.guard import loud, weighed
from tests.fuzz.mutate import mutated
from tests.fuzz.seeds import dictionary


class AtherisChoices:
    """Choices of libFuzzer's bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = atheris.FuzzedDataProvider(data)

    def integer(self, low: int, high: int) -> int:
        """See :class:`tests.fuzz.choices.Choices`."""
        return int(self._data.ConsumeIntInRange(low, high))

    def real(self) -> float:
        """See :class:`tests.fuzz.choices.Choices`."""
        return float(self._data.ConsumeFloat())

    def text(self, size: int) -> str:
        """See :class:`tests.fuzz.choices.Choices`."""
        return str(self._data.ConsumeUnicodeNoSurrogates(self.integer(0, size)))

    def data(self, size: int) -> bytes:
        """See :class:`tests.fuzz.choices.Choices`."""
        return bytes(self._data.ConsumeBytes(self.integer(0, size)))


def find(name: str) -> Target:
    """A target by its name, or by ``module:variable``."""
    module, _, variable = name.partition(":")
    found: Target = getattr(import_module(module), variable) if variable else TARGETS[name]
    return found


def run(target: Target, data: bytes) -> int:
    """Give a target an input; returns the bytes that it made of it."""
    if target.generated is not None:
        return target.generated(AtherisChoices(data))
    if target.run is not None:
        target.run(data)
    return len(data)


def mutate_json(data: bytes, max_size: int, seed: int) -> bytes:
    """A mutator of libFuzzer: half of the time as bytes, half of the time as JSON."""
    changed = mutated(RandomChoices(random.Random(seed)), data) if seed % 2 else None
    if changed is None or len(changed) > max_size:
        return bytes(atheris.Mutate(data, max_size))
    return changed


def main(arguments: list[str]) -> None:
    """Fuzz one target; does not return."""
    target = find(arguments.pop(1))
    masking.warm_up()
    words = Path(tempfile.mkdtemp()) / "words"
    words.write_text(dictionary(), encoding="utf-8")
    flags = [f"-dict={words}", f"-max_len={target.max_len}", "-print_final_stats=1"]
    bounds = ["-timeout=30", "-rss_limit_mb=2048"]
    atheris.Setup(
        [arguments[0], *flags, *bounds, *arguments[1:]],
        lambda data: weighed(lambda: run(target, data)),
        **({"custom_mutator": mutate_json} if target.is_json else {}),
    )
    with loud():
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
