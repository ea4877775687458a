"""Reading YAML that people write: safe loader, typed, with the path to what is wrong."""

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec
import yaml
from yaml.composer import Composer, ComposerError
from yaml.constructor import ConstructorError

T = TypeVar("T")

MAX_NUMBER_CHARS = 400
"""Of a number: as many as the smallest and the largest float have, and some more.

The time that PyYAML takes for ``1:1:1…``, digits of base 60, grows with the square of its length,
and a number of over 4,300 digits cannot be printed.
"""

MAX_NODES = 1_000_000
"""Values of a document. With aliases of aliases, few bytes stand for as many as you like."""

MAX_FILE_BYTES = 16 << 20
"""Of a file that people write."""

if not TYPE_CHECKING and hasattr(yaml, "CSafeLoader"):

    class _Base(Composer, yaml.CSafeLoader):
        """libyaml's parser below PyYAML's composer: its own one overflows the stack.

        A text of some 10,000 brackets would end the process.
        """

        def __init__(self, stream: str) -> None:
            yaml.CSafeLoader.__init__(self, stream)
            Composer.__init__(self)
else:
    _Base = yaml.SafeLoader


class Loader(_Base):
    """PyYAML's safe loader, safe too against texts that take long or end the process."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._nodes = 0
        self._sizes: dict[int, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """The next node, or the one that an alias stands for, which counts as often as it is used.

        Raises:
            ComposerError: an alias stands for something that it is in, or all is too much.
        """
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        before = self._nodes
        node = super().compose_node(parent, index)
        size = self._sizes.get(id(node), MAX_NODES) if isinstance(event, yaml.AliasEvent) else 1
        self._nodes += size
        if self._nodes > MAX_NODES:
            msg = f"more than {MAX_NODES:,} values, with aliases written out"
            raise ComposerError(msg)
        self._sizes[id(node)] = self._nodes - before
        return node

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """An integer.

        Raises:
            ConstructorError: it is too long.
        """
        _check_length(node)
        return super().construct_yaml_int(node)

    def construct_yaml_float(self, node: yaml.ScalarNode) -> float:
        """A float.

        Raises:
            ConstructorError: it is too long.
        """
        _check_length(node)
        return super().construct_yaml_float(node)


Loader.add_constructor("tag:yaml.org,2002:int", Loader.construct_yaml_int)
Loader.add_constructor("tag:yaml.org,2002:float", Loader.construct_yaml_float)


def _check_length(node: yaml.ScalarNode) -> None:
    if len(node.value) > MAX_NUMBER_CHARS:
        msg = f"a number of {len(node.value):,} characters"
        raise ConstructorError(None, None, msg, node.start_mark)


def load_yaml(path: Path, kind: type[T], error: type[Exception]) -> T:
    """The file at ``path`` as ``kind``.

    Raises:
        error: the file cannot be read, is no YAML, or does not fit ``kind``; the message names the
            file and the path to the key, such as ``$.models[2].input``.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            msg = f"{path} has over {MAX_FILE_BYTES} bytes"
            raise error(msg)
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        msg = f"cannot read {path}: {e}"
        raise error(msg) from e
    try:
        return msgspec.convert(yaml.load(text, Loader) or {}, kind, strict=False)
    except (yaml.YAMLError, msgspec.ValidationError, ValueError, RecursionError) as e:
        msg = f"{path}: {e}"
        raise error(msg) from e
