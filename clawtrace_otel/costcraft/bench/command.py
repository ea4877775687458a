"""A command line with places in braces. No shell reads it; for one, write ``sh -c '…'``."""

import re
import shlex
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from clawtrace_otel.errors import CostCraftError

_PLACE = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Program and arguments.

    Attributes:
        words: as they were given, but for the program, which is a path.
        here: the folder that ``{here}`` stands for.
    """

    words: Sequence[str]
    here: Path

    @classmethod
    def parse(cls, text: str, here: Path) -> Self:
        """Take a command line apart as a shell would.

        Args:
            text: the command line.
            here: what ``{here}`` stands for.

        Raises:
            CostCraftError: a quote is not closed, it is empty, or there is no such program.
        """
        try:
            words = shlex.split(text)
        except ValueError as e:
            msg = f"the command {text!r} cannot be read: {e}"
            raise CostCraftError(msg) from e
        if not words:
            msg = "the command is empty"
            raise CostCraftError(msg)
        name = words[0].replace("{here}", str(here))
        program = shutil.which(name)
        if program is None:
            msg = f"the command {text!r} starts no program: there is no executable {name!r}"
            raise CostCraftError(msg)
        return cls([str(Path(program).absolute()), *words[1:]], here)

    def fill(self, values: Mapping[str, str]) -> list[str]:
        """Program and arguments with what stands for ``{name}``; braces around others stay."""
        known = {"here": str(self.here), **values}
        return [
            _PLACE.sub(lambda found: known.get(found[1], found[0]), word) for word in self.words
        ]

    def check_files(self, given: Collection[str]) -> None:
        """Find arguments that name a file here, which is not in a run's folder.

        Args:
            given: names of files and folders that a run's folder may have.

        Raises:
            CostCraftError: there is one; the message says how to write it.
        """
        for word in self.words[1:]:
            path = Path(word)
            if path.is_absolute() or not path.parts or path.parts[0] in given:
                continue
            if _is_file(self.here / path):
                msg = f"{word!r} is a file here, but the agent runs in a folder of its own: write "
                msg += f"'{{here}}/{word}'"
                raise CostCraftError(msg)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a word of any length and content
        return False
