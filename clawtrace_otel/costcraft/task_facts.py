"""Facts of tasks: what must not get into a skill, for it would only fit the runs it comes from.

Every string in the data of the runs is looked at: arguments, results, answers, what was asked,
what evaluators said, and files of task data. A string is a fact if few tasks have it. Words of the
tools themselves (their names, names of arguments) are no facts, and neither is a plain lower-case
word such as ``active``: that is a word of the domain.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.errors import CostCraftError
from clawtrace_otel.semconv.canonical import loads
from clawtrace_otel.yaml_io import load_yaml

MAX_FACT_CHARS = 80
"""Of a string that is compared as a whole; longer ones are looked at word by word."""

COMMON_SHARE = 0.2
"""A string that more of the tasks have than this share is a word of the domain."""

MAX_WORDS = 6
"""Of the strings in a rule that are looked up."""

COPIED_WORDS = 7
"""So many words in a row are copied from a task."""

_WORD = re.compile(r"[^\s,;:!?()\[\]{}\"'`]+")
_PLAIN = re.compile(r"[a-z]+(?:[-_'][a-z]+)*")
_CODE = re.compile(r"[0-9_@/\\]")
"""What tells an id, a number, an address or a path from a word of a sentence."""
_NAME = re.compile(r"(?<=[a-z,] )[A-Z]\w+")
"""A word with a capital letter within a sentence."""
_KEY = re.compile(r'"([\w.-]{1,64})"\s*:')


class TaskFacts:
    """What the data of runs holds.

    Args:
        runs: all that were distilled.
        data: JSON and YAML files with data of the tasks, such as what users were to say.

    Raises:
        CostCraftError: a file cannot be read.
    """

    def __init__(self, runs: Sequence[Run], data: Sequence[Path] = ()) -> None:
        self._tasks: dict[str, set[str]] = {}
        self._copied: set[tuple[str, ...]] = set()
        self.vocabulary: set[str] = set()
        for run in runs:
            self._add_run(run)
        for path in data:
            for text in _leaves(load_yaml(path, object, CostCraftError)):
                self._add(str(path), text)
        of_all = {run.task for run in runs}
        self._most = max(1, int(len(of_all) * COMMON_SHARE))

    def found_in(self, text: str) -> str:
        """The first fact in a text; empty if there is none."""
        words = _words(text)
        for size in range(min(MAX_WORDS, len(words)), 0, -1):
            for start in range(len(words) - size + 1):
                said = " ".join(words[start : start + size])
                if self._is_fact(said):
                    return said
        folded = [word.casefold() for word in words]
        for start in range(len(folded) - COPIED_WORDS + 1):
            if tuple(folded[start : start + COPIED_WORDS]) in self._copied:
                return " ".join(words[start : start + COPIED_WORDS])
        return ""

    def _is_fact(self, said: str) -> bool:
        tasks = self._tasks.get(_key(said), ())
        return 0 < len(tasks) <= self._most and said.casefold() not in self.vocabulary

    def _add_run(self, run: Run) -> None:
        for step in run.steps:
            self.vocabulary |= {str(step[key]).casefold() for key in _NAMES if key in step}  # type: ignore[literal-required]
            texts = run.texts(step["n"])
            args = run.args(step["n"])
            self.vocabulary |= {key.casefold() for key in _KEY.findall(args)}
            self.vocabulary |= {key.casefold() for key in _KEY.findall(texts.result)}
            for text in (args, texts.result, texts.said, texts.asked):
                for leaf in _leaves(loads(text)):
                    self._add(run.task, leaf)
        for text in run.evidence:
            self._add(run.task, text)

    def _add(self, task: str, text: str) -> None:
        words = _words(text)
        if len(text) <= MAX_FACT_CHARS and len(words) <= MAX_WORDS:
            self._add_string(task, " ".join(words))
        for word in words:
            if _CODE.search(word):
                self._add_string(task, word)
        for name in _NAME.findall(text):
            self._add_string(task, name)
        folded = [word.casefold() for word in words]
        self._copied.update(
            tuple(folded[n : n + COPIED_WORDS]) for n in range(len(folded) - COPIED_WORDS + 1)
        )

    def _add_string(self, task: str, text: str) -> None:
        if len(text) > 1 and not _PLAIN.fullmatch(text):
            self._tasks.setdefault(_key(text), set()).add(task)


_NAMES = ("tool", "llm", "agent")


def _key(text: str) -> str:
    """What strings are compared by: the code of a place, ``IN``, is not the word ``in``."""
    return text if text.isalpha() else text.casefold()


def _words(text: str) -> list[str]:
    return [match[0].rstrip(".") for match in _WORD.finditer(text)]


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for held in value.values():
            yield from _leaves(held)
    elif isinstance(value, list | tuple):
        for held in value:
            yield from _leaves(held)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
